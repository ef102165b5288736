//! Honest certificates, each beside hostile ones that look like it.

use super::{CertificateNames, NameFault, NoNames};
use crate::portable;
use crate::request::certificate::build::{attribute, certificate, one, permanent_identifier, value};
use crate::request::certificate::{Certificate, SubjectAttribute, x509};

const CN: u8 = 0x03;
const SERIAL: u8 = 0x05;
const O: u8 = 0x0a;
const UTF8: u8 = 0x0c;
const PRINTABLE: u8 = 0x13;

type Found = Result<&'static str, NameFault>;

const ABSENT: Found = Err(NameFault::Absent);
const REPEATED: Found = Err(NameFault::Repeated);
const UNREADABLE: Found = Err(NameFault::Unreadable);

fn read(subject: &[u8], alternative_names: &[u8]) -> CertificateNames {
    let names = Certificate::of_der(&certificate(subject, alternative_names)).names;
    names.map(std::rc::Rc::unwrap_or_clone).expect("a certificate that can be read")
}

#[portable]
fn an_attribute_of_the_subject_is_a_fact_if_it_is_there_once_as_plain_text() {
    let rows: &[(&[Vec<u8>], Found)] = &[
        (&[attribute(SERIAL, PRINTABLE, b"C02XK1")], Ok("C02XK1")),
        (&[attribute(SERIAL, UTF8, b"C02XK1")], Ok("C02XK1")),
        (&[attribute(SERIAL, 0x16, b"C02XK1")], Ok("C02XK1")),
        (&[attribute(SERIAL, 0x12, b"12345")], Ok("12345")),
        (&[attribute(SERIAL, UTF8, "gerät".as_bytes())], Ok("gerät")),
        (&[attribute(CN, UTF8, b"a"), attribute(SERIAL, UTF8, b"b")], Ok("b")),
        (&[value(0x31, &[one(CN, UTF8, b"a"), one(SERIAL, UTF8, b"b")].concat())], Ok("b")),
        (&[], ABSENT),
        (&[attribute(CN, UTF8, b"serialNumber=C02XK1")], ABSENT),
        (&[attribute(CN, UTF8, b"a,serialNumber=C02XK1")], ABSENT),
        // An attribute of another kind: the same last byte under another identifier.
        (&[value(0x31, &value(0x30, &[value(0x06, &[0x55, 0x05, SERIAL]), value(UTF8, b"b")].concat()))], ABSENT),
        (&[attribute(SERIAL, UTF8, b"a"), attribute(SERIAL, UTF8, b"b")], REPEATED),
        (&[attribute(SERIAL, UTF8, b"a"), attribute(SERIAL, UTF8, b"a")], REPEATED),
        (&[value(0x31, &[one(SERIAL, UTF8, b"a"), one(SERIAL, UTF8, b"b")].concat())], REPEATED),
        (&[attribute(SERIAL, UTF8, b"a"), attribute(CN, UTF8, b"x"), attribute(SERIAL, UTF8, b"b")], REPEATED),
        (&[attribute(SERIAL, UTF8, b"")], UNREADABLE),
        (&[attribute(SERIAL, UTF8, b"C02\0XK1")], UNREADABLE),
        (&[attribute(SERIAL, UTF8, b"C02XK1\0")], UNREADABLE),
        (&[attribute(SERIAL, UTF8, b"C02\nXK1")], UNREADABLE),
        (&[attribute(SERIAL, UTF8, b"C02\x7f")], UNREADABLE),
        (&[attribute(SERIAL, UTF8, b"C02\xc2\x85")], UNREADABLE),
        (&[attribute(SERIAL, UTF8, b"C02\xff")], UNREADABLE),
        (&[attribute(SERIAL, UTF8, b"C02\xc0\xaf")], UNREADABLE),
        (&[attribute(SERIAL, PRINTABLE, b"C02\xc3\xa4")], UNREADABLE),
        // TeletexString, BMPString, UniversalString, OCTET STRING and a SEQUENCE in place of a string.
        (&[attribute(SERIAL, 0x14, b"C02XK1")], UNREADABLE),
        (&[attribute(SERIAL, 0x1e, &[0, b'C', 0, b'0'])], UNREADABLE),
        (&[attribute(SERIAL, 0x1c, &[0, 0, 0, b'C'])], UNREADABLE),
        (&[attribute(SERIAL, 0x04, b"C02XK1")], UNREADABLE),
        (&[attribute(SERIAL, 0x30, b"")], UNREADABLE),
        // One that cannot be read beside one that can.
        (&[attribute(SERIAL, UTF8, b"a"), attribute(SERIAL, 0x14, b"b")], UNREADABLE),
    ];
    for (subject, expected) in rows {
        let subject = subject.concat();
        let names = read(&subject, &[]);
        assert_eq!(names.subject(SubjectAttribute::SerialNumber), *expected, "{}", subject.escape_ascii());
    }
}

#[portable]
fn every_attribute_has_its_own_name_and_identifier() {
    for (name, attribute) in SubjectAttribute::names() {
        assert_eq!(SubjectAttribute::of_name(name.as_bytes()), Some(attribute));
        assert_eq!(attribute.name(), name);
        let text = format!("{name}=x");
        let names = CertificateNames::of_host(text.as_bytes(), None, None).expect("a subject");
        for (_, other) in SubjectAttribute::names() {
            assert_eq!(names.subject(other).is_ok(), other == attribute, "{name}");
        }
    }
}

#[portable]
fn a_uri_is_a_fact_if_it_alone_has_the_beginning() {
    let uri = |text: &[u8]| value(0x86, text);
    let rows: &[(&[Vec<u8>], Found)] = &[
        (&[uri(b"urn:udid:00008110")], Ok("00008110")),
        (&[uri(b"urn:udid:urn:udid:1")], Ok("urn:udid:1")),
        (&[uri(b"spiffe://example.org/a"), uri(b"urn:udid:1"), value(0x82, b"a.example")], Ok("1")),
        (&[], ABSENT),
        (&[uri(b"urn:uuid:1")], ABSENT),
        (&[uri(b"URN:UDID:1")], ABSENT),
        (&[uri(b"x-urn:udid:1")], ABSENT),
        (&[value(0x82, b"urn:udid:1")], ABSENT),
        (&[value(0x81, b"urn:udid:1")], ABSENT),
        (&[value(0xa6, b"urn:udid:1")], ABSENT),
        (&[uri(b"urn:udid:1"), uri(b"urn:udid:2")], REPEATED),
        (&[uri(b"urn:udid:1"), uri(b"urn:udid:1")], REPEATED),
        (&[uri(b"urn:udid:1"), uri(b"urn:udid:")], REPEATED),
        (&[uri(b"urn:udid:")], UNREADABLE),
        (&[uri(b"urn:udid:1\0")], UNREADABLE),
        (&[uri(b"urn:udid:1 2")], UNREADABLE),
        (&[uri(b"urn:udid:\xc3\xa4")], UNREADABLE),
        (&[uri(b"")], UNREADABLE),
        // A URI that cannot be read could be a second one.
        (&[uri(b"urn:udid:1"), uri(b"urn:udid:\x01")], UNREADABLE),
    ];
    for (list, expected) in rows {
        let list = list.concat();
        assert_eq!(read(&[], &list).uri_after("urn:udid:"), *expected, "{}", list.escape_ascii());
    }
}

#[portable]
fn a_dns_name_is_a_fact_if_it_alone_has_the_ending() {
    let dns = |text: &[u8]| value(0x82, text);
    let rows: &[(&[Vec<u8>], Found)] = &[
        (&[dns(b"laptop-1.devices.example.com")], Ok("laptop-1")),
        (&[dns(b"Laptop-1.Devices.Example.COM")], Ok("laptop-1")),
        (&[dns(b"a.b.devices.example.com")], Ok("a.b")),
        (&[dns(b"laptop-1.devices.example.com"), dns(b"shop.example.com")], Ok("laptop-1")),
        (&[], ABSENT),
        (&[dns(b"laptop-1.devices.example.com.")], ABSENT),
        (&[dns(b"devices.example.com")], ABSENT),
        (&[dns(b"laptop-1.devices.example.com.evil.example")], ABSENT),
        (&[dns(b"laptop-1-devices.example.com")], ABSENT),
        (&[value(0x86, b"laptop-1.devices.example.com")], ABSENT),
        (&[dns(b"a.devices.example.com"), dns(b"b.devices.example.com")], REPEATED),
        (&[dns(b"a.devices.example.com"), dns(b"A.devices.example.com")], REPEATED),
        (&[dns(b".devices.example.com")], UNREADABLE),
        (&[dns(b"*.devices.example.com")], UNREADABLE),
        (&[dns(b"a\0.devices.example.com")], UNREADABLE),
        (&[dns(b"a b.devices.example.com")], UNREADABLE),
        (&[dns("ä.devices.example.com".as_bytes())], UNREADABLE),
    ];
    for (list, expected) in rows {
        let list = list.concat();
        assert_eq!(read(&[], &list).dns_before(".devices.example.com"), *expected, "{}", list.escape_ascii());
    }
}

#[portable]
fn a_permanent_identifier_is_a_fact_if_it_is_there_once_and_has_no_assigner() {
    let text = |text: &[u8]| value(UTF8, text);
    let assigner = value(0x06, &[0x2b, 0x06, 0x01]);
    let other_kind = value(0xa0, &[value(0x06, &[0x2b, 0x06, 0x01]), value(0xa0, &text(b"a@example.com"))].concat());
    let bare = value(0xa0, &[value(0x06, &[0x2b, 6, 1, 5, 5, 7, 8, 3]), value(0xa0, &text(b"1"))].concat());
    let rows: &[(&[Vec<u8>], Found)] = &[
        (&[permanent_identifier(&text(b"SN-1"))], Ok("SN-1")),
        (&[other_kind.clone(), permanent_identifier(&text(b"SN-1")), value(0x82, b"a.example")], Ok("SN-1")),
        (&[], ABSENT),
        (&[other_kind], ABSENT),
        (&[permanent_identifier(&text(b"1")), permanent_identifier(&text(b"2"))], REPEATED),
        (&[permanent_identifier(&[text(b"1"), assigner.clone()].concat())], UNREADABLE),
        (&[permanent_identifier(&assigner)], UNREADABLE),
        (&[permanent_identifier(&[])], UNREADABLE),
        (&[permanent_identifier(&text(b""))], UNREADABLE),
        (&[permanent_identifier(&text(b"1\0"))], UNREADABLE),
        (&[permanent_identifier(&value(PRINTABLE, b"1"))], UNREADABLE),
        (&[permanent_identifier(b"1")], UNREADABLE),
        (&[bare], UNREADABLE),
        (&[permanent_identifier(&text(b"1")), permanent_identifier(&[])], UNREADABLE),
    ];
    for (list, expected) in rows {
        let list = list.concat();
        assert_eq!(read(&[], &list).permanent_identifier(), *expected, "{}", list.escape_ascii());
    }
}

/// Without the certificate, the host's text and the first names are all that is known.
#[portable]
fn what_the_host_tells_of_a_certificate_gives_the_same_names() {
    let (subject, uri, dns) = (b"CN=a\\,O\\=b,O=Example Corp", b"urn:udid:1", b"A.devices.example.com");
    let told = CertificateNames::of_host(subject, Some(uri), Some(dns)).expect("names");
    let list = [value(0x86, uri), value(0x82, dns)].concat();
    let given = read(&[attribute(O, UTF8, b"Example Corp"), attribute(CN, UTF8, b"a,O=b")].concat(), &list);
    for attribute in [SubjectAttribute::Organization, SubjectAttribute::CommonName, SubjectAttribute::SerialNumber] {
        assert_eq!(told.subject(attribute), given.subject(attribute));
    }
    assert_eq!(told.uri_after("urn:udid:"), given.uri_after("urn:udid:"));
    assert_eq!(told.dns_before(".devices.example.com"), given.dns_before(".devices.example.com"));
    assert_eq!(told.permanent_identifier(), Err(NameFault::Absent));
    assert_eq!(CertificateNames::of_host(b"CN", None, None), Err(NoNames::Unreadable));
    // Without a client certificate Envoy gives an empty text, and a certificate may have an empty subject.
    assert_eq!(CertificateNames::of_host(b"", None, None), Ok(CertificateNames::default()));
    let bad = CertificateNames::of_host(b"", Some(b"urn:udid:1\0"), Some(b"*.devices.example.com")).expect("names");
    assert_eq!(bad.uri_after("urn:udid:"), UNREADABLE);
    assert_eq!(bad.dns_before(".devices.example.com"), UNREADABLE);
}

#[portable]
fn a_certificate_whose_parts_are_not_where_they_belong_is_not_read() {
    let good = certificate(&attribute(CN, UTF8, b"a"), &[]);
    assert!(x509::read(&good).is_some());
    let of = |parts: &[Vec<u8>]| value(0x30, &value(0x30, &parts.concat()));
    let (number, empty) = (value(0x02, &[1]), value(0x30, &[]));
    let version = value(0xa0, &number);
    let subject = value(0x30, &attribute(CN, UTF8, b"a"));
    let parts = [&version, &number, &empty, &empty, &empty, &subject, &empty].map(Clone::clone);
    assert!(x509::read(&of(&parts)).is_some());
    // A certificate of version 1 does not say its version.
    assert!(x509::read(&of(&parts[1..])).is_some());
    for place in 0..parts.len() {
        let mut less = parts.to_vec();
        less.remove(place);
        let read = x509::read(&of(&less)).map(|names| names.subject(SubjectAttribute::CommonName).map(str::to_owned));
        // Without its version it is one of version 1; without one of the empty parts the subject is not in its place.
        assert_eq!(read == Some(Ok("a".to_owned())), place == 0, "without part {place}");
    }
    for bad in [
        value(0x31, &value(0x30, &value(0x06, &[0x55, 4, 3]))),
        value(0x31, &value(0x31, &[])),
        value(0x30, &[]),
        value(0x31, &value(0x30, &[value(0x06, &[0x55, 4, 3]), value(UTF8, b"a"), value(UTF8, b"b")].concat())),
        b"\x31\x05\x30".to_vec(),
    ] {
        assert_eq!(x509::read(&certificate(&bad, &[])), None, "{}", bad.escape_ascii());
    }
}
