//! The figures of a run: what each chain costs over its bare twin, the ratios, and the targets beside them.

use serde_json::{Map, Value, json};

use crate::chains::{CHAINS, Chain};
use crate::flavour::Cost;
use crate::module_targets::{ModuleTarget, module_targets};
use crate::rounds::{Measured, Outcomes};
use crate::statistics::{Spread, differences, quantile};

/// A ratio of what two chains cost over their bare twins.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Its name.
    pub name: &'static str,
    /// The chain above the line.
    pub of: &'static str,
    /// The chain below it.
    pub to: &'static str,
    /// The most that the project aims at; `None` where it aims at nothing.
    pub target: Option<f64>,
}

const fn rule(name: &'static str, of: &'static str, to: &'static str, target: f64) -> Rule {
    Rule { name, of, to, target: Some(target) }
}

/// All ratios.
pub const RULES: &[Rule] = &[
    rule("warm_one_token", "countersign_one_token", "native_one_token", 0.8),
    rule("warm_two_tokens", "countersign_two_tokens", "native_two_tokens", 0.7),
    rule("warm_two_tokens_vs_uncached", "countersign_two_tokens", "native_two_tokens_uncached", 0.15),
    rule("warm_two_tokens_12k", "countersign_two_tokens_12k", "native_two_tokens_12k", 0.25),
    rule("cold", "countersign_cold", "native_two_tokens_uncached", 0.9),
    rule("anonymous_vs_warm_one_token", "countersign_anonymous", "countersign_one_token", 1.0),
    rule("policies_10000_vs_10", "countersign_policies_10000", "countersign_policies_10", 1.2),
    rule("sessions_100000_vs_1", "countersign_sessions_100000", "countersign_sessions_1", 1.3),
    rule("lean_one_token", "lean_one_token", "native_one_token", 0.8),
    rule("lean_two_tokens", "lean_two_tokens", "native_two_tokens", 0.7),
    rule("lean_two_tokens_vs_uncached", "lean_two_tokens", "native_two_tokens_uncached", 0.15),
    rule("lean_two_tokens_12k", "lean_two_tokens_12k", "native_two_tokens_12k", 0.25),
    rule("lean_cold", "lean_cold", "native_two_tokens_uncached", 0.9),
    Rule { name: "cold_es256", of: "countersign_cold_es256", to: "native_two_tokens_uncached_es256", target: None },
    Rule { name: "lean_cold_es256", of: "lean_cold_es256", to: "native_two_tokens_uncached_es256", target: None },
    Rule { name: "browser", of: "countersign_browser", to: "native_browser", target: None },
    Rule { name: "refused", of: "countersign_refused", to: "native_refused", target: None },
    Rule { name: "evaluated_100_vs_10", of: "countersign_evaluated_100", to: "countersign_evaluated_10", target: None },
    Rule { name: "policies_1000_vs_10", of: "countersign_policies_1000", to: "countersign_policies_10", target: None },
    Rule { name: "sessions_1000_vs_1", of: "countersign_sessions_1000", to: "countersign_sessions_1", target: None },
];

/// What a chain costs.
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    /// The chain.
    pub name: &'static str,
    /// Microseconds of Envoy's processor time a request.
    pub cpu_us: Spread,
    /// The same less the bare twin's in the same round; zero for a bare chain.
    pub over_bare_us: Spread,
    /// The values that `over_bare_us` is made of, one a round.
    over_bare_rounds: Vec<f64>,
    /// Half of the answers came within so many microseconds.
    pub p50_us: f64,
    /// Of a hundred answers 99 came within so many microseconds.
    pub p99_us: f64,
    /// Requests measured.
    pub requests: usize,
}

/// A ratio of this run.
#[derive(Clone, Copy, Debug)]
pub struct Ratio {
    /// Which.
    pub rule: &'static Rule,
    /// The ratio of the two medians, and the quartiles of the ratios of single rounds.
    pub value: Option<Spread>,
}

impl Ratio {
    /// Whether the target is reached; `None` where there is no target or no value.
    #[must_use]
    pub fn reached(&self) -> Option<bool> {
        Some(self.value?.median <= self.rule.target?)
    }
}

/// All figures of a run.
#[derive(Debug)]
pub struct Report {
    /// The machine and the extent of the run.
    pub run: Value,
    /// The chains that were measured, in the order of [`CHAINS`].
    pub chains: Vec<Figures>,
    /// The chains that were not, and why.
    pub left_out: Vec<(&'static str, String)>,
    /// The flavours of the module.
    pub flavours: Vec<(&'static str, Cost)>,
    /// The ratios.
    pub ratios: Vec<Ratio>,
}

impl Report {
    /// Makes it from what was measured.
    #[must_use]
    pub fn new(run: Value, outcomes: &Outcomes, flavours: Vec<(&'static str, Cost)>) -> Self {
        let measured = |name: &str| outcomes.get(name)?.as_ref().ok();
        let mut chains: Vec<Figures> = Vec::new();
        let mut left_out = Vec::new();
        for chain in CHAINS {
            match outcomes.get(chain.name) {
                Some(Ok(found)) => {
                    chains.extend(measured(chain.requests.twin()).and_then(|twin| figures(chain, found, twin)))
                }
                Some(Err(reason)) => left_out.push((chain.name, reason.clone())),
                None => {}
            }
        }
        let ratios = RULES.iter().map(|rule| Ratio { rule, value: ratio(rule, &chains) }).collect();
        Self { run, chains, left_out, flavours, ratios }
    }

    /// Why a ratio has no value.
    #[must_use]
    pub fn why_absent(&self, rule: &Rule) -> String {
        let chain = [rule.of, rule.to].into_iter().find_map(|name| self.left_out.iter().find(|(out, _)| *out == name));
        match chain {
            Some((name, reason)) => format!("{name}: {reason}"),
            None => format!("{} costs no more than its bare twin in this run", rule.to),
        }
    }

    /// `report.json`
    #[must_use]
    pub fn json(&self) -> Value {
        let chains = self.chains.iter().map(|chain| {
            let figures = json!({
                "cpu_us": round(chain.cpu_us.median),
                "cpu_us_quartiles": [round(chain.cpu_us.low), round(chain.cpu_us.high)],
                "over_bare_us": round(chain.over_bare_us.median),
                "over_bare_us_quartiles": [round(chain.over_bare_us.low), round(chain.over_bare_us.high)],
                "p50_us": round(chain.p50_us),
                "p99_us": round(chain.p99_us),
                "requests": chain.requests,
            });
            (chain.name.to_owned(), figures)
        });
        let module = self.flavours.iter().map(|(name, cost)| {
            let figures = json!({
                "bytes": cost.bytes,
                "gzip_bytes": cost.gzip_bytes,
                "load_cpu_s": round(cost.load_cpu_s),
                "load_wall_s": round(cost.load_wall_s),
                "rss_over_bare_mib": round(cost.rss_over_bare_mib),
                "rss_more_per_worker_mib": round(cost.rss_more_per_worker_mib),
                "bare_rss_more_per_worker_mib": round(cost.bare_rss_more_per_worker_mib),
            });
            ((*name).to_owned(), figures)
        });
        let by_name = |of: &dyn Fn(&Ratio) -> Option<Value>| -> Map<String, Value> {
            self.ratios.iter().filter_map(|ratio| Some((ratio.rule.name.to_owned(), of(ratio)?))).collect()
        };
        let module_targets = module_targets(&self.flavours);
        let module_targets = module_targets.iter().map(|target| {
            let ModuleTarget { flavour, what, value, target } = target;
            json!({ "module": flavour, "what": what, "value": round(*value), "target": target })
        });
        json!({
            "run": self.run,
            "chains": chains.collect::<Map<_, _>>(),
            "module": module.collect::<Map<_, _>>(),
            "module_targets": module_targets.collect::<Vec<_>>(),
            "ratios": by_name(&|ratio| Some(json!(ratio.value.map(|value| round(value.median))))),
            "ratio_quartiles": by_name(&|ratio| ratio.value.map(|value| json!([round(value.low), round(value.high)]))),
            "targets": by_name(&|ratio| ratio.rule.target.map(|target| json!(target))),
            "absent": by_name(&|ratio| ratio.value.is_none().then(|| json!(self.why_absent(ratio.rule)))),
        })
    }
}

fn figures(chain: &Chain, measured: &Measured, twin: &Measured) -> Option<Figures> {
    let over_bare_rounds = differences(&measured.cpu_us, &twin.cpu_us);
    let mut latencies: Vec<f64> = measured.latencies_ns.iter().map(|nanoseconds| *nanoseconds as f64 / 1e3).collect();
    latencies.sort_unstable_by(f64::total_cmp);
    Some(Figures {
        name: chain.name,
        cpu_us: Spread::of(&measured.cpu_us)?,
        over_bare_us: Spread::of(&over_bare_rounds)?,
        over_bare_rounds,
        p50_us: quantile(&latencies, 0.5)?,
        p99_us: quantile(&latencies, 0.99)?,
        requests: latencies.len(),
    })
}

fn ratio(rule: &Rule, chains: &[Figures]) -> Option<Spread> {
    let find = |name| chains.iter().find(|chain| chain.name == name);
    let (of, to) = (find(rule.of)?, find(rule.to)?);
    if to.over_bare_us.median <= 0.0 {
        return None;
    }
    let rounds: Vec<f64> = of
        .over_bare_rounds
        .iter()
        .zip(&to.over_bare_rounds)
        .filter(|(_, to)| **to > 0.0)
        .map(|(of, to)| of / to)
        .collect();
    Some(Spread { median: of.over_bare_us.median / to.over_bare_us.median, ..Spread::of(&rounds)? })
}

/// To three places: more would say nothing.
fn round(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{RULES, Report};
    use crate::chains::CHAINS;
    use crate::flavour::Cost;
    use crate::rounds::{Measured, Outcomes};

    /// Every bare chain takes 100, 110 and 300 us in the three rounds, and every other the given time more.
    fn outcomes(over: impl Fn(&str) -> f64) -> Outcomes {
        let measured = |name: &'static str| {
            let more = if name.starts_with("bare") { 0.0 } else { over(name) };
            let cpu_us = [100.0, 110.0, 300.0].map(|bare| bare + more).to_vec();
            Measured { cpu_us, latencies_ns: (1..=100).map(|micros| micros * 1_000).collect() }
        };
        CHAINS.iter().map(|chain| (chain.name, Ok(measured(chain.name)))).collect()
    }

    fn cost() -> Cost {
        Cost {
            bytes: 4_000_000,
            gzip_bytes: 1_000_000,
            load_cpu_s: 5.123_45,
            load_wall_s: 2.5,
            rss_over_bare_mib: 120.0,
            rss_more_per_worker_mib: 4.0,
            bare_rss_more_per_worker_mib: 1.0,
        }
    }

    fn report(outcomes: &Outcomes) -> Report {
        Report::new(json!({}), outcomes, vec![("countersign", cost())])
    }

    #[test]
    fn what_a_chain_costs_over_bare_is_taken_round_by_round() {
        let json = report(&outcomes(|_| 40.0)).json();
        let chain = &json["chains"]["countersign_two_tokens"];
        assert_eq!(chain["cpu_us"], 150.0);
        assert_eq!(chain["over_bare_us"], 40.0);
        assert_eq!(chain["over_bare_us_quartiles"], json!([40.0, 40.0]));
        assert_eq!(chain["p50_us"], 50.5);
        assert_eq!(chain["p99_us"], 99.01);
        assert_eq!(json["chains"]["bare_two_tokens"]["over_bare_us"], 0.0);
    }

    #[test]
    fn a_ratio_is_ours_over_bare_to_the_other_over_bare() {
        let json = report(&outcomes(|name| if name == "countersign_two_tokens" { 30.0 } else { 60.0 })).json();
        assert_eq!(json["ratios"]["warm_two_tokens"], 0.5);
        assert_eq!(json["ratios"]["warm_two_tokens_vs_uncached"], 0.5);
        assert_eq!(json["ratios"]["warm_one_token"], 1.0);
        assert_eq!(json["targets"]["warm_two_tokens"], 0.7);
    }

    #[test]
    fn a_target_counts_as_reached_at_its_value_and_not_beyond_it() {
        let reached = |ours| {
            let report = report(&outcomes(|name| if name == "countersign_two_tokens" { ours } else { 100.0 }));
            report.ratios.iter().find(|ratio| ratio.rule.name == "warm_two_tokens").expect("the ratio").reached()
        };
        assert_eq!(reached(70.0), Some(true));
        assert_eq!(reached(70.1), Some(false));
    }

    #[test]
    fn a_chain_that_was_left_out_makes_its_ratio_null_and_says_why() {
        let mut outcomes = outcomes(|_| 40.0);
        outcomes.insert("countersign_sessions_100000", Err("it takes too long".to_owned()));
        let json = report(&outcomes).json();
        assert_eq!(json["ratios"]["sessions_100000_vs_1"], Value::Null);
        assert_eq!(json["absent"]["sessions_100000_vs_1"], "countersign_sessions_100000: it takes too long");
        assert_eq!(json["chains"].get("countersign_sessions_100000"), None);
    }

    #[test]
    fn a_ratio_to_nothing_is_null() {
        let json = report(&outcomes(|name| if name == "native_one_token" { -1.0 } else { 60.0 })).json();
        assert_eq!(json["ratios"]["warm_one_token"], Value::Null);
        assert_eq!(json["absent"]["warm_one_token"], "native_one_token costs no more than its bare twin in this run");
    }

    #[test]
    fn the_documentation_lists_every_chain_and_every_ratio_with_its_target() {
        let page = test_harness::paths::root().join("docs/benchmark.md");
        let page = std::fs::read_to_string(page).expect("the page");
        for chain in CHAINS {
            assert!(page.contains(&format!("`{}`", chain.name)), "{}", chain.name);
        }
        let documented: Vec<&str> =
            page.lines().skip_while(|line| !line.starts_with("| ratio | of")).skip(2).take(RULES.len()).collect();
        let rules: Vec<String> = RULES
            .iter()
            .map(|rule| {
                let target = rule.target.map(|target| format!("{target} ")).unwrap_or_default();
                format!("| `{}` | `{}` | `{}` | {target}|", rule.name, rule.of, rule.to)
            })
            .collect();
        assert_eq!(documented, rules);
    }

    #[test]
    fn the_report_has_the_members_that_others_read() {
        let json = report(&outcomes(|_| 40.0)).json();
        let flavour = json["module"]["countersign"].as_object().expect("a flavour");
        for member in
            ["bytes", "gzip_bytes", "load_cpu_s", "load_wall_s", "rss_over_bare_mib", "rss_more_per_worker_mib"]
        {
            assert!(flavour[member].is_number(), "{member}");
        }
        for rule in RULES {
            assert!(json["ratios"][rule.name].is_number(), "{}", rule.name);
            assert!(CHAINS.iter().any(|chain| chain.name == rule.of), "{}", rule.of);
            assert!(CHAINS.iter().any(|chain| chain.name == rule.to), "{}", rule.to);
        }
        for chain in CHAINS {
            for member in ["cpu_us", "over_bare_us", "p50_us", "p99_us"] {
                assert!(json["chains"][chain.name][member].is_number(), "{} {member}", chain.name);
            }
        }
    }
}
