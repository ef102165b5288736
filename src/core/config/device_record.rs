//! `device` of an issuer or a device provider: which of its facts are members of `context.device`.

use super::facts::find_fact;
use super::names::{guess, quoted};
use super::reader::{Field, Member, Node, Presence, Read, Shape, all};
use crate::config_error::ConfigCode;
use crate::profile::{
    DEVICE_MEMBERS, DEVICE_RECORD, DeviceMapping, DeviceMember, FactField, MappedFact, device_member,
};

/// `device`
pub(super) const DEVICE_MAPPING: Field = Field {
    name: DEVICE_RECORD,
    presence: Presence::Optional,
    shape: Shape::Named("device record", || const { &Shape::Object(&[&MEMBERS]) }),
    write: "an object of members of `context.device` and the facts that fill them, such as `{ managed: is_managed }`",
    about: "which of its facts are members of `context.device`, see [One vocabulary](posture.md#one-vocabulary)",
};

/// The word for no fact.
const NONE: &str = "none";

static MEMBERS: [Field; 12] = {
    let [id, serial, managed, compliant, disk, firewall, lock, boot, _, _, _, risk, score, _, _, _] = &DEVICE_MEMBERS;
    [
        fact(id),
        fact(serial),
        fact(managed),
        fact(compliant),
        fact(disk),
        fact(firewall),
        fact(lock),
        fact(boot),
        Field {
            name: "os",
            presence: Presence::Optional,
            shape: Shape::Object(&[&OS]),
            write: "an object with `type` or `version`",
            about: "the operating system",
        },
        Field {
            name: "edr",
            presence: Presence::Optional,
            shape: Shape::Object(&[&EDR]),
            write: "an object with `running`",
            about: "endpoint detection and response",
        },
        fact(risk),
        fact(score),
    ]
};

static OS: [Field; 2] = {
    let [_, _, _, _, _, _, _, _, of, version, _, _, _, _, _, _] = &DEVICE_MEMBERS;
    [fact(of), fact(version)]
};

static EDR: [Field; 1] = {
    let [_, _, _, _, _, _, _, _, _, _, running, _, _, _, _, _] = &DEVICE_MEMBERS;
    [fact(running)]
};

const fn fact(member: &DeviceMember) -> Field {
    Field {
        name: member.name,
        presence: Presence::Optional,
        shape: Shape::Either(&[Shape::Literal(NONE), Shape::Text("fact")]),
        write: "a declared fact of this provider, such as `managed` or `device.is_managed`, or `none`",
        about: member.about,
    }
}

/// Reads `device` of a provider that declares these facts.
pub(super) fn read(member: &Member<'_>, facts: &[FactField]) -> Read<DeviceMapping> {
    let mapped = member.or_empty(|node| {
        let members = node.members(&MEMBERS)?;
        let rows = all(MEMBERS.iter().zip(members).map(|(field, member)| {
            match (device_member(None, field.name), field.name) {
                (Some(row), _) => Ok(vec![(row, member)]),
                (None, "os") => inside(&member, "os", &OS),
                (None, record) => inside(&member, record, &EDR),
            }
        }))?;
        let rows = rows.into_iter().flatten();
        all(rows.map(|(row, member)| member.optional(|node| read_fact(node, row, facts))))
    })?;
    Ok(DeviceMapping::of(mapped.into_iter().flatten().flatten().collect()))
}

/// The members of a record in it.
fn inside<'a, const N: usize>(
    member: &Member<'a>,
    record: &str,
    fields: &'static [Field; N],
) -> Read<Vec<(&'static DeviceMember, Member<'a>)>> {
    let Some(members) = member.optional(|node| node.members(fields))? else { return Ok(Vec::new()) };
    let rows = fields.iter().zip(members);
    Ok(rows.filter_map(|(field, member)| Some((device_member(Some(record), field.name)?, member))).collect())
}

/// The fact that fills a member; `None` for the word that says there is none.
fn read_fact(node: &Node<'_>, member: &'static DeviceMember, facts: &[FactField]) -> Read<Option<MappedFact>> {
    let text = node.some_text()?;
    if text == NONE {
        return Ok(None);
    }
    let Some((fact, fact_type)) = find_fact(facts, text) else {
        return node.error(
            ConfigCode::UnknownFact,
            format!("{} is not a declared fact of this provider", quoted(text)),
            guess(text, facts.iter().map(|fact| fact.name.as_str()), "declared facts"),
        );
    };
    if !member.of.is(fact_type) {
        return node.error(
            ConfigCode::Contradiction,
            format!(
                "the fact {} is {fact_type}, and `{DEVICE_RECORD}.{}` is {}",
                quoted(text),
                member.shown(),
                member.of.name()
            ),
            format!("name a fact that `facts` declares as `{}`", member.of.name()),
        );
    }
    Ok(Some(MappedFact { member, fact }))
}
