//! `applications`: hosts, the evidence they require, and routes.

use std::collections::BTreeMap;

use super::attributes::{self, Values};
use super::names::{guess, host_pattern, is_plain_name, quoted, quoted_list};
use super::reader::{
    Entries, Field, FreeNames, Given, List, Member, Node, Presence, Read, Reported, Shape, all, share, words,
};
use super::resource_metadata;
use super::sign_in::{self, SIGN_IN};
use crate::config_error::ConfigCode;
use crate::limits::MAX_ROUTES_PER_APPLICATION;
use crate::provider::ProviderName;
use crate::request::{Action, Ambiguity, PathTemplate, RequestMethod};
use crate::route::{Application, Attribute, HostPattern, PEER_EVIDENCE, Requires, Route, Router};
use crate::text::nearest;

static ACTIONS: [(&str, Action); 2] = [("read", Action::Read), ("write", Action::Write)];

/// `applications`
pub(super) const APPLICATIONS: Field = Field {
    name: "applications",
    presence: Presence::Required,
    shape: Shape::Entries(FreeNames::of("name", &APPLICATION, "an application: `hosts`, `requires`, `routes`").some()),
    write: "an object of applications, such as `{ shop: { hosts: [shop.example.com], routes: {...} } }`",
    about: "hosts and routes; other requests are refused",
};

const APPLICATION: Shape = Shape::Named("application", || const { &Shape::Object(&[&APPLICATION_MEMBERS]) });

const HOSTS: Field = Field {
    name: "hosts",
    presence: Presence::OneOf,
    shape: Shape::List(List::of(&Shape::Text("host")).some().distinct()),
    write: "a list of host names, such as `[shop.example.com]` or `[\"*.tenants.example.com\"]`",
    about: "DNS names, `*.` and a domain, IP addresses, without port; each belongs to one application. `*.example.com` is \
            every host exactly one label below `example.com`, as in a certificate",
};

const ANY_HOST: Field = Field {
    name: "any_host",
    presence: Presence::OneOf,
    shape: Shape::True,
    write: "`true`",
    about: "every host that no other application has; exact hosts come first, then wildcards",
};

static APPLICATION_MEMBERS: [Field; 7] = [
    HOSTS,
    ANY_HOST,
    Field {
        name: "requires",
        presence: Presence::Optional,
        shape: REQUIRES,
        write: REQUIRES_TO_WRITE,
        about: "at most one issuer, and devices, whose evidence must be verified and fresh before any policy is evaluated; \
                `peer`: the connection must be that of a workload",
    },
    Field {
        name: "routes",
        presence: Presence::Required,
        shape: Shape::Entries(
            FreeNames::of("name", &ROUTE, "a route: `path`, and `methods`, `action`, `requires` where it needs them")
                .some()
                .at_most(MAX_ROUTES_PER_APPLICATION),
        ),
        write: "an object of routes, such as `{ order: { path: \"/api/orders/{id}\" } }`",
        about: "its routes",
    },
    resource_metadata::OF_APPLICATION,
    attributes::given("the attributes of its routes, where they do not have their own"),
    SIGN_IN,
];

const REQUIRES: Shape = Shape::List(List::of(&Shape::Text("provider")).distinct());
const REQUIRES_TO_WRITE: &str =
    "a list of providers whose evidence must be there, such as `[corp, mdm]`, and `peer` for a workload; `[]` for none";

const ROUTE: Shape = Shape::Named("route", || const { &Shape::Object(&[&ROUTE_MEMBERS]) });

static ROUTE_MEMBERS: [Field; 7] = [
    Field {
        name: "path",
        presence: Presence::Required,
        shape: Shape::Text("path"),
        write: "a path such as `/api/orders/{id}`, `/feeds/{name}.json` or `/files/{rest*}`",
        about: "`/a/{id}`, `/books/{id}:publish`, `/feeds/{name}.json`, `/files/{rest*}`: written decoded; `{id}` is one \
                segment that is not empty, or the part of one between fixed text, which must not be empty either; `{rest*}` \
                is one segment or more, at the end only",
    },
    Field {
        name: "encoded",
        presence: Presence::Optional,
        shape: Shape::Object(&[&ENCODED_MEMBERS]),
        write: "an object with `true` for each spelling that the upstream reads in one way, such as `{ slash: true }`",
        about: "spellings of the path that the upstream reads in one way, see [Paths](routes.md#paths)",
    },
    Field {
        name: "methods",
        presence: Presence::Default(Given::Texts(&["GET", "HEAD"])),
        shape: Shape::List(
            List::of(&Shape::Words(|| RequestMethod::all().map(RequestMethod::name).collect())).some().distinct(),
        ),
        write: "a list of methods, such as `[GET, HEAD]`",
        about: "a route that lists a method other than `GET`, `HEAD`, `OPTIONS`, `POST`, `PUT`, `PATCH` and `DELETE` needs \
                `action`",
    },
    Field {
        name: "action",
        presence: Presence::Otherwise("by the method"),
        shape: Shape::Words(|| words(&ACTIONS)),
        write: "`read` or `write`",
        about: "for a method that does not tell, such as a search by POST; holds for all methods of the route",
    },
    Field {
        name: "requires",
        presence: Presence::Otherwise("the application's"),
        shape: REQUIRES,
        write: REQUIRES_TO_WRITE,
        about: "replaces the application's",
    },
    resource_metadata::OF_ROUTE,
    attributes::given("its attributes: each replaces the application's, which replaces the default"),
];

static ENCODED_MEMBERS: [Field; Ambiguity::ALL.len()] = [
    encoded(Ambiguity::Slash, "`%2F`"),
    encoded(Ambiguity::Percent, "`%25`"),
    encoded(Ambiguity::Unreserved, "an escape of a character that needs none, such as `%41`"),
    encoded(Ambiguity::Semicolon, "`;`, or `%3B`"),
];

const fn encoded(ambiguity: Ambiguity, about: &'static str) -> Field {
    Field {
        name: ambiguity.name(),
        presence: Presence::Optional,
        shape: Shape::True,
        write: "`true`, or nothing",
        about,
    }
}

/// The names of all providers that the document has, whether they could be read or not.
pub(super) struct Declared<'a> {
    pub(super) issuers: Vec<&'a str>,
    pub(super) devices: Vec<&'a str>,
    /// Whether a connection can be that of a workload.
    pub(super) has_workloads: bool,
}

/// Reads their names.
pub(super) fn entries<'a>(node: &Node<'a>) -> Read<Entries<'a>> {
    let entries = node.entries()?;
    if entries.is_empty() {
        return node.error(
            ConfigCode::EmptyList,
            "there are no applications, so every request would be refused",
            node.write_wanted(),
        );
    }
    Ok(entries)
}

/// Reads all applications, sorted by name.
pub(super) fn read<'a>(
    entries: &[(&'a str, Node<'a>)],
    declared: Read<&Declared<'_>>,
    attributes: Read<&[Attribute]>,
) -> Read<Router> {
    let defaults = attributes.map(Values::defaults);
    let mut owners = Owners::default();
    let applications =
        entries.iter().map(|(name, entry)| read_one(entry, name, declared, share(&defaults), &mut owners));
    let applications = all(applications);
    Ok(Router { applications: applications?, attributes: attributes?.to_vec() })
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
    declared: Read<&Declared<'_>>,
    defaults: Read<&Values<'_>>,
    owners: &mut Owners<'a>,
) -> Read<Application> {
    let named = plain_name(node, name, "an application");
    let [hosts, any_host, requires, routes, metadata, attributes, sign_in] = node.members(&APPLICATION_MEMBERS)?;
    let hosts = read_place(node, name, &hosts, &any_host, owners);
    let requires = requires.or_empty(|node| read_requires(node, declared));
    let attributes = read_attributes(&attributes, defaults);
    let of_application =
        OfApplication { hosts: share(&hosts), requires: share(&requires), attributes: share(&attributes) };
    let routes = routes.required(|node| read_routes(node, of_application, declared));
    let metadata = metadata.optional(|node| resource_metadata::read(node, share(&hosts)));
    if let (Ok(metadata), Ok(routes)) = (&metadata, &routes) {
        resource_metadata::tell_apart((node, metadata.as_ref()), routes)?;
    }
    let routes = routes.map(|routes| routes.into_iter().map(|(_, route)| route).collect());
    let sign_in = sign_in.optional(sign_in::read);
    named?;
    Ok(Application {
        name: name.to_owned(),
        hosts: hosts?,
        requires: requires?,
        resource_metadata: metadata?,
        sign_in: sign_in?,
        routes: routes?,
    })
}

/// The parts of an application that its routes are read with: its hosts, and the defaults of what they can have of their own.
#[derive(Clone, Copy)]
struct OfApplication<'i> {
    hosts: Read<&'i Option<Vec<HostPattern>>>,
    requires: Read<&'i Requires>,
    attributes: Read<&'i Values<'i>>,
}

/// Reads `attributes`, in place of those that are inherited.
fn read_attributes<'i>(member: &Member<'_>, inherited: Read<&Values<'i>>) -> Read<Values<'i>> {
    let own = member.optional(|node| inherited?.with(node))?;
    own.map_or_else(|| inherited.cloned(), Ok)
}

/// A name that is part of entity ids and reports.
pub(super) fn plain_name(node: &Node<'_>, name: &str, what: &str) -> Read<()> {
    if is_plain_name(name) {
        return Ok(());
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
    hosts: &Member<'a>,
    any_host: &Member<'a>,
    owners: &mut Owners<'a>,
) -> Read<Option<Vec<HostPattern>>> {
    let Some(any_host) = any_host.written()? else {
        return hosts.required(|node| read_hosts(node, name, owners)).map(Some);
    };
    if hosts.written()?.is_some() {
        return node.error(ConfigCode::Contradiction, "found both `hosts` and `any_host`", "keep one of the two");
    }
    if !any_host.boolean()? {
        return any_host.error(
            ConfigCode::BadValue,
            "`any_host` is `false`",
            "write `any_host: true`, or `hosts` in its place",
        );
    }
    if let Some(other) = owners.any_host.replace(name) {
        return any_host.error(
            ConfigCode::DuplicateHost,
            format!("{} has `any_host` too", quoted(other)),
            "list the hosts of one of the two applications",
        );
    }
    any_host.warn(
        ConfigCode::AnyHost,
        "this application answers for every host that no other one names; write `hosts` where they are known",
    );
    Ok(None)
}

fn read_hosts<'a>(node: &Node<'_>, name: &'a str, owners: &mut Owners<'a>) -> Read<Vec<HostPattern>> {
    all(node.some_elements()?.iter().map(|element| {
        let host = read_host(element, element.some_text()?)?;
        if let Some(other) = owners.hosts.get(&host) {
            return element.error(
                ConfigCode::DuplicateHost,
                format!("{} belongs to {} already", quoted(&host.to_string()), quoted(other)),
                "give each host to one application, once",
            );
        }
        owners.hosts.insert(host.clone(), name);
        Ok(host)
    }))
}

/// The hosts that can be read; `None` if an application serves any host, or if there are none.
pub(super) fn read_known_hosts(entries: &[(&str, Node<'_>)]) -> Option<Vec<HostPattern>> {
    let mut known = Vec::new();
    for (_, entry) in entries {
        let (Ok(hosts), Ok(any_host)) = (entry.member_alone(&HOSTS), entry.member_alone(&ANY_HOST)) else { continue };
        if any_host.written().is_ok_and(|any_host| any_host.is_some()) {
            return None;
        }
        let hosts = hosts.or_empty(Node::elements).unwrap_or_default();
        known.extend(hosts.iter().filter_map(|host| read_host(host, host.text().ok()?).ok()));
    }
    (!known.is_empty()).then_some(known)
}

fn read_host(node: &Node<'_>, text: &str) -> Read<HostPattern> {
    match host_pattern(text) {
        Ok(host) => Ok(host),
        Err(why) => node.error(
            ConfigCode::BadHost,
            format!("{} {why}", quoted(text)),
            "write a DNS name such as `shop.example.com`, `*.` and a domain for every host one label below it, or an IP \
             address (IPv6 in brackets), without scheme and port",
        ),
    }
}

fn read_requires(node: &Node<'_>, declared: Read<&Declared<'_>>) -> Read<Requires> {
    let declared = declared?;
    let peer = declared.has_workloads.then_some(PEER_EVIDENCE);
    let known = || declared.issuers.iter().chain(&declared.devices).copied().chain(peer);
    let names = Node::distinct(node.elements()?, |element| {
        let name = element.some_text()?;
        if known().any(|known| known == name) {
            return Ok(name);
        }
        if name == PEER_EVIDENCE {
            return element.error(
                ConfigCode::UnknownProvider,
                "no peer is a workload in this configuration",
                "list the trust domains of the workloads in `peer`, as in \
                 `peer: { from: tls, certificate: validated, trust_domains: [example.org] }`",
            );
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
    let (peer, devices): (Vec<&str>, Vec<&str>) = devices.into_iter().partition(|name| *name == PEER_EVIDENCE);
    Ok(Requires { issuer, peer: !peer.is_empty(), devices: devices.into_iter().map(ProviderName::new).collect() })
}

/// Reads the routes, most specific first, each with its node.
fn read_routes<'a>(
    node: &Node<'a>,
    application: OfApplication<'_>,
    declared: Read<&Declared<'_>>,
) -> Read<Vec<(Node<'a>, Route)>> {
    let entries = node.entries()?;
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
    let mut routes = all(entries.into_iter().map(|(name, entry)| {
        let route = read_route(&entry, name, application, declared)?;
        Ok((entry, route))
    }))?;
    // INVARIANT: `Router::find` tries the routes in this order and takes the first path that matches.
    routes.sort_by(|(_, a), (_, b)| a.path.specificity(&b.path).then_with(|| a.name.cmp(&b.name)));
    let mut apart = Ok(());
    for (index, (later_node, later)) in routes.iter().enumerate() {
        for (_, earlier) in routes.iter().take(index) {
            if earlier.path.is_equally_specific_as(&later.path) {
                apart = Err(overlap(later_node, earlier, later));
            }
        }
    }
    apart.map(|()| routes)
}

/// Notes that a request could belong to two routes, or miss the one that lists its method: nothing falls through.
fn overlap(node: &Node<'_>, earlier: &Route, later: &Route) -> Reported {
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
    node.report(ConfigCode::RoutesOverlap, message, help)
}

fn read_route(
    node: &Node<'_>,
    name: &str,
    application: OfApplication<'_>,
    declared: Read<&Declared<'_>>,
) -> Read<Route> {
    let named = plain_name(node, name, "a route");
    let [path, encoded, methods, action, requires, metadata, attributes] = node.members(&ROUTE_MEMBERS)?;
    let path = path.required(read_path);
    let encoded = encoded.or_empty(|node| read_encoded(node, share(&path)));
    let methods = methods.or_default(|node| Node::distinct(node.some_elements()?, read_method));
    let action = action.optional(|node| node.word(&ACTIONS));
    let requires = match requires.optional(|node| read_requires(node, declared)) {
        Ok(Some(requires)) => Ok(requires),
        Ok(None) => application.requires.cloned(),
        Err(reported) => Err(reported),
    };
    let metadata = metadata.optional(|node| resource_metadata::read(node, application.hosts));
    let attributes = read_attributes(&attributes, application.attributes).and_then(|values| values.of_route(node));
    named?;
    let route = Route {
        name: name.to_owned(),
        path: path?,
        encoded: encoded?,
        methods: methods?,
        action: action?,
        requires: requires?,
        resource_metadata: metadata?,
        attributes: attributes?,
    };
    match route.methods.iter().find(|method| route.action_of_method(**method).is_none()) {
        None => Ok(route),
        Some(method) => node.error(
            ConfigCode::MissingField,
            format!("`{}` is no Cedar action, and the route does not say what it does", method.name()),
            "add `action: read` or `action: write`; it holds for all methods of the route",
        ),
    }
}

/// Spellings of the path that the operator knows the upstream to read in one way.
fn read_encoded(node: &Node<'_>, path: Read<&PathTemplate>) -> Read<Vec<Ambiguity>> {
    let members = node.members(&ENCODED_MEMBERS)?;
    let read = Ambiguity::ALL.into_iter().zip(members).map(|(ambiguity, member)| {
        member.optional(|node| {
            if !node.boolean()? {
                let help = format!("remove `{}`: what is not listed is not accepted", ambiguity.name());
                return node.error(ConfigCode::BadValue, "it is `false`", help);
            }
            node.warn(ConfigCode::EncodedPath, ambiguity.duty_of_the_upstream());
            Ok(ambiguity)
        })
    });
    let accepted: Vec<Ambiguity> = all(read)?.into_iter().flatten().collect();
    if accepted.is_empty() {
        return node.error(ConfigCode::EmptyList, "nothing is accepted by it", node.write_wanted());
    }
    if path.is_ok_and(|path| path.parameters().next().is_none()) {
        return node.error(
            ConfigCode::Contradiction,
            "the path has no parameter, and no such spelling is accepted in a fixed segment",
            "remove `encoded`, or write the segment as a parameter such as `{name}`",
        );
    }
    Ok(accepted)
}

fn read_path(node: &Node<'_>) -> Read<PathTemplate> {
    let text = node.some_text()?;
    match PathTemplate::parse(text) {
        Ok(template) => Ok(template),
        Err(fault) => node.error(
            ConfigCode::BadTemplate,
            format!("{} is not a path: {}", quoted(text), fault.0),
            node.write_wanted(),
        ),
    }
}

fn read_method(node: &Node<'_>) -> Read<RequestMethod> {
    let name = node.some_text()?;
    if let Some(method) = RequestMethod::from_name(name.as_bytes()) {
        return Ok(method);
    }
    let all = || RequestMethod::all().map(RequestMethod::name);
    let help = match nearest(name, all()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("write some of {}; others are not served", quoted_list(all())),
    };
    node.error(ConfigCode::BadValue, format!("{} is not a method that is served", quoted(name)), help)
}
