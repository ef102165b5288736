//! How far a stream has come.

/// Where a stream stands:
///
/// ```text
/// Deciding -> Judging -> Forwarded
///              |  ^  \\
///              v  |   -> Refused
///            Waiting
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Nothing has been decided; nothing may pass.
    Deciding,
    /// It is being decided about: nothing that is called back meanwhile may pass.
    Judging,
    /// It waits for keys, and will be decided about when they come; until then nothing may pass.
    Waiting,
    /// The client was answered. The stream's one ending call is made: no call may follow.
    Refused,
    /// The request goes on.
    Forwarded,
}
