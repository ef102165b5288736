//! `resource_metadata` of an application: the URL of a document, or the document that the plugin serves (RFC 9728).

use serde::Serialize;
use serde_json::Value;

use super::names::quoted;
use super::reader::{Field, List, Node, Presence, Read, Shape};
use crate::config_error::ConfigCode;
use crate::fetch::HttpUrl;
use crate::remedy::Scope;
use crate::request::{Match, Path};
use crate::route::{HostPattern, ResourceMetadata, Route};

/// `resource_metadata`
pub(super) const RESOURCE_METADATA: Field = Field {
    name: "resource_metadata",
    presence: Presence::Optional,
    shape: Shape::Either(&[Shape::Text("https URL"), Shape::Object(&[&MEMBERS])]),
    write: "an https URL, or `{ resource: https://shop.example.com, authorization_servers: [https://login.example.com] }`",
    about: "where OAuth clients learn who issues tokens for the application (RFC 9728): the URL of a document, or what the \
            plugin serves, see [Resource metadata](challenges.md#resource-metadata)",
};

static MEMBERS: [Field; 7] = [
    Field {
        name: "resource",
        presence: Presence::Required,
        shape: Shape::Text("https URL"),
        write: "the https URL that clients know the application by, such as `https://shop.example.com`",
        about: "the resource identifier; its host is one of the application's, and the document is served at \
                `/.well-known/oauth-protected-resource` followed by its path",
    },
    Field {
        name: "authorization_servers",
        presence: Presence::Required,
        shape: Shape::List(List::of(&Shape::Text("https URL")).some().distinct()),
        write: "a list of issuers, such as `[https://login.example.com]`",
        about: "the issuer identifiers of the authorization servers",
    },
    Field {
        name: "scopes_supported",
        presence: Presence::Optional,
        shape: Shape::List(List::of(&Shape::Text("scope")).some().distinct()),
        write: "a list of scopes, such as `[orders.read, orders.write]`",
        about: "scopes that clients can ask for",
    },
    Field {
        name: "resource_name",
        presence: Presence::Optional,
        shape: Shape::Text("name"),
        write: "a name that people read",
        about: "the application's name for people",
    },
    link("resource_documentation", "the URL of its documentation for developers"),
    link("resource_policy_uri", "the URL of what it requires of how clients use its data"),
    link("resource_tos_uri", "the URL of its terms of service"),
];

const fn link(name: &'static str, about: &'static str) -> Field {
    Field { name, presence: Presence::Optional, shape: Shape::Text("https URL"), write: "an https URL", about }
}

/// The members of the document, by their names in RFC 9728 section 2. The plugin reads tokens from `Authorization` alone.
#[derive(Serialize)]
struct Document<'a> {
    resource: &'a str,
    authorization_servers: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scopes_supported: Option<Vec<&'a str>>,
    bearer_methods_supported: [&'static str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_documentation: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_policy_uri: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_tos_uri: Option<&'a str>,
}

/// Reads it. `hosts` and `routes` are the application's.
pub(super) fn read(
    node: &Node<'_>,
    hosts: Read<&Option<Vec<HostPattern>>>,
    routes: Read<&Vec<Route>>,
) -> Read<ResourceMetadata> {
    match node.value() {
        Value::String(_) => read_url(node).map(|(_, url)| ResourceMetadata::elsewhere(&url)),
        Value::Object(_) => read_document(node, hosts, routes),
        _ => node.wrong_type("an https URL, or an object"),
    }
}

fn read_document(
    node: &Node<'_>,
    hosts: Read<&Option<Vec<HostPattern>>>,
    routes: Read<&Vec<Route>>,
) -> Read<ResourceMetadata> {
    let [resource, servers, scopes, name, documentation, policy, terms] = node.members(&MEMBERS)?;
    let resource = resource.required(|node| read_resource(node, hosts));
    let servers = servers.required(|node| Node::distinct(node.some_elements()?, read_link));
    let scopes = scopes.optional(|node| Node::distinct(node.some_elements()?, read_scope));
    let name = name.optional(Node::some_text);
    let [documentation, policy, terms] = [documentation, policy, terms].map(|link| link.optional(read_link));
    let (resource, url) = resource?;
    let document = Document {
        resource,
        authorization_servers: servers?,
        scopes_supported: scopes?,
        bearer_methods_supported: ["header"],
        resource_name: name?,
        resource_documentation: documentation?,
        resource_policy_uri: policy?,
        resource_tos_uri: terms?,
    };
    // Strings and lists of strings: serialization cannot fail.
    let metadata = ResourceMetadata::served(&url, serde_json::to_string(&document).unwrap_or_default());
    routes.and_then(|routes| apart(node, &metadata, routes)).map(|()| metadata)
}

/// The resource, as it is written and as a URL.
fn read_resource<'a>(node: &Node<'a>, hosts: Read<&Option<Vec<HostPattern>>>) -> Read<(&'a str, HttpUrl)> {
    let (text, url) = read_url(node)?;
    if text.contains('?') {
        return node.error(ConfigCode::BadValue, "the resource has a query", "write it without a query");
    }
    let is_canonical = Path::parse(url.path().as_bytes(), url.path().len())
        .is_ok_and(|(path, _)| path.as_str() == url.path() && path.ambiguities().next().is_none());
    if !is_canonical {
        return node.error(
            ConfigCode::BadValue,
            "servers could read the path of the resource in more than one way",
            "write a path without empty segments and without escapes that it does not need",
        );
    }
    let host = url.host().to_ascii_lowercase();
    let serves = |hosts: &Vec<HostPattern>| hosts.iter().any(|own| own.is_exactly(&host) || own.covers(&host));
    if !hosts?.as_ref().is_none_or(serves) {
        return node.error(
            ConfigCode::BadHost,
            format!("{} is not a host of this application, so no client would get the document", quoted(&host)),
            "write a URL with one of the application's `hosts`, or the URL of a document that is served elsewhere",
        );
    }
    Ok((text, url))
}

fn read_url<'a>(node: &Node<'a>) -> Read<(&'a str, HttpUrl)> {
    let text = node.some_text()?;
    let fault = match HttpUrl::parse(text) {
        Ok(url) if url.is_https() => return Ok((text, url)),
        Ok(_) => "its scheme is not https".to_owned(),
        Err(fault) => fault.to_string(),
    };
    node.error(ConfigCode::BadValue, format!("{} is not an https URL: {fault}", quoted(text)), node.write_wanted())
}

fn read_link<'a>(node: &Node<'a>) -> Read<&'a str> {
    read_url(node).map(|(text, _)| text)
}

fn read_scope<'a>(node: &Node<'a>) -> Read<&'a str> {
    let text = node.some_text()?;
    if Scope::parse(text).is_ok() && !text.contains(' ') {
        return Ok(text);
    }
    let help = "write one scope for each element, in printable ASCII without space, `\"` and `\\`";
    node.error(ConfigCode::BadValue, format!("{} is not a scope", quoted(text)), help)
}

/// Notes that a route has the path of the document. A broader route, such as `/{rest*}`, does not get the requests for it.
fn apart(node: &Node<'_>, metadata: &ResourceMetadata, routes: &[Route]) -> Read<()> {
    let Some(served) = &metadata.served else { return Ok(()) };
    let Ok((path, _)) = Path::parse(served.path.as_bytes(), served.path.len()) else { return Ok(()) };
    let is_same = |route: &&Route| matches!(route.path.matches(path.segments(), &[]), Match::Yes(parameters) if parameters.is_empty());
    match routes.iter().find(is_same) {
        None => Ok(()),
        Some(route) => node.error(
            ConfigCode::RoutesOverlap,
            format!("the route `{}` has the path of the document, {}", route.name, quoted(&served.path)),
            "remove the route, or write the URL of the document that it serves in place of the object",
        ),
    }
}
