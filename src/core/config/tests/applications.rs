//! Applications, hosts, required evidence and routes.

use serde_json::{Value, json};

use super::{also, assert_problem, plan, problems, with};
use crate::limits::MAX_ROUTES_PER_APPLICATION;
use crate::portable;
use crate::request::{Ambiguity, RequestMethod};
use crate::route::HostPattern;

fn hosts(hosts: Value) -> Value {
    with("/applications/shop/hosts", hosts)
}

fn routes(routes: Value) -> Value {
    with("/applications/shop/routes", routes)
}

#[portable]
fn a_host_is_a_dns_name_or_an_ip_address_in_lower_case() {
    for (written, host) in [
        ("Shop.Example.COM", "shop.example.com"),
        ("localhost", "localhost"),
        ("my_service", "my_service"),
        ("203.0.113.7", "203.0.113.7"),
        ("[2001:DB8:0::1]", "[2001:db8::1]"),
    ] {
        let (plan, _) = plan(&hosts(json!([written])));
        assert_eq!(plan.router.applications[0].hosts.as_deref(), Some(&[HostPattern::Exactly(host.to_owned())][..]));
    }
    for (written, why) in [
        ("*", "has a `*` elsewhere than in `*.` at its beginning"),
        ("*example.com", "has a `*` elsewhere than in `*.` at its beginning"),
        ("shop.*.example.com", "has a `*` elsewhere than in `*.` at its beginning"),
        ("*.*.example.com", "has a `*` elsewhere than in `*.` at its beginning"),
        ("*.com", "has a wildcard before a single label"),
        ("*.10.0.0.1", "has a wildcard before an IP address"),
        ("*.[::1]", "has a wildcard before an IP address"),
        ("*.", "is not a host name"),
        ("*.-example.com", "is not a DNS name"),
        ("*.example.com:443", "has a port"),
        ("https://shop.example.com", "is a URL"),
        ("shop.example.com/", "is a URL"),
        ("shop.example.com:8443", "has a port"),
        ("[::1]:80", "has a port"),
        ("shop.example.com.", "ends with a dot"),
        ("2001:db8::1", "is an IPv6 address without brackets"),
        ("shop..example", "is not a host name"),
        ("user@shop.example", "is not a host name"),
        ("-shop.example", "is not a DNS name"),
        ("10.0.0.256", "ends in a number and is no IPv4 address"),
    ] {
        assert_problem(&hosts(json!([written])), "/applications/shop/hosts/0", "bad-host", why, "a DNS name");
    }
    let label = "a".repeat(63);
    plan(&hosts(json!([format!("{label}.example")])));
    let errors = problems(&hosts(json!([format!("a{label}.example")])));
    assert_eq!(errors[0].code.code(), "bad-host");
    let name = [label.as_str(); 4].join(".");
    plan(&hosts(json!([name.get(..253).unwrap()])));
    assert_eq!(problems(&hosts(json!([name.get(..254).unwrap()])))[0].code.code(), "bad-host");
}

#[portable]
fn a_host_belongs_to_one_application() {
    let other = json!({ "hosts": ["a.example", "SHOP.example.com"], "routes": { "all": { "path": "/" } } });
    assert_problem(
        &with("/applications/zoo", other),
        "/applications/zoo/hosts/1",
        "duplicate-host",
        "`shop.example.com` belongs to `shop` already",
        "one application",
    );
    assert_problem(
        &hosts(json!(["a.example", "A.example"])),
        "/applications/shop/hosts/1",
        "duplicate-host",
        "`a.example`",
        "once",
    );
    let any_host = json!({ "any_host": true, "routes": { "all": { "path": "/" } } });
    assert_problem(
        &also(with("/applications/a", any_host.clone()), "/applications/b", any_host),
        "/applications/b/any_host",
        "duplicate-host",
        "`a` has `any_host` too",
        "list the hosts",
    );
}

#[portable]
fn an_application_has_hosts_or_any_host_and_not_both() {
    assert_problem(
        &with("/applications/shop/any_host", json!(true)),
        "/applications/shop",
        "contradiction",
        "both `hosts` and `any_host`",
        "keep one",
    );
    let routes = json!({ "all": { "path": "/" } });
    assert_problem(
        &with("/applications/shop", json!({ "any_host": false, "routes": routes })),
        "/applications/shop/any_host",
        "bad-value",
        "`any_host` is `false`",
        "`any_host: true`",
    );
    assert_problem(&hosts(json!([])), "/applications/shop/hosts", "empty-list", "would accept nothing", "host names");
}

#[portable]
fn there_are_applications_and_each_has_routes() {
    assert_problem(
        &with("/applications", json!({})),
        "/applications",
        "empty-list",
        "no applications",
        "an object of applications",
    );
    assert_problem(&routes(json!({})), "/applications/shop/routes", "empty-list", "no routes", "an object of routes");
    assert_problem(
        &routes(json!({ "order": { "path": "/", "methods": [] } })),
        "/applications/shop/routes/order/methods",
        "empty-list",
        "would accept nothing",
        "a list of methods",
    );
}

#[portable]
fn names_of_applications_and_routes_are_plain() {
    let application = json!({ "hosts": ["b.example"], "routes": { "all": { "path": "/" } } });
    plan(&with("/applications/A-b_9", application.clone()));
    assert_problem(
        &with("/applications/a~1b", application),
        "/applications/a~1b",
        "bad-name",
        "`a/b` cannot name an application",
        "letters, digits",
    );
    assert_problem(
        &routes(json!({ "a b": { "path": "/" } })),
        "/applications/shop/routes/a b",
        "bad-name",
        "`a b` cannot name a route",
        "letters, digits",
    );
}

#[portable]
fn required_evidence_is_of_providers_that_exist_and_of_one_issuer_at_most() {
    let requires = |value: Value| with("/applications/shop/requires", value);
    assert_problem(
        &requires(json!(["mdn"])),
        "/applications/shop/requires/0",
        "unknown-provider",
        "`mdn` is not a provider",
        "did you mean `mdm`?",
    );
    assert_problem(
        &requires(json!(["something"])),
        "/applications/shop/requires/0",
        "unknown-provider",
        "`something`",
        "the providers are `corp`, `mdm`",
    );
    assert_problem(
        &requires(json!(["corp", "corp"])),
        "/applications/shop/requires/1",
        "duplicate-value",
        "appears twice",
        "remove one",
    );
    let mut second = super::document()["issuers"]["corp"].clone();
    second["issuer"] = json!("https://partner.example.com");
    second["pins"] = json!({ "azp": "b" });
    let document = also(with("/issuers/partner", second), "/issuers/corp/pins", json!({ "azp": "a" }));
    assert_problem(
        &also(document, "/applications/shop/routes/order/requires", json!(["corp", "mdm", "partner"])),
        "/applications/shop/routes/order/requires",
        "two-issuers-required",
        "`corp`, `partner`",
        "let policies say who may",
    );
}

#[portable]
fn a_provider_that_cannot_be_read_is_still_known() {
    let document = also(with("/issuers/corp/typ", json!([])), "/applications/shop/requires", json!(["corp", "mdm"]));
    assert_problem(&document, "/issuers/corp/typ", "empty-list", "empty", "a list of the `typ` headers");
}

#[portable]
fn routes_are_tried_from_the_most_specific_path_on() {
    let (plan, _) = plan(&routes(json!({
        "all": { "path": "/{rest*}" },
        "order": { "path": "/orders/{id}" },
        "new": { "path": "/orders/new" },
        "orders": { "path": "/orders" },
    })));
    let paths: Vec<&str> = plan.router.applications[0].routes.iter().map(|route| route.path.as_str()).collect();
    assert_eq!(paths, ["/orders/new", "/orders/{id}", "/orders", "/{rest*}"]);
}

#[portable]
fn two_routes_that_match_the_same_paths_are_an_error() {
    assert_problem(
        &routes(json!({ "a": { "path": "/o/{id}" }, "b": { "path": "/o/{name}", "methods": ["GET", "PUT"] } })),
        "/applications/shop/routes/b",
        "routes-overlap",
        "`/o/{id}` and `/o/{name}` match the same paths, for GET",
        "remove `a` or `b`",
    );
    assert_problem(
        &routes(json!({ "a": { "path": "/o/{id}" }, "b": { "path": "/o/{id}", "methods": ["PUT"] } })),
        "/applications/shop/routes/b",
        "routes-overlap",
        "by its path alone",
        "merge `a` and `b` into one route",
    );
    plan(&routes(json!({ "a": { "path": "/o/{id}" }, "b": { "path": "/p/{id}" }, "c": { "path": "/o/{rest*}" } })));
}

#[portable]
fn a_path_that_is_no_template_and_a_method_that_is_not_served_are_errors() {
    assert_problem(
        &routes(json!({ "a": { "path": "/{rest*}/x" } })),
        "/applications/shop/routes/a/path",
        "bad-template",
        "`/{rest*}/x` is not a path: ",
        "/files/{rest*}",
    );
    for (method, help) in
        [("get", "did you mean `GET`?"), ("CONNECT", "`GET`, `HEAD`"), ("TRACE", "others are not served")]
    {
        assert_problem(
            &routes(json!({ "a": { "path": "/", "methods": [method] } })),
            "/applications/shop/routes/a/methods/0",
            "bad-value",
            "is not a method that is served",
            help,
        );
    }
}

#[portable]
fn an_application_has_as_many_routes_as_the_cap_and_not_one_more() {
    let many = |count: usize| {
        let all = (0..count).map(|index| (format!("r{index}"), json!({ "path": format!("/r{index}") })));
        routes(Value::Object(all.collect()))
    };
    let (plan, _) = plan(&many(MAX_ROUTES_PER_APPLICATION));
    assert_eq!(plan.router.applications[0].routes.len(), MAX_ROUTES_PER_APPLICATION);
    assert_problem(
        &many(MAX_ROUTES_PER_APPLICATION + 1),
        "/applications/shop/routes",
        "too-large",
        "1001 routes",
        "parameters",
    );
}

#[portable]
fn a_wildcard_is_a_host_of_its_own() {
    let (plan, _) = plan(&hosts(json!(["*.Tenants.example.com", "tenants.example.com"])));
    let expected = [
        HostPattern::OneLabelBefore(".tenants.example.com".to_owned()),
        HostPattern::Exactly("tenants.example.com".to_owned()),
    ];
    assert_eq!(plan.router.applications[0].hosts.as_deref(), Some(&expected[..]));
    assert_problem(
        &hosts(json!(["*.example.com", "*.EXAMPLE.com"])),
        "/applications/shop/hosts/1",
        "duplicate-host",
        "`*.example.com` belongs to `shop` already",
        "give each host to one application",
    );
}

#[portable]
fn a_spelling_that_a_route_accepts_is_a_warning_that_says_what_the_upstream_must_do() {
    let route = |encoded: Value| routes(json!({ "files": { "path": "/files/{rest*}", "encoded": encoded } }));
    let (plan, warnings) = plan(&route(json!({ "slash": true, "semicolon": true })));
    assert_eq!(plan.router.applications[0].routes[0].encoded, [Ambiguity::Slash, Ambiguity::Semicolon]);
    let warnings: Vec<_> = warnings.iter().filter(|warning| warning.code.code() == "encoded-path").collect();
    let [slash, semicolon] = warnings.as_slice() else { panic!("{warnings:?}") };
    assert_eq!(slash.pointer, "/applications/shop/routes/files/encoded/slash");
    assert!(slash.message.contains("split the path before it decodes"), "{slash}");
    assert_eq!(semicolon.pointer, "/applications/shop/routes/files/encoded/semicolon");

    let at = "/applications/shop/routes/files/encoded";
    assert_problem(&route(json!({ "slash": false })), &format!("{at}/slash"), "bad-value", "it is `false`", "remove");
    assert_problem(&route(json!({ "slsh": true })), &format!("{at}/slsh"), "unknown-field", "slsh", "`slash`");
    assert_problem(&route(json!({})), at, "empty-list", "nothing is accepted", "slash");
    assert_problem(&route(json!(["slash"])), at, "wrong-type", "a list", "slash");
    let fixed = routes(json!({ "files": { "path": "/files", "encoded": { "slash": true } } }));
    assert_problem(&fixed, at, "contradiction", "the path has no parameter", "`{name}`");
}

#[portable]
fn a_policy_may_compare_a_path_with_the_spellings_that_a_route_accepts() {
    let configured = |encoded: Value, condition: &str| {
        let document = routes(json!({ "files": also(json!({ "path": "/files/{rest*}" }), "/encoded", encoded) }));
        let text = format!("@id(\"f\") forbid (principal, action, resource) when {{ {condition} }};");
        also(document, "/policies", json!(text))
    };
    let path = "context.http_request.path";
    for (ambiguity, condition) in [
        ("slash", format!("{path} == \"/files/a%2Fb\"")),
        ("slash", format!("{path} like \"*%2Fb\"")),
        ("percent", format!("{path} == \"/files/100%25\"")),
        ("semicolon", format!("{path} like \"*;*\"")),
        ("semicolon", format!("{path} == \"/files/a%3Bb\"")),
    ] {
        plan(&configured(json!({ ambiguity: true }), &condition));
        let other = if ambiguity == "percent" { "slash" } else { "percent" };
        let errors = problems(&configured(json!({ other: true }), &condition));
        assert_eq!(errors[0].code.code(), "impossible-literal", "{condition}");
        assert!(errors[0].help.contains(&format!("encoded: {{ {ambiguity}: true }}")), "{:?}", errors[0]);
    }
    for escape in ["%7E", "%41", "%40", "%3A"] {
        let errors = problems(&configured(json!({ "unreserved": true }), &format!("{path} == \"/files/{escape}\"")));
        assert_eq!(errors[0].code.code(), "impossible-literal", "{escape}");
        assert!(errors[0].message.contains("sees the character itself"), "{:?}", errors[0]);
    }
}

#[portable]
fn a_rule_on_a_path_that_a_slash_behind_it_passes_by_is_a_warning() {
    let found = |policy: &str| {
        let document = routes(json!({
            "files": { "path": "/files/{rest*}" }, "one": { "path": "/one/{id}" }, "named": { "path": "/files/named" }
        }));
        let text = format!("@id(\"a\") permit (principal is corp::User, action, resource); @id(\"p\") {policy};");
        let (_, warnings) = plan(&also(document, "/policies", json!(text)));
        warnings.iter().filter(|warning| warning.code.code() == "path-spelling").count()
    };
    let forbid = |condition: &str| format!("forbid (principal, action, resource) when {{ {condition} }}");
    let (path, rest) = ("context.http_request.path", "context.http_request.path_parameters.rest");
    for condition in [
        format!("{path} == \"/files/secret\""),
        format!("\"/files/secret\" == {path}"),
        format!("[\"/files/a/secret\"].contains({path})"),
        format!("{path} like \"/files/*.key\""),
        format!("!({path} != \"/files/secret\")"),
        format!("if {path} == \"/files/secret\" then true else false"),
    ] {
        assert_eq!(found(&forbid(&condition)), 1, "{condition}");
    }
    let scoped = |condition: &str| {
        format!("forbid (principal, action, resource == Route::\"shop/files\") when {{ {condition} }}")
    };
    assert_eq!(found(&scoped(&format!("{rest} == \"secret\""))), 1);
    let unless = "permit (principal is corp::User, action, resource) unless";
    assert_eq!(found(&format!("{unless} {{ {path} == \"/files/secret\" }}")), 1);
    for policy in [
        forbid(&format!("{path} like \"/files/secret*\"")),
        forbid(&format!("{path} == \"/one/7\"")),
        forbid(&format!("{path} == \"/files/secret/\"")),
        forbid(&format!("{path} != \"/files/public\"")),
        format!("forbid (principal, action, resource) unless {{ {path} == \"/files/public\" }}"),
        format!("permit (principal is corp::User, action, resource) when {{ {path} == \"/files/public\" }}"),
        format!("forbid (principal, action, resource == Route::\"shop/one\") when {{ {path} == \"/files/secret\" }}"),
    ] {
        assert_eq!(found(&policy), 0, "{policy}");
    }
}

#[portable]
fn a_registered_method_needs_an_action_of_its_route() {
    let without_action = routes(json!({ "dav": { "path": "/dav", "methods": ["GET", "PROPFIND"] } }));
    let at = "/applications/shop/routes/dav";
    assert_problem(&without_action, at, "missing-field", "`PROPFIND` is no Cedar action", "add `action: read`");
    let (plan, _) = plan(&also(without_action, &format!("{at}/action"), json!("read")));
    let methods = &plan.router.applications[0].routes[0].methods;
    assert_eq!(methods.iter().map(|method| RequestMethod::name(*method)).collect::<Vec<_>>(), ["GET", "PROPFIND"]);
    for method in ["CONNECT", "TRACE", "PRI", "propfind", "FOO"] {
        let route = routes(json!({ "dav": { "path": "/dav", "methods": [method], "action": "read" } }));
        let errors = problems(&route);
        assert_eq!(
            (errors[0].code.code(), errors[0].pointer.as_str()),
            ("bad-value", "/applications/shop/routes/dav/methods/0")
        );
    }
}
