//! Which facts of a provider are members of `context.device`.

use super::{DEVICE_MEMBERS, DeviceMember, MemberSource};

/// Which facts of a provider are members of `context.device`, each member at most once, in the order of the table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceMapping(Vec<MappedFact>);

/// A fact that is a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappedFact {
    /// The member.
    pub member: &'static DeviceMember,
    /// The names that lead to the fact, from the provider's record of facts inwards.
    pub fact: Vec<String>,
}

impl DeviceMapping {
    /// Of these facts.
    #[must_use]
    pub const fn of(facts: Vec<MappedFact>) -> Self {
        Self(facts)
    }

    /// Whether the provider fills no member.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The facts.
    pub fn iter(&self) -> impl Iterator<Item = &MappedFact> {
        self.0.iter()
    }

    /// The fact that is this member.
    #[must_use]
    pub fn fact(&self, member: &DeviceMember) -> Option<&[String]> {
        self.0.iter().find(|mapped| mapped.member == member).map(|mapped| mapped.fact.as_slice())
    }

    /// Whether the provider can fill this member.
    #[must_use]
    pub fn fills(&self, member: &DeviceMember) -> bool {
        match member.source {
            MemberSource::Fact => self.fact(member).is_some(),
            MemberSource::Name | MemberSource::Age | MemberSource::Binding => !self.is_empty(),
        }
    }
}

/// The member of this name.
#[must_use]
pub fn device_member(record: Option<&str>, name: &str) -> Option<&'static DeviceMember> {
    DEVICE_MEMBERS.iter().find(|member| member.record == record && member.name == name)
}
