//! How the tokens of one kind differ in form from a JWT of RFC 7519.
//!
//! Two services of AWS add tokens to requests that state their issuer and their expiry in the JOSE header, where RFC 7519
//! has them in the claim set. Their payloads are what an identity provider said about a user, and a payload can have `iss`,
//! `exp` and other claims of its own that say nothing about the token. A form names the members of the header that count
//! as claims. For each of these names, the claim set has the header's value or none, whatever the payload says.

use serde_json::{Map, Value};

/// The form of a token. The place where a token is presented decides which form it must have, never the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenForm {
    /// Whether each of the three parts has the padding of RFC 4648 section 4. Then a part without it is rejected.
    pub padded: bool,
    /// Members of the JOSE header that are claims in place of the payload's claims of the same names.
    pub header_claims: &'static [&'static str],
}

impl TokenForm {
    /// A JWT: all claims are in the payload, and no part has padding (RFC 7515 section 2).
    pub const JWT: Self = Self { padded: false, header_claims: &[] };

    /// Takes the claims of this form out of a header.
    pub(super) fn take_from(self, header: &mut Map<String, Value>) -> Map<String, Value> {
        let taken = self.header_claims.iter().filter_map(|name| header.remove_entry(*name));
        taken.collect()
    }

    /// Puts the claims of a header in place of the payload's.
    pub(super) fn replace(self, claims: &mut Map<String, Value>, from_header: Map<String, Value>) {
        for name in self.header_claims {
            claims.remove(*name);
        }
        claims.extend(from_header);
    }
}
