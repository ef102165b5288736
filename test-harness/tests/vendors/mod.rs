//! The configurations of docs/providers.md, with tokens of the form that each vendor publishes, and rows of tokens that
//! this form invites: tokens of others, each with the code of its refusal.

mod doors;
mod identity;
mod posture;

use std::sync::Arc;

use serde_json::{Value, json};
use test_harness::keys::{DemoKey, KEYS};
use test_harness::page::Section;
use test_harness::tokens::{ALICE, AUDIENCE, CORP_ISSUER, changed};

/// The page, from the root folder.
pub const PAGE: &str = "docs/providers.md";

/// The name of a vendor, and its tokens at this time.
pub type Named = (&'static str, fn(i64) -> Vendor);

/// All vendors of the page.
pub const ALL: &[Named] = &[
    ("crowdstrike", posture::crowdstrike),
    ("jamf", posture::jamf),
    ("jumpcloud", posture::jumpcloud),
    ("google-iap", doors::google_iap),
    ("cloudflare-access", doors::cloudflare_access),
    ("pomerium", doors::pomerium),
    ("entra", identity::entra),
    ("entra-v1", identity::entra_v1),
    ("okta", identity::okta),
    ("auth0", identity::auth0),
    ("keycloak", identity::keycloak),
];

const TENANT: &str = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";
const OTHER_TENANT: &str = "99999999-4f89-41d3-9a0c-0305e82c3301";
const TAG: &str = "32eafc7626e974616deaf0dc3ce63d7bcbed58a2731e84d06bc3cdf1b53c4228";
/// So many seconds ahead is not yet, also when it is decided a moment later: the two clocks may differ by 60.
const AHEAD: i64 = 90;
const DEVICE: &str = "device-7";

/// How a token differs from the honest one.
#[derive(Clone, Debug, Default)]
pub struct Change {
    header: Value,
    claims: Value,
    /// Signed by somebody else.
    forged: bool,
    /// In this header in place of its own.
    place: Option<&'static str>,
}

/// The code of the refusal, or [`ALLOW`], and the change.
pub type Row = (&'static str, Change);

/// In place of a code: the token is accepted too.
pub const ALLOW: &str = "allow";

fn claims(code: &'static str, claims: Value) -> Row {
    (code, Change { claims, ..Change::default() })
}

fn header(code: &'static str, header: Value) -> Row {
    (code, Change { header, ..Change::default() })
}

fn placed(code: &'static str, place: &'static str) -> Row {
    (code, Change { place: Some(place), ..Change::default() })
}

/// One vendor: its section of the page, and a token as it makes them.
struct Form {
    heading: &'static str,
    /// In place of the example's preset.
    preset: Option<&'static str>,
    key: &'static Arc<DemoKey>,
    /// Where its keys are.
    keys_at: &'static str,
    /// The header of requests in which its token is.
    place: &'static str,
    /// `typ` of the token's header.
    typ: Option<&'static str>,
    /// Who the principal is.
    principal: &'static str,
    claims: Value,
    rows: Vec<Row>,
}

/// A vendor at one time.
pub struct Vendor {
    form: Form,
    now: i64,
    /// As on the page, with keys that are fetched.
    configuration: Value,
    is_device: bool,
    header: Value,
}

impl Vendor {
    fn of(now: i64, form: Form) -> Self {
        let mut configuration = Section::of(PAGE, form.heading).configuration();
        let is_device = configuration.get("devices").is_some();
        let role = if is_device { "devices" } else { "issuers" };
        for provider in configuration[role].as_object_mut().expect("providers").values_mut() {
            assert!(provider["preset"].is_string() && provider["keys"]["cluster"].is_string(), "{}", form.heading);
            if let Some(preset) = form.preset {
                provider["preset"] = json!(preset);
            }
        }
        let mut header = json!({ "alg": form.key.alg, "kid": form.key.kid });
        if let Some(typ) = form.typ {
            header["typ"] = json!(typ);
        }
        Self { form, now, configuration, is_device, header }
    }

    /// The heading of its section.
    pub fn heading(&self) -> &'static str {
        self.form.heading
    }

    /// Its key, and the URL where it publishes it.
    pub fn key(&self) -> (&Arc<DemoKey>, &'static str) {
        (self.form.key, self.form.keys_at)
    }

    /// Who its honest token speaks for.
    pub fn principal(&self) -> &'static str {
        self.form.principal
    }

    /// The configuration of the page, made whole, with keys that are fetched.
    pub fn configuration(&self) -> &Value {
        &self.configuration
    }

    /// The header fields of a request with the changed token.
    pub fn fields(&self, change: &Change) -> Vec<(&'static str, String)> {
        let key = if change.forged { &KEYS.rogue } else { self.form.key };
        let header = changed(&self.header, &change.header);
        let token = sign(key, &header, &changed(&self.form.claims, &change.claims));
        let place = change.place.unwrap_or(self.form.place);
        let bearer = place == "authorization";
        let mut fields = vec![(place, if bearer { format!("Bearer {token}") } else { token })];
        if self.is_device && !bearer {
            fields.push(("authorization", format!("Bearer {}", self.access_token())));
        }
        fields
    }

    /// The access token of the person who uses the device.
    fn access_token(&self) -> String {
        let header = json!({ "alg": "ES256", "kid": KEYS.corp_es256.kid, "typ": "at+jwt" });
        let claims = json!({
            "iss": CORP_ISSUER, "aud": AUDIENCE, "sub": ALICE.name, "device_id": DEVICE, "iat": self.now,
            "exp": self.now + 600,
        });
        sign(&KEYS.corp_es256, &header, &claims)
    }

    /// What the tokens of all vendors invite, and then those of this one.
    pub fn rows(&self) -> Vec<Row> {
        self.common().into_iter().chain(self.form.rows.iter().cloned()).collect()
    }

    /// What every vendor's tokens invite.
    fn common(&self) -> Vec<Row> {
        let other = if self.form.key.alg == "ES256" { "RS256" } else { "ES256" };
        let forged = |header| Change { header, forged: true, ..Change::default() };
        let mut all = vec![
            ("token-signature", forged(json!({}))),
            ("token-key", forged(json!({ "kid": KEYS.rogue.kid }))),
            header("token-algorithm", json!({ "alg": "none" })),
            header("token-algorithm", json!({ "alg": "HS256" })),
            // Keycloak's realms can sign with either, and no key of this realm does.
            header(
                if self.form.heading == "Keycloak" { "token-key" } else { "token-algorithm" },
                json!({ "alg": other }),
            ),
            header("token-algorithm", json!({ "alg": [self.form.key.alg] })),
            header("token-critical", json!({ "crit": ["exp"] })),
            header("token-critical", json!({ "b64": false, "crit": ["b64"] })),
            header("token-typ", json!({ "typ": "secevent+jwt" })),
            header("token-typ", json!({ "typ": "logout+jwt" })),
            header("token-typ", json!({ "typ": "dpop+jwt" })),
            claims("token-claim-missing", json!({ "exp": null })),
            claims("token-claim-type", json!({ "exp": (self.now + 300).to_string() })),
            claims("token-claim-type", json!({ "exp": [self.now + 300] })),
            claims("token-not-yet-valid", json!({ "nbf": self.now + AHEAD })),
            claims("token-not-yet-valid", json!({ "iat": self.now + AHEAD, "exp": self.now + 300 })),
            claims("token-claim-type", json!({ "iat": (self.now - 60).to_string() })),
            claims("token-claim-type", json!({ "jti": 7 })),
            claims("token-claim-type", json!({ "sub": ["alice"] })),
        ];
        if !self.is_device {
            all.extend([
                claims("token-expired", json!({ "iat": self.now - 300, "exp": self.now - 61 })),
                claims("token-issuer", json!({ "iss": "https://evil.example/" })),
                claims("token-claim-type", json!({ "iss": [self.form.claims["iss"]] })),
                claims("token-issuer", json!({ "iss": null })),
                claims("token-audience", json!({ "aud": "https://other.example.com" })),
                claims("token-audience", json!({ "aud": ["https://other.example.com"] })),
                claims("token-claim-missing", json!({ "aud": null })),
                claims("token-claim-type", json!({ "aud": { "0": self.form.claims["aud"] } })),
                claims("token-claim-forbidden", json!({ "nonce": "n" })),
                claims("token-claim-forbidden", json!({ "at_hash": "h" })),
                claims("token-claim-forbidden", json!({ "act": { "sub": "agent" } })),
            ]);
        }
        if self.is_device {
            // A posture token is refused by one code, whatever is wrong with it.
            all = all.into_iter().map(|(_, change)| ("posture-refused", change)).collect();
            all.extend([
                // Only too old: the route requires it fresh.
                claims("posture-stale", json!({ "iat": self.now - 7200, "exp": self.now - 61 })),
                claims("posture-stale", json!({ "iat": self.now - 3601, "exp": self.now + 14 * 86_400 })),
                claims("posture-refused", json!({ "aud": "shop" })),
                claims("posture-refused", json!({ "iat": null })),
                // As an access token.
                placed("token-issuer", "authorization"),
            ]);
        }
        all
    }
}

fn sign(key: &DemoKey, header: &Value, claims: &Value) -> String {
    key.key.sign(header.as_object().expect("a header"), claims.to_string().as_bytes()).expect("a token")
}
