//! What a refused client is told to do, and the alarms of a decision.

use super::fixture::{Setting, document, errors_of, field, named, request, user, user_with};
use crate::policy::{Decision, PolicyDocument, PolicySet};
use crate::portable;
use crate::profile::{FactType, FactValue};
use crate::remedy::{Remedy, Scope, StepUp};

const FRESH: &str = "@id(\"fresh\") @step_up(\"acr_values=urn:example:mfa, max_age=900\")
    permit (principal is corp::User, action, resource in Application::\"wiki\")
    when {
      context.corp has acr && context.corp.acr == \"urn:example:mfa\" &&
      context.corp has auth_time && context.now - context.corp.auth_time <= 900
    };";

const WRITE: &str = "@id(\"write\") @scope(\"wiki.write\")
    permit (principal is corp::User, action, resource in Application::\"wiki\")
    when { context.corp.scope.contains(\"wiki.write\") };";

fn setting() -> Setting {
    Setting::new()
        .with_fact_of("corp", field("auth_time?", FactType::Long))
        .with_fact_of("corp", field("scope", FactType::Scopes))
}

fn step_up(text: &str) -> Option<Remedy> {
    Some(Remedy::StepUp(StepUp::parse(text).expect("a step-up")))
}

fn scope(text: &str) -> Option<Remedy> {
    Some(Remedy::Scope(Scope::parse(text).expect("a scope")))
}

const MFA: (&str, &str) = ("acr", "urn:example:mfa");

/// The decision about a GET on the wiki for a user with these facts, by the plugin, by prepared policies and by Cedar.
fn decision(text: &str, texts: &[(&str, &str)], auth_time: Option<i64>, scopes: &[&str]) -> Decision {
    let setting = setting();
    let policies = setting.policies(text);
    let text = |text: &str| FactValue::String(text.to_owned());
    let mut facts: Vec<(&str, FactValue)> = texts.iter().map(|(name, value)| (*name, text(value))).collect();
    facts.extend(auth_time.map(|time| ("auth_time", FactValue::Long(time))));
    facts.push(("scope", FactValue::List(scopes.iter().map(|scope| text(scope)).collect())));
    let identity = user_with("corp", "alice", &[], &facts, &[]);
    let asked = request("GET", "wiki.example.com", "/a");
    let decide = |policies: &PolicySet| setting.decide(policies, &identity, &asked);
    let found = decide(&policies);
    let prepared = setting.load(&policies.prepare(setting.vocabulary())).expect("prepared policies");
    assert_eq!(decide(&prepared), found);
    let route = setting.router.find(&asked).expect("a route");
    assert_eq!(policies.decide_by_oracle(&identity, &asked, &route, super::fixture::NOW), found);
    found
}

fn remedy(decision: &Decision) -> Option<Remedy> {
    match decision {
        Decision::NotPermitted { near_misses } => near_misses.first().and_then(|miss| miss.remedy.clone()),
        Decision::Forbidden { remedy, .. } => remedy.clone(),
        Decision::Allow(_) | Decision::Failed { .. } => panic!("{decision:?}"),
    }
}

#[portable]
fn a_permit_that_misses_by_the_authentication_alone_asks_for_another() {
    let wanted = step_up("acr_values=urn:example:mfa, max_age=900");
    let now = super::fixture::NOW.get();
    assert_eq!(named(&decision(FRESH, &[MFA], Some(now - 900), &[])).0, "allow");
    assert_eq!(remedy(&decision(FRESH, &[MFA], Some(now - 901), &[])), wanted);
    assert_eq!(remedy(&decision(FRESH, &[("acr", "pwd")], Some(now), &[])), wanted);
    assert_eq!(remedy(&decision(FRESH, &[], None, &[])), wanted);
}

#[portable]
fn a_permit_that_also_misses_by_something_else_asks_for_nothing() {
    let with = |condition: &str| FRESH.replace("when {", &format!("when {{ {condition} && "));
    for condition in ["context.corp.email == \"b@example.com\"", "principal in corp::Group::\"admins\""] {
        assert_eq!(remedy(&decision(&with(condition), &[MFA], None, &[])), None, "{condition}");
    }
    assert_eq!(remedy(&decision(&with("context has mdm && context.mdm.managed"), &[MFA], None, &[])), None);
    let group = FRESH.replace("principal is corp::User", "principal in corp::Group::\"admins\"");
    assert_eq!(remedy(&decision(&group, &[], None, &[])), None);
}

#[portable]
fn a_step_up_for_one_part_does_not_answer_for_the_other() {
    let only_age = FRESH.replace("acr_values=urn:example:mfa, ", "");
    let now = super::fixture::NOW.get();
    assert_eq!(remedy(&decision(&only_age, &[MFA], None, &[])), step_up("max_age=900"));
    assert_eq!(remedy(&decision(&only_age, &[("acr", "pwd")], Some(now), &[])), None);
}

#[portable]
fn a_missing_scope_is_named_and_a_step_up_comes_first() {
    assert_eq!(remedy(&decision(WRITE, &[], None, &["wiki.read"])), scope("wiki.write"));
    let both = FRESH
        .replace("when {", "when { context.corp.scope.contains(\"wiki.write\") && ")
        .replace("@step_up", "@scope(\"wiki.write\") @step_up");
    let now = super::fixture::NOW.get();
    assert_eq!(remedy(&decision(&both, &[MFA], Some(now), &[])), scope("wiki.write"));
    assert_eq!(remedy(&decision(&both, &[], None, &[])), step_up("acr_values=urn:example:mfa, max_age=900"));
}

#[portable]
fn permits_with_a_remedy_are_the_nearest() {
    let group = "@id(\"a\") @advice(\"Join.\") permit (principal in corp::Group::\"x\", action, resource);";
    let found = decision(&format!("{group}\n{FRESH}"), &[], None, &[]);
    assert_eq!(named(&found), ("not permitted", vec!["fresh", "a"]));
}

#[portable]
fn a_forbid_asks_for_a_step_up_only_if_nothing_else_denies() {
    let forbid = "@id(\"old\") @missing(\"ignore\") @step_up(\"max_age=60\")
        forbid (principal is corp::User, action, resource)
        when { context.corp has auth_time && context.now - context.corp.auth_time > 60 };";
    let permit = "@id(\"all\") permit (principal is corp::User, action, resource);";
    let other = "@id(\"other\") forbid (principal is corp::User, action, resource);";
    let long_ago = Some(0);
    assert_eq!(remedy(&decision(&format!("{forbid}{permit}"), &[], long_ago, &[])), step_up("max_age=60"));
    assert_eq!(remedy(&decision(forbid, &[], long_ago, &[])), None);
    assert_eq!(remedy(&decision(&format!("{forbid}{permit}{other}"), &[], long_ago, &[])), None);
}

#[portable]
fn an_alarm_goes_with_the_policies_that_decide() {
    let permit = "@id(\"glass\") @alarm(\"break-glass\") permit (principal is corp::User, action, resource);
        @id(\"again\") @alarm(\"break-glass\") permit (principal is corp::User, action, resource);
        @id(\"never\") @alarm(\"never\") permit (principal is corp::User, action, resource) when { context.now < 1 };";
    let Decision::Allow(allowed) = decision(permit, &[], None, &[]) else { panic!("no permit") };
    assert_eq!(allowed.alarms().iter().map(|alarm| alarm.as_str()).collect::<Vec<_>>(), ["break-glass"]);
    let forbid = "@id(\"trap\") @alarm(\"trap\") forbid (principal is corp::User, action, resource);";
    let Decision::Forbidden { alarms, .. } = decision(&format!("{permit}{forbid}"), &[], None, &[]) else {
        panic!("no forbid")
    };
    assert_eq!(alarms.iter().map(|alarm| alarm.as_str()).collect::<Vec<_>>(), ["trap"]);
}

#[portable]
fn annotations_that_say_nothing_are_rejected() {
    let permit = |annotation: &str, condition: &str| {
        format!(
            "@id(\"p\") {annotation} permit (principal is corp::User, action, resource in Application::\"wiki\") when {{ {condition} }};"
        )
    };
    let acr = "context.corp has acr && context.corp.acr == \"mfa\"";
    let cases = [
        ("@step_up(\"mfa\")", acr, "`acr_values=..., max_age=...`"),
        ("@step_up(\"acr_values=mfa, max_age=15m\")", acr, "number of seconds"),
        ("@step_up(\"acr_values=mfa, max_age=900\")", acr, "no condition reads `auth_time`"),
        ("@step_up(\"acr_values=mfa\")", "context.now > 0", "no condition reads `acr`, `acrs` or `amr`"),
        ("@scope(\"\")", acr, "list of words"),
        ("@scope(\"orders.write\")", acr, "no condition reads the scopes"),
        ("@alarm(\"Break glass\")", acr, "not the name of an alarm"),
    ];
    for (annotation, condition, message) in cases {
        let errors = errors_of(&permit(annotation, condition));
        assert_eq!(errors.len(), 1, "{annotation}: {errors:#?}");
        assert_eq!(errors[0].code.code(), "invalid-annotation", "{annotation}");
        assert!(errors[0].message.contains(message), "{annotation}: {}", errors[0].message);
        let column = "@id(\"p\") @".len() + 1;
        assert_eq!(errors[0].position, super::fixture::at(1, column), "{annotation}");
    }
    assert!(errors_of(&permit("@step_up(\"acr_values=mfa\") @alarm(\"a\")", acr)).is_empty());
    let setting = setting();
    let forbid = "@id(\"f\") @missing(\"ignore\") @scope(\"a\") forbid (principal is corp::User, action, resource) when { context.corp.scope.contains(\"a\") };";
    let errors = setting.compile(forbid).expect_err("a scope on a forbid");
    assert!(errors[0].message.contains("on a forbid"), "{errors:#?}");
}

#[portable]
fn anonymous_has_no_remedy() {
    let setting = setting();
    let policies = setting.policies(FRESH);
    let asked = request("GET", "wiki.example.com", "/a");
    let found = setting.decide(&policies, &super::fixture::anonymous(), &asked);
    assert_eq!(remedy(&found), None);
    let partner = setting.decide(&policies, &user("partner", "p", &[]), &asked);
    assert_eq!(remedy(&partner), None);
}

#[portable]
fn a_document_that_must_permit_asks_only_if_it_alone_is_missing() {
    let setting = setting();
    let must = |name: &str, text: &str| PolicyDocument { must_permit: true, ..document(Some(name), &["wiki"], text) };
    let all = "@id(\"all\") permit (principal is corp::User, action, resource);";
    let never = "@id(\"never\") permit (principal is corp::User, action, resource) when { context.now < 1 };";
    let remedy_of = |documents: &[PolicyDocument]| {
        let (policies, _) = setting.compile_all(documents).expect("valid");
        let found = setting.decide(&policies, &user("corp", "alice", &[]), &request("GET", "wiki.example.com", "/a"));
        remedy(&found)
    };
    let wanted = step_up("acr_values=urn:example:mfa, max_age=900");
    let open = document(Some("open"), &["wiki"], all);
    assert_eq!(remedy_of(&[open.clone(), must("fresh", FRESH)]), wanted);
    assert_eq!(remedy_of(&[must("fresh", FRESH)]), wanted);
    // Another document would still be missing.
    assert_eq!(remedy_of(&[open, must("fresh", FRESH), must("never", never)]), None);
    assert_eq!(remedy_of(&[document(Some("fresh"), &["wiki"], FRESH), must("never", never)]), None);
}
