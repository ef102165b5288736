//! Every reason to refuse that a client can bring about, each by a request that is good but for one thing.

use serde_json::json;
use test_harness::keys::KEYS;
use test_harness::tokens::{ALICE, BOB, CAROL, REPORTER, Token, base64url};

use crate::bench::{Ask, Bench, STRICT_HOST};
use crate::{Scenario, scenarios};

/// A request and its refusal.
pub struct Case {
    pub name: &'static str,
    pub status: u16,
    pub code: &'static str,
    pub ask: fn() -> Ask,
}

pub const SCENARIOS: &[Scenario] = scenarios![
    envoy_itself_answers_a_request_without_host_or_path,
    more_headers_than_envoy_takes_are_refused_by_envoy,
    the_advice_of_the_nearest_policy_is_told_to_a_verified_principal_only,
    a_tokens_fault_is_named_in_the_challenge,
    two_authorization_headers_are_refused,
];

/// A good access token on the strict listener.
fn strict_token() -> Token {
    Token::of(ALICE).claim("azp", json!("shop-web")).claim("tier", json!("gold")).claim("level", json!(1))
}

/// A good request of Alice's but for its token.
fn with_token(token: impl AsRef<str>) -> Ask {
    Ask::get("/api/orders/7").token(token).posture(Token::about("laptop-1").sign())
}

/// A good request of Alice's but for her posture.
fn with_posture(token: impl AsRef<str>) -> Ask {
    Ask::get("/api/orders/7").token(Token::of(ALICE).sign()).posture(token)
}

fn strict(token: &Token) -> Ask {
    Ask::get("/things/1").strict().token(token.sign())
}

fn case(name: &'static str, status: u16, code: &'static str, ask: fn() -> Ask) -> Case {
    Case { name, status, code, ask }
}

/// The table.
#[rustfmt::skip]
pub fn cases() -> Vec<Case> {
    vec![
        // Requests that could be read in more than one way.
        case("a method that is not registered is refused", 400, "method-unsupported", || Ask::new("PURGE", "/api/orders/7").by(ALICE).http2(&[])),
        case("a method in lower case is refused", 400, "method-unsupported", || Ask::new("get", "/api/orders/7").by(ALICE).http2(&[])),
        case("trace is refused", 400, "method-unsupported", || Ask::new("TRACE", "/api/orders/7").by(ALICE).http2(&[])),
        case("a host with userinfo is refused", 400, "authority-malformed", || Ask::get("/api/orders/7").by(ALICE).host("alice@shop.example.com")),
        case("an encoded slash is refused", 400, "path-ambiguous", || Ask::get("/api/orders%2F7").by(ALICE)),
        case("an encoded backslash is refused", 400, "path-ambiguous", || Ask::get("/api/orders%5C7").by(ALICE)),
        case("a doubled slash is refused", 400, "path-ambiguous", || Ask::get("/api//orders/7").by(ALICE)),
        case("a dot segment is refused", 400, "path-ambiguous", || Ask::get("/healthz/../api/orders/7").by(ALICE)),
        case("an encoded dot segment is refused", 400, "path-ambiguous", || Ask::get("/healthz/%2e%2e/api/orders/7").by(ALICE)),
        case("a path parameter of a server is refused", 400, "path-ambiguous", || Ask::get("/api/orders/7;jsessionid=1").by(ALICE)),
        case("an encoded zero is refused", 400, "path-ambiguous", || Ask::get("/api/orders/7%00").by(ALICE)),
        case("a broken escape is refused", 400, "path-ambiguous", || Ask::get("/api/orders/%zz").by(ALICE)),
        case("double encoding is refused", 400, "path-ambiguous", || Ask::get("/api/orders/%252e").by(ALICE)),
        case("a path over the cap is refused", 400, "path-too-long", || Ask::get(format!("/things/{}", "a".repeat(256))).strict().token(strict_token().sign())),
        case("more headers than the cap are refused", 400, "headers-too-large", || (0..20).fold(strict(&strict_token()), |ask, n| ask.header(&format!("x-{n}"), "1"))),
        case("larger headers than the cap are refused", 400, "headers-too-large", || strict(&strict_token()).header("x-large", "a".repeat(8192))),

        // Credentials.
        case("nobody is asked for a token", 401, "credential-missing", || Ask::get("/api/orders/7")),
        case("a token in the query is not looked for", 401, "credential-missing", || Ask::get(format!("/api/orders/7?access_token={}", Token::of(ALICE).sign())).posture(Token::about("laptop-1").sign())),
        case("a token in a cookie is not looked for", 401, "credential-missing", || Ask::get("/api/orders/7").header("cookie", format!("token={}", Token::of(ALICE).sign()))),
        case("a token under another spelling of the header is not looked for", 401, "credential-missing", || Ask::get("/api/orders/7").header("x_authorization", format!("Bearer {}", Token::of(ALICE).sign()))),
        case("basic authentication is refused", 401, "credential-malformed", || Ask::get("/api/orders/7").header("authorization", "Basic YWxpY2U6c2VjcmV0")),
        case("a scheme without a token is refused", 401, "credential-malformed", || Ask::get("/api/orders/7").header("authorization", "Bearer")),
        case("two tokens in one header are refused", 401, "credential-malformed", || Ask::get("/api/orders/7").header("authorization", format!("Bearer {0}, Bearer {0}", Token::of(ALICE).sign()))),
        case("a token that is not utf 8 is refused", 401, "credential-malformed", || Ask::get("/api/orders/7").header("authorization", b"Bearer \xff\xfe.\xff.\xff")),
        case("a component's token is not for a route of people", 401, "credential-not-for-route", || Ask::get("/api/orders/7").by(REPORTER)),
        case("a person's token is not for a route of components", 401, "credential-not-for-route", || Ask::get("/api/report").by(ALICE)),

        // Tokens.
        case("a token over the cap is refused", 401, "token-too-large", || strict(&strict_token().claim("filler", json!("a".repeat(2048))))),
        case("a token of the default cap is refused", 401, "token-too-large", || with_token(Token::of(ALICE).claim("filler", json!("a".repeat(16 * 1024))).sign())),
        case("a token of two parts is refused", 401, "token-malformed", || with_token("eyJhbGciOiJSUzI1NiJ9.e30")),
        case("a token with padding is refused", 401, "token-malformed", || with_token(format!("{}=", Token::of(ALICE).sign()))),
        case("a payload that is not json is refused", 401, "token-malformed", || with_token(Token::of(ALICE).sign_bytes(b"iss=corp"))),
        case("a claim that stands twice is refused", 401, "token-malformed", || with_token(Token::of(ALICE).sign_bytes(br#"{"iss":"https://login.example.com","sub":"bob","s\u0075b":"alice"}"#))),
        case("a payload nested too deep is refused", 401, "token-malformed", || with_token(Token::of(ALICE).sign_bytes(format!("{}{}", "[".repeat(5000), "]".repeat(5000)).as_bytes()))),
        case("a critical header is refused", 401, "token-critical", || with_token(Token::of(ALICE).header("crit", json!(["exp"])).sign())),
        case("an unencoded payload is refused", 401, "token-critical", || with_token(Token::of(ALICE).header("b64", json!(false)).sign())),
        case("a token without signature is refused", 401, "token-malformed", || with_token(Token::of(ALICE).header("alg", json!("none")).unsigned(""))),
        case("a token that says it has no signature is refused", 401, "token-algorithm", || with_token(Token::of(ALICE).header("alg", json!("nOnE")).unsigned("c2ln"))),
        case("a shared secret is refused", 401, "token-algorithm", || with_token(Token::of(ALICE).header("alg", json!("HS256")).unsigned(&base64url("s".repeat(32))))),
        case("a token of another type is refused", 401, "token-typ", || with_token(Token::of(ALICE).header("typ", json!("dpop+jwt")).sign())),
        case("a token without a type is refused", 401, "token-typ", || with_token(Token::of(ALICE).without_header("typ").sign())),
        case("an unknown issuer is refused", 401, "token-issuer", || with_token(Token::of(ALICE).key(&KEYS.rogue).claim("iss", json!("https://rogue.example.com")).sign())),
        case("a posture token is no access token", 401, "token-issuer", || with_token(Token::about("laptop-1").sign())),
        // Keys of the configuration: about fetched ones the provider is asked first, see `rotation.rs` and `workers.rs`.
        case("an unknown key is refused", 401, "token-key", || strict(&strict_token().header("kid", json!("next-year")))),
        case("another issuer's key is refused", 401, "token-key", || strict(&strict_token().key(&KEYS.machines))),
        case("a key in the token is not used", 401, "token-signature", || with_token(Token::of(ALICE).key(&KEYS.corp_es256).header("jwk", KEYS.rogue.public_jwk()).signed_by(&KEYS.rogue).sign())),
        case("a forged signature is refused", 401, "token-signature", || with_token(Token::of(CAROL).key(&KEYS.corp_es256).signed_by(&KEYS.rogue).sign())),
        case("changed claims are refused", 401, "token-signature", || with_token(Token::of(CAROL).unsigned(Token::of(ALICE).sign().rsplit('.').next().unwrap_or_default()))),
        case("another audience is refused", 401, "token-audience", || with_token(Token::of(ALICE).claim("aud", json!(["ledger"])).sign())),
        case("an expired token is refused", 401, "token-expired", || with_token(Token::of(ALICE).made_before(1_000).sign())),
        case("a token from the future is refused", 401, "token-not-yet-valid", || with_token(Token::of(ALICE).made_before(-600).sign())),
        case("a token that lives too long is refused", 401, "token-lifetime", || strict(&strict_token().claim("exp", json!(4_000_000_000_i64)))),
        case("a token that is too old is refused", 401, "token-too-old", || { let token = strict_token().made_before(1_200); strict(&token.claim("exp", json!(test_harness::clock::unix_seconds() + 60))) }),
        case("a token without expiry is refused", 401, "token-claim-missing", || with_token(Token::of(ALICE).without("exp").sign())),
        case("a token without its subject is refused", 401, "token-claim-missing", || with_token(Token::of(ALICE).without("sub").sign())),
        case("a token without a declared fact is refused", 401, "token-claim-missing", || strict(&strict_token().without("tier"))),
        case("an expiry as text is refused", 401, "token-claim-type", || with_token(Token::of(ALICE).claim("exp", json!("4000000000")).sign())),
        case("groups as one text are refused", 401, "token-claim-type", || with_token(Token::of(ALICE).claim("groups", json!("engineering")).sign())),
        case("a subject with control characters is refused", 401, "token-claim-type", || with_token(Token::of(ALICE).claim("sub", json!("alice\r\nx-admin: true")).sign())),
        case("a fact of another type is refused", 401, "token-claim-type", || strict(&strict_token().claim("level", json!("1")))),
        case("another value of a pinned claim is refused", 401, "token-pin", || strict(&strict_token().claim("azp", json!("other")))),
        case("a forbidden claim is refused", 401, "token-claim-forbidden", || strict(&strict_token().claim("nonce", json!("n")))),
        case("a token that does not carry all groups is refused", 401, "token-group-overage", || with_token(Token::of(ALICE).without("groups").claim("_claim_names", json!({ "groups": "src1" })).sign())),
        case("a token bound to a key that nobody proved is refused", 401, "token-binding", || with_token(Token::of(ALICE).claim("cnf", json!({ "jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" })).sign())),
        case("a token bound to a certificate that nobody showed is refused", 401, "token-binding", || with_token(Token::of(ALICE).claim("cnf", json!({ "x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2" })).sign())),

        // Posture.
        case("missing posture is named", 401, "posture-missing", || Ask::get("/api/orders/7").token(Token::of(ALICE).sign())),
        case("posture that is too old is named", 401, "posture-stale", || with_posture(Token::about("laptop-1").made_before(90_000).claim("exp", json!(4_000_000_000_i64)).sign())),
        case("expired posture is named", 401, "posture-stale", || with_posture(Token::about("laptop-1").made_before(87_000).sign())),
        case("forged posture is refused", 401, "posture-refused", || with_posture(Token::about("laptop-1").signed_by(&KEYS.rogue).sign())),
        case("unsigned posture is refused", 401, "posture-refused", || with_posture(Token::about("laptop-1").header("alg", json!("none")).unsigned(""))),
        case("posture as plain text is refused", 401, "posture-refused", || with_posture("managed=true; score=100")),
        case("posture from the future is refused", 401, "posture-refused", || with_posture(Token::about("laptop-1").made_before(-600).sign())),
        case("an access token is no posture token", 401, "posture-refused", || with_posture(Token::of(ALICE).sign())),
        case("two postures are refused", 401, "posture-refused", || with_posture(Token::about("laptop-1").sign()).posture(Token::about("laptop-1").sign())),
        case("a fact of a device of another type is refused", 401, "posture-refused", || with_posture(Token::about("laptop-1").claim("score", json!("90")).sign())),
        case("borrowed posture is refused", 401, "posture-not-bound", || with_posture(Token::about("laptop-2").sign())),
        case("a token that names no device does not go with posture", 401, "posture-not-bound", || Ask::get("/api/orders/7").token(Token::of(ALICE).without("device_id").sign()).posture(Token::about("laptop-1").sign())),
        case("forged posture is refused where none is required", 401, "posture-refused", || strict(&strict_token()).posture(Token::about("laptop-1").signed_by(&KEYS.rogue).sign())),

        // Routes.
        case("an unknown host is refused", 403, "application-unknown", || Ask::get("/api/orders/7").by(ALICE).host("other.example.com")),
        case("the host of another plugin is unknown to this one", 403, "application-unknown", || Ask::get("/things/1").by(ALICE).host(STRICT_HOST)),
        case("an unknown path is refused", 403, "route-unknown", || Ask::get("/api/unknown").by(ALICE)),
        case("a path below a route is another path", 403, "route-unknown", || Ask::get("/healthz/x").by(ALICE)),
        case("an empty parameter matches no route", 403, "route-unknown", || Ask::get("/api/orders/").by(ALICE)),
        case("an unlisted method is refused", 403, "method-not-listed", || Ask::new("POST", "/api/orders/7").by(CAROL)),

        // Policies.
        case("what no policy permits is refused", 403, "not-permitted", || Ask::get("/api/orders/7").by(BOB)),
        case("a group that is too low is refused", 403, "not-permitted", || Ask::new("PUT", "/api/orders/7").by(ALICE)),
        case("an unmanaged device is refused", 403, "not-permitted", || with_posture(Token::about("laptop-1").claim("managed", json!(false)).sign())),
        case("a score one too low is refused", 403, "not-permitted", || with_posture(Token::about("laptop-1").claim("score", json!(59)).sign())),
        case("somebody else's record is refused", 403, "not-permitted", || Ask::get("/api/people/carol").by(BOB)),
        case("a group of the same name of another issuer is another group", 403, "not-permitted", || Ask::get("/api/report").token(Token::of(REPORTER).claim("sub", json!("alice")).claim("groups", json!(["engineering"])).sign())),
        case("a device at risk is forbidden", 403, "forbidden-by-policy", || Ask::get("/api/orders/7").token(Token::of(CAROL).sign()).posture(Token::about("laptop-3").claim("score", json!(29)).sign())),
        case("a policy that cannot be evaluated refuses", 503, "policy-error", || Ask::get("/numbers").strict().token(strict_token().claim("level", json!(2)).sign())),
    ]
}

fn envoy_itself_answers_a_request_without_host_or_path(bench: &Bench) {
    let mut without_host = bench.prepare(&Ask::get("/api/orders/7")).0;
    without_host.headers.retain(|(name, _)| name != "Host");
    let address = bench.envoy.listener("main").expect("the listener is there");
    assert_eq!(without_host.send(address).expect("an answer").status, 400);
    let asterisk = bench.ask(&Ask::new("OPTIONS", "*").by(ALICE));
    assert!((400..=404).contains(&asterisk.answer.status), "{}", asterisk.answer.text());
    assert_eq!(asterisk.received, None);
}

fn more_headers_than_envoy_takes_are_refused_by_envoy(bench: &Bench) {
    let many = (0..200).fold(Ask::get("/api/orders/7").by(ALICE), |ask, n| ask.header(&format!("x-{n}"), "1"));
    let outcome = bench.ask(&many);
    assert_eq!((outcome.answer.status, outcome.received), (431, None));
    let huge = bench.ask(&Ask::get("/api/orders/7").by(ALICE).header("x-huge", "a".repeat(100_000)));
    assert_eq!((huge.answer.status, huge.received), (431, None));
    bench.ask(&Ask::get("/healthz")).allowed();
}

fn the_advice_of_the_nearest_policy_is_told_to_a_verified_principal_only(bench: &Bench) {
    let answer = bench.ask(&Ask::new("PUT", "/api/orders/7").by(ALICE)).refused(403, "not-permitted");
    assert_eq!(answer.json()["advice"], "Only admins change orders.", "{}", answer.text());
    let low = Token::about("laptop-1").claim("score", json!(59)).sign();
    let answer = bench.ask(&with_posture(low)).refused(403, "not-permitted");
    assert!(answer.json()["advice"].as_str().is_some_and(|advice| advice.contains("score of 60")), "{}", answer.text());
    let anonymous = bench.ask(&Ask::get("/api/orders/7")).refused(401, "credential-missing");
    assert_eq!(anonymous.json().get("advice"), None, "{}", anonymous.text());
}

fn a_tokens_fault_is_named_in_the_challenge(bench: &Bench) {
    let expired = bench.ask(&with_token(Token::of(ALICE).made_before(1_000).sign())).refused(401, "token-expired");
    assert!(expired.header("www-authenticate").is_some_and(|challenge| challenge.contains("invalid_token")));
    let missing = bench.ask(&Ask::get("/api/orders/7")).refused(401, "credential-missing");
    assert!(missing.header("www-authenticate").is_some_and(|challenge| !challenge.contains("error")));
}

/// Envoy joins the two into one value before any filter, so the module sees something that is not a credential.
fn two_authorization_headers_are_refused(bench: &Bench) {
    let twice = with_token(Token::of(ALICE).sign()).token(Token::of(ALICE).sign());
    bench.ask(&twice).refused(401, "credential-malformed");
    bench.ask(&twice.http2(&[])).refused(401, "credential-malformed");
}
