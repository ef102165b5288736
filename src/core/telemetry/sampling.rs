//! Which decisions are recorded.

use super::DecisionId;

/// How many of the allowed requests are recorded. Every refusal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sampling {
    /// One of so many; none if it is 0.
    pub one_of: u32,
}

impl Sampling {
    /// Whether an allowed request with this decision id is recorded. Ids are as good as random.
    #[must_use]
    pub fn takes(self, decision_id: &DecisionId) -> bool {
        if self.one_of == 1 {
            return true;
        }
        let beginning = decision_id.as_str().get(..8).and_then(|digits| u32::from_str_radix(digits, 16).ok());
        beginning.and_then(|number| number.checked_rem(self.one_of)) == Some(0)
    }
}

#[cfg(test)]
mod tests {
    use super::Sampling;
    use crate::portable;
    use crate::telemetry::DecisionId;
    use crate::time::UnixSeconds;

    fn taken(one_of: u32) -> usize {
        let ids = (0..10_000).map(|number| DecisionId::derive(&[7; 32], number, UnixSeconds::new(1_800_000_000)));
        ids.filter(|id| Sampling { one_of }.takes(id)).count()
    }

    #[portable]
    fn one_of_so_many_is_taken() {
        assert_eq!((taken(0), taken(1)), (0, 10_000));
        assert!((80..=120).contains(&taken(100)), "{}", taken(100));
    }
}
