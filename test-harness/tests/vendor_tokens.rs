//! The configurations of docs/providers.md, with tokens of the form that each vendor publishes, and with the hostile tokens
//! that this form invites. Beside each hostile token the honest one is sent, and must be allowed.

use std::fs;
use std::sync::Arc;

use countersign_core::config::Plan;
use countersign_core::enforcement::decide;
use countersign_core::keys::{TrustStore, Verification};
use countersign_core::reply::Reply;
use countersign_core::request::RequestParts;
use countersign_core::telemetry::DecisionId;
use countersign_core::time::UnixSeconds;
use serde_json::{Map, Value, json};
use test_harness::keys::{DemoKey, KEYS};
use test_harness::paths;

const NOW: i64 = 1_800_000_000;
const TENANT: &str = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";
const OTHER_TENANT: &str = "99999999-4f89-41d3-9a0c-0305e82c3301";
const TAG: &str = "32eafc7626e974616deaf0dc3ce63d7bcbed58a2731e84d06bc3cdf1b53c4228";
const DEVICE: &str = "device-7";

/// How a token differs from the honest one.
#[derive(Default)]
struct Change {
    header: Value,
    claims: Value,
    /// Signed by somebody else.
    forged: bool,
    /// In this header in place of its own.
    place: Option<&'static str>,
}

/// A change, and the code of the refusal.
type Hostile = (&'static str, Change);

fn claims(code: &'static str, claims: Value) -> Hostile {
    (code, Change { claims, ..Change::default() })
}

fn header(code: &'static str, header: Value) -> Hostile {
    (code, Change { header, ..Change::default() })
}

fn placed(code: &'static str, place: &'static str) -> Hostile {
    (code, Change { place: Some(place), ..Change::default() })
}

/// One vendor: its section of the page, and a token as it makes them.
struct Vendor {
    heading: &'static str,
    plan: Plan,
    key: Arc<DemoKey>,
    /// The header of requests in which its token is.
    place: &'static str,
    is_device: bool,
    header: Value,
    claims: Value,
}

impl Vendor {
    fn of(heading: &'static str, key: &Arc<DemoKey>, place: &'static str, typ: Option<&str>, claims: Value) -> Self {
        let text = fs::read_to_string(paths::root().join("docs/providers.md")).expect("the document");
        let (_, section) = text.split_once(&format!("\n## {heading}\n")).expect("the section");
        let section = section.split("\n## ").next().expect("the section");
        let block = |language: &str| {
            let (_, rest) = section.split_once(&format!("```{language}\n")).expect("the example");
            rest.split_once("```").expect("its end").0
        };
        let mut document: Value = serde_saphyr::from_str(block("yaml")).expect("YAML");
        let is_device = document.get("devices").is_some();
        if is_device {
            document["issuers"] = json!({ "corp": {
                "issuer": "https://login.example.com", "audiences": ["shop"], "typ": ["at+jwt"],
                "principal": { "id": "sub" }, "keys": { "inline": { "keys": [KEYS.rogue.public_jwk()] } },
            } });
        }
        let parts = ["issuers", "devices"];
        let requires: Vec<String> = parts
            .iter()
            .filter_map(|part| document.get(part)?.as_object())
            .flat_map(|part| part.keys().cloned())
            .collect();
        document["version"] = json!(1);
        document["applications"] = json!({ "shop": {
            "hosts": ["shop.example.com"], "requires": requires, "routes": { "all": { "path": "/{rest*}" } },
        } });
        document["policies"] = json!(block("cedar"));
        // As it is on the page, with keys that are fetched, it loads too.
        if let Err(errors) = Plan::compile_value(&document) {
            panic!("{heading}: {errors:#?}");
        }
        let part = document[if is_device { "devices" } else { "issuers" }].as_object_mut().expect("providers");
        for provider in part.values_mut() {
            assert!(provider["preset"].is_string() && provider["keys"]["cluster"].is_string(), "{heading}");
            provider["keys"] = json!({ "inline": { "keys": [key.public_jwk()] } });
        }
        if is_device {
            document["issuers"]["corp"]["keys"] = json!({ "inline": { "keys": [KEYS.corp_es256.public_jwk()] } });
        }
        let (plan, warnings) = Plan::compile_value(&document).unwrap_or_else(|errors| panic!("{heading}: {errors:#?}"));
        assert!(warnings.is_empty(), "{heading}: {warnings:?}");
        let mut header = json!({ "alg": key.alg, "kid": key.kid });
        if let Some(typ) = typ {
            header["typ"] = json!(typ);
        }
        Self { heading, plan, key: Arc::clone(key), place, is_device, header, claims }
    }

    /// The code of the answer to a request with the changed token, or `allow`.
    fn answer(&self, change: &Change) -> String {
        let header = changed(&self.header, &change.header);
        let key = if change.forged { &KEYS.rogue } else { &self.key };
        let token = sign(key, &header, &changed(&self.claims, &change.claims));
        let place = change.place.unwrap_or(self.place);
        let bearer = place == "authorization";
        let evidence = if bearer { format!("Bearer {token}") } else { token };
        let mut fields = vec![
            (":method", "GET".to_owned()),
            (":authority", "shop.example.com".to_owned()),
            (":path", "/orders".to_owned()),
            (place, evidence),
        ];
        if self.is_device && !bearer {
            fields.push(("authorization", format!("Bearer {}", access_token())));
        }
        let headers = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let request = RequestParts { headers, ..RequestParts::default() };
        let trust = TrustStore::new(self.plan.key_sources(), 0);
        let now = UnixSeconds::new(NOW);
        match decide(&self.plan, Verification::by(&trust), request, now, &DecisionId::derive(&[7; 32], 0, now)).reply {
            Reply::Forward(_) => "allow".to_owned(),
            Reply::Answer(answer) => {
                let body: Value = serde_json::from_str(&answer.body).expect("a problem document");
                body["code"].as_str().expect("a code").to_owned()
            }
        }
    }

    /// Each hostile token is refused with its code, and the honest one beside it is allowed. Returns how many there were.
    fn hold(&self, own: Vec<Hostile>) -> usize {
        let all: Vec<Hostile> = self.common().into_iter().chain(own).collect();
        let mut wrong = Vec::new();
        for (expected, change) in &all {
            assert_eq!(self.answer(&Change::default()), "allow", "{}: the honest twin", self.heading);
            let answer = self.answer(change);
            if answer != *expected {
                let Change { header, claims, forged, place } = change;
                wrong.push(format!("{answer}, not {expected}: {header} {claims} forged {forged} in {place:?}"));
            }
        }
        assert!(wrong.is_empty(), "{}:\n{}", self.heading, wrong.join("\n"));
        all.len()
    }

    /// What every vendor's tokens invite.
    fn common(&self) -> Vec<Hostile> {
        let other = if self.key.alg == "ES256" { "RS256" } else { "ES256" };
        let forged = |header| Change { header, forged: true, ..Change::default() };
        let mut all = vec![
            ("token-signature", forged(json!({}))),
            ("token-key", forged(json!({ "kid": KEYS.rogue.kid }))),
            header("token-algorithm", json!({ "alg": "none" })),
            header("token-algorithm", json!({ "alg": "HS256" })),
            // Keycloak's realms can sign with either, and no key of this realm does.
            header(if self.heading == "Keycloak" { "token-key" } else { "token-algorithm" }, json!({ "alg": other })),
            header("token-algorithm", json!({ "alg": [self.key.alg] })),
            header("token-critical", json!({ "crit": ["exp"] })),
            header("token-critical", json!({ "b64": false, "crit": ["b64"] })),
            header("token-typ", json!({ "typ": "secevent+jwt" })),
            header("token-typ", json!({ "typ": "logout+jwt" })),
            header("token-typ", json!({ "typ": "dpop+jwt" })),
            claims("token-claim-missing", json!({ "exp": null })),
            claims("token-claim-type", json!({ "exp": (NOW + 300).to_string() })),
            claims("token-claim-type", json!({ "exp": [NOW + 300] })),
            claims("token-not-yet-valid", json!({ "nbf": NOW + 61 })),
            claims("token-not-yet-valid", json!({ "iat": NOW + 61, "exp": NOW + 300 })),
            claims("token-claim-type", json!({ "iat": (NOW - 60).to_string() })),
            claims("token-claim-type", json!({ "jti": 7 })),
            claims("token-claim-type", json!({ "sub": ["alice"] })),
        ];
        if !self.is_device {
            all.extend([
                claims("token-expired", json!({ "iat": NOW - 300, "exp": NOW - 61 })),
                claims("token-issuer", json!({ "iss": "https://evil.example/" })),
                claims("token-claim-type", json!({ "iss": [self.claims["iss"]] })),
                claims("token-issuer", json!({ "iss": null })),
                claims("token-audience", json!({ "aud": "https://other.example.com" })),
                claims("token-audience", json!({ "aud": ["https://other.example.com"] })),
                claims("token-claim-missing", json!({ "aud": null })),
                claims("token-claim-type", json!({ "aud": { "0": self.claims["aud"] } })),
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
                claims("posture-stale", json!({ "iat": NOW - 7200, "exp": NOW - 61 })),
                claims("posture-stale", json!({ "iat": NOW - 3601, "exp": NOW + 14 * 86_400 })),
                claims("posture-refused", json!({ "aud": "shop" })),
                claims("posture-refused", json!({ "iat": null })),
                // As an access token.
                placed("token-issuer", "authorization"),
            ]);
        }
        all
    }
}

fn sign(key: &Arc<DemoKey>, header: &Value, claims: &Value) -> String {
    key.key.sign(header.as_object().expect("a header"), claims.to_string().as_bytes()).expect("a token")
}

/// The access token of the person who uses the device.
fn access_token() -> String {
    let header = json!({ "alg": "ES256", "kid": KEYS.corp_es256.kid, "typ": "at+jwt" });
    let claims = json!({
        "iss": "https://login.example.com", "aud": "shop", "sub": "alice", "device_id": DEVICE, "iat": NOW, "exp": NOW + 600,
    });
    sign(&KEYS.corp_es256, &header, &claims)
}

/// The object with these members changed, `null` for an absent one. A name with `/` is a pointer.
fn changed(object: &Value, changes: &Value) -> Value {
    let mut object = object.clone();
    for (name, value) in changes.as_object().unwrap_or(&Map::new()) {
        let (parent, name) = match name.rsplit_once('/').filter(|_| name.starts_with('/')) {
            Some((parent, name)) => (object.pointer_mut(parent).expect("a place"), name),
            None => (&mut object, name.as_str()),
        };
        let members: &mut Map<String, Value> = parent.as_object_mut().expect("an object");
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.to_owned(), value.clone());
        }
    }
    object
}

fn crowdstrike() -> usize {
    let vendor = Vendor::of(
        "CrowdStrike",
        &KEYS.corp_rs256,
        "x-device-posture",
        Some("crowdstrike-zta+jwt"),
        json!({
            "assessment": { "overall": 90, "os": 85, "sensor_config": 96, "version": "2.1.0" },
            "cid": "abcd123456789efg", "exp": NOW + 14 * 86_400 - 60, "iat": NOW - 60,
            "jwk_url": "https://assets-public.falcon.crowdstrike.com/zta/jwk.json", "platform": "Windows 11",
            "serial_number": DEVICE, "sub": "agent-1", "typ": "crowdstrike-zta+jwt",
        }),
    );
    for typ in ["JWT", "application/crowdstrike-zta+jwt"] {
        let accepted = Change { header: json!({ "typ": typ }), ..Change::default() };
        assert_eq!(vendor.answer(&accepted), "allow");
    }
    vendor.hold(vec![
        claims("posture-refused", json!({ "cid": "ffff123456789efg" })),
        claims("posture-refused", json!({ "cid": "ABCD123456789EFG" })),
        claims("posture-refused", json!({ "cid": "ABCD123456789EFG-1X" })),
        claims("posture-refused", json!({ "cid": ["abcd123456789efg"] })),
        claims("posture-refused", json!({ "cid": null })),
        claims("posture-refused", json!({ "cid": "abcd123456789efg " })),
        claims("posture-refused", json!({ "iss": "https://falcon.crowdstrike.com" })),
        claims("posture-refused", json!({ "assessment": null })),
        claims("posture-refused", json!({ "assessment": 90 })),
        claims("posture-refused", json!({ "/assessment/overall": "90" })),
        claims("posture-refused", json!({ "/assessment/overall": 90.5 })),
        claims("posture-refused", json!({ "/assessment/overall": null })),
        claims("posture-refused", json!({ "serial_number": [DEVICE] })),
        claims("posture-not-bound", json!({ "serial_number": "device-8" })),
        claims("posture-not-bound", json!({ "serial_number": "DEVICE-7" })),
        claims("not-permitted", json!({ "/assessment/overall": 69 })),
        claims("not-permitted", json!({ "/assessment/overall": -1 })),
        // A URL of keys in the token is not followed.
        (
            "posture-refused",
            Change { claims: json!({ "jwk_url": "https://evil.example/jwk.json" }), forged: true, ..Change::default() },
        ),
        header("posture-refused", json!({ "typ": "at+jwt" })),
    ])
}

fn jamf() -> usize {
    let vendor = Vendor::of(
        "Jamf",
        &KEYS.machines,
        "x-device-posture",
        None,
        json!({
            "iss": "customer-7", "iat": NOW - 60, "exp": NOW + 3540, "sub": DEVICE, "groups": ["staff"], "risk": "LOW",
            "osv": "14.10",
        }),
    );
    vendor.hold(vec![
        claims("posture-refused", json!({ "iss": "customer-8" })),
        claims("posture-refused", json!({ "iss": "Customer-7" })),
        claims("posture-refused", json!({ "iss": ["customer-7"] })),
        claims("posture-refused", json!({ "iss": null })),
        claims("posture-refused", json!({ "risk": null })),
        claims("posture-refused", json!({ "risk": ["LOW"] })),
        claims("posture-refused", json!({ "groups": "staff" })),
        claims("posture-refused", json!({ "osv": 14 })),
        claims("posture-not-bound", json!({ "sub": "device-8" })),
        claims("posture-not-bound", json!({ "sub": null })),
        claims("not-permitted", json!({ "risk": "HIGH" })),
        claims("not-permitted", json!({ "risk": "NOT_APPLICABLE" })),
        claims("not-permitted", json!({ "risk": "low" })),
        header("posture-refused", json!({ "typ": "JWT" })),
    ])
}

fn jumpcloud() -> usize {
    let vendor = Vendor::of(
        "JumpCloud",
        &KEYS.mdm,
        "x-device-posture",
        Some("JWT"),
        json!({
            "device": { "is_managed": true }, "durt_id": "durt-1", "iss": "go.jumpcloud.com", "iat": NOW - 60,
            "exp": NOW + 3540, "org_id": "5f0c8a91b1c2d3e4f5061728", "sub": "user-1", "system": DEVICE,
        }),
    );
    vendor.hold(vec![
        claims("posture-refused", json!({ "org_id": "6f0c8a91b1c2d3e4f5061728" })),
        claims("posture-refused", json!({ "org_id": "5F0C8A91B1C2D3E4F5061728" })),
        claims("posture-refused", json!({ "org_id": ["5f0c8a91b1c2d3e4f5061728"] })),
        claims("posture-refused", json!({ "org_id": null })),
        claims("posture-refused", json!({ "iss": "https://go.jumpcloud.com" })),
        claims("posture-refused", json!({ "iss": "go.jumpcloud.com/" })),
        claims("posture-refused", json!({ "iss": null })),
        claims("posture-refused", json!({ "device": null })),
        claims("posture-refused", json!({ "device": true })),
        claims("posture-refused", json!({ "/device/is_managed": "true" })),
        claims("posture-refused", json!({ "/device/is_managed": 1 })),
        claims("posture-refused", json!({ "/device/is_managed": null, "is_managed": true })),
        claims("posture-not-bound", json!({ "system": "device-8" })),
        claims("posture-not-bound", json!({ "system": null, "sub": DEVICE })),
        claims("not-permitted", json!({ "/device/is_managed": false })),
        header("posture-refused", json!({ "typ": null })),
    ])
}

fn google_iap() -> usize {
    let vendor = Vendor::of(
        "Google Identity-Aware Proxy",
        &KEYS.corp_es256,
        "x-goog-iap-jwt-assertion",
        Some("JWT"),
        json!({
            "iss": "https://cloud.google.com/iap", "aud": "/projects/123456789/global/backendServices/987654321",
            "sub": "accounts.google.com:1234", "email": "alice@example.com", "hd": "example.com", "iat": NOW - 60,
            "exp": NOW + 540, "google": { "access_levels": ["accessPolicies/1/accessLevels/managed"] },
        }),
    );
    vendor.hold(vec![
        claims("token-audience", json!({ "aud": "/projects/123456789/global/backendServices/987654322" })),
        claims("token-audience", json!({ "aud": "/projects/123456789/apps/example" })),
        claims("token-audience", json!({ "aud": "/projects/123456789/global/backendServices/987654321/" })),
        claims("token-lifetime", json!({ "exp": NOW - 60 + 661 })),
        claims("token-lifetime", json!({ "exp": NOW + 3600 })),
        claims("token-claim-missing", json!({ "iat": null })),
        claims("token-issuer", json!({ "iss": "https://accounts.google.com" })),
        claims("token-claim-missing", json!({ "sub": null })),
        claims("token-claim-type", json!({ "google": ["accessPolicies/1/accessLevels/managed"] })),
        claims("token-claim-type", json!({ "/google/access_levels": "accessPolicies/1/accessLevels/managed" })),
        claims("not-permitted", json!({ "/google/access_levels": [] })),
        claims("not-permitted", json!({ "google": null, "access_levels": ["accessPolicies/1/accessLevels/managed"] })),
        claims("not-permitted", json!({ "/google/access_levels": ["accessPolicies/1/accessLevels/managed2"] })),
        placed("credential-misplaced", "authorization"),
        placed("credential-missing", "x-goog-authenticated-user-id"),
    ])
}

fn cloudflare_access() -> usize {
    let vendor = Vendor::of(
        "Cloudflare Access",
        &KEYS.corp_rs256,
        "cf-access-jwt-assertion",
        Some("JWT"),
        json!({
            "aud": [TAG], "email": "alice@example.com", "exp": NOW + 60, "iat": NOW, "nbf": NOW,
            "iss": "https://example.cloudflareaccess.com", "type": "app", "identity_nonce": "6ei69kawdKzMIAPF",
            "sub": "7335d417-61da-459d-899c-0a01c76a2f94", "country": "US",
        }),
    );
    vendor.hold(vec![
        claims("token-issuer", json!({ "iss": "https://other.cloudflareaccess.com" })),
        claims("token-issuer", json!({ "iss": "https://example.cloudflareaccess.com/" })),
        claims("token-pin", json!({ "type": "org" })),
        claims("token-pin", json!({ "type": ["app"] })),
        claims("token-pin", json!({ "type": null })),
        claims("token-audience", json!({ "aud": [TAG.to_uppercase()] })),
        claims("token-audience", json!({ "aud": [] })),
        // A service token.
        claims("token-claim-type", json!({ "sub": "", "common_name": "e367826f93b8d711.access", "email": null })),
        claims("token-claim-missing", json!({ "sub": null, "common_name": "e367826f93b8d711.access" })),
        claims("token-claim-type", json!({ "email": ["alice@example.com"] })),
        claims("not-permitted", json!({ "email": "alice@example.com.evil.example" })),
        claims("not-permitted", json!({ "email": null })),
        header("token-typ", json!({ "typ": null })),
        placed("credential-misplaced", "authorization"),
    ])
}

fn pomerium() -> usize {
    let vendor = Vendor::of(
        "Pomerium",
        &KEYS.corp_es256,
        "x-pomerium-jwt-assertion",
        None,
        json!({
            "iss": "shop.example.com", "aud": "shop.example.com", "iat": NOW - 10, "exp": NOW + 290, "sub": "user-1",
            "email": "alice@example.com", "groups": ["staff"], "name": "Alice",
        }),
    );
    vendor.hold(vec![
        claims("token-issuer", json!({ "iss": "other.example.com", "aud": "other.example.com" })),
        claims("token-issuer", json!({ "iss": "https://shop.example.com" })),
        claims("token-audience", json!({ "aud": "other.example.com" })),
        claims("token-audience", json!({ "aud": "https://shop.example.com" })),
        claims("token-claim-type", json!({ "groups": "staff" })),
        claims("token-claim-type", json!({ "groups": ["staff", 7] })),
        claims("token-claim-missing", json!({ "sub": null })),
        claims("not-permitted", json!({ "groups": ["staff2"] })),
        claims("not-permitted", json!({ "groups": null })),
        placed("credential-misplaced", "authorization"),
        placed("credential-missing", "x-pomerium-claim-sub"),
    ])
}

fn entra() -> usize {
    let vendor = Vendor::of(
        "Microsoft Entra ID",
        &KEYS.corp_rs256,
        "authorization",
        Some("JWT"),
        json!({
            "aud": "6e74172b-be56-4843-9ff4-e66a39bb12e3", "iss": format!("https://login.microsoftonline.com/{TENANT}/v2.0"),
            "iat": NOW - 300, "nbf": NOW - 300, "exp": NOW + 3600, "azp": "11111111-aaaa-4843-9ff4-000000000000",
            "azpacr": "1", "oid": "22222222-bbbb-4843-9ff4-000000000000", "scp": "Orders.Read profile", "roles": ["Clerk"],
            "groups": ["33333333-cccc-4843-9ff4-000000000000"], "sub": "AbCdEf", "tid": TENANT, "uti": "u", "ver": "2.0",
            "acrs": ["c1"], "xms_cc": ["cp1"],
        }),
    );
    let other = format!("https://login.microsoftonline.com/{OTHER_TENANT}/v2.0");
    vendor.hold(vec![
        claims("token-issuer", json!({ "iss": other, "tid": OTHER_TENANT })),
        claims("token-issuer", json!({ "iss": other })),
        claims("token-issuer", json!({ "iss": format!("https://sts.windows.net/{TENANT}/"), "ver": "1.0" })),
        claims("token-issuer", json!({ "iss": format!("https://login.microsoftonline.com/{TENANT}") })),
        claims("token-pin", json!({ "tid": OTHER_TENANT })),
        claims("token-pin", json!({ "tid": TENANT.to_uppercase() })),
        claims("token-pin", json!({ "tid": [TENANT] })),
        claims("token-pin", json!({ "tid": null })),
        claims("token-pin", json!({ "ver": "1.0" })),
        claims("token-pin", json!({ "ver": 2.0 })),
        // Microsoft Graph's.
        claims("token-audience", json!({ "aud": "00000003-0000-0000-c000-000000000000" })),
        // An ID token without a mark.
        claims("token-claim-missing", json!({ "azp": null, "scp": null })),
        claims("token-claim-missing", json!({ "azp": null })),
        // An application that acts for itself.
        claims("token-claim-missing", json!({ "scp": null, "idtyp": "app" })),
        claims("token-claim-missing", json!({ "oid": null })),
        claims("token-group-overage", json!({ "groups": null, "_claim_names": { "groups": "src1" } })),
        claims("token-group-overage", json!({ "groups": null, "hasgroups": true })),
        claims("token-group-overage", json!({ "groups": null, "hasgroups": "true" })),
        claims("token-claim-missing", json!({ "scp": null, "_claim_names": { "scp": "src1" } })),
        claims("token-claim-type", json!({ "groups": "33333333-cccc-4843-9ff4-000000000000" })),
        claims("token-claim-type", json!({ "roles": "Clerk" })),
        claims("token-claim-type", json!({ "acrs": "c1" })),
        claims("not-permitted", json!({ "scp": "Orders.ReadWrite" })),
        claims("not-permitted", json!({ "scp": "" })),
        claims("not-permitted", json!({ "scp": "orders.read" })),
        header("token-typ", json!({ "typ": "at+jwt" })),
    ])
}

fn okta() -> usize {
    let vendor = Vendor::of(
        "Okta",
        &KEYS.corp_rs256,
        "authorization",
        None,
        json!({
            "ver": 1, "jti": "AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE", "iss": "https://example.okta.com/oauth2/default",
            "aud": "api://default", "iat": NOW, "exp": NOW + 3600, "cid": "nmdP1fcyvdVO11AL7ECm", "uid": "00uid4BxXw6I6TV4m0g3",
            "scp": ["openid", "orders.read"], "auth_time": NOW - 60, "sub": "alice@example.com",
        }),
    );
    vendor.hold(vec![
        claims("token-issuer", json!({ "iss": "https://example.okta.com" })),
        claims("token-issuer", json!({ "iss": "https://example.okta.com/oauth2/other" })),
        claims("token-issuer", json!({ "iss": "https://evil.okta.com/oauth2/default" })),
        claims("token-pin", json!({ "ver": "1" })),
        claims("token-pin", json!({ "ver": 2 })),
        claims("token-pin", json!({ "ver": null })),
        // An ID token: its audience is the client.
        claims("token-audience", json!({ "aud": "nmdP1fcyvdVO11AL7ECm", "cid": null, "uid": null })),
        claims("token-claim-missing", json!({ "cid": null })),
        // A client that acts for itself.
        claims("token-claim-missing", json!({ "uid": null, "sub": "nmdP1fcyvdVO11AL7ECm" })),
        claims("token-claim-type", json!({ "uid": ["00uid4BxXw6I6TV4m0g3"] })),
        claims("token-claim-type", json!({ "cid": 7 })),
        claims("token-claim-type", json!({ "scp": ["orders.read orders.write"] })),
        claims("token-claim-type", json!({ "scp": { "orders.read": true } })),
        claims("not-permitted", json!({ "scp": ["orders.readonly"] })),
        claims("not-permitted", json!({ "scp": null })),
        header("token-typ", json!({ "typ": "JWT" })),
    ])
}

fn auth0() -> usize {
    let vendor = Vendor::of(
        "Auth0",
        &KEYS.corp_rs256,
        "authorization",
        Some("JWT"),
        json!({
            "iss": "https://example.eu.auth0.com/", "sub": "auth0|alice", "aud": [
                "https://shop.example.com", "https://example.eu.auth0.com/userinfo",
            ], "iat": NOW, "exp": NOW + 3600, "azp": "bx7S2h", "scope": "openid orders:read", "permissions": ["orders:read"],
        }),
    );
    vendor.hold(vec![
        claims("token-issuer", json!({ "iss": "https://example.eu.auth0.com" })),
        claims("token-issuer", json!({ "iss": "https://example.us.auth0.com/" })),
        // An ID token: its audience is the application.
        claims("token-audience", json!({ "aud": "bx7S2h", "scope": null })),
        claims("token-audience", json!({ "aud": ["https://example.eu.auth0.com/userinfo"] })),
        claims("token-audience", json!({ "aud": "https://shop.example.com/" })),
        claims("token-claim-forbidden", json!({ "gty": "client-credentials", "sub": "bx7S2h@clients" })),
        claims("token-claim-forbidden", json!({ "gty": "password" })),
        claims("token-claim-missing", json!({ "sub": null })),
        claims("token-claim-type", json!({ "permissions": "orders:read" })),
        claims("token-claim-type", json!({ "azp": ["bx7S2h"] })),
        claims("not-permitted", json!({ "scope": "openid" })),
        claims("not-permitted", json!({ "scope": "orders:readonly" })),
        claims("not-permitted", json!({ "scope": null })),
        header("token-typ", json!({ "typ": null })),
    ])
}

fn keycloak() -> usize {
    let vendor = Vendor::of(
        "Keycloak",
        &KEYS.corp_rs256,
        "authorization",
        Some("JWT"),
        json!({
            "iss": "https://login.example.com/realms/shop", "aud": ["orders", "account"], "iat": NOW, "exp": NOW + 300,
            "jti": "j", "sub": "7335d417-61da-459d-899c-0a01c76a2f94", "typ": "Bearer", "azp": "web", "acr": "1", "sid": "s",
            "realm_access": { "roles": ["clerk"] }, "scope": "openid email",
        }),
    );
    vendor.hold(vec![
        claims("token-pin", json!({ "typ": "ID" })),
        claims("token-pin", json!({ "typ": "Refresh" })),
        claims("token-pin", json!({ "typ": "Offline" })),
        claims("token-pin", json!({ "typ": "bearer" })),
        claims("token-pin", json!({ "typ": ["Bearer"] })),
        claims("token-pin", json!({ "typ": null })),
        claims("token-issuer", json!({ "iss": "https://login.example.com/realms/other" })),
        claims("token-issuer", json!({ "iss": "https://login.example.com/realms/shop/" })),
        claims("token-issuer", json!({ "iss": "https://login.example.com/auth/realms/shop" })),
        claims("token-audience", json!({ "aud": "account" })),
        claims("token-audience", json!({ "aud": ["account", "web"] })),
        claims("token-claim-missing", json!({ "sub": null })),
        claims("token-claim-type", json!({ "realm_access": ["clerk"] })),
        claims("token-claim-type", json!({ "/realm_access/roles": "clerk" })),
        claims("token-claim-type", json!({ "acr": 1 })),
        claims("not-permitted", json!({ "/realm_access/roles": ["clerks"] })),
        claims("not-permitted", json!({ "realm_access": null, "roles": ["clerk"] })),
        claims("not-permitted", json!({ "realm_access": null, "resource_access": { "web": { "roles": ["clerk"] } } })),
        header("token-typ", json!({ "typ": null })),
    ])
}

#[test]
fn hostile_tokens_are_refused_and_their_honest_twins_are_allowed() {
    let vendors = [crowdstrike, jamf, jumpcloud, google_iap, cloudflare_access, pomerium, entra, okta, auth0, keycloak];
    let results = vendors.map(std::panic::catch_unwind);
    let failed = results.iter().filter(|result| result.is_err()).count();
    assert_eq!(failed, 0, "vendors with a wrong answer, see above");
    let count: usize = results.into_iter().flatten().sum();
    assert!(count >= 200, "{count}");
    let page = fs::read_to_string(paths::root().join("docs/providers.md")).expect("the document");
    assert!(
        page.contains(&format!("with {count} hostile tokens")),
        "docs/providers.md must say: {count} hostile tokens"
    );
}
