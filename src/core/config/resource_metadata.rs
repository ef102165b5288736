//! `resource_metadata` of an application or a route: the URL of a document, or the document that the plugin serves (RFC 9728).

use serde::Serialize;
use serde_json::Value;

use super::names::quoted;
use super::reader::{Field, List, Node, Presence, Read, Shape, all};
use crate::config_error::ConfigCode;
use crate::fetch::HttpUrl;
use crate::remedy::Scope;
use crate::request::{Match, Path};
use crate::route::{HostPattern, ResourceMetadata, Route, ServedMetadata};

const NAME: &str = "resource_metadata";

const SHAPE: Shape = Shape::Either(&[Shape::Text("https URL"), DOCUMENT]);

const DOCUMENT: Shape = Shape::Named("resource metadata", || const { &Shape::Object(&[&MEMBERS]) });

/// `resource_metadata` of an application.
pub(super) const OF_APPLICATION: Field = field(
    Presence::Optional,
    "where OAuth clients learn who issues tokens for the application (RFC 9728): the URL of a document, or what the plugin \
     serves, see [Resource metadata](challenges.md#resource-metadata)",
);

/// `resource_metadata` of a route.
pub(super) const OF_ROUTE: Field =
    field(Presence::Otherwise("the application's"), "in challenges on this route, replaces the application's");

const fn field(presence: Presence, about: &'static str) -> Field {
    Field {
        name: NAME,
        presence,
        shape: SHAPE,
        write: "an https URL, or `{ resource: https://shop.example.com, authorization_servers: [https://login.example.com] }`",
        about,
    }
}

static MEMBERS: [Field; 7] = [
    Field {
        name: "resource",
        presence: Presence::Required,
        shape: Shape::Text("https URL"),
        write: "the https URL that clients know the resource by, such as `https://shop.example.com`",
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
        about: "the resource's name for people",
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

/// Reads it. `hosts` are the application's.
pub(super) fn read(node: &Node<'_>, hosts: Read<&Option<Vec<HostPattern>>>) -> Read<ResourceMetadata> {
    match node.value() {
        Value::String(_) => read_url(node).map(|(_, url)| ResourceMetadata::elsewhere(&url)),
        Value::Object(_) => read_document(node, hosts),
        _ => node.wrong_type("an https URL, or an object"),
    }
}

fn read_document(node: &Node<'_>, hosts: Read<&Option<Vec<HostPattern>>>) -> Read<ResourceMetadata> {
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
    Ok(ResourceMetadata::served(&url, serde_json::to_string(&document).unwrap_or_default()))
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

/// Notes that two parts of an application serve a document at one path, or that a route has the path of a document. A
/// broader route, such as `/{rest*}`, does not get the requests for it.
///
/// `application` is the application's object, with its document; `routes` are the objects of its routes.
pub(super) fn tell_apart(
    application: (&Node<'_>, Option<&ResourceMetadata>),
    routes: &[(Node<'_>, Route)],
) -> Read<()> {
    let of_routes = routes.iter().map(|(node, route)| (node, route.resource_metadata.as_ref()));
    let documents: Vec<(&Node<'_>, &ResourceMetadata, &ServedMetadata)> = [application]
        .into_iter()
        .chain(of_routes)
        .filter_map(|(node, metadata)| Some((node, metadata?, metadata?.served.as_ref()?)))
        .collect();
    let apart = documents.iter().enumerate().map(|(index, (node, metadata, served))| {
        let mut earlier = documents.iter().take(index);
        if let Some((other, ..)) = earlier.find(|(_, _, other)| other.path == served.path) {
            return node_error(
                node,
                ConfigCode::DuplicateValue,
                format!("{} of {} has the same path", quoted(NAME), quoted(other.pointer())),
                format!("keep one of the two, and write the URL of its document in the other place: {}", metadata.url),
            );
        }
        match routes.iter().find(|(_, route)| is_path_of(served, route)) {
            None => Ok(()),
            Some((_, route)) => node_error(
                node,
                ConfigCode::RoutesOverlap,
                format!("the route `{}` has the path of the document, {}", route.name, quoted(&served.path)),
                "remove the route, or write the URL of the document that it serves in place of the object",
            ),
        }
    });
    all(apart).map(|_: Vec<()>| ())
}

/// Notes an error at the member of this object.
fn node_error(node: &Node<'_>, code: ConfigCode, message: String, help: impl Into<String>) -> Read<()> {
    Err(node.report_inside(&format!("/{NAME}"), code, message, help))
}

fn is_path_of(served: &ServedMetadata, route: &Route) -> bool {
    Path::parse(served.path.as_bytes(), served.path.len()).is_ok_and(
        |(path, _)| matches!(route.path.matches(path.segments(), &[]), Match::Yes(parameters) if parameters.is_empty()),
    )
}
