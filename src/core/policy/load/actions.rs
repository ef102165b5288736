//! What load asks of sets of actions.

use crate::policy::kinds::Actions;
use crate::request::Action;

impl Actions {
    /// All of them.
    pub(in crate::policy) fn all() -> Self {
        Action::all().collect()
    }

    /// The action of this name with those in it.
    pub(in crate::policy) fn of_name(name: &str) -> Self {
        Action::all().filter(|action| action.name() == name || action.group() == Some(name)).collect()
    }

    /// Only the action of exactly this name.
    pub(in crate::policy) fn exactly(name: &str) -> Self {
        Action::all().filter(|action| action.name() == name).collect()
    }

    /// Whether all of the other's are in it.
    pub(in crate::policy) fn covers(self, other: Self) -> bool {
        other.iter().all(|action| self.holds(action))
    }

    /// The union.
    pub(in crate::policy) fn or(self, other: Self) -> Self {
        self.iter().chain(other.iter()).collect()
    }
}
