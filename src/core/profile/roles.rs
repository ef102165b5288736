//! The roles that evidence can play: it names a principal, or it describes a device.

use std::sync::Arc;

use super::{CertificateRule, CredentialPlace, DeviceMapping, FactField, SenderRule, TokenProfile, TrustedPeerRule};
use crate::jose::ClaimPath;
use crate::provider::ProviderName;
use crate::request::FORWARDED_CLIENT_CERT;
use crate::time::Seconds;

/// Whether verified evidence is forwarded to the upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvidenceForwarding {
    /// It is forwarded if it was verified.
    Verified,
    /// It is always removed.
    Never,
}

/// How a token of an issuer becomes a principal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrincipalRule {
    /// The entity type inside the issuer's namespace: `User` makes `<issuer>::User`.
    pub entity_type: Arc<str>,
    /// The claim that names the principal: a non-empty string.
    pub id: ClaimPath,
    /// How its groups are read; without it, its principals have no groups.
    pub groups: Option<GroupsRule>,
}

/// How a token says which groups its principal is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupsRule {
    /// The claim that lists the groups, strings.
    pub claim: ClaimPath,
    /// Whether a token without the claim is rejected. Otherwise its principal is in no group.
    pub required: bool,
    /// Whether a string is accepted in place of the list, and means the list with that one element. It is never split.
    pub single: bool,
}

/// An issuer of access tokens.
#[derive(Clone, Debug)]
pub struct Issuer {
    /// What its tokens must look like.
    pub profile: TokenProfile,
    /// Where its tokens are accepted: at least one place, each once. Their order has no meaning.
    pub from: Vec<CredentialPlace>,
    /// How a token names a principal.
    pub principal: PrincipalRule,
    /// Whether the token is forwarded to the upstream.
    pub forward: EvidenceForwarding,
    /// What the sender of a token must prove.
    pub sender: SenderRule,
    /// Which facts of its tokens are members of `context.device`.
    pub device: DeviceMapping,
}

/// How posture is tied to the user's token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PostureBinding {
    /// This claim of the token must equal this claim of the posture token, both strings.
    Claims {
        /// The claim of the access token.
        token: ClaimPath,
        /// The claim of the posture token.
        device: ClaimPath,
    },
    /// Not at all. The configuration must say so explicitly.
    None,
}

/// A provider whose statements about devices are trusted.
#[derive(Clone, Debug)]
pub struct DeviceProvider {
    /// How its statements reach the plugin.
    pub source: PostureSource,
    /// How the posture is tied to the user's token.
    pub bind: PostureBinding,
    /// Which of its facts are members of `context.device`.
    pub device: DeviceMapping,
}

/// How the statements of a device provider reach the plugin.
#[derive(Clone, Debug)]
pub enum PostureSource {
    /// Signed, in a token that the client sends.
    Token(Box<PostureToken>),
    /// In a certificate.
    Certificate(CertificateRule),
    /// In plain headers of a trusted peer.
    TrustedPeer(TrustedPeerRule),
}

/// The posture tokens of a device provider.
#[derive(Clone, Debug)]
pub struct PostureToken {
    /// What they must look like. `max_age` is always set.
    pub profile: TokenProfile,
    /// The request header that carries the token, in lower case.
    pub header: String,
    /// Whether the token is forwarded to the upstream.
    pub forward: EvidenceForwarding,
}

impl DeviceProvider {
    /// Its name in the configuration: policies read its facts as `context.<name>`.
    #[must_use]
    pub fn name(&self) -> &ProviderName {
        match &self.source {
            PostureSource::Token(token) => &token.profile.name,
            PostureSource::Certificate(rule) => &rule.name,
            PostureSource::TrustedPeer(rule) => &rule.name,
        }
    }

    /// The facts that it is declared to report.
    #[must_use]
    pub fn facts(&self) -> &[FactField] {
        match &self.source {
            PostureSource::Token(token) => &token.profile.facts,
            PostureSource::Certificate(rule) => &rule.facts,
            PostureSource::TrustedPeer(rule) => &rule.facts,
        }
    }

    /// Its tokens, if it signs tokens.
    #[must_use]
    pub fn token(&self) -> Option<&PostureToken> {
        match &self.source {
            PostureSource::Token(token) => Some(token),
            PostureSource::Certificate(_) | PostureSource::TrustedPeer(_) => None,
        }
    }

    /// The request headers that its statements are read from, in lower case.
    pub fn headers(&self) -> impl Iterator<Item = &str> {
        let headers: &[String] = match &self.source {
            PostureSource::Token(token) => core::slice::from_ref(&token.header),
            PostureSource::Certificate(_) => &[],
            PostureSource::TrustedPeer(rule) => &rule.headers,
        };
        let forwards = self.certificate().is_some_and(CertificateRule::is_forwarded);
        headers.iter().map(String::as_str).chain(forwards.then_some(FORWARDED_CLIENT_CERT))
    }

    /// What its certificates must say, if it describes devices by certificates.
    #[must_use]
    pub const fn certificate(&self) -> Option<&CertificateRule> {
        match &self.source {
            PostureSource::Certificate(rule) => Some(rule),
            PostureSource::Token(_) | PostureSource::TrustedPeer(_) => None,
        }
    }

    /// Whether its statements say when they were made, so that they have an age.
    #[must_use]
    pub fn has_age(&self) -> bool {
        self.token().is_some()
    }

    /// The longest time that its statements are accepted for.
    #[must_use]
    pub fn max_age(&self) -> Option<Seconds> {
        self.token().and_then(|token| token.profile.max_age)
    }
}

/// The mappings of all issuers and device providers that have one.
pub fn mappings<'a>(
    issuers: &'a [Issuer],
    devices: &'a [DeviceProvider],
) -> impl Iterator<Item = (&'a ProviderName, &'a DeviceMapping)> + Clone {
    let issuers = issuers.iter().map(|issuer| (&issuer.profile.name, &issuer.device));
    let devices = devices.iter().map(|device| (device.name(), &device.device));
    issuers.chain(devices).filter(|(_, mapping)| !mapping.is_empty())
}
