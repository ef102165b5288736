//! What one configuration lets in: routes that nobody reaches, policies that change nothing, permits for everybody.

use std::collections::{BTreeMap, BTreeSet};

use countersign_core::config::Plan;
use countersign_core::policy::PolicyId;
use countersign_core::policy::oracle::question::{Caller, NoQuestion, Place, Question};
use countersign_core::request::Action;

use super::idle::{Reasons, reasons};
use super::places::{Places, place_name, places};
use super::proof::{Plans, callers, side};
use super::solver::{Answer, Solver};

/// What was found.
#[derive(Debug, Default)]
pub struct Analysis {
    /// Routes that no request reaches.
    pub unreached: Vec<String>,
    /// Places that Anonymous reaches, preflights left aside.
    pub anonymous: Vec<String>,
    /// Policies without which every request would be decided alike, and why.
    pub without_effect: BTreeMap<PolicyId, Reasons>,
    /// Permits that let in every principal of an issuer, with the places.
    pub everybody: BTreeMap<(PolicyId, Caller), Vec<String>>,
    /// Places that somebody with a token of an issuer reaches, and where no policy about such callers reads a device.
    pub without_device: BTreeMap<Caller, Vec<String>>,
    /// What was not decided, and why.
    pub undecided: BTreeSet<(String, String)>,
    /// Why there are no proofs.
    pub no_solver: Option<String>,
}

/// The state while places are looked at.
struct Looking<'a> {
    solver: &'a mut Solver,
    plan: &'a Plan,
    found: Analysis,
    /// Policies that are known to change a decision.
    effective: BTreeSet<PolicyId>,
    /// Policies about which something was not decided.
    open: BTreeSet<PolicyId>,
    reached: BTreeSet<String>,
    /// Routes about which something was not decided.
    open_routes: BTreeSet<String>,
}

/// Looks at every place. `step` is called after each.
pub fn analyze(solver: &mut Solver, plan: &Plan, mut step: impl FnMut(usize)) -> Analysis {
    let places = places(&plan.router);
    let mut looking = Looking {
        solver,
        plan,
        found: Analysis::default(),
        effective: BTreeSet::new(),
        open: BTreeSet::new(),
        reached: BTreeSet::new(),
        open_routes: BTreeSet::new(),
    };
    for place in &places {
        let both = Places { old: Some(*place), new: Some(*place) };
        for caller in callers(Plans { old: plan, new: plan }, both) {
            if let Err(fault) = looking.look(&caller, *place) {
                looking.found.undecided.insert((format!("{caller} at {}", place_name(*place)), fault.to_string()));
                looking.open_routes.insert(route_name(*place));
            }
        }
        step(places.len());
    }
    looking.finish(&places)
}

impl Looking<'_> {
    fn look(&mut self, caller: &Caller, place: Place<'_>) -> Result<(), NoQuestion> {
        let question = Question::of(caller, &[side(self.plan, place)])?;
        let permitted = question.permitted(0, &[])?;
        let route = route_name(place);
        match self.solver.find(&question, &permitted, None) {
            Answer::Example(_) if place.action == Action::Preflight => {}
            Answer::Example(_) => {
                self.reached.insert(route);
                self.note_caller(caller, place, &question);
            }
            Answer::Never => {}
            Answer::Unknown(why) => {
                self.open_routes.insert(route);
                self.found.undecided.insert((format!("{caller} at {}", place_name(place)), why));
            }
        }
        let asked: Vec<(PolicyId, bool)> = question.asked(0).map(|(id, permits)| (id.clone(), permits)).collect();
        for (id, permits) in asked {
            self.look_at_effect(&question, &id, permits)?;
            if permits && matches!(caller, Caller::Issuer(_)) && place.action != Action::Preflight {
                self.look_at_everybody(&question, &id, caller, place)?;
            }
        }
        Ok(())
    }

    fn note_caller(&mut self, caller: &Caller, place: Place<'_>, question: &Question) {
        match caller {
            Caller::Anonymous => self.found.anonymous.push(place_name(place)),
            Caller::Workload => {}
            Caller::Issuer(_) => {
                let devices = &self.plan.devices;
                let required = &place.route.requires.devices;
                let reads = devices.iter().any(|device| question.reads(0, device.name().as_str()));
                if !devices.is_empty() && required.is_empty() && !reads {
                    self.found.without_device.entry(caller.clone()).or_default().push(place_name(place));
                }
            }
        }
    }

    /// Whether some request is decided in another way without the policy.
    fn look_at_effect(&mut self, question: &Question, id: &PolicyId, permits: bool) -> Result<(), NoQuestion> {
        if self.effective.contains(id) {
            return Ok(());
        }
        let (with, without) = (question.permitted(0, &[])?, question.permitted_without(0, id)?);
        let (allows, denies) = if permits { (with, without) } else { (without, with) };
        match self.solver.find(question, &allows, Some(&denies)) {
            Answer::Example(_) => {
                self.effective.insert(id.clone());
            }
            Answer::Never => {}
            Answer::Unknown(_) => {
                self.open.insert(id.clone());
            }
        }
        Ok(())
    }

    /// Whether the permit applies to each request that gets as far as the policies.
    fn look_at_everybody(
        &mut self,
        question: &Question,
        id: &PolicyId,
        caller: &Caller,
        place: Place<'_>,
    ) -> Result<(), NoQuestion> {
        let Some(applies) = question.applies(0, id)? else { return Ok(()) };
        let arrives = question.arrives(0)?;
        if matches!(self.solver.find(question, &arrives, Some(&applies)), Answer::Never)
            && matches!(self.solver.find(question, &applies, None), Answer::Example(_))
        {
            self.found.everybody.entry((id.clone(), caller.clone())).or_default().push(place_name(place));
        }
        Ok(())
    }

    fn finish(mut self, places: &[Place<'_>]) -> Analysis {
        let mut routes: Vec<String> = places.iter().map(|place| route_name(*place)).collect();
        routes.dedup();
        routes.retain(|route| !self.reached.contains(route) && !self.open_routes.contains(route));
        self.found.unreached = routes;
        let enforced = self.plan.policies.enforced().into_iter().flatten();
        let without_effect = enforced.filter(|id| !self.effective.contains(*id) && !self.open.contains(*id));
        let solver = &mut *self.solver;
        self.found.without_effect = without_effect.map(|id| (id.clone(), reasons(solver, self.plan, id))).collect();
        for id in self.open.difference(&self.effective) {
            let what = format!("whether `{id}` changes any decision");
            self.found.undecided.insert((what, "the solver gave no answer".to_owned()));
        }
        if !self.found.undecided.is_empty() {
            self.found.no_solver = self.solver.missing().map(ToString::to_string);
        }
        self.found
    }
}

fn route_name(place: Place<'_>) -> String {
    format!("{}/{}", place.application.name, place.route.name)
}
