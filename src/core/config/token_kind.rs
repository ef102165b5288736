//! `token` of an issuer: whether its tokens are access tokens or ID tokens, where `typ` does not say it.

use super::reader::{Field, Given, Node, Presence, Read, Shape, words};
use crate::config_error::ConfigCode;
use crate::profile::{ACCESS_TOKEN_TYP, ID_TOKEN_MARKS, TokenKind, Typ};

static KINDS: [(&str, TokenKind); 2] = [("access", TokenKind::Access), ("id", TokenKind::Id)];

/// `token`
pub(super) const TOKEN: Field = Field {
    name: "token",
    presence: Presence::Default(Given::Text("access")),
    shape: Shape::Words(|| words(&KINDS)),
    write: "`access` or `id`",
    about: "`access`: a token with a mark of an ID token (`nonce`, `at_hash`, `c_hash`, `s_hash`) is rejected, unless its \
            `typ` is `at+jwt`; `id`: ID tokens are accepted",
};

/// Reads it.
pub(super) fn read(node: &Node<'_>) -> Read<TokenKind> {
    node.word(&KINDS)
}

/// Reports an error if no token can be of this kind: all types are those of the other kind, or all tokens would need a claim
/// that marks the other kind. `needed` are the claims that every token must have.
pub(super) fn agrees(node: &Node<'_>, kind: TokenKind, typ: &Typ, needed: &[&str]) -> Read<()> {
    let is_access_token = |value: &String| value == ACCESS_TOKEN_TYP;
    let (message, help) = match kind {
        TokenKind::Id if typ.values.iter().any(is_access_token) => (
            format!("`typ` lists `{ACCESS_TOKEN_TYP}`, which no ID token has, and `token: id` accepts ID tokens"),
            format!("remove `{ACCESS_TOKEN_TYP}` from `typ`, or write `token: access`"),
        ),
        TokenKind::Access if !typ.values.iter().any(is_access_token) => {
            let Some(mark) = needed.iter().find(|claim| ID_TOKEN_MARKS.contains(claim)) else { return Ok(()) };
            (
                format!(
                    "every token needs `{mark}` here, and `token: access` rejects tokens with it: it marks an ID token"
                ),
                format!("write `token: id` to accept ID tokens, or remove what needs `{mark}`"),
            )
        }
        TokenKind::Access | TokenKind::Id | TokenKind::Posture => return Ok(()),
    };
    node.error(ConfigCode::Contradiction, message, help)
}
