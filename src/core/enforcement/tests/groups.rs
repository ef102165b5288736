//! What becomes of a token by its groups claim.

use serde_json::{Value, json};

use super::{alice, code, configuration, forwarded, outcome, parts, plan_of, posture, refusal, set};
use crate::portable;

/// The answer to alice's request, where the configuration says this of groups and her token has these changes.
fn asked(rule: &Value, changes: Value) -> super::Outcome {
    let mut configuration = configuration();
    configuration["issuers"]["corp"]["principal"]["groups"] = rule.clone();
    let token = alice(changes);
    outcome(&plan_of(&configuration), parts("GET", "/api/orders/7", Some(&token), Some(&posture(json!({}))), &[]))
}

#[portable]
fn a_token_without_groups_is_refused_where_they_are_required() {
    let required = json!({ "claim": "groups", "required": true });
    assert_eq!(refusal(&asked(&required, json!({ "groups": null }))), code(401, "token-claim-missing"));
    assert_eq!(refusal(&asked(&required, json!({ "groups": [] }))), code(403, "not-permitted"));
    forwarded(&asked(&required, json!({})));
    let nested = json!({ "claim": ["realm", "groups"], "required": true });
    for realm in [json!(null), json!({})] {
        assert_eq!(refusal(&asked(&nested, json!({ "realm": realm }))), code(401, "token-claim-missing"));
    }
    forwarded(&asked(&nested, json!({ "realm": { "groups": ["engineering"] } })));
    for rule in [json!("groups"), json!({ "claim": "groups", "single": true })] {
        assert_eq!(refusal(&asked(&rule, json!({ "groups": null }))), code(403, "not-permitted"), "{rule}");
    }
}

#[portable]
fn one_string_is_one_group_where_the_configuration_says_so_and_is_never_split() {
    let single = json!({ "claim": "groups", "single": true });
    let allowed = asked(&single, json!({ "groups": "engineering" }));
    assert_eq!(set(forwarded(&allowed), "x-countersign-groups"), Some("engineering"));
    forwarded(&asked(&single, json!({ "groups": ["x", "engineering"] })));
    for several in ["x,engineering", "x engineering", "engineering ", "[\"engineering\"]"] {
        assert_eq!(refusal(&asked(&single, json!({ "groups": several }))), code(403, "not-permitted"), "{several}");
    }
    for wrong in [json!(""), json!("a\u{0}"), json!("a".repeat(1_025)), json!(5), json!(true), json!({}), json!([5])] {
        let got = asked(&single, json!({ "groups": wrong }));
        assert_eq!(refusal(&got), code(401, "token-claim-type"), "{wrong}");
    }
    let got = asked(&json!({ "claim": "groups", "required": true }), json!({ "groups": "engineering" }));
    assert_eq!(refusal(&got), code(401, "token-claim-type"));
}
