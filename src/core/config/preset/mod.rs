//! `preset` of an issuer: members that are the same at everyone who uses one kind of token, given by the name of the kind.
//!
//! A preset is a value: a row for each member that it says something about. A member that it gives counts as if it were
//! written, and the reader of the member checks it. What a preset gives can only be made stricter, so a token that is not of its
//! kind is never accepted. To add one, add its file and name it in [`PRESETS`].

mod model;
mod spiffe_jwt_svid;

use serde_json::Value;

use super::names::{quoted, quoted_list};
use super::reader::{Field, Node, Presence, Read, Reported, Shape};
use crate::config_error::ConfigCode;

use self::model::Rule;
pub(super) use self::model::{Preset, PresetMember};
use self::spiffe_jwt_svid::SPIFFE_JWT_SVID;

/// All presets.
pub(super) static PRESETS: [&Preset; 1] = [&SPIFFE_JWT_SVID];

/// `preset`
pub(super) const PRESET: Field = Field {
    name: "preset",
    presence: Presence::Optional,
    shape: Shape::Words(|| PRESETS.iter().map(|preset| preset.name).collect()),
    write: "`spiffe-jwt-svid`",
    about: "the kind of tokens, which gives members of its own, see [Presets](#presets)",
};

/// The preset of an issuer, if it has one. Reports every member that the preset does not allow.
pub(super) fn read(issuer: &Node<'_>) -> Read<Option<&'static Preset>> {
    let Value::Object(written) = issuer.value() else { return Ok(None) };
    let preset = match written.get(PRESET.name) {
        Some(name) => Some(issuer.at(&PRESET, name, find)?),
        None => None,
    };
    let mut allowed = Ok(preset);
    for (preset, member) in
        preset.into_iter().flat_map(|preset| preset.members.iter().map(move |member| (preset, member)))
    {
        if let Some(value) = written.get(member.name).filter(|value| !member.rule.allows(value)) {
            allowed = Err(contradicts(issuer, preset, member, value));
        }
    }
    let has = |name: &&'static str| preset.is_some_and(|preset| preset.own().any(|own| own == *name));
    let others = PRESETS.iter().flat_map(|preset| preset.own().map(move |own| (own, preset.name)));
    for (own, name) in others.filter(|(own, _)| written.contains_key(*own) && !has(own)) {
        allowed = Err(issuer.report_inside(
            &format!("/{own}"),
            ConfigCode::Contradiction,
            format!("`{own}` is a member of the preset {}", quoted(name)),
            format!("add `preset: {name}`, or remove `{own}`"),
        ));
    }
    allowed
}

fn find(node: &Node<'_>) -> Read<&'static Preset> {
    let names: Vec<(&str, &'static Preset)> = PRESETS.iter().map(|preset| (preset.name, *preset)).collect();
    node.word(&names)
}

fn contradicts(issuer: &Node<'_>, preset: &Preset, member: &PresetMember, value: &Value) -> Reported {
    let name = preset.name;
    let help = match &member.rule {
        Rule::Fixed(_) => format!("remove `{}`: the preset gives it", member.name),
        Rule::PartOf(list) => {
            format!("remove `{}`, or list some of {}", member.name, quoted_list(list.iter().copied()))
        }
        Rule::OrText(_) => format!("remove `{}`, or write an exact string", member.name),
        Rule::Own | Rule::WrittenNot(_) => format!("write a list in `{}`", member.name),
    };
    let found = value.as_str().map(|text| format!(" as {}", quoted(text))).unwrap_or_default();
    issuer.report_inside(
        &format!("/{}", member.name),
        ConfigCode::Contradiction,
        format!("the preset `{name}` does not allow `{}`{found}", member.name),
        help,
    )
}
