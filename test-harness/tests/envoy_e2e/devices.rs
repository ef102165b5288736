//! Several providers of posture, and one vocabulary for what they say.

use serde_json::{Value, json};
use test_harness::keys::KEYS;
use test_harness::tokens::{ALICE, CORP_ISSUER, HOST, Token};

use crate::bench::{Ask, Bench, Outcome, plugin_listener};
use crate::record::record;
use crate::{Scenario, scenarios};

pub const SCENARIOS: &[Scenario] = scenarios![providers_of_posture_speak_of_one_device_in_one_vocabulary];

/// The customers that the tokens of the two vendors name.
const FALCON_TENANT: &str = "abcd123456789efg";
const JAMF_TENANT: &str = "customer-7";

/// Two serial numbers that no record may repeat.
const SERIALS: [&str; 2] = ["C02UNMISTAKABLE", "C02OTHERDEVICE"];

const POLICIES: &str = r#"
@id("healthy") permit (principal is corp::User, action in Action::"read", resource)
when {
  context has device.compliant && context.device.compliant &&
  context has device.score && context.device.score >= 70
};
@id("outdated") @advice("Update your system to 14.10 or later.")
forbid (principal is corp::User, action, resource)
unless {
  context has device.os.version &&
  (context.device.os.version.major > 14 || (context.device.os.version.major == 14 && context.device.os.version.minor >= 10))
};
"#;

fn configuration() -> Value {
    let keys = |jwk: Value| json!({ "inline": { "keys": [jwk] } });
    json!({
        "version": 1,
        "issuers": { "corp": {
            "issuer": CORP_ISSUER, "audiences": ["shop"], "typ": ["at+jwt"], "principal": { "id": "sub" },
            "keys": keys(KEYS.corp_es256.public_jwk()),
        } },
        "devices": {
            "falcon": {
                "preset": "crowdstrike", "tenant": FALCON_TENANT, "header": "x-falcon", "max_age": "1h", "bind": "none",
                "keys": keys(KEYS.corp_rs256.public_jwk()),
            },
            "jamf": {
                "preset": "jamf", "tenant": JAMF_TENANT, "header": "x-jamf", "algorithms": ["ES256"], "typ": ["JWT"],
                "max_age": "1h", "bind": { "token": "device_id", "device": "sub" },
                "keys": keys(KEYS.machines.public_jwk()),
                "facts": { "serial?": "string", "compliant": "bool", "version": "version" },
                "device": { "id": "none", "serial": "serial", "compliant": "compliant", "os": { "version": "version" } },
            },
        },
        "applications": { "shop": { "hosts": [HOST], "requires": ["corp"], "routes": { "all": { "path": "/{rest*}" } } } },
        "policies": POLICIES,
    })
}

/// An assessment by the first vendor.
fn falcon(serial: &str, score: i64) -> Token {
    Token::about("agent-1")
        .key(&KEYS.corp_rs256)
        .header("typ", json!("JWT"))
        .without("iss")
        .without("aud")
        .claim("cid", json!(FALCON_TENANT))
        .claim("serial_number", json!(serial))
        .claim("assessment", json!({ "overall": score }))
}

/// What the second vendor says of Alice's laptop.
fn jamf(serial: &str, compliant: bool, version: &str) -> Token {
    Token::about("laptop-1")
        .key(&KEYS.machines)
        .header("typ", json!("JWT"))
        .without("aud")
        .claim("iss", json!(JAMF_TENANT))
        .claim("risk", json!("LOW"))
        .claim("serial", json!(serial))
        .claim("compliant", json!(compliant))
        .claim("version", json!(version))
}

fn providers_of_posture_speak_of_one_device_in_one_vocabulary(bench: &Bench) {
    let envoy = bench.envoy_with("devices", [plugin_listener(bench, "main", &configuration())]);
    let address = envoy.listener("main").expect("the listener is there");
    let send = |falcon: Option<&Token>, jamf: Option<&Token>| -> Outcome {
        let mut ask = Ask::get("/orders").token(Token::of(ALICE).key(&KEYS.corp_es256).sign());
        for (header, token) in [("x-falcon", falcon), ("x-jamf", jamf)] {
            ask = token.into_iter().fold(ask, |ask, token| ask.header(header, token.sign()));
        }
        bench.ask_at(address, &ask)
    };
    let [one, other] = SERIALS;
    let good = falcon(one, 80);
    send(Some(&good), Some(&jamf(one, true, "14.10"))).allowed();
    send(Some(&good), Some(&jamf(one, true, "15"))).allowed();

    // The evidence of two devices.
    let answer = send(Some(&good), Some(&jamf(other, true, "14.10"))).refused(401, "device-conflict");
    let line = envoy.access_line(&answer.decision_id().expect("an id")).expect("the access log has its line");
    let record = record(&line);
    assert_eq!(record["detail"], "`serial` of `falcon` and of `jamf` differ");
    assert_eq!((&record["decision"], &record["reason"]), (&"deny".into(), &"device-conflict".into()));
    assert_eq!(record["evidence"]["falcon"]["state"], "verified");
    assert_eq!(record["evidence"]["jamf"]["state"], "verified");
    for text in [answer.text(), record.to_string()] {
        assert!(!SERIALS.iter().any(|serial| text.contains(serial)), "{text}");
    }

    // What each of them says counts.
    send(Some(&good), Some(&jamf(one, false, "14.10"))).refused(403, "not-permitted");
    send(Some(&falcon(one, 69)), Some(&jamf(one, true, "14.10"))).refused(403, "not-permitted");
    for outdated in ["14.9", "9.99", "14"] {
        let answer = send(Some(&good), Some(&jamf(one, true, outdated))).refused(403, "forbidden-by-policy");
        assert_eq!(answer.json()["advice"], "Update your system to 14.10 or later.", "{}", answer.text());
    }

    // Evidence that is stale says nothing, neither for the caller nor against.
    let stale = jamf(other, true, "14.10").made_before(7_200).claim("exp", json!(4_000_000_000_i64));
    send(Some(&good), Some(&stale)).refused(403, "forbidden-by-policy");
    let stale = falcon(other, 80).made_before(7_200).claim("exp", json!(4_000_000_000_i64));
    send(Some(&stale), Some(&jamf(one, true, "14.10"))).refused(403, "not-permitted");

    // Who leaves one out has less.
    send(Some(&good), None).refused(403, "forbidden-by-policy");
    send(None, Some(&jamf(one, true, "14.10"))).refused(403, "not-permitted");
}
