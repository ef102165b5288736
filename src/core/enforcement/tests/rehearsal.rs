//! `mode: shadow`: what a rehearsal lets through, and what it does not.

use serde_json::json;

use super::{
    alice, code, configuration, forwarded, is_removed, outcome, parts, plan_of, posture, record, refusal, set,
};
use crate::portable;

#[portable]
fn a_rehearsal_forwards_what_a_preflight_carries_as_without_the_plugin() {
    let mut shadow = configuration();
    shadow["mode"] = json!("shadow");
    shadow["devices"]["mdm"]["forward"] = json!("verified");
    let mut enforced = shadow.clone();
    enforced["mode"] = json!("enforce");
    let preflight = [("origin", "https://app.example.com"), ("access-control-request-method", "PUT")];
    for (configuration, removed) in [(shadow, false), (enforced, true)] {
        // Even a good token is not verified on a preflight.
        let (token, posture) = (alice(json!({})), posture(json!({})));
        let parts = parts("OPTIONS", "/api/orders/7", Some(&token), Some(&posture), &preflight);
        let got = outcome(&plan_of(&configuration), parts);
        for name in ["authorization", "x-device-posture"] {
            assert_eq!(is_removed(forwarded(&got), name), removed, "{name}");
        }
        assert_eq!(set(forwarded(&got), "x-countersign-principal"), Some(r#"Anonymous::"anonymous""#));
    }
}

#[portable]
fn a_rehearsal_lets_through_what_it_would_refuse_but_never_the_ambiguous() {
    let mut shadow = configuration();
    shadow["mode"] = json!("shadow");
    let plan = plan_of(&shadow);
    let spoofed = [("x-countersign-principal", "root")];
    let got = outcome(&plan, parts("GET", "/api/orders/7", None, None, &spoofed));
    let forwarding = forwarded(&got);
    assert_eq!(set(forwarding, "x-countersign-principal"), Some(r#"Anonymous::"anonymous""#));
    let record = record(&got);
    assert_eq!((&record["decision"], &record["would_deny"]), (&json!("allow"), &json!(true)));
    assert_eq!(record["reason"], "credential-missing");
    assert_eq!(refusal(&outcome(&plan, parts("GET", "//", None, None, &[]))), code(400, "path-ambiguous"));
}
