//! The callbacks under a host that fails on demand.

mod failures;
mod life;
mod signatures;

use crate::fake::{Fake, Fields, ROOT};
use crate::root::Root;
use crate::stream::{Passage, Stream};
use countersign_core::fetch::Response;

/// The time of every test: 2027-01-15T08:00:00Z.
const NOW: i64 = 1_800_000_000;

/// The set of one public key, whose private key is published in the core's `testing.rs`: a test key, used nowhere else.
const KEYS: &str = r#"{ "keys": [{ "kty": "EC", "crv": "P-256", "kid": "test-key", "alg": "ES256",
    "x": "-9SJE-Dyad_4llMnA7OvXa8iis3_OMsCy8RdZVJn3W0", "y": "5jEfn660GEX_IyLAZkJvz6h-5ZpEXs_QkokN8wparU0" }] }"#;

/// A token of alice under that key, valid from a minute before [`NOW`] for an hour.
const TOKEN: &str = "eyJhbGciOiJFUzI1NiIsImtpZCI6InRlc3Qta2V5IiwidHlwIjoiSldUIn0.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlI\
                     iwic3ViIjoiYWxpY2UiLCJhdWQiOiJodHRwczovL2FwaS5leGFtcGxlIiwiaWF0IjoxNzk5OTk5OTQwLCJleHAiOjE4MDAwMDM1NDB9.gGy\
                     DA2kVwaDrT-lAzkvmL0egsY7nEBJ1XmIpYK_r596vX-2Ob38pg236uyPF1zf3iCOLkt-GSRy9B-rhaycaSQ";

const INLINE: &str = "INLINE";
const FETCHED: &str = r#"{ "url": "https://issuer.example/corp", "cluster": "issuer" }"#;

fn configuration(keys: &str) -> String {
    let keys = if keys == INLINE { format!(r#"{{ "inline": {KEYS} }}"#) } else { keys.to_owned() };
    format!(
        r#"{{
            "version": 1,
            "issuers": {{ "corp": {{
                "issuer": "https://issuer.example", "audiences": ["https://api.example"], "typ": ["JWT"],
                "principal": {{ "id": "sub" }}, "keys": {keys}
            }} }},
            "applications": {{ "shop": {{
                "hosts": ["shop.example.com"], "requires": ["corp"],
                "routes": {{
                    "order": {{ "path": "/api/orders/{{id}}", "methods": ["GET"] }},
                    "health": {{ "path": "/healthz", "requires": [] }}
                }}
            }} }},
            "policies": "@id(\"read\") permit (principal is corp::User, action in Action::\"read\", resource == Route::\"shop/order\"); @id(\"health\") permit (principal is Anonymous, action in Action::\"read\", resource == Route::\"shop/health\");",
            "peer": {{ "from": "tls" }}
        }}"#
    )
}

fn fields(fields: &[(&str, &str)]) -> Fields {
    fields.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect()
}

fn get(path: &str, more: &[(&str, &str)]) -> Fields {
    let pseudo = [(":method", "GET"), (":authority", "shop.example.com"), (":path", path), (":scheme", "https")];
    fields(&[&pseudo[..], more].concat())
}

fn order() -> Fields {
    let bearer = format!("Bearer {TOKEN}");
    get("/api/orders/7", &[("authorization", &bearer), ("x-forwarded-user", "root")])
}

/// A host that has accepted this configuration, and the plugin in it.
fn plugin(keys: &str) -> (Fake, Root<Fake>) {
    let host = Fake::default();
    let root = configured(&host, keys);
    host.with(|state| state.calls.clear());
    (host, root)
}

/// The plugin in this host, which has accepted its configuration.
fn configured(host: &Fake, keys: &str) -> Root<Fake> {
    configured_with(host, configuration(keys))
}

/// The same with this configuration.
fn configured_with(host: &Fake, configuration: String) -> Root<Fake> {
    let bytes = configuration.len();
    host.with(|state| {
        state.now = NOW;
        state.context = ROOT;
        state.configuration = configuration.into_bytes();
    });
    let mut root = Root::new(ROOT, host.clone());
    assert!(root.configure(bytes), "{:?}", host.calls("log"));
    root
}

/// The headers of a new stream arrive.
fn arrive(host: &Fake, root: &Root<Fake>, stream: u32, request: Fields) -> (Stream<Fake>, Passage) {
    host.with(|state| {
        state.context = stream;
        state.requests.insert(stream, request);
    });
    let context = root.stream(stream);
    let passage = context.headers();
    host.with(|state| state.context = ROOT);
    (context, passage)
}

/// The provider answers the fetch of this token.
fn answer(host: &Fake, root: &Root<Fake>, token: u32) {
    let headers = fields(&[(":status", "200"), ("content-type", "application/json")]);
    let body = KEYS.as_bytes().to_vec();
    let body_bytes = body.len();
    host.with(|state| state.response = Some(Response { status: 200, headers, body, body_bytes }));
    root.fetch_answered(token, body_bytes);
}

/// Whether the guard lets the request of this stream pass.
fn is_armed(host: &Fake, stream: u32) -> bool {
    let fails =
        host.with(|state| state.fails.iter().any(|start| "state countersign allow".starts_with(start.as_str())));
    !fails && host.calls("state countersign allow").iter().any(|(context, _)| *context == stream)
}

/// The ending calls for a stream.
fn endings(host: &Fake, stream: u32) -> Vec<String> {
    let calls = [host.calls("send"), host.calls("resume")].concat();
    calls.into_iter().filter(|(context, _)| *context == stream).map(|(_, call)| call).collect()
}

/// The code in the only ending call of a stream.
fn refused_with(host: &Fake, stream: u32, status: u16, code: &str) -> bool {
    let endings = endings(host, stream);
    let [ending] = endings.as_slice() else { return false };
    ending.starts_with(&format!("send {status} ")) && ending.contains(&format!(r#""code":"{code}""#))
}
