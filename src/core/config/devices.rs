//! `devices`: who is trusted to speak about devices, and where their statements are found.

use super::device_certificates::{self, CERTIFICATE};
use super::device_parts::{BIND, OwnHeader, WORKED_OUT_FACTS, read_bind, read_header};
use super::device_record::{self, DEVICE_MAPPING};
use super::names::quoted;
use super::preset::{DEVICE_PRESET, OF_DEVICES, TENANT};
use super::profile::{self, Role};
use super::profiles::Profiles;
use super::reader::{Field, FreeNames, Given, Node, Presence, Problems, Read, Reported, Shape, all};
use super::trusted_peers::{self, TRUSTED_PEER};
use crate::config_error::{ConfigCode, ConfigError};
use crate::jose::ClaimPath;
use crate::profile::{
    CertificateRule, DeviceProvider, PostureBinding, PostureSource, PostureToken, Subject, TokenKind,
};
use crate::provider::ProviderName;
use crate::request::{FORWARDED_CLIENT_CERT, PeerSource};

/// `devices`
pub(super) const DEVICES: Field = Field {
    name: "devices",
    presence: Presence::Optional,
    shape: Shape::Entries(FreeNames::of(
        "name",
        &DEVICE,
        "a device provider: `header`, `issuer`, `audiences`, `keys`, `typ`, `max_age`, `bind` and what else it needs; or \
         `certificate` and `bind`; or `trusted_peer` and `bind`",
    )),
    write: "an object of device providers",
    about: "who is trusted to report the posture of devices",
};

const DEVICE: Shape = Shape::Named("device provider", || &FORMS);

static FORMS: Shape = Shape::Either(&[
    Shape::Object(&[&DEVICE_MEMBERS, &profile::MEMBERS]),
    device_certificates::SHAPE,
    trusted_peers::SHAPE,
]);

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
    BIND,
    profile::forward(Given::Text("never")),
    profile::max_age(Presence::Required, "longest time since `iat`; makes `iat` required"),
    DEVICE_MAPPING,
];

/// Reads all device providers, sorted by name. `issuers`: the names of all issuers of the document, if they are known.
pub(super) fn read(
    entries: &[(&str, Node<'_>)],
    issuers: Read<&[&str]>,
    profiles: &mut Profiles,
    problems: &Problems,
) -> Read<Vec<DeviceProvider>> {
    let mut headers: Vec<(String, &str, String)> = Vec::new();
    let mut devices = Vec::new();
    for (name, entry) in entries {
        let (mut device, own) = read_one(entry, name, profiles);
        for OwnHeader { name: header, pointer } in own {
            if let Some((_, other, _)) = headers.iter().find(|(taken, ..)| *taken == header) {
                let message = format!("`{header}` is the header of `{other}` too");
                device = Err(collision(problems, pointer.clone(), message));
            }
            headers.push((header, name, pointer));
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
    let mut told_apart = Ok(());
    if devices.iter().flatten().filter_map(DeviceProvider::certificate).any(CertificateRule::is_forwarded) {
        for (_, _, pointer) in headers.iter().filter(|(header, ..)| header == FORWARDED_CLIENT_CERT) {
            told_apart = Err(collision(problems, pointer.clone(), "certificates are forwarded in this header"));
        }
    }
    told_apart?;
    all(devices)
}

fn collision(problems: &Problems, pointer: String, message: impl Into<String>) -> Reported {
    problems.error(ConfigError {
        pointer,
        position: None,
        code: ConfigCode::HeaderCollision,
        message: message.into(),
        help: "give each device provider a header of its own".to_owned(),
    })
}

/// Compares the device providers with `peer`: what they go by, the connection must prove.
pub(super) fn agree_on_peer(entries: &[(&str, Node<'_>)], devices: &[DeviceProvider], peer: PeerSource) -> Read<()> {
    let node_of = |device: &DeviceProvider| entries.iter().find(|(name, _)| *name == device.name().as_str());
    all(devices.iter().filter_map(|device| {
        let (_, node) = node_of(device)?;
        Some(match &device.source {
            PostureSource::Token(_) => Ok(()),
            PostureSource::Certificate(rule) => device_certificates::agree_on_peer(node, rule, peer),
            PostureSource::TrustedPeer(rule) => trusted_peers::agree_on_peer(node, rule, peer),
        })
    }))
    .map(|_: Vec<()>| ())
}

/// A provider, and its headers even where the rest cannot be read.
fn read_one(node: &Node<'_>, name: &str, profiles: &mut Profiles) -> (Read<DeviceProvider>, Vec<OwnHeader>) {
    let name = profile::provider_name(node, name);
    let has = |member: &str| node.value().get(member).is_some();
    if has(CERTIFICATE) {
        return (device_certificates::read(node, name), Vec::new());
    }
    if has(TRUSTED_PEER) {
        return trusted_peers::read(node, name);
    }
    read_with_tokens(node, name, profiles)
}

/// A provider that signs tokens, and its header even where the rest cannot be read.
fn read_with_tokens(
    node: &Node<'_>,
    name: Read<ProviderName>,
    profiles: &mut Profiles,
) -> (Read<DeviceProvider>, Vec<OwnHeader>) {
    let applied = match OF_DEVICES.read(node) {
        Ok(applied) => applied,
        Err(reported) => return (Err(reported), Vec::new()),
    };
    let given = node.members_given(&DEVICE_MEMBERS, &profile::MEMBERS, &applied.members);
    let ([_, _, header, bind, forward, max_age, mapping], members) = match given {
        Ok(members) => members,
        Err(reported) => return (Err(reported), Vec::new()),
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
        Ok(DeviceProvider { source: PostureSource::Token(Box::new(token)), bind: bind?, device: device? })
    });
    let own = header.map(|name| OwnHeader { name, pointer: format!("{}/header", node.pointer()) });
    (device, own.into_iter().collect())
}
