//! Proofs against decisions: policies are generated, what is proved must hold for each of many requests, and each example must
//! be decided as it says. `./build.sh test` runs these tests where there is a solver, and reports if there is none.

#![expect(clippy::arithmetic_side_effects, reason = "counts and a generator of numbers, which are small")]

use std::collections::BTreeMap;
use std::time::Duration;

use countersign_core::config::Plan;
use countersign_core::identity::SenderConstraint;
use countersign_core::policy::oracle::question::Caller;
use countersign_core::provider::ProviderName;
use serde_json::{Map, Value, json};

use super::{Change, Outcome, Plans, callers, prove};
use crate::prove::dice::Dice;
use crate::prove::example::Example;
use crate::prove::places::pairs;
use crate::prove::solver::Solver;

fn solver() -> Solver {
    let solver = Solver::start(Duration::from_secs(20), Duration::from_secs(600));
    assert!(solver.missing().is_none(), "{:?}", solver.missing());
    solver
}

fn configuration(policies: &str, change: impl FnOnce(&mut Value)) -> Plan {
    let keys = json!({ "discovery": true, "cluster": "keys" });
    let mut configuration = json!({
        "version": 1,
        "issuers": { "corp": {
            "issuer": "https://login.example.com",
            "audiences": ["apps"],
            "keys": keys,
            "algorithms": ["ES256"], "typ": ["JWT"],
            "principal": { "type": "User", "id": "sub", "groups": { "claim": "groups", "required": true } },
            "facts": { "level": "long", "department?": "string", "roles?": ["string"] }
        } },
        "devices": { "mdm": {
            "issuer": "https://mdm.example.com",
            "audiences": ["apps"],
            "keys": keys,
            "algorithms": ["ES256"], "typ": ["JWT"],
            "header": "x-mdm",
            "bind": "none",
            "max_age": "1h",
            "facts": { "managed": "bool", "score?": "long" }
        } },
        "entities": { "groups": { "corp::Group::\"sre\"": ["corp::Group::\"staff\""] } },
        "applications": { "shop": {
            "hosts": ["shop.example.com"],
            "routes": {
                "order": { "path": "/orders/{id}", "methods": ["GET", "PUT"] },
                "admin": { "path": "/admin", "methods": ["GET"], "requires": ["corp", "mdm"] }
            }
        } },
        "policies": policies
    });
    change(&mut configuration);
    Plan::compile_value(&configuration).unwrap_or_else(|faults| panic!("{policies}\n{faults:#?}")).0
}

/// A condition that load accepts of permits and forbids.
fn condition(dice: &mut Dice) -> String {
    let number = dice.one_of(&["0", "3", "5"]);
    let operator = dice.one_of(&["<", "<=", "==", ">"]);
    dice.one_of(&[
        format!("context.corp.level {operator} {number}"),
        format!("context.corp.level + 9223372036854775807 {operator} {number}"),
        "principal in corp::Group::\"staff\"".to_owned(),
        "principal in corp::Group::\"sre\"".to_owned(),
        "principal == corp::User::\"alice\"".to_owned(),
        "context.http_request.path == \"/orders/7\"".to_owned(),
        "context.http_request.path like \"/orders/*\"".to_owned(),
        format!("(if context.corp has department then context.corp.department == \"{number}\" else true)"),
        "(if context has mdm then !context.mdm.managed else true)".to_owned(),
        format!("(if context has mdm.score then context.mdm.score {operator} {number} else true)"),
        "(if context.corp has roles then context.corp.roles.contains(\"a\") else true)".to_owned(),
        "true".to_owned(),
    ])
}

fn policies(dice: &mut Dice) -> String {
    let policy = |id: usize, dice: &mut Dice| {
        let effect = dice.one_of(&["permit", "permit", "forbid"]);
        let action = dice.one_of(&["action", "action in Action::\"read\"", "action == Action::\"PUT\""]);
        let resource = dice.one_of(&["resource", "resource", "resource == Route::\"shop/order\""]);
        let join = dice.one_of(&["&&", "||"]);
        let (one, other) = (condition(dice), condition(dice));
        format!(
            "@id(\"p{id}\") @missing(\"ignore\") {effect} (principal is corp::User, {action}, {resource}) when {{ {one} {join} {other} }};\n"
        )
    };
    (0..1 + usize::try_from(dice.below(3)).unwrap()).map(|id| policy(id, dice)).collect()
}

/// A request with facts around the numbers and strings of the conditions.
fn request(dice: &mut Dice) -> Example {
    let mut corp = Map::new();
    corp.insert("level".to_owned(), dice.one_of(&[-1, 0, 1, 3, 4, 5, i64::MAX]).into());
    for (name, value) in [("department", json!("3")), ("roles", json!(["a"]))] {
        if dice.below(2) == 0 {
            corp.insert(name.to_owned(), value);
        }
    }
    let mut context = json!({ "corp": corp });
    if dice.below(3) > 0 {
        let mut mdm = json!({ "managed": dice.below(2) == 0, "bound": false, "age": 5 });
        if dice.below(2) == 0 {
            mdm["score"] = dice.one_of(&[0, 3, 4, 9]).into();
        }
        context["mdm"] = mdm;
    }
    let (method, path) =
        dice.one_of(&[("GET", "/orders/7"), ("PUT", "/orders/7"), ("PUT", "/orders/8"), ("GET", "/admin")]);
    let line = json!({ "method": method, "path": path, "authority": "shop.example.com" });
    let groups: &[&[&str]] = &[&[], &["staff"], &["sre"], &["other"]];
    Example {
        caller: Caller::Issuer(ProviderName::new("corp")),
        principal: Some(dice.one_of(&["alice", "bob"]).to_owned()),
        groups: dice.one_of(groups).iter().map(|group| (*group).to_owned()).collect(),
        facts: corp,
        bound_by: SenderConstraint::Bearer,
        devices: BTreeMap::new(),
        line: line.as_object().unwrap().clone(),
        now: 1_800_000_000,
        context,
    }
}

#[test]
#[ignore = "needs the solver cvc5"]
fn what_is_proved_holds_for_requests_and_each_example_is_decided_as_it_says() {
    let mut solver = solver();
    let (mut proved, mut examples, mut differing) = (0_usize, 0_usize, 0_usize);
    for seed in 1..=12_u64 {
        let dice = &mut Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let (before, after) = (policies(dice), policies(dice));
        let (old, new) = (configuration(&before, |_| {}), configuration(&after, |_| {}));
        let plans = Plans { old: &old, new: &new };
        for change in [Change::LetIn, Change::ShutOut] {
            let mut found = Vec::new();
            for places in pairs(&old.router, &new.router) {
                for caller in callers(plans, places) {
                    found.push(prove(&mut solver, plans, &caller, places, change));
                }
            }
            for outcome in &found {
                match outcome {
                    Outcome::Proved => proved += 1,
                    Outcome::Example(shown) => {
                        examples += 1;
                        let decided = (shown.old.allowed, shown.new.allowed);
                        assert_eq!(decided, (change == Change::ShutOut, change == Change::LetIn));
                        // Which means that `test` decides it as the new configuration does.
                        assert!(shown.case.is_ok(), "{shown:#?}\n{before}\n{after}");
                    }
                    Outcome::Undecided(why) => panic!("{why}\n{before}\n{after}"),
                }
            }
            let is_proved = found.iter().all(|outcome| matches!(outcome, Outcome::Proved));
            for _ in 0..400 {
                let request = request(dice);
                let decided = (request.decide(&old).allowed, request.decide(&new).allowed);
                let is_one = decided == (change == Change::ShutOut, change == Change::LetIn);
                differing += usize::from(is_one);
                assert!(!(is_one && is_proved), "proved, and not so: {change:?}\n{before}\n{after}\n{request:#?}");
            }
        }
    }
    assert!(proved > 50 && examples > 10 && differing > 100, "{proved} {examples} {differing}");
}

/// The outcomes of all questions, by what was asked.
fn outcomes(old: &Plan, new: &Plan) -> Vec<(Change, String, Outcome)> {
    let mut solver = solver();
    let plans = Plans { old, new };
    let mut found = Vec::new();
    for places in pairs(&old.router, &new.router) {
        for caller in callers(plans, places) {
            for change in [Change::LetIn, Change::ShutOut] {
                let outcome = prove(&mut solver, plans, &caller, places, change);
                found.push((change, caller.to_string(), outcome));
            }
        }
    }
    found
}

const STAFF: &str = "@id(\"p\") permit (principal in corp::Group::\"staff\", action, resource);";

fn examples(old: &Plan, new: &Plan, change: Change) -> Vec<Example> {
    let found = outcomes(old, new);
    let undecided: Vec<_> = found.iter().filter(|(.., outcome)| matches!(outcome, Outcome::Undecided(_))).collect();
    assert!(undecided.is_empty(), "{undecided:#?}");
    let examples = found.into_iter().filter_map(|(made, _, outcome)| match outcome {
        Outcome::Example(shown) if made == change => Some(shown.example),
        _ => None,
    });
    examples.collect()
}

#[test]
#[ignore = "needs the solver cvc5"]
fn a_requirement_that_is_gone_lets_in_somebody_without_the_evidence() {
    let old = configuration(STAFF, |_| {});
    let new = configuration(STAFF, |new| new["applications"]["shop"]["routes"]["admin"]["requires"] = json!(["corp"]));
    let found = examples(&old, &new, Change::LetIn);
    assert!(
        !found.is_empty() && found.iter().all(|example| example.line["path"] == "/admin" && example.devices.is_empty())
    );
    assert_eq!(examples(&old, &new, Change::ShutOut).len(), 0);
}

#[test]
#[ignore = "needs the solver cvc5"]
fn a_fact_that_became_optional_lets_in_tokens_without_it() {
    let old = configuration(STAFF, |_| {});
    let new = configuration(STAFF, |new| new["issuers"]["corp"]["facts"] = json!({ "level?": "long" }));
    let found = examples(&old, &new, Change::LetIn);
    assert!(!found.is_empty() && found.iter().all(|example| !example.facts.contains_key("level")), "{found:#?}");
    assert_eq!(examples(&old, &new, Change::ShutOut).len(), 0);
}

#[test]
#[ignore = "needs the solver cvc5"]
fn a_group_that_is_put_into_another_is_newly_let_in() {
    let old = configuration(STAFF, |old| drop(old.as_object_mut().unwrap().remove("entities")));
    let new = configuration(STAFF, |_| {});
    let found = examples(&old, &new, Change::LetIn);
    assert!(!found.is_empty() && found.iter().all(|example| example.groups == ["sre"]), "{found:#?}");
}

#[test]
#[ignore = "needs the solver cvc5"]
fn a_path_of_a_narrower_route_that_is_gone_is_found_at_the_broader_one() {
    let both = |of: &mut Value| {
        of["applications"]["shop"]["routes"]["all"] = json!({ "path": "/{rest*}", "methods": ["GET"] })
    };
    let old = configuration(STAFF, both);
    let new = configuration(STAFF, |new| {
        both(new);
        new["applications"]["shop"]["routes"].as_object_mut().unwrap().remove("admin");
    });
    let found = examples(&old, &new, Change::LetIn);
    assert!(found.iter().any(|example| example.line["path"] == "/admin"), "{found:#?}");
}

#[test]
#[ignore = "needs the solver cvc5"]
fn an_issuer_that_is_new_lets_in_whom_the_policies_permit() {
    let policies = "@id(\"q\") permit (principal is partner::User, action in Action::\"read\", resource == Route::\"shop/order\");";
    let old = configuration(STAFF, |_| {});
    let new = configuration(&format!("{STAFF}\n{policies}"), |new| {
        let mut partner = new["issuers"]["corp"].clone();
        partner["issuer"] = json!("https://partner.example.com");
        new["issuers"]["partner"] = partner;
    });
    let found = examples(&old, &new, Change::LetIn);
    let callers: Vec<String> = found.iter().map(|example| example.caller.to_string()).collect();
    assert_eq!(callers, ["partner"]);
}

#[test]
#[ignore = "needs the solver cvc5"]
fn a_parameter_of_the_same_name_has_another_value_on_another_route() {
    let policies = "@id(\"p\") permit (principal is corp::User, action, resource == Route::\"shop/two\")
        when { context.http_request.path_parameters.id == \"b\" };";
    let with_path = |path: &'static str| {
        configuration(policies, move |of| of["applications"]["shop"]["routes"] = json!({ "two": { "path": path } }))
    };
    let (old, new) = (with_path("/{id}/{other}"), with_path("/{other}/{id}"));
    let found = outcomes(&old, &new);
    for change in [Change::LetIn, Change::ShutOut] {
        let is_open =
            |(made, _, outcome): &(Change, String, Outcome)| *made == change && !matches!(outcome, Outcome::Proved);
        assert!(found.iter().any(is_open), "{change:?}: {found:#?}");
    }
}

#[test]
#[ignore = "needs the solver cvc5"]
fn a_parameter_that_only_the_new_route_has_is_absent_on_the_old_one() {
    let policies = "@id(\"p\") permit (principal is corp::User, action, resource)
        when { context.http_request.path_parameters has rest };";
    let routes = |routes: Value| configuration(policies, |of| of["applications"]["shop"]["routes"] = routes);
    let all = json!({ "path": "/{rest*}" });
    let old = routes(json!({ "all": all, "admin": { "path": "/admin" } }));
    let new = routes(json!({ "all": all }));
    let found = examples(&old, &new, Change::LetIn);
    assert!(found.iter().any(|example| example.line["path"] == "/admin"), "{found:#?}");
}

/// `mdm` and `edr` fill members of `context.device`: `mdm` the serial number from `serial`, `edr` from this fact.
fn with_device(policies: &str, edr: Value) -> Plan {
    configuration(policies, |of| {
        of["devices"]["mdm"]["facts"] = json!({ "managed": "bool", "serial?": "string", "os?": "version" });
        of["devices"]["mdm"]["device"] = json!({ "managed": "managed", "serial": "serial", "os": { "version": "os" } });
        let mut second = of["devices"]["mdm"].clone();
        second["issuer"] = json!("https://edr.example.com");
        second["header"] = json!("x-edr");
        second["facts"]["other?"] = json!("string");
        second["device"] = edr;
        of["devices"]["edr"] = second;
    })
}

const ON_MANAGED: &str =
    "@id(\"p\") permit (principal is corp::User, action in Action::\"read\", resource == Route::\"shop/order\")
    when { context has device.managed && context.device.managed && context has device.os.version &&
           context.device.os.version.major >= 14 };";

#[test]
#[ignore = "needs the solver cvc5"]
fn another_fact_that_fills_a_member_lets_in_and_shuts_out() {
    let both = json!({ "managed": "managed", "os": { "version": "os" } });
    let (two, one) = (with_device(ON_MANAGED, both.clone()), with_device(ON_MANAGED, json!({})));
    // One provider less can say no, and one less can say anything at all.
    let let_in = examples(&two, &one, Change::LetIn);
    assert!(!let_in.is_empty() && let_in.iter().all(|example| example.devices.contains_key("edr")), "{let_in:#?}");
    let shut_out = examples(&two, &one, Change::ShutOut);
    assert!(!shut_out.is_empty(), "{shut_out:#?}");
    let same = with_device(ON_MANAGED, both);
    for change in [Change::LetIn, Change::ShutOut] {
        assert_eq!(examples(&two, &same, change).len(), 0, "{change:?}");
    }
}

#[test]
#[ignore = "needs the solver cvc5"]
fn who_was_refused_for_two_devices_is_newly_let_in_where_they_are_not_compared() {
    let old = with_device(STAFF, json!({ "serial": "serial" }));
    let new = with_device(STAFF, json!({ "managed": "managed" }));
    let found = examples(&old, &new, Change::LetIn);
    assert!(!found.is_empty(), "{found:#?}");
    for example in &found {
        let serial = |device: &str| example.devices[device]["serial"].clone();
        assert_ne!(serial("mdm"), serial("edr"), "{example:#?}");
    }
    let elsewhere = with_device(STAFF, json!({ "serial": "other" }));
    for change in [Change::LetIn, Change::ShutOut] {
        assert!(!examples(&old, &elsewhere, change).is_empty(), "{change:?}");
    }
}
