//! `context.device`: one vocabulary for what several providers say about a device.
//!
//! Each provider has facts of its own, with names and types of its own. A configuration says which of them are members of
//! [`DEVICE_MEMBERS`], and a policy that reads `context.device.managed` needs not know who says it.
//!
//! The rows of [`DEVICE_MEMBERS`] are all that there is to know of a member. The members of the configuration, the schema,
//! the names that load knows, the evaluation and the table of the documentation are made from them or compared with them.

mod mapping;
mod statement;

#[cfg(test)]
mod tests;

use super::facts::{FactField, FactType};
use crate::jose::ClaimPath;

pub use mapping::{DeviceMapping, MappedFact, device_member};
pub use statement::{DeviceConflict, DeviceStatement, DeviceValue, agreed, conflict};

/// The name of the record in `context`. No provider can have it.
pub const DEVICE_RECORD: &str = "device";

/// The type of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceMemberType {
    /// `string`
    String,
    /// `long`
    Long,
    /// `bool`
    Bool,
    /// `version`: the record that a fact of this type is.
    Version,
}

/// What a member is filled from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberSource {
    /// The fact that the provider's configuration names.
    Fact,
    /// The name of the provider, if it fills any member.
    Name,
    /// Time since the provider's evidence was issued, if it fills any member. Of an access token it is not known.
    Age,
    /// Whether the provider's evidence is tied to the access token, if it fills any member. An access token is.
    Binding,
}

/// What counts where several providers fill a member of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Several {
    /// They speak of one device, so they must say the same: otherwise the request is refused.
    Same,
    /// What they say alike: otherwise the member is absent.
    Alike,
    /// It is true only if all say so.
    All,
    /// The lowest.
    Lowest,
    /// The greatest. It is absent if one of them does not know it.
    Greatest,
}

/// A member of `context.device`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceMember {
    /// The record in `context.device` that it is in; `None` for a member of `context.device` itself. The rows of a record
    /// are adjacent.
    pub record: Option<&'static str>,
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub of: DeviceMemberType,
    /// What it is filled from.
    pub source: MemberSource,
    /// What counts where several providers fill it.
    pub several: Several,
    /// What it means, as a phrase in Markdown.
    pub about: &'static str,
}

impl DeviceMember {
    const fn fact(name: &'static str, of: DeviceMemberType, several: Several, about: &'static str) -> Self {
        Self { record: None, name, of, source: MemberSource::Fact, several, about }
    }

    const fn truth(name: &'static str, about: &'static str) -> Self {
        Self::fact(name, DeviceMemberType::Bool, Several::All, about)
    }

    const fn inside(self, record: &'static str) -> Self {
        Self { record: Some(record), ..self }
    }

    const fn from(self, source: MemberSource) -> Self {
        Self { source, ..self }
    }

    /// The names that lead to it inside `context.device`.
    pub fn path(&self) -> impl Iterator<Item = &'static str> {
        self.record.into_iter().chain([self.name])
    }

    /// The same as text, such as `os.version`.
    #[must_use]
    pub fn shown(&self) -> String {
        self.path().collect::<Vec<&str>>().join(".")
    }

    /// Whether the requests of one caller mostly have the same value.
    #[must_use]
    pub fn comes_again(&self) -> bool {
        self.source != MemberSource::Age
    }
}

const OS: &str = "os";
const EDR: &str = "edr";
const EVIDENCE: &str = "evidence";

/// All members.
pub static DEVICE_MEMBERS: [DeviceMember; 16] = {
    use DeviceMemberType::{Bool, Long, String, Version};
    use MemberSource::{Age, Binding, Name};
    use Several::{Alike, All, Greatest, Lowest, Same};
    [
        DeviceMember::fact(
            "id",
            String,
            Same,
            "the id of the device; every provider that fills it must use the same ids",
        ),
        DeviceMember::fact("serial", String, Same, "the serial number of the hardware"),
        DeviceMember::truth("managed", "the organization manages the device"),
        DeviceMember::truth("compliant", "the device complies with the provider's rules"),
        DeviceMember::truth("disk_encrypted", "the disk is encrypted"),
        DeviceMember::truth("firewall", "the firewall is on"),
        DeviceMember::truth("screen_lock", "the screen is locked when nobody uses it"),
        DeviceMember::truth("secure_boot", "the device starts verified software only"),
        DeviceMember::fact("type", String, Alike, "the operating system, in the provider's words").inside(OS),
        DeviceMember::fact("version", Version, Lowest, "the version of the operating system").inside(OS),
        DeviceMember::truth("running", "the agent for endpoint detection and response runs").inside(EDR),
        DeviceMember::fact("risk", String, Alike, "the risk, in the provider's words"),
        DeviceMember::fact("score", Long, Lowest, "a score; a higher one is better"),
        DeviceMember::fact("provider", String, Alike, "the provider that fills the record").inside(EVIDENCE).from(Name),
        DeviceMember::fact("age_seconds", Long, Greatest, "seconds since the oldest evidence was issued")
            .inside(EVIDENCE)
            .from(Age),
        DeviceMember::fact("bound", Bool, All, "all evidence is tied to the access token")
            .inside(EVIDENCE)
            .from(Binding),
    ]
};

impl DeviceMemberType {
    /// The type as the configuration writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Long => "long",
            Self::Bool => "bool",
            Self::Version => "version",
        }
    }

    /// Whether a fact of this type can be the member.
    #[must_use]
    pub const fn is(self, fact: &FactType) -> bool {
        match self {
            Self::String => matches!(fact, FactType::String),
            // The number of a date is no score.
            Self::Long => matches!(fact, FactType::Long | FactType::LongOrText),
            Self::Bool => matches!(fact, FactType::Bool | FactType::BoolOrText),
            Self::Version => matches!(fact, FactType::Version(_)),
        }
    }

    fn fact_type(self) -> FactType {
        match self {
            Self::String => FactType::String,
            Self::Long => FactType::Long,
            Self::Bool => FactType::Bool,
            Self::Version => FactType::version(),
        }
    }
}

/// The members of these rows as facts of a record. Each is optional.
#[must_use]
pub fn device_facts(is_filled: impl Fn(&DeviceMember) -> bool) -> Vec<FactField> {
    let optional = |name: &str, fact_type: FactType| FactField {
        name: name.to_owned(),
        claim: ClaimPath::of(name),
        required: false,
        fact_type,
    };
    let of_one_record = |one: &DeviceMember, next: &DeviceMember| one.record.is_some() && one.record == next.record;
    let mut facts = Vec::new();
    for rows in DEVICE_MEMBERS.chunk_by(of_one_record) {
        let members = rows.iter().filter(|row| is_filled(row)).map(|row| optional(row.name, row.of.fact_type()));
        let members: Vec<FactField> = members.collect();
        match rows.first().and_then(|row| row.record) {
            Some(_) if members.is_empty() => {}
            Some(record) => facts.push(optional(record, FactType::Record(members))),
            None => facts.extend(members),
        }
    }
    facts
}
