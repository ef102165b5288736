//! What the plugin is told about these callers.

use serde_json::{Value, json};
use test_harness::keys::{DemoKey, KEYS, corp_key_set};
use test_harness::tokens::{AUDIENCE, CORP_ISSUER, HOST};

/// The SPIFFE ID of the web service.
pub const WEB: &str = "spiffe://example.org/ns/shop/sa/web";
/// The SPIFFE ID of the test service.
pub const TEST: &str = "spiffe://example.org/ns/test/sa/web";
/// `iss` of the tokens of service accounts.
pub const CLUSTER_ISSUER: &str = "https://kubernetes.default.svc.cluster.local";

const PLAIN_POLICIES: &str = r#"
    @id("web-reads")
    permit (principal == mesh::Workload::"spiffe://example.org/ns/shop/sa/web", action in Action::"read", resource == Route::"shop/stock");

    @id("shop-reports")
    permit (principal is cluster::ServiceAccount, action in Action::"read", resource == Route::"shop/report")
    when { context.cluster.namespace == "shop" };

    @id("people")
    permit (principal is corp::User, action, resource == Route::"shop/order") when { !(context.corp has act) };

    @id("agents-read")
    permit (principal is corp::User, action in Action::"read", resource == Route::"shop/order")
    when { context.corp has act && context.corp.act.sub == "assistant" };

    @id("partner-orders") @scope("orders.write")
    permit (principal is corp::User, action in Action::"write", resource == Route::"shop/partner")
    when { context.corp.scope.contains("orders.write") };

    @id("admins-change") @step_up("acr_values=phr, max_age=900")
    permit (principal in corp::Group::"admins", action in Action::"write", resource == Route::"shop/settings")
    when {
      context.corp has acr && context.corp.acr == "phr" &&
      context.corp has auth_time && context.now - context.corp.auth_time <= 900
    };

    @id("admins-read-secret")
    permit (principal in corp::Group::"admins", action in Action::"read", resource in Application::"shop")
    when { resource.sensitivity == "secret" };

    @id("break-glass") @alarm("break-glass")
    permit (principal in corp::Group::"break-glass", action, resource in Application::"shop");
"#;

/// The listener in plaintext. `cluster` is the key of the tokens of service accounts.
pub fn plain(cluster: &DemoKey) -> Value {
    let mut svid_key = KEYS.machines.public_jwk();
    svid_key["use"] = json!("jwt-svid");
    json!({
        "version": 1,
        "issuers": {
            "corp": {
                "issuer": CORP_ISSUER, "audiences": [AUDIENCE], "typ": ["at+jwt"], "keys": { "inline": corp_key_set() },
                "principal": { "id": "sub", "groups": "groups" },
                "facts": { "act?": "actor", "acr?": "string", "auth_time?": "long", "scope": "scopes" },
                "from": ["authorization", { "header": "x-session-token", "prefix": "Token " }, { "cookie": "session" }],
                "dpop": { "external_scheme": "http" },
            },
            "mesh": {
                "preset": "spiffe-jwt-svid", "trust_domain": "example.org", "audiences": [AUDIENCE],
                "keys": { "inline": { "keys": [svid_key] } },
            },
            "cluster": {
                "issuer": CLUSTER_ISSUER, "audiences": [AUDIENCE], "typ": ["absent"],
                "keys": { "inline": { "keys": [cluster.public_jwk()] } },
                "principal": { "type": "ServiceAccount", "id": "sub" },
                "facts": { "namespace": { "claim": ["kubernetes.io", "namespace"], "type": "string" } },
            },
        },
        "entities": { "attributes": {
            "sensitivity": { "type": "string", "values": ["internal", "secret"], "default": "internal" },
        } },
        "applications": { "shop": {
            "hosts": [HOST], "requires": ["corp"],
            "routes": {
                "order": { "path": "/api/orders/{id}", "methods": ["GET", "PUT"] },
                "partner": { "path": "/api/partner/orders", "methods": ["POST"] },
                "payroll": { "path": "/api/payroll", "attributes": { "sensitivity": "secret" } },
                "report": { "path": "/api/report", "requires": ["cluster"] },
                "settings": { "path": "/api/settings", "methods": ["GET", "PUT"] },
                "stock": { "path": "/stock", "requires": ["mesh"] },
                "tools": { "path": "/mcp", "methods": ["POST"], "resource_metadata": {
                    "resource": format!("https://{HOST}/mcp"), "authorization_servers": [CORP_ISSUER],
                } },
            },
        } },
        "policies": PLAIN_POLICIES,
    })
}

const MUTUAL_POLICIES: &str = r#"
    @id("web-reads")
    permit (principal == Workload::"spiffe://example.org/ns/shop/sa/web", action in Action::"read", resource == Route::"shop/stock");

    @id("through-the-web")
    permit (principal is corp::User, action, resource == Route::"shop/relay")
    when { context.peer.workload == "spiffe://example.org/ns/shop/sa/web" };

    @id("bound")
    permit (principal is corp::User, action, resource == Route::"shop/order")
    when { context.credential.bound_by == "certificate" };
"#;

/// Workloads are known by the certificates of their connections.
pub fn by_certificate() -> Value {
    json!({ "from": "tls", "certificate": "validated", "trust_domains": ["example.org"] })
}

/// Workloads are known by what a waypoint reports.
pub fn by_waypoint() -> Value {
    json!({ "from": "istio-waypoint", "trust_domains": ["example.org"] })
}

/// Writes the web service into the filter state that a waypoint writes.
pub fn waypoint_filter() -> Value {
    json!({
        "name": "waypoint",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.set_filter_state.v3.Config",
            "on_request_headers": [{
                "object_key": "io.istio.peer_principal", "factory_key": "envoy.string",
                "format_string": { "text_format_source": { "inline_string": WEB } },
            }],
        },
    })
}

/// The listeners that know workloads, in this way.
pub fn of_workloads(peer: &Value) -> Value {
    json!({
        "version": 1,
        "issuers": { "corp": {
            "issuer": CORP_ISSUER, "audiences": [AUDIENCE], "typ": ["at+jwt"], "keys": { "inline": corp_key_set() },
            "principal": { "id": "sub" },
        } },
        "peer": peer,
        "applications": { "shop": { "hosts": [HOST], "routes": {
            "order": { "path": "/api/orders/{id}", "methods": ["GET", "PUT"], "requires": ["corp"] },
            "relay": { "path": "/api/cart", "requires": ["corp", "peer"] },
            "stock": { "path": "/stock", "requires": ["peer"] },
        } } },
        "policies": MUTUAL_POLICIES,
    })
}
