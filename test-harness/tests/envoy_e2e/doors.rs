//! The configurations of docs/doors.md as they are written there, a listener each, with keys in PEM that are fetched by
//! the `kid` of tokens: an honest token of each door, and the hostile ones that the form invites.

use std::sync::{Arc, LazyLock};

use countersign_core::jose::Algorithm;
use serde_json::{Value, json};
use test_harness::clock::unix_seconds;
use test_harness::keys::DemoKey;
use test_harness::page::{Section, whole};
use test_harness::services::{Provider, pem_provider};
use test_harness::tokens::{base64url, changed};

use crate::bench::{Bench, WORKERS};
use crate::keys::wait_until;
use crate::published::ALLOW;
use crate::vendors::{allowed_as, ask, found, is_answered};
use crate::{Scenario, scenarios};

pub const SCENARIOS: &[Scenario] = scenarios![
    an_honest_token_of_each_door_is_allowed_and_its_record_says_who_and_by_what,
    hostile_tokens_in_the_shape_of_each_door_are_refused,
    parts_of_a_doors_token_with_another_padding_are_refused,
    each_worker_asks_for_the_key_of_a_door_once,
];

const ALB_ARN: &str = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/shop/50dc6c495c0c9188";
const INSTANCE_ARN: &str = "arn:aws:ec2:eu-west-1:111122223333:verified-access-instance/vai-0123456789abcdef0";
const PROVIDER_ARN: &str = "arn:aws:ec2:eu-west-1:111122223333:verified-access-trust-provider/vatp-0123456789abcdef0";
const OIDC_ISSUER: &str = "https://login.example.com";
const CLIENT: &str = "0oa1b2c3d4";

/// The key of the load balancers of a region.
static ALB_KEY: LazyLock<Arc<DemoKey>> =
    LazyLock::new(|| DemoKey::new_for("11111111-2222-4333-8444-555555555555", Algorithm::Es256));

/// That of Verified Access.
static AVA_KEY: LazyLock<Arc<DemoKey>> =
    LazyLock::new(|| DemoKey::new_for("aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee", Algorithm::Es384));

/// A door: its section of the page, and how it makes tokens.
#[derive(Clone)]
pub struct Door {
    /// The name of its listener.
    pub name: &'static str,
    heading: &'static str,
    /// The issuer in its example.
    issuer: &'static str,
    /// Whether the section's second example is laid over the first.
    is_second: bool,
    pub place: &'static str,
    pub key: Arc<DemoKey>,
    /// Whether the parts of its tokens are padded.
    is_padded: bool,
    signer: &'static str,
    principal: &'static str,
}

/// The doors of the page.
pub fn all() -> [Door; 3] {
    let verified_access = Door {
        name: "aws-verified-access",
        heading: "AWS Verified Access",
        issuer: "ava",
        is_second: false,
        place: "x-amzn-ava-user-context",
        key: Arc::clone(&AVA_KEY),
        is_padded: false,
        signer: INSTANCE_ARN,
        principal: r#"ava::User::"alice""#,
    };
    let identity_center = Door {
        name: "aws-identity-center",
        is_second: true,
        principal: r#"ava::User::"f478d4c8-a001-7064-6ea6-12423523""#,
        ..verified_access.clone()
    };
    [alb(), verified_access, identity_center]
}

/// The load balancer.
pub fn alb() -> Door {
    Door {
        name: "aws-alb",
        heading: "AWS Application Load Balancer",
        issuer: "alb",
        is_second: false,
        place: "x-amzn-oidc-data",
        key: Arc::clone(&ALB_KEY),
        is_padded: true,
        signer: ALB_ARN,
        principal: r#"alb::User::"alice""#,
    }
}

impl Door {
    /// The configuration of the page, made whole.
    pub fn configuration(&self) -> Value {
        let section = Section::of("docs/doors.md", self.heading);
        let mut providers = section.yaml(0);
        if self.is_second {
            providers["issuers"][self.issuer] = changed(&providers["issuers"][self.issuer], &section.yaml(1));
        }
        let policy = format!("@id(\"all\") permit (principal is {}::User, action, resource);", self.issuer);
        whole(providers, &policy)
    }

    /// The same, with these members of `keys`.
    pub fn configuration_with_keys(&self, keys: Value) -> Value {
        let mut configuration = self.configuration();
        configuration["issuers"][self.issuer]["keys"] = keys;
        configuration
    }

    /// The cluster of its keys.
    pub fn cluster(&self) -> &'static str {
        if self.issuer == "alb" { "alb_keys" } else { "ava_keys" }
    }

    /// Lets this provider have its key.
    pub fn publish(&self, provider: &Provider) {
        provider.publish(&pem_provider::path(&self.key.kid), &[&self.key]);
    }

    fn is_alb(&self) -> bool {
        self.issuer == "alb"
    }

    /// The header and the payload of an honest token, as AWS publishes them.
    fn honest(&self) -> (Value, Value) {
        let exp = unix_seconds() + 120;
        let header = json!({
            "alg": self.key.alg, "kid": self.key.kid, "signer": self.signer, "iss": OIDC_ISSUER, "exp": exp,
        });
        if self.is_alb() {
            let payload = json!({ "sub": "alice", "email": "alice@example.com", "exp": exp, "iss": OIDC_ISSUER });
            (changed(&header, &json!({ "typ": "JWT", "client": CLIENT })), payload)
        } else if self.is_second {
            let payload = json!({ "user": {
                "user_id": "f478d4c8-a001-7064-6ea6-12423523", "user_name": "alice",
                "email": { "address": "alice@example.com", "verified": false },
            } });
            (changed(&header, &json!({ "iss": PROVIDER_ARN })), payload)
        } else {
            let payload = json!({
                "sub": "alice", "email": "alice@example.com", "email_verified": true, "groups": ["finance"],
                "additional_user_context": {
                    "aud": "xxx", "exp": 1_000_000_000, "iat": 1_000_000_000, "iss": "https://oidc-tp.example/",
                    "sub": "alice",
                },
            });
            (header, payload)
        }
    }

    /// A token with these changes to header and payload, signed by this key.
    pub fn token(&self, key: &DemoKey, header: &Value, payload: &Value) -> String {
        let (honest_header, honest_payload) = self.honest();
        signed(key, &changed(&honest_header, header), &changed(&honest_payload, payload), self.is_padded)
    }

    /// The header field with an honest token of this key, and its `kid`.
    pub fn fields_of(&self, key: &DemoKey) -> [(&'static str, String); 1] {
        [(self.place, self.token(key, &json!({ "kid": key.kid, "alg": key.alg }), &json!({})))]
    }

    fn ask(&self, bench: &Bench, token: String) -> crate::bench::Outcome {
        ask(bench, bench.vendors().listener(self.name), &[(self.place, token)])
    }

    fn honest_token(&self) -> String {
        self.token(&self.key, &json!({}), &json!({}))
    }
}

/// base64url, with padding or without.
fn part(bytes: impl AsRef<[u8]>, is_padded: bool) -> String {
    let mut text = base64url(bytes);
    while is_padded && !text.len().is_multiple_of(4) {
        text.push('=');
    }
    text
}

fn signed(key: &DemoKey, header: &Value, payload: &Value, is_padded: bool) -> String {
    let input = format!("{}.{}", part(header.to_string(), is_padded), part(payload.to_string(), is_padded));
    let signature = key.key.signature(input.as_bytes()).expect("a signature");
    format!("{input}.{}", part(signature, is_padded))
}

fn an_honest_token_of_each_door_is_allowed_and_its_record_says_who_and_by_what(bench: &Bench) {
    for door in all() {
        let record = allowed_as(bench, door.ask(bench, door.honest_token()), door.principal);
        assert_eq!(record["authentication"]["issuer"], door.issuer, "{record}");
        assert_eq!(record["authentication"]["place"], format!("header {}", door.place), "{record}");
    }
}

/// The code, and the changes of header and payload.
type Row = (&'static str, Value, Value);

/// What every door's form invites.
fn rows(door: &Door) -> Vec<Row> {
    let none = || json!({});
    let (now, (honest, _)) = (unix_seconds(), door.honest());
    let other_algorithm = if door.is_alb() { "ES384" } else { "ES256" };
    let mut rows = vec![
        // A payload that says something about the token has no effect.
        (ALLOW, none(), json!({ "exp": 1, "signer": "evil", "client": "evil" })),
        // Of another customer, whose tokens have the same keys.
        ("token-pin", json!({ "signer": door.signer.replace("111122223333", "999988887777") }), none()),
        ("token-pin", json!({ "signer": door.signer.replace("eu-west-1", "us-east-1") }), none()),
        ("token-pin", json!({ "signer": "x" }), json!({ "signer": door.signer })),
        ("token-pin", json!({ "signer": null }), json!({ "signer": door.signer })),
        ("token-pin", json!({ "signer": [door.signer] }), none()),
        ("token-pin", json!({ "signer": door.signer.to_uppercase() }), none()),
        // The payload's own `exp` and `iss`.
        ("token-claim-missing", json!({ "exp": null }), json!({ "exp": now + 120 })),
        ("token-expired", json!({ "exp": now - 61 }), json!({ "exp": now + 9_999 })),
        ("token-claim-type", json!({ "exp": (now + 120).to_string() }), none()),
        ("token-issuer", json!({ "iss": null }), json!({ "iss": honest["iss"] })),
        ("token-issuer", json!({ "iss": "https://evil.example" }), json!({ "iss": honest["iss"] })),
        ("token-claim-type", json!({ "iss": [honest["iss"]] }), none()),
        // A JWT of another kind.
        ("token-audience", none(), json!({ "aud": "shop" })),
        ("token-claim-forbidden", none(), json!({ "nonce": "n" })),
        ("token-typ", json!({ "typ": "at+jwt" }), none()),
        ("token-not-yet-valid", none(), json!({ "nbf": now + 3_600 })),
        ("token-critical", json!({ "crit": ["exp"] }), none()),
        ("token-algorithm", json!({ "alg": "none" }), none()),
        ("token-algorithm", json!({ "alg": "HS256" }), none()),
        ("token-algorithm", json!({ "alg": other_algorithm }), none()),
        // A key that the door does not have, and what is no id of one.
        ("token-key", json!({ "kid": "99999999-9999-4999-8999-999999999999" }), none()),
        ("token-key", json!({ "kid": "../../latest/meta-data" }), none()),
        ("token-key", json!({ "kid": "https://evil.example/key" }), none()),
        ("token-key", json!({ "kid": null }), none()),
    ];
    if door.is_alb() {
        rows.extend([
            ("token-pin", json!({ "client": "other-client" }), json!({ "client": CLIENT })),
            ("token-pin", json!({ "client": null }), json!({ "client": CLIENT })),
            ("token-pin", json!({ "client": [CLIENT] }), none()),
            ("token-typ", json!({ "typ": null }), none()),
            ("token-claim-missing", none(), json!({ "sub": null })),
        ]);
    } else {
        let context = |context: Value| json!({ "additional_user_context": context });
        rows.extend([
            ("token-typ", json!({ "typ": "JWT" }), none()),
            ("token-claim-missing", json!({ "exp": null }), context(json!({ "exp": now + 120 }))),
            ("token-issuer", json!({ "iss": null }), context(json!({ "iss": honest["iss"] }))),
        ]);
    }
    if door.is_second {
        rows.extend([
            ("token-claim-missing", none(), json!({ "user": null, "sub": "alice" })),
            ("token-claim-missing", none(), json!({ "user": { "user_name": "alice" } })),
            ("token-claim-type", none(), json!({ "user": "alice" })),
            ("token-issuer", json!({ "iss": OIDC_ISSUER }), json!({ "sub": "alice" })),
        ]);
    } else if !door.is_alb() {
        rows.extend([
            ("token-claim-missing", none(), json!({ "sub": null })),
            ("token-claim-type", none(), json!({ "groups": "finance" })),
            ("token-issuer", json!({ "iss": PROVIDER_ARN }), none()),
        ]);
    }
    rows
}

fn hostile_tokens_in_the_shape_of_each_door_are_refused(bench: &Bench) {
    let mut wrong = Vec::new();
    for door in all() {
        is_answered(door.ask(bench, door.honest_token()), ALLOW);
        for (expected, header, payload) in rows(&door) {
            let outcome = door.ask(bench, door.token(&door.key, &header, &payload));
            match found(&outcome) {
                code if code == expected => is_answered(outcome, expected),
                code => wrong.push(format!("{}: {code}, not {expected}: {header} {payload}", door.name)),
            }
        }
        // Somebody else's key under the door's `kid`, and a header that the door has not signed.
        let forger = DemoKey::new_for(&door.key.kid, door.key.key.algorithm());
        is_answered(door.ask(bench, door.token(&forger, &json!({}), &json!({}))), "token-signature");
        let (mine, honest) = (door.token(&door.key, &json!({ "n": 1 }), &json!({})), door.honest_token());
        let (header, _) = mine.split_once('.').expect("parts");
        let (_, rest) = honest.split_once('.').expect("parts");
        is_answered(door.ask(bench, format!("{header}.{rest}")), "token-signature");
        // At another place than the door's.
        let bearer = [("authorization", format!("Bearer {}", door.honest_token()))];
        let outcome = ask(bench, bench.vendors().listener(door.name), &bearer);
        assert!(outcome.answer.status == 401 && outcome.received.is_none(), "{}", outcome.answer.text());
        is_answered(door.ask(bench, door.honest_token()), ALLOW);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn parts_of_a_doors_token_with_another_padding_are_refused(bench: &Bench) {
    let [alb, verified_access, _] = all();
    let (header, payload) = alb.honest();
    let honest = signed(&alb.key, &header, &payload, true);
    assert!(honest.ends_with("=="), "a signature of ES256 has two `=`");
    let bare: Vec<&str> = honest.split('.').map(|part| part.trim_end_matches('=')).collect();
    for token in [
        signed(&alb.key, &header, &payload, false),
        bare.join("."),
        format!("{honest}="),
        format!("{honest}===="),
        honest.trim_end_matches('=').to_owned(),
        honest.replace("==", "%3D%3D"),
    ] {
        is_answered(alb.ask(bench, token), "token-malformed");
    }
    is_answered(alb.ask(bench, honest), ALLOW);
    let (header, payload) = verified_access.honest();
    let padded = signed(&verified_access.key, &changed(&header, &json!({ "n": "x" })), &payload, true);
    assert!(padded.contains('='), "{padded}");
    // Padding inside is none of a token in the usual form.
    is_answered(verified_access.ask(bench, padded), "credential-malformed");
}

fn each_worker_asks_for_the_key_of_a_door_once(bench: &Bench) {
    let door = alb();
    let path = pem_provider::path(&door.key.kid);
    let visits = || bench.vendors().provider(door.cluster()).visits(&path);
    // The kernel spreads connections over the workers.
    wait_until("both workers have asked", || {
        is_answered(door.ask(bench, door.honest_token()), ALLOW);
        visits().len() >= WORKERS as usize
    });
    for _ in 0..16 {
        is_answered(door.ask(bench, door.honest_token()), ALLOW);
    }
    let visits = visits();
    assert_eq!(visits.len(), WORKERS as usize, "{visits:?}");
    assert!(visits.iter().all(|visit| visit.authority == "public-keys.auth.elb.eu-west-1.amazonaws.com"), "{visits:?}");
}
