//! What a refused client is told to do, and the metadata that leads it to an authorization server.

use serde_json::{Value, json};

use super::{alice, code, configuration, forwarded, outcome, parts, plan_of, posture, record, refusal, refused, set};
use crate::config::Plan;
use crate::portable;
use crate::testing::NOW;

const METADATA: &str = "/.well-known/oauth-protected-resource";

/// Admins need a hardware key within 15 minutes; a change needs a scope; and there is a way out that makes noise.
const POLICIES: &str = r#"
@id("admin") @advice("Sign in with your hardware key.") @step_up("acr_values=phr, max_age=900")
permit (principal in corp::Group::"admins", action in Action::"read", resource in Application::"shop")
when {
  context.corp has acr && context.corp.acr == "phr" &&
  context.corp has auth_time && context.now - context.corp.auth_time <= 900
};

@id("change") @scope("orders.write")
permit (principal in corp::Group::"admins", action in Action::"write", resource in Application::"shop")
when { context.corp.scope.contains("orders.write") };

@id("glass") @alarm("break-glass")
permit (principal in corp::Group::"on-call", action, resource in Application::"shop");
"#;

fn plan(mode: &str) -> Plan {
    let mut configuration = configuration();
    configuration["issuers"]["corp"]["facts"] =
        json!({ "device_id?": "string", "acr?": "string", "auth_time?": "long", "scope": "scopes" });
    configuration["applications"]["shop"]["requires"] = json!(["corp"]);
    configuration["applications"]["shop"]["resource_metadata"] = json!({
        "resource": "https://shop.example.com", "authorization_servers": ["https://login.example.com"],
        "scopes_supported": ["orders.write"], "resource_name": "Shop",
    });
    configuration["policies"] = json!(POLICIES);
    configuration["mode"] = json!(mode);
    plan_of(&configuration)
}

fn admin(changes: Value) -> String {
    let mut all = json!({ "groups": ["admins"], "acr": "phr", "auth_time": NOW.get().saturating_sub(900) });
    super::merge(&mut all, changes);
    alice(all)
}

fn get(token: &str) -> crate::request::RequestParts {
    parts("GET", "/api/orders/7", Some(token), None, &[])
}

fn header<'a>(answer: &'a crate::reply::Answer, name: &str) -> Option<&'a str> {
    answer.headers.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
}

#[portable]
fn a_user_who_authenticated_too_long_ago_or_too_weakly_is_asked_to_do_it_again() {
    let plan = plan("enforce");
    forwarded(&outcome(&plan, get(&admin(json!({})))));
    for changes in
        [json!({ "auth_time": NOW.get() - 901 }), json!({ "acr": "pwd" }), json!({ "acr": null, "auth_time": null })]
    {
        let got = outcome(&plan, get(&admin(changes)));
        assert_eq!(refusal(&got), code(401, "insufficient-user-authentication"));
        let challenge = header(refused(&got), "www-authenticate").expect("a challenge");
        assert!(
            challenge.contains(r#"error="insufficient_user_authentication""#)
                && challenge.contains(r#"acr_values="phr", max_age="900""#)
                && challenge
                    .ends_with(r#"resource_metadata="https://shop.example.com/.well-known/oauth-protected-resource""#),
            "{challenge}"
        );
        assert!(refused(&got).body.contains("Sign in with your hardware key."), "{got:?}");
        assert_eq!(record(&got)["detail"], "wanted acr_values=phr, max_age=900");
    }
    // Whoever is not an admin would authenticate again in vain.
    let outsider = outcome(&plan, get(&admin(json!({ "groups": [], "acr": "pwd" }))));
    assert_eq!(refusal(&outsider), code(403, "not-permitted"));
    assert_eq!(header(refused(&outsider), "www-authenticate"), None);
}

#[portable]
fn a_client_without_the_scope_learns_which_one() {
    let put = |token: &str| parts("PUT", "/api/orders/7", Some(token), None, &[]);
    let got = outcome(&plan("enforce"), put(&admin(json!({ "scope": "orders.read" }))));
    assert_eq!(refusal(&got), code(403, "insufficient-scope"));
    let challenge = header(refused(&got), "www-authenticate").expect("a challenge");
    assert!(challenge.contains(r#"error="insufficient_scope""#), "{challenge}");
    assert!(challenge.contains(r#"scope="orders.write""#), "{challenge}");
    forwarded(&outcome(&plan("enforce"), put(&admin(json!({ "scope": "orders.read orders.write" })))));
}

#[portable]
fn an_anonymous_caller_is_asked_for_a_token_and_shown_the_metadata() {
    let got = outcome(&plan("enforce"), parts("GET", "/api/orders/7", None, None, &[]));
    assert_eq!(refusal(&got), code(401, "credential-missing"));
    let expected = r#"Bearer realm="countersign", resource_metadata="https://shop.example.com/.well-known/oauth-protected-resource""#;
    assert_eq!(header(refused(&got), "www-authenticate"), Some(expected));
}

#[portable]
fn a_route_with_metadata_of_its_own_names_it_and_the_document_is_served_under_the_path_of_its_resource() {
    let mut configuration = configuration();
    let document = |resource: &str| json!({ "resource": resource, "authorization_servers": ["https://a.example"] });
    configuration["applications"]["shop"]["resource_metadata"] = document("https://shop.example.com");
    configuration["applications"]["shop"]["routes"]["order"]["resource_metadata"] =
        document("https://shop.example.com/api");
    configuration["applications"]["shop"]["routes"]["health"]["requires"] = json!(["corp"]);
    configuration["policies"] = json!("@id(\"all\") permit (principal is corp::User, action, resource);");
    let plan = plan_of(&configuration);
    let get = |path: &str| outcome(&plan, parts("GET", path, None, None, &[]));
    for (path, url) in [
        ("/api/orders/7", "https://shop.example.com/.well-known/oauth-protected-resource/api"),
        ("/healthz", "https://shop.example.com/.well-known/oauth-protected-resource"),
    ] {
        let got = get(path);
        assert_eq!(refusal(&got), code(401, "credential-missing"), "{path}");
        let expected = format!(r#"Bearer realm="countersign", resource_metadata="{url}""#);
        assert_eq!(header(refused(&got), "www-authenticate"), Some(expected.as_str()));
        let served = get(url.strip_prefix("https://shop.example.com").expect("a URL of the shop"));
        assert_eq!(refused(&served).status, 200);
        let resource = url.replace("/.well-known/oauth-protected-resource", "");
        let document: Value = serde_json::from_str(&refused(&served).body).expect("JSON");
        assert_eq!(document["resource"], resource.as_str());
        assert_eq!(record(&served)["application"], "shop");
    }
    let api = format!("{METADATA}/api");
    assert_eq!(refusal(&outcome(&plan, parts("POST", &api, None, None, &[]))), code(403, "method-not-listed"));
    assert_eq!(refusal(&get(&format!("{METADATA}/other"))), code(403, "route-unknown"));
    // No credential: the host of another application has no such document.
    let elsewhere = crate::request::RequestParts::for_test("GET", "other.example.com", &api, &[]);
    assert_eq!(refusal(&outcome(&plan, elsewhere)), code(403, "application-unknown"));
}

#[portable]
fn an_alarm_is_recorded_and_counted() {
    let on_call = admin(json!({ "groups": ["on-call"] }));
    let got = outcome(&plan("enforce"), get(&on_call));
    forwarded(&got);
    assert_eq!(record(&got)["alarms"], json!(["break-glass"]));
    let counters: Vec<String> = got.record.counters().map(|counter| counter.name()).collect();
    assert_eq!(
        counters,
        [
            "countersign.decisions.outcome.allow.reason.permitted.issuer.corp.policy.glass",
            "countersign.alarms.alarm.break_glass"
        ]
    );
}

#[portable]
fn a_rehearsal_records_the_challenge_that_it_does_not_send() {
    let got = outcome(&plan("shadow"), get(&admin(json!({ "acr": "pwd" }))));
    forwarded(&got);
    assert_eq!(record(&got)["reason"], "insufficient-user-authentication");
    assert_eq!(record(&got)["would_deny"], true);
}

#[portable]
fn the_metadata_is_served_in_any_mode_and_no_credential_is_looked_at() {
    for mode in ["enforce", "shadow"] {
        let plan = plan(mode);
        for (method, token) in [("GET", None), ("HEAD", None), ("GET", Some("nonsense"))] {
            let got = outcome(&plan, parts(method, METADATA, token, None, &[]));
            let answer = refused(&got);
            assert_eq!(answer.status, 200, "{got:?}");
            assert_eq!(header(answer, "content-type"), Some("application/json"));
            assert_eq!(header(answer, "cache-control"), Some("public, max-age=3600"));
            assert_eq!(header(answer, "access-control-allow-origin"), Some("*"));
            let document: Value = serde_json::from_str(&answer.body).expect("JSON");
            let expected = json!({
                "resource": "https://shop.example.com", "authorization_servers": ["https://login.example.com"],
                "scopes_supported": ["orders.write"], "bearer_methods_supported": ["header"], "resource_name": "Shop",
            });
            assert_eq!(document, expected);
            let record = record(&got);
            assert_eq!(
                (&record["decision"], &record["reason"], &record["status"], &record["application"]),
                (&json!("answered"), &json!("resource-metadata"), &json!(200), &json!("shop"))
            );
            assert_eq!((&record["principal"], &record["route"]), (&Value::Null, &Value::Null));
            assert_eq!(record["would_deny"], if mode == "shadow" { json!(false) } else { Value::Null });
            let counters: Vec<String> = got.record.counters().map(|counter| counter.name()).collect();
            assert_eq!(
                counters,
                ["countersign.decisions.outcome.answered.reason.resource_metadata.issuer.none.policy.none"]
            );
            assert!(!got.record.is_refusal());
        }
    }
}

#[portable]
fn a_browser_may_ask_before_it_reads_the_metadata() {
    let preflight = |method| [("origin", "https://a.example"), ("access-control-request-method", method)];
    let got = outcome(&plan("enforce"), parts("OPTIONS", METADATA, None, None, &preflight("GET")));
    assert_eq!(refused(&got).status, 204);
    assert_eq!(header(refused(&got), "access-control-allow-origin"), Some("*"));
    assert_eq!(header(refused(&got), "access-control-allow-headers"), Some("*"));
    assert_eq!(record(&got)["status"], 204);
    let got = outcome(&plan("enforce"), parts("OPTIONS", METADATA, None, None, &preflight("PUT")));
    assert_eq!(refusal(&got), code(403, "method-not-listed"));
}

#[portable]
fn nothing_with_the_path_of_the_metadata_is_forwarded() {
    let on_call = admin(json!({ "groups": ["on-call"] }));
    for mode in ["enforce", "shadow"] {
        for method in ["POST", "PUT", "DELETE", "OPTIONS", "PROPFIND"] {
            let got = outcome(&plan(mode), parts(method, METADATA, Some(&on_call), None, &[]));
            assert_eq!(refusal(&got), code(403, "method-not-listed"), "{mode} {method}");
        }
    }
    // Other paths are ordinary ones, and an ambiguous spelling is refused as everywhere.
    for path in ["/.well-known/oauth-protected-resource/", "/.well-known/oauth-protected-resource/x"] {
        let got = outcome(&plan("enforce"), parts("GET", path, Some(&on_call), None, &[]));
        assert_eq!(refusal(&got), code(403, "route-unknown"), "{path}");
    }
    let spelled = "/.well-known/oauth-protected-resourc%65";
    let got = outcome(&plan("enforce"), parts("GET", spelled, Some(&on_call), None, &[]));
    assert_eq!(refusal(&got), code(400, "path-ambiguous"));
    let queried = outcome(&plan("enforce"), parts("GET", &format!("{METADATA}?a=b"), None, None, &[]));
    assert_eq!(refused(&queried).status, 200);
}

#[portable]
fn an_allow_is_what_it_was_with_metadata() {
    let got = outcome(
        &plan("enforce"),
        parts("GET", "/api/orders/7", Some(&admin(json!({}))), Some(&posture(json!({}))), &[]),
    );
    assert_eq!(set(forwarded(&got), "x-countersign-principal"), Some(r#"corp::User::"alice""#));
}
