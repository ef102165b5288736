//! What a policy says beside its rule: how it is reported, and what follows where it decides or nearly does.

use core::fmt;

use super::PolicyId;
use crate::limits::MAX_ALARM_BYTES;
use crate::remedy::Remedy;

/// The annotations of a valid policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::policy) struct Annotations {
    /// As reported.
    pub id: PolicyId,
    /// `@advice`.
    pub advice: Option<String>,
    /// `@step_up` and `@scope`.
    pub remedies: Vec<Remedied>,
    /// `@alarm`.
    pub alarm: Option<Alarm>,
    /// `@mode("shadow")`: it decides nothing, and is only evaluated in a rehearsal.
    pub is_rehearsed: bool,
}

/// A remedy, and the conditions of the policy that it can change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::policy) struct Remedied {
    /// The remedy.
    pub remedy: Remedy,
    /// The conditions that read facts which the remedy changes, by their places in the policy's rule.
    pub conditions: Vec<usize>,
}

impl Annotations {
    /// What a client can do so that a permit applies of which these conditions failed, and nothing else. `None` if there is
    /// nothing: a client that followed a remedy in vain would follow it again and again.
    pub(in crate::policy) fn remedy_of(&self, failed: &[usize]) -> Option<&Remedy> {
        let changes = |condition: &usize| self.remedies.iter().any(|remedied| remedied.conditions.contains(condition));
        if !failed.iter().all(changes) {
            return None;
        }
        let first = self
            .remedies
            .iter()
            .find(|Remedied { conditions, .. }| failed.iter().any(|condition| conditions.contains(condition)));
        first.map(|remedied| &remedied.remedy)
    }

    /// What a client can do so that a forbid no longer applies.
    pub(in crate::policy) fn remedy(&self) -> Option<&Remedy> {
        self.remedies.first().map(|remedied| &remedied.remedy)
    }
}

/// The name of an alarm, which is part of the name of a metric: lower-case letters, digits and `-`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Alarm(String);

impl Alarm {
    /// Reads a name; `None` if it is not one, or longer than [`MAX_ALARM_BYTES`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let is_name = !text.is_empty() && text.len() <= MAX_ALARM_BYTES && text.bytes().all(legal);
        is_name.then(|| Self(text.to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{Alarm, Annotations, Remedied};
    use crate::limits::MAX_ALARM_BYTES;
    use crate::policy::PolicyId;
    use crate::portable;
    use crate::remedy::{Remedy, Scope, StepUp};

    #[portable]
    fn an_alarm_is_a_name_that_metrics_can_have() {
        assert_eq!(Alarm::parse("break-glass2").map(|alarm| alarm.to_string()).as_deref(), Some("break-glass2"));
        assert!(Alarm::parse(&"a".repeat(MAX_ALARM_BYTES)).is_some());
        let past = "a".repeat(MAX_ALARM_BYTES + 1);
        for text in ["", "Break", "a b", "a.b", "a_b", "\u{e4}", past.as_str()] {
            assert_eq!(Alarm::parse(text), None, "{text}");
        }
    }

    #[portable]
    fn a_remedy_is_named_only_if_it_changes_all_that_failed() {
        let step_up = Remedy::StepUp(StepUp::parse("max_age=900").expect("a step-up"));
        let scope = Remedy::Scope(Scope::parse("orders.write").expect("a scope"));
        let annotations = Annotations {
            id: PolicyId::new("p"),
            advice: None,
            remedies: vec![
                Remedied { remedy: step_up.clone(), conditions: vec![1, 2] },
                Remedied { remedy: scope.clone(), conditions: vec![3] },
            ],
            alarm: None,
            is_rehearsed: false,
        };
        assert_eq!(annotations.remedy_of(&[1]), Some(&step_up));
        assert_eq!(annotations.remedy_of(&[3]), Some(&scope));
        assert_eq!(annotations.remedy_of(&[2, 3]), Some(&step_up));
        for failed in [&[][..], &[0], &[0, 1], &[1, 2, 3, 4]] {
            assert_eq!(annotations.remedy_of(failed), None, "{failed:?}");
        }
    }
}
