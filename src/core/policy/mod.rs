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
//! | `prepared` | before and at load | the translated policies as one string, which is read without Cedar |
//! | `decide` | request | the policies that can apply to a request are evaluated or their answers found in the cache, and combined |
//! | `explanation` | `test`, `explain` | each condition of each policy is evaluated by itself, with the facts that it reads |
//! | `oracle` | tests, `eval --oracle`, `diff` | the same decisions by Cedar's own authorizer, to compare with, and as questions for a solver |
//!
//! `compile` runs the steps of load for all documents and makes the [`PolicySet`]. `context` is the table of the facts that
//! every request can have; all steps read it. `vocabulary` and `kinds` are what policies can name.
//!
//! `text`, `load`, `compile` and the translation need the feature `cedar`. A plugin without it accepts prepared policies only,
//! and decides as one with it does: what it reads is the program that the other would have made.
//!
//! Cedar parses and validates. It does not evaluate: its evaluator needs an entity store and a context for each request,
//! which cost more than the decision, and it cannot be built without Cedar's parser. A program means what its policy means
//! in Cedar. A property test over generated policies and requests, a fuzz target and Cedar's published tests hold it
//! against Cedar's authorizer.
//!
//! # Which requests a policy applies to
//!
//! A permit for any `principal` does not apply to Anonymous. Only a scope that says `principal is Anonymous` (or names
//! `Anonymous::"anonymous"`) does, and such a permit may not read facts of the network, the token or the device. A workload
//! is a verified identity: a permit for any `principal` applies to it.
//!
//! A forbid for any `principal` does apply to Anonymous, workloads and preflights, with one exception: a forbid that reads facts of
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

mod annotations;
#[cfg(feature = "cedar")]
mod compile;
mod context;
mod decide;
#[cfg(any(test, feature = "explain"))]
mod explanation;
mod kinds;
#[cfg(feature = "cedar")]
mod load;
#[cfg(any(test, feature = "oracle"))]
pub mod oracle;
mod policy_id;
mod prepared;
mod program;
#[cfg(feature = "cedar")]
mod text;
mod vocabulary;

#[cfg(test)]
mod tests;

pub use self::annotations::Alarm;
pub use self::decide::cache::CacheTally;
pub use self::decide::decision::{Decision, NearMiss, Permit, Rehearsed};
#[cfg(any(test, feature = "explain"))]
pub use self::explanation::{
    ConditionExplanation, ConditionResult, Explanation, FactExplanation, PolicyAnswer, PolicyDescription,
    PolicyExplanation,
};
#[cfg(feature = "cedar")]
pub use self::load::schema_text::SchemaTextError;
pub use self::policy_id::PolicyId;
pub use self::vocabulary::Vocabulary;

use std::collections::BTreeMap;

use self::decide::cache::DecisionCache;
use self::decide::{Program, Say};
#[cfg(feature = "cedar")]
use self::load::groups::Groups;
#[cfg(feature = "cedar")]
use self::load::names::Names;
use self::prepared::PreparedFault;
use self::prepared::context::{ContextDigest, context_digest};
#[cfg(feature = "cedar")]
use crate::config_error::ConfigWarning;
use crate::config_error::{ConfigCode, ConfigError, ConfigErrors};
use crate::identity::Identity;
use crate::request::Request;
use crate::route::RouteMatch;
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
    /// What a policy means that reads a fact without asking whether it is there.
    pub missing_facts: MissingFacts,
    /// Whether a request to its applications is permitted only if this document permits it. Otherwise a permit of any
    /// document suffices.
    pub must_permit: bool,
    /// The Cedar text.
    pub text: String,
}

/// What a policy means that reads a fact which a request may lack, without asking for it with `has`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingFacts {
    /// It is rejected.
    #[default]
    Strict,
    /// Where the fact is missing, a permit does not apply, and a forbid does. Load writes the guards.
    Implied,
}

/// `entities`: groups that are in other groups, by Cedar entity uid text, such as `corp::Group::"engineering"`.
#[derive(Clone, Debug, Default)]
pub struct GroupHierarchy {
    /// JSON pointer of the section.
    pub pointer: String,
    /// Group uid text to the uid texts of the groups it is in.
    pub parents: BTreeMap<String, Vec<String>>,
}

/// Prepared policies as the configuration has them.
#[derive(Clone, Debug)]
pub struct PreparedPolicies {
    /// JSON pointer of the string in the configuration.
    pub pointer: String,
    /// What [`PolicySet::prepare`] has written.
    pub text: String,
}

/// All documents, compiled.
#[derive(Debug)]
pub struct PolicySet {
    program: Program,
    /// Of what the policies were validated against.
    context: ContextDigest,
    is_prepared: bool,
    /// How many policies there are, counted at load: each request asks.
    len: usize,
    /// Whether any policy is only rehearsed.
    rehearses: bool,
    /// What the policies answered about earlier requests.
    cache: DecisionCache,
    /// For the schema of the configuration.
    #[cfg(feature = "cedar")]
    groups: Groups,
    /// `None` for prepared policies, which have no text that Cedar could judge.
    #[cfg(any(test, feature = "oracle"))]
    oracle: Option<oracle::Oracle>,
}

/// Prepared policies have no text that Cedar could judge.
#[cfg(feature = "oracle")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoPolicyText;

impl PolicySet {
    /// Compiles and validates every document, and reports every problem.
    ///
    /// # Errors
    /// All problems, each with its position.
    #[cfg(feature = "cedar")]
    pub fn compile(
        documents: &[PolicyDocument],
        groups: &GroupHierarchy,
        vocabulary: Vocabulary<'_>,
    ) -> Result<(Self, Vec<ConfigWarning>), ConfigErrors> {
        compile::compile(documents, groups, vocabulary)
    }

    /// Loads prepared policies.
    ///
    /// # Errors
    /// They are in another format, were prepared with another configuration, or are not what was prepared.
    pub fn load(
        prepared: &PreparedPolicies,
        groups: &GroupHierarchy,
        vocabulary: Vocabulary<'_>,
    ) -> Result<Self, ConfigErrors> {
        let context = context_digest(vocabulary, groups);
        let program = prepared::load(&prepared.text, vocabulary, &context).map_err(|fault| prepared.error(&fault))?;
        Ok(Self {
            len: program.policies(),
            rehearses: program.rehearses(),
            cache: DecisionCache::of(&program.slices),
            program,
            context,
            is_prepared: true,
            #[cfg(feature = "cedar")]
            groups: Groups::compile(groups, vocabulary).map_err(|_| prepared.error(&PreparedFault::Context))?,
            #[cfg(any(test, feature = "oracle"))]
            oracle: None,
        })
    }

    /// The policies in the form that [`load`](Self::load) reads. Equal policies in equal configurations have equal strings.
    ///
    /// `vocabulary` is the one that the set was compiled with.
    #[must_use]
    pub fn prepare(&self, vocabulary: Vocabulary<'_>) -> String {
        prepared::prepare(&self.program, vocabulary, &self.context)
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the configuration has them prepared, and not as text.
    #[must_use]
    pub const fn is_prepared(&self) -> bool {
        self.is_prepared
    }

    /// Decides one request. Answers of policies about equal facts are kept for the next request; the decision is the same
    /// without them.
    #[must_use]
    pub fn decide(&self, identity: &Identity, request: &Request, route: &RouteMatch<'_>, now: UnixSeconds) -> Decision {
        #[cfg(feature = "oracle")]
        if self.oracle.as_ref().is_some_and(oracle::Oracle::is_asked) {
            return self.decide_by_oracle(identity, request, route, now);
        }
        self.program.decide((Say::Enforced, Some(&self.cache)), identity, request, route, now)
    }

    /// Decides one request as if the policies that are only rehearsed were in force; `None` if there are none. Nothing follows
    /// from it: the permit in it is dropped.
    #[must_use]
    pub fn rehearse(
        &self,
        identity: &Identity,
        request: &Request,
        route: &RouteMatch<'_>,
        now: UnixSeconds,
    ) -> Option<Rehearsed> {
        if !self.rehearses {
            return None;
        }
        let decision = self.program.decide((Say::WithRehearsed, Some(&self.cache)), identity, request, route, now);
        Some(Rehearsed::of(decision))
    }

    /// Decides one request as [`decide`](Self::decide) does, without the decision cache.
    #[cfg(any(test, feature = "oracle"))]
    #[must_use]
    pub fn decide_uncached(
        &self,
        identity: &Identity,
        request: &Request,
        route: &RouteMatch<'_>,
        now: UnixSeconds,
    ) -> Decision {
        self.program.decide((Say::Enforced, None), identity, request, route, now)
    }

    /// Has the answers of all policies cached, whether it pays or not, also of those that read facts which change with each
    /// request. To compare with [`decide_uncached`](Self::decide_uncached).
    #[cfg(any(test, feature = "oracle"))]
    pub fn cache_all(&mut self) {
        self.program.slices.cache_all();
        self.cache = DecisionCache::of(&self.program.slices);
    }

    /// Bytes that the decision cache counts.
    #[cfg(test)]
    fn cached_bytes(&self) -> usize {
        self.cache.bytes()
    }

    /// How often answers of policies were found in the decision cache since this was last asked.
    #[must_use]
    pub fn take_tally(&self) -> CacheTally {
        self.cache.take_tally()
    }

    /// Explains how each policy decides one request; `None` if the configuration cannot express it, and then it is denied.
    #[cfg(any(test, feature = "explain"))]
    #[must_use]
    pub fn explain(
        &self,
        identity: &Identity,
        request: &Request,
        route: &RouteMatch<'_>,
        now: UnixSeconds,
    ) -> Option<Explanation> {
        self.program.explain(identity, request, route, now)
    }

    /// Every policy in the order of its id, with the routes and actions that it can apply to.
    #[cfg(any(test, feature = "explain"))]
    #[must_use]
    pub fn described(&self) -> Vec<PolicyDescription> {
        self.program.described()
    }

    /// What would be decided about a request to this application if each policy that is in force answered so. Nothing follows
    /// from it.
    #[cfg(any(test, feature = "explain"))]
    #[must_use]
    pub fn suppose(&self, application: &str, answer: impl Fn(&PolicyId) -> PolicyAnswer) -> Rehearsed {
        self.program.suppose(application, answer)
    }

    /// Whether the permit of one policy may not suffice for a request to this application, because some document must permit it.
    #[cfg(any(test, feature = "explain"))]
    #[must_use]
    pub fn has_document_that_must_permit(&self, application: &str) -> bool {
        self.program.must_permit(application).next().is_some()
    }

    /// Whether any policy reads the fact of this name in `context.http_request`.
    #[must_use]
    pub fn reads(&self, name: &str) -> bool {
        self.program.reads("http_request", name)
    }

    /// Decides one request as [`decide`](Self::decide) does, by Cedar's own authorizer: slow, and independent of the
    /// translation of policies, of their evaluation and of the choice of those that can apply. With prepared policies every
    /// request is denied.
    #[cfg(any(test, feature = "oracle"))]
    #[must_use]
    pub fn decide_by_oracle(
        &self,
        identity: &Identity,
        request: &Request,
        route: &RouteMatch<'_>,
        now: UnixSeconds,
    ) -> Decision {
        match &self.oracle {
            Some(oracle) => oracle.decide(Say::Enforced, identity, request, route, now),
            None => Decision::Failed { policies: Vec::new() },
        }
    }

    /// Each policy with its Cedar text as it is decided by: with the guards that load has written. `None` where the policies
    /// were prepared.
    #[cfg(any(test, feature = "oracle"))]
    #[must_use]
    pub fn texts(&self) -> Option<Vec<(&PolicyId, String)>> {
        self.oracle.as_ref().map(|oracle| oracle.texts().collect())
    }

    /// The policies that are enforced, in the order of the documents. `None` where the policies were prepared.
    #[cfg(any(test, feature = "oracle"))]
    #[must_use]
    pub fn enforced(&self) -> Option<Vec<&PolicyId>> {
        self.oracle.as_ref().map(|oracle| oracle.enforced().collect())
    }

    /// Has every decision from now on made by [`decide_by_oracle`](Self::decide_by_oracle).
    ///
    /// # Errors
    /// The policies were prepared.
    #[cfg(feature = "oracle")]
    pub fn ask_the_oracle(&mut self) -> Result<(), NoPolicyText> {
        self.oracle.as_mut().map(oracle::Oracle::ask).ok_or(NoPolicyText)
    }

    /// The Cedar schema of the configuration, in Cedar's human-readable syntax; made when it is asked for.
    ///
    /// `vocabulary` is the one that the set was compiled with.
    ///
    /// # Errors
    /// Where Cedar cannot write the schema. It does not happen with a vocabulary that policies were compiled with.
    #[cfg(feature = "cedar")]
    pub fn schema_text(&self, vocabulary: Vocabulary<'_>) -> Result<String, SchemaTextError> {
        load::schema_text::schema_text(Names { vocabulary, groups: &self.groups })
    }
}

impl PreparedPolicies {
    fn error(&self, fault: &PreparedFault) -> ConfigErrors {
        let (code, message) = match fault {
            PreparedFault::Format => {
                (ConfigCode::PreparedFormat, "the policies were prepared for another release of the plugin".to_owned())
            }
            PreparedFault::Context => (
                ConfigCode::PreparedContext,
                "the policies were prepared with another configuration: its issuers, devices, trust domains, applications or \
                 groups differ"
                    .to_owned(),
            ),
            PreparedFault::Damaged(what) => {
                (ConfigCode::PreparedDamaged, format!("these are not prepared policies, or they were changed: {what}"))
            }
        };
        let help =
            "run `countersign prepare` of this release on the configuration that has the policies as text, and deploy \
                    what it writes"
                .to_owned();
        ConfigError { pointer: self.pointer.clone(), position: None, code, message, help }.into()
    }
}
