//! The certificate of a client as a proxy before this one forwards it, in `x-forwarded-client-cert`.
//!
//! Envoy writes the names of a certificate into the header beside the certificate itself, and URIs without quotes: a URI
//! with `;` in it looks like further members. So nothing is believed but the whole certificate (`Cert`), and that only
//! where it has the digest that the same element names (`Hash`), each once, in a header of one element.

use hmac_sha256::Hash;
use percent_encoding::percent_decode;

use super::{Certificate, bytes_of};

/// The header, in lower case.
pub const FORWARDED_CLIENT_CERT: &str = "x-forwarded-client-cert";

/// A certificate that was forwarded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForwardedCertificate {
    /// SHA-256 of its DER.
    pub sha256: [u8; 32],
    /// What it says.
    pub certificate: Certificate,
}

/// Why a header does not forward one certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForwardedFault {
    /// It is not a list of members.
    Malformed,
    /// It has several elements, one for each proxy that added one.
    SeveralElements,
    /// It has no `Cert`, or several.
    NotOneCertificate,
    /// It has no `Hash`, or several.
    NotOneDigest,
    /// `Cert` is not one certificate in PEM, or `Hash` is the digest of another.
    NotTheCertificate,
}

impl ForwardedFault {
    /// What to tell the operator.
    #[must_use]
    pub const fn fault(self) -> &'static str {
        match self {
            Self::Malformed => "`x-forwarded-client-cert` is malformed",
            Self::SeveralElements => "`x-forwarded-client-cert` has more than one element",
            Self::NotOneCertificate => {
                "`x-forwarded-client-cert` does not have `Cert` exactly once: the hop must set `cert: true`"
            }
            Self::NotOneDigest => "`x-forwarded-client-cert` does not have `Hash` exactly once",
            Self::NotTheCertificate => "`Cert` and `Hash` of `x-forwarded-client-cert` are not of one certificate",
        }
    }
}

impl ForwardedCertificate {
    /// Reads the value of the header.
    ///
    /// # Errors
    /// See [`ForwardedFault`].
    pub fn read(value: &[u8]) -> Result<Self, ForwardedFault> {
        let members = members(value)?;
        let only = |wanted: &str, fault| {
            let mut found = members.iter().filter(|(name, _)| name.eq_ignore_ascii_case(wanted.as_bytes()));
            match (found.next(), found.next()) {
                (Some((_, value)), None) => Ok(value),
                _ => Err(fault),
            }
        };
        let digest = only("Hash", ForwardedFault::NotOneDigest)?;
        let pem: Vec<u8> = percent_decode(only("Cert", ForwardedFault::NotOneCertificate)?).collect();
        let mut sha256 = [0; 32];
        hex::decode_to_slice(digest, &mut sha256).map_err(|_| ForwardedFault::NotTheCertificate)?;
        let der = bytes_of(&pem).ok_or(ForwardedFault::NotTheCertificate)?;
        if Hash::hash(&der) != sha256 {
            return Err(ForwardedFault::NotTheCertificate);
        }
        Ok(Self { sha256, certificate: Certificate::of_der(&der) })
    }
}

/// A name with its value.
type Member<'v> = (&'v [u8], &'v [u8]);

/// The members of the only element, with the text between quotes as it is written: a backslash keeps the character after it
/// from ending the text.
fn members(value: &[u8]) -> Result<Vec<Member<'_>>, ForwardedFault> {
    let mut members = Vec::new();
    let mut rest = value;
    loop {
        let name = rest.split(|byte| *byte == b'=').next().unwrap_or_default();
        let is_name = !name.is_empty() && name.iter().all(u8::is_ascii_alphanumeric);
        let after = rest.get(name.len()..).and_then(|rest| rest.strip_prefix(b"=")).filter(|_| is_name);
        let after = after.ok_or(ForwardedFault::Malformed)?;
        let (value, after) = match after.strip_prefix(b"\"") {
            // Whoever opens a quotation hides in it what the hop writes after that: a whole element, with its digest.
            Some(quoted) => {
                until_quote(quoted).filter(|(value, _)| !names_a_digest(value)).ok_or(ForwardedFault::Malformed)?
            }
            None => {
                let length = after.iter().take_while(|byte| !matches!(byte, b';' | b',' | b'"')).count();
                after.split_at_checked(length).ok_or(ForwardedFault::Malformed)?
            }
        };
        members.push((name, value));
        rest = match after.split_first() {
            None => return Ok(members),
            Some((b';', after)) => after,
            Some((b',', _)) => return Err(ForwardedFault::SeveralElements),
            Some(_) => return Err(ForwardedFault::Malformed),
        };
    }
}

fn names_a_digest(value: &[u8]) -> bool {
    value.windows(b"hash=".len()).any(|part| part.eq_ignore_ascii_case(b"hash="))
}

/// The text before the quotation mark that ends it, and what follows that.
fn until_quote(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut bytes = text.iter().enumerate();
    while let Some((place, byte)) = bytes.next() {
        match byte {
            b'\\' => drop(bytes.next()?),
            b'"' => {
                let (value, after) = text.split_at_checked(place)?;
                return Some((value, after.strip_prefix(b"\"")?));
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests;
