//! Device providers without tokens: `certificate` and `trusted_peer`.

use serde_json::{Value, json};

use super::{also, assert_problem, document, plan, with};
use crate::portable;
use crate::profile::{CertificateFrom, CertificateName, PostureBinding, PostureSource};
use crate::request::SubjectAttribute;

const DIGEST: &str = "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a";

fn laptop() -> Value {
    json!({
        "certificate": {
            "from": "connection",
            "pins": { "subject": { "O": "Example Corp", "OU": ["A", "B"] } },
            "facts": {
                "serial": { "subject": "serialNumber" },
                "udid?": { "uri": "urn:udid:" },
                "name?": { "dns": ".devices.example.com" },
                "hardware?": { "permanent_identifier": true }
            }
        },
        "bind": { "token": "device_serial", "device": "serial" },
        "device": { "serial": "serial", "id": "udid" }
    })
}

fn edge() -> Value {
    json!({
        "trusted_peer": {
            "certificates": [DIGEST],
            "workloads": ["spiffe://example.org/edge"],
            "headers": {
                "managed": { "header": "X-Device-Managed", "type": "bool" },
                "id?": { "header": "x-device-id", "type": "string" }
            }
        },
        "bind": "none",
        "device": { "managed": "managed", "id": "none" }
    })
}

/// The document with this provider, and a peer whose names are believed.
fn of(provider: Value) -> Value {
    also(with("/devices/laptop", provider), "/peer", json!({ "from": "tls", "certificate": "validated" }))
}

/// The same with one member changed.
fn changed(provider: Value, pointer: &str, value: Value) -> Value {
    also(of(provider), &format!("/devices/laptop{pointer}"), value)
}

#[portable]
fn certificates_and_headers_describe_devices() {
    let (plan_of, _) = plan(&of(laptop()));
    let device = plan_of.devices.iter().find(|device| device.name().as_str() == "laptop").expect("the provider");
    assert!(matches!(&device.bind, PostureBinding::Claims { device, .. } if device.0 == ["serial"]));
    assert!(!device.has_age() && plan_of.reads_certificate_names());
    let rule = device.certificate().expect("certificates");
    assert_eq!(rule.from, CertificateFrom::Connection);
    let pins: Vec<_> = rule.pins.iter().map(|pin| (pin.attribute.name(), pin.values.len())).collect();
    assert_eq!(pins, [("O", 1), ("OU", 2)]);
    let facts: Vec<_> = rule.facts.iter().map(|fact| (fact.name.as_str(), fact.required)).collect();
    assert_eq!(facts, [("hardware", false), ("name", false), ("serial", true), ("udid", false)]);
    let names = [
        CertificateName::PermanentIdentifier,
        CertificateName::DnsBefore(".devices.example.com".to_owned()),
        CertificateName::Subject(SubjectAttribute::SerialNumber),
        CertificateName::UriAfter("urn:udid:".to_owned()),
    ];
    assert_eq!(rule.names, names);
    assert_eq!(device.headers().count(), 0);
    let mapped: Vec<_> = device.device.iter().map(|mapped| (mapped.member.name, mapped.fact.join("."))).collect();
    assert_eq!(mapped, [("id", "udid".to_owned()), ("serial", "serial".to_owned())]);

    let (plan_of, _) = plan(&of(edge()));
    let device = plan_of.devices.iter().find(|device| device.name().as_str() == "laptop").expect("the provider");
    let PostureSource::TrustedPeer(rule) = &device.source else { panic!("{device:?}") };
    assert_eq!((rule.peers.certificates.as_slice(), rule.peers.workloads.len()), ([[10; 32]].as_slice(), 1));
    assert_eq!(device.headers().collect::<Vec<_>>(), ["x-device-id", "x-device-managed"]);
    assert!(!plan_of.reads_certificate_names());

    let hops = json!([DIGEST, "spiffe://example.org/edge"]);
    let forwarded = changed(laptop(), "/certificate/from", json!("forwarded"));
    let (plan_of, _) = plan(&also(forwarded, "/devices/laptop/certificate/hops", hops));
    let device = plan_of.devices.iter().find(|device| device.name().as_str() == "laptop").expect("the provider");
    let from = &device.certificate().expect("certificates").from;
    assert!(
        matches!(from, CertificateFrom::Forwarded(hops) if hops.certificates.len() == 1 && hops.workloads.len() == 1)
    );
    assert_eq!(device.headers().collect::<Vec<_>>(), ["x-forwarded-client-cert"]);
}

#[portable]
fn what_is_read_of_a_connection_the_connection_must_prove() {
    let over = |provider: Value, peer: Value| also(with("/devices/laptop", provider), "/peer", peer);
    for peer in [
        json!({ "from": "none" }),
        json!({ "from": "tls" }),
        json!({ "from": "tls", "certificate": "any" }),
        json!({ "from": "istio-waypoint" }),
    ] {
        let place = "/devices/laptop/certificate/from";
        assert_problem(&over(laptop(), peer), place, "contradiction", "validated", "certificate: validated");
    }
    let mut forwarded = laptop();
    forwarded["certificate"]["from"] = json!("forwarded");
    forwarded["certificate"]["hops"] = json!(["spiffe://example.org/edge"]);
    let place = "/devices/laptop/certificate/from";
    let waypoint = json!({ "from": "istio-waypoint" });
    assert_problem(
        &over(forwarded, waypoint),
        place,
        "contradiction",
        "no certificate of the hop",
        "terminates the TLS",
    );
    let by = |certificates: bool| {
        let mut provider = edge();
        let member = if certificates { "workloads" } else { "certificates" };
        provider["trusted_peer"].as_object_mut().unwrap().remove(member);
        provider
    };
    plan(&over(by(true), json!({ "from": "tls" })));
    plan(&over(by(false), json!({ "from": "istio-waypoint" })));
    for (certificates, peer, place) in [
        (true, json!({ "from": "none" }), "/devices/laptop/trusted_peer/certificates"),
        (true, json!({ "from": "istio-waypoint" }), "/devices/laptop/trusted_peer/certificates"),
        (false, json!({ "from": "none" }), "/devices/laptop/trusted_peer/workloads"),
        (false, json!({ "from": "tls" }), "/devices/laptop/trusted_peer/workloads"),
    ] {
        assert_problem(
            &over(by(certificates), peer),
            place,
            "contradiction",
            "peers are named by",
            "peer: { from: tls",
        );
    }
}

#[portable]
fn each_wrong_member_of_a_certificate_is_named_at_its_place() {
    for (pointer, value, place, code, help) in [
        ("/certificate/from", json!("conn"), "/certificate/from", "bad-value", "connection"),
        ("/certificate/hops", json!([DIGEST]), "/certificate/hops", "contradiction", "from: forwarded"),
        ("/certificate/from", json!("forwarded"), "/certificate", "missing-field", "add `hops`"),
        ("/certificate/pins", json!({}), "/certificate/pins", "missing-field", "add `subject`"),
        ("/certificate/pins", json!({ "subject": {} }), "/certificate/pins/subject", "empty-list", "write"),
        (
            "/certificate/pins",
            json!({ "subject": { "SN": "x" } }),
            "/certificate/pins/subject/SN",
            "bad-name",
            "serialNumber",
        ),
        ("/certificate/pins", json!({ "subject": { "O": [] } }), "/certificate/pins/subject/O", "empty-list", "write"),
        ("/certificate/pins", json!({ "subject": { "O": "" } }), "/certificate/pins/subject/O", "bad-value", "write"),
        ("/certificate/pins", json!({ "subject": { "O": 7 } }), "/certificate/pins/subject/O", "wrong-type", "write"),
        ("/certificate/facts/serial", json!({}), "/certificate/facts/serial", "missing-field", "add `subject`"),
        (
            "/certificate/facts/serial",
            json!({ "subject": "serialnumber" }),
            "/certificate/facts/serial/subject",
            "bad-value",
            "did you mean `serialNumber`?",
        ),
        (
            "/certificate/facts/serial",
            json!({ "subject": "serialNumber", "uri": "urn:udid:" }),
            "/certificate/facts/serial",
            "contradiction",
            "write one of",
        ),
        (
            "/certificate/facts/serial",
            json!({ "uri": "urn:udid" }),
            "/certificate/facts/serial/uri",
            "bad-value",
            "separator",
        ),
        (
            "/certificate/facts/serial",
            json!({ "uri": "udid/" }),
            "/certificate/facts/serial/uri",
            "bad-value",
            "separator",
        ),
        (
            "/certificate/facts/serial",
            json!({ "dns": "example.com" }),
            "/certificate/facts/serial/dns",
            "bad-value",
            "dot",
        ),
        (
            "/certificate/facts/serial",
            json!({ "dns": ".Example.com" }),
            "/certificate/facts/serial/dns",
            "bad-value",
            "dot",
        ),
        ("/certificate/facts/serial", json!({ "dns": "." }), "/certificate/facts/serial/dns", "bad-value", "dot"),
        (
            "/certificate/facts/serial",
            json!({ "permanent_identifier": false }),
            "/certificate/facts/serial/permanent_identifier",
            "bad-value",
            "remove it",
        ),
        ("/certificate/facts/age", json!({ "subject": "CN" }), "/certificate/facts/age", "reserved-name", "remove it"),
        (
            "/certificate/facts/bound",
            json!({ "subject": "CN" }),
            "/certificate/facts/bound",
            "reserved-name",
            "remove it",
        ),
        ("/certificate/facts/udid", json!({ "subject": "CN" }), "/certificate/facts/udid?", "duplicate-value", "keep"),
        ("/bind/device", json!("udid"), "/bind/device", "unknown-fact", "without `?`"),
        ("/bind/device", json!("sub"), "/bind/device", "unknown-fact", "without `?`"),
        ("/device", json!({ "managed": "serial" }), "/device/managed", "contradiction", "name a fact"),
        ("/device", json!({ "serial": "sn" }), "/device/serial", "unknown-fact", "declared facts"),
        ("/issuer", json!("https://a.example"), "/issuer", "unknown-field", "known members"),
        ("/trusted_peer", json!({}), "/trusted_peer", "unknown-field", "known members"),
    ] {
        let document = changed(laptop(), pointer, value);
        let found = super::problems(&document);
        let place = format!("/devices/laptop{place}");
        let matching = found.iter().find(|error| error.pointer == place && error.code.code() == code);
        let error = matching.unwrap_or_else(|| panic!("{pointer}: {found:#?}"));
        assert!(error.help.contains(help), "{pointer}: {error:#?}");
    }
    let mut nothing = laptop();
    nothing["certificate"] = json!({ "from": "connection", "facts": { "udid?": { "uri": "urn:udid:" } } });
    nothing["bind"] = json!("none");
    assert_problem(&of(nothing), "/devices/laptop/certificate", "missing-field", "every certificate", "add `pins`");
}

#[portable]
fn each_wrong_member_of_a_trusted_peer_is_named_at_its_place() {
    let header = |name: &str, of: &str| json!({ "header": name, "type": of });
    for (pointer, value, place, code) in [
        ("/trusted_peer/certificates", json!([]), "/trusted_peer/certificates", "empty-list"),
        ("/trusted_peer/certificates", json!(["0a"]), "/trusted_peer/certificates/0", "bad-value"),
        ("/trusted_peer/certificates", json!([DIGEST, DIGEST]), "/trusted_peer/certificates/1", "duplicate-value"),
        ("/trusted_peer/workloads", json!(["spiffe://example.org"]), "/trusted_peer/workloads/0", "bad-value"),
        ("/trusted_peer/workloads", json!([DIGEST]), "/trusted_peer/workloads/0", "bad-value"),
        ("/trusted_peer/headers", json!({}), "/trusted_peer/headers", "empty-list"),
        ("/trusted_peer/headers/managed", json!("x-a"), "/trusted_peer/headers/managed", "wrong-type"),
        ("/trusted_peer/headers/managed", header("x_a", "bool"), "/trusted_peer/headers/managed/header", "bad-name"),
        (
            "/trusted_peer/headers/managed",
            header("authorization", "bool"),
            "/trusted_peer/headers/managed/header",
            "header-collision",
        ),
        (
            "/trusted_peer/headers/managed",
            header("x-device-posture", "bool"),
            "/devices/mdm/header",
            "header-collision",
        ),
        (
            "/trusted_peer/headers/managed",
            header("x-device-id", "bool"),
            "/trusted_peer/headers/managed/header",
            "header-collision",
        ),
        ("/trusted_peer/headers/managed", header("x-a", "scopes"), "/trusted_peer/headers/managed/type", "bad-value"),
        ("/trusted_peer/headers/age", header("x-a", "long"), "/trusted_peer/headers/age", "reserved-name"),
        ("/bind", json!({ "token": "sub", "device": "managed" }), "/bind/device", "unknown-fact"),
        ("/bind", json!({ "token": "sub", "device": "id" }), "/bind/device", "unknown-fact"),
    ] {
        let found = super::problems(&changed(edge(), pointer, value));
        let place = if place.starts_with("/devices") { place.to_owned() } else { format!("/devices/laptop{place}") };
        assert!(found.iter().any(|error| error.pointer == place && error.code.code() == code), "{pointer}: {found:#?}");
    }
    let mut nobody = edge();
    nobody["trusted_peer"].as_object_mut().unwrap().retain(|name, _| name == "headers");
    assert_problem(
        &of(nobody),
        "/devices/laptop/trusted_peer",
        "missing-field",
        "no peer is named",
        "add `certificates`",
    );
}

#[portable]
fn the_header_of_forwarded_certificates_has_one_meaning() {
    let mut forwarded = laptop();
    forwarded["certificate"]["from"] = json!("forwarded");
    forwarded["certificate"]["hops"] = json!([DIGEST]);
    // Two providers can go by one certificate.
    let two = also(of(forwarded.clone()), "/devices/phone", forwarded.clone());
    assert_eq!(plan(&two).0.devices.len(), document()["devices"].as_object().unwrap().len() + 2);
    let posture = also(of(forwarded), "/devices/mdm/header", json!("x-forwarded-client-cert"));
    let found = super::problems(&posture);
    assert!(found.iter().any(|error| error.code.code() == "header-collision"), "{found:#?}");
}
