//! `devices`: who is trusted to speak about devices, and where their posture tokens are found.

use serde_json::Value;

use super::claim::claim_path;
use super::document::{Known, Node};
use super::names::{HeaderFault, header_name, quoted};
use super::profile::{self, Role};
use super::profiles::Profiles;
use crate::config_error::ConfigCode;
use crate::jose::ClaimPath;
use crate::profile::{DeviceProvider, EvidenceForwarding, PostureBinding};

/// Facts of `context.<device>` that are worked out here.
pub(super) const WORKED_OUT_FACTS: &[&str] = &["age", "bound"];

const HEADER: Known = ("header", "the request header that carries the posture token, such as `x-device-posture`");
const BIND: Known = (
    "bind",
    "`{ token: device_id, device: sub }`, claims that must be equal, or `none` where nothing ties the device to the user",
);
const TOKEN: Known = ("token", "the claim of the access token, or a list of names from the claim set inwards");
const DEVICE: Known = ("device", "the claim of the posture token, or a list of names from the claim set inwards");

/// Reads all device providers, sorted by name; `issuers` are all names of issuers that the document has.
pub(super) fn read(node: &Node<'_>, issuers: &[&str], profiles: &mut Profiles) -> Option<Vec<DeviceProvider>> {
    let mut entries = node.entries(
        "a device provider: `header`, `issuer`, `audiences`, `keys`, `typ`, `max_age`, `bind` and what else it needs",
    )?;
    entries.sort_by_key(|(name, _)| *name);
    let mut headers: Vec<(String, &str)> = Vec::new();
    let mut devices = Vec::new();
    for (name, entry) in &entries {
        let Read { device, header } = read_one(entry, name, profiles);
        if let Some(header) = header {
            if let Some((_, other)) = headers.iter().find(|(taken, _)| *taken == header) {
                entry.error_inside::<()>(
                    "/header",
                    ConfigCode::HeaderCollision,
                    format!("`{header}` is the header of `{other}` too"),
                    "give each device provider a header of its own",
                );
            }
            headers.push((header, name));
        }
        if issuers.contains(name) {
            devices.push(entry.error(
                ConfigCode::DuplicateValue,
                format!("{} is an issuer too", quoted(name)),
                "issuers and device providers share one name space; rename one of the two",
            ));
        } else {
            devices.push(device);
        }
    }
    devices.into_iter().collect()
}

/// A provider, and its header even where the rest cannot be read.
struct Read {
    device: Option<DeviceProvider>,
    header: Option<String>,
}

fn read_one(node: &Node<'_>, name: &str, profiles: &mut Profiles) -> Read {
    let name = profile::provider_name(node, name);
    let Some(([header, bind, forward], members)) =
        node.members_beside([HEADER, BIND, profile::FORWARD], profile::MEMBERS)
    else {
        return Read { device: None, header: None };
    };
    let header = header.required(read_header);
    let bind = bind.required(read_bind);
    let forward = profile::forward(forward, EvidenceForwarding::Never);
    let reads: Vec<ClaimPath> = match &bind {
        Some(PostureBinding::Claims { token: _, device }) => vec![device.clone()],
        Some(PostureBinding::None) | None => Vec::new(),
    };
    let role = Role { reserved_facts: WORKED_OUT_FACTS, needs_max_age: true, reads };
    let device = profile::read(node, name, members, role).and_then(|(profile, keys)| {
        profiles.add(node, &profile, keys);
        Some(DeviceProvider { profile, header: header.clone()?, bind: bind?, forward: forward? })
    });
    Read { device, header }
}

fn read_header(node: &Node<'_>) -> Option<String> {
    let text = node.some_text()?;
    match header_name(text) {
        Ok(name) => Some(name),
        Err(HeaderFault::NotAName(why)) => node.error(ConfigCode::BadName, why.to_owned(), node.write_wanted()),
        Err(HeaderFault::Taken(why)) => node.error(
            ConfigCode::HeaderCollision,
            format!("posture cannot be read from this header: {why}"),
            "write a header of its own, such as `x-device-posture`",
        ),
    }
}

fn read_bind(node: &Node<'_>) -> Option<PostureBinding> {
    match node.value() {
        Value::Object(_) => {
            let [token, device] = node.members([TOKEN, DEVICE])?;
            let (token, device) = (token.required(claim_path), device.required(claim_path));
            Some(PostureBinding::Claims { token: token?, device: device? })
        }
        Value::String(_) => node.word(&[("none", ())]).map(|()| PostureBinding::None),
        _ => node.wrong_type("an object, or `none`"),
    }
}
