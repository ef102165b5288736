//! Counters and gauges, by name; Envoy gives them no labels of its own.
//!
//! `docs/metrics.md` lists them.
//!
//! Policies that could not be evaluated are the reason `policy_error`.
//!
//! Envoy shows them as `wasmcustom.countersign...` and turns parts of a name into labels where the bootstrap says so, as
//! `envoy/envoy.yaml` does.
//!
//! The number of names is bounded by the configuration: no part of a request or of a provider's answer is ever in a
//! name.

use crate::policy::{Alarm, PolicyId};
use crate::provider::ProviderName;
use crate::refusal::Reason;

/// The result for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It was forwarded.
    Allow,
    /// It was refused.
    Deny,
    /// It was answered with public metadata, and no policy was asked.
    Answered,
    /// It was forwarded although refused, because refusals are not enforced (`mode: shadow`).
    WouldDeny,
}

impl Verdict {
    /// The word in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Answered => "answered",
            Self::WouldDeny => "would_deny",
        }
    }

    /// The code in metrics and in the record where nothing refuses the request.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Answered => "resource-metadata",
            Self::Allow | Self::Deny | Self::WouldDeny => "permitted",
        }
    }
}

/// One counter of decisions.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DecisionCounter {
    /// The result for the request.
    pub verdict: Verdict,
    /// Why; `None` where nothing refuses it.
    pub reason: Option<Reason>,
    /// The issuer of the caller's token; `None` for a caller without one.
    pub issuer: Option<ProviderName>,
    /// The policy that determined it.
    pub policy: DecidingPolicy,
}

/// The policy that determined a decision, as a metric names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum DecidingPolicy {
    /// None did.
    None,
    /// This one.
    One(PolicyId),
    /// More than one.
    Several,
    /// The configuration has more policies than metrics name.
    NotNamed,
}

impl DecidingPolicy {
    /// The word in metrics. In an id everything but letters, digits and `_` becomes `_`.
    fn name(&self) -> String {
        match self {
            Self::None => "none".to_owned(),
            Self::One(id) => {
                let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
                id.as_str().chars().map(plain).collect()
            }
            Self::Several => "several".to_owned(),
            Self::NotNamed => "not_named".to_owned(),
        }
    }
}

/// What is counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Counter {
    /// Decisions.
    Decisions(DecisionCounter),
    /// Decisions that a policy with this `@alarm` determined.
    Alarms(Alarm),
    /// Decisions that would be another one if the rehearsed policies were in force: whether the request would be allowed.
    Rehearsals(bool),
    /// Look-ups in the decision cache: whether the answers were there.
    CacheLookups {
        /// They were.
        hit: bool,
    },
    /// Workers that served their first request under a configuration.
    Configurations,
    /// Seconds that workers have lived under their configurations. A worker that crashed adds no more, so it grows each second by
    /// as many as live.
    AliveSeconds,
    /// Fetches of a provider's keys, by outcome: `taken`, or the name of a fault.
    Fetches(ProviderName, &'static str),
    /// Keys that were skipped in an accepted set.
    SkippedKeys(ProviderName),
    /// Keys that were published with members of a private key.
    PrivateKeys(ProviderName),
    /// Requests refused with `token-key` after the provider was asked about the `kid` of the token.
    UnknownKeyRefusals(ProviderName),
    /// Signatures that the proxy verified, whatever came of it.
    SignaturesByProxy,
    /// Signatures that the plugin itself verified, whatever came of it.
    SignaturesByPlugin,
    /// Those of them that the proxy was asked about first, and gave no usable answer.
    SignatureFailures,
}

/// What is measured.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Gauge {
    /// Seconds since the provider's keys were fetched.
    KeyAge(ProviderName),
    /// Requests that wait for keys.
    Waiting,
    /// Tokens whose signatures were verified and that are remembered.
    RememberedTokens,
    /// 1 where the workers share the keys that they fetch, 0 where each fetches for itself.
    KeysShared,
}

impl Counter {
    /// Its name: letters, digits, `_` and `.` only, as Envoy's statistics need.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Decisions(DecisionCounter { verdict, reason, issuer, policy }) => {
                let reason = reason.map_or(verdict.code(), Reason::code).replace('-', "_");
                let issuer = issuer.as_ref().map_or("none", ProviderName::as_str);
                format!(
                    "countersign.decisions.outcome.{}.reason.{reason}.issuer.{issuer}.policy.{}",
                    verdict.name(),
                    policy.name()
                )
            }
            Self::Alarms(alarm) => format!("countersign.alarms.alarm.{}", alarm.as_str().replace('-', "_")),
            Self::Rehearsals(allows) => {
                format!("countersign.rehearsals.outcome.{}", if *allows { "would_allow" } else { "would_deny" })
            }
            Self::CacheLookups { hit } => {
                format!("countersign.decision_cache.outcome.{}", if *hit { "hit" } else { "miss" })
            }
            Self::Configurations => "countersign.configurations".to_owned(),
            Self::AliveSeconds => "countersign.alive_seconds".to_owned(),
            Self::Fetches(provider, outcome) => format!("countersign.keys.{provider}.fetches.outcome.{outcome}"),
            Self::SkippedKeys(provider) => format!("countersign.keys.{provider}.skipped_keys"),
            Self::PrivateKeys(provider) => format!("countersign.keys.{provider}.private_keys"),
            Self::UnknownKeyRefusals(provider) => format!("countersign.keys.{provider}.unknown_key_refusals"),
            Self::SignaturesByProxy => "countersign.signatures.verified_by.proxy".to_owned(),
            Self::SignaturesByPlugin => "countersign.signatures.verified_by.plugin".to_owned(),
            Self::SignatureFailures => "countersign.signatures.proxy_failures".to_owned(),
        }
    }
}

impl Gauge {
    /// Its name, of the same characters.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::KeyAge(provider) => format!("countersign.keys.{provider}.age_seconds"),
            Self::Waiting => "countersign.waiting".to_owned(),
            Self::RememberedTokens => "countersign.remembered_tokens".to_owned(),
            Self::KeysShared => "countersign.keys_shared".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Counter, DecidingPolicy, DecisionCounter, Gauge, Verdict};
    use crate::policy::PolicyId;
    use crate::portable;
    use crate::provider::ProviderName;
    use crate::refusal::Reason;

    fn decisions(verdict: Verdict, reason: Option<Reason>) -> String {
        Counter::Decisions(DecisionCounter { verdict, reason, issuer: None, policy: DecidingPolicy::None }).name()
    }

    #[portable]
    fn a_counter_is_named_after_what_it_counts() {
        assert_eq!(
            decisions(Verdict::Allow, None),
            "countersign.decisions.outcome.allow.reason.permitted.issuer.none.policy.none"
        );
        assert_eq!(
            decisions(Verdict::WouldDeny, Some(Reason::TokenExpired)),
            "countersign.decisions.outcome.would_deny.reason.token_expired.issuer.none.policy.none"
        );
        let corp = ProviderName::new("corp");
        let policy = |policy| DecisionCounter {
            verdict: Verdict::Deny,
            reason: Some(Reason::ForbiddenByPolicy),
            issuer: Some(corp.clone()),
            policy,
        };
        for (policy, name) in [
            (policy(DecidingPolicy::One(PolicyId::new("shop/no-contractors.2"))), "shop_no_contractors_2"),
            (policy(DecidingPolicy::Several), "several"),
            (policy(DecidingPolicy::NotNamed), "not_named"),
        ] {
            let all =
                format!("countersign.decisions.outcome.deny.reason.forbidden_by_policy.issuer.corp.policy.{name}");
            assert_eq!(Counter::Decisions(policy).name(), all);
        }
        assert_eq!(
            Counter::Fetches(corp.clone(), "no_usable_key").name(),
            "countersign.keys.corp.fetches.outcome.no_usable_key"
        );
        assert_eq!(Gauge::KeyAge(corp).name(), "countersign.keys.corp.age_seconds");
    }

    #[portable]
    fn every_name_has_only_letters_digits_underscores_and_dots() {
        for reason in Reason::ALL {
            let name = decisions(Verdict::Deny, Some(*reason));
            assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.')), "{name}");
        }
    }
}
