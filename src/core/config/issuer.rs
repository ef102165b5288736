//! `issuer` of a profile: an exact text, a template with one hole, or none at all.

use serde_json::Value;

use super::claim::claim_path;
use super::document::{Known, Node};
use super::names::quoted;
use crate::config_error::ConfigCode;
use crate::limits::MAX_TENANT_BYTES;
use crate::profile::{FactField, FactType, IssuerId, IssuerTemplate, Pin};

const TEMPLATE: Known = (
    "template",
    "an https:// URL with one segment of its path in braces, such as `https://login.example.com/{tenant}`",
);
const CLAIM: Known =
    ("claim", "the claim whose value stands there, such as `tid`, or a list of names from the claim set inwards");

/// Reads it.
pub(super) fn read(node: &Node<'_>) -> Option<IssuerId> {
    match node.value() {
        Value::Object(_) => read_template(node).map(IssuerId::Template),
        Value::String(_) => node.some_text().map(|text| match text {
            "absent" => IssuerId::Absent,
            exactly => IssuerId::Exactly(exactly.to_owned()),
        }),
        _ => node.wrong_type("a string, or an object with `template` and `claim`"),
    }
}

fn read_template(node: &Node<'_>) -> Option<IssuerTemplate> {
    let [template, claim] = node.members([TEMPLATE, CLAIM])?;
    let claim = claim.required(claim_path);
    template.required(|node| {
        let text = node.some_text()?;
        match IssuerTemplate::parse(text, claim?) {
            Ok(template) => Some(template),
            Err(fault) => {
                node.error(ConfigCode::BadValue, format!("{} is not taken: {fault}", quoted(text)), node.write_wanted())
            }
        }
    })
}

/// Notes an error where nothing can say which tenants may come: the claim must be pinned to tenants, or be a fact that every
/// token has, so that policies can.
pub(super) fn bound(node: &Node<'_>, template: &IssuerTemplate, pins: &[Pin], facts: &[FactField]) {
    let pin = pins.iter().find(|pin| template.claim.0 == [pin.claim.as_str()]);
    let is_tenant = |value: &Value| value.as_str().is_some_and(IssuerTemplate::is_tenant);
    match pin {
        Some(pin) if pin.values.iter().all(is_tenant) => {}
        Some(pin) => {
            node.error_inside::<()>(
                "/pins",
                ConfigCode::Contradiction,
                format!("the pin of `{}` has a value that cannot stand in `issuer.template`", pin.claim),
                format!("write tenants: 1 to {MAX_TENANT_BYTES} letters, digits, `.`, `_`, `~` or `-`"),
            );
        }
        None if is_certain(&template.claim.0, facts) => {}
        None => {
            node.error_inside::<()>(
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
            );
        }
    }
}

/// Whether the path leads to a text that is there in every token that is taken.
fn is_certain(path: &[String], facts: &[FactField]) -> bool {
    let Some((name, rest)) = path.split_first() else { return false };
    facts.iter().any(|fact| {
        fact.name == *name
            && fact.required
            && match &fact.fact_type {
                FactType::Record(inner) => is_certain(rest, inner),
                FactType::String => rest.is_empty(),
                _ => false,
            }
    })
}
