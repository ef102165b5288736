//! The names in a certificate that can be facts, and how one of them is found: each exactly once, or not at all.

use super::subject_text;
use super::text::{SubjectAttribute, Text, graphic, host_name};
use crate::limits::{MAX_CERTIFICATE_NAME_BYTES, MAX_CERTIFICATE_NAMES};

/// Why a certificate has no names that can be facts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NoNames {
    /// The configuration has no use for them.
    #[default]
    NotRead,
    /// The client sent no certificate.
    NoCertificate,
    /// The certificate, or its subject in the host's text, cannot be read.
    Unreadable,
    /// It has more names, or longer ones, than are read.
    TooMany,
}

impl NoNames {
    /// What to tell the operator.
    #[must_use]
    pub const fn fault(self) -> &'static str {
        match self {
            Self::NotRead => "the names in client certificates are not read",
            Self::NoCertificate => "the connection has no client certificate",
            Self::Unreadable => "the client certificate cannot be read",
            Self::TooMany => "the client certificate has more names than are read",
        }
    }
}

/// Why a certificate has no single name of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameFault {
    /// There is none.
    Absent,
    /// There are several, be they equal or not.
    Repeated,
    /// There is one that is not plain text: it is empty, it has control characters, or it is in another encoding.
    Unreadable,
}

/// The names in a certificate that can be facts, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CertificateNames {
    pub(super) subject: Vec<(SubjectAttribute, Text)>,
    pub(super) uris: Vec<Text>,
    pub(super) dns: Vec<Text>,
    pub(super) permanent_identifiers: Vec<Text>,
}

impl CertificateNames {
    /// From what hosts tell that do not give the certificate: the subject in the form of RFC 2253, the first URI and the
    /// first DNS name. Whether there are more, and permanent identifiers, such hosts do not tell.
    ///
    /// # Errors
    /// The subject is not text in that form, or too much of it.
    pub fn of_host(subject: &[u8], uri: Option<&[u8]>, dns: Option<&[u8]>) -> Result<Self, NoNames> {
        let subject = subject_text::attributes(subject).ok_or(NoNames::Unreadable)?;
        let uris = uri.map(graphic).into_iter().collect();
        let dns = dns.map(host_name).into_iter().collect();
        Self { subject, uris, dns, permanent_identifiers: Vec::new() }.within_limits()
    }

    /// These names, if they are not too many to be remembered.
    pub(super) fn within_limits(self) -> Result<Self, NoNames> {
        let subject = self.subject.iter().map(|(_, text)| text);
        let texts = subject.chain(&self.uris).chain(&self.dns).chain(&self.permanent_identifiers);
        let bytes = texts.clone().flatten().fold(0_usize, |bytes, text| bytes.saturating_add(text.len()));
        if texts.count() > MAX_CERTIFICATE_NAMES || bytes > MAX_CERTIFICATE_NAME_BYTES {
            return Err(NoNames::TooMany);
        }
        Ok(self)
    }

    /// The first URI, as hosts tell it.
    #[must_use]
    pub fn first_uri(&self) -> Option<&str> {
        self.uris.first()?.as_deref()
    }

    /// The subject's only attribute of this type.
    ///
    /// # Errors
    /// Why there is not exactly one.
    pub fn subject(&self, attribute: SubjectAttribute) -> Result<&str, NameFault> {
        let of_type = self.subject.iter().filter(|(found, _)| *found == attribute).map(|(_, text)| text.as_deref());
        only(of_type, Some)
    }

    /// What follows this beginning in the only URI that has it.
    ///
    /// # Errors
    /// Why there is not exactly one.
    pub fn uri_after(&self, beginning: &str) -> Result<&str, NameFault> {
        only(self.uris.iter().map(Option::as_deref), |uri| uri.strip_prefix(beginning))
    }

    /// What precedes this ending in the only DNS name that has it.
    ///
    /// # Errors
    /// Why there is not exactly one.
    pub fn dns_before(&self, ending: &str) -> Result<&str, NameFault> {
        only(self.dns.iter().map(Option::as_deref), |name| name.strip_suffix(ending))
    }

    /// The only permanent identifier (RFC 4043).
    ///
    /// # Errors
    /// Why there is not exactly one.
    pub fn permanent_identifier(&self) -> Result<&str, NameFault> {
        only(self.permanent_identifiers.iter().map(Option::as_deref), Some)
    }
}

/// The only one of these names of which a part is wanted. A name that is not plain text could be any, and an empty part
/// names nothing.
fn only<'n>(
    names: impl Iterator<Item = Option<&'n str>>,
    part: impl Fn(&'n str) -> Option<&'n str>,
) -> Result<&'n str, NameFault> {
    let mut found = Err(NameFault::Absent);
    for name in names {
        let Some(part) = part(name.ok_or(NameFault::Unreadable)?) else { continue };
        found = match found {
            Err(NameFault::Absent) if part.is_empty() => return Err(NameFault::Unreadable),
            Err(NameFault::Absent) => Ok(part),
            _ => return Err(NameFault::Repeated),
        };
    }
    found
}

#[cfg(test)]
mod tests;
