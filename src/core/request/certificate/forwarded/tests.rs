//! Headers as Envoy writes them, and what a client could make of them.

use super::{ForwardedCertificate, ForwardedFault};
use crate::portable;
use crate::request::SubjectAttribute;
use crate::request::certificate::build::{attribute, certificate, pem, value};

fn device(serial: &str) -> Vec<u8> {
    certificate(&attribute(0x05, 0x0c, serial.as_bytes()), &value(0x86, b"urn:udid:1"))
}

fn digest(der: &[u8]) -> String {
    hex::encode(hmac_sha256::Hash::hash(der))
}

/// As Envoy encodes it.
fn encoded(der: &[u8]) -> String {
    let text = String::from_utf8(pem(der)).unwrap();
    [("\n", "%0A"), (" ", "%20"), ("+", "%2B"), ("/", "%2F"), ("=", "%3D")]
        .iter()
        .fold(text, |text, (plain, code)| text.replace(plain, code))
}

fn serial_of(value: &str) -> Result<String, ForwardedFault> {
    let forwarded = ForwardedCertificate::read(value.as_bytes())?;
    let names = forwarded.certificate.names.expect("names");
    Ok(names.subject(SubjectAttribute::SerialNumber).expect("a serial number").to_owned())
}

#[portable]
fn the_certificate_of_the_only_element_is_read() {
    let der = device("C02");
    let (hash, cert) = (digest(&der), encoded(&der));
    for value in [
        format!("Hash={hash};Cert=\"{cert}\""),
        format!("Hash={hash};Cert={cert}"),
        format!("hash={hash};CERT=\"{cert}\""),
        format!(
            "By=spiffe://example.org/edge;Hash={hash};Cert=\"{cert}\";Subject=\"CN=a\\\"b,O=c\";URI=;DNS=a.example"
        ),
        format!("Hash={hash};Cert=\"{cert}\";Chain=\"{cert}\";Subject=\"\";URI=urn:a=b;URI=urn:c"),
        format!("Hash={hash};Subject=\"CN=x;Cert=y,O=z\";Cert=\"{cert}\""),
        format!("Hash={hash};Subject=\"CN=x\\\\\";Cert=\"{cert}\""),
    ] {
        assert_eq!(serial_of(&value), Ok("C02".to_owned()), "{value}");
    }
}

#[portable]
fn a_header_that_can_be_read_in_another_way_forwards_nothing() {
    let (der, other) = (device("C02"), device("C99"));
    let (hash, cert) = (digest(&der), encoded(&der));
    let (other_hash, other_cert) = (digest(&other), encoded(&other));
    let good = format!("Hash={hash};Cert=\"{cert}\"");
    let rows = [
        (String::new(), ForwardedFault::Malformed),
        (";".to_owned(), ForwardedFault::Malformed),
        (format!("{good};"), ForwardedFault::Malformed),
        (format!(";{good}"), ForwardedFault::Malformed),
        (format!(" {good}"), ForwardedFault::Malformed),
        (format!("{good}x"), ForwardedFault::Malformed),
        (format!("Hash={hash}; Cert=\"{cert}\""), ForwardedFault::Malformed),
        (format!("Hash={hash};Cert=\"{cert}"), ForwardedFault::Malformed),
        (format!("Hash={hash};Cert=\"{cert}\\\""), ForwardedFault::Malformed),
        (format!("Hash={hash};Cert={cert}\""), ForwardedFault::Malformed),
        (format!("Hash={hash};=x;Cert=\"{cert}\""), ForwardedFault::Malformed),
        (format!("Hash={hash};Cert"), ForwardedFault::Malformed),
        // A client's own element, in whose last quotation the hop's element ends up because of a quotation mark in a URI.
        (format!("{good};Subject=\",By=urn:b;Hash={other_hash};URI=urn:a\""), ForwardedFault::Malformed),
        (format!("{good};x=\",hash={other_hash};URI=urn:a\";y="), ForwardedFault::Malformed),
        (format!("{good},{good}"), ForwardedFault::SeveralElements),
        (format!("{good},"), ForwardedFault::SeveralElements),
        (format!("{good},Hash={other_hash};Cert=\"{other_cert}\""), ForwardedFault::SeveralElements),
        (format!("Hash={hash};URI=urn:a,Hash={other_hash};Cert=\"{other_cert}\""), ForwardedFault::SeveralElements),
        (format!("Hash={hash}"), ForwardedFault::NotOneCertificate),
        (format!("Hash={hash};Subject=\"serialNumber=C02\";URI=urn:udid:1"), ForwardedFault::NotOneCertificate),
        (format!("{good};Cert=\"{cert}\""), ForwardedFault::NotOneCertificate),
        // A URI that the hop wrote without quotes.
        (format!("{good};URI=urn:a;cert=\"{other_cert}\""), ForwardedFault::NotOneCertificate),
        (format!("Cert=\"{cert}\""), ForwardedFault::NotOneDigest),
        (format!("{good};Hash={hash}"), ForwardedFault::NotOneDigest),
        (format!("Hash={hash};URI=urn:a;Hash={other_hash};Cert=\"{other_cert}\""), ForwardedFault::NotOneDigest),
        (format!("Hash={hash};URI=urn:a;Cert=\"{other_cert}\""), ForwardedFault::NotTheCertificate),
        (format!("Hash=;Cert=\"{cert}\""), ForwardedFault::NotTheCertificate),
        (format!("Hash=\"{hash} \";Cert=\"{cert}\""), ForwardedFault::NotTheCertificate),
        (format!("Hash={hash};Cert=\"\""), ForwardedFault::NotTheCertificate),
        (format!("Hash={hash};Cert=\"{cert}{cert}\""), ForwardedFault::NotTheCertificate),
        (format!("Hash={hash};Cert=\"{}\"", cert.replace("%0A", "%2")), ForwardedFault::NotTheCertificate),
    ];
    for (value, fault) in rows {
        assert_eq!(serial_of(&value), Err(fault), "{value}");
    }
    assert_eq!(serial_of(&good), Ok("C02".to_owned()));
}

#[portable]
fn every_cut_of_a_header_forwards_nothing() {
    let der = device("C02");
    let value = format!("Hash={};Cert=\"{}\"", digest(&der), encoded(&der));
    for end in 0..value.len() {
        assert!(ForwardedCertificate::read(&value.as_bytes()[..end]).is_err(), "cut at {end}");
    }
}
