//! Records against decisions: what is replayed must be what the new configuration decides about the request itself.

use countersign_core::config::Plan;
use countersign_core::enforcement::decide_given;
use countersign_core::identity::{GivenDevice, GivenEvidence, GivenPrincipal, SenderConstraint};
use countersign_core::telemetry::DecisionId;
use countersign_core::time::{Seconds, UnixSeconds};
use serde_json::{Map, Value, json};

use super::Recorded;
use crate::prove::dice::Dice;
use crate::prove::differences::differences;
use crate::record::Record;
use crate::request_line::RequestLine;

const NOW: UnixSeconds = UnixSeconds::new(1_800_000_000);

/// The policies, each with two texts.
const POOL: &[(&str, [&str; 2])] = &[
    (
        "staff",
        [
            "permit (principal in corp::Group::\"staff\", action, resource);",
            "permit (principal in corp::Group::\"staff\", action in Action::\"read\", resource);",
        ],
    ),
    (
        "senior",
        [
            "permit (principal is corp::User, action, resource) when { context.corp.level > 3 };",
            "permit (principal is corp::User, action, resource) when { context.corp.level > 4 };",
        ],
    ),
    (
        "managed",
        [
            "permit (principal is corp::User, action, resource == Route::\"shop/order\") when { context has mdm && context.mdm.managed };",
            "permit (principal is corp::User, action, resource == Route::\"shop/order\");",
        ],
    ),
    (
        "open",
        [
            "permit (principal is Anonymous, action in Action::\"read\", resource == Route::\"shop/order\");",
            "permit (principal is Anonymous, action in Action::\"read\", resource == Route::\"shop/admin\");",
        ],
    ),
    (
        "leavers",
        [
            "forbid (principal in corp::Group::\"leavers\", action, resource);",
            "forbid (principal in corp::Group::\"staff\", action, resource == Route::\"shop/admin\");",
        ],
    ),
    (
        "writes",
        [
            "forbid (principal, action in Action::\"write\", resource == Route::\"shop/order\");",
            "forbid (principal == corp::User::\"bob\", action, resource);",
        ],
    ),
    (
        "sum",
        [
            "permit (principal is corp::User, action in Action::\"read\", resource) when { context.corp.level + 1 > 4 };",
            "permit (principal is corp::User, action, resource) when { context.corp.level + 9223372036854775807 > 0 };",
        ],
    ),
    (
        "overflow",
        [
            "@missing(\"ignore\") forbid (principal is corp::User, action, resource == Route::\"shop/admin\") when { context.corp.level + 9223372036854775807 > 0 };",
            "@mode(\"shadow\") forbid (principal is corp::User, action, resource);",
        ],
    ),
];

fn policies(dice: &mut Dice) -> String {
    let mut text = String::new();
    for (id, texts) in POOL {
        // A document is never empty.
        if *id == "staff" || dice.below(4) > 0 {
            let which = usize::from(dice.below(5) == 0);
            text.push_str(&format!("@id(\"{id}\") {}\n", texts[which]));
        }
    }
    text
}

fn configuration(base: &str, second: &str, must_permit: bool, change: impl FnOnce(&mut Value)) -> Plan {
    document(base, second, must_permit, change).1
}

fn document(base: &str, second: &str, must_permit: bool, change: impl FnOnce(&mut Value)) -> (Value, Plan) {
    let keys = json!({ "discovery": true, "cluster": "keys" });
    let mut configuration = json!({
        "version": 1,
        "issuers": { "corp": {
            "issuer": "https://login.example.com", "audiences": ["apps"], "keys": keys,
            "algorithms": ["ES256"], "typ": ["JWT"],
            "principal": { "type": "User", "id": "sub", "groups": { "claim": "groups", "required": true } },
            "facts": { "level": "long" }
        } },
        "devices": { "mdm": {
            "issuer": "https://mdm.example.com", "audiences": ["apps"], "keys": keys,
            "algorithms": ["ES256"], "typ": ["JWT"], "header": "x-mdm", "bind": "none", "max_age": "1h",
            "facts": { "managed": "bool" }
        } },
        "applications": { "shop": { "hosts": ["shop.example.com"], "routes": {
            "order": { "path": "/orders/{id}", "methods": ["GET", "PUT"], "requires": [] },
            "admin": { "path": "/admin", "methods": ["GET"], "requires": [] }
        } } },
        "policies": {
            "base": { "applies_to": ["shop"], "text": base },
            "second": { "applies_to": ["shop"], "must_permit": must_permit, "text": second }
        }
    });
    change(&mut configuration);
    let plan = Plan::compile_value(&configuration);
    let plan = plan.unwrap_or_else(|faults| panic!("{base}\n{second}\n{faults:#?}")).0;
    (configuration, plan)
}

/// The record of a request of this person.
fn record(
    plan: &Plan,
    (id, groups, level): (Option<&str>, &[String], i64),
    managed: Option<bool>,
    line: &str,
) -> Record {
    let mut evidence = GivenEvidence::default();
    if let Some(id) = id {
        let facts = Map::from_iter([("level".to_owned(), json!(level))]);
        let issuer = plan.issuers.first().unwrap();
        let sender_constraint = SenderConstraint::Bearer;
        evidence.authenticate(GivenPrincipal { issuer, id, groups, facts: &facts, sender_constraint }).unwrap();
    }
    if let Some(managed) = managed {
        let facts = Map::from_iter([("managed".to_owned(), json!(managed))]);
        let provider = plan.devices.first().unwrap();
        let age = Some(Seconds::new(1));
        evidence.describe(GivenDevice { provider, facts: &facts, age, bound: false }).unwrap();
    }
    let (method, path) = line.split_once(' ').unwrap();
    let line = json!({ "id": "1", "method": method, "path": path, "authority": "shop.example.com" }).to_string();
    let request = RequestLine::parse(line.as_bytes()).unwrap();
    let id = DecisionId::derive(&[0; 32], 1, NOW);
    let outcome = decide_given(plan, &evidence, request.parts(plan), NOW, &id);
    let line = format!("2027-01-15T08:00:00Z 200 via_upstream {}", outcome.record.to_json());
    Record::parse(line.as_bytes()).unwrap()
}

#[test]
fn what_is_replayed_is_what_the_new_configuration_decides() {
    let (mut same, mut changed, mut unknown) = (0_usize, 0_usize, 0_usize);
    for seed in 1..=150_u64 {
        let dice = &mut Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let second = "@id(\"all\") permit (principal, action, resource);\n@id(\"anyone\") permit (principal is Anonymous, action, resource);";
        let must_permit = dice.below(2) == 0;
        let (before, after) = (policies(dice), policies(dice));
        let seconds = [second, "@id(\"all\") permit (principal in corp::Group::\"staff\", action, resource);"];
        let (old_second, new_second) = (dice.one_of(&seconds), dice.one_of(&seconds));
        let (old_document, old) = document(&before, old_second, must_permit, |_| {});
        let (new_document, new) = document(&after, new_second, dice.below(2) == 0, |_| {});
        let recorded = Recorded::new(&old, &new, &differences((&old_document, &old), (&new_document, &new)));
        for _ in 0..20 {
            let groups: Vec<String> =
                ["staff", "leavers"].iter().filter(|_| dice.below(2) == 0).map(|group| (*group).to_owned()).collect();
            let id = [None, Some("alice"), Some("bob")][usize::try_from(dice.below(3)).unwrap()];
            let person = (id, groups.as_slice(), [-1, 4, 5][usize::try_from(dice.below(3)).unwrap()]);
            let managed = [None, Some(true), Some(false)][usize::try_from(dice.below(3)).unwrap()];
            let line = dice.one_of(&["GET /orders/7", "PUT /orders/7", "GET /admin"]);
            let old_record = record(&old, person, managed, line);
            let new_record = record(&new, person, managed, line);
            let allowed = |record: &Record| record.text("reason") == Some("permitted");
            match recorded.replay(&old_record) {
                Ok((was, is)) => {
                    let decided = (allowed(&old_record), allowed(&new_record));
                    assert_eq!(
                        (was.forwarded, is.forwarded),
                        decided,
                        "{before}\n{old_second}\nnew:\n{after}\n{new_second}\n{old_record:?}\n{new_record:?}"
                    );
                    if decided.0 == decided.1 { same += 1 } else { changed += 1 }
                }
                Err(_) => unknown += 1,
            }
        }
    }
    assert!(same > 300 && changed > 30 && unknown > 300, "{same} {changed} {unknown}");
}

const STAFF: &str = "@id(\"staff\") permit (principal in corp::Group::\"staff\", action, resource);";
const LEAVERS: &str = "@id(\"leavers\") forbid (principal in corp::Group::\"leavers\", action, resource);";
const NONE: &str = "@id(\"none\") permit (principal in corp::Group::\"nobody\", action, resource);";

/// Why a record of alice, who is staff, cannot be replayed.
fn why_not(new: &str, change: impl FnOnce(&mut Value)) -> String {
    let (old_document, old) = document(STAFF, NONE, false, |_| {});
    let (new_document, new) = document(new, NONE, false, change);
    let record = record(&old, (Some("alice"), &["staff".to_owned()], 1), None, "GET /orders/7");
    let recorded = Recorded::new(&old, &new, &differences((&old_document, &old), (&new_document, &new)));
    recorded.replay(&record).expect_err("it is not known")
}

#[test]
fn what_a_record_does_not_say_is_not_guessed() {
    let changed = STAFF.replace("resource)", "resource) when { context.corp.level > 0 }");
    assert!(why_not(&changed, |_| {}).contains("depends on `base/staff`, new or changed"));
    assert!(why_not(&format!("{STAFF}{LEAVERS}"), |_| {}).contains("depends on `base/leavers`"));
    let audience = |new: &mut Value| new["issuers"]["corp"]["audiences"] = json!(["other"]);
    assert!(why_not(STAFF, audience).contains("differ in /issuers/corp/audiences"));
    let groups = |new: &mut Value| {
        new["entities"] = json!({ "groups": { "corp::Group::\"staff\"": ["corp::Group::\"leavers\""] } });
    };
    assert!(why_not(STAFF, groups).contains("differ in /entities"));
    for route in ["/orders/7", "/{any}/{id}"] {
        let routes = |new: &mut Value| {
            new["applications"]["shop"]["routes"]["more"] = json!({ "path": route, "methods": ["GET"] });
        };
        assert!(why_not(STAFF, routes).contains("one that its path may belong to, differs"), "{route}");
    }
    let requires = |new: &mut Value| new["applications"]["shop"]["routes"]["order"]["requires"] = json!(["corp"]);
    assert!(why_not(STAFF, requires).contains("its route"));
}

#[test]
fn a_record_of_another_configuration_or_of_a_refused_token_is_not_replayed() {
    let plan = configuration(STAFF, NONE, false, |_| {});
    let other = configuration(&format!("{STAFF}{LEAVERS}"), NONE, false, |_| {});
    let staff = ["staff".to_owned()];
    let of_another = record(&other, (Some("alice"), &staff, 1), None, "GET /orders/7");
    let recorded = Recorded::new(&plan, &other, &[]);
    assert!(recorded.replay(&of_another).expect_err("another").contains("another configuration"));
    let no_route = record(&plan, (Some("alice"), &staff, 1), None, "GET /nowhere");
    assert!(recorded.replay(&no_route).expect_err("no route").contains("before any policy was asked"));
    let mut expired = record(&plan, (Some("alice"), &staff, 1), None, "GET /orders/7");
    expired.set_for_test("reason", json!("token-expired"));
    assert!(recorded.replay(&expired).expect_err("no policy").contains("before any policy was asked"));
    let mut failed = record(&plan, (Some("alice"), &staff, 1), None, "GET /orders/7");
    failed.set_for_test("reason", json!("host-failure"));
    assert!(recorded.replay(&failed).is_err(), "its policies permitted it, and it was refused all the same");
}

#[test]
fn a_forbid_that_is_gone_and_one_for_everybody_are_told() {
    let staff = ["staff".to_owned(), "leavers".to_owned()];
    let (both, one) = (format!("{STAFF}{LEAVERS}"), STAFF);
    let all = format!("{STAFF}@id(\"stop\") forbid (principal, action, resource);");
    let replayed = |(before, after): (&str, &str), groups: &[String]| {
        let (old, new) = (document(before, NONE, false, |_| {}), document(after, NONE, false, |_| {}));
        let record = record(&old.1, (Some("alice"), groups, 1), None, "GET /orders/7");
        let recorded = Recorded::new(&old.1, &new.1, &differences((&old.0, &old.1), (&new.0, &new.1)));
        recorded.replay(&record)
    };
    // It is not recorded whether a permit applied beside the forbid.
    assert!(replayed((&both, one), &staff).is_err());
    let (was, is) = replayed((one, &all), &staff[..1]).unwrap();
    assert_eq!((was.forwarded, is.forwarded), (true, false));
    assert_eq!((is.reason.as_str(), is.policies), ("forbidden-by-policy", vec!["base/stop".to_owned()]));
    let open =
        "@id(\"open\") permit (principal is Anonymous, action in Action::\"read\", resource == Route::\"shop/order\");";
    let (was, is) = replayed((one, open), &staff[..1]).unwrap();
    assert_eq!((was.forwarded, is.forwarded, is.reason.as_str()), (true, false, "not-permitted"));
}
