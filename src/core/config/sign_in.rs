//! `sign_in` of an application: where people sign in.

use super::names::quoted;
use super::reader::{Field, Given, Node, Presence, Read, Shape};
use crate::config_error::ConfigCode;
use crate::fetch::HttpUrl;
use crate::route::SignIn;

/// `sign_in`
pub(super) const SIGN_IN: Field = Field {
    name: "sign_in",
    presence: Presence::Optional,
    shape: Shape::Object(&[&MEMBERS]),
    write: "`{ url: https://login.example.com/start }`, and `redirect: true` to send browsers there",
    about: "where people sign in, for the answers to browsers, see [Pages](decision.md#pages)",
};

static MEMBERS: [Field; 2] = [
    Field {
        name: "url",
        presence: Presence::Required,
        shape: Shape::Text("https URL or path"),
        write: "an https URL such as `https://login.example.com/start`, or a path on the same host such as `/login`",
        about: "where people sign in; nothing of the request is added to it",
    },
    Field {
        name: "redirect",
        presence: Presence::Default(Given::False),
        shape: Shape::Boolean,
        write: "`true` or `false`",
        about: "`true`: a browser that opens a page without a token, or with one that has expired, is sent there (303) in \
                place of a page with a link",
    },
];

/// Stands for the application's host, which a path does not name.
const ANY_HOST: &str = "host.invalid";

/// Reads it.
pub(super) fn read(node: &Node<'_>) -> Read<SignIn> {
    let [url, redirect] = node.members(&MEMBERS)?;
    let (url, redirect) = (url.required(read_url), redirect.or_default(|node| node.boolean()));
    Ok(SignIn { url: url?, redirect: redirect? })
}

fn read_url(node: &Node<'_>) -> Read<String> {
    let text = node.some_text()?;
    // A browser reads two slashes as the beginning of another host.
    let is_path = text.starts_with('/') && !text.starts_with("//");
    let whole = if is_path { format!("https://{ANY_HOST}{text}") } else { text.to_owned() };
    if HttpUrl::parse(&whole).is_ok_and(|url| url.is_https()) {
        return Ok(text.to_owned());
    }
    node.error(
        ConfigCode::BadValue,
        format!("{} is neither an https URL nor a path", quoted(text)),
        node.write_wanted(),
    )
}
