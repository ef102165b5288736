//! Certificates made byte by byte, for tests.

use super::{BEGIN, END};
use crate::jose::base64url;

/// PEM without line breaks inside.
pub(crate) fn pem(der: &[u8]) -> Vec<u8> {
    let standard = base64url::encode(der).replace('-', "+").replace('_', "/");
    let padding = ["", "===", "==", "="][standard.len() % 4];
    [BEGIN, b"\n", standard.as_bytes(), padding.as_bytes(), b"\n", END, b"\n"].concat()
}

/// An element.
pub(crate) fn value(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = u16::try_from(contents.len()).unwrap().to_be_bytes();
    let length = match length {
        [0, low @ ..=0x7f] => vec![low],
        [0, low] => vec![0x81, low],
        [high, low] => vec![0x82, high, low],
    };
    [&[tag], length.as_slice(), contents].concat()
}

/// A certificate with this subject, whose extensions are these bytes, in all else as short as can be.
pub(crate) fn with_subject(subject: &[u8], extensions: &[u8]) -> Vec<u8> {
    let nothing = || value(0x30, &[]);
    let parts = [
        value(0xa0, &value(0x02, &[2])),
        value(0x02, &[1]),
        nothing(),
        nothing(),
        nothing(),
        value(0x30, subject),
        nothing(),
        value(0xa3, extensions),
    ];
    value(0x30, &value(0x30, &parts.concat()))
}

/// The same without a subject.
pub(crate) fn with_extensions(extensions: &[u8]) -> Vec<u8> {
    with_subject(&[], extensions)
}

/// The subject alternative names of these bytes.
pub(crate) fn names(names: &[u8]) -> Vec<u8> {
    value(0x30, &[value(0x06, &[0x55, 0x1d, 0x11]), value(0x04, &value(0x30, names))].concat())
}

/// A certificate with this subject and these alternative names.
pub(crate) fn certificate(subject: &[u8], alternative_names: &[u8]) -> Vec<u8> {
    with_subject(subject, &value(0x30, &names(alternative_names)))
}

/// One attribute of a subject in a set of its own: the last byte of its `id-at` identifier, the type of its string, and that.
pub(crate) fn attribute(identifier: u8, tag: u8, text: &[u8]) -> Vec<u8> {
    value(0x31, &one(identifier, tag, text))
}

/// One attribute without a set around it.
pub(crate) fn one(identifier: u8, tag: u8, text: &[u8]) -> Vec<u8> {
    value(0x30, &[value(0x06, &[0x55, 0x04, identifier]), value(tag, text)].concat())
}

/// An `OtherName` with a permanent identifier of these contents.
pub(crate) fn permanent_identifier(contents: &[u8]) -> Vec<u8> {
    let kind = value(0x06, &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x08, 0x03]);
    value(0xa0, &[kind, value(0xa0, &value(0x30, contents))].concat())
}
