//! Devices that are known without a token of their own: by the certificate of the connection, by one that a hop forwards,
//! and by plain headers of a trusted peer.

use serde_json::{Value, json};
use test_harness::keys::corp_key_set;
use test_harness::tls::Leaf;
use test_harness::tokens::{ALICE, Token};

use crate::bench::{Ask, Bench, HOST, Outcome, plugin_listener};
use crate::faults::manager;
use crate::tls::{self, Client};
use crate::{Scenario, scenarios};

pub const SCENARIOS: &[Scenario] =
    scenarios![a_device_is_known_by_its_certificate_by_a_named_hop_and_by_a_trusted_peer,];

/// Routes that require each kind of evidence, one that requires none, and one that asks for the URI in a certificate.
fn configuration(hop: &Leaf) -> Value {
    let facts = json!({ "serial": { "subject": "serialNumber" }, "udid?": { "uri": "urn:udid:" } });
    let pins = json!({ "subject": { "O": "Example Corp" } });
    let route = |path: &str, device: &str| json!({ "path": path, "requires": ["corp", device] });
    json!({
        "version": 1,
        "issuers": { "corp": {
            "issuer": "https://login.example.com", "audiences": ["shop"], "typ": ["at+jwt"],
            "keys": { "inline": corp_key_set() }, "principal": { "id": "sub" }
        } },
        "peer": { "from": "tls", "certificate": "validated" },
        "devices": {
            "laptop": {
                "certificate": { "from": "connection", "pins": pins, "facts": facts },
                "bind": { "token": "device_serial", "device": "serial" },
                "device": { "serial": "serial", "id": "udid" }
            },
            "phone": {
                "certificate": { "from": "forwarded", "hops": [hop.sha256()], "pins": pins, "facts": facts },
                "bind": "none"
            },
            "edge": {
                "trusted_peer": {
                    "certificates": [hop.sha256()],
                    "headers": { "managed": { "header": "x-device-managed", "type": "bool" } }
                },
                "bind": "none",
                "device": { "managed": "managed" }
            }
        },
        "applications": { "shop": { "hosts": [HOST], "routes": {
            "laptop": route("/laptop", "laptop"),
            "udid": route("/udid", "laptop"),
            "phone": route("/phone", "phone"),
            "edge": route("/edge", "edge"),
            "any": { "path": "/any", "requires": ["corp"] }
        } } },
        "policies": concat!(
            "@id(\"laptop\") permit (principal is corp::User, action, resource == Route::\"shop/laptop\")\n",
            "when { context.laptop.serial == \"C02\" && context.laptop.bound && context has device.serial\n",
            "&& context.device.serial == \"C02\" && !(context has device.evidence.age_seconds) };\n",
            "@id(\"udid\") permit (principal is corp::User, action, resource == Route::\"shop/udid\")\n",
            "when { context.laptop has udid && context.laptop.udid == \"00008110\" };\n",
            "@id(\"phone\") permit (principal is corp::User, action, resource == Route::\"shop/phone\")\n",
            "when { context.phone.serial == \"C02\" };\n",
            "@id(\"edge\") permit (principal is corp::User, action, resource == Route::\"shop/edge\")\n",
            "when { context.edge.managed && context has device.managed && context.device.managed };\n",
            "@id(\"any\") permit (principal is corp::User, action, resource == Route::\"shop/any\");\n",
        )
    })
}

/// As Envoy forwards a certificate.
fn forwarded(leaf: &Leaf) -> String {
    let pem = [("\n", "%0A"), (" ", "%20"), ("+", "%2B"), ("/", "%2F"), ("=", "%3D")]
        .iter()
        .fold(leaf.pem().to_owned(), |text, (plain, code)| text.replace(plain, code));
    format!("Hash={};Cert=\"{pem}\";Subject=\"serialNumber=C99,O=Example Corp\"", leaf.sha256())
}

fn a_device_is_known_by_its_certificate_by_a_named_hop_and_by_a_trusted_peer(bench: &Bench) {
    let issue = |names: [&str; 3], uris: &[&str]| bench.authority.device(names, uris).expect("a certificate");
    let hop = tls::leaf(&bench.authority, &[]);
    let validation = json!({ "trusted_ca": { "inline_string": bench.authority.pem() } });
    let [listener, removing] = ["devices", "removing"].map(|name| {
        let mut listener = plugin_listener(bench, name, &configuration(&hop));
        tls::end_tls(bench, &mut listener, false, &validation);
        listener
    });
    let mut listener = listener;
    manager(&mut listener)["forward_client_cert_details"] = json!("FORWARD_ONLY");
    let envoy = bench.envoy_with("device-evidence", [listener, removing]);
    let address = envoy.listener("devices").expect("the listener is there");
    let removing = envoy.listener("removing").expect("the listener is there");

    let ask = |path: &str| Ask::get(path).token(Token::of(ALICE).claim("device_serial", json!("C02")).sign());
    let send = |leaf: Option<&Leaf>, ask: &Ask| -> [Outcome; 2] {
        let client = Client::new(bench, leaf);
        let over_http1 = client.send(bench, address, ask).expect("an answer").0;
        [over_http1, client.send_over_http2(bench, address, ask)]
    };
    let refused = |outcomes: [Outcome; 2], status: u16, code: &str| {
        for outcome in outcomes {
            outcome.refused(status, code);
        }
    };

    // The certificate of the connection, each beside ones that only resemble it.
    let own = issue(["Example Corp", "laptop-1", "C02"], &["urn:udid:00008110"]);
    for outcome in send(Some(&own), &ask("/laptop")).into_iter().chain(send(Some(&own), &ask("/udid"))) {
        outcome.allowed();
    }
    for stranger in [
        issue(["Other Corp", "laptop-1", "C02"], &[]),
        issue(["", "laptop-1,O=Example Corp", "C02"], &[]),
        issue(["Example Corp", "laptop-1,serialNumber=C02", ""], &[]),
        issue(["Example Corp+serialNumber=C02", "laptop-1", ""], &[]),
    ] {
        refused(send(Some(&stranger), &ask("/laptop")), 401, "posture-missing");
        // A certificate that describes no device is no fault.
        for outcome in send(Some(&stranger), &ask("/any")) {
            outcome.allowed();
        }
    }
    refused(send(None, &ask("/laptop")), 401, "posture-missing");
    let other = issue(["Example Corp", "laptop-9", "C99"], &["urn:udid:00008110"]);
    refused(send(Some(&other), &ask("/laptop")), 401, "posture-not-bound");
    refused(send(Some(&other), &ask("/any")), 401, "posture-not-bound");
    let unnamed = issue(["Example Corp", "laptop-1", "C02"], &["urn:uuid:00008110"]);
    refused(send(Some(&unnamed), &ask("/udid")), 403, "not-permitted");

    // A certificate that the named hop forwards; the names beside it in the header count for nothing.
    let header = forwarded(&own);
    let phone = ask("/phone").header("x-forwarded-client-cert", &header);
    for outcome in send(Some(&hop), &phone) {
        assert!(outcome.allowed().header("x-forwarded-client-cert").is_empty());
    }
    let of_other = ask("/phone").header("x-forwarded-client-cert", forwarded(&other));
    refused(send(Some(&hop), &of_other), 403, "not-permitted");
    refused(send(Some(&hop), &ask("/phone")), 401, "posture-missing");
    let two = ask("/phone").header("x-forwarded-client-cert", format!("{header},{header}"));
    refused(send(Some(&hop), &two), 401, "posture-refused");
    // Of anybody else it is ignored, and removed.
    let foreign = issue(["Other Corp", "laptop-7", "C77"], &[]);
    for stranger in [Some(&foreign), Some(&unnamed), None] {
        refused(send(stranger, &phone), 401, "posture-missing");
    }
    let ignored = ask("/any").header("x-forwarded-client-cert", &header);
    for outcome in send(Some(&unnamed), &ignored) {
        assert!(outcome.allowed().header("x-forwarded-client-cert").is_empty());
    }
    // A listener with Envoy's default removes the header before the plugin sees it.
    let over_removing = Client::new(bench, Some(&hop)).send(bench, removing, &phone).expect("an answer").0;
    over_removing.refused(401, "posture-missing");

    // Plain headers of the trusted peer.
    let edge = |value: &str| ask("/edge").header("x-device-managed", value);
    for outcome in send(Some(&hop), &edge("true")) {
        assert!(outcome.allowed().header("x-device-managed").is_empty());
    }
    refused(send(Some(&hop), &edge("false")), 403, "not-permitted");
    refused(send(Some(&hop), &edge("yes")), 401, "posture-refused");
    refused(send(Some(&hop), &edge("true").header("x-device-managed", "true")), 401, "posture-refused");
    for stranger in [Some(&foreign), Some(&unnamed), None] {
        refused(send(stranger, &edge("true")), 401, "posture-missing");
    }
    for outcome in send(Some(&unnamed), &ask("/any").header("x-device-managed", "true")) {
        assert!(outcome.allowed().header("x-device-managed").is_empty());
    }
}
