//! Tokens as providers write them: scopes as one string or a list, many tenants under one template, several clients without
//! an audience, values as text.

use serde_json::{Value, json};
use test_harness::keys::{KEYS, corp_key_set};
use test_harness::tokens::{ALICE, CORP_ISSUER, Token};

use crate::bench::{Ask, Bench, Outcome};
use crate::{Scenario, scenarios};

pub const SCENARIOS: &[Scenario] = scenarios![
    a_scope_is_found_in_a_string_and_in_a_list_and_in_no_part_of_a_word,
    a_registered_claim_of_another_type_is_refused_though_nothing_reads_it,
    a_tenant_comes_by_its_own_issuer_and_a_policy,
    one_of_several_clients_comes_without_an_audience,
    values_as_text_are_taken_where_they_are_declared,
];

const HOST: &str = "tokens.example.com";
const CLIENTS_ISSUER: &str = "https://clients.example.com";

/// The listener `tokens`: a provider for each of these ways, with a key of its own.
pub fn configuration() -> Value {
    let keys = |key: Value| json!({ "inline": { "keys": [key] } });
    json!({
        "version": 1,
        "issuers": {
            "scoped": {
                "issuer": CORP_ISSUER, "audiences": ["shop"], "typ": ["at+jwt"], "keys": { "inline": corp_key_set() },
                "principal": { "id": "sub" },
                "facts": {
                    "scope": "scopes", "email_verified?": { "type": "bool", "text": true },
                    "roles?": { "type": ["string"], "single": true },
                },
            },
            "tenants": {
                "issuer": { "template": "https://login.example.com/{tenantid}/v2.0", "claim": "tid" },
                "audiences": ["shop"], "typ": ["at+jwt"], "keys": keys(KEYS.machines.public_jwk()),
                "principal": { "id": "sub" }, "facts": { "tid": "string" },
            },
            "clients": {
                "issuer": CLIENTS_ISSUER, "audiences": "absent", "typ": ["at+jwt"], "keys": keys(KEYS.mdm.public_jwk()),
                "principal": { "id": "sub" }, "pins": { "client_id": ["web", "mobile"] },
            },
        },
        "applications": { "tokens": {
            "hosts": [HOST],
            "routes": {
                "scopes": { "path": "/scopes", "requires": ["scoped"] },
                "text": { "path": "/text", "requires": ["scoped"] },
                "tenants": { "path": "/tenants", "requires": ["tenants"] },
                "clients": { "path": "/clients", "requires": ["clients"] },
            },
        } },
        "policies": concat!(
            "@id(\"scopes\") permit (principal is scoped::User, action in Action::\"read\", resource == Route::\"tokens/scopes\")\n",
            "when { context.scoped.scope.contains(\"orders.read\") };\n",
            "@id(\"text\") permit (principal is scoped::User, action in Action::\"read\", resource == Route::\"tokens/text\")\n",
            "when { context.scoped has email_verified && context.scoped.email_verified && context.scoped has roles\n",
            "&& context.scoped.roles.contains(\"staff\") };\n",
            "@id(\"tenants\") permit (principal is tenants::User, action in Action::\"read\", resource == Route::\"tokens/tenants\")\n",
            "when { [\"blue\", \"red\"].contains(context.tenants.tid) };\n",
            "@id(\"clients\") permit (principal is clients::User, action in Action::\"read\", resource == Route::\"tokens/clients\");\n",
        ),
        "identity_headers": { "x-scopes": { "fact": "scoped.scope" } },
    })
}

fn ask(bench: &Bench, path: &str, token: &Token) -> Outcome {
    bench.ask(&Ask::get(path).at("tokens").host(HOST).token(token.sign()))
}

fn a_scope_is_found_in_a_string_and_in_a_list_and_in_no_part_of_a_word(bench: &Bench) {
    let with = |scope: Value| ask(bench, "/scopes", &Token::of(ALICE).claim("scope", scope));
    for (scope, header) in [
        (json!("orders.read"), "orders.read"),
        (json!("profile orders.read a,b"), "profile,orders.read,a%2Cb"),
        (json!(["a", "orders.read"]), "a,orders.read"),
    ] {
        assert_eq!(with(scope).allowed().header("x-scopes"), [header]);
    }
    for scope in
        [json!("orders.readonly-other"), json!("x-orders.read"), json!("profile,orders.read"), json!(""), json!([])]
    {
        with(scope).refused(403, "not-permitted");
    }
    ask(bench, "/scopes", &Token::of(ALICE)).refused(403, "not-permitted");
    for scope in [json!(7), json!(null), json!([["orders.read"]]), json!(["profile orders.read"])] {
        with(scope).refused(401, "token-claim-type");
    }
}

fn a_registered_claim_of_another_type_is_refused_though_nothing_reads_it(bench: &Bench) {
    let token = || Token::of(ALICE).claim("scope", json!("orders.read"));
    ask(bench, "/scopes", &token().claim("jti", json!("4711")).claim("sid", json!("s"))).allowed();
    for (claim, value) in [("jti", json!(4711)), ("sid", json!(["s"])), ("nbf", json!("0")), ("jti", json!(null))] {
        ask(bench, "/scopes", &token().claim(claim, value)).refused(401, "token-claim-type");
    }
}

fn a_tenant_comes_by_its_own_issuer_and_a_policy(bench: &Bench) {
    let of = |issuer: &str, tenant: Value| {
        let issuer = format!("https://login.example.com/{issuer}/v2.0");
        let token = Token::of(ALICE).key(&KEYS.machines).claim("iss", json!(issuer)).claim("tid", tenant);
        ask(bench, "/tenants", &token)
    };
    for tenant in ["blue", "red"] {
        let received = of(tenant, json!(tenant)).allowed();
        assert_eq!(received.header("x-countersign-principal"), [r#"tenants::User::"alice""#]);
    }
    of("green", json!("green")).refused(403, "not-permitted");
    let odd = [("red", "blue"), ("blue", "Blue"), ("blue/x", "blue/x"), ("", ""), ("..", ".."), ("bl%75e", "bl%75e")];
    for (issuer, tenant) in odd {
        of(issuer, json!(tenant)).refused(401, "token-issuer");
    }
    for tenant in [json!(["blue"]), json!(null), json!(7)] {
        of("blue", tenant).refused(401, "token-claim-type");
    }
    let nameless = Token::of(ALICE).key(&KEYS.machines).claim("iss", json!("https://login.example.com/blue/v2.0"));
    ask(bench, "/tenants", &nameless).refused(401, "token-claim-missing");
}

fn one_of_several_clients_comes_without_an_audience(bench: &Bench) {
    let token = || Token::of(ALICE).key(&KEYS.mdm).claim("iss", json!(CLIENTS_ISSUER)).without("aud");
    let of = |client: Value| ask(bench, "/clients", &token().claim("client_id", client));
    of(json!("web")).allowed();
    of(json!("mobile")).allowed();
    for client in [json!("other"), json!("Web"), json!(["web"]), json!(["web", "mobile"]), json!("")] {
        of(client).refused(401, "token-pin");
    }
    ask(bench, "/clients", &token()).refused(401, "token-pin");
    let with_audience = token().claim("client_id", json!("web")).claim("aud", json!("shop"));
    ask(bench, "/clients", &with_audience).refused(401, "token-audience");
}

fn values_as_text_are_taken_where_they_are_declared(bench: &Bench) {
    let with = |verified: Value, roles: Value| {
        ask(bench, "/text", &Token::of(ALICE).claim("email_verified", verified).claim("roles", roles))
    };
    with(json!("true"), json!("staff")).allowed();
    with(json!(true), json!(["staff"])).allowed();
    with(json!("false"), json!("staff")).refused(403, "not-permitted");
    with(json!("true"), json!("staff,admin")).refused(403, "not-permitted");
    for (verified, roles) in [(json!("TRUE"), json!("staff")), (json!(1), json!("staff")), (json!(true), json!(7))] {
        with(verified, roles).refused(401, "token-claim-type");
    }
}
