//! DPoP proofs (RFC 9449): the sender of a request shows that it holds the key that its access token is bound to.
//!
//! A proof goes through three types, each made only of the one before it:
//!
//! | type | what is known |
//! |---|---|
//! | [`PresentedProof`] | the request has one well-formed proof, and the access token that came with it |
//! | `JudgedProof` | the proof is for this request, this token, this key and this moment, whoever signed it |
//! | [`Unspent`] | the holder of the key signed it; it may have been used before |
//!
//! | check of section 4.3 | where |
//! |---|---|
//! | 1, 2 | [`PresentedProof::read`] |
//! | 3 to 5, 7 to 12 | `PresentedProof::judge` |
//! | 6 | `JudgedProof::verify` |
//! | replay (section 11.1) | [`Unspent::spend`] |

mod judge;
mod presented;
mod target;
mod verified;

pub use presented::PresentedProof;
pub use verified::Unspent;

pub(crate) use judge::{Bound, JudgedProof};

/// The header field of proofs (RFC 9449 section 4.1).
pub(crate) const DPOP: &str = "dpop";

#[cfg(test)]
mod tests;
