//! `request_headers`: which headers of clients are removed beside the list of [`stripped`](crate::stripped), and which
//! of that list are not.

use super::names::{TAKEN, guess, is_token, quoted, quoted_list};
use super::reader::{Field, List, Node, Presence, Read, Shape, all};
use crate::config_error::ConfigCode;
use crate::identity_header::IdentityHeader;
use crate::limits::MAX_REQUEST_HEADER_ENTRIES;
use crate::profile::{CredentialPlace, DeviceProvider, Issuer};
use crate::stripped::{Group, HeaderRules, Pattern, REMOVED};
use crate::text::nearest;

/// `request_headers`
pub(super) const REQUEST_HEADERS: Field = Field {
    name: "request_headers",
    presence: Presence::Optional,
    shape: Shape::Object(&[&MEMBERS]),
    write: "`{ remove: [...], keep: [...] }`, headers of your own to remove and headers of the built-in list to keep",
    about: "headers of clients, see [request-headers.md](request-headers.md)",
};

const HEADERS: Shape = Shape::List(
    List::of(&Shape::Text("header, or a beginning such as `x-acme-*`")).distinct().at_most(MAX_REQUEST_HEADER_ENTRIES),
);

static MEMBERS: [Field; 2] = [
    Field {
        name: "remove",
        presence: Presence::Optional,
        shape: HEADERS,
        write: "a list of headers that your applications believe, such as `[x-acme-user, x-acme-role-*]`",
        about: "more headers to remove",
    },
    Field {
        name: "keep",
        presence: Presence::Optional,
        shape: HEADERS,
        write: "a list of headers that are removed by default and that your clients or a proxy in front send with right, such as \
                `[x-method-override]`",
        about: "headers of the built-in list that are not removed",
    },
];

/// Headers of the configuration that a client must never decide about.
#[derive(Clone, Copy)]
pub(super) struct Declared<'a> {
    pub(super) issuers: Read<&'a Vec<Issuer>>,
    pub(super) devices: Read<&'a Vec<DeviceProvider>>,
    pub(super) identity_headers: Read<&'a Vec<IdentityHeader>>,
}

/// Reads `request_headers`.
pub(super) fn read(node: &Node<'_>, declared: Declared<'_>) -> Read<HeaderRules> {
    let [remove, keep] = node.members(&MEMBERS)?;
    let reserved = reserved(declared);
    let remove = remove.or_empty(|node| entries(node, |entry, node| check_removed(entry, node, &reserved)));
    let keep = keep.or_empty(|node| entries(node, |entry, node| check_kept(entry, node, &reserved)));
    let (remove, keep) = (remove?, keep?);
    tell_apart(&remove, &keep)?;
    for (entry, node) in &keep {
        warn(entry, node);
    }
    let written = |entries: Vec<(Entry, Node<'_>)>| entries.into_iter().map(|(entry, _)| entry.written).collect();
    Ok(HeaderRules::new(written(remove), written(keep)))
}

/// A name, or the beginning of names.
struct Entry {
    /// As the configuration spells it, in lower case.
    written: Pattern,
    /// As a careless reader sees it.
    normal: Pattern,
}

/// Two spellings of one name are the same entry.
impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.normal == other.normal
    }
}

fn entries<'a>(node: &Node<'a>, check: impl Fn(&Entry, &Node<'a>) -> Read<()>) -> Read<Vec<(Entry, Node<'a>)>> {
    let elements = node.elements()?;
    if elements.len() > MAX_REQUEST_HEADER_ENTRIES {
        return node.error(
            ConfigCode::TooLarge,
            format!("the list has {} entries, at most {MAX_REQUEST_HEADER_ENTRIES} are accepted", elements.len()),
            "name the beginning that they share, such as `x-acme-*`",
        );
    }
    let read = Node::distinct(elements.clone(), |element| {
        let entry = read_entry(element)?;
        check(&entry, element).map(|()| entry)
    })?;
    Ok(read.into_iter().zip(elements).collect())
}

fn read_entry(node: &Node<'_>) -> Read<Entry> {
    let text = node.some_text()?;
    if text.starts_with(':') {
        return node.error(
            ConfigCode::ReservedName,
            format!("{} is a pseudo-header, which the plugin neither removes nor keeps", quoted(text)),
            "remove it from the list",
        );
    }
    let written = Pattern::of(&text.to_ascii_lowercase());
    if !is_token(written.text()) || written.text().contains('*') {
        return node.error(
            ConfigCode::BadName,
            format!("{} is not the name of a header", quoted(text)),
            "write a name such as `x-acme-user`, or the beginning of names with `*` at its end, such as `x-acme-*`",
        );
    }
    let normal = written.normal();
    Ok(Entry { written, normal })
}

/// Names that neither list may decide about.
struct Reserved {
    name: Pattern,
    why: String,
    /// What to do instead of removing it.
    instead_of_removing: &'static str,
    /// What to do instead of keeping it.
    instead_of_keeping: &'static str,
}

const FORWARD_NEVER: &str = "write `forward: never` on the issuer, and its tokens are not forwarded";

const FORWARD_VERIFIED: &str =
    "write `forward: verified` on the issuer: its tokens are forwarded once they are verified";

fn reserved(declared: Declared<'_>) -> Vec<Reserved> {
    let ours = Reserved {
        name: Pattern::Beginning("x-countersign".to_owned()),
        why: "the plugin itself sets it".to_owned(),
        instead_of_removing: "remove it from the list: a client's own never arrives, and the plugin's always does",
        instead_of_keeping: "remove it from the list: a client's own never arrives",
    };
    let for_http = TAKEN.iter().filter(|(name, _)| *name != "cookie").map(|(name, why)| Reserved {
        name: Pattern::Name((*name).to_owned()),
        why: (*why).to_owned(),
        instead_of_removing: match *name {
            "authorization" => FORWARD_NEVER,
            _ => "remove it from the list",
        },
        instead_of_keeping: match *name {
            "authorization" => FORWARD_VERIFIED,
            _ => "remove it from the list",
        },
    });
    let access_tokens = declared.issuers.into_iter().flatten().flat_map(|issuer| {
        let headers = issuer.from.iter().filter_map(|place| match place {
            CredentialPlace::Header { name, .. } => Some(name),
            CredentialPlace::Authorization | CredentialPlace::Cookie { .. } => None,
        });
        headers.map(|header| Reserved {
            name: Pattern::Name(header.to_string()),
            why: format!("access tokens of `{}` are read from it", issuer.profile.name),
            instead_of_removing: FORWARD_NEVER,
            instead_of_keeping: FORWARD_VERIFIED,
        })
    });
    let posture = declared.devices.into_iter().flatten().flat_map(|device| {
        device.headers().map(|header| Reserved {
            name: Pattern::Name(header.to_owned()),
            why: format!("posture of `{}` is read from it", device.name()),
            instead_of_removing: "write `forward: never` on the device provider, and its tokens are not forwarded",
            instead_of_keeping: "write `forward: verified` on the device provider: its tokens are forwarded once they \
                                 are verified",
        })
    });
    let identity = declared.identity_headers.into_iter().flatten().map(|header| Reserved {
        name: Pattern::Name(header.name.clone()),
        why: "`identity_headers` sets it".to_owned(),
        instead_of_removing: "remove it from `identity_headers`, or from this list",
        instead_of_keeping: "remove it from `identity_headers`, or from this list",
    });
    [ours].into_iter().chain(for_http).chain(access_tokens).chain(posture).chain(identity).collect()
}

fn check_removed(entry: &Entry, node: &Node<'_>, reserved: &[Reserved]) -> Read<()> {
    match reserved.iter().find(|reserved| reserved.name.normal().overlaps(&entry.normal)) {
        None => Ok(()),
        Some(Reserved { name, why, instead_of_removing, .. }) => node.error(
            ConfigCode::ReservedName,
            format!("{} cannot be removed: {why}", named(entry, name)),
            *instead_of_removing,
        ),
    }
}

fn check_kept(entry: &Entry, node: &Node<'_>, reserved: &[Reserved]) -> Read<()> {
    if let Some(Reserved { name, why, instead_of_keeping, .. }) =
        reserved.iter().find(|reserved| reserved.name.normal().overlaps(&entry.normal))
    {
        return node.error(
            ConfigCode::ReservedName,
            format!("{} cannot be kept: {why}", named(entry, name)),
            *instead_of_keeping,
        );
    }
    match Group::of(&entry.normal) {
        Some(group) if group.says.may_be_kept() => Ok(()),
        Some(group) => node.error(
            ConfigCode::ReservedName,
            format!("`{}` cannot be kept: it says {}", entry.written, group.says.words()),
            "remove it from the list",
        ),
        None => not_removed(entry, node),
    }
}

/// The entry, and what it covers where that is not the same.
fn named(entry: &Entry, name: &Pattern) -> String {
    if entry.normal == name.normal() {
        return quoted(&entry.written.to_string());
    }
    match entry.written {
        Pattern::Name(_) => quoted(&entry.written.to_string()),
        Pattern::Beginning(_) => format!("{} covers `{name}`, which", quoted(&entry.written.to_string())),
    }
}

/// An entry of `keep` that changes nothing, and so was meant to be another.
fn not_removed(entry: &Entry, node: &Node<'_>) -> Read<()> {
    let listed = || REMOVED.iter().filter(|group| group.says.may_be_kept()).flat_map(|group| group.names).copied();
    let covered: Vec<&str> = listed().filter(|name| entry.normal.covers(&Pattern::of(name))).collect();
    let written = entry.written.to_string();
    if !covered.is_empty() {
        return node.error(
            ConfigCode::NotRemoved,
            format!("no entry of the list of removed headers covers all that {} does", quoted(&written)),
            format!("name the ones that you need: {}", quoted_list(covered)),
        );
    }
    let help = match nearest(&written, listed()) {
        Some(_) => guess(&written, listed(), "headers"),
        None => "remove it from `keep`: it is forwarded in any case".to_owned(),
    };
    node.error(ConfigCode::NotRemoved, format!("{} is not on the list of removed headers", quoted(&written)), help)
}

fn tell_apart(remove: &[(Entry, Node<'_>)], keep: &[(Entry, Node<'_>)]) -> Read<()> {
    let apart = keep.iter().map(|(kept, node)| {
        match remove.iter().find(|(removed, _)| removed.normal.overlaps(&kept.normal)) {
            None => Ok(()),
            Some((removed, _)) => node.error(
                ConfigCode::Contradiction,
                format!("`{}` is kept here, and `{}` is in `remove`", kept.written, removed.written),
                "remove one of the two",
            ),
        }
    });
    all(apart).map(drop)
}

fn warn(entry: &Entry, node: &Node<'_>) {
    let Some(group) = Group::of(&entry.normal) else { return };
    node.warn(
        ConfigCode::KeptHeader,
        format!(
            "`{}` is forwarded as the client sends it. It says {}, and is believed by {}. Keep it only where the \
             upstream checks it against the rights of the caller, or where a proxy in front sets it on every request \
             and no other client reaches this listener",
            entry.written,
            group.says.words(),
            group.believed_by
        ),
    );
}
