//! Header names that the document may use, and `identity_headers`: facts for the upstream.

use std::collections::BTreeSet;

use super::facts::find_fact;
use super::names::{HeaderFault, guess, header_name, quoted};
use super::reader::{Field, FreeNames, Node, Presence, Read, Shape, all};
use crate::config_error::ConfigCode;
use crate::identity_header::{IdentityHeader, IdentitySource};
use crate::profile::{DeviceProvider, FactType, Issuer};

/// `identity_headers`
pub(super) const IDENTITY_HEADERS: Field = Field {
    name: "identity_headers",
    presence: Presence::Optional,
    shape: Shape::Entries(FreeNames::of("header", &IDENTITY_HEADER, "`{ fact: corp.email }` or `{ payload: corp }`")),
    write: "an object of headers, such as `{ x-user-email: { fact: corp.email } }`",
    about: "verified facts for the upstream, see [headers.md](headers.md)",
};

const IDENTITY_HEADER: Shape =
    Shape::Named("identity header", || const { &Shape::Object(&[&IDENTITY_HEADER_MEMBERS]) });

static IDENTITY_HEADER_MEMBERS: [Field; 2] = [
    Field {
        name: "fact",
        presence: Presence::OneOf,
        shape: Shape::Text("`<provider>.<fact>`"),
        write: "a declared fact with its provider, such as `corp.email`",
        about: "a declared fact with its provider, such as `corp.email`",
    },
    Field {
        name: "payload",
        presence: Presence::OneOf,
        shape: Shape::Text("issuer"),
        write: "the name of an issuer, whose token's payload is sent",
        about: "the issuer whose token's payload is sent",
    },
];

/// What identity headers can carry.
#[derive(Clone, Copy)]
pub(super) struct Sources<'a> {
    pub(super) issuers: Read<&'a Vec<Issuer>>,
    pub(super) devices: Read<&'a Vec<DeviceProvider>>,
}

/// Reads `identity_headers`, sorted by name.
pub(super) fn read(node: &Node<'_>, sources: Sources<'_>) -> Read<Vec<IdentityHeader>> {
    let mut names = BTreeSet::new();
    let mut headers = all(node.entries()?.into_iter().map(|(written, entry)| {
        let name = read_name(&entry, written, sources);
        let source = read_source(&entry, sources);
        let (name, source) = (name?, source?);
        if !names.insert(name.clone()) {
            return entry.error(
                ConfigCode::BadIdentityHeader,
                "this header stands here twice, in different case",
                "keep one of the two",
            );
        }
        Ok(IdentityHeader { name, source })
    }))?;
    headers.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(headers)
}

fn read_name(node: &Node<'_>, written: &str, sources: Sources<'_>) -> Read<String> {
    let help = "choose a header of its own, such as `x-user-email`";
    let name = match header_name(written) {
        Ok(name) => name,
        Err(HeaderFault::NotAName(why)) => return node.error(ConfigCode::BadIdentityHeader, why, help),
        Err(HeaderFault::Taken(why)) => {
            return node.error(
                ConfigCode::BadIdentityHeader,
                format!("this header cannot carry an identity: {why}"),
                help,
            );
        }
    };
    let reads_it = |device: &&DeviceProvider| device.headers().any(|header| header == name);
    if let Some(device) = sources.devices.iter().copied().flatten().find(reads_it) {
        let message = format!("this header cannot carry an identity: posture of `{}` is read from it", device.name());
        return node.error(ConfigCode::BadIdentityHeader, message, help);
    }
    Ok(name)
}

fn read_source(node: &Node<'_>, sources: Sources<'_>) -> Read<IdentitySource> {
    let [fact, payload] = node.members(&IDENTITY_HEADER_MEMBERS)?;
    match (fact.written()?, payload.written()?) {
        (Some(fact), None) => read_fact(fact, sources),
        (None, Some(payload)) => read_payload(payload, sources),
        (Some(_), Some(_)) => node.error(
            ConfigCode::Contradiction,
            "a header carries one thing, found `fact` and `payload`",
            node.write_wanted(),
        ),
        (None, None) => fact.required(|node| read_fact(node, sources)),
    }
}

fn read_payload(node: &Node<'_>, sources: Sources<'_>) -> Read<IdentitySource> {
    let name = node.some_text()?;
    let issuers = sources.issuers?;
    if let Some(issuer) = issuers.iter().find(|issuer| issuer.profile.name.as_str() == name) {
        return Ok(IdentitySource::Payload { issuer: issuer.profile.name.clone() });
    }
    let names = || issuers.iter().map(|issuer| issuer.profile.name.as_str());
    node.error(
        ConfigCode::UnknownProvider,
        format!("{} is not an issuer", quoted(name)),
        guess(name, names(), "issuers"),
    )
}

fn read_fact(node: &Node<'_>, sources: Sources<'_>) -> Read<IdentitySource> {
    let text = node.some_text()?;
    let (issuers, devices) = (sources.issuers?, sources.devices?);
    let of_issuers = || issuers.iter().map(|issuer| (&issuer.profile.name, issuer.profile.facts.as_slice()));
    let providers = || of_issuers().chain(devices.iter().map(|device| (device.name(), device.facts())));
    let Some((provider, rest)) = text.split_once('.') else {
        return node.error(ConfigCode::UnknownFact, format!("{} has no provider", quoted(text)), node.write_wanted());
    };
    let Some((name, facts)) = providers().find(|(name, _)| name.as_str() == provider) else {
        let message = format!("{} is not a provider", quoted(provider));
        return node.error(
            ConfigCode::UnknownProvider,
            message,
            guess(provider, providers().map(|(name, _)| name.as_str()), "providers"),
        );
    };
    let Some((path, fact_type)) = find_fact(facts, rest) else {
        let message = format!("`{provider}` declares no fact {}", quoted(rest));
        return node.error(
            ConfigCode::UnknownFact,
            message,
            guess(rest, facts.iter().map(|fact| fact.name.as_str()), "declared facts"),
        );
    };
    if !fits_a_header(fact_type) {
        return node.error(
            ConfigCode::BadIdentityHeader,
            format!(
                "{} is a record, or a list of records or lists; a header carries one value, or a list of them",
                quoted(text)
            ),
            "name a fact inside the record, or send the `payload`",
        );
    }
    Ok(IdentitySource::Fact { provider: name.clone(), path })
}

fn fits_a_header(fact_type: &FactType) -> bool {
    let is_one_value = |fact_type: &FactType| match fact_type {
        FactType::String
        | FactType::Long
        | FactType::NumericDate(_)
        | FactType::Bool
        | FactType::Ip
        | FactType::BoolOrText
        | FactType::LongOrText => true,
        FactType::List(_)
        | FactType::ListOrSingle(_)
        | FactType::Scopes
        | FactType::Record(_)
        | FactType::Actor(_)
        | FactType::Version(_) => false,
    };
    match fact_type {
        FactType::List(element) | FactType::ListOrSingle(element) => is_one_value(element),
        FactType::Scopes => true,
        other => is_one_value(other),
    }
}
