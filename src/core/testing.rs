//! Fixed keys, tokens and a profile for unit tests.
//!
//! **The private keys in this file are public. They are test keys, made for this file and used nowhere else.** They are
//! fixed so that tests need no randomness and mean the same on every run and target.

use serde_json::{Map, Value, json};

use crate::fetch::{Conflict, LocalMemory, Response, SharedMemory, Write};
use crate::jose::{
    Algorithm, AuthenticToken, ClaimPath, HostSignatures, KeySet, KeyUse, Portable, TokenForm, UnverifiedToken,
    VerificationKey, base64url,
};
use crate::keys::KeySource;
use crate::limits::TOKEN_BYTES;
use crate::mint::SigningKey;
use crate::profile::{
    Algorithms, Audiences, CredentialPlace, DeviceMapping, EvidenceForwarding, Expiry, HeaderMembers, Issuer, IssuerId,
    PrincipalRule, SenderRule, Subject, TokenKind, TokenProfile, Typ,
};
use crate::provider::ProviderName;
use crate::time::{Seconds, UnixSeconds};

pub(crate) mod rfc9449;

/// The time of every test: 2027-01-15T08:00:00Z.
pub(crate) const NOW: UnixSeconds = UnixSeconds::new(1_800_000_000);

/// So many seconds after a time, or before it.
pub(crate) fn later(time: UnixSeconds, seconds: i64) -> UnixSeconds {
    UnixSeconds::new(time.get().saturating_add(seconds))
}

/// `iss` of [`profile`] and [`claims`].
pub(crate) const ISSUER: &str = "https://issuer.example";

/// `aud` of [`profile`] and [`claims`].
pub(crate) const AUDIENCE: &str = "https://api.example";

/// `kid` of the key in [`key_source`].
pub(crate) const KEY_ID: &str = "test-key";

/// A TEST KEY, published here.
const RSA_TEST_KEY: &str = "\
-----BEGIN PRIVATE KEY-----
MIIEvAIBADANBgkqhkiG9w0BAQEFAASCBKYwggSiAgEAAoIBAQCe+qhh8LByiRoa
kfEr18XbIzHn2dcXfGCvDA3AokdBfm0oDNw9M5+3rFV8Br6/3ASxamzspD1yphL1
TRNUkYhV6dqoQzfw3tSwfpTFje4u8NVz75iBO6IIpbZmRSbX9V/Kubn+FJUe8/8Q
q1gdJAOWMJnLoUQEnt8JsALjsevAHbGkP6bH6KJVcW0Mq/zsgdEwafvLNb/1SKGB
TLT1Hp71plzn3aojFmhuZv4BYDTFx8j2osEu2TRugqEk6i1sNClmMjoTzJnkXUp+
8ThBVasmc9NQZRddmmcEB6KIMlELdb4ppKSeMfqWWZobdOF/EJvHVNP3KtZdrsPw
mmWR5tgFAgMBAAECggEACzxaCS38zeN6Qb6dxc2LOnY/9cKvPwXlQonaDGYwQpvJ
K5nP78+qSXJAymj+MzhhxD4zYCFNc1M8cDOhP1Og7JRbvLefdidfOBXLR32gg+AQ
y6IJkNyibdB0aFOHQjGhjeFpdBdjBTdeY25Hir37yOjxtIUyUTvao2hHytrfnAnc
Hl3AYm30N5ckoYwHIE7Mm/y6IcgmqoJMo2GT8LrRUKxvbYAOqp62FI7PjuzOw1iK
07OhQypv/EPK0IWSkMOILVGBDkGs3p5nTY8UGTgQY3Opg/y27N6zmpT9eH+vLczb
SIUJgm3s0wK2xFJeS8cdkofpwpPIcUu0kPkcmem4UwKBgQDNev8VvsFXCninOrYc
Wb1kMVBXsA+BjnUWNLpKC3/bVkvGh+cUu71+whYwzF+R7RnChBSdLcwPMCqt02Xv
T84EySfax/jO6oJ89LzUZwoaFnqfsNvIMISNoXhxqEWTjXpnYk8EwsnogOoG8saW
r6jm+7qM0ObpTrn5zlwcmI4mRwKBgQDGENqHGc1+2oY1fLaNOBOtEgoNXCCsF6pb
D9d3yxS4YiPaNvssdZkXGSkfesXWgPb8+I90DPmIL5Q13LycCTb/LxsZNP3r7Kxm
YkpP0g8PPFIyS9088bDA32zqn3SNl+jTpBkG4favey+v04+kbkO90ObIlMOVWyBR
j0oh6ZCZUwKBgEHflntQJgdTcg6agdtg4ZiHPqx94tqz4tF1oesu+JRGfBBvbSN2
dG94pUiLnG/ZxRJY6YriLbMIzAXh6aHowbFDE6XNyfP7tk184DRvvAtU/YbIWg05
kKUfCM/XFEcTahROrepmz/fbrCsCFawlME6skMeoCP7uoCx3fYwlVBztAoGALSVG
SikNd+6jTKnCimnPwlEsTWNEZzV1tQ/lUv7NGEH2XhTOJ5IedO9dOjmnwn7ezUZy
nEcg0XPW2ngX3ZEUIhJAoPw9LHtjyGp6+bqtiBF9ws0b/nowiaXjk48I6AVKIoNy
2OjEa7cuZWtZgGdJtYhaMjoGYpLEyRJaGWS9etUCgYB5vV1w1shdR5pp+7iU8Qv4
qxbgvEEqLj2NATeN5mXXIm2hPpkWPPDwqOobYUK8mieVQ/0CxsVIIt0gw7FsFFbI
sdYFcBTZ8CqHyhhtlgXnR/64wSy2TlqQOTKGVrSi715+XeIIKdb/Qnl3Nq3x7jRv
knkeTcUOXWvXm+8H6vNKyw==
-----END PRIVATE KEY-----
";

/// A TEST KEY, published here.
const P256_TEST_KEY: &str = "\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgwme9R7ATr70gS/EK
G9GMWRAFN4mgWVHGU4QYTXHEViKhRANCAAT71IkT4PJp3/iWUycDs69dryKKzf84
ywLLxF1lUmfdbeYxH5+utBhF/yMiwGZCb8+ofuWaRF7P0JKJDfMKWq1N
-----END PRIVATE KEY-----
";

/// A TEST KEY, published here.
const OTHER_P256_TEST_KEY: &str = "\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgS1d29MCjJPX/Em1q
9OFdUHKBNGbbFnN+vvziqwR0UcihRANCAATdCIJJ8tzwA3UlIY+iCbDfloxIx1Il
kVX8L5vgWxGTCI0eLy3xfTqEmt9bcTtlu0qX+KQdMEDSFurrQmohUXP2
-----END PRIVATE KEY-----
";

/// A TEST KEY, published here.
const P384_TEST_KEY: &str = "\
-----BEGIN PRIVATE KEY-----
MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDAe6PVY5Meq9wsbDyez
JnkxkoIJn4TAcAuNOjVU1UN8rfC2Kny35628dpfmmj4jBmehZANiAAReokCB/zLR
5k03SPcE1liwqPgaTxsF9JLR/mOMag3L7BPcLVqri6RDFMj7IHY1pr7hROXoBSTb
CIoLxQspHTY3TzG96XynCSFBHmTbaswERzzhu4UZ0u8kFNW17DgjjPc=
-----END PRIVATE KEY-----
";

/// A TEST KEY, published here.
const ED25519_TEST_KEY: &str = "\
-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIK/yfD8U1bzSlDCUe/ASzt+FsjrAyaQ8NgwBSr7/YQ1F
-----END PRIVATE KEY-----
";

/// The test key of this algorithm; all RSA algorithms share one.
pub(crate) fn key(algorithm: Algorithm) -> SigningKey {
    let pem = match algorithm {
        Algorithm::Es256 => P256_TEST_KEY,
        Algorithm::Es384 => P384_TEST_KEY,
        Algorithm::Ed25519 => ED25519_TEST_KEY,
        _rsa => RSA_TEST_KEY,
    };
    SigningKey::from_pem(algorithm, pem).unwrap()
}

/// Another ES256 key than [`key`] gives: that of another party.
pub(crate) fn other_key() -> SigningKey {
    SigningKey::from_pem(Algorithm::Es256, OTHER_P256_TEST_KEY).unwrap()
}

/// A JWK set of one key under this `kid`.
pub(crate) fn jwk_set(key: &SigningKey, kid: Option<&str>) -> Value {
    json!({ "keys": [key.public_jwk(kid)] })
}

/// The same, compiled.
pub(crate) fn key_set(key: &SigningKey, kid: Option<&str>) -> KeySet {
    KeySet::compile(&jwk_set(key, kid), None).unwrap().0
}

/// A successful answer with this body. `fields` are added to its header fields, or replace them.
pub(crate) fn json_response(fields: &[(&str, &str)], body: &str) -> Response {
    let mut headers = vec![("content-type".to_owned(), b"application/json".to_vec())];
    for (name, value) in fields {
        headers.retain(|(known, _)| known != name);
        headers.push(((*name).to_owned(), value.as_bytes().to_vec()));
    }
    Response { status: 200, headers, body: body.as_bytes().to_vec(), body_bytes: body.len() }
}

/// A profile that takes [`token`] of [`claims`]: [`ISSUER`], [`AUDIENCE`], the ES256 test key, `typ` JWT, the defaults of
/// the configuration, no facts.
pub(crate) fn profile(name: &str) -> TokenProfile {
    TokenProfile {
        name: ProviderName::new(name),
        kind: TokenKind::Access,
        form: TokenForm::JWT,
        header: HeaderMembers::Any,
        subject: Subject::Any,
        key_use: KeyUse::Signatures,
        issuer: IssuerId::Exactly(ISSUER.to_owned()),
        audiences: Audiences::OneOf(vec![AUDIENCE.to_owned()]),
        expiry: Expiry::Required,
        algorithms: Algorithms::Listed(vec![Algorithm::Es256]),
        typ: Typ { values: vec!["jwt".to_owned()], absent: false },
        pins: Vec::new(),
        forbid_claims: Vec::new(),
        require_claims: Vec::new(),
        clock_skew: Seconds::new(60),
        max_age: None,
        max_lifetime: None,
        facts: Vec::new(),
    }
}

/// An issuer with [`profile`] and without groups, whose tokens are accepted from these places and forwarded.
pub(crate) fn issuer(name: &str, from: Vec<CredentialPlace>) -> Issuer {
    let principal = PrincipalRule { entity_type: "User".into(), id: ClaimPath(vec!["sub".to_owned()]), groups: None };
    let sender = SenderRule::IfBound(None);
    let (forward, device) = (EvidenceForwarding::Verified, DeviceMapping::default());
    Issuer { profile: profile(name), from, principal, forward, sender, device }
}

/// The keys of [`profile`], in the configuration.
pub(crate) fn key_source() -> KeySource {
    KeySource::Inline(key_set(&key(Algorithm::Es256), Some(KEY_ID)))
}

/// Claims of a good token of `alice`, made a minute ago, good for an hour; `changes` replace or add members, and remove
/// those that are `null`.
pub(crate) fn claims(changes: Value) -> Map<String, Value> {
    let (issued, expires) = (NOW.minus(Seconds::new(60)).get(), NOW.plus(Seconds::new(3_540)).get());
    let good = json!({ "iss": ISSUER, "sub": "alice", "aud": AUDIENCE, "iat": issued, "exp": expires });
    let mut claims = good.as_object().unwrap().clone();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            claims.remove(name);
        } else {
            claims.insert(name.clone(), value.clone());
        }
    }
    claims
}

/// A token of these claims as [`profile`] takes it, in compact form.
pub(crate) fn token(claims: &Map<String, Value>) -> String {
    key(Algorithm::Es256).sign_claims(Some(KEY_ID), Some("JWT"), claims).unwrap()
}

/// The thumbprint of a key (RFC 7638).
pub(crate) fn thumbprint(key: &SigningKey) -> String {
    VerificationKey::compile(&key.public_jwk(None), None).unwrap().thumbprint().to_owned()
}

/// A DPoP proof by this key for a `GET` of `/` at `shop.example.com` with this token, made now. `changes` are made to the
/// claims as in [`claims`].
pub(crate) fn proof(key: &SigningKey, token: &str, changes: Value) -> String {
    let hash = base64url::encode(&hmac_sha256::Hash::hash(token.as_bytes()));
    let mut all = json!({
        "iss": null, "sub": null, "aud": null, "exp": null, "iat": NOW.get(),
        "jti": "1", "htm": "GET", "htu": "https://shop.example.com/", "ath": hash,
    });
    all.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    let header = json!({ "typ": "dpop+jwt", "alg": key.algorithm().name(), "jwk": key.public_jwk(None) });
    key.sign(header.as_object().unwrap(), Value::Object(claims(all)).to_string().as_bytes()).unwrap()
}

/// The same token, its signature verified.
pub(crate) fn authentic(claims: &Map<String, Value>) -> AuthenticToken {
    let unverified = UnverifiedToken::parse(token(claims).as_bytes(), TOKEN_BYTES.default).unwrap();
    AuthenticToken::verify(unverified, &key_set(&key(Algorithm::Es256), Some(KEY_ID)), &Portable).unwrap()
}

/// A host without the function that verifies signatures.
pub(crate) struct NoSignatures;

impl HostSignatures for NoSignatures {
    fn verify_signature(&self, _question: &[u8]) -> Option<Vec<u8>> {
        None
    }
}

/// Memory as the proxy's workers share it, for workers that are all in one test.
#[derive(Default)]
pub(crate) struct FakeMemory(LocalMemory);

impl FakeMemory {
    /// Writes as a stranger would.
    pub(crate) fn plant(&self, name: &str, value: &[u8]) {
        self.write(name, value, Write::Always).unwrap();
    }

    /// The names of all entries.
    pub(crate) fn names(&self) -> Vec<String> {
        self.0.names()
    }
}

impl SharedMemory for FakeMemory {
    fn read(&self, name: &str) -> Option<(Vec<u8>, u32)> {
        self.0.read(name)
    }

    fn write(&self, name: &str, value: &[u8], how: Write) -> Result<(), Conflict> {
        self.0.write(name, value, how)
    }
}
