//! Calls that a configuration cuts off.

use super::{GOOD, NONE, codes, codes_of, findings, with};

const POLICY: &str = "failure_policy: FAIL_RELOAD";

fn restricted(allowed: &str) -> String {
    let restriction = format!("capability_restriction_config: {{ allowed_capabilities: {{ {allowed} }} }}");
    with(GOOD, POLICY, &format!("{POLICY}\n                {restriction}"))
}

/// All that a finding says to write.
fn wanted(text: &str, code: &str) -> Vec<String> {
    let found = findings(text);
    let finding = found.iter().find(|finding| finding.problem.code == code).expect("the finding");
    let lines = finding.problem.help.lines().filter_map(|line| line.strip_suffix(": {}"));
    lines.map(str::to_owned).collect()
}

fn list(names: &[String]) -> String {
    names.iter().map(|name| format!("{name}: {{}}, ")).collect()
}

fn fetching(text: &str) -> String {
    let keys = "{ \"url\": \"http://login.example.com/keys\", \"cluster\": \"login\", \"insecure\": true }";
    let issuers = format!("\"issuers\": {{ \"corp\": {{ \"keys\": {keys} }} }}, \"peer\"");
    let cluster = "clusters: [{ name: login, type: STATIC, load_assignment: { endpoints: [{ lb_endpoints: [{ endpoint: { address: { pipe: { path: /run/login } } } }] }] } }]";
    with(&with(text, "\"peer\"", &issuers), "  listeners:\n", &format!("  {cluster}\n  listeners:\n"))
}

#[test]
fn an_empty_list_restricts_nothing() {
    assert_eq!(codes(&restricted("")), NONE);
    assert_eq!(
        codes(&with(GOOD, POLICY, &format!("{POLICY}\n                capability_restriction_config: {{}}"))),
        NONE
    );
}

#[test]
fn the_lines_that_are_shown_are_enough_and_each_is_needed() {
    let text = fetching(&restricted("proxy_get_status: {}"));
    assert_eq!(codes(&text), ["capability-missing", "capability-record", "capability-signatures"]);
    let decisive = wanted(&text, "capability-missing");
    let records = wanted(&text, "capability-record");
    let all = [decisive.as_slice(), &records, &wanted(&text, "capability-signatures")].concat();
    assert_eq!(codes(&fetching(&restricted(&list(&all)))), NONE);
    for name in &all {
        let others: Vec<String> = all.iter().filter(|other| *other != name).cloned().collect();
        let found = findings(&fetching(&restricted(&list(&others))));
        let code = match name {
            name if decisive.contains(name) => "capability-missing",
            name if records.contains(name) => "capability-record",
            _ => "capability-signatures",
        };
        assert_eq!(codes_of(&found), [code], "{name}");
        let problem = &found.first().unwrap().problem;
        assert!(problem.message.starts_with(&format!("this list lacks `{name}`, which")), "{}", problem.message);
    }
}

#[test]
fn what_fetches_keys_is_needed_by_whoever_fetches_keys() {
    let text = restricted("proxy_get_status: {}");
    let alone = wanted(&text, "capability-missing");
    let fetches = wanted(&fetching(&text), "capability-missing");
    assert!(alone.iter().all(|name| fetches.contains(name)));
    assert!(!alone.contains(&"proxy_http_call".to_owned()) && fetches.contains(&"proxy_http_call".to_owned()));
    let message = findings(&fetching(&text)).first().unwrap().problem.message.clone();
    for purpose in ["read requests", "reject requests", "open the guard", "change the headers", "fetch keys"] {
        assert!(message.contains(purpose), "{message}");
    }
}

#[test]
fn a_module_that_shares_the_vm_can_cut_it_off_as_well() {
    let other = |vm_config: &str| {
        let filter = format!(
            "{{ name: other, typed_config: {{ config: {{ vm_config: {{ {vm_config} }}, capability_restriction_config: {{ allowed_capabilities: {{ proxy_log: {{}} }} }} }} }} }}"
        );
        codes(&with(GOOD, "    filter_chains:\n", &format!("    listener_filters: [{filter}]\n    filter_chains:\n")))
    };
    let shared = ["capability-missing", "capability-record", "capability-signatures"];
    assert_eq!(other("vm_id: countersign, code: { local: { filename: countersign.wasm } }"), shared);
    assert_eq!(other("vm_id: other, code: { local: { filename: countersign.wasm } }"), NONE);
    assert_eq!(other("vm_id: countersign, code: { local: { filename: other.wasm } }"), NONE);
}
