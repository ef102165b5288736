//! `devices`: who is trusted to speak about devices, and where their posture tokens are found.

use serde_json::Value;

use super::claim::{CLAIM_PATH, claim_path};
use super::device_record::{self, DEVICE_MAPPING};
use super::names::{HeaderFault, header_name, quoted};
use super::preset::{DEVICE_PRESET, OF_DEVICES, TENANT};
use super::profile::{self, Role};
use super::profiles::Profiles;
use super::reader::{Field, FreeNames, Given, Node, Presence, Read, Shape, all};
use crate::config_error::ConfigCode;
use crate::jose::ClaimPath;
use crate::profile::{DeviceProvider, PostureBinding, PostureSource, PostureToken, Subject, TokenKind};

/// Facts of `context.<device>` that are worked out here.
pub(super) const WORKED_OUT_FACTS: &[&str] = &["age", "bound"];

/// `devices`
pub(super) const DEVICES: Field = Field {
    name: "devices",
    presence: Presence::Optional,
    shape: Shape::Entries(FreeNames::of(
        "name",
        &DEVICE,
        "a device provider: `header`, `issuer`, `audiences`, `keys`, `typ`, `max_age`, `bind` and what else it needs",
    )),
    write: "an object of device providers",
    about: "who is trusted to report the posture of devices",
};

const DEVICE: Shape =
    Shape::Named("device provider", || const { &Shape::Object(&[&DEVICE_MEMBERS, &profile::MEMBERS]) });

pub(super) static DEVICE_MEMBERS: [Field; 7] = [
    DEVICE_PRESET,
    TENANT,
    Field {
        name: "header",
        presence: Presence::Required,
        shape: Shape::Text("header name"),
        write: "the request header that carries the posture token, such as `x-device-posture`",
        about: "the request header that carries the posture token",
    },
    Field {
        name: "bind",
        presence: Presence::Required,
        shape: Shape::Either(&[Shape::Object(&[&BIND_MEMBERS]), Shape::Literal("none")]),
        write: "`{ token: device_id, device: sub }`, claims that must be equal, or `none` where nothing ties the device to the user",
        about: "claims of the two tokens that must be equal; `none`: nothing ties the device to the caller",
    },
    profile::forward(Given::Text("never")),
    profile::max_age(Presence::Required, "longest time since `iat`; makes `iat` required"),
    DEVICE_MAPPING,
];

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
        write: "the claim of the posture token, or a list of names from the claim set inwards",
        about: "the claim of the posture token",
    },
];

/// Reads all device providers, sorted by name. `issuers`: the names of all issuers of the document, if they are known.
pub(super) fn read(
    entries: &[(&str, Node<'_>)],
    issuers: Read<&[&str]>,
    profiles: &mut Profiles,
) -> Read<Vec<DeviceProvider>> {
    let mut headers: Vec<(String, &str)> = Vec::new();
    let mut devices = Vec::new();
    for (name, entry) in entries {
        let (mut device, header) = read_one(entry, name, profiles);
        if let Ok(header) = header {
            if let Some((_, other)) = headers.iter().find(|(taken, _)| *taken == header) {
                device = Err(entry.report_inside(
                    "/header",
                    ConfigCode::HeaderCollision,
                    format!("`{header}` is the header of `{other}` too"),
                    "give each device provider a header of its own",
                ));
            }
            headers.push((header, name));
        }
        if issuers.is_ok_and(|issuers| issuers.contains(name)) {
            device = entry.error(
                ConfigCode::DuplicateValue,
                format!("{} is an issuer too", quoted(name)),
                "issuers and device providers share one name space; rename one of the two",
            );
        }
        devices.push(device);
    }
    all(devices)
}

/// A provider, and its header even where the rest cannot be read.
fn read_one(node: &Node<'_>, name: &str, profiles: &mut Profiles) -> (Read<DeviceProvider>, Read<String>) {
    let name = profile::provider_name(node, name);
    let applied = match OF_DEVICES.read(node) {
        Ok(applied) => applied,
        Err(reported) => return (Err(reported), Err(reported)),
    };
    let given = node.members_given(&DEVICE_MEMBERS, &profile::MEMBERS, &applied.members);
    let ([_, _, header, bind, forward, max_age, mapping], members) = match given {
        Ok(members) => members,
        Err(reported) => return (Err(reported), Err(reported)),
    };
    let header = header.required(read_header);
    let bind = bind.required(read_bind);
    let forward = forward.or_default(profile::read_forward);
    let reads: Vec<ClaimPath> = match &bind {
        Ok(PostureBinding::Claims { token: _, device }) => vec![device.clone()],
        Ok(PostureBinding::None) | Err(_) => Vec::new(),
    };
    let max_age = max_age.required(Node::duration).map(Some);
    let role = Role {
        kind: Ok(TokenKind::Posture),
        reserved_facts: WORKED_OUT_FACTS,
        max_age,
        reads,
        subject: Ok(Subject::Any),
        preset: applied.preset,
    };
    let device = profile::read(node, name, members.into(), role).and_then(|(profile, keys)| {
        profiles.add(node, &profile, keys);
        let device = device_record::read(&mapping, &profile.facts);
        let token = PostureToken { profile, header: header.clone()?, forward: forward? };
        Ok(DeviceProvider { source: PostureSource::Token(token), bind: bind?, device: device? })
    });
    (device, header)
}

fn read_header(node: &Node<'_>) -> Read<String> {
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

fn read_bind(node: &Node<'_>) -> Read<PostureBinding> {
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
