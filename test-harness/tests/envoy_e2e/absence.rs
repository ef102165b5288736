//! What a client leaves out lifts no forbid: a token without groups, a request without a user agent or with two.

use serde_json::{Value, json};
use test_harness::tokens::{ALICE, BOB, Token};

use crate::bench::{Ask, Bench, plugin_listener};
use crate::{Scenario, scenarios};

pub const SCENARIOS: &[Scenario] = scenarios![a_forbid_applies_to_a_client_that_leaves_out_what_it_reads];

const POLICIES: &str = r#"
@id("all") permit (principal is corp::User, action, resource in Application::"shop");
@id("contractors") forbid (principal in corp::Group::"contractors", action, resource);
@id("bots") forbid (principal is corp::User, action, resource)
when { if context.http_request has user_agent then context.http_request.user_agent like "*bot*" else true };
"#;

fn configuration(bench: &Bench, groups: Value) -> Value {
    let mut configuration = bench.example.plugin_configuration();
    configuration["issuers"]["corp"]["principal"]["groups"] = groups;
    configuration["policies"] = json!(POLICIES);
    configuration
}

fn a_forbid_applies_to_a_client_that_leaves_out_what_it_reads(bench: &Bench) {
    let silent = bench.validate_text("silent-forbid", &configuration(bench, json!("groups")));
    let said = String::from_utf8_lossy(&silent.stderr);
    assert!(!silent.status.success() && said.contains("groups: { claim: groups, required: true }"), "{said}");

    let required = configuration(bench, json!({ "claim": "groups", "required": true }));
    let envoy = bench.envoy_with("absence", [plugin_listener(bench, "main", &required)]);
    let address = envoy.listener("main").expect("the listener is there");
    let send = |token: &Token, agents: &[&str]| {
        let ask = Ask::get("/api/orders/7").token(token.sign()).posture(Token::about("laptop-1").sign());
        let ask = agents.iter().fold(ask, |ask, agent| ask.header("user-agent", agent));
        bench.ask_at(address, &ask)
    };
    let alice = Token::of(ALICE);
    send(&alice, &["a browser"]).allowed();
    let contractor = alice.clone().claim("groups", json!(["contractors"]));
    send(&contractor, &["a browser"]).refused(403, "forbidden-by-policy");
    for token in [contractor.without("groups"), Token::of(BOB).claim("device_id", json!("laptop-1"))] {
        send(&token, &["a browser"]).refused(401, "token-claim-missing");
    }
    send(&alice.clone().claim("groups", json!([])), &["a browser"]).allowed();
    // Whether two reach the module as two, which is as good as none, or as one that Envoy joined.
    for agents in [&["a bot"][..], &[], &["a browser", "a bot"], &["a bot", "a browser"]] {
        send(&alice, agents).refused(403, "forbidden-by-policy");
    }
}
