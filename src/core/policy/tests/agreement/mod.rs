//! The plugin's decisions against those of Cedar's own authorizer, on generated policies and requests.
//!
//! The same policies, prepared and loaded, must decide likewise, and prepare to the same string. They decide with the
//! decision cache, which has the answers of all policies about the earlier requests; the others decide without it.
//!
//! Every difference in decision, in the policies that are named, in errors, in near misses or in advice is a failure. The
//! number of pairs is what the tests of each change run; `AGREEMENT_PAIRS` sets another one.

#![expect(clippy::arithmetic_side_effects, reason = "counts and depths of the generators, which are small")]

mod dice;
mod requests;
mod strings;
mod typed;
mod untyped;

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};

use cedar_policy::{
    Authorizer, Context, Entities, EntityUid, Policy, PolicySet as CedarPolicySet, Request as CedarRequest,
    RestrictedExpression,
};
use serde_json::json;

use self::dice::Dice;
use self::requests::{asked, identity, time};
use super::fixture::{Setting, field, named};
use crate::identity::Principal;
use crate::limits::EARLIEST_PLAUSIBLE_UNIX_SECONDS;
use crate::policy::load::names::Names;
use crate::policy::oracle::entities::EntityCatalog;
use crate::policy::oracle::language::{AnyRequest, Outside, Verdict, verdict};
use crate::policy::oracle::question::{Caller, EMPTY_SET, Place, Question, Side};
use crate::policy::{CacheTally, Decision, PolicySet, Rehearsed};
use crate::profile::FactType;
use crate::request::Action;
use crate::route::Requires;

/// Pairs of a set of policies and a request, and as many of a policy and a request of Cedar.
const PAIRS: usize = 100_000;
const POLICIES_OF_A_SET: usize = 8;
const REQUESTS_OF_A_SET: usize = 250;
const CONTEXTS_OF_A_POLICY: usize = 10;
const THREADS: usize = 4;

fn pairs() -> usize {
    std::env::var("AGREEMENT_PAIRS").ok().and_then(|pairs| pairs.parse().ok()).unwrap_or(PAIRS)
}

/// Does one piece of work for each number below the end, in threads.
fn each_below(end: usize, work: impl Fn(usize) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= end {
                        break;
                    }
                    work(number);
                }
            });
        }
    });
}

/// How often each outcome or operator was seen: a comparison of nothing but denials would show little.
#[derive(Default)]
struct Seen(std::sync::Mutex<BTreeMap<String, usize>>);

impl Seen {
    fn note(&self, outcome: &str) {
        self.note_times(outcome, 1);
    }

    fn note_times(&self, outcome: &str, times: usize) {
        *self.0.lock().expect("no panic").entry(outcome.to_owned()).or_default() += times;
    }

    /// Asserts that each of these was seen, and was at least this share of all, in thousandths.
    fn has(&self, shares: &[(&str, usize)]) {
        let seen = self.0.lock().expect("no panic");
        let all: usize = seen.values().sum();
        eprintln!("{all}: {seen:?}");
        for (outcome, share) in shares {
            let count = seen.get(*outcome).copied().unwrap_or_default();
            assert!(count > 0 && count * 1_000 >= share * all, "{outcome}: {count} of {all}");
        }
    }
}

#[test]
fn generated_policies_are_decided_as_cedar_decides_them() {
    let setting = setting();
    let (seen, used, rehearsals) = (Seen::default(), Seen::default(), Seen::default());
    let cached = Seen::default();
    each_below(pairs().div_ceil(REQUESTS_OF_A_SET), |number| {
        let dice = &mut Dice::new(number as u64);
        let (text, policies) = valid_policies(&setting, dice);
        let in_force = setting.policies(&text.replace(REHEARSED, ""));
        let prepared = policies.prepare(setting.vocabulary());
        let mut loaded = setting.load(&prepared).unwrap_or_else(|error| panic!("set {number}\n{text}\n{error:?}"));
        assert_eq!(loaded.prepare(setting.vocabulary()), prepared, "set {number}\n{text}");
        loaded.cache_all();
        let expected = typed::OPERATORS.iter().chain(&typed::DEVICE_READS);
        expected.filter(|part| text.contains(*part)).for_each(|part| used.note(part));
        for _ in 0..REQUESTS_OF_A_SET {
            let (identity, request, now) = (identity(dice), asked(dice), time(dice));
            let route = setting.router.find(&request).expect("a route");
            let decision = policies.decide_uncached(&identity, &request, &route, now);
            let oracle = policies.decide_by_oracle(&identity, &request, &route, now);
            let by_loaded = loaded.decide(&identity, &request, &route, now);
            let CacheTally { hits, misses } = loaded.take_tally();
            cached.note_times("hit", hits);
            cached.note_times("miss", misses);
            assert_eq!(
                by_loaded, decision,
                "set {number}, prepared and cached\n{text}\n{identity:#?}\n{request:#?}\n{now:?}"
            );
            assert_eq!(decision, oracle, "set {number}\n{text}\n{identity:#?}\n{request:#?}\n{now:?}");
            let rehearsed = policies.rehearse(&identity, &request, &route, now);
            assert_eq!(loaded.rehearse(&identity, &request, &route, now), rehearsed, "set {number}, prepared\n{text}");
            if let Some(rehearsed) = rehearsed {
                let in_force = in_force.decide(&identity, &request, &route, now);
                assert_eq!(rehearsed, Rehearsed::of(in_force), "set {number}\n{text}\n{identity:#?}\n{request:#?}");
                rehearsals.note(if rehearsed.allows { "would allow" } else { "would deny" });
            }
            seen.note(named(&decision).0);
        }
    });
    seen.has(&[("allow", 100), ("forbidden", 50), ("not permitted", 100), ("failed", 5)]);
    cached.has(&[("hit", 300), ("miss", 50)]);
    rehearsals.has(&[("would allow", 100), ("would deny", 100)]);
    used.has(&typed::OPERATORS.map(|operator| (operator, 0)));
    used.has(&typed::DEVICE_READS.map(|read| (read, 0)));
}

/// The request with the member of `context` that conditions for a solver read.
fn with_empty_set(request: &CedarRequest) -> CedarRequest {
    let none = [(EMPTY_SET.to_owned(), RestrictedExpression::new_set([]))];
    let context = request.context().cloned().expect("a context");
    let context = context.merge(Context::from_pairs(none).expect("a context")).expect("a context");
    let [principal, action, resource] = [request.principal(), request.action(), request.resource()];
    let [principal, action, resource] = [principal, action, resource].map(|entity| entity.cloned().expect("an entity"));
    CedarRequest::new(principal, action, resource, context, None).expect("a request")
}

/// The condition that a solver gets is the decision: for each request it holds exactly where the configuration permits it.
#[test]
fn a_condition_for_the_solver_holds_where_the_request_is_permitted() {
    let setting = setting();
    let seen = Seen::default();
    each_below((pairs() / 2).div_ceil(REQUESTS_OF_A_SET), |number| {
        let dice = &mut Dice::new(2_000_000_000 + number as u64);
        let (text, policies) = valid_policies(&setting, dice);
        let names = Names { vocabulary: setting.vocabulary(), groups: &policies.groups };
        let catalog = EntityCatalog::compile(names).expect("a catalog");
        let mut conditions = BTreeMap::new();
        for _ in 0..REQUESTS_OF_A_SET {
            let (identity, request, now) = (identity(dice), asked(dice), time(dice));
            let route = setting.router.find(&request).expect("a route");
            let methods = &route.route.methods;
            let place = Place { application: route.application, route: route.route, methods, action: route.action };
            let caller = match identity.principal() {
                _ if route.action == Action::Preflight => Caller::Anonymous,
                Principal::Anonymous => Caller::Anonymous,
                Principal::Workload(_) => Caller::Workload,
                Principal::Verified(verified) => Caller::Issuer(verified.issuer.clone()),
            };
            let side = Side { policies: &policies, vocabulary: setting.vocabulary(), place };
            let key = (caller.clone(), &route.route.name, route.action);
            let set = conditions.entry(key).or_insert_with(|| {
                let question = Question::of(&caller, &[side]).unwrap_or_else(|fault| panic!("{text}\n{fault}"));
                let condition = question.permitted(0, &[]).expect("a condition");
                CedarPolicySet::from_policies([condition]).expect("one policy")
            });
            // Cedar has no value for such an address, and the plugin permits no request with it.
            let Ok(cedar) = catalog.request(&identity, &request, &route, now) else {
                assert!(matches!(policies.decide(&identity, &request, &route, now), Decision::Failed { .. }));
                continue;
            };
            let response = Authorizer::new().is_authorized(&with_empty_set(&cedar.request), set, &cedar.entities);
            let holds = response.decision() == cedar_policy::Decision::Allow;
            // Of a caller without a token the condition does not know what its posture says.
            let one_device = identity.fulfils(&Requires::default(), (&setting.issuers, &setting.devices)).is_ok();
            if !matches!(caller, Caller::Issuer(_)) && !one_device {
                continue;
            }
            let required = route.action == Action::Preflight
                || identity.fulfils(&route.route.requires, (&setting.issuers, &setting.devices)).is_ok();
            let is_plausible = now.get() >= EARLIEST_PLAUSIBLE_UNIX_SECONDS;
            let decision = policies.decide(&identity, &request, &route, now);
            let permitted = required && is_plausible && matches!(decision, Decision::Allow(_));
            assert_eq!(holds, permitted, "set {number}\n{text}\n{set}\n{identity:#?}\n{request:#?}\n{decision:?}");
            seen.note(if required { named(&decision).0 } else { "evidence is missing" });
        }
    });
    seen.has(&[("allow", 50), ("forbidden", 20), ("not permitted", 50), ("failed", 1), ("evidence is missing", 20)]);
}

#[test]
fn expressions_of_any_types_are_evaluated_as_cedar_evaluates_them() {
    let entities = entities();
    let seen = Seen::default();
    each_below(pairs().div_ceil(CONTEXTS_OF_A_POLICY), |number| {
        let dice = &mut Dice::new(1_000_000_000 + number as u64);
        let policy = Parsed::new(&untyped::policy(dice));
        for _ in 0..CONTEXTS_OF_A_POLICY {
            let context = untyped::context(dice);
            let principal = dice.one_of(&["U::\"a\"", "U::\"a\"", "U::\"b\"", "G::\"x\""]);
            seen.note(policy.agreed(principal, context, &entities));
        }
    });
    seen.has(&[("applies", 20), ("does not apply", 20), ("fails", 100)]);
}

/// Entities with groups in groups.
fn entities() -> Entities {
    let entities = json!([
        { "uid": { "type": "U", "id": "a" }, "attrs": {}, "parents": [{ "type": "G", "id": "x" }] },
        { "uid": { "type": "U", "id": "b" }, "attrs": {}, "parents": [] },
        { "uid": { "type": "G", "id": "x" }, "attrs": {}, "parents": [{ "type": "G", "id": "y" }] },
        { "uid": { "type": "G", "id": "y" }, "attrs": {}, "parents": [] },
        { "uid": { "type": "R", "id": "r" }, "attrs": {}, "parents": [{ "type": "G", "id": "y" }] },
    ]);
    Entities::from_json_value(entities, None).expect("entities")
}

/// A policy that Cedar has parsed, and nobody has checked.
struct Parsed {
    text: String,
    policy: Policy,
    set: CedarPolicySet,
}

impl Parsed {
    fn new(text: &str) -> Self {
        let policy = Policy::parse(None, text).unwrap_or_else(|error| panic!("{text}\n{error:?}"));
        let set = CedarPolicySet::from_policies([policy.clone()]).expect("one policy");
        Self { text: text.to_owned(), policy, set }
    }

    /// What it answers about a request, in which the program must agree with Cedar.
    fn agreed(&self, principal: &str, context: serde_json::Value, entities: &Entities) -> &'static str {
        let uid = |text: &str| EntityUid::from_str(text).expect("an entity");
        let in_cedar = Context::from_json_value(context.clone(), None).expect("a context");
        let asked = AnyRequest {
            principal: uid(principal),
            action: uid("Action::\"view\""),
            resource: uid("R::\"r\""),
            context,
        };
        let AnyRequest { principal, action, resource, .. } = asked.clone();
        let request = CedarRequest::new(principal, action, resource, in_cedar, None).expect("a request");
        let response = Authorizer::new().is_authorized(&request, &self.set, entities);
        let (wanted, name) = match response.diagnostics() {
            diagnostics if diagnostics.errors().next().is_some() => (Verdict::Fails, "fails"),
            diagnostics if diagnostics.reason().next().is_some() => (Verdict::Applies, "applies"),
            _ => (Verdict::DoesNotApply, "does not apply"),
        };
        match verdict(&self.policy, &asked, entities) {
            Err(Outside::EntityInContext) => return "outside",
            found => assert_eq!(found, Ok(wanted), "{}\n{asked:#?}\n{:?}", self.text, response.diagnostics()),
        }
        name
    }
}

/// The fixture with facts of all types and with groups in groups.
fn setting() -> Setting {
    let list = |of: FactType| FactType::List(Box::new(of));
    let badge = FactType::Record(vec![field("level", FactType::Long), field("place", FactType::String)]);
    let mut setting = Setting::new().with_workloads();
    for (name, of) in [
        ("numbers", list(FactType::Long)),
        ("offices", list(FactType::Ip)),
        ("badges", list(badge)),
        ("lists?", list(list(FactType::Long))),
        ("act?", FactType::actor()),
    ] {
        setting = setting.with_fact_of("corp", field(name, of));
    }
    for device in ["mdm", "edr"] {
        setting = setting
            .with_fact_of_device(device, field("serial?", FactType::String))
            .with_fact_of_device(device, field("platform?", FactType::String))
            .with_fact_of_device(device, field("os?", FactType::version()));
    }
    setting = setting
        .with_fact_of_device("edr", field("score?", FactType::Long))
        .with_device(
            "mdm",
            &[
                ("serial", "serial"),
                ("managed", "managed"),
                ("os.type", "platform"),
                ("os.version", "os"),
                ("score", "score"),
            ],
        )
        .with_device(
            "edr",
            &[
                ("serial", "serial"),
                ("managed", "ok"),
                ("os.type", "platform"),
                ("os.version", "os"),
                ("score", "score"),
            ],
        )
        .with_device("corp", &[("serial", "department"), ("os.type", "address.country")]);
    setting = setting.with_attributes();
    setting.router.attributes[4].values = None;
    setting
        .with_group("corp::Group::\"g1\"", "corp::Group::\"g2\"")
        .with_group("corp::Group::\"g2\"", "corp::Group::\"g3\"")
        .with_group("corp::Group::\"g1\"", "corp::Group::\"g4\"")
        .with_group("partner::Group::\"p\"", "corp::Group::\"g2\"")
}

/// What a policy has that is only rehearsed.
const REHEARSED: &str = "@mode(\"shadow\")";

/// Generated policies without those that load refuses.
fn valid_policies(setting: &Setting, dice: &mut Dice) -> (String, PolicySet) {
    let mut lines: Vec<String> = (0..POLICIES_OF_A_SET * 3).map(|id| typed::policy(id, dice)).collect();
    for line in lines.iter_mut().filter(|_| dice.below(6) == 0) {
        line.insert_str(0, REHEARSED);
    }
    for _ in 0..4 {
        let text: String = lines.concat();
        match setting.compile(&text) {
            Ok((policies, _)) => return (text, policies),
            Err(errors) => {
                let faulty = |line: usize| {
                    errors.iter().any(|error| error.position.is_some_and(|position| position.line == line + 1))
                };
                let kept = lines.iter().enumerate().filter(|(line, _)| !faulty(*line));
                lines = kept.map(|(_, policy)| policy.clone()).take(POLICIES_OF_A_SET).collect();
            }
        }
    }
    panic!("load refuses what it has accepted: {lines:?}");
}
