//! Step 5, the policy decision point: Cedar documents, compiled and validated at load, evaluated per request.
//!
//! It trusts the [`Identity`] that it is handed, and nothing else of the request. It never reads a clock, never widens what
//! a policy says, and never lets a request through where anything could not be evaluated.
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
//!
//! # Codes of configuration errors
//!
//! | code | what is wrong |
//! |---|---|
//! | `too-many-policies` | more policies than [`MAX_POLICIES`](crate::limits::MAX_POLICIES) |
//! | `policy-nesting`, `policy-depth` | brackets or operators nest too deep |
//! | `policy-syntax` | Cedar cannot read the policy |
//! | `policy-template` | it has a slot such as `?principal` |
//! | `missing-id`, `invalid-id`, `duplicate-id` | `@id` names the policy in records |
//! | `unknown-annotation`, `invalid-missing` | annotations other than `@id`, `@advice`, `@missing("ignore")` |
//! | `unknown-attribute`, `foreign-fact` | no record has the fact, or not that of every principal in the scope |
//! | `indirect-fact` | a record is used as a value, so that the facts it stands for cannot be seen |
//! | `unknown-entity-type`, `unknown-entity`, `unknown-action`, `unknown-application`, `unknown-route` | no such name |
//! | `application-not-in-document` | the scope names an application that the document does not apply to |
//! | `literal-membership` | `in` asked of something that is in nothing |
//! | `impossible-membership` | `in` something that has no members, or none that the policy is asked about |
//! | `indirect-entity` | `principal`, `action` or `resource` compared with something other than entities by name |
//! | `impossible-literal` | a path, method or host that no request has, or an entity that the principal, action or resource never is |
//! | `anonymous-network-fact` | a permit for Anonymous reads the network place |
//! | `policy-type` | Cedar's strict validation finds a type error |
//! | `unguarded-fact` | an optional fact is read without `has` |
//! | `suspicious-letters` | letters that look like others, hidden characters |
//! | `policy-impossible`, `policy-never-applies` | no request can meet the condition, or the scope |
//! | `forbid-needs-evidence` | a forbid reads evidence that a route in its scope does not require |
//! | `absent-fact-lifts-rule` | who leaves evidence out, or has a token without groups, escapes a rule |
//! | `policy-schema` | Cedar takes no schema with the configured names |
//! | `unknown-group`, `group-cycle` | a group of `entities`: not an issuer's, one that nobody can be in, one in itself |
//!
//! # Codes of warnings
//!
//! | code | what deserves a look |
//! |---|---|
//! | `no-policies`, `no-permit` | every request is denied |
//! | `unbound-device` | a permit reads posture that may be about another device than the caller's |
//! | `path-spelling` | a rule compares a path, or a tail, with a text that the same path with a slash behind it is not |
//! | `loose-scope-match` | `like` on a string of scopes or roles, with a `*` that other scopes fit too |
//! | `any-tenant` | a permit for an issuer whose `iss` is a template, and nothing says whose tenants may come |

mod absent;
mod compile;
mod context;
mod decision;
mod entities;
mod explain;
mod fixes;
mod groups;
mod lexer;
mod names;
mod nesting;
mod paths;
mod reads;
mod rules;
mod schema;
mod scope;
mod slice;
mod source;
mod tenants;
mod upgrades;
mod validation;
mod words;

#[cfg(test)]
mod tests;

pub use decision::{Decision, NearMiss, Permit, PolicyId};

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::{Authorizer, Effect, pst};

use self::compile::Checked;
use self::entities::{Directory, Question};
use self::explain::{Candidate, Conditions, near_misses};
use self::slice::{Slice, Slices};
use crate::config_error::{ConfigError, ConfigWarning};
use crate::identity::Identity;
use crate::request::Request;
use crate::route::{RouteMatch, Router};
use crate::time::UnixSeconds;
use crate::trust::{DeviceProvider, Issuer};

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

/// What a decision reports of a policy.
#[derive(Debug)]
struct Compiled {
    id: PolicyId,
    advice: Option<String>,
    /// For near misses: of permits only.
    permit: Option<(pst::Template, Conditions)>,
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

    /// Decides one request.
    #[must_use]
    pub fn decide(&self, identity: &Identity, request: &Request, route: &RouteMatch<'_>, now: UnixSeconds) -> Decision {
        let Ok(question) = self.directory.question(identity, request, route, now) else {
            return Decision::Failed { policies: Vec::new() };
        };
        let met = || self.slices.met(route, &question);
        let authorizer = Authorizer::new();
        let (mut permits, mut forbids, mut failed) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for slice in met().filter(|slice| missing(slice, &question) == 0) {
            let response = authorizer.is_authorized(&question.request, &slice.set, &question.entities);
            failed.extend(response.diagnostics().errors().map(|error| {
                let cedar_policy::AuthorizationError::PolicyEvaluationError(error) = error;
                number(error.policy_id())
            }));
            let reasons = response.diagnostics().reason().map(number);
            match response.decision() {
                cedar_policy::Decision::Allow => permits.extend(reasons),
                cedar_policy::Decision::Deny => forbids.extend(reasons),
            }
        }
        if !failed.is_empty() {
            return Decision::Failed { policies: self.ids(&failed) };
        }
        if !forbids.is_empty() {
            let mut firing: Vec<&Compiled> = self.numbered(&forbids).collect();
            firing.sort_by(|a, b| a.id.cmp(&b.id));
            let advice = firing.iter().find_map(|forbid| forbid.advice.clone());
            return Decision::Forbidden {
                determining: firing.iter().map(|forbid| forbid.id.clone()).collect(),
                advice,
            };
        }
        if !permits.is_empty() {
            return Decision::Allow(Permit::new(self.ids(&permits)));
        }
        let candidates = |slice: &'_ Slice, outside: bool| {
            let missing = missing(slice, &question);
            let permits = slice.policies.iter().filter_map(|number| self.policies.get(*number));
            permits.map(|permit| Candidate { permit, missing, outside }).collect::<Vec<_>>()
        };
        let within = met().flat_map(|slice| candidates(slice, false));
        let beside = self.slices.beside(route, &question).flat_map(|slice| candidates(slice, true));
        Decision::NotPermitted { near_misses: near_misses(within.chain(beside), &question) }
    }

    fn numbered<'p>(&'p self, numbers: &BTreeSet<usize>) -> impl Iterator<Item = &'p Compiled> {
        numbers.iter().filter_map(|number| self.policies.get(*number))
    }

    fn ids(&self, numbers: &BTreeSet<usize>) -> Vec<PolicyId> {
        let mut ids: Vec<PolicyId> = self.numbered(numbers).map(|policy| policy.id.clone()).collect();
        ids.sort();
        ids
    }
}

/// A policy's number, from its id in a slice's set. One that is no number, which no set has, still counts as a policy.
fn number(id: &cedar_policy::PolicyId) -> usize {
    let id: &str = id.as_ref();
    id.parse().unwrap_or(usize::MAX)
}

/// How many devices the slice needs that are not verified.
fn missing(slice: &Slice, question: &Question) -> usize {
    let verified = |device: &str| question.devices.iter().any(|name| name.as_str() == device);
    slice.reach.needs.iter().filter(|device| !verified(device)).count()
}

impl Compiled {
    fn of(checked: &Checked<'_>) -> Self {
        let named = &checked.named;
        let permit = named.policy.effect() == Effect::Permit;
        Self {
            id: named.id.clone(),
            advice: named.advice.clone(),
            permit: permit.then(|| (named.body.clone(), Conditions::default())),
        }
    }
}
