//! The bytes of what a policy says beside its rule.

use super::bytes::{Encoded, Malformed, Read, Reader, encode_text};
use crate::policy::PolicyId;
use crate::policy::annotations::{Alarm, Annotations, Remedied};
use crate::remedy::{Remedy, Scope, StepUp};

impl Encoded for Annotations {
    fn encode(&self, into: &mut Vec<u8>) {
        let Self { id, advice, remedies, alarm, is_rehearsed } = self;
        encode_text(id.as_str(), into);
        advice.encode(into);
        remedies.encode(into);
        alarm.encode(into);
        is_rehearsed.encode(into);
    }

    fn decode(from: &mut Reader<'_>) -> Read<Self> {
        Ok(Self {
            id: PolicyId::new(&String::decode(from)?),
            advice: Option::decode(from)?,
            remedies: Vec::decode(from)?,
            alarm: Option::decode(from)?,
            is_rehearsed: bool::decode(from)?,
        })
    }
}

impl Encoded for Remedied {
    fn encode(&self, into: &mut Vec<u8>) {
        let Self { remedy, conditions } = self;
        match remedy {
            Remedy::StepUp(step_up) => {
                into.push(0);
                encode_text(&step_up.to_string(), into);
            }
            Remedy::Scope(scope) => {
                into.push(1);
                encode_text(scope.as_str(), into);
            }
        }
        conditions.encode(into);
    }

    fn decode(from: &mut Reader<'_>) -> Read<Self> {
        let alternative = from.byte()?;
        let text = String::decode(from)?;
        let remedy = match alternative {
            0 => StepUp::parse(&text).map(Remedy::StepUp),
            1 => Scope::parse(&text).map(Remedy::Scope),
            _ => return Err(Malformed("an alternative is not known")),
        };
        let remedy = remedy.map_err(|_| Malformed("a challenge is not in its form"))?;
        Ok(Self { remedy, conditions: Vec::decode(from)? })
    }
}

impl Encoded for Alarm {
    fn encode(&self, into: &mut Vec<u8>) {
        encode_text(self.as_str(), into);
    }

    fn decode(from: &mut Reader<'_>) -> Read<Self> {
        Self::parse(&String::decode(from)?).ok_or(Malformed("an alarm does not have a name"))
    }
}
