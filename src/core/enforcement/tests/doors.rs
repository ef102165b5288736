//! Tokens that AWS's front doors add, and hostile ones in their shape. Each hostile token differs from an honest one, which
//! is accepted beside it, in what its row says.

#![expect(clippy::arithmetic_side_effects, reason = "times near one that is written here")]

use super::*;

const ALB_ISSUER: &str = "https://idp.example/alb";
const AVA_ISSUER: &str = "https://idp.example/ava";
const ALB_ARN: &str = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/shop/50dc6c495c0c9188";
const AVA_ARN: &str = "arn:aws:ec2:eu-west-1:111122223333:verified-access-instance/vai-0123456789abcdef0";
const IDC_ARN: &str = "arn:aws:ec2:eu-west-1:111122223333:verified-access-instance/vai-abcdef01234567890";
const ALB_KEY: &str = "11111111-2222-4333-8444-555555555555";
const AVA_KEY: &str = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";

#[derive(Clone, Copy, Debug, PartialEq)]
enum Door {
    Alb,
    Ava,
    /// Verified Access with IAM Identity Center.
    Idc,
}

impl Door {
    const fn header(self) -> &'static str {
        match self {
            Self::Alb => "x-amzn-oidc-data",
            Self::Ava | Self::Idc => "x-amzn-ava-user-context",
        }
    }

    fn algorithm(self) -> Algorithm {
        if self == Self::Alb { Algorithm::Es256 } else { Algorithm::Es384 }
    }

    /// The honest header and payload, as AWS publishes them.
    fn honest(self) -> (Value, Value) {
        let exp = NOW.get() + 120;
        match self {
            Self::Alb => (
                json!({ "typ": "JWT", "kid": ALB_KEY, "alg": "ES256", "iss": ALB_ISSUER, "client": "shop-client",
                        "signer": ALB_ARN, "exp": exp }),
                json!({ "sub": "alice", "name": "Alice", "email": "alice@example.com", "exp": exp, "iss": ALB_ISSUER }),
            ),
            Self::Ava => (
                json!({ "alg": "ES384", "kid": AVA_KEY, "signer": AVA_ARN, "iss": AVA_ISSUER, "exp": exp }),
                json!({ "sub": "alice", "email": "alice@example.com", "email_verified": true, "groups": ["finance"],
                        "additional_user_context": { "aud": "xxx", "exp": 1_000_000_000, "iat": 1_000_000_000,
                                                     "iss": "https://oidc-tp.example/", "sub": "alice" } }),
            ),
            Self::Idc => (
                json!({ "alg": "ES384", "kid": AVA_KEY, "signer": IDC_ARN, "exp": exp,
                        "iss": "arn:aws:ec2:eu-west-1:111122223333:verified-access-trust-provider/vatp-0123456789abcdef0" }),
                json!({ "user": { "user_id": "f478d4c8-a001-7064-6ea6-12423523", "user_name": "alice",
                                  "email": { "address": "alice@example.com", "verified": false } } }),
            ),
        }
    }
}

fn doors() -> Plan {
    plan_of(&doors_configuration())
}

fn doors_configuration() -> Value {
    let keys = |algorithm: Algorithm, kid: &str| json!({ "inline": jwk_set(&key(algorithm), Some(kid)) });
    let mut configuration = configuration();
    configuration["issuers"] = json!({
        "alb": {
            "preset": "aws-alb", "issuer": ALB_ISSUER, "from": [{ "header": "x-amzn-oidc-data" }],
            "pins": { "signer": ALB_ARN, "client": "shop-client" }, "keys": keys(Algorithm::Es256, ALB_KEY),
            "principal": { "id": "sub" },
        },
        "ava": {
            "preset": "aws-verified-access", "issuer": AVA_ISSUER, "from": [{ "header": "x-amzn-ava-user-context" }],
            "pins": { "signer": AVA_ARN }, "keys": keys(Algorithm::Es384, AVA_KEY),
            "principal": { "id": "sub", "groups": "groups" },
        },
        "idc": {
            "preset": "aws-verified-access",
            "issuer": "arn:aws:ec2:eu-west-1:111122223333:verified-access-trust-provider/vatp-0123456789abcdef0",
            "from": [{ "header": "x-amzn-ava-user-context" }],
            "pins": { "signer": IDC_ARN },
            "keys": keys(Algorithm::Es384, AVA_KEY), "principal": { "id": ["user", "user_id"] },
        },
    });
    configuration["applications"]["shop"]["requires"] = json!([]);
    configuration["applications"]["shop"]["routes"]["health"] = json!({ "path": "/healthz" });
    configuration.as_object_mut().unwrap().remove("devices");
    configuration["identity_headers"] = json!({});
    configuration["policies"] = json!(
        "@id(\"alb\") permit (principal is alb::User, action, resource);
         @id(\"ava\") permit (principal is ava::User, action, resource);
         @id(\"idc\") permit (principal is idc::User, action, resource);"
    );
    configuration
}

/// base64url as the door writes it.
fn part(bytes: &[u8], padded: bool) -> String {
    let mut text = crate::jose::base64url::encode(bytes);
    while padded && !text.len().is_multiple_of(4) {
        text.push('=');
    }
    text
}

fn signed(header: &Value, payload: &Value, signer: &crate::mint::SigningKey, padded: bool) -> String {
    let input =
        format!("{}.{}", part(header.to_string().as_bytes(), padded), part(payload.to_string().as_bytes(), padded));
    let signature = signer.signature(input.as_bytes()).unwrap();
    format!("{input}.{}", part(&signature, padded))
}

/// Merges; `null` removes a member.
fn changed(mut base: Value, changes: &Value) -> Value {
    merge(&mut base, changes.clone());
    base.as_object_mut().unwrap().retain(|name, value| !value.is_null() || changes.get(name).is_none());
    base
}

fn token_of(door: Door, header: &Value, payload: &Value) -> String {
    let (honest_header, honest_payload) = door.honest();
    let (header, payload) = (changed(honest_header, header), changed(honest_payload, payload));
    signed(&header, &payload, &key(door.algorithm()), door == Door::Alb)
}

fn asked_with(plan: &Plan, header: &str, value: &str, now: UnixSeconds) -> Outcome {
    let trust = TrustStore::new(plan.key_sources(), 0);
    decided_at(plan, &trust, parts("GET", "/api/orders/7", None, None, &[(header, value)]), now)
}

/// The code of a token that is presented at its door; `permitted` if it is accepted.
fn code_of(plan: &Plan, door: Door, token: &str) -> String {
    let outcome = asked_with(plan, door.header(), token, NOW);
    record(&outcome)["reason"].as_str().unwrap().to_owned()
}

#[portable]
fn an_honest_token_of_each_door_names_its_principal() {
    let plan = doors();
    for (door, principal) in [
        (Door::Alb, r#"alb::User::"alice""#),
        (Door::Ava, r#"ava::User::"alice""#),
        (Door::Idc, r#"idc::User::"f478d4c8-a001-7064-6ea6-12423523""#),
    ] {
        let outcome = asked_with(&plan, door.header(), &token_of(door, &json!({}), &json!({})), NOW);
        assert_eq!(set(forwarded(&outcome), "x-countersign-principal"), Some(principal));
        assert_eq!(record(&outcome)["authentication"]["place"], format!("header {}", door.header()));
    }
}

/// Changes of the header and the payload, and the code of the refusal. The same rows hold for each door.
fn rows(door: Door) -> Vec<(&'static str, Value, Value, &'static str)> {
    let now = NOW.get();
    let none = || json!({});
    let issuer = || json!({ "iss": door.honest().0["iss"] });
    let mut rows = vec![
        ("signer of another account", json!({ "signer": door_arn(door).replace("1111", "2222") }), none(), "token-pin"),
        (
            "signer of another region",
            json!({ "signer": door_arn(door).replace("eu-west-1", "us-east-1") }),
            none(),
            "token-pin",
        ),
        ("no signer", json!({ "signer": null }), none(), "token-pin"),
        ("signer only in the payload", json!({ "signer": null }), json!({ "signer": door_arn(door) }), "token-pin"),
        (
            "other signer, and ours in the payload",
            json!({ "signer": "x" }),
            json!({ "signer": door_arn(door) }),
            "token-pin",
        ),
        ("signer in a list", json!({ "signer": [door_arn(door)] }), none(), "token-pin"),
        ("signer in upper case", json!({ "signer": door_arn(door).to_uppercase() }), none(), "token-pin"),
        ("`Signer`", json!({ "signer": null, "Signer": door_arn(door) }), none(), "token-pin"),
        ("signer with a space", json!({ "signer": format!("{} ", door_arn(door)) }), none(), "token-pin"),
        (
            "a part of the signer",
            json!({ "signer": door_arn(door).trim_end_matches(|c: char| c != ':') }),
            none(),
            "token-pin",
        ),
        ("empty signer", json!({ "signer": "" }), none(), "token-pin"),
        ("signer is an object", json!({ "signer": { "arn": door_arn(door) } }), none(), "token-pin"),
        ("signer is a number", json!({ "signer": 1 }), none(), "token-pin"),
        ("no exp in the header", json!({ "exp": null }), none(), "token-claim-missing"),
        ("exp only in the payload", json!({ "exp": null }), json!({ "exp": now + 120 }), "token-claim-missing"),
        (
            "expired, and a later exp in the payload",
            json!({ "exp": now - 120 }),
            json!({ "exp": now + 9_999 }),
            "token-expired",
        ),
        ("expired", json!({ "exp": now - 60 }), none(), "token-expired"),
        ("expired long ago", json!({ "exp": 1 }), none(), "token-expired"),
        ("exp is negative", json!({ "exp": -1 }), none(), "token-expired"),
        ("exp is zero", json!({ "exp": 0 }), none(), "token-expired"),
        ("exp is a string", json!({ "exp": (now + 120).to_string() }), none(), "token-claim-type"),
        ("exp is the word of the documentation", json!({ "exp": "expiration" }), none(), "token-claim-type"),
        ("exp is a list", json!({ "exp": [now + 120] }), none(), "token-claim-type"),
        ("exp is true", json!({ "exp": true }), none(), "token-claim-type"),
        ("exp is an object", json!({ "exp": {} }), none(), "token-claim-type"),
        ("exp beyond 2^53", json!({ "exp": 1e300 }), none(), "token-claim-type"),
        ("expired by a fraction", json!({ "exp": now as f64 - 60.5 }), none(), "token-expired"),
        ("`Exp`", json!({ "exp": null, "Exp": now + 120 }), none(), "token-claim-missing"),
        ("exp in milliseconds of the past", json!({ "exp": now - 86_400 }), none(), "token-expired"),
        ("no iss in the header", json!({ "iss": null }), none(), "token-issuer"),
        ("iss only in the payload", json!({ "iss": null }), issuer(), "token-issuer"),
        ("other iss, and ours in the payload", json!({ "iss": "https://evil.example" }), issuer(), "token-issuer"),
        (
            "iss with a slash",
            json!({ "iss": format!("{}/", door.honest().0["iss"].as_str().unwrap()) }),
            none(),
            "token-issuer",
        ),
        (
            "iss in upper case",
            json!({ "iss": door.honest().0["iss"].as_str().unwrap().to_uppercase() }),
            none(),
            "token-issuer",
        ),
        ("iss in a list", json!({ "iss": [door.honest().0["iss"]] }), none(), "token-claim-type"),
        ("iss is a number", json!({ "iss": 7 }), none(), "token-claim-type"),
        ("empty iss", json!({ "iss": "" }), none(), "token-issuer"),
        ("crit", json!({ "crit": ["exp"] }), none(), "token-critical"),
        ("b64", json!({ "b64": false }), none(), "token-critical"),
        ("enc", json!({ "enc": "A256GCM" }), none(), "token-malformed"),
        ("alg none", json!({ "alg": "none" }), none(), "token-algorithm"),
        ("alg HS256", json!({ "alg": "HS256" }), none(), "token-algorithm"),
        (
            "alg of the other door",
            json!({ "alg": if door == Door::Alb { "ES384" } else { "ES256" } }),
            none(),
            "token-algorithm",
        ),
        ("alg RS256", json!({ "alg": "RS256" }), none(), "token-algorithm"),
        (
            "alg in lower case",
            json!({ "alg": if door == Door::Alb { "es256" } else { "es384" } }),
            none(),
            "token-algorithm",
        ),
        ("no alg", json!({ "alg": null }), none(), "token-algorithm"),
        ("other kid", json!({ "kid": "99999999-9999-4999-8999-999999999999" }), none(), "token-key"),
        (
            "kid in upper case",
            json!({ "kid": if door == Door::Alb { ALB_KEY } else { AVA_KEY }.to_uppercase().replace('1', "A") }),
            none(),
            "token-key",
        ),
        ("kid with a path", json!({ "kid": "../../etc/passwd" }), none(), "token-key"),
        ("kid with a query", json!({ "kid": format!("{ALB_KEY}?x=1") }), none(), "token-key"),
        ("kid is a URL", json!({ "kid": "https://evil.example/key" }), none(), "token-key"),
        ("kid is a number", json!({ "kid": 1 }), none(), "token-malformed"),
        ("kid in a list", json!({ "kid": [ALB_KEY] }), none(), "token-malformed"),
        ("aud in the payload", none(), json!({ "aud": "shop" }), "token-audience"),
        ("nonce of an ID token", none(), json!({ "nonce": "n" }), "token-claim-forbidden"),
        ("nbf in the future", none(), json!({ "nbf": now + 3_600 }), "token-not-yet-valid"),
        ("iat in the future", none(), json!({ "iat": now + 3_600 }), "token-not-yet-valid"),
        ("sub is a number", none(), json!({ "sub": 7 }), "token-claim-type"),
        ("jti is a list", none(), json!({ "jti": [] }), "token-claim-type"),
        ("typ of an access token", json!({ "typ": "at+jwt" }), none(), "token-typ"),
        ("typ is a number", json!({ "typ": 1 }), none(), "token-malformed"),
        ("empty typ", json!({ "typ": "" }), none(), "token-typ"),
    ];
    if door == Door::Alb {
        rows.extend([
            ("other client", json!({ "client": "other-client" }), none(), "token-pin"),
            ("no client", json!({ "client": null }), none(), "token-pin"),
            ("client only in the payload", json!({ "client": null }), json!({ "client": "shop-client" }), "token-pin"),
            ("client in a list", json!({ "client": ["shop-client"] }), none(), "token-pin"),
            ("client in upper case", json!({ "client": "SHOP-CLIENT" }), none(), "token-pin"),
            ("no typ", json!({ "typ": null }), none(), "token-typ"),
            ("no sub", none(), json!({ "sub": null }), "token-claim-missing"),
        ]);
    } else {
        rows.extend([
            ("typ JWT", json!({ "typ": "JWT" }), none(), "token-typ"),
            (
                "exp in the user's context",
                json!({ "exp": null }),
                json!({ "additional_user_context": { "exp": now + 120 } }),
                "token-claim-missing",
            ),
            (
                "iss in the user's context",
                json!({ "iss": null }),
                json!({ "additional_user_context": issuer() }),
                "token-issuer",
            ),
        ]);
    }
    if door == Door::Idc {
        rows.extend([
            ("no user", none(), json!({ "user": null }), "token-claim-missing"),
            (
                "no user_id, and a sub",
                none(),
                json!({ "user": { "user_name": "alice" }, "sub": "alice" }),
                "token-claim-missing",
            ),
            ("user is a string", none(), json!({ "user": "alice" }), "token-claim-type"),
        ]);
    }
    rows
}

const fn door_arn(door: Door) -> &'static str {
    match door {
        Door::Alb => ALB_ARN,
        Door::Ava => AVA_ARN,
        Door::Idc => IDC_ARN,
    }
}

#[portable]
fn hostile_tokens_are_refused_and_their_honest_twins_pass() {
    let plan = doors();
    let mut refused = 0;
    let mut wrong = Vec::new();
    for door in [Door::Alb, Door::Ava, Door::Idc] {
        for (name, header, payload, expected) in rows(door) {
            assert_eq!(
                code_of(&plan, door, &token_of(door, &json!({}), &json!({}))),
                "permitted",
                "the twin of {name}"
            );
            let found = code_of(&plan, door, &token_of(door, &header, &payload));
            if found != expected {
                wrong.push(format!("{door:?}, {name}: {found}, not {expected}"));
            }
            refused += 1;
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(refused >= 180, "{refused} hostile tokens");
}

#[portable]
fn a_part_with_another_padding_is_refused() {
    let plan = doors();
    let padded = token_of(Door::Alb, &json!({}), &json!({ "n": "x" }));
    assert_eq!(code_of(&plan, Door::Alb, &padded), "permitted");
    let parts: Vec<&str> = padded.split('.').collect();
    assert!(parts[2].ends_with("=="), "an ES256 signature has two `=`");
    let bare: Vec<&str> = parts.iter().map(|part| part.trim_end_matches('=')).collect();
    let (header, payload) = Door::Alb.honest();
    let mut hostile = vec![
        signed(&header, &payload, &key(Algorithm::Es256), false),
        bare.join("."),
        format!("{}.{}.{}", parts[0], parts[1], bare[2]),
        format!("{}.{}.{}=", parts[0], parts[1], bare[2]),
        format!("{padded}="),
        format!("{padded}===="),
        format!("{}=.{}.{}", parts[0], parts[1], parts[2]),
        format!("{}.{}====.{}", parts[0], parts[1], parts[2]),
        format!("={padded}"),
        padded.replace('.', ".\n"),
        padded.replace("==", "=\u{20}="),
        padded.replace("==", "%3D%3D"),
        format!("{padded}.{}", parts[2]),
        format!("{}.{}", parts[0], parts[1]),
    ];
    // Trailing bits that are not zero: the last character before the padding, changed to its neighbour.
    let signature = bare[2];
    let last = signature.chars().last().unwrap();
    let neighbour = char::from(u8::try_from(u32::from(last)).unwrap() + 1);
    let rest = signature.strip_suffix(last).unwrap();
    hostile.push(format!("{}.{}.{rest}{neighbour}==", parts[0], parts[1]));
    for token in &hostile {
        let found = code_of(&plan, Door::Alb, token);
        assert!(found == "token-malformed" || found == "credential-malformed", "{found}: {token}");
    }
    // Verified Access writes no padding, and a token with it is not one of its.
    let (header, payload) = Door::Ava.honest();
    let ava = signed(&header, &changed(payload, &json!({ "n": "xx" })), &key(Algorithm::Es384), true);
    assert!(ava.contains('='), "{ava}");
    assert_ne!(code_of(&plan, Door::Ava, &ava), "permitted");
}

#[portable]
fn a_token_is_accepted_only_at_its_own_door() {
    let plan = doors();
    for door in [Door::Alb, Door::Ava, Door::Idc] {
        let token = token_of(door, &json!({}), &json!({}));
        let other = if door == Door::Alb { Door::Ava } else { Door::Alb };
        assert_ne!(code_of(&plan, other, &token), "permitted", "{door:?}");
        for place in ["authorization", "x-amzn-oidc-accesstoken"] {
            let value = if place == "authorization" { format!("Bearer {token}") } else { token.clone() };
            let outcome = asked_with(&plan, place, &value, NOW);
            assert_ne!(record(&outcome)["reason"], "permitted", "{door:?} in {place}");
        }
    }
    // All claims of the door, but where a JWT has them: signed by the door's key, and no token of the door.
    let (header, payload) = Door::Ava.honest();
    let claims = changed(payload, &header);
    let bare = json!({ "alg": "ES384", "kid": AVA_KEY });
    let jwt = signed(&bare, &claims, &key(Algorithm::Es384), false);
    assert_eq!(code_of(&plan, Door::Ava, &jwt), "token-issuer");
    let outcome = asked_with(&plan, "authorization", &format!("Bearer {jwt}"), NOW);
    assert_ne!(record(&outcome)["reason"], "permitted");
}

#[portable]
fn a_token_ends_with_its_header_and_not_with_its_payload() {
    let plan = doors();
    for door in [Door::Alb, Door::Ava, Door::Idc] {
        let token = token_of(door, &json!({}), &json!({ "exp": 1 }));
        assert_eq!(code_of(&plan, door, &token), "permitted", "an exp of the payload says nothing about the token");
        let at = |seconds: i64| {
            let outcome = asked_with(&plan, door.header(), &token, UnixSeconds::new(NOW.get() + seconds));
            record(&outcome)["reason"].as_str().unwrap().to_owned()
        };
        assert_eq!(at(120 + 59), "permitted", "within the clock skew");
        assert_eq!(at(120 + 60), "token-expired");
    }
}

#[portable]
fn another_key_or_a_changed_byte_is_a_forgery() {
    let plan = doors();
    for door in [Door::Alb, Door::Ava] {
        let (header, payload) = door.honest();
        let forger = crate::mint::SigningKey::generate(door.algorithm()).unwrap();
        let forged = signed(&header, &payload, &forger, door == Door::Alb);
        assert_eq!(code_of(&plan, door, &forged), "token-signature");
        let honest = token_of(door, &json!({}), &json!({}));
        let other = token_of(door, &json!({ "exp": NOW.get() + 121 }), &json!({}));
        let (mut parts, others): (Vec<&str>, Vec<&str>) = (honest.split('.').collect(), other.split('.').collect());
        parts[0] = others[0];
        assert_eq!(code_of(&plan, door, &parts.join(".")), "token-signature", "the header is signed, too");
    }
}

/// The doors, each of whose keys is fetched by its `kid`.
fn fetching() -> Plan {
    let mut configuration = doors_configuration();
    for (name, host) in [("alb", "elb"), ("ava", "ava"), ("idc", "ava")] {
        let keys = json!({ "by_kid": format!("https://keys.{host}.example"), "cluster": host });
        configuration["issuers"][name]["keys"] = keys;
    }
    plan_of(&configuration)
}

fn pem_of(algorithm: Algorithm) -> crate::fetch::Response {
    let body = key(algorithm).public_pem().unwrap().into_bytes();
    crate::fetch::Response { status: 200, headers: Vec::new(), body_bytes: body.len(), body }
}

/// The URLs that are asked for now, each of which is answered so.
fn answer_all(trust: &mut TrustStore, response: &crate::fetch::Response, now: UnixSeconds) -> Vec<String> {
    let mut asked = Vec::new();
    for effect in trust.tick(None, now) {
        if let crate::keys::Effect::Send(request) = effect {
            asked.push(request.endpoint.url.to_string());
            trust.answered(&request.id, Ok(response), None, now);
        }
    }
    asked
}

#[portable]
fn a_request_waits_for_the_key_that_its_token_names_and_is_then_decided() {
    let plan = fetching();
    for (door, host, kid) in [(Door::Alb, "elb", ALB_KEY), (Door::Ava, "ava", AVA_KEY), (Door::Idc, "ava", AVA_KEY)] {
        let mut trust = TrustStore::new(plan.key_sources(), 1);
        assert_eq!(
            answer_all(&mut trust, &pem_of(door.algorithm()), NOW),
            [""; 0],
            "nothing is fetched before a token comes"
        );
        let token = token_of(door, &json!({}), &json!({}));
        let ask = |trust: &TrustStore, token: &str| {
            decided_at(&plan, trust, parts("GET", "/api/orders/7", None, None, &[(door.header(), token)]), NOW)
        };
        let waits = ask(&trust, &token);
        assert_eq!(refusal(&waits), code(503, "keys-unavailable"));
        let missing = waits.missing_key.expect("a key that may come");
        assert!(missing.may_come());
        trust.seek(&missing, NOW);
        let asked = answer_all(&mut trust, &pem_of(door.algorithm()), NOW);
        assert_eq!(asked, [format!("https://keys.{host}.example/{kid}")]);
        forwarded(&ask(&trust, &token));
        // Another signer with the same key of the region, and an expired token, are refused by what they say.
        let other = token_of(door, &json!({ "signer": "arn:aws:other" }), &json!({}));
        assert_eq!(refusal(&ask(&trust, &other)).1, "token-pin");
    }
}

#[portable]
fn only_a_uuid_of_a_token_that_could_be_accepted_makes_a_call() {
    let plan = fetching();
    for door in [Door::Alb, Door::Ava] {
        for (header, expected) in [
            (json!({ "kid": "../../admin" }), "token-key"),
            (json!({ "kid": "latest/meta-data" }), "token-key"),
            (json!({ "kid": "11111111-2222-4333-8444-55555555555/" }), "token-key"),
            (json!({ "kid": "11111111-2222-4333-8444-55555555555%" }), "token-key"),
            (json!({ "kid": "AAAAAAAA-2222-4333-8444-555555555555" }), "token-key"),
            (json!({ "kid": "" }), "token-key"),
            (json!({ "kid": "11111111-2222-4333-8444-555555555555?x" }), "token-key"),
            (json!({ "kid": null }), "token-key"),
            (json!({ "signer": "arn:aws:other" }), "token-pin"),
            (json!({ "exp": 1 }), "token-expired"),
            (json!({ "iss": "https://evil.example" }), "token-issuer"),
        ] {
            let mut trust = TrustStore::new(plan.key_sources(), 1);
            let token = token_of(door, &header, &json!({}));
            let request = parts("GET", "/api/orders/7", None, None, &[(door.header(), &token)]);
            let outcome = decided_at(&plan, &trust, request, NOW);
            assert_eq!(refusal(&outcome).1, expected, "{header}");
            if let Some(missing) = &outcome.missing_key {
                assert!(!missing.may_come(), "{header}");
                trust.seek(missing, NOW);
            }
            assert_eq!(answer_all(&mut trust, &pem_of(door.algorithm()), NOW), [""; 0], "{header}");
        }
    }
}

#[portable]
fn a_key_that_the_provider_does_not_have_is_a_refusal_and_one_of_another_curve_is_not_used() {
    let plan = fetching();
    let token = token_of(Door::Alb, &json!({}), &json!({}));
    let absent = crate::fetch::Response { status: 404, ..pem_of(Algorithm::Es256) };
    let failing = crate::fetch::Response { status: 500, ..pem_of(Algorithm::Es256) };
    for (response, expected) in [
        (absent, code(401, "token-key")),
        (failing, code(503, "keys-unavailable")),
        (pem_of(Algorithm::Es384), code(503, "keys-unavailable")),
    ] {
        let mut trust = TrustStore::new(plan.key_sources(), 1);
        let request = || parts("GET", "/api/orders/7", None, None, &[(Door::Alb.header(), &token)]);
        let waits = decided_at(&plan, &trust, request(), NOW);
        trust.seek(&waits.missing_key.expect("a key that may come"), NOW);
        assert_eq!(answer_all(&mut trust, &response, NOW).len(), 1);
        assert_eq!(refusal(&decided_at(&plan, &trust, request(), NOW)), expected, "{response:?}");
    }
}
