//! Which route a path, a host and a method belong to, and what Envoy and the upstream make of the same bytes.

use serde_json::{Value, json};
use test_harness::keys::corp_key_set;
use test_harness::tokens::{ALICE, Token};

use crate::bench::{Ask, Bench, Outcome};
use crate::{Scenario, scenarios};

pub const SCENARIOS: &[Scenario] = scenarios![
    a_last_slash_leads_to_no_broader_route,
    a_verb_behind_a_parameter_is_a_route_of_its_own,
    an_encoded_name_arrives_as_it_was_sent_where_the_route_accepts_it,
    an_encoded_name_is_refused_where_no_route_accepts_it,
    a_wildcard_host_is_one_label_and_policies_read_it,
    methods_of_webdav_are_served_where_a_route_lists_them,
];

/// The host of the configuration.
const HOST: &str = "api.example.com";

/// Routes of every kind; what is `closed` no policy permits.
pub fn configuration() -> Value {
    json!({
        "version": 1,
        "issuers": { "corp": {
            "issuer": "https://login.example.com", "audiences": ["shop"], "typ": ["at+jwt"],
            "keys": { "inline": corp_key_set() }, "principal": { "id": "sub" }, "facts": { "tenant_host?": "string" }
        } },
        "applications": {
            "api": { "hosts": [HOST], "requires": ["corp"], "routes": {
                "closed": { "path": "/admin" },
                "closed-below": { "path": "/admin/{rest*}" },
                "closed-file": { "path": "/files/secret" },
                "publish": { "path": "/books/{id}:publish", "methods": ["POST"] },
                "book": { "path": "/books/{id}", "methods": ["GET", "POST"] },
                "project": { "path": "/projects/{id}/files", "encoded": { "slash": true } },
                "files": {
                    "path": "/files/{rest*}",
                    "encoded": { "slash": true, "percent": true, "unreserved": true, "semicolon": true }
                },
                "calendar": {
                    "path": "/dav/{rest*}", "action": "read", "methods": ["GET", "PROPFIND", "REPORT", "SEARCH"]
                },
                "rest": { "path": "/{rest*}" }
            } },
            "tenants": {
                "hosts": ["*.tenants.example.com"], "requires": ["corp"], "routes": { "all": { "path": "/{rest*}" } }
            },
            "operators": {
                "hosts": ["admin.tenants.example.com"], "requires": ["corp"], "routes": { "all": { "path": "/{rest*}" } }
            }
        },
        "policies": concat!(
            "@id(\"open\") permit (principal is corp::User, action, resource) when {\n",
            "  [Route::\"api/book\", Route::\"api/files\", Route::\"api/rest\"].contains(resource) };\n",
            "@id(\"project\") permit (principal is corp::User, action, resource == Route::\"api/project\")\n",
            "when { context.http_request.path_parameters.id == \"group/app\" };\n",
            "@id(\"calendar\") permit (principal is corp::User, action in Action::\"read\", resource == Route::\"api/calendar\");\n",
            "@id(\"tenant\") permit (principal is corp::User, action, resource in Application::\"tenants\")\n",
            "when { context.corp has tenant_host && context.http_request.hostname == context.corp.tenant_host };\n",
        )
    })
}

fn ask(bench: &Bench, method: &str, target: &str) -> Outcome {
    bench.ask(&Ask::new(method, target).at("routing").host(HOST).token(Token::of(ALICE).sign()))
}

fn a_last_slash_leads_to_no_broader_route(bench: &Bench) {
    ask(bench, "GET", "/docs").allowed();
    ask(bench, "GET", "/docs/").allowed();
    ask(bench, "GET", "/admin").refused(403, "not-permitted");
    ask(bench, "GET", "/admin/x/").refused(403, "not-permitted");
    ask(bench, "GET", "/admin/").refused(400, "path-ambiguous");
    ask(bench, "GET", "/admin/?x=1").refused(400, "path-ambiguous");
    for target in ["/Admin", "/ADMIN/x", "/projects/7/Files"] {
        ask(bench, "GET", target).refused(400, "path-ambiguous");
    }
}

fn a_verb_behind_a_parameter_is_a_route_of_its_own(bench: &Bench) {
    ask(bench, "POST", "/books/7").allowed();
    ask(bench, "POST", "/books/7:publish").refused(403, "not-permitted");
    for target in ["/books/:publish", "/books/7%3Apublish", "/books/7:Publish", "/books/7:publish/"] {
        ask(bench, "POST", target).refused(400, "path-ambiguous");
    }
}

fn an_encoded_name_arrives_as_it_was_sent_where_the_route_accepts_it(bench: &Bench) {
    for target in [
        "/projects/group%2Fapp/files",
        "/projects/group%2fapp/files",
        "/files/100%25",
        "/files/a%252Fb",
        "/files/%7Ebob",
        "/files/a;v=1/b;c",
        "/files/b%3Bc",
    ] {
        assert_eq!(ask(bench, "GET", target).allowed().target, target);
    }
    ask(bench, "GET", "/projects/group%2Fother/files").refused(403, "not-permitted");
}

fn an_encoded_name_is_refused_where_no_route_accepts_it(bench: &Bench) {
    for target in [
        "/books/a%2Fb",
        "/books/%7Ebob",
        "/%61dmin",
        "/%61dmin/",
        "/files/%73ecret",
        "/files/secret;v=1",
        "/files/a;b/c%3Bd",
        "/files/..%2Fadmin",
        "/files/a%2F%2E%2E%2Fb",
        "/files/..;/admin",
        "/files/%252e%252e%252fadmin",
        "/files/a%00",
        "/files/a%5Cb",
        "/projects/group%25app/files",
    ] {
        ask(bench, "GET", target).refused(400, "path-ambiguous");
    }
}

fn a_wildcard_host_is_one_label_and_policies_read_it(bench: &Bench) {
    let token = Token::of(ALICE).claim("tenant_host", json!("blue.tenants.example.com")).sign();
    let at = |host: &str| bench.ask(&Ask::get("/x").at("routing").host(host).token(&token));
    at("blue.tenants.example.com").allowed();
    at("BLUE.tenants.example.com:443").allowed();
    at("red.tenants.example.com").refused(403, "not-permitted");
    at("admin.tenants.example.com").refused(403, "not-permitted");
    for host in ["tenants.example.com", "a.blue.tenants.example.com", "bluetenants.example.com"] {
        at(host).refused(403, "application-unknown");
    }
}

fn methods_of_webdav_are_served_where_a_route_lists_them(bench: &Bench) {
    for method in ["GET", "PROPFIND", "REPORT", "SEARCH"] {
        let ask = Ask::new(method, "/dav/a").at("routing").host(HOST).token(Token::of(ALICE).sign());
        assert_eq!(bench.ask(&ask).allowed().method, method);
        assert_eq!(bench.ask(&ask.http2(&[])).allowed().method, method);
    }
    ask(bench, "MKCOL", "/dav/a").refused(403, "method-not-listed");
    ask(bench, "PROPFIND", "/books/7").refused(403, "method-not-listed");
    let unregistered = Ask::new("PURGE", "/dav/a").at("routing").host(HOST).token(Token::of(ALICE).sign());
    bench.ask(&unregistered.http2(&[])).refused(400, "method-unsupported");
}
