//! What policies are validated against, as one digest: two configurations with equal digests accept the same policies.
//!
//! Every member of what validation is given is named here, so the compiler asks about each new one. Members that validation
//! does not read are named too, and left out: keys, audiences and times do not change what a policy may say.

use hmac_sha256::Hash;

use super::bytes::{Encoded, encode_list, encode_text};
use crate::policy::{GroupHierarchy, Vocabulary};
use crate::profile::{
    CertificateRule, DeviceMapping, DeviceProvider, FactField, FactType, GroupsRule, Issuer, IssuerId, MappedFact,
    PostureBinding, PostureSource, PostureToken, PrincipalRule, TokenProfile, TrustedPeerRule, mappings,
};
use crate::provider::ProviderName;
use crate::request::{Action, RequestMethod};
use crate::route::{Application, Attribute, AttributeType, Requires, Route, Router};

/// SHA-256 of what policies are validated against.
pub(in crate::policy) type ContextDigest = [u8; 32];

/// The digest of this vocabulary and of the groups in groups.
pub(in crate::policy) fn context_digest(vocabulary: Vocabulary<'_>, groups: &GroupHierarchy) -> ContextDigest {
    let mut bytes = Vec::new();
    let Vocabulary { issuers, devices, trust_domains, router } = vocabulary;
    let GroupHierarchy { pointer: _, parents } = groups;
    let Router { applications, attributes } = router;
    list(issuers, &mut bytes, issuer);
    list(devices, &mut bytes, device);
    list(trust_domains, &mut bytes, |trust_domain, into| encode_text(trust_domain.as_str(), into));
    list(applications, &mut bytes, application);
    list(attributes, &mut bytes, attribute);
    parents.len().encode(&mut bytes);
    for (child, parents) in parents {
        child.encode(&mut bytes);
        parents.encode(&mut bytes);
    }
    // At the end, so that a configuration without mappings has the digest that it always had.
    for (provider, mapping) in mappings(issuers, devices) {
        encode_text(provider.as_str(), &mut bytes);
        self::mapping(mapping, &mut bytes);
    }
    Hash::hash(&bytes)
}

fn list<T>(elements: &[T], into: &mut Vec<u8>, write: fn(&T, &mut Vec<u8>)) {
    elements.len().encode(into);
    elements.iter().for_each(|element| write(element, into));
}

fn issuer(issuer: &Issuer, into: &mut Vec<u8>) {
    let Issuer { profile, from: _, principal, forward: _, sender: _, device: _ } = issuer;
    let PrincipalRule { entity_type, id: _, groups } = principal;
    self::profile(profile, into);
    encode_text(entity_type, into);
    groups.is_some().encode(into);
    if let Some(GroupsRule { claim, required, single: _ }) = groups {
        claim.0.encode(into);
        required.encode(into);
    }
}

fn device(device: &DeviceProvider, into: &mut Vec<u8>) {
    let DeviceProvider { source, bind, device: _ } = device;
    match source {
        PostureSource::Token(token) => {
            let PostureToken { profile, header: _, forward: _ } = &**token;
            self::profile(profile, into);
        }
        PostureSource::Certificate(CertificateRule { name, from: _, pins: _, facts, names: _ })
        | PostureSource::TrustedPeer(TrustedPeerRule { name, peers: _, facts, headers: _ }) => {
            encode_text(name.as_str(), into);
            // In place of a tenant: such posture has no issuer, and no age.
            into.push(2);
            list(facts, into, fact);
        }
    }
    (*bind == PostureBinding::None).encode(into);
}

/// Policies read the members of `context.device`, and each request has them from the facts that this names.
fn mapping(mapping: &DeviceMapping, into: &mut Vec<u8>) {
    mapping.iter().count().encode(into);
    for MappedFact { member, fact } in mapping.iter() {
        member.shown().encode(into);
        fact.encode(into);
    }
}

fn profile(profile: &TokenProfile, into: &mut Vec<u8>) {
    let TokenProfile {
        name,
        kind: _,
        form: _,
        header: _,
        issuer,
        subject: _,
        audiences: _,
        expiry: _,
        algorithms: _,
        key_use: _,
        typ: _,
        pins,
        forbid_claims: _,
        require_claims: _,
        clock_skew: _,
        max_age: _,
        max_lifetime: _,
        facts,
    } = profile;
    encode_text(name.as_str(), into);
    // A warning asks whether policies or pins limit the tenants of a template.
    let tenant = match issuer {
        IssuerId::Template(template) => Some(&template.claim.0),
        IssuerId::Exactly(_) | IssuerId::Absent => None,
    };
    let pinned = tenant.is_some_and(|tenant| pins.iter().any(|pin| tenant.as_slice() == [pin.claim.as_str()]));
    tenant.filter(|_| !pinned).cloned().encode(into);
    list(facts, into, fact);
}

fn fact(field: &FactField, into: &mut Vec<u8>) {
    let FactField { name, claim, required, fact_type } = field;
    name.encode(into);
    // Where the groups and the tenant are facts is found by the claim.
    claim.0.encode(into);
    required.encode(into);
    self::fact_type(fact_type, into);
}

fn fact_type(of: &FactType, into: &mut Vec<u8>) {
    match of {
        FactType::String => into.push(0),
        // Policies read the same value, whichever way the token writes it.
        FactType::Long | FactType::LongOrText | FactType::NumericDate(_) => into.push(1),
        FactType::Bool | FactType::BoolOrText => into.push(2),
        FactType::Ip => into.push(3),
        FactType::List(element) | FactType::ListOrSingle(element) => {
            into.push(4);
            fact_type(element, into);
        }
        FactType::Scopes => into.push(5),
        FactType::Record(fields) | FactType::Actor(fields) | FactType::Version(fields) => {
            into.push(6);
            list(fields, into, fact);
        }
    }
}

fn attribute(attribute: &Attribute, into: &mut Vec<u8>) {
    // The values of routes may change: each request is decided by those of the configuration that it meets.
    let Attribute { name, of, values, default: _ } = attribute;
    name.encode(into);
    into.push(match of {
        AttributeType::String => 0,
        AttributeType::Long => 1,
        AttributeType::Bool => 2,
        AttributeType::Strings => 3,
    });
    values.encode(into);
}

fn application(application: &Application, into: &mut Vec<u8>) {
    let Application { name, hosts, requires, resource_metadata: _, sign_in: _, routes } = application;
    name.encode(into);
    let hosts = hosts.as_ref().map(|hosts| hosts.iter().map(ToString::to_string).collect::<Vec<String>>());
    hosts.encode(into);
    self::requires(requires, into);
    list(routes, into, route);
}

fn route(route: &Route, into: &mut Vec<u8>) {
    let Route { name, path, encoded, methods, action, requires, resource_metadata: _, attributes: _ } = route;
    name.encode(into);
    encode_text(path.as_str(), into);
    list(encoded, into, |ambiguity, into| encode_text(ambiguity.name(), into));
    list(methods, into, |method: &RequestMethod, into| encode_text(method.name(), into));
    encode_text(action.map_or("", Action::name), into);
    self::requires(requires, into);
}

fn requires(requires: &Requires, into: &mut Vec<u8>) {
    let Requires { issuer, peer, devices } = requires;
    encode_text(issuer.as_ref().map_or("", ProviderName::as_str), into);
    peer.encode(into);
    let devices: Vec<String> = devices.iter().map(ToString::to_string).collect();
    encode_list(devices.iter(), into);
}
