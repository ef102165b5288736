//! Good tokens, and bad ones of which no two are equal.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use countersign_core::jose::Algorithm;
use countersign_core::limits::TOKEN_BYTES;
use countersign_core::mint::SigningKey;
use serde_json::json;
use test_harness::clock::unix_seconds;
use test_harness::http1::Request;
use test_harness::keys::{DemoKey, KEYS};
use test_harness::tokens::{ALICE, Token, base64url};

use crate::work::{self, HOST};

/// Good tokens, sent in turn.
pub const SESSIONS: usize = 50;
/// Longer than any flood.
const LIFETIME_SECONDS: i64 = 24 * 60 * 60;
/// Entries of a claim that nothing reads: so many make a token as large as the cap allows, 16 KiB.
const LARGE_ENTITLEMENTS: usize = 290;
/// Digits that make a bad token differ from all others.
const DIGITS: usize = 12;

/// What is wrong with a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// The signature does not verify with the key that the token names.
    ForgedSignature,
    /// The token names a key that the provider does not have.
    UnknownKey,
    /// It is not a token at all.
    Garbage,
}

impl Sort {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::ForgedSignature, Self::UnknownKey, Self::Garbage];

    /// Its name in the report.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ForgedSignature => "bad signature",
            Self::UnknownKey => "unknown kid",
            Self::Garbage => "garbage",
        }
    }

    /// The codes that such a token may be refused with.
    #[must_use]
    pub const fn codes(self) -> &'static [&'static str] {
        match self {
            Self::ForgedSignature => &["token-signature"],
            Self::UnknownKey => &["token-key", "keys-unavailable"],
            Self::Garbage => &["token-malformed"],
        }
    }
}

/// Tokens of one size, signed with one key.
pub struct Tokens {
    /// The name in the report.
    pub name: &'static str,
    /// The key of the good ones.
    pub key: Arc<DemoKey>,
    good: Vec<String>,
}

impl Tokens {
    /// About 1 KB, RSA with 2,048 bits.
    #[must_use]
    pub fn ordinary() -> Self {
        Self::new("RS256 with 2,048 bits, 1 KB", Arc::clone(&KEYS.corp_rs256), 8)
    }

    /// 16 KB, RSA with 4,096 bits. The key is kept in this folder, because making one takes long.
    ///
    /// # Errors
    /// The key cannot be made, read or written.
    pub fn large(folder: &Path) -> io::Result<Self> {
        let file = folder.join("flood-rsa4096.pem");
        let key = match fs::read_to_string(&file) {
            Ok(pem) => SigningKey::from_pem(Algorithm::Rs256, &pem).map_err(io::Error::other)?,
            Err(_) => {
                let key = SigningKey::generate_rsa(Algorithm::Rs256, 4_096).map_err(io::Error::other)?;
                fs::write(&file, key.to_pem().map_err(io::Error::other)?)?;
                key
            }
        };
        let key = DemoKey { kid: "flood-rsa4096".to_owned(), alg: Algorithm::Rs256.name(), key };
        Ok(Self::new("RS256 with 4,096 bits, 16 KB", Arc::new(key), LARGE_ENTITLEMENTS))
    }

    fn new(name: &'static str, key: Arc<DemoKey>, entitlements: usize) -> Self {
        let now = unix_seconds();
        let entitlements: Vec<String> =
            (0..entitlements).map(|at| format!("3f2504e0-4f89-11d3-9a0c-{at:012}")).collect();
        let sign = |number: usize| {
            Token::of(ALICE)
                .key(&key)
                .claim("exp", json!(now + LIFETIME_SECONDS))
                .claim("sub", json!(format!("user-{number:06}")))
                .claim("name", json!(format!("User Number {number:06}")))
                .claim("department", json!("engineering"))
                .claim("entitlements", json!(entitlements))
                .sign()
        };
        let good = (0..SESSIONS).map(sign).collect();
        Self { name, key, good }
    }

    /// Bytes of the longest good token.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.good.iter().map(String::len).max().unwrap_or_default()
    }

    fn good(&self, number: usize) -> &str {
        self.good.get(number % SESSIONS).map_or("", String::as_str)
    }

    /// The good request with this number.
    #[must_use]
    pub fn good_request(&self, number: usize) -> Vec<u8> {
        request(number, self.good(number))
    }

    /// A request with the bad token of this number.
    #[must_use]
    pub fn bad_request(&self, sort: Sort, number: usize) -> Vec<u8> {
        request(number, &self.bad(sort, number))
    }

    /// About as long as a good one.
    fn bad(&self, sort: Sort, number: usize) -> String {
        let good = self.good(number);
        let digits = format!("{number:0DIGITS$}");
        let (text, signature) = good.rsplit_once('.').unwrap_or_default();
        let (header, payload) = text.split_once('.').unwrap_or_default();
        let with_digits_at = |text: &str, place: usize| {
            let mut bytes = text.as_bytes().to_vec();
            bytes.iter_mut().skip(place).zip(digits.bytes()).for_each(|(byte, digit)| *byte = digit);
            String::from_utf8_lossy(&bytes).into_owned()
        };
        match sort {
            // In the middle, so that the signature is still less than the modulus: it must be verified.
            Sort::ForgedSignature => format!("{text}.{}", with_digits_at(signature, signature.len() / 2)),
            Sort::UnknownKey => {
                let header = json!({ "alg": self.key.alg, "kid": format!("made-up-{digits}"), "typ": "at+jwt" });
                format!("{}.{payload}.{signature}", base64url(header.to_string()))
            }
            Sort::Garbage if number.is_multiple_of(2) => format!("{}.{payload}.{signature}", with_digits_at(header, 0)),
            Sort::Garbage => with_digits_at(&good.replace('.', "-"), 0),
        }
    }
}

fn request(number: usize, token: &str) -> Vec<u8> {
    debug_assert!(token.len() <= TOKEN_BYTES.default, "a token over the cap is refused before it is read");
    Request::new("GET", work::path(number).as_bytes())
        .header("host", HOST.as_bytes())
        .header("authorization", format!("Bearer {token}").as_bytes())
        .head()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use countersign_core::jose::{Algorithm, AuthenticToken, KeySet, Portable, UnverifiedToken};
    use countersign_core::limits::TOKEN_BYTES;
    use countersign_core::refusal::Reason;
    use test_harness::keys::{KEYS, key_set};

    use super::{LARGE_ENTITLEMENTS, SESSIONS, Sort, Tokens};

    fn refused(token: &str) -> Option<Reason> {
        let keys = key_set(&[Arc::clone(&KEYS.corp_rs256)]);
        let (keys, _) = KeySet::compile(&keys, Some(&[Algorithm::Rs256])).expect("a key set");
        let parsed = UnverifiedToken::parse(token.as_bytes(), TOKEN_BYTES.default);
        parsed.and_then(|token| AuthenticToken::verify(token, &keys, &Portable)).err().map(|refusal| refusal.reason)
    }

    #[test]
    fn no_two_bad_tokens_are_equal_and_each_is_bad_in_its_way() {
        let tokens = Tokens::ordinary();
        assert!((800..1_600).contains(&tokens.bytes()), "{}", tokens.bytes());
        let numbers = 0..3 * SESSIONS;
        for (sort, reason) in
            Sort::ALL.into_iter().zip([Reason::TokenSignature, Reason::TokenKey, Reason::TokenMalformed])
        {
            let bad: BTreeSet<String> = numbers.clone().map(|number| tokens.bad(sort, number)).collect();
            assert_eq!(bad.len(), numbers.len(), "{}", sort.name());
            for token in bad.iter().take(4).chain(bad.iter().rev().take(4)) {
                assert_eq!(refused(token), Some(reason), "{token}");
            }
            assert!(sort.codes().contains(&reason.code()), "{}", sort.name());
        }
        assert_eq!(refused(tokens.good(0)), None);
    }

    #[test]
    fn a_large_token_is_just_below_the_cap() {
        // With the key of the ordinary ones, whose signature is 342 characters shorter.
        let tokens = Tokens::new("large", Arc::clone(&KEYS.corp_rs256), LARGE_ENTITLEMENTS);
        assert!((15_000..=TOKEN_BYTES.default - 342).contains(&tokens.bytes()), "{}", tokens.bytes());
    }
}
