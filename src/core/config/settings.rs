//! The single settings: `peer`, `client_address`, `guard`, `acknowledged_filters`, `mode`, `limits`.

use super::document::{Known, Member, Node};
use super::names::quoted;
use crate::config_error::ConfigCode;
use crate::limits::{HEADER_BYTES, HEADERS, LimitRange, Limits, PATH_BYTES, TOKEN_BYTES};
use crate::mode::Mode;
use crate::request::{AddressSource, PeerSource};

/// The guard's name where nothing is written.
pub(super) const DEFAULT_GUARD: &str = "countersign";

/// Ends the key of the decision record; a guard that ends so could stand for another's record.
const RECORD_SUFFIX: &str = ".decision";

const PEER_FROM: Known = ("from", "`none`, `tls` or `istio-waypoint`");
const ADDRESS_FROM: Known = ("from", "`connection`, `trusted_xff` or `none`");
const GUARD_NAME: Known = ("name", "lower-case letters, digits, `_`, `.` and `-`, such as `countersign`");

/// `peer`
pub(super) fn peer(node: &Node<'_>) -> Option<PeerSource> {
    let [from] = node.members([PEER_FROM])?;
    from.required(|node| {
        node.word(&[
            ("none", PeerSource::None),
            ("tls", PeerSource::Tls),
            ("istio-waypoint", PeerSource::IstioWaypoint),
        ])
    })
}

/// `client_address`
pub(super) fn client_address(node: &Node<'_>) -> Option<AddressSource> {
    let [from] = node.members([ADDRESS_FROM])?;
    from.required(|node| {
        let source = node.word(&[
            ("connection", AddressSource::Connection),
            ("trusted_xff", AddressSource::TrustedXff),
            ("none", AddressSource::None),
        ])?;
        if source == AddressSource::TrustedXff {
            node.warn(
                ConfigCode::TrustedXff,
                "the client's address comes from `X-Forwarded-For` as the listener evaluates it; make sure that \
                 `xff_num_trusted_hops` or an original IP detection extension is set for the proxies before it",
            );
        }
        Some(source)
    })
}

/// `guard`
pub(super) fn guard(node: &Node<'_>) -> Option<String> {
    let [name] = node.members([GUARD_NAME])?;
    name.required(|node| {
        let name = node.some_text()?;
        let is_good =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'.' | b'-');
        if !name.bytes().all(is_good) {
            return node.error(
                ConfigCode::BadName,
                format!("{} cannot name a guard", quoted(name)),
                node.write_wanted(),
            );
        }
        if name.ends_with(RECORD_SUFFIX) {
            return node.error(
                ConfigCode::ReservedName,
                format!("{} ends like the key of a decision record", quoted(name)),
                "choose a name that does not end with `.decision`",
            );
        }
        Some(name.to_owned())
    })
}

/// `acknowledged_filters`. No decision depends on them: `countersign check` reads them beside the filters that they name.
pub(super) fn acknowledged_filters(node: &Node<'_>) -> Option<()> {
    Node::distinct(node.elements()?, Node::some_text).map(drop)
}

/// `mode`
pub(super) fn mode(node: &Node<'_>) -> Option<Mode> {
    let mode = node.word(&[("enforce", Mode::Enforce), ("shadow", Mode::Shadow)])?;
    if mode == Mode::Shadow {
        node.warn(
            ConfigCode::ShadowMode,
            "nothing is enforced: refusals are recorded, and the request is forwarded; write `mode: enforce` after the rehearsal",
        );
    }
    Some(mode)
}

/// `limits`
pub(super) fn limits(node: &Node<'_>) -> Option<Limits> {
    let [token_bytes, header_bytes, headers, path_bytes] = node.members([
        (TOKEN_BYTES.name, "bytes of one token, a whole number"),
        (HEADER_BYTES.name, "bytes of all request headers, a whole number"),
        (HEADERS.name, "how many request headers, a whole number"),
        (PATH_BYTES.name, "bytes of the path with its query, a whole number"),
    ])?;
    let max_token_bytes = limit(token_bytes, TOKEN_BYTES);
    let max_header_bytes = limit(header_bytes, HEADER_BYTES);
    let max_headers = limit(headers, HEADERS);
    let max_path_bytes = limit(path_bytes, PATH_BYTES);
    Some(Limits {
        max_token_bytes: max_token_bytes?,
        max_header_bytes: max_header_bytes?,
        max_headers: max_headers?,
        max_path_bytes: max_path_bytes?,
    })
}

fn limit(member: Member<'_>, range: LimitRange) -> Option<usize> {
    let LimitRange { name: _, default, min, max } = range;
    member.or(default, |node| node.whole_number(&(min..=max)))
}
