//! Step 5, the policy decision point: Cedar documents, compiled and validated at load, evaluated per request.
//!
//! It trusts the [`Identity`](crate::identity::Identity) that it is given, and nothing else about the request. It never
//! reads a clock, never adds to what a policy permits, and denies a request where anything could not be evaluated.
//!
//! # Three steps
//!
//! | folder | when | what |
//! |---|---|---|
//! | `text` | load | a document is cut into statements; each is measured, parsed and named |
//! | `load` | load | each policy is checked against the names of the configuration, by our rules and by Cedar's validator |
//! | `decide` | request | a request is turned into Cedar's terms, the policies that can apply are evaluated, the answers combined |
//!
//! `compile` runs the first two for all documents and makes the [`PolicySet`] that the third uses. `context` is the table
//! of the facts that every request can have; all three steps read it.
//!
//! # Which requests a policy applies to
//!
//! A permit for any `principal` does not apply to Anonymous. Only a scope that says `principal is Anonymous` (or names
//! `Anonymous::"anonymous"`) does, and such a permit may not read facts of the network, the token or the device.
//!
//! A forbid for any `principal` does apply to Anonymous and to preflights, with one exception: a forbid that reads facts of
//! an issuer or device without a `has` test does not apply to preflights, which never carry such facts. It is rejected at
//! load if Anonymous can send anything other than a preflight to a route in its scope.
//!
//! # What load rejects, and what it does not
//!
//! A rule must not be bypassed by the absence of an optional fact, or of the groups claim. The private module `context` lists
//! the optional facts of the request; `load::absent` holds the rule. The tests `in`, `is`, `==` and `!=` on the principal, the
//! action and the resource must have requests that satisfy them and requests that do not (`load::rules::entities`).
//!
//! Load cannot know which ids an issuer gives: a group or a principal of the right type is accepted even if no token ever
//! names it. A policy that tests only for presence (`forbid ... when { context has peer }`) is accepted too, because
//! there absence is its subject.

mod compile;
mod context;
mod decide;
mod load;
mod policy_id;
mod text;

#[cfg(test)]
mod tests;

pub use self::decide::decision::{Decision, NearMiss, Permit};
pub use self::load::schema_text::SchemaTextError;
pub use self::policy_id::PolicyId;

use std::collections::BTreeMap;

use self::decide::Compiled;
use self::decide::entities::EntityCatalog;
use self::decide::slice::Slices;
use self::load::names::Names;
use crate::config_error::{ConfigErrors, ConfigWarning};
use crate::profile::{DeviceProvider, Issuer};
use crate::route::Router;

/// One policy document as the configuration has it.
#[derive(Clone, Debug)]
pub struct PolicyDocument {
    /// Its name; `None` where `policies` is one string.
    pub name: Option<String>,
    /// JSON pointer of the string in the configuration.
    pub pointer: String,
    /// The applications it applies to; all of them where `policies` is one string.
    pub applies_to: Vec<String>,
    /// The Cedar text.
    pub text: String,
}

/// `entities`: groups that are in other groups, by Cedar entity uid text, such as `corp::Group::"engineering"`.
#[derive(Clone, Debug, Default)]
pub struct GroupHierarchy {
    /// JSON pointer of the section.
    pub pointer: String,
    /// Group uid text to the uid texts of the groups it is in.
    pub parents: BTreeMap<String, Vec<String>>,
}

/// All documents, compiled.
#[derive(Debug)]
pub struct PolicySet {
    policies: Vec<Compiled>,
    slices: Slices,
    catalog: EntityCatalog,
}

/// What policies can name.
#[derive(Clone, Copy)]
pub struct Vocabulary<'a> {
    /// The issuers.
    pub issuers: &'a [Issuer],
    /// The device providers.
    pub devices: &'a [DeviceProvider],
    /// The applications and routes.
    pub router: &'a Router,
}

impl PolicySet {
    /// Compiles and validates every document, and reports every problem.
    ///
    /// # Errors
    /// All problems, each with its position.
    pub fn compile(
        documents: &[PolicyDocument],
        groups: &GroupHierarchy,
        vocabulary: Vocabulary<'_>,
    ) -> Result<(Self, Vec<ConfigWarning>), ConfigErrors> {
        compile::compile(documents, groups, vocabulary)
    }

    /// The Cedar schema of the configuration, in Cedar's human-readable syntax; made when it is asked for.
    ///
    /// `vocabulary` is the one that the set was compiled with.
    ///
    /// # Errors
    /// Where Cedar cannot write the schema. It does not happen with a vocabulary that policies were compiled with.
    pub fn schema_text(&self, vocabulary: Vocabulary<'_>) -> Result<String, SchemaTextError> {
        load::schema_text::schema_text(Names { vocabulary, groups: self.catalog.groups() })
    }
}
