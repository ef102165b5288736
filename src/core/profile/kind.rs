//! Which kind of token a profile accepts, where `typ` does not say it.
//!
//! An ID token tells a client that a user has logged in. It is not a credential for an API (RFC 9068 section 1), but many
//! providers make it with the same `iss`, `aud`, `typ` and key as an access token. Then only claims that the standards define
//! for ID tokens alone tell the two apart. An ID token need not have any of them, so a profile whose provider gives access
//! tokens a `typ` of their own should list that `typ` only.

use crate::jose::Claims;

/// `typ` of an access token (RFC 9068 section 2.1), as it is compared. No ID token has it.
pub const ACCESS_TOKEN_TYP: &str = "at+jwt";

/// Claims that mark an ID token: `nonce`, `at_hash` and `c_hash` (`OpenID` Connect Core 1.0 sections 2 and 3.3.2.11), `s_hash`
/// (FAPI 1.0 Advanced section 5.1). `auth_time`, `acr`, `amr` and `azp` are not here: access tokens have them too
/// (RFC 9068 section 2.2.1).
pub const ID_TOKEN_MARKS: [&str; 4] = ["nonce", "at_hash", "c_hash", "s_hash"];

/// Which kind of token a profile accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// Access tokens. A token with a mark of an ID token is rejected unless its `typ` says that it is an access token.
    Access,
    /// ID tokens, with or without a mark.
    Id,
    /// Statements about devices. They come in a header of their own, and a `nonce` in one marks nothing.
    Posture,
}

impl TokenKind {
    /// The mark by which a token is not of this kind.
    pub(super) fn foreign_mark(self, typ: Option<&str>, claims: &Claims) -> Option<&'static str> {
        match self {
            Self::Access if typ != Some(ACCESS_TOKEN_TYP) => {
                ID_TOKEN_MARKS.into_iter().find(|mark| claims.get(mark).is_some())
            }
            Self::Access | Self::Id | Self::Posture => None,
        }
    }
}
