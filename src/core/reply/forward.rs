//! What a request that goes on loses and gains, so that the upstream reads verified facts and nothing else.
//!
//! Removal is by the names' normal form, so that no other spelling slips through to a reader that does not tell them
//! apart. Evidence itself goes on only if it was verified and the configuration forwards it. In shadow mode, where
//! nothing is enforced, evidence goes on as it came: an application that checks its tokens itself must not fail in a
//! rehearsal. The same holds for a CORS preflight, on which nothing is ever verified: its evidence is removed, and in
//! shadow mode forwarded as without the plugin. That is not unsafe there: the application received the same bytes
//! before the rehearsal, no identity header vouches for them, and whoever wants to send it an unverified token needs
//! no preflight for that.

use std::collections::{BTreeMap, BTreeSet};

use super::header_value::{encode, encode_list};
use super::{DECISION_ID_HEADER, Forwarding};
use crate::config::Plan;
use crate::evidence::AUTHORIZATION;
use crate::identity::{DeviceEvidence, Identity, Principal, VerifiedPrincipal};
use crate::identity_header::{IdentityHeader, IdentitySource};
use crate::jose::base64url;
use crate::mode::Mode;
use crate::profile::{FactRecord, FactValue, Forward};
use crate::provider::ProviderName;
use crate::request::Request;
use crate::stripped::{HeaderRules, normal_form};
use crate::telemetry::{DecisionId, cedar_notation};

impl Forwarding {
    /// For a request whose caller is known, if only as Anonymous.
    #[must_use]
    pub fn compile(plan: &Plan, request: &Request, identity: &Identity, decision_id: &DecisionId) -> Self {
        let known = Known { principal: identity.principal(), devices: identity.devices() };
        let issuer_forward = known.verified().and_then(|verified| {
            plan.issuers.iter().find(|issuer| issuer.profile.name == verified.issuer).map(|issuer| issuer.forward)
        });
        let rules = Rules::of(plan);
        let kept = rules.kept(&known, issuer_forward);
        let mut set = known.headers();
        set.extend(known.identity_headers(&plan.identity_headers));
        rules.forwarding(request, &kept, set, decision_id)
    }
}

/// The trailer names to remove from a request that goes on: all that would be removed as header fields, kept ones among
/// them, and evidence without exception, for none is looked for in trailers.
#[must_use]
pub fn trailers_to_remove<'a>(plan: &Plan, names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    Rules::of(plan).removed_trailers(names)
}

/// The part of a plan that says what is removed.
struct Rules<'a> {
    posture: Vec<Place<'a>>,
    identity_headers: &'a [IdentityHeader],
    request_headers: &'a HeaderRules,
    mode: Mode,
}

/// Where a device provider's evidence stands.
struct Place<'a> {
    provider: &'a ProviderName,
    header: &'a str,
    forward: Forward,
}

/// What is known of a caller.
#[derive(Clone, Copy)]
struct Known<'a> {
    principal: &'a Principal,
    devices: &'a BTreeMap<ProviderName, DeviceEvidence>,
}

impl<'a> Rules<'a> {
    fn of(plan: &'a Plan) -> Self {
        let posture = plan.devices.iter().map(|device| Place {
            provider: &device.profile.name,
            header: &device.header,
            forward: device.forward,
        });
        Self {
            posture: posture.collect(),
            identity_headers: &plan.identity_headers,
            request_headers: &plan.request_headers,
            mode: plan.mode,
        }
    }

    /// The names, exactly spelled, of evidence that goes on.
    fn kept(&self, known: &Known<'a>, issuer_forward: Option<Forward>) -> BTreeSet<&'a str> {
        let mut kept = self.kept_unverified();
        match issuer_forward {
            Some(Forward::Verified) => {
                kept.insert(AUTHORIZATION);
            }
            Some(Forward::Never) => {
                kept.remove(AUTHORIZATION);
            }
            None => {}
        }
        let verified = self.posture.iter().filter(|place| {
            place.forward == Forward::Verified
                && matches!(known.devices.get(place.provider), Some(DeviceEvidence::Verified(_)))
        });
        kept.extend(verified.map(|place| place.header));
        kept
    }

    /// The same where nothing was verified.
    fn kept_unverified(&self) -> BTreeSet<&'a str> {
        match self.mode {
            Mode::Enforce => BTreeSet::new(),
            Mode::Shadow => {
                let forwarded = self.posture.iter().filter(|place| place.forward == Forward::Verified);
                forwarded.map(|place| place.header).chain([AUTHORIZATION]).collect()
            }
        }
    }

    fn forwarding(
        &self,
        request: &Request,
        kept: &BTreeSet<&str>,
        mut set: Vec<(String, String)>,
        decision_id: &DecisionId,
    ) -> Forwarding {
        set.push((DECISION_ID_HEADER.to_owned(), decision_id.to_string()));
        if request.upgrade && request.headers.all("connection").any(names_more_than_upgrade) {
            set.push(("connection".to_owned(), "upgrade".to_owned()));
        }
        Forwarding { remove: self.removed(request.headers.names(), kept), set }
    }

    fn removed<'n>(&self, names: impl IntoIterator<Item = &'n str>, kept: &BTreeSet<&str>) -> Vec<String> {
        let own = self.own();
        let removed = names.into_iter().filter(|name| !kept.contains(name)).filter(|name| {
            let normal = normal_form(name);
            // Nothing that the configuration keeps is one of our own names.
            own.contains(&normal) || self.request_headers.removes(name, &normal)
        });
        sorted(removed)
    }

    fn removed_trailers<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Vec<String> {
        let own = self.own();
        sorted(names.into_iter().filter(|name| {
            let normal = normal_form(name);
            own.contains(&normal) || self.request_headers.removes_trailer(name, &normal)
        }))
    }

    /// The names of evidence and of identity headers, in normal form.
    fn own(&self) -> BTreeSet<String> {
        let mut own: BTreeSet<String> = BTreeSet::from([AUTHORIZATION.to_owned()]);
        own.extend(self.posture.iter().map(|place| normal_form(place.header)));
        own.extend(self.identity_headers.iter().map(|header| normal_form(&header.name)));
        own
    }
}

/// Each name once.
fn sorted<'n>(names: impl Iterator<Item = &'n str>) -> Vec<String> {
    names.collect::<BTreeSet<_>>().into_iter().map(str::to_owned).collect()
}

/// Whether a `Connection` field names other fields than `Upgrade`. Envoy lets the field through with an upgrade, and a
/// proxy behind it removes every field that it names (RFC 9110 section 7.6.1): a client could have ours removed.
fn names_more_than_upgrade(value: &[u8]) -> bool {
    value.split(|byte| *byte == b',').any(|option| !option.trim_ascii().eq_ignore_ascii_case(b"upgrade"))
}

impl<'a> Known<'a> {
    fn verified(&self) -> Option<&'a VerifiedPrincipal> {
        match self.principal {
            Principal::Anonymous => None,
            Principal::Verified(verified) => Some(verified),
        }
    }

    /// `x-countersign-*`, without the decision's id.
    fn headers(&self) -> Vec<(String, String)> {
        let mut set = vec![("x-countersign-principal".to_owned(), encode(&cedar_notation(self.principal)))];
        if let Some(verified) = self.verified() {
            set.push(("x-countersign-subject".to_owned(), encode(&verified.id)));
            set.push(("x-countersign-issuer".to_owned(), encode(verified.issuer.as_str())));
            if !verified.groups.is_empty() {
                let groups = encode_list(verified.groups.iter().map(String::as_str));
                set.push(("x-countersign-groups".to_owned(), groups));
            }
        }
        set
    }

    /// The configured ones whose facts are there.
    fn identity_headers(&self, headers: &[IdentityHeader]) -> Vec<(String, String)> {
        headers.iter().filter_map(|header| Some((header.name.clone(), self.value_of(&header.source)?))).collect()
    }

    fn value_of(&self, source: &IdentitySource) -> Option<String> {
        match source {
            IdentitySource::Payload { issuer } => self
                .verified()
                .filter(|verified| verified.issuer == *issuer)
                .map(|verified| base64url::encode(&verified.payload)),
            IdentitySource::Fact { provider, path } => {
                let (last, records) = path.split_last()?;
                let mut facts = self.facts_of(provider)?;
                for name in records {
                    let FactValue::Record(inner) = facts.get(name)? else { return None };
                    facts = inner;
                }
                fact_text(facts.get(last)?)
            }
        }
    }

    fn facts_of(&self, provider: &ProviderName) -> Option<&'a FactRecord> {
        // Posture without a token is tied to nobody, and policies do not see it either.
        let verified = self.verified()?;
        if verified.issuer == *provider {
            return Some(&verified.facts);
        }
        match self.devices.get(provider)? {
            DeviceEvidence::Verified(device) => Some(&device.facts),
            DeviceEvidence::Missing | DeviceEvidence::Stale { .. } => None,
        }
    }
}

/// The value of a header field for a fact; `None` for records, which have no text form.
fn fact_text(value: &FactValue) -> Option<String> {
    match value {
        FactValue::List(elements) => {
            let texts: Option<Vec<String>> = elements.iter().map(scalar_text).collect();
            texts.map(|texts| encode_list(texts.iter().map(String::as_str)))
        }
        scalar => scalar_text(scalar).map(|text| encode(&text)),
    }
}

fn scalar_text(value: &FactValue) -> Option<String> {
    match value {
        FactValue::String(text) | FactValue::Ip(text) => Some(text.clone()),
        FactValue::Long(number) => Some(number.to_string()),
        FactValue::Bool(truth) => Some(truth.to_string()),
        FactValue::List(_) | FactValue::Record(_) => None,
    }
}

#[cfg(test)]
mod tests;
