//! Where a credential is looked for: each place of `from`, two credentials wherever they are, and what of it the upstream
//! receives. Over HTTP/1.1 and HTTP/2, where a client may send its cookies in several fields.

use serde_json::{Value, json};
use test_harness::keys::{KEYS, corp_key_set};
use test_harness::services::Received;
use test_harness::tokens::{ALICE, BOB, REPORTER, Token};

use crate::bench::{Ask, Bench, Outcome};
use crate::{Scenario, scenarios};

pub const SCENARIOS: &[Scenario] = scenarios![
    a_credential_is_accepted_at_each_place_of_its_issuer_and_does_not_arrive,
    a_credential_arrives_as_it_came_where_its_issuer_says_so,
    a_hostile_credential_is_refused,
    a_credential_that_only_looks_hostile_is_accepted,
    a_preflight_and_an_anonymous_request_carry_no_credential_to_the_upstream,
];

/// The listener `places`: people by ID token from a cookie, a header or `Authorization`, which does not arrive; components
/// from a header with a prefix or another cookie, which does.
pub fn configuration() -> Value {
    json!({
        "version": 1,
        "issuers": {
            "corp": {
                "issuer": "https://login.example.com", "audiences": ["shop"], "typ": ["at+jwt"],
                "keys": { "inline": corp_key_set() }, "principal": { "id": "sub" }, "forward": "never",
                "from": ["authorization", { "cookie": "IdToken" }, { "header": "x-session-jwt" }],
            },
            "machines": {
                "issuer": "https://machines.example.com", "audiences": ["shop"], "typ": ["at+jwt"],
                "keys": { "inline": { "keys": [KEYS.machines.public_jwk()] } }, "principal": { "id": "sub" },
                "forward": "verified", "from": [{ "header": "x-service-token", "prefix": "Token " }, { "cookie": "svc" }],
            },
        },
        "applications": { "places": { "any_host": true, "routes": {
            "all": { "path": "/things/{rest*}" }, "open": { "path": "/open", "methods": ["GET", "OPTIONS"] },
        } } },
        "policies": "@id(\"all\") permit (principal, action, resource) when { principal is corp::User || principal is machines::User };\n\
                     @id(\"open\") permit (principal is Anonymous, action, resource == Route::\"places/open\");",
    })
}

fn get(target: &str) -> Ask {
    Ask::get(target).at("places")
}

/// The outcomes over both protocols.
fn both(bench: &Bench, ask: &Ask) -> [Outcome; 2] {
    [bench.ask(ask), bench.ask(&ask.clone().http2(&[]))]
}

fn cookies(received: &Received) -> String {
    received.header("cookie").join("; ")
}

fn a_credential_is_accepted_at_each_place_of_its_issuer_and_does_not_arrive(bench: &Bench) {
    let token = Token::of(ALICE).sign();
    for (ask, left) in [
        (get("/things/1").token(&token), ""),
        (get("/things/1").token(&token).header("cookie", "theme=dark; b=2"), "theme=dark; b=2"),
        (get("/things/1").header("X-Session-Jwt", &token), ""),
        (get("/things/1").header("cookie", format!("IdToken={token}")), ""),
        (get("/things/1").header("cookie", format!("IdToken=\"{token}\"")), ""),
        (get("/things/1").header("cookie", format!("a=1; IdToken={token}; b=\"2, 3\"; c")), "a=1; b=\"2, 3\"; c"),
        (get("/things/1").header("cookie", format!("a=1;IdToken={token};b=2")), "a=1;b=2"),
        (
            get("/things/1")
                .header("cookie", "a=1")
                .header("cookie", format!("IdToken={token}"))
                .header("cookie", "b=2"),
            "a=1; b=2",
        ),
        (get("/open").header("cookie", format!("IdToken={token}; a=1")), "a=1"),
    ] {
        for outcome in both(bench, &ask) {
            let received = outcome.allowed();
            assert_eq!(received.header("x-countersign-subject"), ["alice"]);
            assert_eq!(cookies(&received), left, "{:?}", ask.headers.len());
            assert!(!received.headers.iter().any(|(_, value)| value.contains(&token)), "the token arrived");
        }
    }
}

fn a_credential_arrives_as_it_came_where_its_issuer_says_so(bench: &Bench) {
    let token = Token::of(REPORTER).sign();
    let header = format!("Token {token}");
    let cookie = format!("a=1; svc=\"{token}\"; b=2");
    for outcome in both(bench, &get("/things/1").header("x-service-token", &header)) {
        assert_eq!(outcome.allowed().header("x-service-token"), [header.as_str()]);
    }
    for outcome in both(bench, &get("/things/1").header("cookie", &cookie)) {
        let received = outcome.allowed();
        assert_eq!(received.header("x-countersign-subject"), ["reporter"]);
        assert_eq!(cookies(&received), cookie);
    }
}

fn a_hostile_credential_is_refused(bench: &Bench) {
    let (alice, bob, reporter) = (&Token::of(ALICE).sign(), &Token::of(BOB).sign(), &Token::of(REPORTER).sign());
    let forged = &Token::of(ALICE).signed_by(&KEYS.mdm).sign();
    let (ask, cookie) = (|| get("/things/1"), |value: String| get("/things/1").header("cookie", value));
    let cases = [
        // Two credentials, equal or not.
        ("credential-duplicate", ask().token(alice).header("x-session-jwt", alice)),
        ("credential-duplicate", ask().token(alice).header("cookie", format!("IdToken={alice}"))),
        ("credential-duplicate", ask().token(alice).header("cookie", format!("IdToken={bob}"))),
        ("credential-duplicate", ask().token(alice).header("cookie", "IdToken=")),
        ("credential-duplicate", ask().token(alice).header("cookie", "svc=junk")),
        ("credential-duplicate", ask().header("authorization", "").header("x-session-jwt", alice)),
        ("credential-duplicate", ask().header("x-session-jwt", alice).header("x-session-jwt", alice)),
        (
            "credential-duplicate",
            ask().header("x-session-jwt", alice).header("x-service-token", format!("Token {reporter}")),
        ),
        ("credential-duplicate", ask().header("x-session-jwt", alice).header("cookie", format!("IdToken={alice}"))),
        ("credential-duplicate", cookie(format!("IdToken={alice}; IdToken={alice}"))),
        ("credential-duplicate", cookie(format!("IdToken={alice}; a=1; IdToken={bob}"))),
        ("credential-duplicate", cookie(format!("IdToken={alice}; svc={reporter}"))),
        ("credential-duplicate", cookie(format!("IdToken={alice}; IdToken ={bob}"))),
        ("credential-duplicate", cookie(format!("IdToken={alice}; a=\"1; IdToken={bob}\""))),
        ("credential-duplicate", cookie(format!("IdToken={alice}")).header("cookie", format!("IdToken={alice}"))),
        (
            "credential-duplicate",
            cookie("a=1".to_owned())
                .header("cookie", format!("svc={reporter}"))
                .header("cookie", format!("IdToken={bob}")),
        ),
        // A cookie that servers read in two ways, or that is not one token.
        ("credential-malformed", cookie(format!("IdToken ={alice}"))),
        ("credential-malformed", cookie(format!("a=1, IdToken={alice}"))),
        ("credential-malformed", cookie("a=1; IdToken".to_owned())),
        ("credential-malformed", cookie("IdToken=".to_owned())),
        ("credential-malformed", cookie("IdToken=\"\"".to_owned())),
        ("credential-malformed", cookie(format!("IdToken=\"{alice}"))),
        ("credential-malformed", cookie(format!("IdToken= {alice}"))),
        ("credential-malformed", cookie(format!("IdToken={alice}, a=1"))),
        ("credential-malformed", cookie(format!("IdToken=Bearer {alice}"))),
        ("credential-malformed", cookie(format!("IdToken={}", alice.replace('.', "%2E")))),
        ("credential-malformed", ask().header("x-session-jwt", "")),
        ("credential-malformed", ask().header("x-session-jwt", format!("Bearer {alice}"))),
        ("credential-malformed", ask().header("x-session-jwt", format!("{alice},{alice}"))),
        ("credential-malformed", ask().header("x-service-token", reporter)),
        ("credential-malformed", ask().header("x-service-token", format!("token {reporter}"))),
        ("credential-malformed", ask().header("x-service-token", format!("Token  {reporter}"))),
        ("credential-malformed", ask().header("authorization", "Basic YTpi")),
        // A token at a place from which its issuer accepts none.
        ("credential-misplaced", ask().token(reporter)),
        ("credential-misplaced", ask().header("x-session-jwt", reporter)),
        ("credential-misplaced", cookie(format!("IdToken={reporter}"))),
        ("credential-misplaced", cookie(format!("svc={alice}"))),
        ("credential-misplaced", ask().header("x-service-token", format!("Token {alice}"))),
        // A token that is not valid is not valid anywhere.
        ("token-signature", cookie(format!("IdToken={forged}"))),
        ("token-signature", ask().header("x-session-jwt", forged)),
        ("token-malformed", cookie("IdToken=0123456789abcdef".to_owned())),
        // No place.
        ("credential-missing", cookie(format!("idtoken={alice}"))),
        ("credential-missing", cookie(format!("IDTOKEN={alice}; XIdToken={alice}"))),
        ("credential-missing", ask().header("x_session_jwt", alice)),
        ("credential-missing", get(&format!("/things/1?IdToken={alice}&access_token={alice}"))),
    ];
    for (number, (code, ask)) in cases.into_iter().enumerate() {
        for (outcome, protocol) in both(bench, &ask).into_iter().zip(["HTTP/1.1", "HTTP/2"]) {
            let got = (outcome.answer.status, outcome.answer.code());
            assert_eq!(got, (401, Some(code.to_owned())), "case {number} over {protocol}");
            outcome.refused(401, code);
        }
    }
}

fn a_credential_that_only_looks_hostile_is_accepted(bench: &Bench) {
    let (alice, bob) = (Token::of(ALICE).sign(), Token::of(BOB).sign());
    let cookie = format!("idtoken={bob}; IdToken={alice}; x=IdToken; y=\"svc\"; IdToken2=1");
    for outcome in both(bench, &get("/things/1").header("cookie", cookie)) {
        let received = outcome.allowed();
        assert_eq!(received.header("x-countersign-subject"), ["alice"]);
        assert_eq!(cookies(&received), format!("idtoken={bob}; x=IdToken; y=\"svc\"; IdToken2=1"));
    }
    let asked = get(&format!("/things/1?IdToken={bob}")).token(&alice).header("x_session_jwt", &bob);
    for outcome in both(bench, &asked) {
        let received = outcome.allowed();
        assert_eq!(received.header("x-countersign-subject"), ["alice"]);
        assert_eq!(received.header("x_session_jwt"), [""; 0], "another spelling of a place does not arrive");
    }
}

fn a_preflight_and_an_anonymous_request_carry_no_credential_to_the_upstream(bench: &Bench) {
    let token = Token::of(ALICE).sign();
    let preflight = Ask::new("OPTIONS", "/open").at("places").header("origin", "https://shop.example.com");
    let preflight = preflight.header("access-control-request-method", "GET");
    let preflight = preflight.header("x-session-jwt", &token).header("authorization", format!("Bearer {token}"));
    let preflight = preflight.header("cookie", format!("a=1; IdToken={token}; svc =x; b=2"));
    for outcome in both(bench, &preflight) {
        let received = outcome.allowed();
        assert_eq!(cookies(&received), "a=1; b=2");
        for name in ["x-session-jwt", "authorization"] {
            assert_eq!(received.header(name), [""; 0]);
        }
    }
    for outcome in both(bench, &get("/open").header("cookie", "a=1;b= 2 ; c").header("x.session.jwt", &token)) {
        let received = outcome.allowed();
        assert_eq!(received.header("x-countersign-principal"), ["Anonymous::\"anonymous\""]);
        assert_eq!(cookies(&received), "a=1;b= 2 ; c");
        assert_eq!(received.header("x.session.jwt"), [""; 0]);
    }
}
