//! `applications`: hosts, the evidence they require, and routes.

use std::collections::BTreeMap;

use super::document::{Known, Member, Node};
use super::names::{guess, host_pattern, is_plain_name, quoted, quoted_list};
use crate::config_error::ConfigCode;
use crate::limits::MAX_ROUTES_PER_APPLICATION;
use crate::provider::ProviderName;
use crate::request::{Action, Ambiguity, Method, PathTemplate, RequestMethod};
use crate::route::{Application, HostPattern, Requires, Route, Router};
use crate::text::nearest;

const HOSTS: Known = ("hosts", "a list of host names, such as `[shop.example.com]` or `[\"*.tenants.example.com\"]`");
const ANY_HOST: Known = ("any_host", "`true`");
const REQUIRES: Known =
    ("requires", "a list of providers whose evidence must be there, such as `[corp, mdm]`; `[]` for none");
const ROUTES: Known = ("routes", "an object of routes, such as `{ order: { path: \"/api/orders/{id}\" } }`");
const PATH: Known = ("path", "a path such as `/api/orders/{id}`, `/feeds/{name}.json` or `/files/{rest*}`");
const ENCODED: Known = (
    "encoded",
    "an object with `true` for each spelling that the upstream reads in one way, such as `{ slash: true }`",
);
const METHODS: Known = ("methods", "a list of methods, such as `[GET, HEAD]`");
const ACTION: Known = ("action", "`read` or `write`");

/// Methods of a route that lists none.
const DEFAULT_METHODS: [RequestMethod; 2] = [RequestMethod::Common(Method::Get), RequestMethod::Common(Method::Head)];

/// The names of all providers that the document has, whether they could be read or not.
pub(super) struct Declared<'a> {
    pub(super) issuers: Vec<&'a str>,
    pub(super) devices: Vec<&'a str>,
}

/// Reads all applications, sorted by name; without `declared` what they require cannot be judged.
pub(super) fn read(node: &Node<'_>, declared: Option<&Declared<'_>>) -> Option<Router> {
    let mut entries = node.entries("an application: `hosts`, `requires`, `routes`")?;
    if entries.is_empty() {
        return node.error(
            ConfigCode::EmptyList,
            "there are no applications, so every request would be refused",
            node.write_wanted(),
        );
    }
    entries.sort_by_key(|(name, _)| *name);
    let mut owners = Owners::default();
    let applications: Vec<Option<Application>> =
        entries.iter().map(|(name, entry)| read_one(entry, name, declared, &mut owners)).collect();
    applications.into_iter().collect::<Option<Vec<Application>>>().map(|applications| Router { applications })
}

/// Which application has a host, so far.
#[derive(Default)]
struct Owners<'a> {
    hosts: BTreeMap<HostPattern, &'a str>,
    any_host: Option<&'a str>,
}

fn read_one<'a>(
    node: &Node<'a>,
    name: &'a str,
    declared: Option<&Declared<'_>>,
    owners: &mut Owners<'a>,
) -> Option<Application> {
    let named = plain_name(node, name, "an application");
    let [hosts, any_host, requires, routes] = node.members([HOSTS, ANY_HOST, REQUIRES, ROUTES])?;
    let hosts = read_place(node, name, hosts, any_host, owners);
    let requires = requires.or(Requires::default(), |node| read_requires(node, declared));
    let inherited = requires.clone().unwrap_or_default();
    let routes = routes.required(|node| read_routes(node, &inherited, declared));
    named?;
    Some(Application { name: name.to_owned(), hosts: hosts?, requires: requires?, routes: routes? })
}

/// A name that stands in entity ids and reports.
pub(super) fn plain_name(node: &Node<'_>, name: &str, what: &str) -> Option<()> {
    if is_plain_name(name) {
        return Some(());
    }
    node.error(
        ConfigCode::BadName,
        format!("{} cannot name {what}", quoted(name)),
        "write letters, digits, `_` and `-`",
    )
}

/// `hosts` or `any_host`.
fn read_place<'a>(
    node: &Node<'a>,
    name: &'a str,
    hosts: Member<'a>,
    any_host: Member<'a>,
    owners: &mut Owners<'a>,
) -> Option<Option<Vec<HostPattern>>> {
    if hosts.node().is_some() && any_host.node().is_some() {
        return node.error(ConfigCode::Contradiction, "found both `hosts` and `any_host`", "keep one of the two");
    }
    if any_host.node().is_none() {
        if any_host.is_misspelled() {
            return None;
        }
        return hosts.required(|node| read_hosts(node, name, owners)).map(Some);
    }
    any_host.required(|node| {
        if !node.boolean()? {
            return node.error(
                ConfigCode::BadValue,
                "`any_host` is `false`",
                "write `any_host: true`, or `hosts` in its place",
            );
        }
        if let Some(other) = owners.any_host.replace(name) {
            return node.error(
                ConfigCode::DuplicateHost,
                format!("{} has `any_host` too", quoted(other)),
                "list the hosts of one of the two applications",
            );
        }
        node.warn(
            ConfigCode::AnyHost,
            "this application answers for every host that no other one names; write `hosts` where they are known",
        );
        Some(None)
    })
}

fn read_hosts<'a>(node: &Node<'_>, name: &'a str, owners: &mut Owners<'a>) -> Option<Vec<HostPattern>> {
    let mut hosts = Vec::new();
    let mut whole = true;
    for element in node.some_elements()? {
        match element.some_text().and_then(|text| read_host(&element, text)) {
            Some(host) => match owners.hosts.get(&host) {
                Some(other) => {
                    whole = false;
                    element.error::<()>(
                        ConfigCode::DuplicateHost,
                        format!("{} belongs to {} already", quoted(&host.to_string()), quoted(other)),
                        "give each host to one application, once",
                    );
                }
                None => {
                    owners.hosts.insert(host.clone(), name);
                    hosts.push(host);
                }
            },
            None => whole = false,
        }
    }
    whole.then_some(hosts)
}

fn read_host(node: &Node<'_>, text: &str) -> Option<HostPattern> {
    match host_pattern(text) {
        Ok(host) => Some(host),
        Err(why) => node.error(
            ConfigCode::BadHost,
            format!("{} {why}", quoted(text)),
            "write a DNS name such as `shop.example.com`, `*.` and a domain for every host one label below it, or an IP \
             address (IPv6 in brackets), without scheme and port",
        ),
    }
}

fn read_requires(node: &Node<'_>, declared: Option<&Declared<'_>>) -> Option<Requires> {
    let declared = declared?;
    let known = || declared.issuers.iter().chain(&declared.devices).copied();
    let names = Node::distinct(node.elements()?, |element| {
        let name = element.some_text()?;
        if known().any(|known| known == name) {
            return Some(name);
        }
        element.error(
            ConfigCode::UnknownProvider,
            format!("{} is not a provider", quoted(name)),
            guess(name, known(), "providers"),
        )
    })?;
    let (issuers, devices): (Vec<&str>, Vec<&str>) =
        names.into_iter().partition(|name| declared.issuers.contains(name));
    if issuers.len() > 1 {
        return node.error(
            ConfigCode::TwoIssuersRequired,
            format!("a request carries one access token, and {} are required", quoted_list(issuers)),
            "require one issuer; to take tokens of several, require none and let policies say who may",
        );
    }
    let issuer = issuers.first().copied().map(ProviderName::new);
    Some(Requires { issuer, devices: devices.into_iter().map(ProviderName::new).collect() })
}

fn read_routes(node: &Node<'_>, inherited: &Requires, declared: Option<&Declared<'_>>) -> Option<Vec<Route>> {
    let entries = node.entries("a route: `path`, and `methods`, `action`, `requires` where it needs them")?;
    if entries.is_empty() {
        return node.error(
            ConfigCode::EmptyList,
            "the application has no routes, so every request to it would be refused",
            node.write_wanted(),
        );
    }
    if entries.len() > MAX_ROUTES_PER_APPLICATION {
        return node.error(
            ConfigCode::TooLarge,
            format!("the application has {} routes, at most {MAX_ROUTES_PER_APPLICATION} are accepted", entries.len()),
            "use parameters such as `{id}`, or split the application by host",
        );
    }
    let mut routes: Vec<(Node<'_>, Route)> = Vec::new();
    let mut whole = true;
    for (name, entry) in entries {
        match read_route(&entry, name, inherited, declared) {
            Some(route) => routes.push((entry, route)),
            None => whole = false,
        }
    }
    // INVARIANT: `Router::find` tries the routes in this order and takes the first path that matches.
    routes.sort_by(|(_, a), (_, b)| a.path.specificity(&b.path).then_with(|| a.name.cmp(&b.name)));
    for (index, (later_node, later)) in routes.iter().enumerate() {
        for (_, earlier) in routes.iter().take(index) {
            if earlier.path.is_equally_specific_as(&later.path) {
                whole = false;
                overlap(later_node, earlier, later);
            }
        }
    }
    whole.then(|| routes.into_iter().map(|(_, route)| route).collect())
}

/// Notes that a request could belong to two routes, or miss the one that lists its method: nothing falls through.
fn overlap(node: &Node<'_>, earlier: &Route, later: &Route) {
    let shared: Vec<&str> =
        later.methods.iter().filter(|method| earlier.methods.contains(method)).map(|method| method.name()).collect();
    let paths = format!("`{}` and `{}` match the same paths", earlier.path.as_str(), later.path.as_str());
    let (message, help) = if shared.is_empty() {
        (
            format!("{paths}, and a request is given to one route by its path alone"),
            format!("merge `{}` and `{}` into one route with the methods of both", earlier.name, later.name),
        )
    } else {
        (
            format!("{paths}, for {}", shared.join(", ")),
            format!("remove `{}` or `{}`, or write a more specific path in one of them", earlier.name, later.name),
        )
    };
    node.error::<()>(ConfigCode::RoutesOverlap, message, help);
}

fn read_route(node: &Node<'_>, name: &str, inherited: &Requires, declared: Option<&Declared<'_>>) -> Option<Route> {
    let named = plain_name(node, name, "a route");
    let [path, encoded, methods, action, requires] = node.members([PATH, ENCODED, METHODS, ACTION, REQUIRES])?;
    let path = path.required(read_path);
    let encoded = encoded.or(Vec::new(), |node| read_encoded(node, path.as_ref()));
    let methods = methods.or(DEFAULT_METHODS.to_vec(), |node| Node::distinct(node.some_elements()?, read_method));
    let action = action.optional(|node| node.word(&[("read", Action::Read), ("write", Action::Write)]));
    let requires = requires.or(inherited.clone(), |node| read_requires(node, declared));
    named?;
    let route = Route {
        name: name.to_owned(),
        path: path?,
        encoded: encoded?,
        methods: methods?,
        action: action?,
        requires: requires?,
    };
    match route.methods.iter().find(|method| route.action_of_method(**method).is_none()) {
        None => Some(route),
        Some(method) => node.error(
            ConfigCode::MissingField,
            format!("`{}` is no Cedar action, and the route does not say what it does", method.name()),
            "add `action: read` or `action: write`; it holds for all methods of the route",
        ),
    }
}

/// Spellings of the path that the operator knows the upstream to read in one way.
fn read_encoded(node: &Node<'_>, path: Option<&PathTemplate>) -> Option<Vec<Ambiguity>> {
    let members = node.members(Ambiguity::ALL.map(|ambiguity| (ambiguity.name(), "`true`, or nothing")))?;
    let read = Ambiguity::ALL.into_iter().zip(members).map(|(ambiguity, member)| {
        member.optional(|node| {
            if !node.boolean()? {
                let help = format!("remove `{}`: what is not listed is not accepted", ambiguity.name());
                return node.error(ConfigCode::BadValue, "it is `false`", help);
            }
            node.warn(ConfigCode::EncodedPath, ambiguity.duty_of_the_upstream());
            Some(ambiguity)
        })
    });
    let accepted: Vec<Option<Option<Ambiguity>>> = read.collect();
    let accepted: Vec<Ambiguity> = accepted.into_iter().collect::<Option<Vec<_>>>()?.into_iter().flatten().collect();
    if node.value().as_object().is_some_and(serde_json::Map::is_empty) {
        return node.error(ConfigCode::EmptyList, "nothing is accepted by it", node.write_wanted());
    }
    if path.is_some_and(|path| path.parameters().next().is_none()) {
        return node.error(
            ConfigCode::Contradiction,
            "the path has no parameter, and no such spelling is accepted in a fixed segment",
            "remove `encoded`, or write the segment as a parameter such as `{name}`",
        );
    }
    Some(accepted)
}

fn read_path(node: &Node<'_>) -> Option<PathTemplate> {
    let text = node.some_text()?;
    match PathTemplate::parse(text) {
        Ok(template) => Some(template),
        Err(fault) => node.error(
            ConfigCode::BadTemplate,
            format!("{} is not a path: {}", quoted(text), fault.0),
            node.write_wanted(),
        ),
    }
}

fn read_method(node: &Node<'_>) -> Option<RequestMethod> {
    let name = node.some_text()?;
    if let Some(method) = RequestMethod::from_name(name.as_bytes()) {
        return Some(method);
    }
    let all = || RequestMethod::all().map(RequestMethod::name);
    let help = match nearest(name, all()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("write some of {}; others are not served", quoted_list(all())),
    };
    node.error(ConfigCode::BadValue, format!("{} is not a method that is served", quoted(name)), help)
}
