//! The single settings: `client_address`, `guard`, `acknowledged_filters`, `mode`, `record`, `limits`.

use super::names::quoted;
use super::reader::{Field, Given, List, Member, Node, Presence, Read, Shape, words};
use crate::config_error::ConfigCode;
use crate::limits::{HEADER_BYTES, HEADERS, LimitRange, Limits, PATH_BYTES, REMEMBERED_BYTES, TOKEN_BYTES};
use crate::mode::Mode;
use crate::request::AddressSource;
use crate::telemetry::Sampling;

/// The guard's name if the configuration gives none.
pub(super) const DEFAULT_GUARD: &str = "countersign";

/// Ends the key of the decision record; a guard with this ending could be mistaken for the record of another.
const RECORD_SUFFIX: &str = ".decision";

static ADDRESS_SOURCES: [(&str, AddressSource); 3] = [
    ("connection", AddressSource::Connection),
    ("trusted_xff", AddressSource::TrustedXff),
    ("none", AddressSource::None),
];

static MODES: [(&str, Mode); 2] = [("enforce", Mode::Enforce), ("shadow", Mode::Shadow)];

/// `client_address`
pub(super) const CLIENT_ADDRESS: Field = Field {
    name: "client_address",
    presence: Presence::Default(Given::Members(&[("from", Given::Text("connection"))])),
    shape: Shape::Object(&[&CLIENT_ADDRESS_MEMBERS]),
    write: "`{ from: connection }`, `{ from: trusted_xff }` or `{ from: none }`",
    about: "the client's address",
};

static CLIENT_ADDRESS_MEMBERS: [Field; 1] = [Field {
    name: "from",
    presence: Presence::Required,
    shape: Shape::Words(|| words(&ADDRESS_SOURCES)),
    write: "`connection`, `trusted_xff` or `none`",
    about: "where it comes from",
}];

/// `guard`
pub(super) const GUARD: Field = Field {
    name: "guard",
    presence: Presence::Default(Given::Members(&[("name", Given::Text(DEFAULT_GUARD))])),
    shape: Shape::Object(&[&GUARD_MEMBERS]),
    write: "`{ name: countersign }`, the filter state that the `rbac` filter after this one demands",
    about: "the filter state that an allow sets and that the `rbac` filter after the plugin demands",
};

static GUARD_MEMBERS: [Field; 1] = [Field {
    name: "name",
    presence: Presence::Required,
    shape: Shape::Text("`[a-z0-9_.-]+`"),
    write: "lower-case letters, digits, `_`, `.` and `-`, such as `countersign`",
    about: "its name behind `wasm.`; two plugins in one chain need two names",
}];

/// `acknowledged_filters`
pub(super) const ACKNOWLEDGED_FILTERS: Field = Field {
    name: "acknowledged_filters",
    presence: Presence::Optional,
    shape: Shape::List(List::of(&Shape::Text("filter in Envoy's chain")).distinct()),
    write: "a list of names of filters between this one and the upstream, such as `[envoy.filters.http.lua]`",
    about: "filters that `countersign check` would report and that the operator has reviewed; no decision depends on them",
};

/// `mode`
pub(super) const MODE: Field = Field {
    name: "mode",
    presence: Presence::Default(Given::Text("enforce")),
    shape: Shape::Words(|| words(&MODES)),
    write: "`enforce` or `shadow`",
    about: "`shadow`: refusals are recorded and not enforced, except for ambiguous requests",
};

/// `limits`
pub(super) const LIMITS: Field = Field {
    name: "limits",
    presence: Presence::Default(Given::NoMembers),
    shape: Shape::Object(&[&LIMITS_MEMBERS]),
    write: "an object of caps, such as `{ max_token_bytes: 16384 }`",
    about: "caps on requests, see [defaults.md](defaults.md#caps-that-the-configuration-may-set)",
};

static LIMITS_MEMBERS: [Field; 5] = [
    cap(TOKEN_BYTES, "bytes of one token, a whole number", "bytes of one token"),
    cap(HEADER_BYTES, "bytes of all request headers, a whole number", "bytes of all request headers"),
    cap(HEADERS, "how many request headers, a whole number", "how many request headers; pseudo-headers count"),
    cap(PATH_BYTES, "bytes of the path with its query, a whole number", "bytes of the path with its query"),
    cap(
        REMEMBERED_BYTES,
        "bytes that each worker may use to remember verified tokens, a whole number; 0 for none",
        "bytes that each worker may use to remember verified tokens; `0`: each signature is verified each time",
    ),
];

const fn cap(limit: LimitRange, write: &'static str, about: &'static str) -> Field {
    let LimitRange { name, default, min, max } = limit;
    Field { name, presence: Presence::Default(Given::Number(default)), shape: Shape::Number(min..=max), write, about }
}

/// `record`
pub(super) const RECORD: Field = Field {
    name: "record",
    presence: Presence::Default(Given::NoMembers),
    shape: Shape::Object(&[&RECORD_MEMBERS]),
    write: "`{ sample_allowed: 1 }`",
    about: "which decisions are recorded, see [record.md](record.md)",
};

static RECORD_MEMBERS: [Field; 1] = [Field {
    name: "sample_allowed",
    presence: Presence::Default(Given::Number(1)),
    shape: Shape::Number(0..=MAX_SAMPLING),
    write: "a whole number, such as `1` for each allowed request, `100` for one of a hundred or `0` for none",
    about: "one of so many allowed requests is recorded; `0`: none. Every refusal is, also one that `mode: shadow` forwards",
}];

/// The largest `sample_allowed`.
const MAX_SAMPLING: usize = 1_000_000;

/// Reads `record`.
pub(super) fn record(node: &Node<'_>) -> Read<Sampling> {
    let [sample_allowed] = node.members(&RECORD_MEMBERS)?;
    let one_of = sample_allowed.or_default(|node| node.whole_number())?;
    Ok(Sampling { one_of: u32::try_from(one_of).unwrap_or(u32::MAX) })
}

/// Reads `client_address`.
pub(super) fn client_address(node: &Node<'_>) -> Read<AddressSource> {
    let [from] = node.members(&CLIENT_ADDRESS_MEMBERS)?;
    from.required(|node| {
        let source = node.word(&ADDRESS_SOURCES)?;
        if source == AddressSource::TrustedXff {
            node.warn(
                ConfigCode::TrustedXff,
                "the client's address comes from `X-Forwarded-For` as the listener evaluates it; make sure that \
                 `xff_num_trusted_hops` or an original IP detection extension is set for the proxies before it",
            );
        }
        Ok(source)
    })
}

/// Reads `guard`.
pub(super) fn guard(node: &Node<'_>) -> Read<String> {
    let [name] = node.members(&GUARD_MEMBERS)?;
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
        Ok(name.to_owned())
    })
}

/// Reads `acknowledged_filters`. No decision depends on them: `countersign check` compares them with the filters that
/// they name.
pub(super) fn acknowledged_filters(node: &Node<'_>) -> Read<Vec<String>> {
    Node::distinct(node.elements()?, |element| element.some_text().map(str::to_owned))
}

/// Reads `mode`.
pub(super) fn mode(node: &Node<'_>) -> Read<Mode> {
    let mode = node.word(&MODES)?;
    if mode == Mode::Shadow {
        node.warn(
            ConfigCode::ShadowMode,
            "nothing is enforced: refusals are recorded, and the request is forwarded; write `mode: enforce` after the rehearsal",
        );
    }
    Ok(mode)
}

/// Reads `limits`.
pub(super) fn limits(node: &Node<'_>) -> Read<Limits> {
    let [token_bytes, header_bytes, headers, path_bytes, remembered_bytes] = node.members(&LIMITS_MEMBERS)?;
    let limit = |member: Member<'_>| member.or_default(|node| node.whole_number());
    let (token_bytes, header_bytes) = (limit(token_bytes), limit(header_bytes));
    let (headers, path_bytes, remembered_bytes) = (limit(headers), limit(path_bytes), limit(remembered_bytes));
    Ok(Limits {
        max_token_bytes: token_bytes?,
        max_header_bytes: header_bytes?,
        max_headers: headers?,
        max_path_bytes: path_bytes?,
        max_remembered_bytes: remembered_bytes?,
    })
}
