use std::fs;
use std::path::{Path, PathBuf};

use countersign_core::config::Plan;
use countersign_core::policy::PolicyExplanation;

use super::file::read_cases;
use super::{Configurations, Found};
use crate::document::{self, Document};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn plan() -> Plan {
    let text = fs::read(root().join("envoy/plugin.yaml")).expect("the example");
    let document = crate::configuration::only_configuration("plugin.yaml", &text).expect("a configuration");
    crate::configuration::compile(&document).expect("a valid one").0
}

fn document(text: &str) -> Document {
    document::parse("tests.yaml", text.as_bytes()).expect("YAML").documents.remove(0)
}

/// The problems of these cases, each with its line and column.
fn problems(cases_text: &str) -> Vec<String> {
    let document = document(&format!("config: x\ncases:\n{cases_text}"));
    let problems = read_cases(&document, &plan()).err().unwrap_or_default();
    problems
        .iter()
        .map(|problem| format!("{}:{} {} {}", problem.at.line, problem.at.column, problem.message, problem.help))
        .collect()
}

#[test]
fn a_mistake_in_a_case_is_reported_at_its_place_with_what_to_write() {
    let case = |members: &str| {
        format!("  - {{ name: a, host: shop.example.com, request: GET /x, expect: deny, {members} }}\n")
    };
    let alice = "principal: 'corp::User::\"alice\"'";
    for (members, wanted) in [
        ("who: me", "a case has no member `who`"),
        ("principal: alice", "write corp::User::\"...\""),
        ("principal: 'corp::Person::\"alice\"'", "write corp::User::\"...\""),
        ("groups: [staff]", "belongs to a principal"),
        (&format!("{alice}, groups: staff"), "`groups` is not a list of strings"),
        (&format!("{alice}, facts: {{ acr: 5 }}"), "declares it as string"),
        (&format!("{alice}, facts: {{ arc: phr }}"), "`acr`"),
        (&format!("{alice}, facts: 7"), "`facts` is not an object"),
        (&format!("{alice}, bound_by: rope"), "write none, certificate or dpop"),
        (&format!("{alice}, devices: {{ mdn: {{}} }}"), "its device providers: mdm"),
        (&format!("{alice}, devices: {{ mdm: {{ managed: true }} }}"), "disk_encrypted"),
        (&format!("{alice}, devices: {{ mdm: {{ age: soon }} }}"), "a length such as 2h"),
        ("policies: [staff-read]", "write `starter/staff-read`"),
        ("reason: not-allowed", "docs/decision.md"),
        ("client_address: here", "write one address"),
        ("time: -1", "a whole number from 0 on"),
    ] {
        let problems = problems(&case(members));
        assert_eq!(problems.len(), 1, "{members}: {problems:?}");
        assert!(problems[0].starts_with("3:") && problems[0].contains(wanted), "{members}: {problems:?}");
    }
    for (text, line, wanted) in [
        ("  - { name: a, request: GET /x }\n", 3, "write `expect: allow` or `expect: deny`"),
        ("  - { name: a, expect: deny }\n", 3, "the case has no `request`"),
        ("  - { name: a, request: /x, expect: deny }\n", 3, "`request` is not a method and a path"),
        ("  - { request: GET /x, expect: deny }\n", 3, "the case has no `name`"),
        ("  - { name: a, expect: deny, request: GET /x, table: [[host], [a, b]] }\n", 3, "2 values for 1 columns"),
        ("  - { name: a, expect: deny, request: GET /x, table: [[host]] }\n", 3, "no rows"),
        (
            "  - { name: a, expect: deny, request: GET /x }\n  - { name: a, expect: deny, request: GET /y }\n",
            4,
            "the first is in line 3",
        ),
        ("  - 7\n", 3, "not an object"),
    ] {
        let problems = problems(text);
        assert_eq!(problems.len(), 1, "{text}: {problems:?}");
        assert!(problems[0].starts_with(&format!("{line}:")) && problems[0].contains(wanted), "{text}: {problems:?}");
    }
}

/// What is found for the only case, and what differs.
fn found(members: &str) -> (Found, Vec<String>) {
    let plan = plan();
    let document = document(&format!(
        "config: x\ndefaults: {{ host: console.example.com, principal: 'corp::User::\"erin\"', groups: [admins], facts: {{ acr: \
         phr }} }}\ncases:\n  - {{ name: a, {members} }}\n"
    ));
    let cases = read_cases(&document, &plan).unwrap_or_else(|problems| panic!("{problems:?}"));
    let found = cases[0].found(&plan);
    let differences = cases[0].expected().differences(&found);
    (found, differences.iter().map(|difference| difference.member.to_owned()).collect())
}

#[test]
fn defaults_are_merged_member_by_member_and_null_removes_one() {
    let put = "request: PUT /settings, time: 1000000, facts: { auth_time: now - 15m }";
    assert_eq!(found(&format!("{put}, expect: allow")).1, [""; 0]);
    assert_eq!(found("request: PUT /settings, facts: { auth_time: now - 901s }, expect: allow").1, ["expect"]);
    assert_eq!(found("request: PUT /settings, facts: { auth_time: now, acr: ~ }, expect: allow").1, ["expect"]);
    let (nobody, _) = found("request: PUT /settings, principal: ~, expect: deny");
    assert_eq!(nobody.reason, "credential-missing");
}

#[test]
fn each_expectation_can_fail() {
    let denied = "request: PUT /settings, facts: { acr: pwd, auth_time: now }";
    let right = "expect: deny, policies: [], reason: insufficient-user-authentication, status: 401, advice: Sign in again with your \
                 hardware key.";
    assert_eq!(found(&format!("{denied}, {right}")).1, [""; 0]);
    for (member, wrong) in [
        ("expect", "expect: allow"),
        ("policies", "expect: deny, policies: [admin-step-up/admins-read]"),
        ("reason", "expect: deny, reason: not-permitted"),
        ("status", "expect: deny, status: 403"),
        ("advice", "expect: deny, advice: Go away."),
    ] {
        assert_eq!(found(&format!("{denied}, {wrong}")).1, [member], "{wrong}");
    }
}

#[test]
fn a_denial_before_any_policy_must_be_expected_by_its_reason() {
    assert_eq!(found("request: GET /setings, expect: deny").1, ["reason"]);
    assert_eq!(found("request: GET /setings, expect: deny, reason: route-unknown").1, [""; 0]);
}

#[test]
fn the_cases_of_the_examples_pass_and_their_explanations_agree_with_the_decisions() {
    let folder = root().join("envoy/policies/tests");
    let mut configurations = Configurations::default();
    let mut count = 0;
    for entry in fs::read_dir(folder).expect("the test files") {
        let path = entry.expect("an entry").path();
        let Ok(file) = configurations.read(path.to_str().expect("UTF-8")) else { panic!("{}", path.display()) };
        for case in &file.cases {
            let found = case.found(&file.configuration.plan);
            assert_eq!(case.expected().differences(&found), [], "{}: {}", path.display(), case.name);
            count += 1;
            let Some(explanation) = &found.explanation else { continue };
            let is_applying = |permits| {
                move |explained: &&PolicyExplanation| {
                    explained.applies == Some(true) && explained.description.permits == permits
                }
            };
            let ids = |permits| {
                let applying = explanation.policies.iter().filter(is_applying(permits));
                applying.map(|explained| explained.description.policy.to_string()).collect::<Vec<_>>()
            };
            let (permits, forbids) = (ids(true), ids(false));
            if forbids.is_empty() {
                assert_eq!(
                    (found.decision == "allow", &found.policies),
                    (!permits.is_empty(), &permits),
                    "{}",
                    case.name
                );
            } else if found.reason == "forbidden-by-policy" {
                assert_eq!(found.policies, forbids, "{}", case.name);
            }
        }
    }
    assert!(count > 50, "{count}");
}
