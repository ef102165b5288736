//! `certificate` of a device provider: which certificates describe devices, and which of their names are facts.

use std::collections::BTreeSet;

use super::device_parts::{BIND, WORKED_OUT_FACTS, binds_a_fact, read_bind};
use super::device_record::{self, DEVICE_MAPPING};
use super::facts::check_name;
use super::named_peers;
use super::names::quoted;
use super::reader::{Field, FreeNames, List, Node, Presence, Read, Shape, all, words};
use crate::config_error::ConfigCode;
use crate::profile::{
    CertificateFrom, CertificateName, CertificateRule, DeviceProvider, FactField, FactType, PostureSource, SubjectPin,
};
use crate::provider::ProviderName;
use crate::request::{PeerSource, SubjectAttribute};

/// The member that makes a device provider one with certificates.
pub(super) const CERTIFICATE: &str = "certificate";

/// A device provider with certificates.
pub(super) const SHAPE: Shape =
    Shape::Named("device provider with certificates", || const { &Shape::Object(&[&MEMBERS]) });

static MEMBERS: [Field; 3] = [
    Field {
        name: CERTIFICATE,
        presence: Presence::Required,
        shape: Shape::Object(&[&CERTIFICATE_MEMBERS]),
        write: "an object with `from`, and `pins` or `facts`",
        about: "the certificates that describe devices, see [device-certificates.md](device-certificates.md)",
    },
    BIND,
    DEVICE_MAPPING,
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum From {
    Connection,
    Forwarded,
}

static FROM: [(&str, From); 2] = [("connection", From::Connection), ("forwarded", From::Forwarded)];

static CERTIFICATE_MEMBERS: [Field; 4] = [
    Field {
        name: "from",
        presence: Presence::Required,
        shape: Shape::Words(|| words(&FROM)),
        write: "`connection`, or `forwarded` if a proxy before this listener terminates the TLS of clients",
        about: "`connection`: the client certificate of the connection; it needs `peer: { from: tls, certificate: validated }`. \
                `forwarded`: the certificate that one of `hops` sends in `x-forwarded-client-cert`",
    },
    Field {
        name: "hops",
        presence: Presence::Otherwise("only with `from: forwarded`, where it is required"),
        shape: Shape::List(List::of(&Shape::Text("SHA-256 of a certificate, or SPIFFE ID")).some().distinct()),
        write: "a list of the proxies that may forward certificates, each by the SHA-256 of its own certificate or by its \
                SPIFFE ID",
        about: "the proxies whose `x-forwarded-client-cert` is believed; anyone else's is ignored and removed",
    },
    Field {
        name: "pins",
        presence: Presence::Optional,
        shape: Shape::Object(&[&PIN_MEMBERS]),
        write: "an object such as `{ subject: { O: \"Example Corp\" } }`",
        about: "what the certificate must say; one that says anything else is not one of this provider's, and counts as missing",
    },
    Field {
        name: "facts",
        presence: Presence::Optional,
        shape: Shape::Entries(FreeNames::of("fact", &NAME, NAME_TO_WRITE)),
        write: "an object of facts, such as `{ serial: { subject: serialNumber } }`",
        about: "names in the certificate that policies may read, all of them strings; a certificate without one that is \
                declared without `?` counts as missing",
    },
];

const ATTRIBUTE: Shape = Shape::Words(|| SubjectAttribute::names().map(|(name, _)| name).collect());

const VALUES: Shape =
    Shape::Either(&[Shape::Text("string"), Shape::List(List::of(&Shape::Text("string")).some().distinct())]);

const PINS_TO_WRITE: &str =
    "the value that the attribute must have, or a list of values, such as `{ O: \"Example Corp\" }`";

static PIN_MEMBERS: [Field; 1] = [Field {
    name: "subject",
    presence: Presence::Required,
    shape: Shape::Entries(FreeNames::of("attribute", &VALUES, PINS_TO_WRITE).some()),
    write: PINS_TO_WRITE,
    about: "attributes of the subject that must have exactly this value, or one of these",
}];

const NAME_TO_WRITE: &str = "one of `{ subject: serialNumber }`, `{ uri: \"urn:udid:\" }`, `{ dns: \".devices.example.com\" }` and \
     `{ permanent_identifier: true }`";

const NAME: Shape = Shape::Named("name in a certificate", || const { &Shape::Object(&[&NAME_MEMBERS]) });

static NAME_MEMBERS: [Field; 4] = [
    Field {
        name: "subject",
        presence: Presence::OneOf,
        shape: ATTRIBUTE,
        write: "one of the attributes `C`, `CN`, `L`, `O`, `OU`, `ST`, `UID`, `emailAddress` and `serialNumber`",
        about: "the only attribute of this type in the subject",
    },
    Field {
        name: "uri",
        presence: Presence::OneOf,
        shape: Shape::Text("beginning of a URI"),
        write: "a beginning that ends with a separator, such as `urn:udid:`",
        about: "the rest of the only URI that begins so",
    },
    Field {
        name: "dns",
        presence: Presence::OneOf,
        shape: Shape::Text("ending of a DNS name"),
        write: "an ending that begins with a dot, such as `.devices.example.com`",
        about: "the part before it of the only DNS name that ends so",
    },
    Field {
        name: "permanent_identifier",
        presence: Presence::OneOf,
        shape: Shape::True,
        write: "`true`",
        about: "the only permanent identifier (RFC 4043), as ACME device attestation issues it",
    },
];

/// Reads a device provider that has the member `certificate`.
pub(super) fn read(node: &Node<'_>, name: Read<ProviderName>) -> Read<DeviceProvider> {
    let [certificate, bind, device] = node.members(&MEMBERS)?;
    let bind = bind.required(read_bind);
    let rule = certificate.required(|node| read_rule(node, name?));
    let (rule, bind) = (rule?, bind?);
    let device = device_record::read(&device, &rule.facts);
    binds_a_fact(node, &bind, &rule.facts)?;
    Ok(DeviceProvider { source: PostureSource::Certificate(rule), bind, device: device? })
}

/// Checks that the connection proves what is read of it. `node` is the provider's.
pub(super) fn agree_on_peer(node: &Node<'_>, rule: &CertificateRule, source: PeerSource) -> Read<()> {
    match &rule.from {
        CertificateFrom::Connection if source == PeerSource::ValidatedCertificate => Ok(()),
        CertificateFrom::Connection => Err(node.report_inside(
            "/certificate/from",
            ConfigCode::Contradiction,
            "names in client certificates are facts about devices, and `peer` does not say that certificates are validated: \
             a client could write any name into a certificate of its own",
            "write `peer: { from: tls, certificate: validated }` if the listener validates client certificates against the \
             CA that issues those of devices",
        )),
        CertificateFrom::Forwarded(_) if !source.has_certificates() => Err(node.report_inside(
            "/certificate/from",
            ConfigCode::Contradiction,
            "`peer` reports no certificate of the hop, so a certificate that is the hop's own could not be told from a \
             device's",
            "write `peer: { from: tls, certificate: validated }` if this listener terminates the TLS of the hop",
        )),
        CertificateFrom::Forwarded(hops) => {
            named_peers::agree_on_peer(node, hops, source, ("/certificate/hops", "/certificate/hops"))
        }
    }
}

fn read_rule(node: &Node<'_>, name: ProviderName) -> Read<CertificateRule> {
    let [from, hops, pins, facts] = node.members(&CERTIFICATE_MEMBERS)?;
    let from = from.required(|node| node.word(&FROM));
    let from = match (from?, hops.written()?) {
        (From::Connection, None) => CertificateFrom::Connection,
        (From::Connection, Some(hops)) => {
            return hops.error(
                ConfigCode::Contradiction,
                "the certificate of the connection is forwarded by nobody",
                "remove `hops`, or write `from: forwarded`",
            );
        }
        (From::Forwarded, _) => CertificateFrom::Forwarded(hops.required(named_peers::read)?),
    };
    let pins = pins.or_empty(read_pins);
    let facts = facts.or_empty(read_facts);
    let (pins, facts) = (pins?, facts?);
    let (facts, names): (Vec<FactField>, Vec<CertificateName>) = facts.into_iter().unzip();
    if pins.is_empty() && !facts.iter().any(|fact| fact.required) {
        return node.error(
            ConfigCode::MissingField,
            "every certificate that the listener trusts would describe a device",
            "add `pins`, or a fact whose name has no `?`, so that only certificates of devices count",
        );
    }
    Ok(CertificateRule { name, from, pins, facts, names })
}

fn read_pins(node: &Node<'_>) -> Read<Vec<SubjectPin>> {
    let [subject] = node.members(&PIN_MEMBERS)?;
    subject.required(|node| {
        let entries = node.entries()?;
        if entries.is_empty() {
            return node.error(ConfigCode::EmptyList, "the object is empty, so it pins nothing", node.write_wanted());
        }
        all(entries.into_iter().map(|(name, entry)| {
            let Some((_, attribute)) = SubjectAttribute::names().find(|(known, _)| *known == name) else {
                let known: Vec<&str> = SubjectAttribute::names().map(|(name, _)| name).collect();
                return entry.error(
                    ConfigCode::BadName,
                    format!("{} is not an attribute of subjects that is read", quoted(name)),
                    format!("write one of {}", known.join(", ")),
                );
            };
            Ok(SubjectPin { attribute, values: read_values(&entry)? })
        }))
    })
}

fn read_values(node: &Node<'_>) -> Read<Vec<String>> {
    if node.value().is_array() {
        Node::distinct(node.some_elements()?, |element| element.some_text().map(str::to_owned))
    } else {
        node.some_text().map(|text| vec![text.to_owned()])
    }
}

fn read_facts(node: &Node<'_>) -> Read<Vec<(FactField, CertificateName)>> {
    let mut names = BTreeSet::new();
    let mut facts = all(node.entries()?.into_iter().map(|(written, entry)| {
        let (name, required) = written.strip_suffix('?').map_or((written, true), |name| (name, false));
        check_name(&entry, name, WORKED_OUT_FACTS, &mut names)?;
        Ok((FactField::of_own_claim(name, required, FactType::String), read_name(&entry)?))
    }))?;
    facts.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
    Ok(facts)
}

fn read_name(node: &Node<'_>) -> Read<CertificateName> {
    let [subject, uri, dns, permanent_identifier] = node.members(&NAME_MEMBERS)?;
    let mut found = Vec::new();
    found.extend(subject.optional(read_attribute)?);
    found.extend(uri.optional(read_uri)?);
    found.extend(dns.optional(read_dns)?);
    found.extend(permanent_identifier.or_empty(Node::only_true)?.then_some(CertificateName::PermanentIdentifier));
    match (found.pop(), found.pop()) {
        (Some(name), None) => Ok(name),
        (None, _) => subject.required(read_attribute),
        (Some(_), Some(_)) => {
            node.error(ConfigCode::Contradiction, "a fact is one name, found two members", node.write_wanted())
        }
    }
}

fn read_attribute(node: &Node<'_>) -> Read<CertificateName> {
    let words: Vec<(&str, SubjectAttribute)> = SubjectAttribute::names().collect();
    node.word(&words).map(CertificateName::Subject)
}

fn read_uri(node: &Node<'_>) -> Read<CertificateName> {
    let text = node.some_text()?;
    let ends_in_separator = text.bytes().next_back().is_some_and(|byte| byte.is_ascii_punctuation());
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) || !text.contains(':') || !ends_in_separator {
        return node.error(
            ConfigCode::BadValue,
            format!("{} is not the beginning of a URI up to a separator", quoted(text)),
            node.write_wanted(),
        );
    }
    Ok(CertificateName::UriAfter(text.to_owned()))
}

fn read_dns(node: &Node<'_>) -> Read<CertificateName> {
    let text = node.some_text()?;
    let is_of_host = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    let is_ending = text.len() > 1 && text.starts_with('.') && !text.ends_with('.') && !text.contains("..");
    if !is_ending || !text.bytes().all(is_of_host) {
        return node.error(
            ConfigCode::BadValue,
            format!("{} is not the ending of a DNS name, in lower case, that begins with a dot", quoted(text)),
            node.write_wanted(),
        );
    }
    Ok(CertificateName::DnsBefore(text.to_owned()))
}
