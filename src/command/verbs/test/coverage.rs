//! Coverage: which policies decided, which routes were asked for, and which conditions were both true and false.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::rc::Rc;

use countersign_core::policy::ConditionResult;

use crate::cases::{Configuration, Found};

/// What the cases of each configuration have reached.
#[derive(Default)]
pub struct Coverage(Vec<Reached>);

struct Reached {
    configuration: Rc<Configuration>,
    policies: BTreeSet<String>,
    routes: BTreeSet<(String, String)>,
    conditions: BTreeMap<(String, usize), BTreeSet<bool>>,
}

impl Coverage {
    /// Counts a case.
    pub fn add(&mut self, configuration: &Rc<Configuration>, found: &Found) {
        let place = self.0.iter().position(|reached| Rc::ptr_eq(&reached.configuration, configuration));
        let place = place.unwrap_or_else(|| {
            let configuration = Rc::clone(configuration);
            let (policies, routes) = (BTreeSet::new(), BTreeSet::new());
            self.0.push(Reached { configuration, policies, routes, conditions: BTreeMap::new() });
            self.0.len().saturating_sub(1)
        });
        let Some(reached) = self.0.get_mut(place) else { return };
        reached.policies.extend(found.policies.iter().cloned());
        reached.routes.extend(found.route.clone());
        for explained in found.explanation.iter().flat_map(|explanation| &explanation.policies) {
            if explained.scope_matches != [true; 3] {
                continue;
            }
            let policy = explained.description.policy.as_str();
            for condition in &explained.conditions {
                let seen = reached.conditions.entry((policy.to_owned(), condition.place)).or_default();
                match condition.result {
                    ConditionResult::Held => drop(seen.insert(true)),
                    ConditionResult::Failed => drop(seen.insert(false)),
                    ConditionResult::NoValue => {}
                }
            }
        }
    }

    /// Prints what was not reached.
    ///
    /// # Errors
    /// The output is closed.
    pub fn print(&self, output: &mut impl Write) -> io::Result<()> {
        self.0.iter().try_for_each(|reached| reached.print(output))
    }
}

impl Reached {
    fn print(&self, output: &mut impl Write) -> io::Result<()> {
        let plan = &self.configuration.plan;
        // A policy that is only rehearsed never decides.
        let mut described = plan.policies.described();
        described.retain(|described| !described.is_rehearsed);
        let all = described.len();
        let silent: Vec<&str> = described
            .iter()
            .map(|described| described.policy.as_str())
            .filter(|policy| !self.policies.contains(*policy))
            .collect();
        writeln!(output, "\ncoverage of {}", self.configuration.file)?;
        section(output, "policies that never decided", &silent, all)?;
        let names = plan.router.applications.iter().flat_map(|application| {
            application.routes.iter().map(|route| (application.name.clone(), route.name.clone()))
        });
        let names: Vec<(String, String)> = names.collect();
        let unasked = names.iter().filter(|name| !self.routes.contains(*name));
        let unasked: Vec<String> = unasked.map(|(application, route)| format!("{application}/{route}")).collect();
        section(output, "routes that no case asks for", &unasked, names.len())?;
        for (truth, title) in [(true, "conditions that were never true"), (false, "conditions that were never false")] {
            let conditions = described.iter().flat_map(|described| {
                let policy = described.policy.as_str();
                described.conditions.iter().enumerate().map(move |(place, text)| (policy, place, text))
            });
            let all = conditions.clone().count();
            let seen = |policy: &str, place| {
                let seen = self.conditions.get(&(policy.to_owned(), place));
                seen.is_some_and(|seen| seen.contains(&truth))
            };
            let never = conditions.filter(|(policy, place, _)| !seen(policy, *place));
            let never: Vec<String> = never.map(|(policy, _, text)| format!("{policy}: {text}")).collect();
            section(output, title, &never, all)?;
        }
        Ok(())
    }
}

fn section(output: &mut impl Write, title: &str, names: &[impl AsRef<str>], all: usize) -> io::Result<()> {
    writeln!(output, "  {title}: {} of {all}", names.len())?;
    names.iter().try_for_each(|name| writeln!(output, "    {}", name.as_ref()))
}
