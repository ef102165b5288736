//! The names in the bytes of a certificate (RFC 5280 section 4.1).

use super::der::{
    Der, IA5_STRING, INTEGER, NUMERIC_STRING, OBJECT_IDENTIFIER, OCTET_STRING, PRINTABLE_STRING, SEQUENCE, SET,
    UTF8_STRING,
};
use super::names::CertificateNames;
use super::text::{SubjectAttribute, Text, graphic, host_name, plain};

/// `[0] EXPLICIT Version` of a certificate.
const VERSION: u8 = 0xa0;
/// `[3] EXPLICIT Extensions` of a certificate.
const EXTENSIONS: u8 = 0xa3;
/// `[0] OtherName` of a `GeneralName` (RFC 5280 section 4.2.1.6).
const OTHER_NAME: u8 = 0xa0;
/// `[0] EXPLICIT` value of an `OtherName`.
const OTHER_NAME_VALUE: u8 = 0xa0;
/// `[2] IA5String` of a `GeneralName`.
const DNS_NAME: u8 = 0x82;
/// `[6] IA5String` of a `GeneralName`.
const URI: u8 = 0x86;

/// `id-ce-subjectAltName`, 2.5.29.17.
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];
/// `id-on-permanentIdentifier`, 1.3.6.1.5.5.7.8.3 (RFC 4043).
const PERMANENT_IDENTIFIER: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x08, 0x03];

/// All names that can be facts, however many; `None` if the certificate cannot be read.
pub(super) fn read(certificate: &[u8]) -> Option<CertificateNames> {
    let mut names = CertificateNames::default();
    let mut to_be_signed = Der(Der(Der(certificate).only(SEQUENCE)?).element(SEQUENCE)?);
    let (first, _) = to_be_signed.next()??;
    if first == VERSION {
        to_be_signed.element(INTEGER)?;
    } else if first != INTEGER {
        return None;
    }
    let (_signature_algorithm, _issuer) = (to_be_signed.element(SEQUENCE)?, to_be_signed.element(SEQUENCE)?);
    let _validity = to_be_signed.element(SEQUENCE)?;
    subject(to_be_signed.element(SEQUENCE)?, &mut names)?;
    let _public_key = to_be_signed.element(SEQUENCE)?;
    while let Some((tag, value)) = to_be_signed.next()? {
        if tag != EXTENSIONS {
            continue;
        }
        let mut extensions = Der(Der(value).only(SEQUENCE)?);
        while let Some(extension) = extensions.next_with(SEQUENCE)? {
            let mut extension = Der(extension);
            if extension.element(OBJECT_IDENTIFIER)? != SUBJECT_ALT_NAME {
                continue;
            }
            let alternatives = loop {
                // Whether the extension is critical may stand before its value.
                if let (OCTET_STRING, alternatives) = extension.next()?? {
                    break alternatives;
                }
            };
            alternative_names(Der(alternatives).only(SEQUENCE)?, &mut names)?;
        }
    }
    Some(names)
}

fn subject(name: &[u8], names: &mut CertificateNames) -> Option<()> {
    let mut sets = Der(name);
    while let Some(set) = sets.next_with(SET)? {
        let mut attributes = Der(set);
        while let Some(attribute) = attributes.next_with(SEQUENCE)? {
            let mut attribute = Der(attribute);
            let kind = SubjectAttribute::of_identifier(attribute.element(OBJECT_IDENTIFIER)?);
            let (tag, value) = attribute.next()??;
            if !attribute.0.is_empty() {
                return None;
            }
            names.subject.extend(kind.map(|kind| (kind, text(tag, value))));
        }
    }
    Some(())
}

/// The text of a string. Older types, whose encoding readers disagree on, are not read.
fn text(tag: u8, value: &[u8]) -> Text {
    match tag {
        UTF8_STRING => plain(value),
        PRINTABLE_STRING | IA5_STRING | NUMERIC_STRING if value.is_ascii() => plain(value),
        _ => None,
    }
}

fn alternative_names(list: &[u8], names: &mut CertificateNames) -> Option<()> {
    let mut list = Der(list);
    while let Some((tag, value)) = list.next()? {
        match tag {
            URI => names.uris.push(graphic(value)),
            DNS_NAME => names.dns.push(host_name(value)),
            OTHER_NAME => {
                let mut other = Der(value);
                if other.element(OBJECT_IDENTIFIER)? == PERMANENT_IDENTIFIER {
                    names.permanent_identifiers.push(permanent_identifier(&mut other));
                }
            }
            _ => {}
        }
    }
    Some(())
}

/// The identifier, if it is one of the certificate's own authority. An identifier with an assigner is unique only together
/// with that.
fn permanent_identifier(other_name: &mut Der<'_>) -> Text {
    let value = other_name.element(OTHER_NAME_VALUE).filter(|_| other_name.0.is_empty())?;
    let identifier = Der(Der(value).only(SEQUENCE)?).only(UTF8_STRING)?;
    plain(identifier)
}
