//! What a preset is.

use serde_json::Value;

use crate::config::reader::Given;
use crate::jose::{KeyUse, TokenForm};
use crate::profile::HeaderMembers;
use crate::time::Seconds;

/// A kind of tokens, and what it says about the members of a provider.
pub(in crate::config) struct Preset {
    /// The name in the configuration.
    pub(in crate::config) name: &'static str,
    /// What it is for, in Markdown.
    pub(in crate::config) about: &'static str,
    /// The members that it says something about. A string that it gives can name a member of [`Rule::Own`] or
    /// [`Rule::Written`] in braces, such as `{tenant}`, and has the value of that member in its place.
    pub(in crate::config) members: &'static [PresetMember],
    /// Where the provider publishes its key set, for `keys.published`; names of members in braces as in `members`.
    pub(in crate::config) key_set: Option<&'static str>,
    /// Claims that must be in `pins`.
    pub(in crate::config) pinned: &'static [&'static str],
    /// The form of its tokens.
    pub(in crate::config) form: TokenForm,
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
    /// It is this value, unless another one is written.
    Default(Given),
    /// It is this list, or a part of it.
    PartOf(&'static [&'static str]),
    /// It is this value, or any string.
    OrText(Given),
    /// It is this length of time, or a shorter one.
    AtMost(&'static str),
    /// It has these entries or elements, and those that are written.
    Adds(Given),
    /// It has these members, each unless another value is written for it, and those that are written.
    Members(Given),
    /// It must be written. Each string in it has this form.
    Written(Form),
    /// It must be written, in this form. Only presets have this member.
    Own(Form),
}

/// What a string of a member must look like.
pub(in crate::config) struct Form {
    /// Whether a string has the form.
    pub(in crate::config) fits: fn(&str) -> bool,
    /// What to write, as an object that completes the sentence "write ...".
    pub(in crate::config) write: &'static str,
    /// Why the preset cannot give the member, as a clause.
    pub(in crate::config) why: &'static str,
}

impl Form {
    /// Audiences: no token of the kind may lack one.
    pub(super) const fn audiences(fits: fn(&str) -> bool, write: &'static str) -> Self {
        Self { fits, write, why: "each service has its own" }
    }
}

impl Rule {
    /// The value that the preset gives.
    pub(in crate::config) const fn given(&self) -> Option<Given> {
        match self {
            Self::Fixed(given)
            | Self::Default(given)
            | Self::OrText(given)
            | Self::Adds(given)
            | Self::Members(given) => Some(*given),
            Self::PartOf(list) => Some(Given::Texts(list)),
            Self::AtMost(length) => Some(Given::Text(length)),
            Self::Written(_) | Self::Own(_) => None,
        }
    }

    /// The form of what must be written.
    pub(in crate::config) const fn form(&self) -> Option<&Form> {
        match self {
            Self::Written(form) | Self::Own(form) => Some(form),
            _ => None,
        }
    }

    /// What may be written, as a phrase.
    pub(in crate::config) fn may_be(&self) -> String {
        match self {
            Self::Fixed(_) => "nothing else".to_owned(),
            Self::Default(_) => "another value".to_owned(),
            Self::PartOf(_) => "a part of that list".to_owned(),
            Self::OrText(_) => "an exact string".to_owned(),
            Self::AtMost(_) => "a shorter time".to_owned(),
            Self::Adds(_) => "more, beside these".to_owned(),
            Self::Members(_) => "more, beside these, and each of these in another way".to_owned(),
            Self::Written(form) | Self::Own(form) => format!("must be written: {}", form.write),
        }
    }

    /// Whether the value may be written.
    pub(super) fn allows(&self, value: &Value) -> bool {
        match self {
            Self::Fixed(given) => *value == given.value(),
            Self::Default(_) | Self::Adds(_) | Self::Members(_) => true,
            Self::PartOf(list) => value
                .as_array()
                .is_none_or(|part| part.iter().all(|one| one.as_str().is_none_or(|one| list.contains(&one)))),
            Self::OrText(_) => value.is_string(),
            Self::AtMost(length) => match (value.as_str().map(str::parse::<Seconds>), length.parse::<Seconds>()) {
                (Some(Ok(written)), Ok(most)) => written <= most,
                // The reader of the member reports what is not a length of time.
                _ => true,
            },
            Self::Written(form) | Self::Own(form) => match value {
                Value::String(text) => (form.fits)(text),
                Value::Array(list) => list.iter().all(|one| one.as_str().is_none_or(form.fits)),
                _ => true,
            },
        }
    }
}

impl Preset {
    /// The members that only presets have.
    pub(in crate::config) fn own(&self) -> impl Iterator<Item = &'static str> {
        self.members.iter().filter(|member| matches!(member.rule, Rule::Own(_))).map(|member| member.name)
    }

    /// The members that must be written because of the preset.
    pub(in crate::config) fn written(&self) -> impl Iterator<Item = &'static str> {
        self.members.iter().filter(|member| member.rule.form().is_some()).map(|member| member.name)
    }

    /// Whether it gives the member.
    pub(in crate::config) fn gives(&self, name: &str) -> bool {
        self.members.iter().any(|member| member.name == name && member.rule.given().is_some())
    }
}

/// A row of a preset's table.
pub(super) const fn member(name: &'static str, rule: Rule) -> PresetMember {
    PresetMember { name, rule }
}
