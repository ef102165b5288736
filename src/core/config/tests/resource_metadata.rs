//! `resource_metadata` of an application.

use serde_json::{Value, json};

use super::{assert_problem, plan, with};
use crate::portable;
use crate::route::ResourceMetadata;

const PLACE: &str = "/applications/shop/resource_metadata";

fn metadata(written: Value) -> ResourceMetadata {
    let (plan, _) = plan(&with(PLACE, written));
    let shop = plan.router.applications.iter().find(|application| application.name == "shop");
    shop.and_then(|shop| shop.resource_metadata.clone()).expect("metadata")
}

fn document(changes: Value) -> Value {
    let mut document =
        json!({ "resource": "https://shop.example.com", "authorization_servers": ["https://login.example.com"] });
    if let (Value::Object(document), Value::Object(changes)) = (&mut document, changes) {
        document.extend(changes);
    }
    document
}

#[portable]
fn a_document_is_served_or_found_elsewhere() {
    let url = "https://docs.example.com/shop.json?v=1";
    let elsewhere = metadata(json!(url));
    assert_eq!((elsewhere.url.as_str(), elsewhere.served), (url, None));
    let served = metadata(document(json!({
        "resource": "https://SHOP.example.com/api", "scopes_supported": ["a", "b"], "resource_name": "Der \"Laden\"",
        "resource_documentation": "https://a.example/d", "resource_policy_uri": "https://a.example/p",
        "resource_tos_uri": "https://a.example/t",
    })));
    assert_eq!(served.url, "https://shop.example.com/.well-known/oauth-protected-resource/api");
    let served = served.served.expect("a document");
    assert_eq!(served.path, "/.well-known/oauth-protected-resource/api");
    let expected = concat!(
        r#"{"resource":"https://SHOP.example.com/api","authorization_servers":["https://login.example.com"],"#,
        r#""scopes_supported":["a","b"],"bearer_methods_supported":["header"],"resource_name":"Der \"Laden\"","#,
        r#""resource_documentation":"https://a.example/d","resource_policy_uri":"https://a.example/p","#,
        r#""resource_tos_uri":"https://a.example/t"}"#
    );
    assert_eq!(served.document, expected);
}

#[portable]
fn what_no_client_could_use_is_rejected() {
    let cases = [
        (json!("http://shop.example.com/m"), "", "bad-value", "its scheme is not https"),
        (json!("shop"), "", "bad-value", "not an absolute URL"),
        (json!(7), "", "wrong-type", "expected an https URL, or an object"),
        (json!({ "resource": "https://shop.example.com" }), "", "missing-field", "`authorization_servers` is missing"),
        (
            document(json!({ "resource": "https://other.example.com" })),
            "/resource",
            "bad-host",
            "not a host of this application",
        ),
        (document(json!({ "resource": "https://shop.example.com/?a" })), "/resource", "bad-value", "has a query"),
        (document(json!({ "resource": "https://shop.example.com/#a" })), "/resource", "bad-value", "has a fragment"),
        (
            document(json!({ "resource": "https://shop.example.com/a//b" })),
            "/resource",
            "bad-value",
            "more than one way",
        ),
        (
            document(json!({ "resource": "https://shop.example.com/%61" })),
            "/resource",
            "bad-value",
            "more than one way",
        ),
        (document(json!({ "authorization_servers": [] })), "/authorization_servers", "empty-list", "empty"),
        (document(json!({ "authorization_servers": ["http://a"] })), "/authorization_servers/0", "bad-value", "https"),
        (document(json!({ "scopes_supported": ["a b"] })), "/scopes_supported/0", "bad-value", "not a scope"),
        (document(json!({ "resource_tos_uri": "x" })), "/resource_tos_uri", "bad-value", "not an https URL"),
    ];
    for (written, inside, code, message) in cases {
        assert_problem(&with(PLACE, written), &format!("{PLACE}{inside}"), code, message, "");
    }
}

#[portable]
fn no_route_has_the_path_of_the_document() {
    let mut configuration = with(PLACE, document(json!({})));
    let routes = &mut configuration["applications"]["shop"]["routes"];
    routes["broad"] = json!({ "path": "/.well-known/{rest*}" });
    plan(&configuration);
    configuration["applications"]["shop"]["routes"]["same"] =
        json!({ "path": "/.well-known/oauth-protected-resource" });
    assert_problem(&configuration, PLACE, "routes-overlap", "the route `same` has the path", "remove the route");
}

/// The routes `orders` and `partners` with this metadata each.
fn with_routes(orders: Value, partners: Value) -> Value {
    let mut configuration = with(PLACE, document(json!({})));
    let routes = &mut configuration["applications"]["shop"]["routes"];
    routes["orders"] = json!({ "path": "/orders", "resource_metadata": orders });
    routes["partners"] = json!({ "path": "/partners", "resource_metadata": partners });
    configuration
}

#[portable]
fn a_route_has_metadata_of_its_own() {
    let written = document(json!({ "resource": "https://shop.example.com/orders" }));
    let url = "https://docs.example.com/partners.json";
    let (plan, _) = plan(&with_routes(written, json!(url)));
    let shop = plan.router.applications.iter().find(|application| application.name == "shop").expect("shop");
    let url_of = |name: &str| {
        let route = shop.routes.iter().find(|route| route.name == name).expect("a route");
        route.resource_metadata.as_ref().map(|metadata| metadata.url.as_str())
    };
    assert_eq!(url_of("orders"), Some("https://shop.example.com/.well-known/oauth-protected-resource/orders"));
    assert_eq!(url_of("partners"), Some(url));
    assert_eq!(url_of("order"), None);
}

#[portable]
fn metadata_of_a_route_that_no_client_could_use_is_rejected() {
    let orders = "/applications/shop/routes/orders/resource_metadata";
    let elsewhere = json!("https://docs.example.com/partners.json");
    let cases = [
        (json!("http://shop.example.com/m"), "", "bad-value", "its scheme is not https"),
        (
            json!({ "resource": "https://shop.example.com/a" }),
            "",
            "missing-field",
            "`authorization_servers` is missing",
        ),
        (document(json!({ "resource": "https://other.example.com/orders" })), "/resource", "bad-host", "not a host of"),
        // The application has a document for the same resource.
        (document(json!({})), "", "duplicate-value", "of `/applications/shop` has the same path"),
    ];
    for (written, inside, code, message) in cases {
        let configuration = with_routes(written, elsewhere.clone());
        assert_problem(&configuration, &format!("{orders}{inside}"), code, message, "");
    }
    let same = document(json!({ "resource": "https://shop.example.com/orders" }));
    assert_problem(
        &with_routes(same.clone(), same.clone()),
        "/applications/shop/routes/partners/resource_metadata",
        "duplicate-value",
        "of `/applications/shop/routes/orders` has the same path",
        "in the other place: https://shop.example.com/.well-known/oauth-protected-resource/orders",
    );
    let mut taken = with_routes(same, elsewhere);
    taken["applications"]["shop"]["routes"]["document"] =
        json!({ "path": "/.well-known/oauth-protected-resource/orders" });
    assert_problem(&taken, orders, "routes-overlap", "the route `document` has the path", "remove the route");
}
