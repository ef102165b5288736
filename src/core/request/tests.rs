//! What becomes of a request at the door.

use super::{Method, Request, RequestMethod, RequestParts};
use crate::limits::Limits;
use crate::portable;
use crate::refusal::Reason;

type Field<'a> = (&'a str, &'a [u8]);

fn parts(fields: &[Field]) -> RequestParts {
    let headers = fields.iter().copied().collect();
    RequestParts { headers, ..RequestParts::default() }
}

fn parse(parts: RequestParts) -> Result<Request, Reason> {
    Request::parse(parts, &Limits::default()).map_err(|refusal| refusal.reason)
}

fn with(fields: &[Field]) -> RequestParts {
    RequestParts::for_test("GET", "shop.example.com", "/a?b=c", fields)
}

const METHOD: Field = (":method", b"GET");
const AUTHORITY: Field = (":authority", b"a.example");
const PATH: Field = (":path", b"/");

#[portable]
fn a_request_is_read_into_its_parts() {
    let request = parse(RequestParts {
        source_address: Some("[::ffff:203.0.113.7]:1234".to_owned()),
        destination_port: Some(443),
        ..with(&[("x-a", b"\xff"), ("content-type", b"application/json")])
    })
    .expect("a request");
    assert_eq!(request.method, RequestMethod::Common(Method::Get));
    assert_eq!(request.host, "shop.example.com");
    assert_eq!((request.path.as_str(), request.query.as_str()), ("/a", "b=c"));
    assert_eq!(request.client_ip, Some("203.0.113.7".parse().expect("an address")));
    assert_eq!(request.destination_port, Some(443));
    assert_eq!(request.headers.names().collect::<Vec<_>>(), ["x-a", "content-type"]);
    assert!(!request.upgrade && request.preflight_for.is_none());
}

#[portable]
fn a_method_outside_the_table_is_refused() {
    for method in ["", "get", "CONNECT", "TRACE", "PURGE", "GET ", "PRI"] {
        let refused = parse(RequestParts::for_test(method, "a", "/", &[])).err();
        assert_eq!(refused, Some(Reason::MethodUnsupported), "{method}");
    }
    for method in RequestMethod::all() {
        assert!(parse(RequestParts::for_test(method.name(), "a", "/", &[])).is_ok(), "{}", method.name());
    }
}

#[portable]
fn a_missing_or_doubled_pseudo_header_is_refused() {
    for (fields, reason) in [
        (vec![AUTHORITY, PATH], Reason::MethodUnsupported),
        (vec![METHOD, METHOD, AUTHORITY, PATH], Reason::MethodUnsupported),
        (vec![METHOD, PATH], Reason::AuthorityMissing),
        (vec![METHOD, AUTHORITY, AUTHORITY, PATH], Reason::AuthorityMissing),
        (vec![METHOD, AUTHORITY], Reason::PathMissing),
        (vec![METHOD, AUTHORITY, PATH, PATH], Reason::PathAmbiguous),
        (vec![], Reason::MethodUnsupported),
    ] {
        assert_eq!(parse(parts(&fields)).err(), Some(reason), "{fields:?}");
    }
}

#[portable]
fn the_host_field_stands_in_for_the_authority_and_may_not_differ_from_it() {
    let host = |fields: &[Field]| parse(parts(fields)).map(|request| request.host);
    assert_eq!(host(&[METHOD, PATH, ("host", b"A.example:80")]).as_deref(), Ok("a.example"));
    assert_eq!(host(&[METHOD, PATH, AUTHORITY, ("host", b"a.example")]).as_deref(), Ok("a.example"));
    assert_eq!(host(&[METHOD, PATH, AUTHORITY, ("host", b"b.example")]), Err(Reason::AuthorityMalformed));
    let doubled: [Field; 4] = [METHOD, PATH, ("host", b"a"), ("host", b"a")];
    assert_eq!(host(&doubled), Err(Reason::AuthorityMissing));
    assert_eq!(host(&[METHOD, PATH, (":authority", b"user@a")]), Err(Reason::AuthorityMalformed));
}

#[portable]
fn as_many_headers_as_the_cap_are_taken_and_one_more_is_not() {
    let limits = Limits { max_headers: 10, ..Limits::default() };
    let fields: Vec<Field> = vec![("x", b""); 6];
    assert!(Request::parse(with(&fields), &limits).is_ok());
    let fields: Vec<Field> = vec![("x", b""); 7];
    let refusal = Request::parse(with(&fields), &limits).expect_err("11 with the pseudo-headers");
    assert_eq!(refusal.reason, Reason::HeadersTooLarge);
    assert_eq!(refusal.detail.to_string(), "11, at most 10");
}

#[portable]
fn as_many_header_bytes_as_the_cap_are_taken_and_one_more_is_not() {
    let without = with(&[]).headers.bytes();
    let limits = Limits { max_header_bytes: without + 10, ..Limits::default() };
    assert!(Request::parse(with(&[("12345", b"67890")]), &limits).is_ok());
    for fields in [("12345", &b"678901"[..]), ("123456", b"67890")] {
        let refusal = Request::parse(with(&[fields]), &limits).expect_err("one byte more");
        assert_eq!(refusal.reason, Reason::HeadersTooLarge);
    }
}

#[portable]
fn any_upgrade_field_asks_for_an_upgrade() {
    for fields in [&[("upgrade", &b"websocket"[..])][..], &[("upgrade", b"")], &[("upgrade", b"a"), ("upgrade", b"b")]]
    {
        assert!(parse(with(fields)).expect("a request").upgrade, "{fields:?}");
    }
}

#[portable]
fn a_preflight_is_options_with_one_origin_and_one_requested_method() {
    let origin: Field = ("origin", b"https://app.example.com");
    let requested: Field = ("access-control-request-method", b"PUT");
    let preflight = |method: &str, fields: &[Field]| {
        parse(RequestParts::for_test(method, "a", "/", fields)).map(|request| request.preflight_for)
    };
    assert_eq!(preflight("OPTIONS", &[origin, requested]), Ok(Some(RequestMethod::Common(Method::Put))));
    assert_eq!(preflight("GET", &[origin, requested]), Ok(None));
    assert_eq!(preflight("OPTIONS", &[origin]), Ok(None));
    assert_eq!(preflight("OPTIONS", &[requested]), Ok(None));
    assert_eq!(preflight("OPTIONS", &[origin, requested, requested]), Ok(None));
    assert_eq!(preflight("OPTIONS", &[origin, origin, requested]), Ok(None));
    let unknown: Field = ("access-control-request-method", b"PURGE");
    assert_eq!(preflight("OPTIONS", &[origin, unknown]), Err(Reason::MethodUnsupported));
}

#[portable]
fn what_asks_for_an_upgrade_is_no_preflight() {
    let fields: [Field; 3] =
        [("origin", b"https://a"), ("access-control-request-method", b"GET"), ("upgrade", b"websocket")];
    let request = parse(RequestParts::for_test("OPTIONS", "a", "/", &fields)).expect("a request");
    assert!(request.upgrade);
    assert_eq!(request.preflight_for, None);
}

#[portable]
fn a_grpc_call_is_known_by_its_content_type_also_before_it_is_parsed() {
    for (content_type, grpc) in [
        ("application/grpc", true),
        ("application/grpc+proto", true),
        ("application/grpc;x=y", true),
        ("application/grpc-web", false),
        ("application/grpcx", false),
        ("application/json", false),
        ("", false),
    ] {
        let parts = with(&[("content-type", content_type.as_bytes())]);
        assert_eq!(parts.is_grpc(), grpc, "{content_type}");
    }
}

#[portable]
fn an_address_that_is_none_is_unknown_and_no_reason_to_refuse() {
    let parts = RequestParts { source_address: Some("envoy://internal".to_owned()), ..with(&[]) };
    assert_eq!(parse(parts).expect("a request").client_ip, None);
}
