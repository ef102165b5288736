//! The reader of the whole document: bytes become a [`Plan`], whole or not at all.

use serde_json::Value;

use super::applications::{self, APPLICATIONS, Declared};
use super::canonical::{canonical, digest as digest_of};
use super::devices::{self, DEVICES};
use super::headers::{self, IDENTITY_HEADERS, Sources};
use super::issuers::{self, ISSUERS};
use super::peer::{self, PEER, PeerTrust};
use super::places;
use super::plan::Plan;
use super::policies::{self, ENTITIES, MISSING_FACTS, POLICIES, Written};
use super::profiles::Profiles;
use super::reader::{Entries, Field, Node, Presence, Problems, Read, Shape, share};
use super::reply::{self, REPLY};
use super::request_headers::{self, Declared as DeclaredHeaders, REQUEST_HEADERS};
use super::settings::{self, ACKNOWLEDGED_FILTERS, CLIENT_ADDRESS, GUARD, LIMITS, MODE, RECORD};
use super::wire::document;
use crate::config_error::{ConfigCode, ConfigError, ConfigWarning};
use crate::evidence::CredentialPlaces;
use crate::limits::{MAX_CONFIG_BYTES, MAX_CONFIG_JSON_DEPTH};
use crate::policy::{GroupHierarchy, PolicyDocument, PolicySet, Vocabulary};
use crate::reply::{HeaderPolicy, Schemes};

impl Plan {
    /// Compiles the bytes of a configuration, whole or not at all: JSON text, or the encoding of a
    /// `google.protobuf.Struct`, which is what Envoy hands over for a configuration written in its own YAML.
    ///
    /// # Errors
    /// Every problem it has, in the order of the document's parts. [`ConfigCode`] lists their kinds.
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
        let plan = read(&Node::root(&value, &DOCUMENT, &problems), digest_of(&text));
        match (plan, problems.into_parts()) {
            (Ok(plan), (errors, warnings)) if errors.is_empty() => Ok((plan, warnings)),
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

/// The version of the document's format.
const DOCUMENT_VERSION: u64 = 1;

/// The document.
pub(super) static DOCUMENT: Shape = Shape::Object(&[&MEMBERS]);

/// The members of the document.
static MEMBERS: [Field; 17] = [
    Field {
        name: "version",
        presence: Presence::Required,
        shape: Shape::Exactly(DOCUMENT_VERSION),
        write: "`version: 1`",
        about: "the version of this format",
    },
    ISSUERS,
    DEVICES,
    APPLICATIONS,
    POLICIES,
    MISSING_FACTS,
    ENTITIES,
    PEER,
    CLIENT_ADDRESS,
    GUARD,
    ACKNOWLEDGED_FILTERS,
    IDENTITY_HEADERS,
    REQUEST_HEADERS,
    REPLY,
    MODE,
    RECORD,
    LIMITS,
];

/// Reads and compiles every part. After a part that cannot be read, the parts that do not need it are still read.
fn read(node: &Node<'_>, digest: String) -> Read<Plan> {
    let [
        version,
        issuers,
        devices,
        applications,
        policies,
        missing_facts,
        entities,
        peer,
        client_address,
        guard,
        acknowledged_filters,
        identity_headers,
        request_headers,
        reply,
        mode,
        record,
        limits,
    ] = node.members(&MEMBERS)?;
    let version = version.required(read_version);
    let issuers = issuers.or_empty(Node::entries);
    let devices = devices.or_empty(Node::entries);
    let applications = applications.required(applications::entries);
    let issuer_names = names(&issuers);
    let application_names = names(&applications);
    let peer = peer.or_default(peer::read);
    let has_workloads = share(&peer).map(|peer| !peer.trust_domains.is_empty());
    let declared = issuer_names
        .clone()
        .and_then(|issuers| Ok(Declared { issuers, devices: names(&devices)?, has_workloads: has_workloads? }));

    let mut profiles = Profiles::default();
    let issuer_entries = issuers;
    let issuers = share(&issuer_entries).and_then(|entries| issuers::read(entries, &mut profiles));
    let issuer_names = share(&issuer_names).map(Vec::as_slice);
    let device_entries = devices;
    let devices =
        share(&device_entries).and_then(|entries| devices::read(entries, issuer_names, &mut profiles, node.problems()));
    let apart = profiles.tell_apart(node.problems());
    let entities = entities.or_empty(policies::read_entities);
    let attributes = share(&entities).map(|entities| entities.attributes.as_slice());
    let router = share(&applications).and_then(|entries| applications::read(entries, share(&declared), attributes));
    let application_names = share(&application_names).map(Vec::as_slice);
    let missing_facts = missing_facts.or_default(policies::missing_facts);
    let written = policies.required(|node| {
        let written = policies::read(node, application_names, missing_facts)?;
        Ok((written, digest_of(&node.value().to_string())))
    });
    let client_address = client_address.or_default(settings::client_address);
    let guard = guard.or_default(settings::guard);
    let acknowledged_filters = acknowledged_filters.or_empty(settings::acknowledged_filters);
    let sources = Sources { issuers: share(&issuers), devices: share(&devices) };
    let identity_headers = identity_headers.or_empty(|node| headers::read(node, sources));
    let apart_places = places::tell_apart(node, share(&issuers), share(&devices), share(&identity_headers));
    let declared_headers = DeclaredHeaders {
        issuers: share(&issuers),
        devices: share(&devices),
        identity_headers: share(&identity_headers),
    };
    let request_headers = request_headers.or_empty(|node| request_headers::read(node, declared_headers));
    let answer_detail = reply.or_default(reply::read);
    let mode = mode.or_default(settings::mode);
    let sampling = record.or_default(settings::record);
    let limits = limits.or_default(settings::limits);

    let sources_agree = match (&issuers, &peer) {
        (Ok(read), Ok(peer)) => {
            share(&issuer_entries).and_then(|entries| issuers::agree_on_peer(entries, read, peer.source))
        }
        _ => Ok(()),
    };
    let devices_agree = match (&devices, &peer) {
        (Ok(read), Ok(peer)) => {
            share(&device_entries).and_then(|entries| devices::agree_on_peer(entries, read, peer.source))
        }
        _ => Ok(()),
    };

    // Policies are judged against what they can speak of, and so only where all of that could be read.
    let (issuers, devices, router) = (issuers?, devices?, router?);
    let PeerTrust { source: peer, trust_domains } = peer?;
    let vocabulary =
        Vocabulary { issuers: &issuers, devices: &devices, trust_domains: &trust_domains, router: &router };
    let (written, policies_digest) = written?;
    let policies = compile_policies(&written, &entities?.groups, vocabulary, node.problems())?;
    version?;
    apart?;
    apart_places?;
    acknowledged_filters?;
    sources_agree?;
    devices_agree?;
    let mode = mode?;
    let schemes = Schemes::of(&issuers);
    let header_policy = HeaderPolicy::compile(&issuers, &devices, identity_headers?, request_headers?, mode);
    Ok(Plan {
        policies_digest: policies_digest.into(),
        digest: digest.into(),
        credential_places: CredentialPlaces::of(&issuers),
        issuers,
        devices,
        keys: profiles.into_key_sources(),
        router,
        policies,
        peer,
        trust_domains,
        client_address: client_address?,
        guard: guard?,
        header_policy,
        schemes,
        answer_detail: answer_detail?,
        mode,
        sampling: sampling?,
        limits: limits?,
    })
}

fn read_version(node: &Node<'_>) -> Read<()> {
    match node.value() {
        Value::Number(version) if version.as_u64() == Some(DOCUMENT_VERSION) => Ok(()),
        Value::Number(other) => {
            node.error(ConfigCode::BadValue, format!("version {other} is not supported"), node.write_wanted())
        }
        _ => node.wrong_type("a whole number"),
    }
}

/// The names of the entries, whether the entries themselves can be read or not. So a name that refers to one is not reported
/// as unknown because of an error elsewhere.
fn names<'a>(entries: &Read<Entries<'a>>) -> Read<Vec<&'a str>> {
    share(entries).map(|entries| entries.iter().map(|(name, _)| *name).collect())
}

fn compile_policies(
    written: &Written,
    groups: &GroupHierarchy,
    vocabulary: Vocabulary<'_>,
    problems: &Problems,
) -> Read<PolicySet> {
    match written {
        Written::Documents(documents) => compile_documents(documents, groups, vocabulary, problems),
        Written::Prepared(prepared) => {
            PolicySet::load(prepared, groups, vocabulary).map_err(|errors| problems.errors(errors))
        }
    }
}

#[cfg(feature = "cedar")]
fn compile_documents(
    documents: &[PolicyDocument],
    groups: &GroupHierarchy,
    vocabulary: Vocabulary<'_>,
    problems: &Problems,
) -> Read<PolicySet> {
    match PolicySet::compile(documents, groups, vocabulary) {
        Ok((policies, warnings)) => {
            warnings.into_iter().for_each(|warning| problems.warn(warning));
            Ok(policies)
        }
        Err(errors) => Err(problems.errors(errors)),
    }
}

/// The lean module has no parser of policies.
#[cfg(not(feature = "cedar"))]
fn compile_documents(
    documents: &[PolicyDocument],
    _: &GroupHierarchy,
    _: Vocabulary<'_>,
    problems: &Problems,
) -> Read<PolicySet> {
    Err(problems.error(ConfigError {
        pointer: documents.first().map(|document| document.pointer.clone()).unwrap_or_default(),
        position: None,
        code: ConfigCode::PolicyText,
        message: "the policies are text, and this module (countersign-lean.wasm) accepts prepared policies only"
            .to_owned(),
        help: "run `countersign prepare` on the configuration and deploy what it writes, or use countersign.wasm"
            .to_owned(),
    }))
}
