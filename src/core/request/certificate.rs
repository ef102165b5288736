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
    const UNREADABLE: Self = Self { uris: UriCount::Unreadable, names: Err(NoNames::Unreadable) };

    /// Of a certificate in PEM (RFC 7468 section 5): one, with nothing around it but line ends.
    #[must_use]
    pub fn of_pem(pem: &[u8]) -> Self {
        bytes_of(pem).as_deref().map_or(Self::UNREADABLE, Self::of_der)
    }

    /// SHA-256 of the only certificate of this PEM; `None` if it is not one.
    #[must_use]
    pub fn digest_of_pem(pem: &[u8]) -> Option<[u8; 32]> {
        bytes_of(pem).map(|der| Hash::hash(&der))
    }

    fn of_der(der: &[u8]) -> Self {
        let Some(read) = x509::read(der) else { return Self::UNREADABLE };
        let uris = match read.uris.len() {
            0 => UriCount::None,
            1 => UriCount::One,
            _ => UriCount::Several,
        };
        Self { uris, names: read.within_limits().map(Rc::new) }
    }
}

/// Certificates that were read under one configuration, by the digests of their bytes.
#[derive(Clone, Debug, Default)]
pub struct CertificateMemory {
    read: BTreeMap<[u8; 32], Certificate>,
    /// Whether the host has given any certificate.
    is_given_any: bool,
}

impl CertificateMemory {
    /// The certificate with this digest, which is read only if it is not known yet, and with its names only if the
    /// configuration has a use for them. `None` from a host that gives no certificates.
    ///
    /// A certificate that cannot be had is not remembered. From a host that has given others it counts as unreadable: what
    /// such a host says in text is less than what the certificate would say.
    pub fn certificate(
        &mut self,
        digest: [u8; 32],
        reads_names: bool,
        pem: impl FnOnce() -> Option<Vec<u8>>,
    ) -> Option<Certificate> {
        if let Some(known) = self.read.get(&digest) {
            return Some(known.clone());
        }
        let Some(pem) = pem() else { return self.is_given_any.then_some(Certificate::UNREADABLE) };
        self.is_given_any = true;
        let mut certificate = Certificate::of_pem(&pem);
        if !reads_names {
            certificate.names = Err(NoNames::NotRead);
        }
        if self.read.len() >= MAX_REMEMBERED_CERTIFICATES {
            self.read.clear();
        }
        self.read.insert(digest, certificate.clone());
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
