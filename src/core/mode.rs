//! Whether decisions are enforced, as the operator chose.

/// Whether refusals are enforced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// They are.
    Enforce,
    /// They are decided and recorded, and the request is forwarded. An ambiguous request is refused in any mode.
    Shadow,
}
