//! The compiled configuration. Immutable; every part of it is of the type that its stage defines.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::evidence::CredentialPlaces;
use crate::jose::Algorithm;
use crate::keys::KeySource;
use crate::limits::{Limits, MAX_POLICIES_IN_METRICS};
use crate::mode::Mode;
use crate::policy::{PolicySet, Vocabulary};
use crate::profile::{DeviceProvider, DpopRule, Issuer, TokenProfile};
use crate::provider::ProviderName;
use crate::reply::{AnswerDetail, HeaderPolicy, Schemes};
use crate::request::{AddressSource, PeerSource};
use crate::route::Router;
use crate::spiffe::TrustDomain;
use crate::telemetry::{Configured, Sampling};

/// The compiled configuration.
#[derive(Debug)]
pub struct Plan {
    /// SHA-256 of the configuration's canonical JSON (members sorted, no spaces), in lower-case hex.
    pub digest: Arc<str>,
    /// The same of its policies.
    pub policies_digest: Arc<str>,
    /// Issuers in the order of their names.
    pub issuers: Vec<Issuer>,
    /// Device providers in the order of their names.
    pub devices: Vec<DeviceProvider>,
    /// Where the keys of each issuer come from, and of each device provider that signs tokens.
    pub keys: BTreeMap<ProviderName, KeySource>,
    /// Applications and routes.
    pub router: Router,
    /// The policies.
    pub policies: PolicySet,
    /// Where facts about the peer come from.
    pub peer: PeerSource,
    /// The trust domains whose workloads are known by their connections; none unless the peer's URI is believed.
    pub trust_domains: Vec<TrustDomain>,
    /// Where the client's address comes from.
    pub client_address: AddressSource,
    /// The name of the filter state that an allow sets (`wasm.<guard>` in Envoy), also the prefix of the record's.
    pub guard: String,
    /// Where access tokens are looked for.
    pub credential_places: CredentialPlaces,
    /// Which headers a forwarded request loses and gains.
    pub header_policy: HeaderPolicy,
    /// The schemes by which tokens are accepted.
    pub schemes: Schemes,
    /// How much refused clients learn.
    pub answer_detail: AnswerDetail,
    /// Whether refusals are enforced.
    pub mode: Mode,
    /// How many of the allowed requests are recorded.
    pub sampling: Sampling,
    /// The caps.
    pub limits: Limits,
}

impl Plan {
    /// What a decision record says of it.
    #[must_use]
    pub fn recorded(&self) -> Configured<'_> {
        Configured {
            digest: &self.digest,
            policies_digest: &self.policies_digest,
            names_policies: self.policies.len() <= MAX_POLICIES_IN_METRICS,
            mode: self.mode,
        }
    }

    /// What its policies can name.
    #[must_use]
    pub fn vocabulary(&self) -> Vocabulary<'_> {
        Vocabulary {
            issuers: &self.issuers,
            devices: &self.devices,
            trust_domains: &self.trust_domains,
            router: &self.router,
        }
    }

    /// Whether names in the certificates of connections can be facts about devices.
    #[must_use]
    pub fn reads_certificate_names(&self) -> bool {
        self.devices.iter().filter_map(DeviceProvider::certificate).any(|rule| !rule.is_forwarded())
    }

    /// The profiles of all issuers, then of all device providers that sign tokens.
    pub fn profiles(&self) -> impl Iterator<Item = &TokenProfile> {
        let devices = self.devices.iter().filter_map(DeviceProvider::token).map(|token| &token.profile);
        self.issuers.iter().map(|issuer| &issuer.profile).chain(devices)
    }

    /// Each profile with the source of its keys, in the order of [`profiles`](Self::profiles).
    pub fn key_sources(&self) -> impl Iterator<Item = (&TokenProfile, &KeySource)> {
        self.profiles().filter_map(|profile| Some((profile, self.keys.get(&profile.name)?)))
    }

    /// The issuers of DPoP-bound tokens, each with the proofs that are accepted.
    pub fn proofs(&self) -> impl Iterator<Item = (&ProviderName, &DpopRule)> {
        self.issuers.iter().filter_map(|issuer| Some((&issuer.profile.name, issuer.sender.dpop()?)))
    }

    /// The algorithms that any of these profiles accepts, or that may have signed a proof, in the order of
    /// [`Algorithm::ALL`].
    #[must_use]
    pub fn algorithms(&self) -> Vec<Algorithm> {
        let is_accepted = |algorithm: &Algorithm| {
            self.profiles().any(|profile| profile.algorithms.accept(*algorithm))
                || self.proofs().any(|(_, rule)| rule.algorithms.contains(algorithm))
        };
        Algorithm::ALL.iter().copied().filter(is_accepted).collect()
    }
}
