//! Decision records, decided by another configuration as far as they say.
//!
//! A record has no groups and no facts, so no policy can be evaluated by it. But it says what each policy of its own
//! configuration answered: those that decided applied, and of the others it is often known that they did not. A policy with
//! the same text answers the same in the new configuration, as long as nothing else that it depends on differs. What a
//! policy answers that is new or changed is not known, unless its scope alone tells. A record whose decision depends on that
//! is not replayed: nothing is guessed.

use std::collections::BTreeMap;

use countersign_core::config::Plan;
use countersign_core::policy::oracle::question::can_fail;
use countersign_core::policy::{PolicyAnswer, PolicyDescription, PolicyId, Rehearsed};
use countersign_core::route::Router;
use serde_json::Value;

use super::differences::{Difference, Effect};
use super::places::{At, routes};
use super::replay::Answered;
use crate::record::Record;

/// Two configurations that records are decided by.
pub struct Recorded<'p> {
    old: &'p Plan,
    new: &'p Plan,
    /// The policies that are in force in the new one.
    policies: BTreeMap<PolicyId, Policy>,
    /// What differs beside policies and routes.
    unlike: Option<String>,
}

/// A policy of the new configuration.
struct Policy {
    description: PolicyDescription,
    /// The same policy in the old one, if it is in force there with the same text.
    old: Option<PolicyDescription>,
    /// Whether its evaluation can fail, which denies whatever other policies say.
    can_fail: bool,
}

impl Policy {
    /// The answer that denies most.
    const fn strictest(&self) -> PolicyAnswer {
        match (self.description.permits, self.can_fail) {
            (true, false) => PolicyAnswer::DoesNotApply,
            (true, true) => PolicyAnswer::Fails,
            (false, _) => PolicyAnswer::Applies,
        }
    }

    /// The answer that permits most.
    const fn most_lenient(&self) -> PolicyAnswer {
        if self.description.permits { PolicyAnswer::Applies } else { PolicyAnswer::DoesNotApply }
    }
}

/// Where and by whom a recorded request was made.
struct Place<'r> {
    application: &'r str,
    route: &'r str,
    action: &'r str,
    principal: &'r str,
}

/// What policies decided, by the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Permitted,
    Forbidden,
    NotPermitted,
    Failed,
}

impl<'p> Recorded<'p> {
    /// The configurations, with all their differences.
    pub fn new(old: &'p Plan, new: &'p Plan, differences: &[Difference]) -> Self {
        let (mut olds, news) = (in_force(old), in_force(new));
        let failing = can_fail(&new.policies);
        let policies = news.into_iter().map(|(id, (description, text))| {
            // Prepared policies have no text.
            let same = olds.remove(&id).filter(|(_, old)| text.is_some() && *old == text);
            let can_fail = failing.as_ref().is_none_or(|failing| failing.contains(&id));
            (id, Policy { description, old: same.map(|(description, _)| description), can_fail })
        });
        Self { old, new, policies: policies.collect(), unlike: unlike(differences) }
    }

    /// What both configurations decide about the request of a record.
    ///
    /// # Errors
    /// Why it is not known.
    pub fn replay(&self, record: &Record) -> Result<(Answered, Answered), String> {
        if !record.is_of(self.old) {
            return Err("written under another configuration than the old one".to_owned());
        }
        let kind = kind(record).ok_or("refused or answered before any policy was asked")?;
        if let Some(unlike) = &self.unlike {
            return Err(format!("the configurations also differ in {unlike}"));
        }
        let member = |name| record.text(name).ok_or("its route, action or principal is not recorded");
        let place = Place {
            application: member("application")?,
            route: member("route")?,
            action: member("action")?,
            principal: member("principal")?,
        };
        if !is_alike(&self.old.router, &self.new.router, &place) {
            return Err("its route, or one that its path may belong to, differs".to_owned());
        }
        let named: Vec<&str> = record.listed("policies").filter_map(Value::as_str).collect();
        let answer = |id: &PolicyId| self.answer(id, kind, &named, &place);
        let suppose = |of_unknown: fn(&Policy) -> PolicyAnswer| {
            let or_unknown = |id: &PolicyId| {
                answer(id).or_else(|| self.policies.get(id).map(of_unknown)).unwrap_or(PolicyAnswer::DoesNotApply)
            };
            self.new.policies.suppose(place.application, or_unknown)
        };
        let (at_least, at_most) = (suppose(Policy::strictest), suppose(Policy::most_lenient));
        if at_least.allows != at_most.allows {
            let open = self.policies.keys().filter(|id| answer(id).is_none()).map(|id| format!("`{id}`"));
            let open = open.collect::<Vec<_>>().join(", ");
            return Err(format!("it depends on {open}, new or changed, and a record has no groups and no facts"));
        }
        // Of the policies that decide, those that are known to apply.
        let decided = if at_least.allows { at_least } else { at_most };
        Ok((recorded(record, kind), supposed(&decided)))
    }

    /// What a policy of the new configuration answers about the request; `None` if that is not known.
    fn answer(&self, id: &PolicyId, kind: Kind, named: &[&str], place: &Place<'_>) -> Option<PolicyAnswer> {
        let Policy { description, old, .. } = self.policies.get(id)?;
        let reaches =
            |description: &PolicyDescription| description.can_apply(place.application, place.route, place.action);
        if !reaches(description) {
            return Some(PolicyAnswer::DoesNotApply);
        }
        match old.as_ref().filter(|old| reaches(old)) {
            Some(_) => self.recorded_answer(id, description.permits, kind, named, place),
            None => by_scope(description, place.principal),
        }
    }

    /// What an unchanged policy answered, by the record.
    fn recorded_answer(
        &self,
        id: &PolicyId,
        permits: bool,
        kind: Kind,
        named: &[&str],
        place: &Place<'_>,
    ) -> Option<PolicyAnswer> {
        let is_named = named.contains(&id.as_str());
        let whether = |applies| if applies { PolicyAnswer::Applies } else { PolicyAnswer::DoesNotApply };
        match (kind, permits) {
            (Kind::Failed, _) => is_named.then_some(PolicyAnswer::Fails),
            (Kind::Permitted, true) | (Kind::Forbidden, false) => Some(whether(is_named)),
            (Kind::Permitted | Kind::NotPermitted, false) => Some(PolicyAnswer::DoesNotApply),
            // A forbid overrides permits, so it is not recorded which of them applied.
            (Kind::Forbidden, true) => None,
            // One document may have permitted it, and another one that must permit it did not.
            (Kind::NotPermitted, true) => {
                let one_suffices = !self.old.policies.has_document_that_must_permit(place.application);
                one_suffices.then_some(PolicyAnswer::DoesNotApply)
            }
        }
    }
}

/// The policies that are in force, with their Cedar texts.
fn in_force(plan: &Plan) -> BTreeMap<PolicyId, (PolicyDescription, Option<String>)> {
    let mut texts: BTreeMap<PolicyId, String> =
        plan.policies.texts().into_iter().flatten().map(|(id, text)| (id.clone(), text)).collect();
    let in_force = plan.policies.described().into_iter().filter(|description| !description.is_rehearsed);
    let with_text = |description: PolicyDescription| {
        let text = texts.remove(&description.policy);
        (description.policy.clone(), (description, text))
    };
    in_force.map(with_text).collect()
}

/// What decides about requests and differs, beside policies and routes: with it, what a policy answered may not be what it
/// answers now.
fn unlike(differences: &[Difference]) -> Option<String> {
    let matters = |difference: &&Difference| {
        let is_seen_to =
            ["/policies", "/applications", "/mode"].iter().any(|part| difference.pointer.starts_with(part));
        difference.effect != Effect::Nothing && !is_seen_to
    };
    let pointers: Vec<&str> =
        differences.iter().filter(matters).map(|difference| difference.pointer.as_str()).collect();
    (!pointers.is_empty()).then(|| pointers.join(", "))
}

/// What policies decided; `None` if none was asked, or if that is not known.
fn kind(record: &Record) -> Option<Kind> {
    let names = |name: &str| record.listed(name).next().is_some();
    match record.text("reason")? {
        "permitted" => Some(Kind::Permitted),
        "forbidden-by-policy" => Some(Kind::Forbidden),
        "not-permitted" => Some(Kind::NotPermitted),
        "policy-error" => names("policies").then_some(Kind::Failed),
        // What a client can do about a denial is its reason.
        "insufficient-scope" | "insufficient-user-authentication" | "credential-missing" if names("policies") => {
            Some(Kind::Forbidden)
        }
        "insufficient-scope" | "insufficient-user-authentication" | "credential-missing" if names("near_misses") => {
            Some(Kind::NotPermitted)
        }
        _ => None,
    }
}

/// Whether a request to the route arrives there in both configurations, with the same evidence required and the same
/// attributes. Its path and host are not known, so every route that it could belong to counts.
fn is_alike(old: &Router, new: &Router, place: &Place<'_>) -> bool {
    let own = |at: &&At<'_>| at.application.name == place.application && at.route.name == place.route;
    let (olds, news) = (routes(old), routes(new));
    let (Some(before), Some(after)) = (olds.iter().find(own), news.iter().find(own)) else { return false };
    let is_same = before.has_the_requests_of(after)
        && before.route.action == after.route.action
        && before.route.requires == after.route.requires
        && before.route.attributes == after.route.attributes;
    let all_have_a_twin = |some: &[At<'_>], others: &[At<'_>]| {
        let mut meeting = some.iter().filter(|at| at.may_meet(before));
        meeting.all(|at| others.iter().any(|other| at.has_the_requests_of(other)))
    };
    is_same && all_have_a_twin(&olds, &news) && all_have_a_twin(&news, &olds)
}

/// What the scope alone tells of a policy that is for the route and action of the request.
fn by_scope(description: &PolicyDescription, principal: &str) -> Option<PolicyAnswer> {
    let [scope, ..] = &description.scope;
    let kind = principal.split_once("::\"").map(|(kind, _)| kind)?;
    let (matches, is_all) = match scope.strip_prefix("principal ").and_then(|asked| asked.split_once(' ')) {
        // A permit for any principal is not for Anonymous.
        None if scope == "principal" => (!description.permits || kind != "Anonymous", true),
        None => return None,
        Some(asked) => of_kind(asked, kind)?,
    };
    match (matches, is_all && description.conditions.is_empty()) {
        (false, _) => Some(PolicyAnswer::DoesNotApply),
        (true, true) => Some(PolicyAnswer::Applies),
        (true, false) => None,
    }
}

/// Whether principals of this kind can match a scope, and whether all of them do.
fn of_kind(asked: (&str, &str), kind: &str) -> Option<(bool, bool)> {
    Some(match asked {
        ("is", of) => match of.split_once(" in ") {
            Some((of, _)) => (of == kind, false),
            None => (of == kind, true),
        },
        // Cedar writes ids as records do, unless they are cut or have unusual characters.
        ("==", entity) => (entity.split_once("::\"").is_some_and(|(of, _)| of == kind), false),
        _ => return None,
    })
}

/// The old answer.
fn recorded(record: &Record, kind: Kind) -> Answered {
    Answered {
        forwarded: kind == Kind::Permitted,
        status: record.value().get("status").and_then(Value::as_u64),
        reason: record.text("reason").unwrap_or_default().to_owned(),
        policies: record.listed("policies").filter_map(Value::as_str).map(str::to_owned).collect(),
    }
}

/// The new answer, as far as it is known.
fn supposed(decided: &Rehearsed) -> Answered {
    let reason = match (decided.allows, decided.policies.is_empty()) {
        (true, _) => "permitted",
        (false, true) => "not-permitted",
        (false, false) => "forbidden-by-policy",
    };
    Answered {
        forwarded: decided.allows,
        status: None,
        reason: reason.to_owned(),
        policies: decided.policies.iter().map(ToString::to_string).collect(),
    }
}

#[cfg(test)]
mod tests;
