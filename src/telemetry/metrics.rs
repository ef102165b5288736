//! Counters, by name; Envoy gives them no labels of its own.
//!
//! | name | counts |
//! |---|---|
//! | `countersign.decisions.outcome.<verdict>.reason.<code>` | decisions; the code with `_` for `-`, `permitted` where there is no refusal |
//! | `countersign.configurations` | workers that served their first request under a configuration |
//!
//! Policies that could not be evaluated are the reason `policy_error`.
//!
//! Envoy shows them as `wasmcustom.countersign...` and turns parts of a name into labels where the bootstrap says so:
//!
//! ```yaml
//! stats_config:
//!   stats_tags:
//!   - { tag_name: outcome, regex: "^wasmcustom\\.countersign\\.decisions(\\.outcome\\.(\\w+))" }
//!   - { tag_name: reason, regex: "^wasmcustom\\.countersign\\.decisions.*(\\.reason\\.(\\w+))$" }
//! ```
//!
//! The number of names is bounded by the number of reasons: no part of a request is ever in a name.

use crate::refusal::Reason;

/// Workers that served their first request under a configuration.
pub const CONFIGURATIONS: &str = "countersign.configurations";

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It went on.
    Allow,
    /// It was refused.
    Deny,
    /// It went on because refusals are not enforced (`mode: shadow`).
    WouldDeny,
}

impl Verdict {
    /// The word in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::WouldDeny => "would_deny",
        }
    }
}

/// One counter of decisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DecisionCounter {
    /// What became of the request.
    pub verdict: Verdict,
    /// Why; `None` where it was permitted.
    pub reason: Option<Reason>,
}

impl DecisionCounter {
    /// Its name: letters, digits, `_` and `.` only, as Envoy's statistics need.
    #[must_use]
    pub fn name(self) -> String {
        let reason = self.reason.map_or("permitted", Reason::code).replace('-', "_");
        format!("countersign.decisions.outcome.{}.reason.{reason}", self.verdict.name())
    }
}

#[cfg(test)]
mod tests {
    use super::{DecisionCounter, Verdict};
    use crate::portable;
    use crate::refusal::Reason;

    #[portable]
    fn a_counter_is_named_after_verdict_and_reason() {
        let counter = DecisionCounter { verdict: Verdict::Allow, reason: None };
        assert_eq!(counter.name(), "countersign.decisions.outcome.allow.reason.permitted");
        let counter = DecisionCounter { verdict: Verdict::WouldDeny, reason: Some(Reason::TokenExpired) };
        assert_eq!(counter.name(), "countersign.decisions.outcome.would_deny.reason.token_expired");
    }

    #[portable]
    fn every_name_has_only_letters_digits_underscores_and_dots() {
        for reason in Reason::ALL {
            let name = DecisionCounter { verdict: Verdict::Deny, reason: Some(*reason) }.name();
            assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.')), "{name}");
        }
    }
}
