//! `context.device` as policies read it. No record is built for a request: each read asks the providers that fill the member.

use std::borrow::Cow;

use crate::policy::program::evaluate::Fault;
use crate::policy::program::value::Value;
use crate::profile::{
    DEVICE_MEMBERS, DEVICE_RECORD, DeviceMember, DeviceStatement, DeviceValue, FactValue, agreed, device_member,
};

/// What a path from `device` inwards leads to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::policy) enum DevicePath {
    /// The record itself, or the record of this name in it.
    Record(Option<&'static str>),
    /// A member, by its row, or a part of it.
    Member {
        /// The row of [`DEVICE_MEMBERS`].
        row: usize,
        /// The part of a version.
        part: Option<String>,
    },
}

impl DevicePath {
    /// What the names behind `context.device` lead to.
    pub(super) fn resolve(path: &[&str]) -> Option<Self> {
        let Some((first, inner)) = path.split_first() else { return Some(Self::Record(None)) };
        let record = DEVICE_MEMBERS.iter().find_map(|member| member.record.filter(|record| record == first));
        let (member, rest) = match (record, inner.split_first()) {
            (Some(record), None) => return Some(Self::Record(Some(record))),
            (Some(record), Some((name, rest))) => (device_member(Some(record), name)?, rest),
            (None, _) => (device_member(None, first)?, inner),
        };
        let row = DEVICE_MEMBERS.iter().position(|known| known == member)?;
        match rest {
            [] => Some(Self::Member { row, part: None }),
            [part] => Some(Self::Member { row, part: Some((*part).to_owned()) }),
            _ => None,
        }
    }

    /// The path inside `context`.
    pub(super) fn path(&self) -> Vec<&str> {
        let (inner, part): (Vec<&'static str>, Option<&str>) = match self {
            Self::Record(record) => (record.iter().copied().collect(), None),
            Self::Member { row, part } => {
                let member = DEVICE_MEMBERS.get(*row);
                (member.into_iter().flat_map(DeviceMember::path).collect(), part.as_deref())
            }
        };
        core::iter::once(DEVICE_RECORD).chain(inner).chain(part).collect()
    }

    /// Whether the requests of one caller mostly have the same value.
    pub(super) fn comes_again(&self) -> bool {
        match self {
            Self::Record(_) => true,
            Self::Member { row, .. } => DEVICE_MEMBERS.get(*row).is_some_and(DeviceMember::comes_again),
        }
    }

    /// The value, of what providers say.
    pub(super) fn value<'r>(&self, said: impl Iterator<Item = DeviceStatement<'r>>) -> Result<Value<'r>, Fault> {
        // No policy that load accepts uses a record as a value.
        let Self::Member { row, part } = self else { return Err(Fault::Type) };
        let member = DEVICE_MEMBERS.get(*row).ok_or(Fault::Absent)?;
        match (agreed(member, said).ok_or(Fault::Absent)?, part) {
            (DeviceValue::String(text), None) => Ok(Value::String(Cow::Borrowed(text))),
            (DeviceValue::Long(number), None) => Ok(Value::Long(number)),
            (DeviceValue::Bool(truth), None) => Ok(Value::Bool(truth)),
            (DeviceValue::Version(parts), Some(part)) => match parts.get(part) {
                Some(FactValue::Long(number)) => Ok(Value::Long(*number)),
                _ => Err(Fault::Absent),
            },
            _ => Err(Fault::Type),
        }
    }

    /// How many parts of the path are there, `device` included, and how many it has.
    pub(super) fn reach<'r>(&self, said: impl Iterator<Item = DeviceStatement<'r>> + Clone) -> (usize, usize) {
        let is_there = |member: &DeviceMember| agreed(member, said.clone()).is_some();
        let any_in = |record: &str| DEVICE_MEMBERS.iter().any(|one| one.record == Some(record) && is_there(one));
        let parts = self.path().len();
        let there = match self {
            _ if said.clone().next().is_none() => 0,
            Self::Record(None) => parts,
            Self::Record(Some(record)) => parts.saturating_sub(usize::from(!any_in(record))),
            Self::Member { row, .. } => match DEVICE_MEMBERS.get(*row) {
                // The parts of a version are there with it.
                Some(member) if is_there(member) => parts,
                Some(member) if member.record.is_some_and(any_in) => 2,
                _ => 1,
            },
        };
        (there, parts)
    }
}
