//! Whether any request is permitted by one configuration and not by another.

use cedar_policy::Policy;
use countersign_core::config::Plan;
use countersign_core::policy::oracle::question::{Caller, NoQuestion, Place, Question, Side};

use super::case::{Case, case};
use super::example::{Decided, Example, excluded};
use super::places::{Places, place_name};
use super::solver::{Answer, Solver};

/// How many requests of answers are tried that the configurations do not decide as the answer says.
const TRIES: usize = 8;

/// What is known about one kind of caller at one pair of places.
#[derive(Debug)]
pub enum Outcome {
    /// There is no such request.
    Proved,
    /// There is one, which both configurations have decided.
    Example(Box<Shown>),
    /// Whether there is one is not known, for this reason.
    Undecided(String),
}

/// An example with what the old and the new configuration decide.
#[derive(Debug)]
pub struct Shown {
    /// The request.
    pub example: Example,
    /// What the old configuration decides.
    pub old: Decided,
    /// What the new one decides.
    pub new: Decided,
    /// It as a case for the new one, or why there is none.
    pub case: Result<Case, &'static str>,
}

/// The old and the new configuration.
#[derive(Clone, Copy)]
pub struct Plans<'p> {
    /// The old one.
    pub old: &'p Plan,
    /// The new one.
    pub new: &'p Plan,
}

/// Which requests are sought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// Those that the new configuration permits and the old one does not.
    LetIn,
    /// Those that the old configuration permits and the new one does not.
    ShutOut,
}

/// One side of a question.
pub fn side<'p>(plan: &'p Plan, place: Place<'p>) -> Side<'p> {
    Side { policies: &plan.policies, vocabulary: plan.vocabulary(), place }
}

/// Seeks the requests of a change.
pub fn prove<'p>(
    solver: &mut Solver,
    plans: Plans<'p>,
    caller: &Caller,
    places: Places<'p>,
    change: Change,
) -> Outcome {
    match sought(solver, plans, caller, places, change) {
        Ok(outcome) => outcome,
        Err(fault) => Outcome::Undecided(fault.to_string()),
    }
}

fn sought<'p>(
    solver: &mut Solver,
    plans: Plans<'p>,
    caller: &Caller,
    places: Places<'p>,
    change: Change,
) -> Result<Outcome, NoQuestion> {
    let (permits, permitting, denies) = match change {
        Change::LetIn => (plans.new, places.new, places.old.map(|place| (plans.old, place))),
        Change::ShutOut => (plans.old, places.old, places.new.map(|place| (plans.new, place))),
    };
    // No route, so nobody is permitted.
    let Some(place) = permitting else { return Ok(Outcome::Proved) };
    let sides = core::iter::once((permits, place)).chain(denies);
    let sides: Vec<Side<'_>> = sides.map(|(plan, place)| side(plan, place)).collect();
    let question = Question::of(caller, &sides)?;
    if sides.len() > 1 && question.is_the_same() {
        return Ok(Outcome::Proved);
    }
    let mut tried = Vec::new();
    for _ in 0..TRIES {
        let permitted = question.permitted(0, &tried)?;
        let also: Option<Policy> = (sides.len() > 1).then(|| question.permitted(1, &[])).transpose()?;
        let mut found = match solver.find(&question, &permitted, also.as_ref()) {
            Answer::Never if tried.is_empty() => return Ok(Outcome::Proved),
            Answer::Never => break,
            Answer::Unknown(why) => return Ok(Outcome::Undecided(why)),
            Answer::Example(found) => found,
        };
        let expected = question.permitted_as_expected(0, &tried)?;
        if let Answer::Example(better) = solver.find(&question, &expected, also.as_ref()) {
            found = better;
        }
        let example = Example::of(caller, place, &question, &found);
        if let Some(shown) = example.and_then(|example| shown(plans, place, example, change)) {
            return Ok(Outcome::Example(Box::new(shown)));
        }
        let Some(excluded) = excluded(&question, &found) else { break };
        tried.push(excluded);
    }
    Ok(Outcome::Undecided(UNREAL.to_owned()))
}

/// Why an answer is not shown.
const UNREAL: &str = "the solver names only requests that the configurations decide alike: facts that contradict each other, or a \
                      path that no request has";

/// The example, if the configurations decide it as the change says.
fn shown(plans: Plans<'_>, place: Place<'_>, example: Example, change: Change) -> Option<Shown> {
    let (old, new) = (example.decide(plans.old), example.decide(plans.new));
    let (wanted, what) = match change {
        Change::LetIn => ((false, true), "gets in"),
        Change::ShutOut => ((true, false), "does not get in"),
    };
    if (old.allowed, new.allowed) != wanted {
        return None;
    }
    let name = format!("{} {what} at {}", example.caller, place_name(place));
    let case = case(&name, &example, plans.new, &new);
    Some(Shown { example, old, new, case })
}

/// The kinds of callers that can be permitted at these places.
pub fn callers(plans: Plans<'_>, places: Places<'_>) -> Vec<Caller> {
    let is_preflight = |place: Option<Place<'_>>| {
        place.is_some_and(|place| place.action == countersign_core::request::Action::Preflight)
    };
    if is_preflight(places.old) || is_preflight(places.new) {
        return vec![Caller::Anonymous];
    }
    let mut callers = Caller::all(plans.old.vocabulary());
    callers.extend(Caller::all(plans.new.vocabulary()));
    callers.into_iter().collect()
}

#[cfg(test)]
mod tests;
