//! Prepared policies as operators and faults of storage hand them over.

use hmac_sha256::Hash;

use super::fixture::{Setting, document, field, forbid, groups_at, named, permit, request, user};
use crate::config_error::ConfigCode;
use crate::jose::{ClaimPath, base64url};
use crate::limits::{MAX_POLICIES, MAX_POLICY_EXPRESSION_DEPTH};
use crate::policy::PolicySet;
use crate::portable;
use crate::profile::{FactType, PostureBinding};
use crate::request::{Action, Method, PathTemplate, RequestMethod};
use crate::route::{AttributeType, AttributeValue, HostPattern};
use crate::time::Seconds;

/// Constants of all types, facts of all kinds, and each form of a scope.
const POLICIES: &str = r#"
    @id("a") @advice("Ask.") @missing("ignore") permit (principal in corp::Group::"g", action in [Action::"read", Action::"PUT"], resource in Application::"shop")
    when { context.mdm.managed && context.mdm.score >= 60 && context.http_request.path like "/api/*" }
    unless { context.corp has department && context.corp.department == "x" };
    @id("b") permit (principal == corp::User::"u", action == Action::"GET", resource == Route::"shop/order")
    when { ["a", "b"].contains(context.http_request.path_parameters.id) || ip("10.0.0.0/8") == ip("::1/128") };
    @id("c") @missing("ignore") permit (principal is partner::User, action, resource is Route)
    when { if context has mdm.os_patch then [1, -2, 3].contains(context.mdm.os_patch) else context.now > 5 };
    @id("d") permit (principal is Anonymous, action, resource == Route::"shop/health")
    when { context.http_request has user_agent && context.http_request.user_agent != "" };
    @id("e") forbid (principal, action, resource)
    when { datetime("2024-01-01").offset(duration("1d")) > datetime("2025-01-01").offset(duration("1h")) ||
           [decimal("1.5"), decimal("-0.0001")].contains(decimal("1.0")) || context.now == 7 };
    @id("g") @step_up("acr_values=mfa") @alarm("loud") permit (principal is corp::User, action, resource)
    when { context.corp has acr && context.corp.acr == "mfa" && resource.owner == "docs" && resource.tags.contains("eu") };
    @id("f") permit (principal is corp::User in corp::Group::"h", action, resource)
    when { principal in [corp::Group::"g", corp::Group::"k"] && context has peer && resource == Route::"wiki/page" };
"#;

fn setting() -> Setting {
    Setting::new().with_group("corp::Group::\"g\"", "corp::Group::\"k\"").with_attributes()
}

fn prepared(setting: &Setting, text: &str) -> String {
    setting.policies(text).prepare(setting.vocabulary())
}

/// The bytes of the policies.
fn payload(prepared: &str) -> Vec<u8> {
    base64url::decode(prepared.rsplit('.').next().expect("a part").as_bytes()).expect("base64url")
}

/// The string with other policies, and their digest.
fn with_payload(prepared: &str, payload: &[u8]) -> String {
    let mut parts: Vec<&str> = prepared.split('.').collect();
    let (digest, policies) = (base64url::encode(&Hash::hash(payload)), base64url::encode(payload));
    parts[2] = &digest;
    parts[3] = &policies;
    parts.join(".")
}

/// The code of the error of a string.
#[track_caller]
fn code(setting: &Setting, text: &str) -> &'static str {
    setting.load(text).expect_err("it is rejected").code.code()
}

/// If this fails, the form of prepared policies has changed: give `FORMAT` the next number, then write the new digest here.
#[portable]
fn the_bytes_of_a_format_never_change() {
    let text = prepared(&setting(), POLICIES);
    let parts: Vec<&str> = text.split('.').collect();
    assert_eq!(
        (parts[0], parts[1], parts[2]),
        ("3", "j7DmVXCfcDhydkTES5IFJkGXHEQoUirc4_GegHNIygM", "WsmFUD9bS1bE14Rvz1z3gdgpuysBmJbaPnydTlh_V2w")
    );
}

#[portable]
fn loaded_policies_prepare_to_the_same_string() {
    let setting = setting();
    let text = prepared(&setting, POLICIES);
    assert_eq!(setting.load(&text).expect("prepared policies").prepare(setting.vocabulary()), text);
    assert_eq!(prepared(&setting, POLICIES), text);
    let none = prepared(&setting, "");
    let loaded = setting.load(&none).expect("no policies");
    let decision = setting.decide(&loaded, &user("corp", "u", &["g"]), &request("GET", "wiki.example.com", "/a"));
    assert_eq!(named(&decision), ("not permitted", Vec::new()));
}

#[portable]
fn policies_of_several_documents_stay_in_their_applications() {
    let setting = Setting::new();
    let text = r#"@id("p") permit (principal is corp::User, action, resource);"#;
    let documents = [document(Some("one"), &["wiki"], text), document(Some("two"), &["shop"], "")];
    let (policies, _) = setting.compile_all(&documents).expect("valid");
    let loaded = setting.load(&policies.prepare(setting.vocabulary())).expect("prepared policies");
    let answer = |host: &str, path: &str| {
        let decision = setting.decide(&loaded, &user("corp", "u", &[]), &request("GET", host, path));
        named(&decision).0
    };
    assert_eq!(answer("wiki.example.com", "/a"), "allow");
    assert_eq!(answer("shop.example.com", "/api/orders/7"), "not permitted");
}

#[portable]
fn another_format_is_not_read() {
    let (setting, text) = (setting(), prepared(&setting(), POLICIES));
    let other = text.replacen("3.", "2.", 1);
    let error = setting.load(&other).expect_err("another format");
    assert_eq!(error.code, ConfigCode::PreparedFormat);
    assert!(error.help.contains("countersign prepare"), "{error}");
    assert_eq!(code(&setting, "1.whatever it is"), "prepared-format");
}

#[portable]
fn what_is_not_prepared_is_not_read() {
    let (setting, text) = (setting(), prepared(&setting(), POLICIES));
    for other in [
        "",
        "3",
        "3.",
        ".",
        "x",
        "3...",
        "3....",
        "permit (principal, action, resource);",
        &format!("{text}."),
        &format!(" {text}"),
    ] {
        assert_eq!(code(&setting, other), "prepared-damaged", "{other}");
    }
}

#[portable]
fn what_was_cut_or_changed_anywhere_is_not_read() {
    let (setting, text) = (setting(), prepared(&setting(), POLICIES));
    for cut in 0..text.len() {
        let cut = text.get(..cut).expect("ASCII");
        assert!(setting.load(cut).is_err(), "{cut}");
    }
    for place in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).expect("ASCII");
        assert!(setting.load(&changed).is_err(), "{place}");
    }
}

/// What is changed with its digest is read or rejected, and never read as something that cannot be written.
#[portable]
fn bytes_with_their_digest_are_read_or_rejected() {
    let (setting, text) = (setting(), prepared(&setting(), POLICIES));
    let whole = payload(&text);
    let identity = user("corp", "u", &["g"]);
    let mut read = 0;
    for cut in 0..whole.len() {
        assert_eq!(code(&setting, &with_payload(&text, &whole[..cut])), "prepared-damaged", "{cut}");
    }
    assert_eq!(code(&setting, &with_payload(&text, &[whole.as_slice(), &[0]].concat())), "prepared-damaged");
    for place in 0..whole.len() {
        for byte in [0, 0x7f, 0xff, whole[place] ^ 1, whole[place].wrapping_add(1)] {
            let mut changed = whole.clone();
            changed[place] = byte;
            if let Ok(policies) = setting.load(&with_payload(&text, &changed)) {
                read += 1;
                let again = policies.prepare(setting.vocabulary());
                assert_eq!(setting.load(&again).expect("what was written").prepare(setting.vocabulary()), again);
                setting.decide(&policies, &identity, &request("GET", "shop.example.com", "/api/orders/7"));
            }
        }
    }
    assert!(read > 50, "{read}");
}

/// So many policies that no request meets, as bytes.
fn empty_policies(count: usize) -> Vec<u8> {
    // No types and no facts, one document without applications that need not permit, no groups, one list of policies:
    // of the document, for any resource, no actions, no kinds, no devices.
    let head = [0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0];
    let count_in_bytes = [count & 0x7f | 0x80, count >> 7];
    let count_in_bytes = count_in_bytes.map(|byte| u8::try_from(byte).expect("a byte"));
    // A permit without a name, advice, remedies, alarm or conditions, not rehearsed, for any principal, action and resource.
    [head.as_slice(), &count_in_bytes, &[0; 10].repeat(count)].concat()
}

#[portable]
fn policies_are_accepted_up_to_the_cap() {
    let (setting, text) = (setting(), prepared(&setting(), ""));
    let load = |count| setting.load(&with_payload(&text, &empty_policies(count)));
    assert!(load(MAX_POLICIES).is_ok());
    let error = load(MAX_POLICIES + 1).expect_err("one too many");
    assert_eq!(error.code, ConfigCode::PreparedDamaged);
    assert!(error.message.ends_with("there are more policies than are accepted"), "{error}");
}

/// The deepest text that load accepts, prepared.
#[portable]
fn text_at_its_cap_of_depth_can_be_prepared() {
    let setting = Setting::new();
    let forms: &[fn(usize) -> String] = &[
        |depth| permit(&format!("{} > 1", vec!["context.now"; depth].join(" + "))),
        |depth| forbid(&format!("{} > 1", vec!["context.now"; depth].join(" + "))).replace("when", "unless"),
        |depth| {
            let condition = "context.now > 1 || ".repeat(depth);
            forbid(&format!("{condition} principal is corp::User in corp::Group::\"g\"")).replace("when", "unless")
        },
    ];
    for form in forms {
        let accepted = (1..=MAX_POLICY_EXPRESSION_DEPTH).rev().map(form).find(|text| setting.compile(text).is_ok());
        let text = accepted.expect("a text that is accepted");
        assert!(text.matches("context.now").count() > 40, "{text}");
        if let Err(error) = setting.load(&prepared(&setting, &text)) {
            panic!("{text}\n{error}");
        }
    }
}

/// A change of a configuration.
type Change = fn(&mut Setting);

#[portable]
fn each_change_of_what_validation_reads_needs_new_preparation() {
    let changes: &[(&str, Change)] = &[
        ("a fact's type", |setting| setting.issuers[0].profile.facts[0].fact_type = FactType::Long),
        ("a fact's name", |setting| setting.issuers[0].profile.facts[0].name.push('x')),
        ("the claim of a fact", |setting| setting.issuers[0].profile.facts[0].claim = ClaimPath::of("other")),
        ("a required fact", |setting| setting.issuers[0].profile.facts[0].required = false),
        ("a member of a record", |setting| {
            let FactType::Record(fields) = &mut setting.issuers[0].profile.facts[5].fact_type else {
                panic!("a record")
            };
            fields[0].required = true;
        }),
        ("the elements of a list", |setting| {
            setting.issuers[0].profile.facts[3].fact_type = FactType::List(Box::new(FactType::Ip));
        }),
        ("one more fact", |setting| setting.issuers[1].profile.facts.push(field("more", FactType::Bool))),
        ("a device's fact", |setting| setting.token(1).profile.facts[1].fact_type = FactType::String),
        ("a device's binding", |setting| setting.devices[1].bind = PostureBinding::None),
        ("one device fewer", |setting| drop(setting.devices.remove(0))),
        ("an entity type", |setting| setting.issuers[0].principal.entity_type = "Person".into()),
        ("no groups", |setting| setting.issuers[1].principal.groups = None),
        ("optional groups", |setting| setting.issuers[0].principal.groups = Some(groups_at(&["groups"], false))),
        ("the claim of groups", |setting| setting.issuers[0].principal.groups = Some(groups_at(&["roles"], true))),
        ("an application", |setting| setting.router.applications[0].name = "store".to_owned()),
        ("a host", |setting| {
            setting.router.applications[0].hosts = Some(vec![HostPattern::Exactly("a.example.com".to_owned())]);
        }),
        ("any host", |setting| setting.router.applications[0].hosts = None),
        ("what an application requires", |setting| setting.router.applications[0].requires.devices.clear()),
        ("a route's name", |setting| setting.router.applications[0].routes[0].name.push('s')),
        ("a path", |setting| {
            setting.router.applications[0].routes[0].path = PathTemplate::parse("/api/{order}").expect("a path");
        }),
        ("a method", |setting| {
            setting.router.applications[0].routes[0].methods.push(RequestMethod::Common(Method::Delete));
        }),
        ("an action", |setting| setting.router.applications[0].routes[0].action = Some(Action::Write)),
        ("an issuer that a route requires", |setting| setting.router.applications[0].routes[0].requires.issuer = None),
        ("a device that a route requires", |setting| setting.router.applications[0].routes[0].requires.devices.clear()),
        ("one route fewer", |setting| drop(setting.router.applications[0].routes.pop())),
        ("an attribute", |setting| drop(setting.router.attributes.pop())),
        ("an attribute's type", |setting| setting.router.attributes[0].of = AttributeType::Bool),
        ("the values of an attribute", |setting| setting.router.attributes[4].values = None),
        ("a group in another", |setting| {
            setting.groups.parents.insert("corp::Group::\"h\"".to_owned(), vec!["corp::Group::\"k\"".to_owned()]);
        }),
        ("no group in another", |setting| setting.groups.parents.clear()),
    ];
    let text = prepared(&setting(), "");
    for (what, change) in changes {
        let mut changed = setting();
        change(&mut changed);
        assert_eq!(code(&changed, &text), "prepared-context", "{what}");
    }
}

#[portable]
fn changes_of_what_validation_does_not_read_need_none() {
    let changes: &[(&str, Change)] = &[
        ("a clock skew", |setting| setting.issuers[0].profile.clock_skew = Seconds::new(5)),
        ("an age", |setting| setting.token(0).profile.max_age = Some(Seconds::new(60))),
        ("a forbidden claim", |setting| setting.issuers[0].profile.forbid_claims.push("nonce".to_owned())),
        ("the values of a route", |setting| setting.router.applications[1].routes[0].attributes.clear()),
        ("a default", |setting| setting.router.attributes[0].default = Some(AttributeValue::Long(7))),
        ("a header", |setting| setting.token(0).header = "x-other".to_owned()),
        ("text in place of a number", |setting| {
            setting.token(1).profile.facts[1].fact_type = FactType::LongOrText;
        }),
    ];
    let text = prepared(&setting(), POLICIES);
    for (what, change) in changes {
        let mut changed = setting();
        change(&mut changed);
        assert!(changed.load(&text).is_ok(), "{what}");
    }
}

#[portable]
fn prepared_policies_have_no_oracle() {
    let setting = setting();
    let policies: PolicySet = setting.load(&prepared(&setting, POLICIES)).expect("prepared policies");
    let asked = request("GET", "shop.example.com", "/healthz");
    let route = setting.router.find(&asked).expect("a route");
    let decision = policies.decide_by_oracle(&user("corp", "u", &[]), &asked, &route, super::fixture::NOW);
    assert_eq!(named(&decision), ("failed", Vec::new()));
}
