//! The alert rules and the dashboard of `envoy/monitoring` are over metrics that exist: those of `docs/metrics.md`, which another
//! test holds to the code, with the labels of `envoy/envoy.yaml`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use countersign_core::refusal::Reason;
use regex::Regex;
use serde_json::Value;
use test_harness::paths;

fn read(file: &str) -> String {
    fs::read_to_string(paths::root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn yaml(file: &str) -> Value {
    serde_saphyr::from_str(&read(file)).expect("YAML")
}

/// The metrics as Prometheus reads them with the labels of `envoy/envoy.yaml`: name and labels.
fn metrics_in_prometheus() -> BTreeMap<String, BTreeSet<String>> {
    let bootstrap = yaml("envoy/envoy.yaml");
    let tags = bootstrap["stats_config"]["stats_tags"].as_array().expect("labels");
    let tags: Vec<(&str, Regex)> = tags
        .iter()
        .map(|tag| (tag["tag_name"].as_str().expect("a name"), Regex::new(tag["regex"].as_str().expect("a regex"))))
        .map(|(name, regex)| (name, regex.expect("a regex")))
        .collect();
    let mut found = BTreeMap::new();
    let documented = read("docs/metrics.md");
    for row in documented.lines().filter(|line| line.starts_with("| `countersign.")) {
        let name = format!("wasmcustom.{}", row.split('`').nth(1).expect("a name").replace(['<', '>'], ""));
        let matches = tags.iter().filter_map(|(tag, regex)| {
            let captures = regex.captures(&name)?;
            Some((*tag, captures.get(1).expect("the part").range()))
        });
        let matches: Vec<_> = matches.collect();
        let kept = name.char_indices().filter(|(place, _)| !matches.iter().any(|(_, range)| range.contains(place)));
        let plain: String = kept.map(|(_, letter)| letter).collect();
        let labels = matches.iter().map(|(tag, _)| (*tag).to_owned()).collect();
        found.insert(plain.trim_start_matches("wasmcustom.").replace('.', "_"), labels);
    }
    found
}

#[test]
fn alert_rules_and_dashboard_name_metrics_labels_and_reasons_that_exist() {
    let metrics = metrics_in_prometheus();
    let alerts = yaml("envoy/monitoring/alerts.yaml");
    let dashboard: Value = serde_json::from_str(&read("envoy/monitoring/dashboard.json")).expect("JSON");
    let rules = alerts["groups"][0]["rules"].as_array().expect("rules");
    let panels = dashboard["panels"].as_array().expect("panels");
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().expect("targets"));
    let expressions: Vec<&str> = rules.iter().chain(targets).map(|one| one["expr"].as_str().expect("text")).collect();
    assert!(rules.len() >= 8 && panels.len() >= 10);
    let (metric, by) = (Regex::new(r"(countersign_\w+)(?:\{([^}]*)\})?"), Regex::new(r"by \(([^)]*)\)"));
    let (metric, by) = (metric.expect("a regex"), by.expect("a regex"));
    let matcher = Regex::new(r#"(\w+)(=~|!=|=)"([^"]*)""#).expect("a regex");
    let mut used = BTreeSet::new();
    for expression in expressions {
        for captures in metric.captures_iter(expression) {
            let name = captures[1].to_owned();
            let labels = metrics.get(&name).unwrap_or_else(|| panic!("`{name}` is not a metric: {expression}"));
            let grouped = by
                .captures_iter(expression)
                .flat_map(|by| by[1].split(',').map(|label| label.trim().to_owned()).collect::<Vec<_>>());
            let conditions = captures.get(2).map_or("", |conditions| conditions.as_str());
            let named = matcher.captures_iter(conditions).map(|matched| matched[1].to_owned());
            for label in grouped.chain(named) {
                assert!(labels.contains(&label), "`{name}` has no label `{label}`: {expression}");
            }
            for matched in matcher.captures_iter(conditions).filter(|matched| &matched[1] == "reason") {
                for reason in matched[3].split('|') {
                    let exists = Reason::ALL.iter().any(|one| one.code().replace('-', "_") == reason);
                    assert!(exists, "`{reason}` is not a reason: {expression}");
                }
            }
            used.insert(name);
        }
    }
    let shown_nowhere: Vec<&String> = metrics.keys().filter(|name| !used.contains(*name)).collect();
    let rest = [
        "countersign_configurations",
        "countersign_keys_shared",
        "countersign_keys_skipped_keys",
        "countersign_keys_unknown_key_refusals",
    ];
    assert_eq!(shown_nowhere, rest);
}
