//! Whole decisions about tokens as providers write them: scopes, tenants, clients, values as strings.

use super::*;

/// One issuer with these members replaced, and one policy with this condition for all its principals.
fn plan_with(issuer: Value, condition: &str) -> Plan {
    let mut configuration = configuration();
    merge(&mut configuration["issuers"]["corp"], issuer);
    configuration["applications"]["shop"]["requires"] = json!(["corp"]);
    configuration["identity_headers"] = json!({});
    configuration["policies"] = json!(format!(
        "@id(\"only\") permit (principal is corp::User, action in Action::\"read\", resource) when {{ {condition} }};"
    ));
    plan_of(&configuration)
}

fn get(plan: &Plan, changes: Value) -> Outcome {
    outcome(plan, parts("GET", "/api/orders/7", Some(&token(&claims(changes))), None, &[]))
}

#[portable]
fn a_scope_is_a_whole_word_of_a_string_or_an_element_of_a_list() {
    let condition = "context.corp.scope.contains(\"orders.read\")";
    let plan = plan_with(json!({ "facts": { "scope": "scopes" } }), condition);
    for scope in [json!("orders.read"), json!("profile orders.read"), json!(["a", "orders.read"])] {
        forwarded(&get(&plan, json!({ "scope": scope })));
    }
    for scope in [
        json!("orders.readonly-other"),
        json!("x-orders.read"),
        json!(""),
        json!([]),
        json!("orders.read,x"),
        Value::Null,
    ] {
        assert_eq!(refusal(&get(&plan, json!({ "scope": scope }))), code(403, "not-permitted"), "{scope}");
    }
    for scope in [json!(7), json!([["orders.read"]]), json!(["a orders.read"]), json!("orders.read\n")] {
        assert_eq!(refusal(&get(&plan, json!({ "scope": scope }))), code(401, "token-claim-type"), "{scope}");
    }
}

#[portable]
fn scopes_reach_the_upstream_as_a_list() {
    let mut configuration = configuration();
    configuration["issuers"]["corp"]["facts"] = json!({ "scope": "scopes" });
    configuration["applications"]["shop"]["requires"] = json!(["corp"]);
    configuration["identity_headers"] = json!({ "x-scopes": { "fact": "corp.scope" } });
    configuration["policies"] = json!("@id(\"any\") permit (principal is corp::User, action, resource);");
    let plan = plan_of(&configuration);
    let header = |scope: Value| {
        let outcome = get(&plan, json!({ "scope": scope }));
        set(forwarded(&outcome), "x-scopes").map(str::to_owned)
    };
    assert_eq!(header(json!("a b,c")).as_deref(), Some("a,b%2Cc"));
    assert_eq!(header(json!(["a"])).as_deref(), Some("a"));
}

#[portable]
fn a_tenant_is_decided_by_iss_its_claim_and_a_policy() {
    let issuer = json!({
        "issuer": { "template": "https://login.example/{tenantid}/v2.0", "claim": "tid" }, "facts": { "tid": "string" },
    });
    let plan = plan_with(issuer, "[\"blue\", \"red\"].contains(context.corp.tid)");
    let by =
        |iss: &str, tid: Value| get(&plan, json!({ "iss": format!("https://login.example/{iss}/v2.0"), "tid": tid }));
    forwarded(&by("blue", json!("blue")));
    forwarded(&by("red", json!("red")));
    assert_eq!(refusal(&by("green", json!("green"))), code(403, "not-permitted"));
    for (iss, tid) in
        [("red", "blue"), ("blue", "Blue"), ("Blue", "blue"), ("blue", ""), ("blue/x", "blue/x"), ("", "")]
    {
        assert_eq!(refusal(&by(iss, json!(tid))), code(401, "token-issuer"), "{iss} {tid}");
    }
    assert_eq!(refusal(&by("blue", Value::Null)), code(401, "token-claim-missing"));
    let list = by("blue", json!(["blue"]));
    assert_eq!(refusal(&list), code(401, "token-claim-type"));
    assert_eq!(record(&list)["detail"], "`tid` is a list, wanted a string");
}

#[portable]
fn one_of_several_clients_may_come_by_tokens_without_audience() {
    let issuer = json!({
        "audiences": "absent", "pins": { "token_use": "access", "client_id": ["web", "mobile"] }, "facts": {},
    });
    let plan = plan_with(issuer, "true");
    let of = |client: Value, token_use: &str| {
        get(&plan, json!({ "aud": null, "client_id": client, "token_use": token_use }))
    };
    forwarded(&of(json!("web"), "access"));
    forwarded(&of(json!("mobile"), "access"));
    for client in [json!("other"), json!(["web"]), json!("Web"), Value::Null] {
        assert_eq!(refusal(&of(client, "access")), code(401, "token-pin"));
    }
    assert_eq!(refusal(&of(json!("web"), "id")), code(401, "token-pin"));
    let with_audience = get(&plan, json!({ "client_id": "web", "token_use": "access" }));
    assert_eq!(refusal(&with_audience), code(401, "token-audience"));
}

#[portable]
fn values_as_strings_are_accepted_where_the_configuration_says_so() {
    let issuer = json!({ "facts": {
        "email_verified": { "type": "bool", "text": true }, "level": { "type": "long", "text": true },
        "roles": { "type": ["string"], "single": true },
    } });
    let condition = "context.corp.email_verified && context.corp.level >= 3 && context.corp.roles.containsAny([\"staff\", \"a b\"])";
    let plan = plan_with(issuer, condition);
    let by = |verified: Value, level: Value, roles: Value| {
        get(&plan, json!({ "email_verified": verified, "level": level, "roles": roles }))
    };
    forwarded(&by(json!("true"), json!("3"), json!("staff")));
    forwarded(&by(json!(true), json!(3), json!(["staff"])));
    forwarded(&by(json!(true), json!(3), json!("a b")));
    assert_eq!(refusal(&by(json!("false"), json!("3"), json!("staff"))), code(403, "not-permitted"));
    assert_eq!(refusal(&by(json!("true"), json!("2"), json!("staff"))), code(403, "not-permitted"));
    assert_eq!(refusal(&by(json!("true"), json!("3"), json!("staff,a"))), code(403, "not-permitted"));
    for (verified, level, roles) in [
        (json!("TRUE"), json!("3"), json!("staff")),
        (json!(1), json!("3"), json!("staff")),
        (json!("true"), json!("+3"), json!("staff")),
        (json!("true"), json!("3"), json!(7)),
    ] {
        assert_eq!(refusal(&by(verified, level, roles)), code(401, "token-claim-type"));
    }
}

#[portable]
fn a_registered_claim_of_another_type_is_refused_and_the_record_says_which_and_not_what() {
    let plan = plan_with(json!({}), "true");
    forwarded(&get(&plan, json!({ "jti": "7", "sid": "8" })));
    for (claim, value, found) in [
        ("jti", json!(4_711), "a whole number"),
        ("sid", json!(["s3cr3t"]), "a list"),
        ("sub", json!({ "s3cr3t": "s3cr3t" }), "an object"),
        ("iat", json!("s3cr3t"), "a string"),
        ("exp", json!("s3cr3t"), "a string"),
        ("nbf", json!("s3cr3t"), "a string"),
        ("aud", json!({ "s3cr3t": 1 }), "an object"),
    ] {
        let outcome = get(&plan, json!({ claim: value }));
        assert_eq!(refusal(&outcome), code(401, "token-claim-type"));
        let detail = record(&outcome)["detail"].as_str().unwrap().to_owned();
        assert!(detail.starts_with(&format!("`{claim}` is {found}, wanted a ")), "{detail}");
        let all = outcome.record.to_json();
        assert!(!all.contains("s3cr3t") && !all.contains("4711"), "{all}");
    }
}
