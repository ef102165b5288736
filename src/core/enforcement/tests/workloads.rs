//! Callers whom the connection proves, from the request to the answer.

use serde_json::{Value, json};

use super::{alice, code, configuration, forwarded, outcome, parts, plan_of, posture, record, refusal};
use crate::config::Plan;
use crate::portable;
use crate::request::{Peer, RequestParts, UriCount};

const WEB: &[u8] = b"spiffe://example.org/ns/shop/sa/web";

/// Two routes that require a workload, one of them with a token, and one that requires nothing.
fn plan() -> Plan {
    let mut configuration = configuration();
    configuration["peer"] = json!({ "from": "tls", "certificate": "validated", "trust_domains": ["example.org"] });
    let routes = &mut configuration["applications"]["shop"]["routes"];
    routes["call"] = json!({ "path": "/call", "requires": ["peer"] });
    routes["relay"] = json!({ "path": "/relay", "requires": ["peer", "corp"] });
    routes["free"] = json!({ "path": "/free", "requires": [] });
    let policies = json!({ "text": r#"
        @id("web") @advice("Ask for a service account.")
        permit (principal == Workload::"spiffe://example.org/ns/shop/sa/web", action, resource == Route::"shop/call");
        @id("relay") permit (principal is corp::User, action, resource == Route::"shop/relay")
        when { context.peer.workload like "spiffe://example.org/ns/shop/*" };
        @id("free") permit (principal is Anonymous, action, resource == Route::"shop/free");
        @id("certificates") permit (principal is corp::User, action, resource == Route::"shop/free")
        when { context has peer.uri && context.peer.uri like "spiffe://*" };
    "#, "applies_to": ["shop"] });
    configuration["policies"] = json!({ "mesh": policies });
    plan_of(&configuration)
}

fn get(path: &str, token: Option<&str>, peer: Peer) -> RequestParts {
    RequestParts { peer, ..parts("GET", path, token, None, &[]) }
}

fn named(uri: &[u8]) -> Peer {
    Peer::of_validated_certificate([7; 32], Some(uri), Some(UriCount::One))
}

fn header(parts: RequestParts, name: &str) -> Option<String> {
    let outcome = outcome(&plan(), parts);
    let found = forwarded(&outcome).set().find(|(set, _)| *set == name).map(|(_, value)| value.to_vec());
    found.map(|value| String::from_utf8(value).unwrap())
}

#[portable]
fn a_workload_without_a_token_is_the_principal() {
    let got = outcome(&plan(), get("/call", None, named(WEB)));
    forwarded(&got);
    let record = record(&got);
    assert_eq!(record["principal"], r#"Workload::"spiffe://example.org/ns/shop/sa/web""#);
    assert_eq!(
        record["authentication"],
        json!({ "issuer": null, "method": "connection", "binding": "certificate", "place": null })
    );
    assert_eq!(record["peer"], json!({ "workload": "spiffe://example.org/ns/shop/sa/web", "detail": null }));
    assert_eq!(record["policies"], json!(["mesh/web"]));
    let principal = header(get("/call", None, named(WEB)), "x-countersign-principal");
    assert_eq!(principal.as_deref(), Some("Workload::\"spiffe://example.org/ns/shop/sa/web\""));
    let workload = header(get("/call", None, named(WEB)), "x-countersign-workload");
    assert_eq!(workload.as_deref(), Some("spiffe://example.org/ns/shop/sa/web"));
    assert_eq!(header(get("/call", None, named(WEB)), "x-countersign-subject"), None);
}

#[portable]
fn a_token_over_the_connection_of_a_workload_is_the_principal() {
    let token = alice(json!({}));
    let got = outcome(&plan(), get("/relay", Some(&token), named(WEB)));
    forwarded(&got);
    let record = record(&got);
    assert_eq!(record["principal"], r#"corp::User::"alice""#);
    assert_eq!(record["peer"]["workload"], "spiffe://example.org/ns/shop/sa/web");
    let request = || get("/relay", Some(&token), named(WEB));
    assert_eq!(header(request(), "x-countersign-subject").as_deref(), Some("alice"));
    assert_eq!(header(request(), "x-countersign-workload").as_deref(), Some("spiffe://example.org/ns/shop/sa/web"));
    // It is what the workload may do for the user, and not what either may do alone.
    let other = named(b"spiffe://example.org/ns/other/sa/x");
    assert_eq!(refusal(&outcome(&plan(), get("/relay", Some(&token), other))), code(403, "not-permitted"));
    assert_eq!(refusal(&outcome(&plan(), get("/relay", None, named(WEB)))), code(401, "credential-missing"));
    let without = get("/relay", Some(&token), Peer::without_certificate());
    assert_eq!(refusal(&outcome(&plan(), without)), code(401, "workload-missing"));
}

#[portable]
fn a_workload_that_no_policy_permits_is_denied_and_learns_why() {
    let got = outcome(&plan(), get("/call", None, named(b"spiffe://example.org/ns/shop/sa/batch")));
    assert_eq!(refusal(&got), code(403, "not-permitted"));
}

/// Each peer that is not a workload: the required one is missing, and the record says why.
#[portable]
fn who_is_not_a_workload_is_refused_where_one_is_required() {
    let several = Peer::of_validated_certificate([7; 32], Some(WEB), Some(UriCount::Several));
    let unreadable = Peer::of_validated_certificate([7; 32], Some(WEB), Some(UriCount::Unreadable));
    let not_spiffe = "the peer's URI is not the SPIFFE ID of a workload";
    for (peer, detail) in [
        (Peer::default(), "the configuration names no source of facts about the peer"),
        (Peer::without_certificate(), "the connection has no client certificate"),
        (Peer::of_any_certificate([7; 32]), "the configuration does not say that client certificates are validated"),
        (Peer::of_validated_certificate([7; 32], None, None), "the client certificate has no URI"),
        (several, "the client certificate has several URIs"),
        (unreadable, "the client certificate cannot be read"),
        (named(b"spiffe://example.org/a b"), "the peer's URI has bytes that no URI has"),
        (named(b"spiffe://example.com/ns/shop/sa/web"), "`trust domain` is `example.com`, wanted `example.org`"),
        (named(b"spiffe://Example.org/ns/shop/sa/web"), not_spiffe),
        (named(b"SPIFFE://example.org/ns/shop/sa/web"), not_spiffe),
        (named(b"spiffe://example.org/ns/shop/sa/web/"), not_spiffe),
        (named(b"spiffe://example.org:443/ns/shop/sa/web"), not_spiffe),
        (named(b"spiffe://example.org/ns/shop/sa/w%65b"), not_spiffe),
        (named(b"spiffe://example.org/ns/../ns/shop/sa/web"), not_spiffe),
        (named(b"https://example.org/ns/shop/sa/web"), not_spiffe),
    ] {
        let got = outcome(&plan(), get("/call", None, peer.clone()));
        assert_eq!(refusal(&got), code(401, "workload-missing"), "{peer:?}");
        let found = record(&got);
        assert_eq!((&found["detail"], &found["peer"]["workload"]), (&json!(detail), &Value::Null), "{peer:?}");
        assert_eq!(found["principal"], r#"Anonymous::"anonymous""#);
        // Where nothing is required, it is a caller like any other.
        let free = outcome(&plan(), get("/free", None, peer.clone()));
        forwarded(&free);
        assert_eq!(record(&free)["peer"]["detail"], detail, "{peer:?}");
    }
}

#[portable]
fn several_uris_are_not_a_fact_for_policies_either() {
    let token = alice(json!({}));
    let get = |peer| outcome(&plan(), get("/free", Some(&token), peer));
    forwarded(&get(named(b"spiffe://example.com/x")));
    let several = Peer::of_validated_certificate([7; 32], Some(b"spiffe://example.com/x"), Some(UriCount::Several));
    for peer in [several, Peer::of_any_certificate([7; 32])] {
        assert_eq!(refusal(&get(peer)), code(403, "not-permitted"));
    }
}

#[portable]
fn headers_are_no_evidence_of_a_workload() {
    let forged = "By=spiffe://example.org/ns/shop/sa/api;Hash=00;URI=spiffe://example.org/ns/shop/sa/web";
    for name in ["x-forwarded-client-cert", "x-countersign-workload", "x-countersign-principal", "x-spiffe-id"] {
        for value in [forged, "spiffe://example.org/ns/shop/sa/web"] {
            let parts = parts("GET", "/call", None, None, &[(name, value)]);
            let got = outcome(&plan(), RequestParts { peer: Peer::without_certificate(), ..parts });
            assert_eq!(refusal(&got), code(401, "workload-missing"), "{name}");
        }
    }
}

#[portable]
fn a_token_is_refused_for_its_fault_and_never_falls_back_to_the_workload() {
    let expired = alice(json!({ "exp": 1_000_000_000 }));
    assert_eq!(refusal(&outcome(&plan(), get("/call", Some(&expired), named(WEB)))), code(401, "token-expired"));
    let device = posture(json!({ "exp": 1_000_000_000 }));
    let parts = parts("GET", "/call", None, Some(&device), &[("authorization", "Basic YTpi")]);
    let got = outcome(&plan(), RequestParts { peer: named(WEB), ..parts });
    assert_eq!(refusal(&got), code(401, "credential-malformed"));
}
