//! Why a policy decides nothing: what decides the requests that it applies to.

use std::collections::BTreeMap;

use countersign_core::config::Plan;
use countersign_core::policy::PolicyId;
use countersign_core::policy::oracle::question::{NoQuestion, Question};

use super::places::{Places, place_name, places};
use super::proof::{Plans, callers, side};
use super::solver::{Answer, Solver};

/// Why a policy decides nothing, at some places.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Idle {
    /// This forbid forbids each request that it applies to.
    Forbidden(PolicyId),
    /// This permit permits each request that it applies to.
    Permitted(PolicyId),
    /// It forbids, and no permit is for these requests.
    NothingPermitted,
    /// Several policies together decide each request that it applies to.
    Together,
    /// It is not known.
    Undecided,
}

/// The reasons with the places. None if the policy applies to no request.
pub type Reasons = BTreeMap<Idle, Vec<String>>;

/// Why this policy decides nothing.
pub fn reasons(solver: &mut Solver, plan: &Plan, id: &PolicyId) -> Reasons {
    let mut reasons = Reasons::new();
    for place in places(&plan.router) {
        let both = Places { old: Some(place), new: Some(place) };
        for caller in callers(Plans { old: plan, new: plan }, both) {
            let question = Question::of(&caller, &[side(plan, place)]);
            let reason = question.and_then(|question| reason(solver, &question, id)).unwrap_or(Some(Idle::Undecided));
            let name = place_name(place);
            if let Some(places) = reason.map(|reason| reasons.entry(reason).or_default())
                && !places.contains(&name)
            {
                places.push(name);
            }
        }
    }
    reasons
}

/// Why it decides nothing about one kind of caller at one place; `None` if it applies to no such request.
fn reason(solver: &mut Solver, question: &Question, id: &PolicyId) -> Result<Option<Idle>, NoQuestion> {
    let Some(applies) = question.applies(0, id)? else { return Ok(None) };
    match solver.find(question, &applies, None) {
        Answer::Example(_) => {}
        Answer::Never => return Ok(None),
        Answer::Unknown(_) => return Ok(Some(Idle::Undecided)),
    }
    let others = |permits: bool| question.asked(0).filter(move |(other, is)| *is == permits && *other != id);
    let is_permit = question.asked(0).any(|(own, permits)| own == id && permits);
    let mut all_answered = true;
    // A forbid overrides permits, so it is the reason if there is one.
    let kinds: &[bool] = if is_permit { &[false, true] } else { &[false] };
    for permits in kinds {
        for (other, _) in others(*permits) {
            let Some(covers) = question.applies(0, other)? else { continue };
            match solver.find(question, &applies, Some(&covers)) {
                Answer::Never if *permits => return Ok(Some(Idle::Permitted(other.clone()))),
                Answer::Never => return Ok(Some(Idle::Forbidden(other.clone()))),
                Answer::Example(_) => {}
                Answer::Unknown(_) => all_answered = false,
            }
        }
    }
    Ok(Some(match (all_answered, is_permit) {
        (false, _) => Idle::Undecided,
        (true, false) if others(true).next().is_none() => Idle::NothingPermitted,
        (true, _) => Idle::Together,
    }))
}
