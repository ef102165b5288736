//! The reader of the whole document: bytes become a [`Plan`], whole or not at all.

use serde_json::Value;

use super::applications::{self, Declared};
use super::canonical::{canonical, digest};
use super::document::{Known, Member, Node, Problems};
use super::headers::{self, Sources};
use super::plan::Plan;
use super::profiles::Profiles;
use super::request_headers::{self, Declared as DeclaredHeaders};
use super::wire::document;
use super::{devices, issuers, policies, settings};
use crate::config_error::{ConfigCode, ConfigError, ConfigWarning};
use crate::limits::{Limits, MAX_CONFIG_BYTES, MAX_CONFIG_JSON_DEPTH};
use crate::mode::Mode;
use crate::policy::{GroupHierarchy, PolicyDocument, PolicySet, Vocabulary};
use crate::reply::HeaderPolicy;
use crate::request::{AddressSource, PeerSource};
use crate::stripped::HeaderRules;

impl Plan {
    /// Compiles the bytes of a configuration, whole or not at all: JSON text, or the encoding of a
    /// `google.protobuf.Struct`, which is what Envoy hands over for a configuration written in its own YAML.
    ///
    /// # Errors
    /// Every problem it has, in the order of the document's parts. The table of codes stands in the module's documentation.
    pub fn compile(bytes: &[u8]) -> Result<(Self, Vec<ConfigWarning>), Vec<ConfigError>> {
        if bytes.len() > MAX_CONFIG_BYTES {
            return Err(vec![too_large(bytes.len())]);
        }
        match document(bytes) {
            Ok(value) => Self::compile_value(&value),
            Err(fault) => Err(vec![whole_document(
                ConfigCode::NotJson,
                format!("this is not strict JSON: {fault}"),
                "write one JSON object, each member once, in UTF-8",
            )]),
        }
    }

    /// Compiles a configuration that is a JSON value already, such as one read from YAML.
    ///
    /// # Errors
    /// As [`Plan::compile`]; the cap on bytes holds for the value written as JSON without spaces.
    pub fn compile_value(value: &Value) -> Result<(Self, Vec<ConfigWarning>), Vec<ConfigError>> {
        let Some(value) = canonical(value, MAX_CONFIG_JSON_DEPTH) else {
            return Err(vec![whole_document(
                ConfigCode::TooDeep,
                format!("objects and lists are nested more than {MAX_CONFIG_JSON_DEPTH} deep"),
                "no part of a configuration needs that; look for a list inside itself",
            )]);
        };
        let text = value.to_string();
        if text.len() > MAX_CONFIG_BYTES {
            return Err(vec![too_large(text.len())]);
        }
        let problems = Problems::default();
        let plan = read(&Node::root(&value, &problems), digest(&text));
        match (plan, problems.into_parts()) {
            (Some(plan), (errors, warnings)) if errors.is_empty() => Ok((plan, warnings)),
            (_, (errors, _)) => Err(errors),
        }
    }
}

fn whole_document(code: ConfigCode, message: String, help: &str) -> ConfigError {
    ConfigError { pointer: String::new(), position: None, code, message, help: help.to_owned() }
}

fn too_large(bytes: usize) -> ConfigError {
    whole_document(
        ConfigCode::TooLarge,
        format!("the configuration has {bytes} bytes, at most {MAX_CONFIG_BYTES} are accepted"),
        "split it: one plugin configuration for some applications each",
    )
}

const VERSION: Known = ("version", "`version: 1`");
const ISSUERS: Known = ("issuers", "an object of issuers of access tokens");
const DEVICES: Known = ("devices", "an object of device providers");
const APPLICATIONS: Known =
    ("applications", "an object of applications, such as `{ shop: { hosts: [shop.example.com], routes: {...} } }`");
const POLICIES: Known = (
    "policies",
    "Cedar policies as one text, or an object of documents with `applies_to` and `text`; an empty text permits nothing",
);
const ENTITIES: Known = ("entities", "`{ groups: {...} }` with groups that are in other groups");
const PEER: Known = ("peer", "`{ from: none }`, `{ from: tls }` or `{ from: istio-waypoint }`");
const CLIENT_ADDRESS: Known = ("client_address", "`{ from: connection }`, `{ from: trusted_xff }` or `{ from: none }`");
const GUARD: Known =
    ("guard", "`{ name: countersign }`, the filter state that the `rbac` filter after this one demands");
const ACKNOWLEDGED_FILTERS: Known = (
    "acknowledged_filters",
    "a list of names of filters between this one and the upstream, such as `[envoy.filters.http.lua]`",
);
const IDENTITY_HEADERS: Known =
    ("identity_headers", "an object of headers, such as `{ x-user-email: { fact: corp.email } }`");
const REQUEST_HEADERS: Known = (
    "request_headers",
    "`{ remove: [...], keep: [...] }`, headers of your own to remove and headers of the built-in list to keep",
);
const MODE: Known = ("mode", "`enforce` or `shadow`");
const LIMITS: Known = ("limits", "an object of caps, such as `{ max_token_bytes: 16384 }`");

/// The version of the document's shape.
const DOCUMENT_VERSION: u64 = 1;

/// Reads and compiles every part, and goes on after a part that cannot be read as far as the others do not need it.
fn read(node: &Node<'_>, digest: String) -> Option<Plan> {
    let [
        version,
        issuers,
        devices,
        applications,
        policies,
        entities,
        peer,
        client_address,
        guard,
        acknowledged_filters,
        identity_headers,
        request_headers,
        mode,
        limits,
    ] = node.members([
        VERSION,
        ISSUERS,
        DEVICES,
        APPLICATIONS,
        POLICIES,
        ENTITIES,
        PEER,
        CLIENT_ADDRESS,
        GUARD,
        ACKNOWLEDGED_FILTERS,
        IDENTITY_HEADERS,
        REQUEST_HEADERS,
        MODE,
        LIMITS,
    ])?;
    let version = version.required(read_version);
    let declared = names(&issuers).zip(names(&devices)).map(|(issuers, devices)| Declared { issuers, devices });
    let issuer_names = names(&issuers).unwrap_or_default();
    // No application at all is an error of its own, and would make every `applies_to` one more.
    let application_names = names(&applications).filter(|names| !names.is_empty());

    let mut profiles = Profiles::default();
    let issuers = issuers.or(Vec::new(), |node| issuers::read(node, &mut profiles));
    let devices = devices.or(Vec::new(), |node| devices::read(node, &issuer_names, &mut profiles));
    profiles.tell_apart(node.problems());
    let router = applications.required(|node| applications::read(node, declared.as_ref()));
    let documents = policies.required(|node| policies::read(node, application_names.as_deref()));
    let groups = entities.or(GroupHierarchy::default(), policies::read_entities);
    let peer = peer.or(PeerSource::None, settings::peer);
    let client_address = client_address.or(AddressSource::Connection, settings::client_address);
    let guard = guard.or(settings::DEFAULT_GUARD.to_owned(), settings::guard);
    let acknowledged_filters = acknowledged_filters.or((), settings::acknowledged_filters);
    let sources = Sources { issuers: issuers.as_deref(), devices: devices.as_deref() };
    let identity_headers = identity_headers.or(Vec::new(), |node| headers::read(node, sources));
    let declared_headers =
        DeclaredHeaders { devices: devices.as_deref(), identity_headers: identity_headers.as_deref() };
    let request_headers =
        request_headers.or(HeaderRules::default(), |node| request_headers::read(node, declared_headers));
    let mode = mode.or(Mode::Enforce, settings::mode);
    let limits = limits.or(Limits::default(), settings::limits);

    // Policies are judged against what they can speak of, and so only where all of that could be read.
    let (issuers, devices, router) = (issuers?, devices?, router?);
    let vocabulary = Vocabulary { issuers: &issuers, devices: &devices, router: &router };
    let policies = compile_policies(&documents?, &groups?, vocabulary, node.problems())?;
    version?;
    acknowledged_filters?;
    let mode = mode?;
    let header_policy = HeaderPolicy::compile(&issuers, &devices, identity_headers?, request_headers?, mode);
    Some(Plan {
        digest,
        issuers,
        devices,
        keys: profiles.into_key_sources(),
        router,
        policies,
        peer: peer?,
        client_address: client_address?,
        guard: guard?,
        header_policy,
        mode,
        limits: limits?,
    })
}

fn read_version(node: &Node<'_>) -> Option<()> {
    match node.value() {
        Value::Number(version) if version.as_u64() == Some(DOCUMENT_VERSION) => Some(()),
        Value::Number(other) => {
            node.error(ConfigCode::BadValue, format!("version {other} is not supported"), node.write_wanted())
        }
        _ => node.wrong_type("a whole number"),
    }
}

/// The names in a part of the document, whether their values can be read or not; `None` where it is misspelled or not an
/// object, so that what refers to it is not called unknown.
fn names<'a>(member: &Member<'a>) -> Option<Vec<&'a str>> {
    match member.node() {
        Some(node) => node.value().as_object().map(|map| map.keys().map(String::as_str).collect()),
        None => (!member.is_misspelled()).then(Vec::new),
    }
}

fn compile_policies(
    documents: &[PolicyDocument],
    groups: &GroupHierarchy,
    vocabulary: Vocabulary<'_>,
    problems: &Problems,
) -> Option<PolicySet> {
    match PolicySet::compile(documents, groups, vocabulary) {
        Ok((policies, warnings)) => {
            warnings.into_iter().for_each(|warning| problems.warn(warning));
            Some(policies)
        }
        Err(errors) => {
            errors.into_iter().for_each(|error| problems.error(error));
            None
        }
    }
}
