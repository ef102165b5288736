//! The tokens of the benchmark: their claims are fixed, and `docs/benchmark.md` lists them.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, BufWriter, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::thread;

use countersign_core::jose::Algorithm;
use countersign_core::mint::SigningKey;
use serde_json::{Value, json};
use test_harness::clock::unix_seconds;
use test_harness::keys::{DemoKey, KEYS, key_set};
use test_harness::tokens::{ALICE, Token};

/// `iat` is the last multiple of this, so that tokens on disk are used again for a while.
const ISSUED_EVERY_SECONDS: i64 = 30 * 24 * 60 * 60;
/// From `iat` to `exp`.
const LIFETIME_SECONDS: i64 = 90 * 24 * 60 * 60;
/// Entries of the claim that makes a token 6 KB long. Large tokens have lists of ids of groups or roles.
const ENTITLEMENTS: usize = 108;

/// A user's token and the token about the user's device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The access token.
    pub user: String,
    /// The posture token.
    pub device: String,
}

/// What differs between the tokens of the chains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// The algorithm of both signatures, RS256 or ES256.
    pub algorithm: Algorithm,
    /// Whether each token has a claim more that no policy reads, and so 6 KB.
    pub large: bool,
    /// The `score` of the device.
    pub score: i64,
}

impl Kind {
    /// About 1 KB each, permitted.
    pub const RS256: Self = Self { algorithm: Algorithm::Rs256, large: false, score: 90 };
    /// The same, signed with ES256.
    pub const ES256: Self = Self { algorithm: Algorithm::Es256, ..Self::RS256 };
    /// 6 KB each.
    pub const LARGE: Self = Self { large: true, ..Self::RS256 };
    /// Valid, and the policy does not permit the device.
    pub const RISKY: Self = Self { score: 10, ..Self::RS256 };
}

/// The keys that sign.
pub struct Keys {
    mdm_rs256: Arc<DemoKey>,
}

impl Keys {
    /// Reads the device provider's RSA key from this folder, or makes it. The others are those of the harness.
    ///
    /// # Errors
    /// It cannot be read or written.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let file = folder.join("mdm-rs256.pem");
        let key = match fs::read_to_string(&file) {
            Ok(pem) => SigningKey::from_pem(Algorithm::Rs256, &pem).map_err(io::Error::other)?,
            Err(_) => {
                let key = SigningKey::generate(Algorithm::Rs256).map_err(io::Error::other)?;
                fs::write(&file, key.to_pem().map_err(io::Error::other)?)?;
                key
            }
        };
        let alg = Algorithm::Rs256.name();
        Ok(Self { mdm_rs256: Arc::new(DemoKey { kid: "mdm-rs256".to_owned(), alg, key }) })
    }

    /// The public keys of the users' issuer.
    #[must_use]
    pub fn corp(&self) -> Value {
        key_set(&[Arc::clone(&KEYS.corp_rs256), Arc::clone(&KEYS.corp_es256)])
    }

    /// The public keys of the device provider.
    #[must_use]
    pub fn mdm(&self) -> Value {
        key_set(&[Arc::clone(&self.mdm_rs256), Arc::clone(&KEYS.mdm)])
    }

    /// The tokens of the user and device with this number.
    #[must_use]
    pub fn sign(&self, kind: Kind, number: usize) -> Pair {
        let (corp, mdm) = match kind.algorithm {
            Algorithm::Es256 => (&KEYS.corp_es256, &KEYS.mdm),
            _rs256 => (&KEYS.corp_rs256, &self.mdm_rs256),
        };
        let issued = unix_seconds() / ISSUED_EVERY_SECONDS * ISSUED_EVERY_SECONDS;
        let device = format!("laptop-{number:06}");
        let common = |token: Token| {
            let token = token.claim("iat", json!(issued)).claim("exp", json!(issued + LIFETIME_SECONDS));
            let token = token.claim("jti", json!(format!("8f14e45f-ceea-467f-a9b6-{number:012}")));
            if !kind.large {
                return token;
            }
            let entitlements: Vec<String> =
                (0..ENTITLEMENTS).map(|at| format!("3f2504e0-4f89-11d3-9a0c-{at:012}")).collect();
            token.claim("entitlements", json!(entitlements))
        };
        let user = common(Token::of(ALICE))
            .key(corp)
            .claim("sub", json!(format!("user-{number:06}")))
            .claim("email", json!(format!("user-{number:06}@example.com")))
            .claim("name", json!(format!("User Number {number:06}")))
            .claim("department", json!("engineering"))
            .claim("groups", json!(["everyone", "engineering", "on-call"]))
            .claim("device_id", json!(device));
        let posture = common(Token::about(&device))
            .key(mdm)
            .claim("score", json!(kind.score))
            .claim("os", json!("macOS 15.2"))
            .claim("disk_encrypted", json!(true));
        Pair { user: user.sign(), device: posture.sign() }
    }

    /// So many pairs with numbers from 0, from a file in the folder if they lie there. Otherwise they are signed, by as
    /// many threads as there are processors, and written there.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn pool(&self, folder: &Path, kind: Kind, count: usize) -> io::Result<Arc<[Pair]>> {
        let file = folder.join(format!("tokens-{}-{count}.txt", kind.algorithm.name()));
        // Other keys, claims or times change the first pair, and then the file is of no use.
        let first = self.sign(kind, 0);
        if let Some(pairs) = read(&file, &first, count) {
            return Ok(pairs.into());
        }
        let pairs = self.sign_all(kind, count);
        let mut writer = BufWriter::new(File::create(&file)?);
        for pair in &pairs {
            writeln!(writer, "{} {}", pair.user, pair.device)?;
        }
        writer.flush()?;
        Ok(pairs.into())
    }

    fn sign_all(&self, kind: Kind, count: usize) -> Vec<Pair> {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let share = count.div_ceil(threads).max(1);
        thread::scope(|scope| {
            let parts: Vec<_> = (0..count)
                .step_by(share)
                .map(|begin| {
                    let numbers = begin..count.min(begin + share);
                    scope.spawn(move || numbers.map(|number| self.sign(kind, number)).collect::<Vec<_>>())
                })
                .collect();
            parts.into_iter().flat_map(|part| part.join().unwrap_or_default()).collect()
        })
    }
}

fn read(file: &Path, first: &Pair, count: usize) -> Option<Vec<Pair>> {
    let lines = BufReader::new(File::open(file).ok()?).lines();
    let pairs: Vec<Pair> = lines
        .map_while(Result::ok)
        .filter_map(|line| {
            let (user, device) = line.split_once(' ')?;
            Some(Pair { user: user.to_owned(), device: device.to_owned() })
        })
        .collect();
    (pairs.len() == count && pairs.first() == Some(first)).then_some(pairs)
}

/// The token with one character of its signature changed: in the middle, where every bit counts.
#[must_use]
pub fn damaged(token: &str) -> String {
    let mut bytes = token.as_bytes().to_vec();
    let signature = token.rfind('.').map_or(0, |dot| dot + 1);
    let middle = signature + (bytes.len() - signature) / 2;
    if let Some(byte) = bytes.get_mut(middle) {
        *byte = if *byte == b'A' { b'B' } else { b'A' };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::damaged;

    #[test]
    fn a_damaged_token_differs_in_one_character_of_its_signature() {
        assert_eq!(damaged("head.body.signature"), "head.body.signAture");
        assert_eq!(damaged("head.body.signAture"), "head.body.signBture");
    }
}
