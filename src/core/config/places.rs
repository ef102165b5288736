//! `from`: where the access tokens of an issuer are accepted.

use serde_json::Value;

use super::names::{HeaderFault, header_name, is_token, quoted};
use super::reader::{Field, Given, List, Node, Presence, Read, Shape, all};
use crate::config_error::ConfigCode;
use crate::identity_header::IdentityHeader;
use crate::jose::TokenForm;
use crate::profile::{CredentialPlace, DeviceProvider, Issuer};
use crate::stripped::{Group, Pattern, Says, normal_form};

/// `from`
pub(super) const FROM: Field = Field {
    name: "from",
    presence: Presence::Default(Given::Texts(&["authorization"])),
    shape: Shape::List(List::of(&PLACE).some().distinct()),
    write: "a list of places: `authorization`, `{ header: NAME }` or `{ cookie: NAME }`, such as `[{ cookie: IdToken }]`",
    about: "where its tokens are accepted, see [tokens.md](tokens.md#where-a-token-is-looked-for); the order has no meaning",
};

const PLACE: Shape = Shape::Either(&[Shape::Literal("authorization"), Shape::Object(&[&PLACE_MEMBERS])]);

static PLACE_MEMBERS: [Field; 3] = [
    Field {
        name: "header",
        presence: Presence::OneOf,
        shape: Shape::Text("header name"),
        write: "the request header that carries the token, such as `x-id-token`",
        about: "the request header that carries the token",
    },
    Field {
        name: "prefix",
        presence: Presence::Optional,
        shape: Shape::AnyText("visible ASCII and spaces"),
        write: "what is before the token in the header, such as `Token ` with its space",
        about: "what is before the token in the header, compared byte for byte, so with regard to case and spaces",
    },
    Field {
        name: "cookie",
        presence: Presence::OneOf,
        shape: Shape::Text("cookie name"),
        write: "the cookie that carries the token, such as `IdToken`",
        about: "the cookie that carries the token; names are compared with regard to case",
    },
];

/// Beginnings of headers with a meaning for HTTP or browsers, beside those that [`header_name`] knows.
const OF_HTTP: &[&str] = &["accept", "access-control-", "content-", "grpc-", "if-", "sec-"];

/// Reads `from`.
pub(super) fn read(node: &Node<'_>) -> Read<Vec<CredentialPlace>> {
    Node::distinct(node.some_elements()?, read_place)
}

fn read_place(node: &Node<'_>) -> Read<CredentialPlace> {
    match node.value() {
        Value::String(text) if is_query(text) => in_query(node),
        Value::String(_) => node.word(&[("authorization", ())]).map(|()| CredentialPlace::Authorization),
        Value::Object(members) if members.keys().any(|name| is_query(name)) => in_query(node),
        Value::Object(_) => read_named(node),
        _ => node.wrong_type("`authorization`, or an object"),
    }
}

fn is_query(word: &str) -> bool {
    word.starts_with("query") || word.starts_with("param")
}

fn in_query<T>(node: &Node<'_>) -> Read<T> {
    node.error(
        ConfigCode::BadValue,
        "a token is never read from the query: URLs end up in logs, in histories and in `Referer` (RFC 9700 section 4.3.2)",
        "let clients send the token in `Authorization`, in a header or in a cookie",
    )
}

fn read_named(node: &Node<'_>) -> Read<CredentialPlace> {
    let [header, prefix, cookie] = node.members(&PLACE_MEMBERS)?;
    let Some(cookie) = cookie.written()? else {
        let (name, prefix) = (header.required(read_header), prefix.optional(read_prefix));
        return Ok(CredentialPlace::Header { name: name?.into(), prefix: prefix?.unwrap_or_default().into() });
    };
    if header.written()?.is_some() {
        return node.error(
            ConfigCode::Contradiction,
            "a place is a header or a cookie, found `header` and `cookie`",
            "write two places, one with `header` and one with `cookie`",
        );
    }
    if let Some(prefix) = prefix.written()? {
        return prefix.error(
            ConfigCode::Contradiction,
            "a cookie has no `prefix`: its value is the token",
            "remove `prefix`",
        );
    }
    read_cookie(cookie).map(|name| CredentialPlace::Cookie { name: name.into() })
}

fn read_header(node: &Node<'_>) -> Read<String> {
    let text = node.some_text()?;
    let name = match header_name(text) {
        Ok(name) => name,
        Err(HeaderFault::NotAName(why)) => return node.error(ConfigCode::BadName, why, node.write_wanted()),
        Err(HeaderFault::Taken(why)) => {
            let help = match text.to_ascii_lowercase().as_str() {
                "authorization" => "write the place `authorization`, which is `Authorization: Bearer`",
                "cookie" => "name the cookie: `{ cookie: NAME }`",
                _ => OWN_HEADER,
            };
            return taken(node, why, help);
        }
    };
    if OF_HTTP.iter().any(|beginning| name.starts_with(beginning)) {
        return taken(node, "it has a meaning of its own in HTTP", OWN_HEADER);
    }
    match Group::of(&Pattern::of(&normal_form(&name))) {
        Some(group) if group.says != Says::Identity => {
            taken(node, &format!("to servers it says {}", group.says.words()), OWN_HEADER)
        }
        _ => Ok(name),
    }
}

const OWN_HEADER: &str = "write a header of its own, such as `x-id-token`";

fn taken<T>(node: &Node<'_>, why: &str, help: &str) -> Read<T> {
    let message = format!("access tokens cannot be read from this header: {why}");
    node.error(ConfigCode::HeaderCollision, message, help)
}

fn read_prefix(node: &Node<'_>) -> Read<String> {
    let text = node.text()?;
    let is_written = text.bytes().all(|byte| matches!(byte, b' '..=b'~')) && !text.starts_with(' ');
    if text.is_empty() || !is_written {
        return node.error(
            ConfigCode::BadValue,
            format!("{} cannot be at the beginning of a header's value", quoted(text)),
            "write visible ASCII, and spaces after it, or remove `prefix`",
        );
    }
    Ok(text.to_owned())
}

fn read_cookie(node: &Node<'_>) -> Read<String> {
    let text = node.some_text()?;
    if !is_token(text) || text.starts_with('$') {
        return node.error(
            ConfigCode::BadName,
            format!("{} is not the name of a cookie", quoted(text)),
            "write a name without white space, `=`, `;`, `,` and quotes, not beginning with `$`, such as `IdToken`",
        );
    }
    Ok(text.to_owned())
}

/// Checks that a header of `from` has no other meaning in the configuration, and one `prefix`. Headers that applications
/// read as one are one here.
pub(super) fn tell_apart(
    node: &Node<'_>,
    issuers: Read<&Vec<Issuer>>,
    devices: Read<&Vec<DeviceProvider>>,
    identity_headers: Read<&Vec<IdentityHeader>>,
) -> Read<()> {
    let issuers = issuers?;
    let posture = devices
        .into_iter()
        .flatten()
        .flat_map(|device| device.headers().map(|header| (normal_form(header), device.name())))
        .map(|(header, name)| (header, format!("posture of `{name}` is read from it")));
    let identity = identity_headers
        .into_iter()
        .flatten()
        .map(|header| (normal_form(&header.name), "`identity_headers` sets it".to_owned()));
    let others: Vec<_> = posture.chain(identity).collect();
    let mut seen: Vec<(&str, &str, &Issuer)> = Vec::new();
    let mut results = Vec::new();
    for issuer in issuers {
        for (index, place) in issuer.from.iter().enumerate() {
            let at = format!("/issuers/{}/from/{index}", issuer.profile.name);
            if issuer.profile.form != TokenForm::JWT && !matches!(place, CredentialPlace::Header { .. }) {
                results.push(Err(node.report_inside(
                    &at,
                    ConfigCode::Contradiction,
                    "tokens of this preset come in a header of their own".to_owned(),
                    "write `{ header: NAME }` alone, with the header in which the front door adds them",
                )));
            }
            let CredentialPlace::Header { name, prefix } = place else { continue };
            let collision = |why: String, help: &str| {
                let message = format!("access tokens cannot be read from this header: {why}");
                node.report_inside(&at, ConfigCode::HeaderCollision, message, help)
            };
            if let Some((_, why)) = others.iter().find(|(other, _)| *other == normal_form(name)) {
                results.push(Err(collision(why.clone(), OWN_HEADER)));
            }
            let same = seen.iter().find(|(other, ..)| normal_form(other) == normal_form(name));
            match same {
                Some((other, prefix_there, by)) if *other != &**name || *prefix_there != &**prefix => {
                    let why = format!("`{}` has it with another spelling or another `prefix`", by.profile.name);
                    results.push(Err(collision(why, "write the same header and the same `prefix` in both places")));
                }
                Some((.., by)) if by.profile.form != issuer.profile.form => {
                    let why = format!("tokens of `{}` come in it too, in another form", by.profile.name);
                    results.push(Err(collision(why, "give issuers of different presets headers of their own")));
                }
                _ => seen.push((name, prefix, issuer)),
            }
        }
    }
    all(results).map(|_: Vec<()>| ())
}
