//! What certificates and headers prove, and what only looks as if it did.

use std::rc::Rc;

use hmac_sha256::Hash;
use serde_json::{Value, json};

use super::{Tie, of_certificate, of_trusted_peer};
use crate::config::Plan;
use crate::identity::DeviceEvidence;
use crate::portable;
use crate::profile::{DeviceProvider, FactValue, PostureSource};
use crate::refusal::Refusal;
use crate::request::build::{attribute, certificate, pem, permanent_identifier, value};
use crate::request::{Certificate, CertificateNames, NoNames, Peer, Request};

const HOP: [u8; 32] = [7; 32];
const GATEWAY: &str = "spiffe://example.org/edge";

fn device(provider: &Value) -> DeviceProvider {
    let document = json!({
        "version": 1,
        "peer": { "from": "tls", "certificate": "validated" },
        "devices": { "laptop": provider },
        "applications": { "shop": { "hosts": ["shop.example.com"], "routes": { "any": { "path": "/" } } } },
        "policies": "@id(\"none\") forbid (principal, action, resource);"
    });
    let (plan, _) = Plan::compile_value(&document).unwrap_or_else(|errors| panic!("{errors:#?}"));
    plan.devices.into_iter().next().expect("a device")
}

fn evidence(provider: &DeviceProvider, request: &Request) -> Result<DeviceEvidence, Refusal> {
    let tie = Tie { provider, access_token: None };
    match &provider.source {
        PostureSource::Certificate(rule) => of_certificate(rule, tie, request),
        PostureSource::TrustedPeer(rule) => of_trusted_peer(rule, tie, request),
        PostureSource::Token(_) => panic!("no token"),
    }
}

/// The facts that come of it, or `missing`, or why it is disregarded or refused.
fn outcome(provider: &DeviceProvider, request: &Request) -> Result<Vec<(String, FactValue)>, String> {
    match evidence(provider, request) {
        Ok(DeviceEvidence::Verified(device)) => {
            assert_eq!((device.age, device.bound), (None, false));
            Ok(Rc::unwrap_or_clone(device.facts).into_iter().collect())
        }
        Ok(DeviceEvidence::Missing) => Err("missing".to_owned()),
        Ok(DeviceEvidence::Disregarded { why }) => Err(format!("disregarded: {why}")),
        Ok(DeviceEvidence::Stale { .. }) => panic!("no age"),
        Err(refusal) => Err(format!("{}: {}", refusal.reason.code(), refusal.detail)),
    }
}

fn text(name: &str, value: &str) -> (String, FactValue) {
    (name.to_owned(), FactValue::String(value.to_owned()))
}

fn over(peer: Peer, fields: Fields<'_>) -> Request {
    Request { peer, ..Request::for_test(fields) }
}

/// A connection with this certificate.
fn with_certificate(der: &[u8]) -> Request {
    let names = Certificate::of_pem(&pem(der)).names;
    over(Peer::of_validated_certificate(Hash::hash(der), None, None).with_names(names), &[])
}

/// The attributes of a subject.
type Parts<'p> = &'p [&'p [u8]];

/// Header fields.
type Fields<'f> = &'f [(&'f str, &'f [u8])];

const O: u8 = 0x0a;
const SERIAL: u8 = 0x05;

fn utf8(identifier: u8, text: &str) -> Vec<u8> {
    attribute(identifier, 0x0c, text.as_bytes())
}

/// The subject and the alternative names of an honest certificate.
fn honest() -> (Vec<u8>, Vec<u8>) {
    let subject = [utf8(O, "Example Corp"), utf8(SERIAL, "C02")].concat();
    let names = [
        value(0x86, b"urn:udid:00008110"),
        value(0x82, b"laptop-1.devices.example.com"),
        permanent_identifier(&value(0x0c, b"HW-1")),
    ];
    (subject, names.concat())
}

fn laptop(from: &Value) -> Value {
    let mut certificate = json!({
        "pins": { "subject": { "O": ["Example Corp", "Example GmbH"] } },
        "facts": {
            "serial": { "subject": "serialNumber" },
            "udid?": { "uri": "urn:udid:" },
            "name?": { "dns": ".devices.example.com" },
            "hardware?": { "permanent_identifier": true }
        }
    });
    certificate.as_object_mut().unwrap().extend(from.as_object().unwrap().clone());
    json!({ "certificate": certificate, "bind": "none" })
}

#[portable]
fn a_certificate_of_the_provider_states_its_facts() {
    let provider = device(&laptop(&json!({ "from": "connection" })));
    let (subject, names) = honest();
    let all = vec![text("hardware", "HW-1"), text("name", "laptop-1"), text("serial", "C02"), text("udid", "00008110")];
    assert_eq!(outcome(&provider, &with_certificate(&certificate(&subject, &names))), Ok(all));
    let few = certificate(&[utf8(SERIAL, "C02"), utf8(O, "Example GmbH")].concat(), &[]);
    assert_eq!(outcome(&provider, &with_certificate(&few)), Ok(vec![text("serial", "C02")]));
}

#[portable]
fn a_certificate_that_is_not_exactly_one_of_the_providers_counts_as_missing() {
    let provider = device(&laptop(&json!({ "from": "connection" })));
    let (subject, names) = honest();
    let of =
        |subject: &[&[u8]], names: &[u8]| outcome(&provider, &with_certificate(&certificate(&subject.concat(), names)));
    let (ours, serial) = (utf8(O, "Example Corp"), utf8(SERIAL, "C02"));
    let udid = value(0x86, b"urn:udid:1");
    let rows: &[(Parts<'_>, &[u8], &str)] = &[
        (&[&utf8(O, "Other Corp"), &serial], &names, "`O` is not as `pins` says"),
        (&[&utf8(O, "example corp"), &serial], &names, "`O` is not as `pins` says"),
        (&[&utf8(O, "Example Corp "), &serial], &names, "`O` is not as `pins` says"),
        (&[&utf8(O, "Example Corp\u{200b}"), &serial], &names, "`O` is not as `pins` says"),
        (&[&utf8(O, "Example Corp\0"), &serial], &names, "`O` is in the certificate, but not as plain text"),
        (&[&serial], &names, "`O` is not in the certificate"),
        (&[&utf8(0x0b, "Example Corp"), &serial], &names, "`O` is not in the certificate"),
        (&[&utf8(0x03, "x,O=Example Corp"), &serial], &names, "`O` is not in the certificate"),
        (&[&ours, &utf8(O, "Other Corp"), &serial], &names, "`O` is in the certificate more than once"),
        (&[&utf8(O, "Other Corp"), &ours, &serial], &names, "`O` is in the certificate more than once"),
        (&[&ours, &ours, &serial], &names, "`O` is in the certificate more than once"),
        (&[&ours], &names, "`serial` is not in the certificate"),
        (&[&ours, &utf8(0x03, "x,serialNumber=C02")], &names, "`serial` is not in the certificate"),
        (&[&ours, &serial, &utf8(SERIAL, "C99")], &names, "`serial` is in the certificate more than once"),
        (&[&ours, &utf8(SERIAL, "C02\0")], &names, "`serial` is in the certificate, but not as plain text"),
        // An optional fact too is there once or not at all.
        (&[&subject], &[udid.as_slice(), &udid].concat(), "`udid` is in the certificate more than once"),
        (
            &[&subject],
            &[udid.as_slice(), &value(0x86, b"urn:udid:2")].concat(),
            "`udid` is in the certificate more than once",
        ),
        (&[&subject], &value(0x86, b"urn:udid:\x01"), "`udid` is in the certificate, but not as plain text"),
        (&[&subject], &value(0x82, b"*.devices.example.com"), "`name` is in the certificate, but not as plain text"),
    ];
    for (subject, names, why) in rows {
        assert_eq!(of(subject, names), Err(format!("disregarded: {why}")));
    }
    assert!(of(&[&ours, &serial], &names).is_ok());
}

#[portable]
fn a_connection_whose_certificate_cannot_be_read_proves_no_device() {
    let provider = device(&laptop(&json!({ "from": "connection" })));
    let peer = || Peer::of_validated_certificate(HOP, Some(b"urn:udid:1"), None);
    for (peer, expected) in [
        (Peer::without_certificate(), "missing"),
        (peer().with_names(Err(NoNames::Unreadable)), "disregarded: the client certificate cannot be read"),
        (peer().with_names(Err(NoNames::TooMany)), "disregarded: the client certificate has more names than are read"),
        (peer(), "disregarded: the names in client certificates are not read"),
        (Peer::of_any_certificate(HOP), "disregarded: the names in client certificates are not read"),
        (Peer::default(), "disregarded: the names in client certificates are not read"),
    ] {
        assert_eq!(outcome(&provider, &over(peer, &[])), Err(expected.to_owned()));
    }
    // Where the host gives only text, that is read.
    let told = CertificateNames::of_host(b"serialNumber=C02,O=Example Corp", None, None).map(Rc::new);
    assert_eq!(outcome(&provider, &over(peer().with_names(told), &[])), Ok(vec![text("serial", "C02")]));
    let injected = CertificateNames::of_host(b"CN=a\\,serialNumber\\=C02,O=Example Corp", None, None).map(Rc::new);
    let expected = Err("disregarded: `serial` is not in the certificate".to_owned());
    assert_eq!(outcome(&provider, &over(peer().with_names(injected), &[])), expected);
}

/// The header that a hop sends about a certificate.
fn forwarded(der: &[u8]) -> String {
    let text = String::from_utf8(pem(der)).unwrap();
    let text = text.replace('\n', "%0A").replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    format!("Hash={};Cert=\"{text}\"", hex::encode(Hash::hash(der)))
}

#[portable]
fn a_forwarded_certificate_is_believed_of_a_named_hop_alone() {
    let hops = json!({ "from": "forwarded", "hops": [hex::encode(HOP), GATEWAY] });
    let provider = device(&laptop(&hops));
    let (subject, names) = honest();
    let der = certificate(&subject, &names);
    let header = forwarded(&der);
    let fields: Fields<'_> = &[("x-forwarded-client-cert", header.as_bytes())];
    let of = |peer: Peer, fields: Fields<'_>| outcome(&provider, &over(peer, fields));
    let hop = || Peer::of_any_certificate(HOP);
    let gateway = |uri: &str| Peer::of_validated_certificate([1; 32], Some(uri.as_bytes()), None);
    assert!(of(hop(), fields).is_ok());
    assert!(of(gateway(GATEWAY), fields).is_ok());
    let not_a_hop = Err("disregarded: the connection is not that of a hop in `hops`".to_owned());
    for stranger in [
        Peer::of_any_certificate([8; 32]),
        Peer::without_certificate(),
        Peer::default(),
        gateway("spiffe://example.org/edge2"),
        gateway("spiffe://example.org/edge/"),
        gateway("spiffe://Example.org/edge"),
        Peer::of_validated_certificate([1; 32], None, None),
        // The device itself, with its own certificate.
        Peer::of_any_certificate(Hash::hash(&der)),
    ] {
        assert_eq!(of(stranger.clone(), fields), not_a_hop);
        // What is in it makes no difference, nor does how often it is there.
        assert_eq!(of(stranger.clone(), &[("x-forwarded-client-cert", b"x")]), not_a_hop);
        assert_eq!(of(stranger.clone(), &[fields[0], fields[0]]), not_a_hop);
        assert_eq!(of(stranger, &[]), Err("missing".to_owned()));
    }
    assert_eq!(of(hop(), &[]), Err("missing".to_owned()));
    assert_eq!(of(hop(), &[("x_forwarded_client_cert", header.as_bytes())]), Err("missing".to_owned()));
    let other = forwarded(&certificate(&[utf8(O, "Other Corp"), utf8(SERIAL, "C02")].concat(), &[]));
    let expected = Err("disregarded: `O` is not as `pins` says".to_owned());
    assert_eq!(of(hop(), &[("x-forwarded-client-cert", other.as_bytes())]), expected);
    // The listener has written the hop's own certificate into the header.
    let own = Peer::of_any_certificate(HOP);
    let own = Peer { certificate_sha256: Some(Hash::hash(&der)), ..own };
    let own_hop = device(&laptop(&json!({ "from": "forwarded", "hops": [hex::encode(Hash::hash(&der))] })));
    let expected = Err("disregarded: the forwarded certificate is the hop's own".to_owned());
    assert_eq!(outcome(&own_hop, &over(own, fields)), expected);
}

#[portable]
fn a_malformed_header_of_a_named_hop_is_refused() {
    let provider = device(&laptop(&json!({ "from": "forwarded", "hops": [hex::encode(HOP)] })));
    let (subject, names) = honest();
    let header = forwarded(&certificate(&subject, &names));
    let field = ("x-forwarded-client-cert", header.as_bytes());
    let two = format!("{header},{header}");
    let rows: [(Fields<'_>, &str); 4] = [
        (&[field, field], "`x-forwarded-client-cert` has more than one element"),
        (&[("x-forwarded-client-cert", two.as_bytes())], "`x-forwarded-client-cert` has more than one element"),
        (&[("x-forwarded-client-cert", b"")], "`x-forwarded-client-cert` is malformed"),
        (
            &[("x-forwarded-client-cert", b"Hash=00;Subject=\"serialNumber=C02,O=Example Corp\"")],
            "`x-forwarded-client-cert` does not have `Cert` exactly once: the hop must set `cert: true`",
        ),
    ];
    for (fields, why) in rows {
        let found = outcome(&provider, &over(Peer::of_any_certificate(HOP), fields));
        assert_eq!(found, Err(format!("posture-refused: {why}")));
    }
}

fn managed() -> DeviceProvider {
    device(&json!({
        "trusted_peer": {
            "certificates": [hex::encode(HOP)],
            "workloads": [GATEWAY],
            "headers": {
                "managed": { "header": "x-device-managed", "type": "bool" },
                "score?": { "header": "x-device-score", "type": "long" },
                "owner?": { "header": "x-device-owner", "type": "string" },
                "os?": { "header": "x-device-os", "type": "version" },
                "address?": { "header": "x-device-address", "type": "ip" }
            }
        },
        "bind": "none"
    }))
}

#[portable]
fn headers_of_a_trusted_peer_are_typed_facts() {
    let provider = managed();
    let fields: Fields<'_> = &[
        ("x-device-managed", b"true"),
        ("x-device-score", b"-12"),
        ("x-device-owner", b"A. Smith, 2nd floor"),
        ("x-device-address", b"203.0.113.7"),
    ];
    let gateway = Peer::of_validated_certificate([1; 32], Some(GATEWAY.as_bytes()), None);
    for peer in [Peer::of_any_certificate(HOP), gateway] {
        let expected = vec![
            ("address".to_owned(), FactValue::Ip("203.0.113.7".to_owned())),
            ("managed".to_owned(), FactValue::Bool(true)),
            text("owner", "A. Smith, 2nd floor"),
            ("score".to_owned(), FactValue::Long(-12)),
        ];
        assert_eq!(outcome(&provider, &over(peer, fields)), Ok(expected));
    }
    let os: &[(&str, &[u8])] = &[("x-device-managed", b"false"), ("x-device-os", b"14.10")];
    let found = outcome(&provider, &over(Peer::of_any_certificate(HOP), os)).expect("facts");
    assert!(matches!(found.as_slice(), [(managed, FactValue::Bool(false)), (os, FactValue::Record(_))]
        if managed == "managed" && os == "os"));
}

#[portable]
fn headers_of_anybody_else_count_as_missing() {
    let provider = managed();
    let fields: Fields<'_> = &[("x-device-managed", b"true")];
    let not_trusted = Err("disregarded: the connection is not that of a peer in `trusted_peer`".to_owned());
    for stranger in [
        Peer::of_any_certificate([8; 32]),
        Peer::without_certificate(),
        Peer::default(),
        Peer::of_validated_certificate([1; 32], Some(b"spiffe://example.org/edge/x"), None),
    ] {
        assert_eq!(outcome(&provider, &over(stranger.clone(), fields)), not_trusted);
        assert_eq!(outcome(&provider, &over(stranger.clone(), &[("x-device-score", b"x")])), not_trusted);
        assert_eq!(outcome(&provider, &over(stranger, &[])), Err("missing".to_owned()));
    }
    assert_eq!(outcome(&provider, &over(Peer::of_any_certificate(HOP), &[])), Err("missing".to_owned()));
}

#[portable]
fn a_header_of_a_trusted_peer_that_is_not_exactly_as_declared_is_refused() {
    let provider = managed();
    let long = [b'a'; crate::limits::MAX_POSTURE_HEADER_BYTES + 1];
    let at_cap = long.split_last().expect("a byte").1;
    let managed = ("x-device-managed", &b"true"[..]);
    let of = |fields: Fields<'_>| outcome(&provider, &over(Peer::of_any_certificate(HOP), fields));
    let owner = |value: &[u8]| of(&[managed, ("x-device-owner", value)]);
    assert!(owner(at_cap).is_ok());
    let bad = "posture-refused: `owner` is in a header that is empty or not printable ASCII";
    let rows: Vec<(Result<_, String>, &str)> = vec![
        (owner(&long), "posture-refused: `owner` is in a header that is too long"),
        (owner(b""), bad),
        (owner(b" a"), bad),
        (owner(b"a "), bad),
        (owner(b"a\tb"), bad),
        (owner(b"a\0b"), bad),
        (owner(b"a\x7fb"), bad),
        (owner("ä".as_bytes()), bad),
        (owner(b"\xff"), bad),
        (of(&[managed, managed]), "posture-refused: `managed` is in more than one header"),
        (of(&[managed, ("x-device-managed", b"false")]), "posture-refused: `managed` is in more than one header"),
    ];
    for (found, expected) in rows {
        assert_eq!(found, Err(expected.to_owned()));
    }
    for (name, value) in [
        ("x-device-managed", &b"True"[..]),
        ("x-device-managed", b"1"),
        ("x-device-managed", b"true,true"),
        ("x-device-managed", b"yes"),
        ("x-device-score", b"01"),
        ("x-device-score", b"+1"),
        ("x-device-score", b"1.0"),
        ("x-device-score", b"1,2"),
        ("x-device-score", b"9223372036854775808"),
        ("x-device-os", b"14.x"),
        ("x-device-address", b"203.0.113.7, 203.0.113.8"),
    ] {
        let fields: Fields<'_> = if name == "x-device-managed" { &[(name, value)] } else { &[managed, (name, value)] };
        let found = of(fields).expect_err("another type");
        assert!(found.starts_with("token-claim-type: "), "{name} {}: {found}", value.escape_ascii());
    }
    // A fact that is always there must be.
    assert_eq!(of(&[("x-device-score", b"1")]), Err("token-claim-missing: `managed`".to_owned()));
}
