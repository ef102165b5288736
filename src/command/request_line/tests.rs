//! Request lines.

use countersign_core::config::Plan;

use super::RequestLine;

fn fault(line: &str) -> String {
    RequestLine::parse(line.as_bytes()).unwrap_err().to_string()
}

#[test]
fn the_peer_is_what_the_configuration_believes_of_it() {
    let plan = |peer: &str| {
        let text = format!(
            r#"{{ "version": 1, "applications": {{ "a": {{ "any_host": true, "routes": {{ "r": {{ "path": "/" }} }} }} }},
                "policies": "", "peer": {peer} }}"#
        );
        Plan::compile(text.as_bytes()).unwrap_or_else(|errors| panic!("{errors:#?}")).0
    };
    let uri = r#", "peer_uri": "spiffe://example.org/a""#;
    let digest = format!(r#", "peer_certificate_sha256": "{}""#, "0a".repeat(32));
    let both = format!("{uri}{digest}");
    let (any, validated) = (r#"{ "from": "tls" }"#, r#"{ "from": "tls", "certificate": "validated" }"#);
    let waypoint = r#"{ "from": "istio-waypoint" }"#;
    for (peer, members, has_digest, has_uri) in [
        (r#"{ "from": "none" }"#, both.as_str(), false, false),
        (any, &both, true, false),
        (any, uri, false, false),
        (validated, &both, true, true),
        (validated, &digest, true, false),
        (validated, uri, false, true),
        (validated, "", false, false),
        (waypoint, &both, false, true),
        (waypoint, &digest, false, false),
    ] {
        let line = format!(r#"{{"id": "1", "method": "GET"{members}}}"#);
        let found = RequestLine::parse(line.as_bytes()).unwrap().parts(&plan(peer)).peer;
        assert_eq!((found.certificate_sha256.is_some(), found.uri.is_ok()), (has_digest, has_uri), "{peer} {members}");
    }
}

/// Of the certificate itself, digest, URI and names are read.
#[test]
fn the_certificate_of_the_peer_is_read_where_certificates_are_validated() {
    let plan = |certificate: &str, devices: &str| {
        let text = format!(
            r#"{{ "version": 1, "applications": {{ "a": {{ "any_host": true, "routes": {{ "r": {{ "path": "/" }} }} }} }},
                "policies": "", "peer": {{ "from": "tls", "certificate": "{certificate}" }} {devices} }}"#
        );
        Plan::compile(text.as_bytes()).unwrap_or_else(|errors| panic!("{errors:#?}")).0
    };
    let laptop = r#", "devices": { "laptop": { "bind": "none", "certificate": {
        "from": "connection", "facts": { "id": { "uri": "spiffe://" } } } } }"#;
    let pem = include_str!("../../core/request/certificate/one.pem");
    let line = serde_json::json!({ "id": "1", "method": "GET", "peer_certificate": pem }).to_string();
    for (plan, has_uri, has_names) in
        [(plan("validated", laptop), true, true), (plan("validated", ""), true, false), (plan("any", ""), false, false)]
    {
        let peer = RequestLine::parse(line.as_bytes()).unwrap().parts(&plan).peer;
        assert!(peer.certificate_sha256.is_some());
        assert_eq!((peer.uri.is_ok(), peer.names.is_ok()), (has_uri, has_names));
    }
    assert!(fault(r#"{"id": "1", "method": "GET", "peer_certificate": "x"}"#).contains("one certificate in PEM"));
}

#[test]
fn a_full_line_is_read() {
    let digest = "0a".repeat(32);
    let line = format!(
        r#"{{"id": "7", "method": "GET", "path": "/x", "authority": "h", "headers": [["X-A", "1"], ["x-a", {{"base64": "/w=="}}]],
            "source_address": "203.0.113.7:1234", "peer_certificate_sha256": "{digest}", "peer_uri": "spiffe://example.org/a",
            "destination_port": 443}}"#
    );
    let request = RequestLine::parse(line.as_bytes()).unwrap();
    assert_eq!(request.id, "7");
    let mut pseudo = request.pseudo_headers;
    pseudo.sort();
    let wanted = [(":authority", "h"), (":method", "GET"), (":path", "/x")];
    assert_eq!(pseudo, wanted.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())));
    assert_eq!(request.headers, [("x-a".to_owned(), b"1".to_vec()), ("x-a".to_owned(), vec![0xff])]);
    assert_eq!(request.source_address.as_deref(), Some("203.0.113.7:1234"));
    assert_eq!(request.peer_certificate_sha256, Some([0x0a; 32]));
    assert_eq!(request.peer_uri.as_deref(), Some("spiffe://example.org/a"));
    assert_eq!(request.destination_port, Some(443));
}

#[test]
fn path_and_authority_can_be_absent_and_be_bytes() {
    let request = RequestLine::parse(br#"{"id": "1", "method": "GET"}"#).unwrap();
    assert_eq!(request.pseudo_headers, [(":method".to_owned(), b"GET".to_vec())]);
    let request = RequestLine::parse(br#"{"id": "1", "method": "GET", "path": {"base64": "L/8="}}"#).unwrap();
    assert!(request.pseudo_headers.contains(&(":path".to_owned(), vec![b'/', 0xff])));
}

#[test]
fn a_bad_line_says_which_member_is_wrong() {
    let cases = [
        ("[]", "not a JSON object"),
        ("{", "not JSON"),
        (r#"{"method": "GET"}"#, "`id` is missing"),
        (r#"{"id": "1"}"#, "`method` is missing"),
        (r#"{"id": 1, "method": "GET"}"#, "`id` must be"),
        (r#"{"id": "1", "method": "GET", "id": "2"}"#, "not JSON"),
        (r#"{"id": "1", "method": "GET", "host": "h"}"#, "a request has no member `host`"),
        (r#"{"id": "1", "method": "GET", "path": {"base64": "?"}}"#, "`path` must be"),
        (r#"{"id": "1", "method": "GET", "headers": {"a": "b"}}"#, "`headers` must be"),
        (r#"{"id": "1", "method": "GET", "headers": [["a"]]}"#, "`headers` must be"),
        (r#"{"id": "1", "method": "GET", "headers": [[":path", "/"]]}"#, "`headers` must be"),
        (r#"{"id": "1", "method": "GET", "peer_certificate_sha256": "0a"}"#, "64 hexadecimal digits"),
        (r#"{"id": "1", "method": "GET", "peer_uri": 7}"#, "a string"),
        (r#"{"id": "1", "method": "GET", "destination_port": 65536}"#, "`destination_port` must be"),
        (r#"{"id": "1", "method": "GET", "source_address": 1}"#, "`source_address` must be"),
    ];
    for (line, wanted) in cases {
        let fault = fault(line);
        assert!(fault.contains(wanted), "{line}: {fault}");
    }
}

#[test]
fn an_address_from_forwarded_for_is_known_only_where_it_is_in_envoy() {
    let line = br#"{"id": "1", "method": "GET", "source_address": "203.0.113.7:0"}"#;
    let address = |from: &str| {
        let configuration = serde_json::json!({
            "version": 1, "policies": "", "client_address": { "from": from },
            "applications": { "shop": { "any_host": true, "routes": { "all": { "path": "/" } } } }
        });
        let (plan, _) = Plan::compile_value(&configuration).unwrap();
        RequestLine::parse(line).unwrap().parts(&plan).source_address
    };
    assert_eq!(address("connection"), None);
    assert_eq!(address("trusted_xff").as_deref(), Some("203.0.113.7:0"));
    assert_eq!(address("none"), None);
}
