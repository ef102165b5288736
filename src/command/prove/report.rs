//! What `diff` found, and the verdict.

use countersign_core::policy::oracle::question::Caller;

use super::differences::{Difference, Effect};
use super::places::{Places, place_name};
use super::proof::{Change, Outcome, Shown};
use super::replay::Replayed;

/// Everything that was found.
#[derive(Debug, Default)]
pub struct Report {
    /// Who newly gets in.
    pub let_in: Vec<Found>,
    /// Who is shut out.
    pub shut_out: Vec<Found>,
    /// What was not decided.
    pub undecided: Vec<Undecided>,
    /// How often it was proved that nobody newly gets in, and that nobody is shut out.
    pub proved: [usize; 2],
    /// Why there are no proofs.
    pub no_solver: Option<String>,
    /// Differences that are not policies.
    pub differences: Vec<Difference>,
    /// Recorded requests, if there are any.
    pub replayed: Option<Replayed>,
}

/// An example, and the places where the same policies decide the same way about callers of its kind.
#[derive(Debug)]
pub struct Found {
    /// The places, as `GET shop/order`.
    pub places: Vec<String>,
    /// The example, of the first place.
    pub shown: Shown,
}

/// A question without an answer.
#[derive(Debug)]
pub struct Undecided {
    /// What was asked.
    pub change: Change,
    /// About whom.
    pub caller: Caller,
    /// The places.
    pub places: Vec<String>,
    /// Why.
    pub why: String,
}

/// What the change does, in short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing changes who gets in.
    Same,
    /// Fewer get in.
    Narrower,
    /// More get in; others may be shut out.
    Wider,
    /// It is not known whether more get in, or whether others are shut out.
    Undecided,
}

impl Verdict {
    /// The exit code.
    pub const fn code(self) -> u8 {
        match self {
            Self::Same => 0,
            Self::Narrower => 4,
            Self::Wider => 5,
            Self::Undecided => 6,
        }
    }

    /// As reports write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Narrower => "narrower",
            Self::Wider => "wider",
            Self::Undecided => "undecided",
        }
    }
}

impl Report {
    /// Adds the answer about one kind of caller at one place.
    pub fn add(&mut self, change: Change, caller: &Caller, places: Places<'_>, outcome: Outcome) {
        let place = name(places, change);
        match outcome {
            Outcome::Proved => {
                let [let_in, shut_out] = &mut self.proved;
                let count = if change == Change::LetIn { let_in } else { shut_out };
                *count = count.saturating_add(1);
            }
            Outcome::Example(shown) => {
                let all = if change == Change::LetIn { &mut self.let_in } else { &mut self.shut_out };
                let is_alike = |found: &&mut Found| {
                    found.shown.example.caller == shown.example.caller
                        && found.shown.old.policies == shown.old.policies
                        && found.shown.new.policies == shown.new.policies
                };
                match all.iter_mut().find(is_alike) {
                    Some(found) => add_once(&mut found.places, place),
                    None => all.push(Found { places: vec![place], shown: *shown }),
                }
            }
            Outcome::Undecided(why) => {
                let is_alike =
                    |known: &&mut Undecided| known.change == change && known.caller == *caller && known.why == why;
                match self.undecided.iter_mut().find(is_alike) {
                    Some(known) => add_once(&mut known.places, place),
                    None => {
                        self.undecided.push(Undecided { change, caller: caller.clone(), places: vec![place], why });
                    }
                }
            }
        }
    }

    /// The verdict. One request that newly gets in is enough for `wider`, whatever else is not known.
    pub fn verdict(&self) -> Verdict {
        let differs = |effect| self.differences.iter().any(|difference| difference.effect == effect);
        let replayed = |allowed| self.replayed.as_ref().is_some_and(|replayed| replayed.any(allowed));
        if !self.let_in.is_empty() || differs(Effect::Wider) || replayed(true) {
            Verdict::Wider
        } else if !self.undecided.is_empty() || differs(Effect::Unknown) {
            Verdict::Undecided
        } else if !self.shut_out.is_empty() || differs(Effect::Narrower) || replayed(false) {
            Verdict::Narrower
        } else {
            Verdict::Same
        }
    }
}

fn add_once(places: &mut Vec<String>, place: String) {
    if !places.contains(&place) {
        places.push(place);
    }
}

/// The place where a request is permitted.
fn name(places: Places<'_>, change: Change) -> String {
    let place = if change == Change::LetIn { places.new.or(places.old) } else { places.old.or(places.new) };
    place.map(place_name).unwrap_or_default()
}
