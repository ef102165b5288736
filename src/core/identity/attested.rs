//! Posture without a token of its own: from a certificate that the proxy validated or that a named hop forwards, and from
//! plain headers of a trusted peer.
//!
//! What comes from anybody else counts as missing, so that it proves nothing, and the record says why. The same holds for a
//! certificate that is not exactly one of this provider's: a connection has the same certificate whatever is asked for, and
//! to have one that describes no device is no fault. What a named peer sends in a header is refused if it is malformed, as
//! a token would be.

use std::rc::Rc;

use serde_json::{Map, Value};

use super::DeviceEvidence;
use super::posture_binding::Tie;
use crate::jose::Claims;
use crate::limits::MAX_POSTURE_HEADER_BYTES;
use crate::profile::{CertificateFrom, CertificateName, CertificateRule, NamedPeers, TrustedPeerRule};
use crate::refusal::{Detail, Reason, Refusal};
use crate::request::{
    CertificateNames, Exactly, FORWARDED_CLIENT_CERT, ForwardedCertificate, ForwardedFault, NameFault, NoNames, Request,
};

/// Why there is no posture.
enum NoPosture {
    /// Nothing was presented.
    Missing,
    /// What was presented is not posture of this provider, and counts as missing.
    Disregarded(Detail),
    /// A peer that is trusted sent what cannot be accepted.
    Refused(Refusal),
}

/// The claims of posture by the names of its facts.
type Stated = Result<Map<String, Value>, NoPosture>;

/// The posture that a certificate states.
///
/// # Errors
/// `posture-not-bound`, and `posture-refused` for a malformed header of a named hop.
pub(super) fn of_certificate(
    rule: &CertificateRule,
    tie: Tie<'_>,
    request: &Request,
) -> Result<DeviceEvidence, Refusal> {
    let stated = names(&rule.from, request).and_then(|names| stated_by(rule, &names));
    evidence(tie, stated)
}

/// The posture that a trusted peer states in its headers.
///
/// # Errors
/// `posture-not-bound`, `posture-refused`
pub(super) fn of_trusted_peer(
    rule: &TrustedPeerRule,
    tie: Tie<'_>,
    request: &Request,
) -> Result<DeviceEvidence, Refusal> {
    evidence(tie, in_headers(rule, request))
}

fn evidence(tie: Tie<'_>, stated: Stated) -> Result<DeviceEvidence, Refusal> {
    let claims = match stated {
        Ok(claims) => Claims::without_token(claims),
        Err(NoPosture::Missing) => return Ok(DeviceEvidence::Missing),
        Err(NoPosture::Disregarded(why)) => return Ok(DeviceEvidence::Disregarded { why }),
        Err(NoPosture::Refused(refusal)) => return Err(refusal),
    };
    tie.facts(&claims, None).map(DeviceEvidence::Verified)
}

/// The names in the certificate that describes the device.
fn names(from: &CertificateFrom, request: &Request) -> Result<Rc<CertificateNames>, NoPosture> {
    let no_names = |no: NoNames| NoPosture::Disregarded(Detail::Fault(no.fault()));
    match from {
        CertificateFrom::Connection => match &request.peer.names {
            Ok(names) => Ok(Rc::clone(names)),
            Err(NoNames::NoCertificate) => Err(NoPosture::Missing),
            Err(other) => Err(no_names(*other)),
        },
        CertificateFrom::Forwarded(hops) => forwarded(hops, request)?.certificate.names.map_err(no_names),
    }
}

fn forwarded(hops: &NamedPeers, request: &Request) -> Result<ForwardedCertificate, NoPosture> {
    let value = match request.headers.exactly(FORWARDED_CLIENT_CERT) {
        Exactly::None => return Err(NoPosture::Missing),
        _ if !hops.has(&request.peer) => return Err(disregarded("the connection is not that of a hop in `hops`")),
        Exactly::One(value) => value,
        Exactly::Many => return Err(refused(Detail::Fault(ForwardedFault::SeveralElements.fault()))),
    };
    let forwarded = ForwardedCertificate::read(value).map_err(|fault| refused(Detail::Fault(fault.fault())))?;
    // This listener has overwritten the header, or the hop has forwarded its own certificate.
    if request.peer.certificate_sha256 == Some(forwarded.sha256) {
        return Err(disregarded("the forwarded certificate is the hop's own"));
    }
    Ok(forwarded)
}

/// The facts in a certificate, if it is one of this provider's.
fn stated_by(rule: &CertificateRule, names: &CertificateNames) -> Stated {
    for pin in &rule.pins {
        let name = pin.attribute.name();
        let found =
            names.subject(pin.attribute).map_err(|fault| disregarded_fact(name, of_certificate_fault(fault)))?;
        if !pin.values.iter().any(|value| value == found) {
            return Err(disregarded_fact(name, "is not as `pins` says"));
        }
    }
    let mut claims = Map::new();
    for (fact, name) in rule.facts.iter().zip(&rule.names) {
        let found = match name {
            CertificateName::Subject(attribute) => names.subject(*attribute),
            CertificateName::UriAfter(beginning) => names.uri_after(beginning),
            CertificateName::DnsBefore(ending) => names.dns_before(ending),
            CertificateName::PermanentIdentifier => names.permanent_identifier(),
        };
        match found {
            Ok(text) => drop(claims.insert(fact.name.clone(), text.into())),
            Err(NameFault::Absent) if !fact.required => {}
            // Which of two is meant nobody can know, and an optional fact that is left out for that reason would look like
            // one that the certificate never had.
            Err(fault) => return Err(disregarded_fact(&fact.name, of_certificate_fault(fault))),
        }
    }
    Ok(claims)
}

const fn of_certificate_fault(fault: NameFault) -> &'static str {
    match fault {
        NameFault::Absent => "is not in the certificate",
        NameFault::Repeated => "is in the certificate more than once",
        NameFault::Unreadable => "is in the certificate, but not as plain text",
    }
}

fn in_headers(rule: &TrustedPeerRule, request: &Request) -> Stated {
    let mut claims = Map::new();
    for (fact, header) in rule.facts.iter().zip(&rule.headers) {
        let wrong = |fault| Err(refused(Detail::Fact { fact: fact.name.clone(), fault }));
        match request.headers.exactly(header) {
            Exactly::None => {}
            _ if !rule.peers.has(&request.peer) => {
                return Err(disregarded("the connection is not that of a peer in `trusted_peer`"));
            }
            Exactly::Many => return wrong("is in more than one header"),
            Exactly::One(value) if value.len() > MAX_POSTURE_HEADER_BYTES => {
                return wrong("is in a header that is too long");
            }
            Exactly::One(value) => match plain(value) {
                Some(text) => drop(claims.insert(fact.name.clone(), text.into())),
                None => return wrong("is in a header that is empty or not printable ASCII"),
            },
        }
    }
    if claims.is_empty() { Err(NoPosture::Missing) } else { Ok(claims) }
}

/// Printable ASCII, with spaces inside.
fn plain(value: &[u8]) -> Option<&str> {
    let is_plain =
        !value.is_empty() && value.trim_ascii() == value && value.iter().all(|byte| matches!(byte, b' '..=b'~'));
    core::str::from_utf8(value).ok().filter(|_| is_plain)
}

const fn disregarded(why: &'static str) -> NoPosture {
    NoPosture::Disregarded(Detail::Fault(why))
}

fn disregarded_fact(name: &str, fault: &'static str) -> NoPosture {
    NoPosture::Disregarded(Detail::Fact { fact: name.to_owned(), fault })
}

fn refused(detail: Detail) -> NoPosture {
    NoPosture::Refused(Refusal::with(Reason::PostureRefused, detail))
}

#[cfg(test)]
mod tests;
