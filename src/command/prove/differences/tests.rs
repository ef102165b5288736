use countersign_core::config::Plan;
use serde_json::{Value, json};

use super::{Effect, differences};

fn configuration() -> Value {
    json!({
        "version": 1,
        "issuers": { "corp": {
            "issuer": "https://login.example.com",
            "audiences": ["apps"],
            "keys": { "discovery": true, "cluster": "login" },
            "algorithms": ["ES256"], "typ": ["JWT"],
            "forbid_claims": ["events"],
            "clock_skew": "60s",
            "max_lifetime": "24h",
            "principal": { "type": "User", "id": "sub" },
            "facts": { "email": "string", "department?": "string" }
        } },
        "applications": { "shop": {
            "hosts": ["shop.example.com"],
            "routes": { "all": { "path": "/{rest*}" }, "admin": { "path": "/admin" } }
        } },
        "policies": "@id(\"p\") permit (principal is corp::User, action, resource);",
        "mode": "enforce",
        "limits": { "max_token_bytes": 16384 }
    })
}

/// The differences that a change makes, with their effects.
fn of(change: impl FnOnce(&mut Value)) -> Vec<(Effect, String)> {
    let (old, mut new) = (configuration(), configuration());
    change(&mut new);
    let plan = |of: &Value| Plan::compile_value(of).unwrap_or_else(|faults| panic!("{faults:#?}")).0;
    let found = differences((&old, &plan(&old)), (&new, &plan(&new)));
    found.into_iter().map(|difference| (difference.effect, difference.pointer)).collect()
}

#[test]
fn equal_configurations_do_not_differ() {
    assert_eq!(of(|_| {}), []);
}

#[test]
fn each_member_says_whether_it_widens() {
    type Change = fn(&mut Value);
    let changes: [(Change, Effect, &str); 17] = [
        (|new| new["issuers"]["corp"]["audiences"] = json!(["apps", "more"]), Effect::Wider, "/issuers/corp/audiences"),
        (
            |new| new["issuers"]["corp"]["issuer"] = json!("https://other.example.com"),
            Effect::Unknown,
            "/issuers/corp/issuer",
        ),
        (
            |new| new["issuers"]["corp"]["algorithms"] = json!(["ES256", "RS256"]),
            Effect::Wider,
            "/issuers/corp/algorithms",
        ),
        (|new| new["issuers"]["corp"]["forbid_claims"] = json!([]), Effect::Wider, "/issuers/corp/forbid_claims"),
        (
            |new| new["issuers"]["corp"]["forbid_claims"] = json!(["events", "x"]),
            Effect::Narrower,
            "/issuers/corp/forbid_claims",
        ),
        (|new| new["issuers"]["corp"]["clock_skew"] = json!("2m"), Effect::Wider, "/issuers/corp/clock_skew"),
        (|new| new["issuers"]["corp"]["clock_skew"] = json!("1m"), Effect::Nothing, "/issuers/corp/clock_skew"),
        (|new| new["issuers"]["corp"]["max_lifetime"] = json!("1h"), Effect::Narrower, "/issuers/corp/max_lifetime"),
        (
            |new| drop(new["issuers"]["corp"].as_object_mut().unwrap().remove("max_lifetime")),
            Effect::Wider,
            "/issuers/corp/max_lifetime",
        ),
        (
            |new| new["issuers"]["corp"]["keys"]["cluster"] = json!("other"),
            Effect::Unknown,
            "/issuers/corp/keys/cluster",
        ),
        (
            |new| new["issuers"]["corp"]["principal"]["id"] = json!("email"),
            Effect::Unknown,
            "/issuers/corp/principal/id",
        ),
        (|new| new["issuers"]["corp"]["facts"]["department?"] = json!("long"), Effect::Unknown, "/issuers/corp/facts"),
        (
            |new| new["issuers"]["corp"]["facts"] = json!({ "email?": "string", "department?": "string" }),
            Effect::Proved,
            "/issuers/corp/facts",
        ),
        (
            |new| new["policies"] = json!("@id(\"q\") permit (principal is corp::User, action, resource);"),
            Effect::Proved,
            "/policies",
        ),
        (|new| new["mode"] = json!("shadow"), Effect::Wider, "/mode"),
        (|new| new["limits"]["max_token_bytes"] = json!(8192), Effect::Narrower, "/limits/max_token_bytes"),
        (|new| new["client_address"] = json!({ "from": "trusted_xff" }), Effect::Unknown, "/client_address"),
    ];
    for (change, effect, pointer) in changes {
        assert_eq!(of(change), [(effect, pointer.to_owned())]);
    }
}

#[test]
fn a_narrower_route_that_is_gone_leaves_its_near_paths_to_a_broader_one() {
    let found = of(|new| drop(new["applications"]["shop"]["routes"].as_object_mut().unwrap().remove("admin")));
    assert!(found.contains(&(Effect::Unknown, "/applications/shop/routes/admin".to_owned())), "{found:?}");
    let found = of(|new| new["applications"]["shop"]["routes"]["staff"] = json!({ "path": "/staff" }));
    assert!(found.contains(&(Effect::Narrower, "/applications/shop/routes/staff".to_owned())), "{found:?}");
}
