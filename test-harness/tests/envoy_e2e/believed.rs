//! Facts that a client writes itself where the listener is not set up for the plugin that believes them.

use serde_json::{Value, json};
use test_harness::tls::Authority;
use test_harness::tokens::ALICE;

use crate::bench::{Ask, Bench, plugin_listener};
use crate::faults::{Fault, ask, manager};
use crate::tls;
use crate::{Scenario, scenarios};

pub const SCENARIOS: &[Scenario] = scenarios![
    a_certificate_that_anybody_can_make_names_the_peer,
    a_client_writes_the_address_that_a_permit_asks_for,
    a_client_makes_the_address_unknown_that_a_forbid_asks_for,
];

pub const FAULTS: &[Fault] = &[
    Fault {
        name: "untrusted-certificate",
        findings: &["peer-unverified"],
        listener: |bench| {
            let mut configuration = bench.example.plugin_configuration();
            configuration["peer"] = json!({ "from": "tls", "certificate": "validated" });
            configuration["policies"] = json!(format!(
                "@id(\"peer\") permit (principal is corp::User, action in Action::\"read\", resource == Route::\"shop/orders\")\n\
                 when {{ context has peer && context.peer has uri && context.peer.uri == \"{GATEWAY}\" }};"
            ));
            let mut listener = plugin_listener(bench, "main", &configuration);
            let authority = bench.authority.pem();
            let validation = json!({
                "trusted_ca": { "inline_string": authority }, "trust_chain_verification": "ACCEPT_UNTRUSTED"
            });
            tls::end_tls(bench, &mut listener, true, &validation);
            listener
        },
    },
    Fault {
        name: "address-forwarded",
        findings: &["client-address"],
        listener: |bench| {
            let mut configuration = bench.example.plugin_configuration();
            configuration["client_address"] = json!({ "from": "trusted_xff" });
            configuration["policies"] = json!(
                "@id(\"inside\") permit (principal is corp::User, action in Action::\"read\", resource == Route::\"shop/orders\")\n\
                 when { context.http_request has source_ip && context.http_request.source_ip.isInRange(ip(\"10.0.0.0/8\")) };"
            );
            without_remote_address(plugin_listener(bench, "main", &configuration))
        },
    },
    Fault {
        name: "address-unknown",
        findings: &["client-address"],
        listener: |bench| {
            let mut configuration = bench.example.plugin_configuration();
            configuration["policies"] = json!(concat!(
                "@id(\"read\") permit (principal is corp::User, action in Action::\"read\", resource == Route::\"shop/orders\");\n",
                "@id(\"blocked\") @missing(\"ignore\") forbid (principal is corp::User, action, resource)\n",
                "when { context.http_request has source_ip && context.http_request.source_ip.isLoopback() };\n",
            ));
            without_remote_address(plugin_listener(bench, "main", &configuration))
        },
    },
];

const GATEWAY: &str = "spiffe://example.com/ns/edge/sa/gateway";

fn without_remote_address(mut listener: Value) -> Value {
    manager(&mut listener).as_object_mut().expect("an object").remove("use_remote_address");
    listener
}

/// In both Envoys: digest and URI are those of a good certificate. What tells them apart (`connection.peer_certificate_valid`, from
/// Envoy 1.39 on) also denies good certificates once a session is resumed, so the plugin does not read it.
fn a_certificate_that_anybody_can_make_names_the_peer(bench: &Bench) {
    let address = bench.faults().listener("untrusted-certificate");
    let send = |authority: &Authority, uri: &str| {
        tls::send(bench, address, Some(&tls::leaf(authority, &[uri])), &Ask::get("/api/orders/7").by(ALICE))
    };
    send(&bench.authority, GATEWAY).allowed();
    send(&bench.authority, "spiffe://example.com/ns/shop/sa/web").refused(403, "not-permitted");
    send(&tls::authority(), GATEWAY).allowed();
}

fn a_client_writes_the_address_that_a_permit_asks_for(bench: &Bench) {
    let by_alice = || Ask::get("/api/orders/7").by(ALICE);
    ask(bench, "address-forwarded", &by_alice()).refused(403, "not-permitted");
    ask(bench, "address-forwarded", &by_alice().header("x-forwarded-for", "10.1.2.3")).allowed();
}

fn a_client_makes_the_address_unknown_that_a_forbid_asks_for(bench: &Bench) {
    let by_alice = || Ask::get("/api/orders/7").by(ALICE);
    ask(bench, "address-unknown", &by_alice()).refused(403, "forbidden-by-policy");
    ask(bench, "address-unknown", &by_alice().header("x-forwarded-for", "192.0.2.1")).allowed();
}
