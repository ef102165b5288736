//! What device providers have in common, however their statements reach the plugin.

use serde_json::Value;

use super::claim::{CLAIM_PATH, claim_path};
use super::names::{HeaderFault, header_name, quoted};
use super::reader::{Field, Node, Presence, Read, Shape};
use crate::config_error::ConfigCode;
use crate::profile::{FactField, FactType, PostureBinding};

/// Facts of `context.<device>` that are worked out here.
pub(super) const WORKED_OUT_FACTS: &[&str] = &["age", "bound"];

/// A header that posture is read from.
pub(super) struct OwnHeader {
    /// Its name, in lower case.
    pub(super) name: String,
    /// Where it is written.
    pub(super) pointer: String,
}

/// `bind`
pub(super) const BIND: Field = Field {
    name: "bind",
    presence: Presence::Required,
    shape: Shape::Either(&[Shape::Object(&[&BIND_MEMBERS]), Shape::Literal("none")]),
    write: "`{ token: device_id, device: sub }`, claims that must be equal, or `none` where nothing ties the device to the user",
    about: "claims of the two tokens that must be equal; `none`: nothing ties the device to the caller",
};

static BIND_MEMBERS: [Field; 2] = [
    Field {
        name: "token",
        presence: Presence::Required,
        shape: CLAIM_PATH,
        write: "the claim of the access token, or a list of names from the claim set inwards",
        about: "the claim of the access token",
    },
    Field {
        name: "device",
        presence: Presence::Required,
        shape: CLAIM_PATH,
        write: "the claim of the posture token, or a list of names from the claim set inwards; the fact where there is no \
                posture token",
        about: "the claim of the posture token; where there is none, the fact",
    },
];

/// Reads `bind`.
pub(super) fn read_bind(node: &Node<'_>) -> Read<PostureBinding> {
    match node.value() {
        Value::Object(_) => {
            let [token, device] = node.members(&BIND_MEMBERS)?;
            let (token, device) = (token.required(claim_path), device.required(claim_path));
            Ok(PostureBinding::Claims { token: token?, device: device? })
        }
        Value::String(_) => node.word(&[("none", ())]).map(|()| PostureBinding::None),
        _ => node.wrong_type("an object, or `none`"),
    }
}

/// Checks that what binds posture without a token is one of its facts, and always there. `node` is the provider's.
pub(super) fn binds_a_fact(node: &Node<'_>, bind: &PostureBinding, facts: &[FactField]) -> Read<()> {
    let PostureBinding::Claims { device, .. } = bind else { return Ok(()) };
    let fact = facts.iter().find(|fact| fact.claim == *device);
    if fact.is_some_and(|fact| fact.required && fact.fact_type == FactType::String) {
        return Ok(());
    }
    Err(node.report_inside(
        "/bind/device",
        ConfigCode::UnknownFact,
        format!("{} is not a fact of this provider that is a string and always there", quoted(&device.to_string())),
        "name one of its `facts` or `headers` that is declared without `?`, as a string",
    ))
}

/// Reads the name of a header that posture is read from.
pub(super) fn read_header(node: &Node<'_>) -> Read<String> {
    let text = node.some_text()?;
    match header_name(text) {
        Ok(name) => Ok(name),
        Err(HeaderFault::NotAName(why)) => node.error(ConfigCode::BadName, why.to_owned(), node.write_wanted()),
        Err(HeaderFault::Taken(why)) => node.error(
            ConfigCode::HeaderCollision,
            format!("posture cannot be read from this header: {why}"),
            "write a header of its own, such as `x-device-posture`",
        ),
    }
}
