//! Tokens that are bound to a client's certificate (RFC 8705 section 3).

use serde_json::json;
use test_harness::tls::Leaf;
use test_harness::tokens::{ALICE, Token};

use crate::bench::{Ask, Bench, plugin_listener};
use crate::tls;
use crate::{Scenario, scenarios};

pub const SCENARIOS: &[Scenario] =
    scenarios![a_token_that_is_bound_to_a_certificate_passes_with_that_certificate_alone];

fn a_token_that_is_bound_to_a_certificate_passes_with_that_certificate_alone(bench: &Bench) {
    let mut configuration = bench.example.plugin_configuration();
    configuration["peer"] = json!({ "from": "tls" });
    let mut listener = plugin_listener(bench, "main", &configuration);
    let trusted = json!({ "trusted_ca": { "inline_string": bench.authority.pem() } });
    tls::end_tls(bench, &mut listener, false, &trusted);
    let envoy = bench.envoy_with("mtls", [listener]);
    let address = envoy.listener("main").expect("the listener is there");
    let [own, other] = [(); 2].map(|()| tls::leaf(&bench.authority, &[]));
    let send = |leaf: Option<&Leaf>, token: &Token| {
        let ask = Ask::get("/api/orders/7").token(token.sign()).posture(Token::about("laptop-1").sign());
        tls::send(bench, address, leaf, &ask)
    };

    let bound = Token::of(ALICE).claim("cnf", json!({ "x5t#S256": own.thumbprint() }));
    assert_eq!(send(Some(&own), &bound).allowed().header("x-countersign-subject"), ["alice"]);
    send(Some(&other), &bound).refused(401, "token-binding");
    send(None, &bound).refused(401, "token-binding");
    let more = Token::of(ALICE).claim("cnf", json!({ "x5t#S256": own.thumbprint(), "jkt": own.thumbprint() }));
    send(Some(&own), &more).refused(401, "token-binding");
    // A token that is bound to nothing asks for no certificate.
    for leaf in [Some(&own), None] {
        send(leaf, &Token::of(ALICE)).allowed();
    }
}
