//! Step 5, the policy decision point: Cedar documents, compiled and validated at load, evaluated per request.
//!
//! It trusts the [`Identity`] that it is handed, and nothing else of the request. It never reads a clock, never widens what
//! a policy says, and never lets a request through where anything could not be evaluated.
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
//! # What a policy can be asked about
//!
//! A permit for any `principal` is not one for Anonymous: only a scope that says `principal is Anonymous` (or names
//! `Anonymous::"anonymous"`) is, and such a permit reads nothing of the network, the token or the device. A forbid for any
//! `principal` does speak of Anonymous and of preflights, unless it reads facts of an issuer or device without asking with
//! `has` whether they are there: such a rule says nothing of preflights, which have none by nature, and is refused where
//! Anonymous can ask for anything else.
//!
//! # What load refuses, and what it does not
//!
//! A fact that may be absent, and the groups of a token that may lack the groups claim, must not lift a rule by their
//! absence: which facts those are is in the table of the private module `context`, and the rule itself in `absent`. What
//! `in`, `is`, `==` and `!=` ask of the principal, the action and the resource must be something that some request can
//! answer either way (`rules::entities`). Load cannot know which ids an issuer gives: a group or a principal of the right
//! type that no token ever names is not refused. Nor is a policy that asks for the presence of a fact alone
//! (`forbid ... when { context has peer }`), since there absence is what it is about.

mod compile;
mod context;
mod decide;
mod load;
mod text;

#[cfg(test)]
mod tests;

pub use self::decide::decision::{Decision, NearMiss, Permit, PolicyId};
pub use self::load::schema_text::SchemaTextError;

use std::collections::BTreeMap;

use self::decide::Compiled;
use self::decide::entities::Directory;
use self::decide::slice::Slices;
use self::load::names::Names;
use crate::config_error::{ConfigError, ConfigWarning};
use crate::profile::{DeviceProvider, Issuer};
use crate::route::Router;

/// One policy document as the configuration has it.
#[derive(Clone, Debug)]
pub struct PolicyDocument {
    /// Its name; `None` where `policies` is one text.
    pub name: Option<String>,
    /// JSON pointer of the text in the configuration.
    pub pointer: String,
    /// The applications it applies to; all of them where `policies` is one text.
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
    directory: Directory,
}

/// What policies can speak of.
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
    /// Compiles and validates every document, and finds every problem.
    ///
    /// # Errors
    /// All problems, each with its place.
    pub fn compile(
        documents: &[PolicyDocument],
        groups: &GroupHierarchy,
        vocabulary: Vocabulary<'_>,
    ) -> Result<(Self, Vec<ConfigWarning>), Vec<ConfigError>> {
        compile::compile(documents, groups, vocabulary)
    }

    /// The Cedar schema of the configuration, in Cedar's human-readable syntax; made when it is asked for.
    ///
    /// `vocabulary` is the one that the set was compiled with.
    ///
    /// # Errors
    /// Where Cedar cannot write the schema. It does not happen with a vocabulary that policies were compiled with.
    pub fn schema_text(&self, vocabulary: Vocabulary<'_>) -> Result<String, SchemaTextError> {
        load::schema_text::schema_text(Names { vocabulary, groups: self.directory.groups() })
    }
}
