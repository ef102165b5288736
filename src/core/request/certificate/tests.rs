//! Certificates that OpenSSL made, and all that can be made of them by cutting and changing bytes.

use super::build::{names, pem, value, with_extensions};
use super::der::Der;
use super::{BEGIN, Certificate, CertificateMemory, NoNames, UriCount, bytes_of, x509};
use crate::limits::MAX_REMEMBERED_CERTIFICATES;
use crate::limits::{MAX_CERTIFICATE_NAME_BYTES, MAX_CERTIFICATE_NAMES, MAX_CERTIFICATE_PEM_BYTES};
use crate::portable;

const ONE: &[u8] = include_bytes!("one.pem");
/// `critical,DNS,URI,IP,URI`
const TWO: &[u8] = include_bytes!("two.pem");
const DNS: &[u8] = include_bytes!("dns.pem");
const BARE: &[u8] = include_bytes!("bare.pem");

fn uris_of_pem(pem: &[u8]) -> UriCount {
    Certificate::of_pem(pem).uris
}

fn uris(der: &[u8]) -> Option<usize> {
    x509::read(der).map(|names| names.uris.len())
}

#[portable]
fn the_uris_of_a_certificate_are_counted() {
    for (pem, count) in [(ONE, UriCount::One), (TWO, UriCount::Several), (DNS, UriCount::None), (BARE, UriCount::None)]
    {
        assert_eq!(uris_of_pem(pem), count);
        // Without a line end behind it, and with those of other systems.
        assert_eq!(uris_of_pem(pem.trim_ascii()), count);
        let text = String::from_utf8(pem.to_vec()).unwrap();
        assert_eq!(uris_of_pem(text.replace('\n', "\r\n").as_bytes()), count);
    }
}

#[portable]
fn the_uris_of_all_alternative_names_count() {
    let uri = value(0x86, b"spiffe://a/b");
    let of = |extensions: &[&[u8]]| uris(&with_extensions(&value(0x30, &extensions.concat())));
    assert_eq!(of(&[&names(&uri)]), Some(1));
    assert_eq!(of(&[&names(&uri), &names(&uri)]), Some(2));
    assert_eq!(of(&[&names(&[])]), Some(0));
    // A name with the same number of another class, or of another form, is not a URI.
    assert_eq!(of(&[&names(&[value(0x06, b"a"), value(0xa6, b"a"), value(0x46, b"a")].concat())]), Some(0));
    assert_eq!(of(&[]), Some(0));
}

#[portable]
fn what_is_not_one_certificate_in_pem_cannot_be_read() {
    let der = bytes_of(ONE).unwrap();
    assert_eq!(pem(&der).len(), ONE.len() - 8, "the same without line breaks");
    assert_eq!(uris_of_pem(&pem(&der)), UriCount::One);
    let two_blocks = [ONE, ONE].concat();
    let text = String::from_utf8(ONE.to_vec()).unwrap();
    for bad in [
        b"".as_slice(),
        &der,
        &two_blocks,
        &[ONE, b"x"].concat(),
        &[b"x", ONE].concat(),
        text.replace("CERTIFICATE", "TRUSTED CERTIFICATE").as_bytes(),
        text.replace('+', "-").replace('/', "_").as_bytes(),
        text.replace('\n', "%0A").as_bytes(),
        &pem(&[der.as_slice(), &[0]].concat()),
        &pem(&[]),
    ] {
        assert_eq!(uris_of_pem(bad), UriCount::Unreadable, "{}", bad.escape_ascii());
    }
}

#[portable]
fn a_certificate_is_read_up_to_the_cap_and_not_one_byte_more() {
    let at_cap = |more: usize| {
        let overhead = pem(&with_extensions(&value(0x30, &names(&value(0x81, &[b'a'; 40_000]))))).len();
        // Line ends carry nothing, so they fill it up.
        let text = pem(&with_extensions(&value(0x30, &names(&value(0x81, &[b'a'; 40_000])))));
        let fill = vec![b'\n'; MAX_CERTIFICATE_PEM_BYTES - overhead + more];
        [BEGIN, fill.as_slice(), text.strip_prefix(BEGIN).unwrap()].concat()
    };
    assert_eq!(uris_of_pem(&at_cap(0)), UriCount::None);
    assert_eq!(uris_of_pem(&at_cap(1)), UriCount::Unreadable);
}

#[portable]
fn lengths_have_one_form() {
    let read = |bytes: &[u8]| Der(bytes).only(0x04).map(<[u8]>::len);
    assert_eq!(read(&[0x04, 0x01, 7]), Some(1));
    assert_eq!(read(&[&[0x04, 0x81, 0x80], [7; 128].as_slice()].concat()), Some(128));
    assert_eq!(read(&[&[0x04, 0x82, 0x01, 0x00], [7; 256].as_slice()].concat()), Some(256));
    for bad in [
        &[0x04][..],
        &[0x04, 0x02, 7],
        &[0x04, 0x80, 0, 0],
        &[0x04, 0x81, 0x01, 7],
        &[0x04, 0x82, 0x00, 0x01, 7],
        &[0x04, 0x83, 0x00, 0x00, 0x01, 7],
        &[0x04, 0xff, 7],
        &[0x1f, 0x04, 0x01, 7],
        &[0x04, 0x01, 7, 0],
    ] {
        assert_eq!(read(bad), None, "{bad:?}");
    }
}

/// Whatever is cut off or changed, the walk ends, and a certificate that is cut anywhere cannot be read.
#[portable]
fn every_cut_and_every_changed_byte_is_survived() {
    for original in [ONE, TWO, BARE] {
        let der = bytes_of(original).unwrap();
        for end in 0..der.len() {
            assert_eq!(uris(&der[..end]), None, "cut at {end}");
        }
        let mut changed = der.clone();
        for place in 0..der.len() {
            for flip in 1..=u8::MAX {
                changed[place] = der[place] ^ flip;
                assert!(uris(&changed).is_none_or(|count| count <= der.len()));
            }
            changed[place] = der[place];
        }
        for end in 0..original.trim_ascii().len() {
            assert_eq!(uris_of_pem(&original[..end]), UriCount::Unreadable, "cut at {end}");
        }
    }
}

#[portable]
fn a_certificate_is_read_once() {
    let mut memory = CertificateMemory::default();
    let mut read = |digest, pem: &dyn Fn() -> Option<Vec<u8>>| memory.certificate([digest; 32], true, pem);
    let mut uris = |digest, pem: &dyn Fn() -> Option<Vec<u8>>| read(digest, pem).map(|read| read.uris);
    assert_eq!(uris(1, &|| None), None, "the host does not give it");
    assert_eq!(uris(1, &|| Some(TWO.to_vec())), Some(UriCount::Several));
    assert_eq!(uris(1, &|| panic!("it is known")), Some(UriCount::Several));
    assert_eq!(uris(2, &|| Some(ONE.to_vec())), Some(UriCount::One));
    // This host gives certificates, so that it does not give one is no reason to believe its text.
    assert_eq!(uris(3, &|| None), Some(UriCount::Unreadable));
    assert_eq!(uris(3, &|| Some(ONE.to_vec())), Some(UriCount::One));
}

#[portable]
fn names_are_remembered_only_where_they_are_of_use() {
    for (reads_names, is_read) in [(true, true), (false, false)] {
        let mut memory = CertificateMemory::default();
        let names = memory.certificate([1; 32], reads_names, || Some(ONE.to_vec())).map(|read| read.names.is_ok());
        assert_eq!(names, Some(is_read));
    }
}

#[portable]
fn certificates_are_remembered_up_to_the_cap_and_not_one_more() {
    let mut memory = CertificateMemory::default();
    let digest = |number: usize| {
        let mut digest = [0; 32];
        let number = number.to_be_bytes();
        digest[..number.len()].copy_from_slice(&number);
        digest
    };
    for number in 0..MAX_REMEMBERED_CERTIFICATES {
        memory.certificate(digest(number), true, || Some(BARE.to_vec()));
    }
    assert_eq!(memory.read.len(), MAX_REMEMBERED_CERTIFICATES);
    memory.certificate(digest(MAX_REMEMBERED_CERTIFICATES), true, || Some(BARE.to_vec()));
    assert_eq!(memory.read.len(), 1);
}

/// Too many names, or too long ones, count for nothing; the URIs are still counted.
#[portable]
fn names_are_read_up_to_the_caps_and_not_one_more() {
    let read = |list: &[Vec<u8>]| Certificate::of_der(&with_extensions(&value(0x30, &names(&list.concat()))));
    let dns = |length: usize| value(0x82, &vec![b'a'; length]);
    let uri = value(0x86, b"spiffe://a/b");
    let many = |count: usize| vec![dns(1); count];
    for (at_cap, past) in [
        (many(MAX_CERTIFICATE_NAMES - 1), many(MAX_CERTIFICATE_NAMES)),
        (
            vec![dns(MAX_CERTIFICATE_NAME_BYTES - b"spiffe://a/b".len())],
            vec![dns(MAX_CERTIFICATE_NAME_BYTES - b"spiffe://a/b".len() + 1)],
        ),
    ] {
        let [at_cap, past] = [at_cap, past].map(|list| read(&[list, vec![uri.clone()]].concat()));
        assert!(at_cap.names.is_ok());
        assert_eq!(past.names, Err(NoNames::TooMany));
        assert_eq!((at_cap.uris, past.uris), (UriCount::One, UriCount::One));
    }
}
