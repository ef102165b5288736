//! `issuer` of a profile: an exact text, a template with one hole, or none at all.

use serde_json::Value;

use super::claim::{CLAIM_PATH, claim_path};
use super::names::quoted;
use super::reader::{Field, Node, Presence, Read, Shape};
use crate::config_error::ConfigCode;
use crate::limits::MAX_TENANT_BYTES;
use crate::profile::{FactField, FactType, IssuerId, IssuerTemplate, Pin};

/// `issuer`
pub(super) const ISSUER: Field = Field {
    name: "issuer",
    presence: Presence::Required,
    shape: Shape::Either(&[Shape::Text("string"), Shape::Literal("absent"), Shape::Object(&[&TEMPLATE_MEMBERS])]),
    write: "the exact `iss` of its tokens, `{ template: \"https://login.example.com/{tenant}\", claim: tid }` where it varies by one \
            claim, or `absent` where they have none",
    about: "`iss`, compared byte by byte; `absent`: tokens must not carry it; an object: \
            [one issuer for many tenants](tokens.md#one-issuer-for-many-tenants)",
};

static TEMPLATE_MEMBERS: [Field; 2] = [
    Field {
        name: "template",
        presence: Presence::Required,
        shape: Shape::Text("https URL"),
        write: "an https:// URL with one segment of its path in braces, such as `https://login.example.com/{tenant}`",
        about: "`iss` with the tenant's segment in braces, such as `https://login.example.com/{tenant}`",
    },
    Field {
        name: "claim",
        presence: Presence::Required,
        shape: CLAIM_PATH,
        write: "the claim whose value stands there, such as `tid`, or a list of names from the claim set inwards",
        about: "the claim that must have the value of that segment",
    },
];

/// Reads it.
pub(super) fn read(node: &Node<'_>) -> Read<IssuerId> {
    match node.value() {
        Value::Object(_) => read_template(node).map(IssuerId::Template),
        Value::String(_) => node.some_text().map(|text| match text {
            "absent" => IssuerId::Absent,
            exactly => IssuerId::Exactly(exactly.to_owned()),
        }),
        _ => node.wrong_type("a string, or an object with `template` and `claim`"),
    }
}

fn read_template(node: &Node<'_>) -> Read<IssuerTemplate> {
    let [template, claim] = node.members(&TEMPLATE_MEMBERS)?;
    let claim = claim.required(claim_path);
    template.required(|node| {
        let text = node.some_text()?;
        IssuerTemplate::parse(text, claim?).or_else(|fault| {
            node.error(ConfigCode::BadValue, format!("{} is rejected: {fault}", quoted(text)), node.write_wanted())
        })
    })
}

/// Reports an error if nothing can say which tenants are accepted: the claim must be pinned to tenants, or be a fact that
/// every token has, so that policies can.
pub(super) fn bound(node: &Node<'_>, template: &IssuerTemplate, pins: &[Pin], facts: &[FactField]) -> Read<()> {
    let pin = pins.iter().find(|pin| template.claim.0 == [pin.claim.as_str()]);
    let is_tenant = |value: &Value| value.as_str().is_some_and(IssuerTemplate::is_tenant);
    match pin {
        Some(pin) if pin.values.iter().all(is_tenant) => Ok(()),
        Some(pin) => Err(node.report_inside(
            "/pins",
            ConfigCode::Contradiction,
            format!("the pin of `{}` has a value that cannot stand in `issuer.template`", pin.claim),
            format!("write tenants: 1 to {MAX_TENANT_BYTES} letters, digits, `.`, `_`, `~` or `-`"),
        )),
        None if is_certain(&template.claim.0, facts) => Ok(()),
        None => Err(node.report_inside(
            "/issuer/claim",
            ConfigCode::OpenTenant,
            format!(
                "anybody with a tenant at the provider can get such tokens, and nothing limits which tenants are accepted: \
                 `{}` is neither pinned nor a fact that every token has",
                template.claim
            ),
            format!(
                "add {} as a `string` to `facts`, without `?`, and compare it in the policies; or list the tenants in `pins`",
                quoted(&template.claim.to_string())
            ),
        )),
    }
}

/// Whether the path leads to a string that every accepted token has.
fn is_certain(path: &[String], facts: &[FactField]) -> bool {
    FactField::leading_to(facts, path).is_some_and(|way| {
        way.iter().all(|fact| fact.required) && way.last().is_some_and(|fact| fact.fact_type == FactType::String)
    })
}
