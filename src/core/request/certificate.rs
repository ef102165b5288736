//! What a client certificate says: how many URIs it has, and the names in it that can be facts about a device.
//!
//! The host tells the subject as text and the first URI only, and an X.509-SVID has exactly one (X509-SVID section 2): a
//! certificate with two must not pass for the workload that happens to come first. Where the host gives the certificate
//! itself, all names are read from it.
//!
//! The proxy has validated the certificate, so nothing here verifies it. Only as much of it is read as leads to its names
//! (RFC 5280 sections 4.1.2.6 and 4.2.1.6), and bytes that are not DER on the way make it unreadable.

mod der;
mod forwarded;
mod names;
mod subject_text;
mod text;
mod x509;

pub use forwarded::{FORWARDED_CLIENT_CERT, ForwardedCertificate, ForwardedFault};
pub use names::{CertificateNames, NameFault, NoNames};
pub use text::SubjectAttribute;

use std::collections::BTreeMap;
use std::rc::Rc;

use hmac_sha256::Hash;

use crate::jose::base64url;
use crate::limits::{MAX_CERTIFICATE_PEM_BYTES, MAX_REMEMBERED_CERTIFICATES};

const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
const END: &[u8] = b"-----END CERTIFICATE-----";

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

/// What was read of one certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// How many URIs it has.
    pub uris: UriCount,
    /// The names that can be facts.
    ///
    /// # Errors
    /// Why there are none.
    pub names: Result<Rc<CertificateNames>, NoNames>,
}

impl Certificate {
    /// Of a certificate in PEM (RFC 7468 section 5): one, with nothing around it but line ends.
    #[must_use]
    pub fn of_pem(pem: &[u8]) -> Self {
        let unreadable = Self { uris: UriCount::Unreadable, names: Err(NoNames::Unreadable) };
        bytes_of(pem).as_deref().map_or(unreadable, Self::of_der)
    }

    /// SHA-256 of the only certificate of this PEM; `None` if it is not one.
    #[must_use]
    pub fn digest_of_pem(pem: &[u8]) -> Option<[u8; 32]> {
        bytes_of(pem).map(|der| Hash::hash(&der))
    }

    fn of_der(der: &[u8]) -> Self {
        let Some(read) = x509::read(der) else {
            return Self { uris: UriCount::Unreadable, names: Err(NoNames::Unreadable) };
        };
        let uris = match read.uris.len() {
            0 => UriCount::None,
            1 => UriCount::One,
            _ => UriCount::Several,
        };
        Self { uris, names: read.within_limits().map(Rc::new) }
    }
}

/// Certificates that were read, by the digests of their bytes.
#[derive(Clone, Debug, Default)]
pub struct CertificateMemory(BTreeMap<[u8; 32], Certificate>);

impl CertificateMemory {
    /// The certificate with this digest, which is read only if it is not known yet; `None` if it cannot be had. That is
    /// not remembered.
    pub fn certificate(&mut self, digest: [u8; 32], pem: impl FnOnce() -> Option<Vec<u8>>) -> Option<Certificate> {
        if let Some(known) = self.0.get(&digest) {
            return Some(known.clone());
        }
        let certificate = Certificate::of_pem(&pem()?);
        if self.0.len() >= MAX_REMEMBERED_CERTIFICATES {
            self.0.clear();
        }
        self.0.insert(digest, certificate.clone());
        Some(certificate)
    }
}

/// The bytes of the only certificate of this PEM.
fn bytes_of(pem: &[u8]) -> Option<Vec<u8>> {
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

#[cfg(test)]
pub(crate) mod build;
#[cfg(test)]
mod tests;
