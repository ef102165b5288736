//! Strings that are sets of words, and issuers of many tenants: what load says of policies about them.

use super::fixture::{Setting, document, field, forbid, permit};
use crate::config_error::{ConfigError, ConfigWarning};
use crate::jose::ClaimPath;
use crate::portable;
use crate::profile::{FactField, FactType, IssuerId, IssuerTemplate, Pin};

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
        assert_eq!(
            (error.code.code(), error.position.map(|position| position.line)),
            ("policy-type", Some(3)),
            "{condition}"
        );
        assert_eq!(error.message, format!("`context.{fact}` is declared as `string`, and a string has no elements"));
        assert!(error.help.contains(help) && !error.help.contains("like"), "{}", error.help);
    }
    for condition in ["context.corp.words.contains(\"a\")", "context.corp.tags.contains(\"a\")"] {
        assert!(errors(&permit(condition)).is_empty(), "{condition}");
    }
    assert!(errors(&permit("context.corp.words has x")).iter().all(|error| error.code.code() == "unknown-attribute"));
}

#[portable]
fn where_an_element_denies_no_set_without_the_claim_is_proposed() {
    let unless = permit("true").replace("when { true }", "unless { context.corp.scope.contains(\"suspended\") }");
    for text in [
        unless,
        forbid("context.corp.scope.contains(\"suspended\")"),
        permit("!context.corp.scope.contains(\"suspended\")"),
        permit("(context.corp.scope.contains(\"suspended\")) == false"),
        permit("if context.corp.scope.contains(\"suspended\") then false else true"),
    ] {
        let errors = errors(&text);
        let [error] = errors.as_slice() else { panic!("{text}: {errors:#?}") };
        assert!(
            error.help.starts_with("declare the fact as `scope: [string]` where the claim is a list"),
            "{}",
            error.help
        );
        assert!(error.help.contains("deny where `context.corp.scope.isEmpty()` too"), "{}", error.help);
    }
}

#[portable]
fn scopes_need_no_has_in_a_permit() {
    for condition in [
        "context.corp.words.contains(\"orders.read\")",
        "context.corp.words.containsAll([\"a\", \"b\"])",
        "context.corp.words.containsAny([\"a\"]) || context.now > 5",
        "context.corp.words == [\"a\"]",
        "!context.corp.words.isEmpty()",
    ] {
        assert!(errors(&permit(condition)).is_empty(), "{condition}: {:#?}", errors(&permit(condition)));
    }
}

#[portable]
fn a_token_without_the_claim_must_not_lift_a_rule_about_scopes() {
    let unless = permit("true").replace("when { true }", "unless { context.corp.words.contains(\"legacy\") }");
    for text in [
        unless,
        forbid("context.corp.words.contains(\"legacy\")"),
        forbid("context.corp.words.containsAny([\"legacy\"])"),
        forbid("context.corp.tags.containsAny(context.corp.words)"),
        forbid("context.corp.words.containsAll([\"legacy\"])"),
        forbid("!context.corp.words.isEmpty()"),
        forbid("context.corp.words == [\"legacy\"]"),
        permit("!context.corp.words.contains(\"legacy\")"),
        permit("context.corp.words != [\"legacy\"]"),
        permit("context.corp.words.isEmpty()"),
        permit("context.corp.tags.containsAll(context.corp.words)"),
    ] {
        let errors = errors(&text);
        assert_eq!(
            errors.iter().map(|error| error.code.code()).collect::<Vec<_>>(),
            ["absent-fact-lifts-rule"],
            "{text}"
        );
        assert!(errors[0].help.starts_with("declare `words` in `facts` of `corp` as `[string]`"), "{}", errors[0].help);
        let ignored = text.replace("@id(", "@missing(\"ignore\") @id(");
        assert!(setting().compile(&ignored).is_ok(), "{ignored}");
    }
    let error = errors(&forbid("context.corp.words.contains(\"legacy\")")).remove(0);
    assert_eq!(
        error.message,
        "`context.corp.words` is the empty set if a token of `corp` lacks the claim, and the forbid does not apply: \
         a caller with such a token bypasses this rule"
    );
    let corrected = "context.corp.words.isEmpty() || context.corp.words.contains(\"legacy\")";
    assert!(error.help.contains(&format!("deny where it is empty (`{corrected}`)")), "{}", error.help);
    assert!(errors(&forbid(corrected)).is_empty());
    let error = errors(&permit("context.corp.words.isEmpty()")).remove(0);
    assert!(error.help.contains("allow only where it is not empty"), "{}", error.help);
    for loud in [
        forbid("!context.corp.words.contains(\"mfa\")"),
        forbid("context.corp.words.isEmpty()"),
        forbid("context.corp.tags.containsAll(context.corp.words)"),
        forbid("true").replace("when { true }", "unless { context.corp.words.contains(\"mfa\") }"),
        format!(
            "{}{}",
            forbid("context.corp.words.contains(\"legacy\")"),
            forbid("context.corp.words.isEmpty()").replace("\"f\"", "\"g\"")
        ),
        forbid("context.corp.tags.contains(\"legacy\")"),
    ] {
        assert!(errors(&loud).is_empty(), "{loud}: {:#?}", errors(&loud));
    }
}

#[portable]
fn posture_without_the_claim_must_not_lift_a_rule_about_scopes() {
    let mut setting = setting();
    setting.token(1).profile.facts.push(field("flags", FactType::Scopes));
    let codes = |text: &str| {
        let errors = setting.compile(text).err().unwrap_or_default();
        errors.into_iter().map(|error| error.code.code()).collect::<Vec<_>>()
    };
    let guarded = |read: &str| forbid(&format!("if context has mdm then {read} else true"));
    assert_eq!(codes(&guarded("context.mdm.flags.contains(\"rooted\")")), ["absent-fact-lifts-rule"]);
    let corrected = "(context.mdm.flags.isEmpty() || context.mdm.flags.contains(\"rooted\"))";
    assert_eq!(codes(&guarded(corrected)), [""; 0]);
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
            assert_eq!((warning.code.code(), warning.pointer.as_str()), ("loose-scope-match", "/policies"));
            let name = fact.rsplit('.').next().unwrap();
            for part in [
                "`p` compares",
                &format!("`like \"{pattern}\"`, which also matches `{also}`"),
                &format!("`{name}: scopes`"),
                &format!("`context.corp.{fact}.contains(\"...\")`"),
            ] {
                assert!(warning.message.contains(part), "{part}: {}", warning.message);
            }
        }
    }
    let found = warnings(&setting(), &forbid("context.corp.scope like \"*admin*\""));
    assert_eq!(found[0].code.code(), "no-permit");
    assert_eq!(found[1].code.code(), "loose-scope-match");
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
    setting.token(0).profile.issuer = template("edr");
    setting.token(0).profile.facts.push(field("tid", FactType::String));
    setting
}

fn open(setting: &Setting, text: &str) -> Vec<String> {
    let open = |warning: ConfigWarning| (warning.code.code() == "any-tenant").then_some(warning.message);
    warnings(setting, text).into_iter().filter_map(open).collect()
}

#[portable]
fn a_permit_that_does_not_tell_agents_from_people_is_warned_of() {
    let with = |fact: FactField| setting().with_fact_of("corp", fact);
    let found = |setting: &Setting, text: &str| -> Vec<String> {
        let found = |warning: ConfigWarning| (warning.code.code() == "any-actor").then_some(warning.message);
        warnings(setting, text).into_iter().filter_map(found).collect()
    };
    let wiki = |principal: &str, when: &str| {
        format!("@id(\"p\") permit ({principal}, action, resource in Application::\"wiki\") {when};")
    };
    let optional = || with(field("act?", FactType::actor()));
    for principal in ["principal", "principal is corp::User", "principal in corp::Group::\"admins\""] {
        let messages = found(&optional(), &wiki(principal, ""));
        let [message] = messages.as_slice() else { panic!("{principal}: {messages:#?}") };
        assert!(message.starts_with("`p` permits an agent that acts for a principal of `corp`"), "{message}");
        assert!(message.contains("`!(context.corp has act)`"), "{message}");
    }
    let renamed = FactField { name: "agent".to_owned(), ..field("act?", FactType::actor()) };
    let messages = found(&with(renamed), &wiki("principal is corp::User", ""));
    assert!(messages[0].contains("compare `context.corp.agent.sub` behind `context.corp has agent`"), "{messages:#?}");
    let (any, user) = ("principal", "principal is corp::User");
    for text in [
        wiki(user, "when { !(context.corp has act) }"),
        wiki(user, "unless { context.corp has act }"),
        wiki(user, "when { context.corp has act && context.corp.act.sub == \"a\" }"),
        wiki("principal is partner::User", ""),
        wiki("principal is Anonymous", ""),
        format!(
            "{}\n@id(\"f\") @missing(\"ignore\") forbid (principal is corp::User, action, resource) \
             when {{ context.corp has act && context.corp.act.sub != \"a\" }};",
            wiki(user, "")
        ),
    ] {
        assert!(found(&optional(), &text).is_empty(), "{text}");
    }
    let elsewhere = "@id(\"f\") @missing(\"ignore\") forbid (principal is corp::User, action, resource in \
                     Application::\"shop\") when { context.corp has act };";
    assert_eq!(found(&optional(), &format!("{}\n{elsewhere}", wiki(user, ""))).len(), 1);
    // Every token is an agent's, or none is.
    assert!(found(&with(field("act", FactType::actor())), &wiki(any, "")).is_empty());
    assert!(found(&setting(), &wiki(any, "")).is_empty());
}

#[portable]
fn a_tenant_may_be_a_fact_of_another_name() {
    let mut setting = many_tenants();
    let facts = &mut setting.issuers[0].profile.facts;
    facts.last_mut().expect("the tenant").name = "tenant".to_owned();
    let wiki = |when: &str| {
        format!("@id(\"p\") permit (principal is corp::User, action, resource in Application::\"wiki\") {when};")
    };
    let found = open(&setting, &wiki(""));
    assert!(matches!(&found[..], [message] if message.contains("compare `context.corp.tenant` in it")), "{found:#?}");
    assert!(open(&setting, &wiki("when { context.corp.tenant == \"blue\" }")).is_empty());
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
    assert_eq!((warnings[0].pointer.as_str(), warnings[0].code.code()), ("/policies/wiki/text", "any-tenant"));
}

#[portable]
fn a_forbid_that_posture_of_every_tenant_satisfies_is_warned_of() {
    let mut setting = many_tenants();
    setting.issuers[0].profile.issuer = IssuerId::Exactly("https://corp.example.com".to_owned());
    let with = |condition: &str, more: &str| open(&setting, &format!("{}{}{more}", permit("true"), forbid(condition)));
    let rule = "if context has edr then !context.edr.ok else true";
    let found = with(rule, "");
    let [message] = found.as_slice() else { panic!("{found:#?}") };
    assert!(message.starts_with("posture of `edr` from any tenant can satisfy the forbid `f`"), "{message}");
    let tenant = "if context has edr then !([\"blue\"].contains(context.edr.tid)) else true";
    assert!(with(rule, &forbid(tenant).replace("\"f\"", "\"g\"")).is_empty());
    assert!(with(&format!("({rule}) || ({tenant})"), "").is_empty());
    assert!(with("context.corp.email == \"a\"", "").is_empty());
    let permits = permit("context has edr && context.edr.tid == \"blue\"");
    assert!(open(&setting, &format!("{permits}{}", forbid(rule))).is_empty());
    setting.token(0).profile.pins = vec![Pin { claim: "tid".to_owned(), values: vec!["blue".into()] }];
    assert!(open(&setting, &format!("{}{}", permit("true"), forbid(rule))).is_empty());
}
