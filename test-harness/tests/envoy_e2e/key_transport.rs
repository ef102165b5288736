//! What the cluster of a provider proves: keys come only from a server with the right certificate.

use serde_json::{Value, json};
use test_harness::envoy::Chain;
use test_harness::tls::Authority;

use crate::bench::{Bench, HOST, plugin_listener};
use crate::keys::{Issuer, configuration, path, unavailable};
use crate::tls;
use crate::{Scenario, scenarios};

pub const SCENARIOS: &[Scenario] = scenarios![keys_come_over_tls_from_who_has_the_right_certificate_alone];

/// Issuers by what their cluster demands of the one provider.
const RIGHT: &str = "right";
const OTHER_NAME: &str = "other_name";
const OTHER_AUTHORITY: &str = "other_authority";
const NO_TLS: &str = "no_tls";

fn keys_come_over_tls_from_who_has_the_right_certificate_alone(bench: &Bench) {
    let issuers = [RIGHT, OTHER_NAME, OTHER_AUTHORITY, NO_TLS].map(|name| {
        let url = format!("https://{HOST}{}", path(name));
        Issuer::with(name, json!({ "url": url, "cluster": name, "refetch_interval": "1s", "timeout": "2s" }))
    });
    for issuer in &issuers {
        bench.keys.login.publish(&path(issuer.name), &[&issuer.key]);
    }
    // An Envoy without the plugin ends TLS in front of the provider.
    let chain = Chain { name: "tls".to_owned(), cluster: "identity-provider".to_owned(), filters: Vec::new() };
    let mut listener = bench.example.listener(&chain);
    tls::end_tls(bench, &mut listener, false, &json!({}));
    let front = bench.envoy_with("key-transport-front", [listener]);
    let address = front.listener("tls").expect("the listener is there");

    let demands = |authority: &Authority, name: &str| -> Value {
        json!({
            "trusted_ca": { "inline_string": authority.pem() },
            "match_typed_subject_alt_names": [{ "san_type": "DNS", "matcher": { "exact": name } }]
        })
    };
    let mut bootstrap = bench.bootstrap_with([plugin_listener(bench, "keys", &configuration(&issuers))]);
    bootstrap.set_cluster_over_tls(RIGHT, address, HOST, &demands(&bench.authority, HOST));
    bootstrap.set_cluster_over_tls(OTHER_NAME, address, HOST, &demands(&bench.authority, "login.example.com"));
    bootstrap.set_cluster_over_tls(OTHER_AUTHORITY, address, HOST, &demands(&tls::authority(), HOST));
    bootstrap.set_cluster(NO_TLS, address);
    let envoy = bench.start_envoy("key-transport", &bootstrap).expect("envoy starts");
    let address = envoy.listener("keys").expect("the listener is there");

    let [right, others @ ..] = &issuers;
    bench.ask_at(address, &right.good()).allowed();
    for other in others {
        unavailable(bench.ask_at(address, &other.good()));
        let outcomes: Vec<String> = other.fetches(&envoy).into_keys().collect();
        assert_eq!(outcomes, ["status"], "{}", other.name);
        assert!(bench.keys.login.visits(&path(other.name)).is_empty(), "{} was asked", other.name);
    }
}
