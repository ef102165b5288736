//! Software components whom the connection proves: mutual TLS, and the filter state of an Istio waypoint.

use std::net::SocketAddr;

use serde_json::{Value, json};
use test_harness::keys::corp_key_set;
use test_harness::paths::EnvoyVersion;
use test_harness::tls::Leaf;
use test_harness::tokens::{ALICE, Token};

use crate::bench::{Ask, Bench, HOST, Outcome, plugin_listener};
use crate::faults::manager;
use crate::tls::{self, Client};
use crate::{Scenario, scenarios};

pub const SCENARIOS: &[Scenario] = scenarios![
    a_workload_is_permitted_and_denied_by_its_spiffe_id,
    a_user_over_the_connection_of_a_workload_is_the_principal,
    a_look_alike_of_a_workload_is_none,
    a_certificate_with_two_uris_is_no_workload_where_envoy_gives_the_certificate,
    a_certificate_that_no_trusted_authority_has_signed_proves_no_workload,
    a_token_that_is_bound_to_the_workloads_certificate_passes_with_it_alone,
    a_header_is_no_evidence_of_a_workload,
    a_resumed_session_is_still_that_of_the_workload,
    a_waypoint_names_the_workload_in_filter_state,
];

const MUTUAL_TLS: &str = "mutual-tls";
const WEB: &str = "spiffe://example.org/ns/shop/sa/web";
const BATCH: &str = "spiffe://example.org/ns/shop/sa/batch";

/// Routes that require a workload, a workload and a token, and nothing.
fn configuration(peer: &Value) -> Value {
    json!({
        "version": 1,
        "issuers": { "corp": {
            "issuer": "https://login.example.com", "audiences": ["shop"], "typ": ["at+jwt"],
            "keys": { "inline": corp_key_set() }, "principal": { "id": "sub" }
        } },
        "applications": { "shop": { "hosts": [HOST], "routes": {
            "call": { "path": "/call", "methods": ["GET", "POST"], "requires": ["peer"] },
            "relay": { "path": "/relay", "requires": ["peer", "corp"] },
            "order": { "path": "/orders/{id}", "requires": ["corp"] },
            "any": { "path": "/any" }
        } } },
        "peer": peer,
        "policies": concat!(
            "@id(\"web\") permit (principal == Workload::\"spiffe://example.org/ns/shop/sa/web\", action in Action::\"read\", ",
            "resource == Route::\"shop/call\");\n",
            "@id(\"relay\") permit (principal is corp::User, action, resource == Route::\"shop/relay\")\n",
            "when { context.peer.workload == \"spiffe://example.org/ns/shop/sa/web\" && context.peer.trust_domain == \"example.org\" };\n",
            "@id(\"order\") permit (principal is corp::User, action, resource == Route::\"shop/order\");\n",
            "@id(\"any\") permit (principal is Workload, action, resource == Route::\"shop/any\");\n",
        )
    })
}

fn over_tls() -> Value {
    json!({ "from": "tls", "certificate": "validated", "trust_domains": ["example.org"] })
}

/// A listener that validates client certificates where a client presents one, one that accepts any, and a waypoint's.
pub fn listeners(bench: &Bench) -> [Value; 3] {
    let authority = json!({ "inline_string": bench.authority.pem() });
    let mut mutual = plugin_listener(bench, MUTUAL_TLS, &configuration(&over_tls()));
    tls::end_tls(bench, &mut mutual, false, &json!({ "trusted_ca": authority }));
    let mut any = plugin_listener(bench, "any-certificate", &of_any_certificate());
    let validation = json!({ "trusted_ca": authority, "trust_chain_verification": "ACCEPT_UNTRUSTED" });
    tls::end_tls(bench, &mut any, false, &validation);
    [mutual, any, waypoint(bench)]
}

/// The waypoint's own filter is played by one that writes what a header says into the filter state that waypoints write.
fn waypoint(bench: &Bench) -> Value {
    let peer = json!({ "from": "istio-waypoint", "trust_domains": ["example.org"] });
    let mut listener = plugin_listener(bench, "waypoint", &configuration(&peer));
    let filters = manager(&mut listener)["http_filters"].as_array_mut().expect("filters");
    filters.insert(
        0,
        json!({
            "name": "waypoint",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.set_filter_state.v3.Config",
                "on_request_headers": [{
                    "object_key": "io.istio.peer_principal", "factory_key": "envoy.string", "skip_if_empty": true,
                    "format_string": {
                        "text_format_source": { "inline_string": "%REQ(x-test-principal)%" }, "omit_empty_values": true
                    }
                }]
            }
        }),
    );
    listener
}

/// Nothing but the digest of a certificate is known.
fn of_any_certificate() -> Value {
    let mut configuration = configuration(&json!({ "from": "tls" }));
    let routes = &mut configuration["applications"]["shop"]["routes"];
    for name in ["call", "relay"] {
        routes.as_object_mut().expect("routes").remove(name);
    }
    configuration["policies"] = json!(concat!(
        "@id(\"order\") permit (principal is corp::User, action, resource == Route::\"shop/order\")\n",
        "when { context has peer.certificate_sha256 };\n",
        "@id(\"any\") permit (principal is corp::User, action, resource == Route::\"shop/any\") when { context has peer.uri };\n",
        "@id(\"workload\") permit (principal is corp::User, action, resource == Route::\"shop/any\") when { context has peer.workload };\n",
    ));
    configuration
}

fn workload(bench: &Bench, uri: &str) -> Client {
    Client::new(bench, Some(&tls::leaf(&bench.authority, &[uri])))
}

/// The same request over HTTP/1.1 and over HTTP/2.
fn both(bench: &Bench, address: SocketAddr, client: &Client, ask: &Ask) -> [Outcome; 2] {
    let over_http1 = client.send(bench, address, ask).expect("an answer").0;
    [over_http1, client.send_over_http2(bench, address, ask)]
}

fn all_allowed(outcomes: [Outcome; 2]) {
    for outcome in outcomes {
        outcome.allowed();
    }
}

fn a_workload_is_permitted_and_denied_by_its_spiffe_id(bench: &Bench) {
    let address = bench.workloads(MUTUAL_TLS);
    let call = Ask::get("/call");
    for outcome in both(bench, address, &workload(bench, WEB), &call) {
        let received = outcome.allowed();
        assert_eq!(received.header("x-countersign-principal"), [format!("Workload::\"{WEB}\"")]);
        assert_eq!(received.header("x-countersign-workload"), [WEB]);
        assert!(received.header("x-countersign-subject").is_empty());
    }
    for other in [BATCH, "spiffe://example.org/ns/shop/sa/web2", "spiffe://example.org/ns/shop/sa/Web"] {
        let other = workload(bench, other);
        for outcome in both(bench, address, &other, &call) {
            outcome.refused(403, "not-permitted");
        }
        // It is a workload, just not that one.
        all_allowed(both(bench, address, &other, &Ask::get("/any")));
    }
    for outcome in both(bench, address, &workload(bench, WEB), &Ask::new("POST", "/call")) {
        outcome.refused(403, "not-permitted");
    }
    for outcome in both(bench, address, &Client::new(bench, None), &call) {
        outcome.refused(401, "workload-missing");
    }
}

fn a_user_over_the_connection_of_a_workload_is_the_principal(bench: &Bench) {
    let address = bench.workloads(MUTUAL_TLS);
    let relay = Ask::get("/relay");
    let alice = || relay.clone().token(Token::of(ALICE).sign());
    for outcome in both(bench, address, &workload(bench, WEB), &alice()) {
        let received = outcome.allowed();
        assert_eq!(received.header("x-countersign-principal"), [r#"corp::User::"alice""#]);
        assert_eq!(received.header("x-countersign-workload"), [WEB]);
    }
    // The user over another workload, the workload without the user, and the user without a workload.
    for outcome in both(bench, address, &workload(bench, BATCH), &alice()) {
        outcome.refused(403, "not-permitted");
    }
    for outcome in both(bench, address, &workload(bench, WEB), &relay) {
        outcome.refused(401, "credential-missing");
    }
    for outcome in both(bench, address, &Client::new(bench, None), &alice()) {
        outcome.refused(401, "workload-missing");
    }
    // A bad token is refused for itself: the workload alone is not what was asked for.
    let expired = Ask::get("/call").token(Token::of(ALICE).claim("exp", json!(1_000_000_000)).sign());
    for outcome in both(bench, address, &workload(bench, WEB), &expired) {
        outcome.refused(401, "token-expired");
    }
}

/// Each beside its honest twin: the trusted authority has signed them all.
fn a_look_alike_of_a_workload_is_none(bench: &Bench) {
    let address = bench.workloads(MUTUAL_TLS);
    let honest = workload(bench, WEB);
    for uri in [
        "spiffe://example.com/ns/shop/sa/web",
        "spiffe://example.org.example.com/ns/shop/sa/web",
        "spiffe://a.example.org/ns/shop/sa/web",
        "spiffe://Example.org/ns/shop/sa/web",
        "SPIFFE://example.org/ns/shop/sa/web",
        "spiffe://example.org/ns/shop/sa/web/",
        "spiffe://example.org//ns/shop/sa/web",
        "spiffe://example.org/ns/./shop/sa/web",
        "spiffe://example.org/ns/x/../shop/sa/web",
        "spiffe://example.org/ns/shop/sa/w%65b",
        "spiffe://example.org/ns/shop/sa/web%00",
        "spiffe://example.org:443/ns/shop/sa/web",
        "spiffe://user@example.org/ns/shop/sa/web",
        "spiffe://example.org/ns/shop/sa/web?",
        "spiffe://example.org/ns/shop/sa/web#a",
        "spiffe://example.org",
        "spiffe:example.org/ns/shop/sa/web",
        "https://example.org/ns/shop/sa/web",
        "spiffe://example.org/ns/shop/sa/web ",
        "urn:uuid:0b1d7a6e-54cb-4f0c-8f0c-0a6f3e1c2d3e",
    ] {
        let client = workload(bench, uri);
        for outcome in both(bench, address, &client, &Ask::get("/call")) {
            outcome.refused(401, "workload-missing");
        }
        client.send(bench, address, &Ask::get("/any")).expect("an answer").0.refused(401, "credential-missing");
        honest.send(bench, address, &Ask::get("/call")).expect("an answer").0.allowed();
    }
    // A certificate without any URI may carry a user's requests, and is no workload.
    let without = Client::new(bench, Some(&tls::leaf(&bench.authority, &[])));
    for outcome in both(bench, address, &without, &Ask::get("/call")) {
        outcome.refused(401, "workload-missing");
    }
    let order = Ask::get("/orders/7").token(Token::of(ALICE).sign());
    assert!(
        both(bench, address, &without, &order).map(Outcome::allowed)[0].header("x-countersign-workload").is_empty()
    );
}

/// Envoy tells the first URI only. From 1.38 on it also gives the certificate; before, whoever signs certificates must
/// not sign one with two URIs, which docs/workloads.md says.
fn a_certificate_with_two_uris_is_no_workload_where_envoy_gives_the_certificate(bench: &Bench) {
    let address = bench.workloads(MUTUAL_TLS);
    for uris in [[WEB, BATCH], [WEB, "https://example.org/"], [WEB, WEB]] {
        let client = Client::new(bench, Some(&tls::leaf(&bench.authority, &uris)));
        // Twice, because the second time the certificate is known by its digest.
        for outcome in [(); 2].into_iter().flat_map(|()| both(bench, address, &client, &Ask::get("/call"))) {
            match bench.version {
                EnvoyVersion::Newest => drop(outcome.refused(401, "workload-missing")),
                EnvoyVersion::Oldest => drop(outcome.allowed()),
            }
        }
    }
    all_allowed(both(bench, address, &workload(bench, WEB), &Ask::get("/call")));
}

fn a_certificate_that_no_trusted_authority_has_signed_proves_no_workload(bench: &Bench) {
    let stranger = tls::leaf(&tls::authority(), &[WEB]);
    let answer = Client::new(bench, Some(&stranger)).send(bench, bench.workloads(MUTUAL_TLS), &Ask::get("/call"));
    assert!(answer.is_err(), "Envoy ends the connection");
    // Where any certificate is accepted, its digest is known, and its URI is not believed.
    let address = bench.workloads("any-certificate");
    for leaf in [&stranger, &tls::leaf(&bench.authority, &[WEB])] {
        let client = Client::new(bench, Some(leaf));
        let alice = |path: &str| Ask::get(path).token(Token::of(ALICE).sign());
        all_allowed(both(bench, address, &client, &alice("/orders/7")));
        for outcome in both(bench, address, &client, &alice("/any")) {
            outcome.refused(403, "not-permitted");
        }
    }
}

fn a_token_that_is_bound_to_the_workloads_certificate_passes_with_it_alone(bench: &Bench) {
    let address = bench.workloads(MUTUAL_TLS);
    let [own, other] = [(); 2].map(|()| tls::leaf(&bench.authority, &[WEB]));
    let bound = Ask::get("/relay").token(Token::of(ALICE).claim("cnf", json!({ "x5t#S256": own.thumbprint() })).sign());
    let send = |leaf: Option<&Leaf>| both(bench, address, &Client::new(bench, leaf), &bound);
    all_allowed(send(Some(&own)));
    // The same workload with another certificate is not the one that the token is bound to.
    for stranger in [Some(&other), None] {
        for outcome in send(stranger) {
            outcome.refused(401, "token-binding");
        }
    }
    all_allowed(send(Some(&own)));
}

fn a_header_is_no_evidence_of_a_workload(bench: &Bench) {
    let address = bench.workloads(MUTUAL_TLS);
    let xfcc = format!("By=spiffe://example.org/ns/shop/sa/api;Hash={};Subject=\"\";URI={WEB}", "0".repeat(64));
    let (nobody, batch) = (Client::new(bench, None), workload(bench, BATCH));
    for (name, value) in [
        ("x-forwarded-client-cert", xfcc.as_str()),
        ("X-Forwarded-Client-Cert", &format!("URI={WEB}")),
        ("x-forwarded-client-cert", &format!("URI={WEB},URI={BATCH}")),
        ("x-forwarded-client-cert", WEB),
        ("x_forwarded_client_cert", &xfcc),
        ("x-client-cert", &xfcc),
        ("x-spiffe-id", WEB),
        ("x-countersign-workload", WEB),
        ("x-countersign-principal", &format!("Workload::\"{WEB}\"")),
        ("x-envoy-peer-metadata-id", WEB),
        ("client-cert", ":MIIB:"),
    ] {
        let forged = Ask::get("/call").header(name, value);
        for outcome in both(bench, address, &nobody, &forged) {
            outcome.refused(401, "workload-missing");
        }
        // A workload does not become another one either.
        for outcome in both(bench, address, &batch, &forged) {
            outcome.refused(403, "not-permitted");
        }
        let received = workload(bench, WEB).send(bench, address, &forged).expect("an answer").0.allowed();
        assert_eq!(received.header("x-countersign-workload"), [WEB], "{name}");
        assert_eq!(received.header("x-countersign-principal"), [format!("Workload::\"{WEB}\"")], "{name}");
    }
}

fn a_resumed_session_is_still_that_of_the_workload(bench: &Bench) {
    let address = bench.workloads(MUTUAL_TLS);
    for (client, expected) in [(workload(bench, WEB), None), (workload(bench, BATCH), Some((403, "not-permitted")))] {
        let mut resumed = 0;
        for _ in 0..4 {
            let (outcome, was_resumed) = client.send(bench, address, &Ask::get("/call")).expect("an answer");
            resumed += usize::from(was_resumed);
            match expected {
                None => drop(outcome.allowed()),
                Some((status, code)) => drop(outcome.refused(status, code)),
            }
        }
        assert!(resumed > 0, "no session was resumed");
    }
}

fn a_waypoint_names_the_workload_in_filter_state(bench: &Bench) {
    let address = bench.workloads("waypoint");
    let from = |principal: &str, ask: Ask| bench.ask_at(address, &ask.header("x-test-principal", principal));
    let call = || Ask::get("/call");
    for ask in [call(), call().http2(&[])] {
        assert_eq!(from(WEB, ask.clone()).allowed().header("x-countersign-workload"), [WEB]);
        from(BATCH, ask.clone()).refused(403, "not-permitted");
        for stranger in [
            "",
            "spiffe://example.com/ns/shop/sa/web",
            "spiffe://Example.org/ns/shop/sa/web",
            "spiffe://example.org/ns/shop/sa/web/",
            "spiffe://example.org",
            "example.org/ns/shop/sa/web",
            "spiffe://example.org/ns/shop/sa/web,spiffe://example.org/ns/shop/sa/batch",
        ] {
            from(stranger, ask.clone()).refused(401, "workload-missing");
        }
        bench
            .ask_at(address, &ask.header("x-forwarded-client-cert", format!("URI={WEB}")))
            .refused(401, "workload-missing");
    }
    let relay = || Ask::get("/relay").token(Token::of(ALICE).sign());
    from(WEB, relay()).allowed();
    from(BATCH, relay()).refused(403, "not-permitted");
    // A waypoint has no certificate that a token could be bound to.
    let bound = Token::of(ALICE).claim("cnf", json!({ "x5t#S256": tls::leaf(&bench.authority, &[]).thumbprint() }));
    from(WEB, Ask::get("/relay").token(bound.sign())).refused(401, "token-binding");
}
