//! Checks of parsed policies when a configuration is loaded.
//!
//! It trusts only the names that the configuration declares. Everything here runs before the first request; what a request
//! needs of it is kept in [`super::decide`].

pub(in crate::policy) mod absent;
pub(in crate::policy) mod actors;
pub(in crate::policy) mod documents;
pub(in crate::policy) mod fixes;
pub(in crate::policy) mod groups;
pub(in crate::policy) mod implied;
pub(in crate::policy) mod names;
pub(in crate::policy) mod paths;
pub(in crate::policy) mod reads;
pub(in crate::policy) mod remedies;
pub(in crate::policy) mod rules;
pub(in crate::policy) mod schema;
pub(in crate::policy) mod schema_text;
pub(in crate::policy) mod scope;
pub(in crate::policy) mod tenants;
pub(in crate::policy) mod upgrades;
pub(in crate::policy) mod validation;
pub(in crate::policy) mod words;

mod actions;
mod device;
mod guards;
mod lookup;

use self::names::Names;
use self::reads::Reads;
use self::scope::Scope;
use self::validation::Applies;
use super::annotations::Annotations;
use super::text::source::{Named, Source};

/// A valid policy with all that is known of it.
pub(in crate::policy) struct Checked<'a> {
    /// Its document.
    pub source: Source<'a>,
    /// The policy.
    pub named: Named,
    /// What it says beside its rule.
    pub annotations: Annotations,
    /// What its conditions read.
    pub reads: Reads,
    /// What its scope matches.
    pub scope: Scope<'a>,
    /// What it applies to.
    pub applies: Applies,
    /// All names.
    pub names: Names<'a>,
}
