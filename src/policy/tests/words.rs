//! Strings that are sets of words, and issuers of many tenants: what load says of policies about them.

use super::fixture::{Setting, document, field, forbid, permit};
use crate::config_error::{ConfigError, ConfigWarning};
use crate::jose::ClaimPath;
use crate::portable;
use crate::trust::{FactType, IssuerId, IssuerTemplate, Pin};

/// The setting with more facts of `corp`.
fn setting() -> Setting {
    let mut setting = Setting::new();
    let set = |of: FactType| FactType::List(Box::new(of));
    setting.issuers[0].profile.facts.extend([
        field("scope", FactType::String),
        field("scp?", FactType::String),
        field("words", FactType::Scopes),
        field("tags", set(FactType::String)),
        field("realm", FactType::Record(vec![field("roles", FactType::String)])),
    ]);
    setting
}

fn errors(text: &str) -> Vec<ConfigError> {
    setting().compile(text).err().unwrap_or_default()
}

fn warnings(setting: &Setting, text: &str) -> Vec<ConfigWarning> {
    match setting.compile(text) {
        Ok((_, warnings)) => warnings,
        Err(errors) => panic!("{text}\n{errors:#?}"),
    }
}

#[portable]
fn asking_a_string_for_elements_proposes_a_set_and_no_pattern() {
    for (condition, fact, help) in [
        ("context.corp.scope.contains(\"orders.read\")", "corp.scope", "`scope: scopes`"),
        ("context.corp.scope.containsAll([\"a\", \"b\"])", "corp.scope", "`scope: scopes`"),
        ("context.corp.scope.containsAny([\"a\"])", "corp.scope", "`scope: scopes`"),
        ("context.corp has scp && context.corp.scp.contains(\"a\")", "corp.scp", "`scp: scopes`"),
        ("context.corp.realm.roles.contains(\"a\")", "corp.realm.roles", "`roles: scopes`"),
        ("context.corp.email.contains(\"@\")", "corp.email", "as `[string]` where it is a list"),
    ] {
        let errors = errors(&permit(condition));
        let [error] = errors.as_slice() else { panic!("{condition}: {errors:#?}") };
        assert_eq!((error.code, error.position.map(|position| position.line)), ("policy-type", Some(3)), "{condition}");
        assert_eq!(error.message, format!("`context.{fact}` is declared as `string`, and a string has no elements"));
        assert!(error.help.contains(help) && !error.help.contains("like"), "{}", error.help);
    }
    for condition in ["context.corp.words.contains(\"a\")", "context.corp.tags.contains(\"a\")"] {
        assert!(errors(&permit(condition)).is_empty(), "{condition}");
    }
    assert!(errors(&permit("context.corp.words has x")).iter().all(|error| error.code == "unknown-attribute"));
}

#[portable]
fn scopes_need_no_has() {
    assert!(errors(&forbid("context.corp.words.contains(\"legacy\")")).is_empty());
}

#[portable]
fn a_pattern_that_takes_a_part_of_a_word_for_a_scope_is_warned_of() {
    for (pattern, also) in [
        ("*orders.read*", "xorders.readx"),
        ("*orders.read", "xorders.read"),
        ("orders.read*", "orders.readx"),
        ("orders.*.read", "orders.x.read"),
        ("* orders.read*", "x orders.readx"),
        ("*", "x"),
    ] {
        for fact in ["scope", "realm.roles"] {
            let found = warnings(&setting(), &permit(&format!("context.corp.{fact} like \"{pattern}\"")));
            let [warning] = found.as_slice() else { panic!("{pattern}: {found:#?}") };
            assert_eq!((warning.code, warning.pointer.as_str()), ("loose-scope-match", "/policies"));
            let name = fact.rsplit('.').next().unwrap();
            for part in [
                "`p` compares",
                &format!("`like \"{pattern}\"`, which also fits `{also}`"),
                &format!("`{name}: scopes`"),
                &format!("`context.corp.{fact}.contains(\"...\")`"),
            ] {
                assert!(warning.message.contains(part), "{part}: {}", warning.message);
            }
        }
    }
    let found = warnings(&setting(), &forbid("context.corp.scope like \"*admin*\""));
    assert_eq!(found[0].code, "no-permit");
    assert_eq!(found[1].code, "loose-scope-match");
}

#[portable]
fn a_pattern_of_whole_words_or_of_another_string_is_not_warned_of() {
    for condition in [
        "context.corp.scope like \"orders.read\"",
        "context.corp.scope like \"orders.read *\"",
        "context.corp.scope like \"* orders.read\"",
        "context.corp.scope like \"* orders.read *\"",
        "context.corp.email like \"*@example.com\"",
        "context.http_request.query like \"*scope*\"",
    ] {
        let found = warnings(&setting(), &permit(condition));
        assert!(found.is_empty(), "{condition}: {found:#?}");
    }
}

/// `corp` and `edr` are for all tenants of their providers.
fn many_tenants() -> Setting {
    let mut setting = setting();
    let template = |name: &str| {
        let claim = ClaimPath(vec!["tid".to_owned()]);
        IssuerTemplate::parse(&format!("https://{name}.example.com/{{tid}}"), claim).map(IssuerId::Template).unwrap()
    };
    setting.issuers[0].profile.issuer = template("corp");
    setting.issuers[0].profile.facts.push(field("tid", FactType::String));
    setting.devices[0].profile.issuer = template("edr");
    setting.devices[0].profile.facts.push(field("tid", FactType::String));
    setting
}

fn open(setting: &Setting, text: &str) -> Vec<String> {
    let open = |warning: ConfigWarning| (warning.code == "any-tenant").then_some(warning.message);
    warnings(setting, text).into_iter().filter_map(open).collect()
}

#[portable]
fn a_permit_for_every_tenant_is_warned_of() {
    let setting = many_tenants();
    let wiki = |principal: &str, when: &str| {
        format!("@id(\"p\") permit ({principal}, action, resource in Application::\"wiki\") {when};")
    };
    for text in [
        wiki("principal is corp::User", ""),
        wiki("principal == corp::User::\"alice\"", ""),
        wiki("principal in corp::Group::\"admins\"", ""),
        wiki("principal", ""),
        wiki("principal is corp::User", "when { context.corp.email == \"a\" }"),
    ] {
        let found = open(&setting, &text);
        let [message] = found.as_slice() else { panic!("{text}: {found:#?}") };
        assert!(message.starts_with("`p` permits by evidence of `corp` from any tenant"), "{message}");
        assert!(message.contains("`[\"...\"].contains(context.corp.tid)`"), "{message}");
    }
    for text in [
        wiki("principal is corp::User", "when { [\"blue\", \"red\"].contains(context.corp.tid) }"),
        wiki("principal is corp::User", "unless { context.corp.tid != \"blue\" }"),
        wiki("principal is partner::User", ""),
        wiki("principal is Anonymous", ""),
        format!("{}{}", permit("true"), forbid("context.corp.tid != \"blue\"")),
    ] {
        assert!(open(&setting, &text).is_empty(), "{text}");
    }
    // Another scope's forbid says nothing of this permit.
    let elsewhere = "@id(\"f\") forbid (principal is corp::User, action, resource == Route::\"shop/order\") when { context.corp.tid != \"blue\" };";
    assert_eq!(open(&setting, &format!("{}{elsewhere}", permit("true"))).len(), 1);
    let get = "@id(\"f\") forbid (principal is corp::User, action == Action::\"GET\", resource) when { context.corp.tid != \"blue\" };";
    assert_eq!(open(&setting, &format!("{}{get}", permit("true"))).len(), 1);
}

#[portable]
fn a_permit_by_devices_of_every_tenant_is_warned_of() {
    let mut setting = many_tenants();
    setting.issuers[0].profile.issuer = IssuerId::Exactly("https://corp.example.com".to_owned());
    let by = |condition: &str| open(&setting, &permit(&format!("context has edr && context.edr.ok{condition}")));
    assert_eq!(by("").len(), 1);
    assert!(by(" && context.edr.tid == \"blue\"").is_empty());
    assert!(open(&setting, &permit("true")).is_empty());
}

#[portable]
fn a_pinned_tenant_is_no_open_one() {
    let mut setting = many_tenants();
    setting.issuers[0].profile.pins = vec![Pin { claim: "tid".to_owned(), values: vec!["blue".into()] }];
    assert!(open(&setting, &permit("true")).is_empty());
    setting.issuers[0].profile.pins = vec![Pin { claim: "azp".to_owned(), values: vec!["web".into()] }];
    assert_eq!(open(&setting, &permit("true")).len(), 1);
    let documents = [document(Some("wiki"), &["wiki"], &permit("true"))];
    let (_, warnings) = setting.compile_all(&documents).unwrap();
    assert_eq!((warnings[0].pointer.as_str(), warnings[0].code), ("/policies/wiki/text", "any-tenant"));
}
