//! The schema as text is one that Cedar reads, and that finds what load finds.

use cedar_policy::{PolicySet, Schema, ValidationMode, Validator};

use super::fixture::Setting;
use crate::portable;

fn text(setting: &Setting) -> String {
    let vocabulary = setting.vocabulary();
    setting.policies("").schema_text(vocabulary).expect("a schema")
}

fn faults(validator: &Validator, policy: &str) -> Vec<String> {
    let set: PolicySet = policy.parse().expect("a policy");
    let found = validator.validate(&set, ValidationMode::Strict);
    found.validation_errors().map(ToString::to_string).collect()
}

#[portable]
fn cedar_validates_policies_by_the_text() {
    let setting = Setting::new().with_group("partner::Group::\"guests\"", "corp::Group::\"staff\"");
    let (schema, warnings) = Schema::from_cedarschema_str(&text(&setting)).expect("Cedar's syntax");
    assert_eq!(warnings.count(), 0);
    let validator = Validator::new(schema);
    for condition in [
        "context.http_request.path == \"/a\" && context.now > 5",
        "context.http_request has source_ip && context.http_request.source_ip.isLoopback()",
        "context has peer.uri && context.peer.uri like \"spiffe://*\"",
        "context has corp && context.corp.email == \"a\"",
        "context has corp.address.country && context.corp.address.country == \"DE\"",
        "context has mdm && context.mdm.bound && context.mdm.age < 60 && context.mdm.score > 5",
        "context.http_request.path_parameters has id && context.http_request.path_parameters.id == \"7\"",
        "principal in corp::Group::\"staff\" && action in Action::\"read\" && resource in Application::\"shop\"",
        "principal is Anonymous && action == Action::\"preflight\"",
    ] {
        let policy = format!("permit (principal, action, resource) when {{ {condition} }};");
        assert_eq!(faults(&validator, &policy), [""; 0], "{condition}");
        setting
            .compile(&format!("@id(\"a\") forbid (principal, action, resource) when {{ {condition} || true }};"))
            .expect(condition);
    }
    for condition in [
        "context.http_request.pth == \"/a\"",
        "context.corp.email == \"a\"",
        "context.mdm.score > 5",
        "context has mdm && context.mdm.os_patch > 5",
        "context.http_request.port == 443",
        "context.http_request.path_parameters.id == \"7\"",
        "context.now == \"a\"",
        "principal in crop::Group::\"staff\"",
    ] {
        let policy = format!("permit (principal, action, resource) when {{ {condition} }};");
        assert_ne!(faults(&validator, &policy), [""; 0], "{condition}");
    }
}

#[portable]
fn each_optional_fact_is_marked_in_the_text() {
    let text = text(&Setting::new());
    assert!(text.starts_with("// ") && text.ends_with("}\n"), "{text}");
    for part in ["http_request: {", "user_agent?:", "peer?: {", "corp?: {", "mdm?: {", "email:", "acr?:"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}
