//! What a preset is.

use std::sync::LazyLock;

use serde_json::{Map, Value};

use crate::config::reader::Given;
use crate::jose::KeyUse;
use crate::profile::HeaderMembers;

/// A kind of tokens, and what it says about the members of an issuer.
pub(in crate::config) struct Preset {
    /// The name in the configuration.
    pub(in crate::config) name: &'static str,
    /// What it is for, in Markdown.
    pub(in crate::config) about: &'static str,
    /// The members that it says something about.
    pub(in crate::config) members: &'static [PresetMember],
    /// The values that it gives.
    pub(in crate::config) given: LazyLock<Map<String, Value>>,
    /// Which members the header of its tokens may have.
    pub(in crate::config) header: HeaderMembers,
    /// What `use` of the keys may be.
    pub(in crate::config) key_use: KeyUse,
}

/// What a preset says about one member.
pub(in crate::config) struct PresetMember {
    pub(in crate::config) name: &'static str,
    pub(in crate::config) rule: Rule,
}

/// What a preset says about the value of a member.
pub(in crate::config) enum Rule {
    /// It is this value.
    Fixed(Given),
    /// It is this list, or a part of it.
    PartOf(&'static [&'static str]),
    /// It is this value, or any string.
    OrText(Given),
    /// It must be written. Only presets have this member.
    Own,
    /// It must be written, as something else than this string.
    WrittenNot(&'static str),
}

impl Rule {
    /// The value that the preset gives.
    pub(in crate::config) const fn given(&self) -> Option<Given> {
        match self {
            Self::Fixed(given) | Self::OrText(given) => Some(*given),
            Self::PartOf(list) => Some(Given::Texts(list)),
            Self::Own | Self::WrittenNot(_) => None,
        }
    }

    /// What may be written, as a phrase.
    pub(in crate::config) const fn may_be(&self) -> &'static str {
        match self {
            Self::Fixed(_) => "nothing else",
            Self::PartOf(_) => "a part of that list",
            Self::OrText(_) => "an exact string",
            Self::Own => "must be written",
            Self::WrittenNot(_) => "must be written, as a list",
        }
    }

    /// Whether the value may be written.
    pub(super) fn allows(&self, value: &Value) -> bool {
        match self {
            Self::Fixed(given) => *value == given.value(),
            Self::PartOf(list) => value
                .as_array()
                .is_none_or(|part| part.iter().all(|one| one.as_str().is_none_or(|one| list.contains(&one)))),
            Self::OrText(_) => value.is_string(),
            Self::Own => true,
            Self::WrittenNot(word) => value != word,
        }
    }
}

impl Preset {
    /// The members that only presets have.
    pub(in crate::config) fn own(&self) -> impl Iterator<Item = &'static str> {
        self.members.iter().filter(|member| matches!(member.rule, Rule::Own)).map(|member| member.name)
    }

    /// The values that a table of members gives.
    pub(super) fn values(members: &[PresetMember]) -> Map<String, Value> {
        let given = members.iter().filter_map(|member| Some((member.name, member.rule.given()?)));
        given.map(|(name, given)| (name.to_owned(), given.value())).collect()
    }
}
