//! Which headers a forwarded request loses and gains: compiled once with the configuration, applied to each request.
//!
//! Names are compared in their normal form, so that no other spelling slips through to a reader that does not tell them
//! apart. Evidence itself is forwarded only if it was verified and the configuration forwards it. In shadow mode, where
//! nothing is enforced, evidence is forwarded as it came: an application that checks its tokens itself must not fail in
//! a rehearsal. The same holds for a CORS preflight, whose evidence is never verified: it is removed, and in shadow
//! mode forwarded as without the plugin. That is not unsafe there: the application received the same bytes before the
//! rehearsal, no identity header vouches for them, and a client that wants to send it an unverified token needs no
//! preflight for that.

use std::collections::{BTreeMap, BTreeSet};

use super::header_changes::HeaderChanges;
use super::{DECISION_ID_HEADER, identity_headers};
use crate::dpop::DPOP;
use crate::evidence::{COOKIE, CredentialPlaces, Rest};
use crate::identity::{DeviceEvidence, Identity, Principal, SenderConstraint, VerifiedPrincipal};
use crate::identity_header::IdentityHeader;
use crate::mode::Mode;
use crate::profile::{DeviceProvider, EvidenceForwarding, Issuer};
use crate::provider::ProviderName;
use crate::request::Request;
use crate::stripped::{HeaderRules, Screen, normal_form};
use crate::telemetry::DecisionId;

/// The header rules of a configuration.
#[derive(Clone, Debug)]
pub struct HeaderPolicy {
    /// Where access tokens are looked for.
    places: CredentialPlaces,
    /// Whether a token of each issuer is forwarded.
    issuers: BTreeMap<ProviderName, EvidenceForwarding>,
    /// The header of each device provider whose posture is forwarded, in lower case.
    forwarded_posture: BTreeMap<ProviderName, String>,
    /// Headers that are forwarded even where nothing was verified; empty unless in shadow mode.
    kept_unverified: BTreeSet<String>,
    /// The names of evidence and of identity headers, in normal form.
    own: BTreeSet<String>,
    /// It passes every name that can be removed.
    screen: Screen,
    identity_headers: Vec<IdentityHeader>,
    request_headers: HeaderRules,
    mode: Mode,
}

impl HeaderPolicy {
    /// Compiles the parts of a configuration that concern headers.
    pub(crate) fn compile(
        issuers: &[Issuer],
        devices: &[DeviceProvider],
        identity_headers: Vec<IdentityHeader>,
        request_headers: HeaderRules,
        mode: Mode,
    ) -> Self {
        let forwarded_posture: BTreeMap<ProviderName, String> = devices
            .iter()
            .filter_map(DeviceProvider::token)
            .filter(|token| token.forward == EvidenceForwarding::Verified)
            .map(|token| (token.profile.name.clone(), token.header.clone()))
            .collect();
        let places = CredentialPlaces::of(issuers);
        // Where no issuer accepts proofs, the header is not evidence, and is forwarded like any other.
        let proofs = issuers.iter().any(|issuer| issuer.sender.dpop().is_some()).then(|| DPOP.to_owned());
        let kept_unverified = match mode {
            Mode::Enforce => BTreeSet::new(),
            Mode::Shadow => {
                let headers = places.headers().map(str::to_owned).chain(proofs.clone());
                forwarded_posture.values().cloned().chain(headers).collect()
            }
        };
        let own: BTreeSet<String> = devices
            .iter()
            .flat_map(DeviceProvider::headers)
            .map(normal_form)
            .chain(identity_headers.iter().map(|header| normal_form(&header.name)))
            .chain(places.headers().map(normal_form))
            .chain(proofs)
            .collect();
        let mut screen = request_headers.screen();
        own.iter().for_each(|name| screen.add_name(name));
        let issuers = issuers.iter().map(|issuer| (issuer.profile.name.clone(), issuer.forward)).collect();
        Self {
            places,
            issuers,
            forwarded_posture,
            kept_unverified,
            own,
            screen,
            identity_headers,
            request_headers,
            mode,
        }
    }

    /// Headers for the upstream in addition to `x-countersign-*`.
    #[must_use]
    pub fn identity_headers(&self) -> &[IdentityHeader] {
        &self.identity_headers
    }

    /// Which headers of a client are removed in addition to evidence and identity headers.
    #[must_use]
    pub const fn request_headers(&self) -> &HeaderRules {
        &self.request_headers
    }

    /// Whether refusals are enforced.
    pub(super) const fn mode(&self) -> Mode {
        self.mode
    }

    /// The trailer names to remove from a forwarded request: all that would be removed as header fields, including
    /// those that `request_headers.keep` names, and evidence without exception, because none is looked for in trailers.
    #[must_use]
    pub fn trailers_to_remove<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Vec<String> {
        let removed = each_once(names.into_iter().filter(|name| {
            self.screen.passes(name) && {
                let normal = normal_form(name);
                self.own.contains(&normal) || self.request_headers.removes_trailer(name, &normal)
            }
        }));
        removed.into_iter().map(str::to_owned).collect()
    }

    /// The changes to the request of this caller.
    pub(super) fn changes(&self, identity: &Identity, request: &Request, decision_id: &DecisionId) -> HeaderChanges {
        let cookies = self.cookies(identity, request);
        let listed = request
            .headers
            .names()
            .filter(|name| self.screen.passes(name) && self.is_listed(name) && !self.is_kept(name, identity));
        let no_cookie = (cookies == Rest::Nothing).then_some(COOKIE);
        let mut changes = HeaderChanges::removing(each_once(listed.chain(no_cookie)));
        if let Rest::Cookies(cookies) = cookies {
            changes.set_cookies(cookies);
        }
        identity_headers::set_built_in(&mut changes, identity);
        identity_headers::set_configured(&mut changes, identity, &self.identity_headers);
        changes.set(DECISION_ID_HEADER, |value| {
            value.push_str(decision_id.as_str());
            Some(())
        });
        if request.upgrade && request.headers.all("connection").any(names_more_than_upgrade) {
            changes.set("connection", |value| {
                value.push_str("upgrade");
                Some(())
            });
        }
        changes
    }

    /// Whether a header of this name is evidence, an identity header, or removed from every request.
    fn is_listed(&self, name: &str) -> bool {
        let normal = normal_form(name);
        // Nothing that `request_headers.keep` names is one of our own names.
        self.own.contains(&normal) || self.request_headers.removes(name, &normal)
    }

    /// Whether the name, exactly spelled, is that of evidence that is forwarded.
    fn is_kept(&self, name: &str, identity: &Identity) -> bool {
        let is_verified = |provider| matches!(identity.devices().get(provider), Some(DeviceEvidence::Verified(_)));
        if self.forwarded_posture.iter().any(|(provider, header)| header == name && is_verified(provider)) {
            return true;
        }
        match identity.principal() {
            Principal::Verified(principal) if self.places.headers().any(|header| header == name) => {
                principal.place.header() == Some(name) && self.forwards_token_of(principal)
            }
            // The upstream can verify the proof of a token that it receives, and of no other.
            Principal::Verified(principal) if name == DPOP && principal.sender_constraint == SenderConstraint::Dpop => {
                self.forwards_token_of(principal)
            }
            Principal::Verified(_) | Principal::Workload(_) | Principal::Anonymous => {
                self.kept_unverified.contains(name)
            }
        }
    }

    fn forwards_token_of(&self, principal: &VerifiedPrincipal) -> bool {
        self.issuers.get(&principal.issuer) == Some(&EvidenceForwarding::Verified)
    }

    /// The cookies that are forwarded: all but access tokens, which are treated as in a header. Where `Cookie` is
    /// removed whole, nothing of it is left to change.
    fn cookies(&self, identity: &Identity, request: &Request) -> Rest {
        let is_kept = match identity.principal() {
            Principal::Verified(principal) => principal.place.cookie().is_some() && self.forwards_token_of(principal),
            Principal::Workload(_) | Principal::Anonymous => self.mode == Mode::Shadow,
        };
        if !self.places.has_cookies() || is_kept || self.is_listed(COOKIE) {
            return Rest::All;
        }
        self.places.other_cookies(&request.headers)
    }
}

/// Each name once, in order.
fn each_once<'n>(names: impl Iterator<Item = &'n str>) -> Vec<&'n str> {
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Whether a `Connection` field names other fields than `Upgrade`. Envoy lets the field through with an upgrade, and a
/// proxy behind it removes every field that it names (RFC 9110 section 7.6.1): a client could have ours removed.
fn names_more_than_upgrade(value: &[u8]) -> bool {
    value.split(|byte| *byte == b',').any(|option| !option.trim_ascii().eq_ignore_ascii_case(b"upgrade"))
}

#[cfg(test)]
mod tests;
