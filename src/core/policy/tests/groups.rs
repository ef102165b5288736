//! A token without groups must not lift a rule about groups.

use super::fixture::{Setting, document, field, groups_at, named, request, user};
use crate::config_error::ConfigError;
use crate::jose::ClaimPath;
use crate::portable;
use crate::profile::{FactField, FactType};

const SILENT: &str = "absent-fact-lifts-rule";

/// Both issuers list groups, and a token of `corp` may lack the claim.
fn setting() -> Setting {
    Setting::new().with_groups_of("corp", Some(groups_at(&["groups"], false)))
}

fn errors(setting: &Setting, text: &str) -> Vec<ConfigError> {
    setting.compile(text).err().unwrap_or_default()
}

#[track_caller]
fn taken(setting: &Setting, text: &str) {
    let errors = errors(setting, text);
    assert!(errors.is_empty(), "{text}\n{errors:#?}");
}

/// The one error of a text whose rule about groups is lifted.
#[track_caller]
fn lifted(setting: &Setting, text: &str) -> ConfigError {
    let mut errors = errors(setting, text);
    assert_eq!(errors.iter().map(|error| error.code.code()).collect::<Vec<_>>(), [SILENT], "{text}\n{errors:#?}");
    errors.remove(0)
}

fn forbid(condition: &str) -> String {
    format!("@id(\"f\") forbid (principal is corp::User, action, resource) when {{ {condition} }};")
}

fn permit(condition: &str) -> String {
    format!("@id(\"p\") permit (principal is corp::User, action, resource) when {{ {condition} }};")
}

fn unless(effect: &str, condition: &str) -> String {
    format!("@id(\"p\") {effect} (principal is corp::User, action, resource) unless {{ {condition} }};")
}

const CONTRACTORS: &str = "@id(\"f\")\nforbid (principal in corp::Group::\"contractors\", action, resource);";

#[portable]
fn a_forbid_on_a_group_needs_tokens_that_list_groups() {
    let setting = setting();
    let error = lifted(&setting, CONTRACTORS);
    assert_eq!(error.position.map(|position| (position.line, position.column)), Some((2, 35)));
    assert_eq!(
        error.message,
        "a token of `corp` may lack the claim `groups`: its principal is then in no group, and the forbid does not apply, so a caller with such a token bypasses this rule"
    );
    assert_eq!(
        error.help,
        "write `groups: { claim: groups, required: true }` in `principal` of `corp` to refuse such tokens, or declare the claim in its `facts` (`facts: { groups: [string] }`), or annotate the policy with `@missing(\"ignore\")`"
    );
    taken(&setting, &CONTRACTORS.replace("@id(\"f\")", "@id(\"f\") @missing(\"ignore\")"));
    taken(&Setting::new(), CONTRACTORS);
    lifted(&setting, "@id(\"f\") forbid (principal is corp::User in corp::Group::\"x\", action, resource);");
    taken(&setting, "@id(\"p\") permit (principal in corp::Group::\"x\", action, resource);");
    taken(
        &setting,
        "@id(\"p\") permit (principal in corp::Group::\"x\", action, resource) unless { principal in corp::Group::\"y\" };",
    );
}

#[portable]
fn what_the_help_says_is_taken() {
    let list = || FactType::List(Box::new(FactType::String));
    taken(&setting().with_fact_of("corp", field("groups", list())), CONTRACTORS);
    let optional = setting().with_fact_of("corp", field("groups?", list()));
    let help = lifted(&optional, CONTRACTORS).help;
    assert_eq!(
        help,
        "write `groups` without `?` in `facts` of `corp`, or annotate the policy with `@missing(\"ignore\")`"
    );

    let path = ["realm_access", "roles"];
    let nested = || Setting::new().with_groups_of("corp", Some(groups_at(&path, false)));
    let help = lifted(&nested(), CONTRACTORS).help;
    assert!(help.contains("`groups: { claim: [realm_access, roles], required: true }`"), "{help}");
    assert!(help.contains("`facts: { realm_access: { roles: [string] } }`"), "{help}");
    taken(&Setting::new().with_groups_of("corp", Some(groups_at(&path, true))), CONTRACTORS);
    let record = |outer: &str, inner: &str| field(outer, FactType::Record(vec![field(inner, list())]));
    taken(&nested().with_fact_of("corp", record("realm_access", "roles")), CONTRACTORS);
    let help = lifted(&nested().with_fact_of("corp", record("realm_access?", "roles")), CONTRACTORS).help;
    assert!(help.starts_with("write `realm_access` without `?` in `facts` of `corp`"), "{help}");
    let help = lifted(&nested().with_fact_of("corp", record("realm_access", "roles?")), CONTRACTORS).help;
    assert!(help.starts_with("write `roles` without `?` in `facts` of `corp`"), "{help}");
    lifted(&nested().with_fact_of("corp", record("realm_access", "others")), CONTRACTORS);

    let odd = Setting::new().with_groups_of("corp", Some(groups_at(&["https://corp.example/groups"], false)));
    let help = lifted(&odd, CONTRACTORS).help;
    assert!(help.contains("`groups: { claim: \"https://corp.example/groups\", required: true }`"), "{help}");
    let mut single = groups_at(&["groups"], false);
    single.single = true;
    let help = lifted(&Setting::new().with_groups_of("corp", Some(single)), CONTRACTORS).help;
    assert!(
        help.contains("`groups: { claim: groups, required: true, single: true }`") && !help.contains("facts"),
        "{help}"
    );
}

#[portable]
fn a_group_in_a_condition_counts_by_what_it_decides() {
    let setting = setting();
    let group = "principal in corp::Group::\"x\"";
    for silent in [
        forbid(group),
        forbid("principal is corp::User in corp::Group::\"x\""),
        forbid("principal in [corp::Group::\"x\", corp::Group::\"y\"]"),
        forbid(&format!("context.now > 5 && {group}")),
        forbid(&format!("context.now > 5 || {group}")),
        forbid(&format!("if {group} then true else context.now > 5")),
        forbid(&format!("if context.now > 5 then {group} else false")),
        forbid(&format!("!(!({group}))")),
        forbid(&format!("({group}) == true")),
        forbid(&format!("[{group}].contains(true)")),
        unless("permit", group),
        unless("permit", &format!("context.now > 5 && {group}")),
        permit(&format!("!({group})")),
        permit(&format!("context.now > 5 && !({group})")),
        permit(&format!("context.now > 5 || !({group})")),
        permit(&format!("if {group} then context.now > 5 else true")),
        unless("forbid", &format!("!({group})")),
    ] {
        lifted(&setting, &silent);
        taken(&Setting::new(), &silent);
    }
    for loud in [
        permit(group),
        permit(&format!("context.now > 5 || {group}")),
        permit(&format!("if {group} then context.now > 5 else false")),
        unless("forbid", group),
        forbid(&format!("!({group})")),
        forbid(&format!("context.now > 5 && !({group})")),
        forbid(&format!("if {group} then context.now > 5 else true")),
        unless("permit", &format!("!({group})")),
        permit("principal in corp::Group::\"x\" && !(principal in corp::Group::\"y\")"),
    ] {
        taken(&setting, &loud);
    }
}

#[portable]
fn who_can_be_in_the_group_is_what_matters() {
    let partner_lacks = || Setting::new().with_groups_of("partner", Some(groups_at(&["groups"], false)));
    taken(&partner_lacks(), CONTRACTORS);
    let below = |child: &str| partner_lacks().with_group(child, "corp::Group::\"contractors\"");
    let guests = below("partner::Group::\"guests\"");
    let error = lifted(&guests, CONTRACTORS);
    assert!(error.message.starts_with("a token of `partner` may lack the claim `groups`"), "{}", error.message);
    // By two steps.
    let indirect = partner_lacks()
        .with_group("corp::Group::\"staff\"", "corp::Group::\"contractors\"")
        .with_group("partner::Group::\"guests\"", "corp::Group::\"staff\"");
    lifted(&indirect, CONTRACTORS);
    // Below another group, or where the principals of `partner` are not spoken of.
    taken(&partner_lacks().with_group("partner::Group::\"guests\"", "corp::Group::\"staff\""), CONTRACTORS);
    taken(&guests, "@id(\"f\") forbid (principal is corp::User in corp::Group::\"contractors\", action, resource);");
    taken(
        &guests,
        "@id(\"f\") forbid (principal in corp::Group::\"contractors\", action, resource == Route::\"shop/order\");",
    );
    let typed = "@id(\"f\") forbid (principal, action, resource)
        when { principal is corp::User && principal in corp::Group::\"contractors\" };";
    taken(&guests, typed);
    lifted(&guests, &typed.replace("is corp::User &&", "is partner::User &&"));
    let branches = "@id(\"f\") forbid (principal, action, resource)
        when { if principal is corp::User then principal in corp::Group::\"contractors\" else context.now > 5 };";
    taken(&guests, branches);
    lifted(&guests, &branches.replace("is corp::User", "is partner::User"));
    // Each issuer whose tokens may lack groups is named, each once.
    let both = below("partner::Group::\"guests\"").with_groups_of("corp", Some(groups_at(&["roles"], false)));
    let twice = format!("{} ", CONTRACTORS.replace(';', " when { principal in corp::Group::\"staff\" };"));
    for text in [CONTRACTORS, twice.as_str()] {
        let errors = errors(&both, text);
        let issuers: Vec<&str> = errors.iter().filter_map(|error| error.message.split('`').nth(1)).collect();
        assert_eq!(issuers, ["corp", "partner"], "{errors:#?}");
    }
}

#[portable]
fn the_absence_of_groups_can_be_denied_where_the_claim_is_a_fact() {
    let list = FactType::List(Box::new(FactType::String));
    let optional = setting().with_fact_of("corp", field("groups?", list));
    let all = "@id(\"all\") forbid (principal is corp::User, action, resource) unless { context.corp has groups };";
    taken(&optional, &format!("{CONTRACTORS}\n{all}"));
    let elsewhere = all.replace("resource)", "resource in Application::\"shop\")");
    lifted(&optional, &format!("{CONTRACTORS}\n{elsewhere}"));
    // Another forbid on a group is as silent as this one.
    let other = CONTRACTORS.replace("\"f\"", "\"g\"");
    assert_eq!(errors(&setting(), &format!("{CONTRACTORS}\n{other}")).len(), 2);
    let guarded = forbid("context.corp has groups && principal in corp::Group::\"x\"");
    let help = lifted(&optional, &guarded).help;
    let corrected = "if context.corp has groups then principal in corp::Group::\"x\" else true";
    assert!(help.contains(&format!("or deny where it is absent (`{corrected}`)")), "{help}");
    taken(&optional, &forbid(corrected));
}

#[portable]
fn groups_that_nobody_can_be_in_are_refused() {
    let without = || Setting::new().with_groups_of("partner", None);
    for text in [
        "@id(\"f\") forbid (principal in partner::Group::\"x\", action, resource);",
        "@id(\"p\") permit (principal, action, resource) unless { principal in partner::Group::\"x\" };",
        "@id(\"p\") permit (principal, action, resource) when { context.now > 5 || principal in partner::Group::\"x\" };",
        "@id(\"f\") forbid (principal, action, resource) when { principal in [corp::Group::\"y\", partner::Group::\"x\"] };",
    ] {
        let errors = errors(&without(), text);
        assert_eq!(errors.first().map(|error| error.code.code()), Some("impossible-membership"), "{text}\n{errors:#?}");
        let error = &errors[0];
        assert_eq!(
            error.message,
            "nobody can be in `partner::Group::\"x\"`: `principal` of `partner` has no `groups`, and no group of `entities` is in it"
        );
        assert!(error.help.contains("`groups: groups`, in `principal` of `partner`"), "{}", error.help);
    }
    // A group of `entities` brings members.
    let below = without().with_group("corp::Group::\"y\"", "partner::Group::\"x\"");
    let forbid = "@id(\"f\") forbid (principal in partner::Group::\"x\", action, resource);";
    taken(&below, &format!("@id(\"all\") permit (principal, action, resource);\n{forbid}"));
    let policies = below.policies(&format!("@id(\"all\") permit (principal, action, resource);\n{forbid}"));
    let page = request("GET", "wiki.example.com", "/a");
    assert_eq!(named(&below.decide(&policies, &user("corp", "a", &["y"]), &page)), ("forbidden", vec!["f"]));
    assert_eq!(named(&below.decide(&policies, &user("partner", "a", &[]), &page)), ("allow", vec!["all"]));
}

#[portable]
fn a_group_of_entities_that_nobody_can_be_in_is_refused() {
    let without = || Setting::new().with_groups_of("partner", None);
    let errors = errors(&without().with_group("partner::Group::\"x\"", "corp::Group::\"y\""), "");
    let error = errors.first().expect("an error");
    assert_eq!(
        (error.code.code(), error.pointer.as_str()),
        ("unknown-group", "/entities/groups/partner::Group::\"x\"")
    );
    assert!(error.message.contains("`principal` of `partner` has no `groups`"), "{}", error.message);
    let filled = without()
        .with_group("partner::Group::\"x\"", "corp::Group::\"y\"")
        .with_group("corp::Group::\"z\"", "partner::Group::\"x\"");
    taken(&filled, "");
}

#[portable]
fn a_group_that_nobody_in_the_scope_can_be_in_is_refused() {
    let text = |condition: &str| {
        format!(
            "@id(\"f\") forbid (principal is partner::User, action, resource) when {{ {condition} || context.now > 5 }};"
        )
    };
    let setting = Setting::new();
    for condition in ["principal in corp::Group::\"x\"", "principal is partner::User in corp::Group::\"x\""] {
        let found = errors(&setting, &text(condition));
        assert_eq!(
            found.iter().map(|error| error.code.code()).collect::<Vec<_>>(),
            ["impossible-membership"],
            "{condition}"
        );
        assert!(found[0].message.contains("its members are of type `corp::User`"), "{}", found[0].message);
    }
    let scope = "@id(\"f\") forbid (principal is partner::User in corp::Group::\"x\", action, resource);";
    assert_eq!(errors(&setting, scope).first().map(|error| error.code.code()), Some("impossible-membership"));
    let below = setting.with_group("partner::Group::\"g\"", "corp::Group::\"x\"");
    taken(&below, &text("principal in corp::Group::\"x\""));
    taken(&below, scope);
    taken(&below, &document(None, &["wiki"], scope).text);
}

#[portable]
fn a_groups_claim_declared_as_scopes_may_be_absent_all_the_same() {
    let scopes = || setting().with_fact_of("corp", field("groups", FactType::Scopes));
    let help = lifted(&scopes(), CONTRACTORS).help;
    assert!(help.contains("`groups: { claim: groups, required: true }`"), "{help}");
    assert!(help.contains("write `groups: [string]` in place of `groups: scopes` in its `facts`"), "{help}");
    assert!(!help.contains("facts: {"), "{help}");
    let condition = "principal in corp::Group::\"x\"";
    let help = lifted(&scopes(), &forbid(condition)).help;
    let corrected = format!("context.corp.groups.isEmpty() || {condition}");
    assert!(help.contains(&format!("deny where it is empty (`{corrected}`)")), "{help}");
    taken(&scopes(), &forbid(&corrected));
    taken(&scopes(), &permit(condition));
    // The same claim asked as a fact, and both with the claim required.
    let element = forbid("context.corp.groups.contains(\"contractors\")");
    lifted(&scopes(), &element);
    let required = scopes().with_groups_of("corp", Some(groups_at(&["groups"], true)));
    taken(&required, &format!("{CONTRACTORS}\n{}", element.replace("\"f\"", "\"g\"")));
    let path = ["realm_access", "roles"];
    let nested = FactType::Record(vec![field("roles", FactType::Scopes)]);
    let nested = Setting::new()
        .with_groups_of("corp", Some(groups_at(&path, false)))
        .with_fact_of("corp", field("realm_access", nested));
    let help = lifted(&nested, CONTRACTORS).help;
    assert!(help.contains("write `roles: [string]` in place of `roles: scopes` in its `facts`"), "{help}");
}

#[portable]
fn a_groups_claim_may_be_a_fact_of_another_name() {
    let path = ["realm", "roles"];
    let claim = ClaimPath(path.iter().map(|&name| name.to_owned()).collect());
    let list = || FactType::List(Box::new(FactType::String));
    let with = |written: &str| {
        let fact = FactField { claim: claim.clone(), ..field(written, list()) };
        Setting::new().with_groups_of("corp", Some(groups_at(&path, false))).with_fact_of("corp", fact)
    };
    taken(&with("teams"), CONTRACTORS);
    let help = lifted(&with("teams?"), CONTRACTORS).help;
    assert!(help.starts_with("write `teams` without `?` in `facts` of `corp`"), "{help}");
    let correction = "!(context.corp has teams) || principal in corp::Group::\"x\"";
    taken(&with("teams?"), &forbid(correction));
}

#[portable]
fn a_claim_with_a_name_that_yaml_takes_for_something_else_is_quoted() {
    for name in ["true", "Null", "no", "ON"] {
        let help = lifted(&Setting::new().with_groups_of("corp", Some(groups_at(&[name], false))), CONTRACTORS).help;
        assert!(help.contains(&format!("claim: \"{name}\", required")), "{help}");
        assert!(help.contains(&format!("facts: {{ \"{name}\": [string] }}")), "{help}");
    }
}
