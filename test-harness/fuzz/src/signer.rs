//! Keys that the targets sign with. **They are the harness's, for demonstration only, and public.**

use std::sync::LazyLock;

use countersign_core::jose::Algorithm;
use countersign_core::mint::SigningKey;
use serde_json::{Map, Value};

/// Whose key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signer {
    /// The issuer `corp`.
    Corp,
    /// The issuer `machines`.
    Machines,
    /// The device provider `mdm`.
    Mdm,
    /// Nobody whom the configuration trusts, who says that the key is `corp`'s.
    Rogue,
}

struct Keys {
    corp: SigningKey,
    machines: SigningKey,
    mdm: SigningKey,
    rogue: SigningKey,
}

static KEYS: LazyLock<Keys> = LazyLock::new(|| Keys {
    corp: read(include_str!("../../keys/corp-es256.pem")),
    machines: read(include_str!("../../keys/machines-es256.pem")),
    mdm: read(include_str!("../../keys/mdm-es256.pem")),
    rogue: read(include_str!("../../keys/rogue-es256.pem")),
});

fn read(pem: &str) -> SigningKey {
    let pem: String = pem.lines().filter(|line| !line.starts_with('#')).flat_map(|line| [line, "\n"]).collect();
    SigningKey::from_pem(Algorithm::Es256, &pem).unwrap_or_else(|fault| panic!("a key of the harness: {fault}"))
}

impl Signer {
    /// By the letter that inputs write.
    #[must_use]
    pub const fn from_letter(letter: u8) -> Option<Self> {
        match letter {
            b'c' => Some(Self::Corp),
            b'm' => Some(Self::Machines),
            b'd' => Some(Self::Mdm),
            b'r' => Some(Self::Rogue),
            _ => None,
        }
    }

    /// The public half.
    #[must_use]
    pub fn public_jwk(self) -> Value {
        self.key().public_jwk(Some(self.kid()))
    }

    /// A token of this payload with the header that the provider writes.
    #[must_use]
    pub fn sign(self, payload: &[u8]) -> String {
        let typ = if self == Self::Mdm { "device-posture+jwt" } else { "at+jwt" };
        let members = [("alg", "ES256"), ("kid", self.kid()), ("typ", typ)];
        let header: Map<String, Value> =
            members.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        self.key().sign(&header, payload).unwrap_or_else(|fault| panic!("a key of the harness: {fault}"))
    }

    const fn kid(self) -> &'static str {
        match self {
            Self::Corp | Self::Rogue => "corp",
            Self::Machines => "machines",
            Self::Mdm => "mdm",
        }
    }

    fn key(self) -> &'static SigningKey {
        match self {
            Self::Corp => &KEYS.corp,
            Self::Machines => &KEYS.machines,
            Self::Mdm => &KEYS.mdm,
            Self::Rogue => &KEYS.rogue,
        }
    }
}
