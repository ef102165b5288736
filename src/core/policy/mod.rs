//! Step 5, the policy decision point: Cedar documents, compiled and validated at load, evaluated per request.
//!
//! It trusts the [`Identity`] that it is given, and nothing else about the request. It never
//! reads a clock, never adds to what a policy permits, and denies a request where anything could not be evaluated.
//!
//! # The steps
//!
//! | folder | when | what |
//! |---|---|---|
//! | `text` | load | a document is cut into statements; each is measured, parsed and named |
//! | `load` | load | each policy is checked against the names of the configuration, by our rules and by Cedar's validator |
//! | `program` | load, request | a checked policy is translated into a tree of plain data, which is evaluated |
//! | `decide` | request | the policies that can apply to a request are evaluated, the answers combined |
//! | `oracle` | tests, `eval --oracle` | the same decisions by Cedar's own authorizer, to compare with |
//!
//! `compile` runs the steps of load for all documents and makes the [`PolicySet`]. `context` is the table of the facts that
//! every request can have; all steps read it.
//!
//! Cedar parses and validates. It does not evaluate: its evaluator needs an entity store and a context for each request,
//! which cost more than the decision, and it cannot be built without Cedar's parser. A program means what its policy means
//! in Cedar. A property test over generated policies and requests, a fuzz target and Cedar's published tests hold it
//! against Cedar's authorizer.
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
#[cfg(any(test, feature = "oracle"))]
pub mod oracle;
mod policy_id;
mod program;
mod text;

#[cfg(test)]
mod tests;

pub use self::decide::decision::{Decision, NearMiss, Permit};
pub use self::load::schema_text::SchemaTextError;
pub use self::policy_id::PolicyId;

use std::collections::BTreeMap;

use self::decide::Program;
use self::load::groups::Groups;
use self::load::names::Names;
use crate::config_error::{ConfigErrors, ConfigWarning};
use crate::identity::Identity;
use crate::profile::{DeviceProvider, Issuer};
use crate::request::Request;
use crate::route::{RouteMatch, Router};
use crate::time::UnixSeconds;

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
    program: Program,
    /// For the schema of the configuration.
    groups: Groups,
    #[cfg(any(test, feature = "oracle"))]
    oracle: oracle::Oracle,
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

    /// Decides one request.
    #[must_use]
    pub fn decide(&self, identity: &Identity, request: &Request, route: &RouteMatch<'_>, now: UnixSeconds) -> Decision {
        #[cfg(feature = "oracle")]
        if self.oracle.is_asked() {
            return self.decide_by_oracle(identity, request, route, now);
        }
        self.program.decide(identity, request, route, now)
    }

    /// Decides one request as [`decide`](Self::decide) does, by Cedar's own authorizer: slow, and independent of the
    /// translation of policies, of their evaluation and of the choice of those that can apply.
    #[cfg(any(test, feature = "oracle"))]
    #[must_use]
    pub fn decide_by_oracle(
        &self,
        identity: &Identity,
        request: &Request,
        route: &RouteMatch<'_>,
        now: UnixSeconds,
    ) -> Decision {
        self.oracle.decide(identity, request, route, now)
    }

    /// Has every decision from now on made by [`decide_by_oracle`](Self::decide_by_oracle).
    #[cfg(feature = "oracle")]
    pub fn ask_the_oracle(&mut self) {
        self.oracle.ask();
    }

    /// The Cedar schema of the configuration, in Cedar's human-readable syntax; made when it is asked for.
    ///
    /// `vocabulary` is the one that the set was compiled with.
    ///
    /// # Errors
    /// Where Cedar cannot write the schema. It does not happen with a vocabulary that policies were compiled with.
    pub fn schema_text(&self, vocabulary: Vocabulary<'_>) -> Result<String, SchemaTextError> {
        load::schema_text::schema_text(Names { vocabulary, groups: &self.groups })
    }
}
