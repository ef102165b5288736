//! What load says about policies that read `context.device`.

use super::{MANAGED, alice, decided, edr, mdm, setting, text, version};
use crate::config_error::ConfigError;
use crate::policy::tests::fixture::{Setting, anonymous, document, forbid, named, permit, preflight, user_with};
use crate::policy::{MissingFacts, PolicyDocument};
use crate::portable;

#[track_caller]
fn only_error(setting: &Setting, text: &str) -> ConfigError {
    let mut errors = setting.compile(text).expect_err("an error");
    assert_eq!(errors.len(), 1, "{errors:#?}");
    errors.remove(0)
}

#[portable]
fn only_callers_with_a_token_have_it() {
    let text = "@id(\"p\") permit (principal, action, resource) when { context has device.managed };
                @id(\"a\") permit (principal is Anonymous, action, resource);";
    let setting = setting();
    let preflight = preflight("wiki.example.com", "/a", "GET");
    let decision = setting.decide(&setting.policies(text), &anonymous(), &preflight);
    assert_eq!(named(&decision), ("allow", vec!["a"]));
    let anonymous_reads =
        text.replace("Anonymous, action, resource);", "Anonymous, action, resource) when { context has device };");
    assert_eq!(only_error(&setting, &anonymous_reads).code.code(), "anonymous-network-fact");
    let everybody = forbid("if context has device.managed then !context.device.managed else true")
        .replace("principal is corp::User", "principal");
    let policies = setting.policies(&everybody);
    assert_eq!(decided(&setting, &policies, &anonymous()), "forbidden");
    assert_eq!(decided(&setting, &policies, &alice(&[edr(true, &[])])), "not permitted");
    let silent = everybody.replace("else true", "else false");
    assert_eq!(only_error(&setting, &silent).code.code(), "absent-fact-lifts-rule");
}

#[portable]
fn a_member_that_nobody_fills_is_an_error_that_says_what_to_add() {
    let setting = setting();
    for (path, mapping) in [
        ("firewall", "{ firewall: <a fact of type bool> }"),
        ("id", "{ id: <a fact of type string> }"),
        ("edr.running", "{ edr: { running: <a fact of type bool> } }"),
        ("os.type", "{ os: { type: <a fact of type string> } }"),
    ] {
        let error = only_error(&setting, &permit(&format!("context has device.{path}")));
        assert_eq!(error.code.code(), "unknown-attribute");
        assert_eq!(error.message, format!("no provider of this configuration fills `context.device.{path}`"));
        assert!(error.help.starts_with(&format!("add `device: {mapping}` to the issuer")), "{error}");
    }
    let error = only_error(&setting, &permit("context has device.edr"));
    assert!(error.help.contains("edr: { running:"), "{error}");
    let error = only_error(&setting, &forbid("context.device.firewall"));
    assert!(error.message.ends_with("`context.device.firewall`"), "{error}");
    let error = only_error(&Setting::new(), &permit("context has device"));
    assert_eq!(error.message, "no provider of this configuration fills `context.device`");
    let error = only_error(&Setting::new(), &permit("context has device.evidence.bound"));
    assert!(error.help.contains("add `device: { "), "{error}");
    let error = only_error(&setting, &permit("context has device.manged"));
    assert_eq!(error.message, "`context.device` has no member `manged`");
    assert!(error.help.contains("`managed`"), "{error}");
    let error = only_error(&setting, &permit("context has device.os.version.mayor"));
    assert_eq!(error.message, "`context.device.os.version` has no member `mayor`");
}

#[portable]
fn every_member_may_be_absent_whatever_the_route_requires() {
    let setting = setting();
    let at_order = |condition: &str| permit(condition).replace("in Application::\"wiki\"", "== Route::\"shop/order\"");
    setting.policies(&at_order("context.mdm.managed"));
    for text in [
        permit("context.device.managed"),
        permit("context has device && context.device.managed"),
        at_order("context.mdm.managed && context.device.managed"),
    ] {
        let errors = setting.compile(&text).expect_err("unguarded");
        assert!(errors.iter().any(|error| error.code.code() == "unguarded-fact"), "{text}\n{errors:#?}");
        assert!(!errors[0].help.contains("require the evidence"), "{errors:#?}");
    }
    let as_a_value = only_error(&setting, &permit("context has device.os.version && context.device.os.version == 14"));
    assert_eq!(as_a_value.code.code(), "indirect-fact");
}

#[portable]
fn a_forbid_that_falls_silent_without_evidence_is_rejected() {
    let setting = setting();
    for condition in [
        "context has device.managed && !context.device.managed",
        "context has device && context.device has managed && !context.device.managed",
        "context has device.os.version && context.device.os.version.major < 14",
        "if context has device then context.device has managed && !context.device.managed else true",
    ] {
        let error = only_error(&setting, &forbid(condition));
        assert_eq!(error.code.code(), "absent-fact-lifts-rule", "{condition}");
        assert!(!error.help.contains("requires"), "{error}");
    }
    let error = only_error(&setting, &forbid("context has device.managed && !context.device.managed"));
    let corrected = "if context has device.managed then !context.device.managed else true";
    assert!(error.help.contains(corrected), "{error}");
    let all = permit("true").replace("\"p\"", "\"all\"");
    let policies = setting.policies(&format!("{all}\n{}", forbid(corrected)));
    assert_eq!(decided(&setting, &policies, &alice(&[])), "forbidden");
    assert_eq!(decided(&setting, &policies, &alice(&[mdm(false, &[])])), "forbidden");
    assert_eq!(decided(&setting, &policies, &alice(&[mdm(true, &[])])), "allow");
}

#[portable]
fn load_writes_the_guards_where_it_is_told_to() {
    let setting = setting();
    let all = permit("true").replace("\"p\"", "\"all\"");
    let compile = |text: &str| {
        let document =
            PolicyDocument { missing_facts: MissingFacts::Implied, ..document(None, &["wiki", "shop"], text) };
        setting.compile_all(&[document]).unwrap_or_else(|errors| panic!("{errors:#?}")).0
    };
    let permitted = compile(&permit("context.device.managed && context.device.os.version.major >= 14"));
    let forbidden = compile(&format!("{all}\n{}", forbid("context.device.os.version.major < 14")));
    let old = [mdm(true, &[("os", version(13, 9))])];
    let new = [mdm(true, &[("os", version(14, 9))])];
    for (devices, permits, forbids) in [
        (&new[..], "allow", "allow"),
        (&old, "not permitted", "forbidden"),
        (&[mdm(true, &[])], "not permitted", "forbidden"),
        (&[], "not permitted", "forbidden"),
    ] {
        assert_eq!(decided(&setting, &permitted, &alice(devices)), permits, "{devices:?}");
        assert_eq!(decided(&setting, &forbidden, &alice(devices)), forbids, "{devices:?}");
    }
}

#[portable]
fn members_of_other_issuers_tokens_are_never_there() {
    let setting = Setting::new().with_device("corp", &[("risk", "department")]);
    let policy = permit("context has device.risk && context.device.risk == \"low\"");
    setting.policies(&policy);
    let of_partner = only_error(&setting, &policy.replace("corp::User", "partner::User"));
    assert_eq!(of_partner.code.code(), "policy-impossible");
    // A permit for everybody is one for those who can have it.
    let everybody = setting.policies(&policy.replace("principal is corp::User", "principal"));
    let low = user_with("corp", "a", &[], &[("department", text("low"))], &[]);
    assert_eq!(decided(&setting, &everybody, &low), "allow");
    assert_eq!(decided(&setting, &everybody, &user_with("partner", "a", &[], &[], &[])), "not permitted");
}

#[portable]
fn a_permit_by_posture_that_is_not_bound_is_warned_about() {
    let warned = |condition: &str| {
        let (_, warnings) = setting().compile(&permit(condition)).expect("valid");
        warnings.iter().filter(|warning| warning.code.code() == "unbound-device").count()
    };
    // `edr` is not bound to the token.
    assert_eq!(warned(MANAGED), 1);
    assert_eq!(warned(&format!("{MANAGED} && context has device.evidence.bound && context.device.evidence.bound")), 0);
}

#[portable]
fn prepared_policies_are_for_one_mapping() {
    let same = setting();
    let prepared = same.policies(&permit(MANAGED)).prepare(same.vocabulary());
    same.load(&prepared).expect("the same configuration");
    let facts = [("serial", "serial"), ("managed", "ok"), ("os.version", "os"), ("risk", "serial")];
    for other in [
        setting().with_device("edr", &facts[..3]),
        setting().with_device("edr", &facts),
        setting().with_device("corp", &[]),
        setting().with_device("partner", &facts[..0]).with_device("mdm", &[("managed", "managed")]),
    ] {
        assert_eq!(other.load(&prepared).expect_err("another mapping").code.code(), "prepared-context");
    }
}
