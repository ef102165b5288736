//! How many URIs a certificate has. The host tells the first only, and an X.509-SVID has exactly one (X509-SVID section
//! 2): a certificate with two must not pass for the workload that happens to come first.
//!
//! The proxy has validated the certificate, so nothing here verifies it. Only as much of it is read as leads to the
//! subject alternative names (RFC 5280 section 4.2.1.6), and bytes that are not DER on the way make it unreadable.

use std::collections::BTreeMap;

use crate::jose::base64url;
use crate::limits::{MAX_CERTIFICATE_PEM_BYTES, MAX_REMEMBERED_CERTIFICATES};

const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
const END: &[u8] = b"-----END CERTIFICATE-----";

const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
/// `[3] EXPLICIT Extensions` of a certificate (RFC 5280 section 4.1).
const EXTENSIONS: u8 = 0xa3;
/// `[6] IA5String` of a `GeneralName` (RFC 5280 section 4.2.1.6).
const URI: u8 = 0x86;

/// `id-ce-subjectAltName`, 2.5.29.17.
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];

/// How many URIs a certificate has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UriCount {
    /// None.
    None,
    /// One.
    One,
    /// Two or more.
    Several,
    /// It cannot be read.
    Unreadable,
}

impl UriCount {
    /// Of a certificate in PEM (RFC 7468 section 5): one, with nothing around it but line ends.
    #[must_use]
    pub fn of_pem(pem: &[u8]) -> Self {
        match certificate(pem).as_deref().and_then(uris) {
            Some(0) => Self::None,
            Some(1) => Self::One,
            Some(_) => Self::Several,
            None => Self::Unreadable,
        }
    }
}

/// The number of URIs of certificates that were read, by the digests of their bytes.
#[derive(Clone, Debug, Default)]
pub struct CertificateMemory(BTreeMap<[u8; 32], UriCount>);

impl CertificateMemory {
    /// The number for the certificate with this digest, which is read only if it is not known yet; `None` if it cannot
    /// be had. That is not remembered.
    pub fn uri_count(&mut self, digest: [u8; 32], pem: impl FnOnce() -> Option<Vec<u8>>) -> Option<UriCount> {
        if let Some(known) = self.0.get(&digest) {
            return Some(*known);
        }
        let count = UriCount::of_pem(&pem()?);
        if self.0.len() >= MAX_REMEMBERED_CERTIFICATES {
            self.0.clear();
        }
        self.0.insert(digest, count);
        Some(count)
    }
}

/// The bytes of the only certificate of this PEM.
fn certificate(pem: &[u8]) -> Option<Vec<u8>> {
    if pem.len() > MAX_CERTIFICATE_PEM_BYTES {
        return None;
    }
    let text = pem.trim_ascii().strip_prefix(BEGIN)?.strip_suffix(END)?;
    let mut digits: Vec<u8> = text.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    let padding = digits.iter().rev().take_while(|byte| **byte == b'=').count();
    digits.truncate(digits.len().saturating_sub(padding.min(2)));
    for digit in &mut digits {
        *digit = match *digit {
            b'+' => b'-',
            b'/' => b'_',
            // These two are of the other alphabet.
            b'-' | b'_' => return None,
            other => other,
        };
    }
    base64url::decode(&digits)
}

/// How many URIs the certificate has in all of its subject alternative names; `None` if it cannot be read.
fn uris(certificate: &[u8]) -> Option<usize> {
    let mut to_be_signed = Der(Der(Der(certificate).only(SEQUENCE)?).element(SEQUENCE)?);
    let mut count = 0_usize;
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
            let names = loop {
                // Whether the extension is critical may stand before its value.
                if let (OCTET_STRING, names) = extension.next()?? {
                    break names;
                }
            };
            let mut names = Der(Der(names).only(SEQUENCE)?);
            while let Some((tag, _)) = names.next()? {
                count = count.saturating_add(usize::from(tag == URI));
            }
        }
    }
    Some(count)
}

/// Elements in DER, read from the front (ITU-T X.690 sections 8.1 and 10.1).
struct Der<'b>(&'b [u8]);

impl<'b> Der<'b> {
    /// The next element, its tag and its contents; the inner `None` at the end. The outer `None` is for bytes that are
    /// not DER.
    #[expect(clippy::option_option, reason = "the end of the elements is not a fault")]
    fn next(&mut self) -> Option<Option<(u8, &'b [u8])>> {
        let Some((tag, rest)) = self.0.split_first() else { return Some(None) };
        // A tag of several bytes: no certificate has one on this way.
        if tag & 0x1f == 0x1f {
            return None;
        }
        let (first, rest) = rest.split_first()?;
        let (length, rest) = match *first {
            short @ 0..=0x7f => (usize::from(short), rest),
            // Longer lengths than a certificate can have, and lengths that have a shorter form, are not read.
            long => {
                let (digits, rest) = rest.split_at_checked(usize::from(long & 0x7f))?;
                let length = match digits {
                    [low @ 0x80..=0xff] => usize::from(*low),
                    [high @ 1..=0xff, low] => usize::from(u16::from_be_bytes([*high, *low])),
                    _ => return None,
                };
                (length, rest)
            }
        };
        let (contents, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some(Some((*tag, contents)))
    }

    /// The contents of the next element, which has this tag if there is one.
    #[expect(clippy::option_option, reason = "the end of the elements is not a fault")]
    fn next_with(&mut self, tag: u8) -> Option<Option<&'b [u8]>> {
        match self.next()? {
            Some((found, contents)) => (found == tag).then_some(Some(contents)),
            None => Some(None),
        }
    }

    /// The contents of the next element, which has this tag.
    fn element(&mut self, tag: u8) -> Option<&'b [u8]> {
        self.next_with(tag)?
    }

    /// The contents of the only element, which has this tag.
    fn only(mut self, tag: u8) -> Option<&'b [u8]> {
        let contents = self.element(tag)?;
        self.0.is_empty().then_some(contents)
    }
}

#[cfg(test)]
mod tests;
