//! What a refused client is told to do next (step-up, scope, metadata), attributes of routes, and alarms.

use serde_json::{Value, json};
use test_harness::clock::unix_seconds;
use test_harness::keys::corp_key_set;
use test_harness::tokens::{ALICE, CAROL, Token};

use crate::bench::{Ask, Bench, HOST};
use crate::record::record_of;
use crate::{Scenario, scenarios};

pub const SCENARIOS: &[Scenario] = scenarios![
    a_user_is_asked_to_authenticate_again_where_that_suffices,
    a_grpc_client_gets_the_challenge_beside_its_status,
    a_client_without_the_scope_is_told_which_one,
    one_policy_covers_the_routes_of_a_class,
    the_metadata_is_served_to_everybody_and_nothing_with_its_path_arrives,
    a_browser_may_read_the_metadata,
    a_route_names_metadata_of_its_own,
    a_rehearsal_challenges_nobody_and_serves_the_metadata,
    an_alarm_is_in_the_record_and_counted,
];

const METADATA: &str = "/.well-known/oauth-protected-resource";

const POLICIES: &str = r#"
@id("admins-read")
permit (principal in corp::Group::"admins", action in Action::"read", resource)
when { resource.sensitivity != "secret" };

@id("secret-read")
permit (principal in corp::Group::"admins", action in Action::"read", resource)
when { resource.sensitivity == "secret" && resource.readers.contains("carol") && context.corp.sub == "carol" };

@id("admins-change") @advice("Sign in with your hardware key.") @step_up("acr_values=phr phrh, max_age=900")
permit (principal in corp::Group::"admins", action in Action::"write", resource in Application::"shop")
when { context.corp has acr && context.corp.acr == "phr" && context.corp has auth_time && context.now - context.corp.auth_time <= 900 };

@id("engineers-order") @scope("orders.write")
permit (principal in corp::Group::"engineering", action in Action::"write", resource == Route::"shop/orders")
when { context.corp.scope.contains("orders.write") };

@id("break-glass") @alarm("break-glass")
permit (principal in corp::Group::"break-glass", action, resource);

@id("soon") @mode("shadow")
permit (principal in corp::Group::"engineering", action in Action::"write", resource == Route::"shop/notes");

@id("no-notes") @mode("shadow")
forbid (principal == corp::User::"carol", action, resource == Route::"shop/notes");
"#;

/// The configuration of the listeners `challenges` and `challenges-shadow`.
pub fn configuration(mode: &str) -> Value {
    json!({
        "version": 1,
        "issuers": { "corp": {
            "issuer": "https://login.example.com", "audiences": ["shop"], "typ": ["at+jwt"],
            "keys": { "inline": corp_key_set() },
            "principal": { "id": "sub", "groups": { "claim": "groups", "required": true } },
            "facts": { "sub": "string", "acr?": "string", "auth_time?": "long", "scope": "scopes" },
        } },
        "entities": { "attributes": {
            "sensitivity": { "type": "string", "values": ["internal", "secret"], "default": "internal" },
            "readers": { "type": ["string"], "default": [] },
        } },
        "applications": { "shop": {
            "hosts": [HOST], "requires": ["corp"],
            "resource_metadata": {
                "resource": format!("https://{HOST}"), "authorization_servers": ["https://login.example.com"],
            },
            "sign_in": { "url": "https://login.example.com/start?to=shop&x=1", "redirect": true },
            "routes": {
                "settings": { "path": "/settings", "methods": ["GET", "PUT"] },
                "secret": { "path": "/secret", "attributes": { "sensitivity": "secret", "readers": ["carol"] } },
                "hidden": { "path": "/hidden", "attributes": { "sensitivity": "secret" } },
                "orders": { "path": "/orders", "methods": ["POST"] },
                "notes": { "path": "/notes", "methods": ["GET", "PUT"] },
                "place": { "path": "/shop.Orders/Place", "methods": ["POST"] },
                "rest": { "path": "/.well-known/{rest*}" },
                "mcp": { "path": "/mcp", "methods": ["POST"], "resource_metadata": {
                    "resource": format!("https://{HOST}/mcp"), "authorization_servers": ["https://agents.example.com"],
                } },
            },
        } },
        "policies": POLICIES,
        "mode": mode,
    })
}

fn ask(method: &str, path: &str) -> Ask {
    Ask::new(method, path).at("challenges")
}

/// Carol, who authenticated in this way so long ago.
fn carol(acr: &str, seconds: i64) -> String {
    Token::of(CAROL).claim("acr", json!(acr)).claim("auth_time", json!(unix_seconds() - seconds)).sign()
}

const STEP_UP: &str = concat!(
    r#"Bearer realm="countersign", error="insufficient_user_authentication", "#,
    r#"error_description="A stronger or more recent authentication is required.", acr_values="phr phrh", max_age="900", "#,
    r#"resource_metadata="https://shop.example.com/.well-known/oauth-protected-resource""#
);

fn a_user_is_asked_to_authenticate_again_where_that_suffices(bench: &Bench) {
    let put = |token: &str| ask("PUT", "/settings").token(token);
    for ask in [put(&carol("phr", 600)), put(&carol("phr", 600)).http2(&[])] {
        bench.ask(&ask).allowed();
    }
    for token in [carol("phr", 1_000), carol("pwd", 0), Token::of(CAROL).sign()] {
        for ask in [put(&token), put(&token).http2(&[])] {
            let answer = bench.ask(&ask).refused(401, "insufficient-user-authentication");
            assert_eq!(answer.header("www-authenticate"), Some(STEP_UP));
            assert_eq!(answer.json()["advice"], "Sign in with your hardware key.");
            let record = record_of(bench, &answer.decision_id().expect("an id"));
            assert_eq!(record["detail"], "wanted acr_values=phr phrh, max_age=900", "{record}");
        }
    }
    let alice = bench.ask(&put(&Token::of(ALICE).sign())).refused(403, "not-permitted");
    assert_eq!(alice.header("www-authenticate"), None, "another authentication would not help");
    let nobody = bench.ask(&ask("PUT", "/settings")).refused(401, "credential-missing");
    let challenge = nobody.header("www-authenticate").expect("a challenge").to_owned();
    assert!(!challenge.contains("acr_values") && challenge.contains("resource_metadata="), "{challenge}");
}

fn a_grpc_client_gets_the_challenge_beside_its_status(bench: &Bench) {
    let outcome = bench.ask(&ask("POST", "/shop.Orders/Place").token(carol("pwd", 0)).grpc());
    assert_eq!((outcome.answer.status, outcome.answer.grpc("grpc-status")), (200, Some("16")));
    assert_eq!(outcome.answer.header("www-authenticate"), Some(STEP_UP));
    assert!(outcome.received.is_none(), "{:?}", outcome.received);
}

fn a_client_without_the_scope_is_told_which_one(bench: &Bench) {
    let post = |scope: &str| ask("POST", "/orders").token(Token::of(ALICE).claim("scope", json!(scope)).sign());
    bench.ask(&post("orders.read orders.write")).allowed();
    for ask in [post("orders.read"), post("orders.read").http2(&[])] {
        let answer = bench.ask(&ask).refused(403, "insufficient-scope");
        let challenge = answer.header("www-authenticate").expect("a challenge");
        assert!(
            challenge.contains(r#"error="insufficient_scope""#) && challenge.contains(r#"scope="orders.write""#),
            "{challenge}"
        );
    }
}

fn one_policy_covers_the_routes_of_a_class(bench: &Bench) {
    let get = |path: &str| bench.ask(&ask("GET", path).token(Token::of(CAROL).sign()));
    get("/settings").allowed();
    get("/secret").allowed();
    get("/hidden").refused(403, "not-permitted");
}

fn the_metadata_is_served_to_everybody_and_nothing_with_its_path_arrives(bench: &Bench) {
    let token = carol("phr", 0);
    let answered = |ask: &Ask| {
        let outcome = bench.ask(ask);
        assert_eq!(outcome.answer.status, 200, "{}", outcome.answer.text());
        assert_eq!(outcome.answer.header("content-type"), Some("application/json"));
        assert_eq!(outcome.answer.header("cache-control"), Some("public, max-age=3600"));
        assert!(outcome.received.is_none(), "{:?}", outcome.received);
        outcome.answer
    };
    let expected = json!({
        "resource": "https://shop.example.com", "authorization_servers": ["https://login.example.com"],
        "bearer_methods_supported": ["header"],
    });
    for get in [ask("GET", METADATA), ask("GET", METADATA).token("nonsense"), ask("GET", METADATA).token(&token)] {
        assert_eq!(answered(&get).json(), expected);
        assert_eq!(answered(&get.http2(&[])).json(), expected);
    }
    for head in [ask("HEAD", METADATA), ask("HEAD", METADATA).http2(&[])] {
        assert!(answered(&head).body.is_empty());
    }
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        bench.ask(&ask(method, METADATA).token(&token)).refused(403, "method-not-listed");
    }
    bench.ask(&ask("GET", "/.well-known/other").token(&token)).allowed();
    bench.ask(&ask("GET", "/.well-known/oauth-protected-resourc%65").token(&token)).refused(400, "path-ambiguous");
    let name = "wasmcustom.countersign.decisions.outcome.answered.reason.resource_metadata";
    assert!(bench.envoy.stats(name).expect("statistics").values().sum::<u64>() >= 8);
}

fn a_browser_may_read_the_metadata(bench: &Bench) {
    let preflight = |method: &str| {
        let ask = ask("OPTIONS", METADATA).header("origin", "https://inspector.example");
        ask.header("access-control-request-method", method)
            .header("access-control-request-headers", "mcp-protocol-version")
    };
    let outcome = bench.ask(&preflight("GET"));
    assert_eq!(outcome.answer.status, 204);
    assert_eq!(outcome.answer.header("access-control-allow-origin"), Some("*"));
    assert_eq!(outcome.answer.header("access-control-allow-headers"), Some("*"));
    assert!(outcome.received.is_none(), "{:?}", outcome.received);
    let read = bench.ask(&ask("GET", METADATA).header("origin", "https://inspector.example"));
    assert_eq!(read.answer.header("access-control-allow-origin"), Some("*"));
    bench.ask(&preflight("DELETE")).refused(403, "method-not-listed");
}

fn a_route_names_metadata_of_its_own(bench: &Bench) {
    let document = format!("{METADATA}/mcp");
    let expected = format!(r#"Bearer realm="countersign", resource_metadata="https://{HOST}{document}""#);
    for ask in [ask("POST", "/mcp"), ask("POST", "/mcp").http2(&[])] {
        let answer = bench.ask(&ask).refused(401, "credential-missing");
        assert_eq!(answer.header("www-authenticate"), Some(expected.as_str()));
    }
    for get in [ask("GET", &document), ask("GET", &document).http2(&[])] {
        let outcome = bench.ask(&get);
        assert_eq!((outcome.answer.status, outcome.received), (200, None));
        let expected = json!({
            "resource": format!("https://{HOST}/mcp"), "authorization_servers": ["https://agents.example.com"],
            "bearer_methods_supported": ["header"],
        });
        assert_eq!(outcome.answer.json(), expected);
    }
    bench.ask(&ask("POST", &document).token(carol("phr", 0))).refused(403, "method-not-listed");
}

fn a_rehearsal_challenges_nobody_and_serves_the_metadata(bench: &Bench) {
    let rehearsed = |ask: Ask| ask.at("challenges-shadow");
    let received = bench.ask(&rehearsed(ask("PUT", "/settings").token(carol("pwd", 0)))).allowed();
    let record = record_of(bench, &received.header("x-countersign-decision-id").concat());
    assert_eq!(record["reason"], "insufficient-user-authentication", "{record}");
    assert_eq!(record["would_deny"], true, "{record}");
    let outcome = bench.ask(&rehearsed(ask("GET", METADATA)));
    assert_eq!((outcome.answer.status, outcome.received), (200, None));
    bench.ask(&rehearsed(ask("POST", METADATA))).refused(403, "method-not-listed");
}

fn an_alarm_is_in_the_record_and_counted(bench: &Bench) {
    let counted = || {
        let counters = bench.envoy.stats("wasmcustom.countersign.alarms.alarm.break_glass").expect("statistics");
        counters.values().sum::<u64>()
    };
    let before = counted();
    let token = Token::of(ALICE).claim("groups", json!(["break-glass"])).sign();
    let received = bench.ask(&ask("GET", "/hidden").token(token)).allowed();
    let record = record_of(bench, &received.header("x-countersign-decision-id").concat());
    assert_eq!(record["alarms"], json!(["break-glass"]), "{record}");
    assert_eq!(counted(), before + 1);
}
