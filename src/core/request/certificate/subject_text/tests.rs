//! Subjects as BoringSSL writes them, and text that only looks so.

use super::attributes;
use crate::portable;
use crate::request::certificate::SubjectAttribute;

fn read(text: &[u8]) -> Option<Vec<(&'static str, Option<String>)>> {
    let found = attributes(text)?;
    Some(found.into_iter().map(|(attribute, text)| (attribute.name(), text.map(String::from))).collect())
}

#[portable]
fn a_subject_is_read_as_it_was_written() {
    type Read<'r> = &'r [(&'r str, Option<&'r str>)];
    let rows: &[(&[u8], Read<'_>)] = &[
        (b"", &[]),
        (b"CN=alice", &[("CN", Some("alice"))]),
        (b"CN=alice,OU=Dev,O=Acme\\, Inc", &[("CN", Some("alice")), ("OU", Some("Dev")), ("O", Some("Acme, Inc"))]),
        (b"CN=a+serialNumber=1,O=b", &[("CN", Some("a")), ("serialNumber", Some("1")), ("O", Some("b"))]),
        (b"O=a\\,CN\\=root", &[("O", Some("a,CN=root"))]),
        (b"O=a\\,CN=root", &[("O", Some("a,CN=root"))]),
        (b"O=a\\+CN=root", &[("O", Some("a+CN=root"))]),
        (b"O=a\\2cCN=root", &[("O", Some("a,CN=root"))]),
        (b"O=a\\\\,CN=root", &[("O", Some("a\\")), ("CN", Some("root"))]),
        (b"O=a\\\\\\,CN=root", &[("O", Some("a\\,CN=root"))]),
        (b"CN=a\\\"b\\<c\\>d\\;e", &[("CN", Some("a\"b<c>d;e"))]),
        (b"CN=\\ a\\ ", &[("CN", Some(" a "))]),
        (b"CN=\\#41", &[("CN", Some("#41"))]),
        (b"CN=a=b", &[("CN", Some("a=b"))]),
        (b"CN=ger\\C3\\A4t", &[("CN", Some("gerät"))]),
        (b"2.5.4.97=x,CN=a", &[("CN", Some("a"))]),
        (b"1.2.3.4=#0C0161,CN=a", &[("CN", Some("a"))]),
        (b"cn=a,commonName=b,CN=c", &[("CN", Some("c"))]),
        (b"CN=a,CN=b", &[("CN", Some("a")), ("CN", Some("b"))]),
        // No plain text.
        (b"CN=", &[("CN", None)]),
        (b"CN=,O=a", &[("CN", None), ("O", Some("a"))]),
        (b"CN=#0C0161", &[("CN", None)]),
        (b"CN=a\\00b", &[("CN", None)]),
        (b"CN=a\\0Ab", &[("CN", None)]),
        (b"CN=a\\FF", &[("CN", None)]),
        (b"CN=a\\C3", &[("CN", None)]),
        (b"CN=a\\7F", &[("CN", None)]),
    ];
    for (text, expected) in rows {
        let expected = expected.iter().map(|(name, text)| (*name, text.map(str::to_owned))).collect();
        assert_eq!(read(text), Some(expected), "{}", text.escape_ascii());
    }
}

#[portable]
fn text_in_another_form_is_not_a_subject() {
    for text in [
        &b"CN"[..],
        b"=a",
        b"CN=a,",
        b"CN=a,,O=b",
        b",CN=a",
        b"CN=a+",
        b"CN=a, O=b",
        b"CN =a",
        b"C N=a",
        b"/CN=a/O=b",
        b"CN=\"a,O=b\"",
        b"CN=a;O=b",
        b"CN=a<b",
        b"CN=a\\",
        b"CN=a\\g0",
        b"CN=a\\0",
        b"CN=a\0b",
        b"CN=a\nO=b",
        b"CN=\xc3\xa4",
    ] {
        assert_eq!(read(text), None, "{}", text.escape_ascii());
    }
}

/// Whatever is cut off or changed, the reader ends, and no attribute arises from inside another one.
#[portable]
fn every_cut_and_every_changed_byte_is_survived() {
    let text = b"CN=a\\,serialNumber\\=x\\C3\\A4+OU=b\\\\,O=\\ c";
    for end in 0..=text.len() {
        let _ = attributes(&text[..end]);
    }
    let mut changed = text.to_vec();
    for place in 0..text.len() {
        for byte in 0..=u8::MAX {
            changed[place] = byte;
            let _ = attributes(&changed);
        }
        changed[place] = text[place];
    }
    let serial = |found: &[(SubjectAttribute, _)]| found.iter().any(|(of, _)| *of == SubjectAttribute::SerialNumber);
    assert!(!serial(&attributes(text).expect("a subject")));
}
