//! What providers say about the device of one request, and what of it counts.

use super::mapping::device_member;
use super::{DEVICE_MEMBERS, DeviceMapping, DeviceMember, DeviceMemberType, MemberSource, Several};
use crate::profile::facts::version_parts;
use crate::profile::{FactRecord, FactValue};
use crate::provider::ProviderName;
use crate::time::Seconds;

/// What verified evidence of one provider says about the device. It fills some member.
#[derive(Clone, Copy, Debug)]
pub struct DeviceStatement<'r> {
    provider: &'r ProviderName,
    mapping: &'r DeviceMapping,
    facts: &'r FactRecord,
    age: Option<Seconds>,
    bound: bool,
}

/// The value of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceValue<'r> {
    /// Of [`DeviceMemberType::String`].
    String(&'r str),
    /// Of [`DeviceMemberType::Long`].
    Long(i64),
    /// Of [`DeviceMemberType::Bool`].
    Bool(bool),
    /// Of [`DeviceMemberType::Version`]: the parts.
    Version(&'r FactRecord),
}

/// Two providers whose evidence is about different devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceConflict<'r> {
    /// The member that differs.
    pub member: &'static DeviceMember,
    /// The providers.
    pub providers: [&'r ProviderName; 2],
}

impl<'r> DeviceStatement<'r> {
    /// Of verified evidence with these facts; `None` if it fills no member.
    #[must_use]
    pub fn of(
        provider: &'r ProviderName,
        mapping: &'r DeviceMapping,
        facts: &'r FactRecord,
        (age, bound): (Option<Seconds>, bool),
    ) -> Option<Self> {
        let statement = Self { provider, mapping, facts, age, bound };
        mapping.iter().any(|mapped| statement.value(mapped.member).is_some()).then_some(statement)
    }

    /// What it says about this member.
    #[must_use]
    pub fn value(self, member: &DeviceMember) -> Option<DeviceValue<'r>> {
        match member.source {
            MemberSource::Fact => {
                let value = value_at(self.facts, self.mapping.fact(member)?, member.of)?;
                // An id without characters names no device.
                let names_nothing = member.several == Several::Same && value == DeviceValue::String("");
                (!names_nothing).then_some(value)
            }
            MemberSource::Name => Some(DeviceValue::String(self.provider.as_str())),
            MemberSource::Age => self.age.map(|age| DeviceValue::Long(i64::try_from(age.get()).unwrap_or(i64::MAX))),
            MemberSource::Binding => Some(DeviceValue::Bool(self.bound)),
        }
    }
}

impl DeviceMapping {
    /// The device's `id` by these facts.
    #[must_use]
    pub fn id_in<'r>(&self, facts: &'r FactRecord) -> Option<&'r str> {
        let member = device_member(None, "id")?;
        match value_at(facts, self.fact(member)?, member.of)? {
            DeviceValue::String(id) if !id.is_empty() => Some(id),
            _ => None,
        }
    }
}

/// The value at a path of facts, if it is of the type.
fn value_at<'r>(facts: &'r FactRecord, path: &[String], of: DeviceMemberType) -> Option<DeviceValue<'r>> {
    let (name, inner) = path.split_first()?;
    match (facts.get(name)?, of) {
        (FactValue::Record(facts), _) if !inner.is_empty() => value_at(facts, inner, of),
        _ if !inner.is_empty() => None,
        (FactValue::String(text), DeviceMemberType::String) => Some(DeviceValue::String(text)),
        (FactValue::Long(number), DeviceMemberType::Long) => Some(DeviceValue::Long(*number)),
        (FactValue::Bool(truth), DeviceMemberType::Bool) => Some(DeviceValue::Bool(*truth)),
        (FactValue::Record(parts), DeviceMemberType::Version) => Some(DeviceValue::Version(parts)),
        _ => None,
    }
}

/// The value of a member: that of the only provider that fills it, or what counts where several do.
#[must_use]
pub fn agreed<'r>(
    member: &DeviceMember,
    statements: impl IntoIterator<Item = DeviceStatement<'r>>,
) -> Option<DeviceValue<'r>> {
    let mut agreed = None;
    for statement in statements {
        agreed = match (agreed, statement.value(member)) {
            // The age of one of them is not known, so the oldest is not.
            (_, None) if member.source != MemberSource::Fact => return None,
            (known, None) => known,
            (None, Some(value)) => Some(value),
            (Some(known), Some(value)) => Some(member.several.of(known, value)?),
        };
    }
    agreed
}

impl Several {
    /// What counts of two values of one type.
    fn of<'r>(self, one: DeviceValue<'r>, other: DeviceValue<'r>) -> Option<DeviceValue<'r>> {
        match (self, one, other) {
            // A request whose providers speak of two devices is refused before anybody asks.
            (Self::Same | Self::Alike, one, other) => (one == other).then_some(one),
            (Self::All, DeviceValue::Bool(one), DeviceValue::Bool(other)) => Some(DeviceValue::Bool(one && other)),
            (Self::Lowest, DeviceValue::Long(one), DeviceValue::Long(other)) => Some(DeviceValue::Long(one.min(other))),
            (Self::Greatest, DeviceValue::Long(one), DeviceValue::Long(other)) => {
                Some(DeviceValue::Long(one.max(other)))
            }
            (Self::Lowest, DeviceValue::Version(first), DeviceValue::Version(second)) => {
                Some(if version_parts(second)? < version_parts(first)? { other } else { one })
            }
            _ => None,
        }
    }
}

/// The first member by which the evidence of two providers is about different devices.
pub fn conflict<'r>(statements: impl Iterator<Item = DeviceStatement<'r>> + Clone) -> Option<DeviceConflict<'r>> {
    DEVICE_MEMBERS.iter().filter(|member| member.several == Several::Same).find_map(|member| {
        let mut named = statements.clone().filter_map(|one| Some((one.provider, one.value(member)?)));
        let (first, id) = named.next()?;
        let (other, _) = named.find(|(_, other)| *other != id)?;
        Some(DeviceConflict { member, providers: [first, other] })
    })
}
