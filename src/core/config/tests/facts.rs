//! Facts whose claim has another name or place, and facts about actors.

use serde_json::{Value, json};

use super::{also, assert_problem, plan, problems, with};
use crate::jose::{ClaimPath, Rounding};
use crate::portable;
use crate::profile::{FactField, FactType};

fn facts(facts: Value) -> Value {
    with("/issuers/corp/facts", facts)
}

fn read(declared: Value) -> Vec<FactField> {
    plan(&facts(declared)).0.issuers[0].profile.facts.clone()
}

fn path(names: &[&str]) -> ClaimPath {
    ClaimPath(names.iter().map(|&name| name.to_owned()).collect())
}

#[track_caller]
fn assert_fact_problem(declared: Value, place: &str, code: &str, message: &str, help: &str) {
    assert_problem(&facts(declared), &format!("/issuers/corp/facts/{place}"), code, message, help);
}

#[portable]
fn a_fact_can_have_another_name_than_its_claim() {
    for (written, names, required, fact_type) in [
        (
            json!({ "roles": { "claim": ["realm_access", "roles"], "type": ["string"] } }),
            &["realm_access", "roles"][..],
            true,
            FactType::List(Box::new(FactType::String)),
        ),
        (
            json!({ "tenant?": { "claim": ["https://example.com/tenant"], "type": "string" } }),
            &["https://example.com/tenant"],
            false,
            FactType::String,
        ),
        (
            json!({ "namespace": { "claim": ["kubernetes.io", "namespace"], "type": "string" } }),
            &["kubernetes.io", "namespace"],
            true,
            FactType::String,
        ),
        (
            json!({ "teams": { "claim": ["team"], "type": ["string"], "single": true } }),
            &["team"],
            true,
            FactType::ListOrSingle(Box::new(FactType::String)),
        ),
        (
            json!({ "verified?": { "claim": ["email_verified"], "type": "bool", "text": true } }),
            &["email_verified"],
            false,
            FactType::BoolOrText,
        ),
        (json!({ "rights": { "claim": ["scp"], "type": "scopes" } }), &["scp"], true, FactType::Scopes),
        (json!({ "agent?": { "claim": ["act"], "type": "actor" } }), &["act"], false, FactType::actor()),
        (
            json!({ "os?": { "claim": ["device", "osv"], "type": "version" } }),
            &["device", "osv"],
            false,
            FactType::version(),
        ),
        (
            json!({ "agents": { "type": ["version"], "single": true } }),
            &["agents"],
            true,
            FactType::ListOrSingle(Box::new(FactType::version())),
        ),
        // A date keeps its meaning under another name, and a claim of another name is not a date.
        (
            json!({ "login": { "claim": ["auth_time"], "type": "long" } }),
            &["auth_time"],
            true,
            FactType::NumericDate(Rounding::Down),
        ),
        (json!({ "auth_time": { "claim": ["x", "exp"], "type": "long" } }), &["x", "exp"], true, FactType::Long),
    ] {
        let [fact] = &read(written.clone())[..] else { panic!("one fact: {written}") };
        assert_eq!((&fact.claim, fact.required, &fact.fact_type), (&path(names), required, &fact_type), "{written}");
    }
}

#[portable]
fn names_with_dots_slashes_and_urls_are_names_of_facts_too() {
    let [one, other] = &read(json!({ "https://example.com/tenant": "string", "a.b?": ["long"] }))[..] else {
        panic!("two facts")
    };
    assert_eq!((&one.claim, &other.claim), (&path(&["a.b"]), &path(&["https://example.com/tenant"])));
}

#[portable]
fn a_record_of_facts_named_claim_is_a_record_unless_it_looks_like_a_type() {
    for record in [
        json!({ "claim": "string" }),
        json!({ "claim": ["string"] }),
        json!({ "claim": "string", "type": "string" }),
        json!({ "claim?": ["string"], "type": "string" }),
        json!({ "claim": { "a": "long" }, "type": "string" }),
    ] {
        let [fact] = &read(json!({ "x": record.clone() }))[..] else { panic!("one fact") };
        assert!(matches!(fact.fact_type, FactType::Record(_)), "{record}");
        assert_eq!(fact.claim, path(&["x"]));
    }
}

#[portable]
fn a_claim_that_is_written_wrongly_is_reported() {
    let brackets = "write a list of names from the claim set inwards";
    for (written, place, code, message, help) in [
        (json!({ "claim": "tid", "type": "string" }), "/claim", "wrong-type", "found a string", brackets),
        (json!({ "claim": [], "type": "string" }), "/claim", "empty-list", "the list is empty", brackets),
        (json!({ "claim": [""], "type": "string" }), "/claim/0", "bad-value", "the text is empty", brackets),
        (json!({ "claim": ["a", 1], "type": "string" }), "/claim/1", "wrong-type", "found a number", brackets),
        (
            json!({ "claim": ["a"], "type": "string", "single": true }),
            "/single",
            "contradiction",
            "is for a list type",
            "[string]",
        ),
        (
            json!({ "inner": { "claim": ["a"], "type": "string" } }),
            "/inner/claim",
            "contradiction",
            "outside of records and lists",
            "declare the fact outside",
        ),
        (
            json!([{ "claim": ["a"], "type": "string" }]),
            "/0/claim",
            "contradiction",
            "outside of records and lists",
            "remove it",
        ),
        (
            json!({ "claim": ["a"], "type": { "claim": ["b"], "type": "string" } }),
            "/type/claim",
            "contradiction",
            "outside of records and lists",
            "remove it",
        ),
    ] {
        assert_fact_problem(json!({ "x": written }), &format!("x{place}"), code, message, help);
    }
}

#[portable]
fn a_claim_is_read_by_one_fact() {
    let other = json!({ "claim": ["realm", "roles"], "type": ["string"] });
    for whole in [
        json!({ "realm": { "roles": ["string"] }, "roles": other }),
        json!({ "a": { "claim": ["realm"], "type": { "x": "long" } }, "roles": other }),
        json!({ "a": other, "roles": other }),
    ] {
        assert_fact_problem(whole, "roles", "duplicate-value", "reads a part of the same claim", "keep one");
    }
    read(json!({ "a": { "claim": ["realm", "groups"], "type": ["string"] }, "roles": other }));
}

#[portable]
fn a_fact_does_not_take_the_name_of_another_claim_that_the_profile_reads() {
    let named = |name: &str| json!({ name: { "claim": ["x"], "type": "string" } });
    let (message, help) = ("the profile reads the claim", "give the fact a name");
    assert_fact_problem(named("sub"), "sub", "contradiction", message, help);
    let grouped = also(facts(named("realm")), "/issuers/corp/principal/groups", json!(["realm", "roles"]));
    assert_problem(&grouped, "/issuers/corp/facts/realm", "contradiction", message, help);
    let pinned = also(facts(named("azp?")), "/issuers/corp/pins", json!({ "azp": "web" }));
    assert_problem(&pinned, "/issuers/corp/facts/azp?", "contradiction", message, help);
    let tenants = json!({ "template": "https://login.example.com/{t}", "claim": "tid" });
    let tenants = also(facts(named("tid")), "/issuers/corp/issuer", tenants);
    assert!(problems(&tenants).iter().any(|error| error.pointer == "/issuers/corp/facts/tid"));
}

#[portable]
fn a_tenant_and_groups_may_be_facts_of_other_names() {
    let issuer = json!({ "template": "https://login.example.com/{t}", "claim": ["org", "id"] });
    let tenant = |claim: Value, fact: &str| {
        let facts = facts(json!({ fact: { "claim": claim, "type": "string" } }));
        also(facts, "/issuers/corp/issuer", issuer.clone())
    };
    plan(&tenant(json!(["org", "id"]), "tenant"));
    for (claim, fact) in [(json!(["org", "name"]), "tenant"), (json!(["org", "id"]), "tenant?")] {
        assert_eq!(problems(&tenant(claim, fact))[0].pointer, "/issuers/corp/issuer/claim");
    }
    let groups = json!({ "claim": ["realm", "roles"], "required": true });
    let optional = facts(json!({ "roles?": { "claim": ["realm", "roles"], "type": ["string"] } }));
    assert_problem(
        &also(optional, "/issuers/corp/principal/groups", groups),
        "/issuers/corp/principal/groups/required",
        "contradiction",
        "`roles?` in `facts` says that they may lack it",
        "write `roles` in `facts`, without `?`",
    );
}

#[portable]
fn the_claim_of_the_actor_is_of_type_actor_and_of_no_other() {
    read(json!({ "act?": "actor" }));
    read(json!({ "act": "actor" }));
    let (message, help) = ("says who acts for the subject", "write `\"act?\": actor`");
    for (name, declared) in [
        ("act", json!("string")),
        ("act?", json!({ "sub": "string" })),
        ("agent?", json!({ "claim": ["act", "sub"], "type": "string" })),
        ("act", json!(["actor"])),
    ] {
        assert_fact_problem(json!({ name: declared }), name, "contradiction", message, help);
    }
    plan(&with("/devices/mdm/facts", json!({ "act?": "string" })));
    assert_problem(
        &also(facts(json!({ "act": "actor" })), "/issuers/corp/forbid_claims", json!(["act"])),
        "/issuers/corp/forbid_claims/0",
        "contradiction",
        "needed elsewhere",
        "remove it",
    );
}

#[portable]
fn names_inside_an_actor_fit_identity_headers_and_the_actor_itself_does_not() {
    let declared = facts(json!({ "act?": "actor" }));
    let with_headers = |fact: &str| also(declared.clone(), "/identity_headers", json!({ "x-agent": { "fact": fact } }));
    plan(&with_headers("corp.act.sub"));
    plan(&with_headers("corp.act.act.act.act.client_id"));
    assert_problem(
        &with_headers("corp.act"),
        "/identity_headers/x-agent/fact",
        "bad-identity-header",
        "a record",
        "name a",
    );
    let past = with_headers("corp.act.act.act.act.act.sub");
    assert_problem(&past, "/identity_headers/x-agent/fact", "unknown-fact", "declares no fact", "");
}
