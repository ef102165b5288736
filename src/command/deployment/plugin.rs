//! A wasm filter that is Countersign, and what of its configuration bears on what stands around it.

use countersign_core::request::{AddressSource, PeerSource};
use serde_json::Value;

use super::document_kind::is_plugin;
use super::json_view::Part;
use super::key_hosts::KeyHost;
use crate::document::{Document, DocumentCode, Problem, embedded};

/// The type of a wasm filter.
pub const WASM: &str = "envoy.extensions.filters.http.wasm.v3.Wasm";

/// The guard's name where the configuration gives none.
const DEFAULT_GUARD: &str = "countersign";

/// The plugin at one place.
#[derive(Debug)]
pub struct Plugin<'a> {
    /// Envoy's `PluginConfig`, or what a Kubernetes resource has in its place.
    pub part: Part<'a>,
    /// Its configuration, or why that cannot be read.
    pub configuration: Result<Document, Problem>,
    /// What bears on the surroundings.
    pub settings: Settings,
}

/// What of a configuration bears on the surroundings; a configuration with faults is read as far as it goes.
#[derive(Debug)]
pub struct Settings {
    /// The guard's name.
    pub guard: String,
    /// Where facts about the peer come from.
    pub peer: PeerSource,
    /// Where the client's address comes from.
    pub client_address: AddressSource,
    /// The hosts of all applications; `None` where one takes any host, or nothing is known.
    pub hosts: Option<Vec<String>>,
    /// Filters after the plugin that somebody has looked at, by their names.
    pub acknowledged_filters: Vec<String>,
    /// Headers that carry identity to the upstream, beside `x-countersign-*`; in lower case.
    pub identity_headers: Vec<String>,
    /// Where keys are fetched.
    pub key_hosts: Vec<KeyHost>,
}

impl<'a> Plugin<'a> {
    /// The plugin that the `typed_config` of a filter holds, if it is ours.
    pub fn of_filter(typed_config: &Part<'a>) -> Option<Self> {
        let part = typed_config.message_of(WASM)?.member("config")?;
        let by_file = part.member("vm_config").is_some_and(|vm_config| names_our_file(&vm_config));
        let configuration = of_any(&part);
        let ours = by_file || configuration.as_ref().is_ok_and(is_ours);
        ours.then(|| Self::new(part, configuration))
    }

    /// The plugin of a Kubernetes resource, whose configuration is a plain object at `member`.
    pub fn of_resource(part: &Part<'a>, member: &str, url: Option<&str>) -> Option<Self> {
        let configuration = part.member(member).and_then(|member| part.source.document.part(&member.pointer));
        let ours = url.is_some_and(|url| url.contains("countersign")) || configuration.as_ref().is_some_and(is_ours);
        let configuration = configuration.ok_or_else(|| {
            let message = format!("the plugin has no `{member}` here");
            problem(part, message, "write the plugin's configuration there")
        });
        ours.then(|| Self::new(part.clone(), configuration))
    }

    fn new(part: Part<'a>, configuration: Result<Document, Problem>) -> Self {
        let settings = Settings::of(configuration.as_ref().map_or(&Value::Null, |document| &document.value));
        Self { part, configuration, settings }
    }
}

impl Settings {
    fn of(configuration: &Value) -> Self {
        let text = |pointer: &str| configuration.pointer(pointer).and_then(Value::as_str);
        let names = |member: &str| configuration.get(member).and_then(Value::as_object).into_iter().flatten();
        let applications: Vec<&Value> = names("applications").map(|(_, application)| application).collect();
        let any = applications.iter().any(|application| application.get("any_host") == Some(&Value::Bool(true)));
        let acknowledged = configuration.get("acknowledged_filters").and_then(Value::as_array).into_iter().flatten();
        let hosts = applications.iter().filter_map(|application| application.get("hosts")?.as_array()).flatten();
        let hosts: Vec<String> = hosts.filter_map(Value::as_str).map(str::to_owned).collect();
        Self {
            guard: text("/guard/name").unwrap_or(DEFAULT_GUARD).to_owned(),
            peer: match text("/peer/from") {
                Some("tls") => PeerSource::Tls,
                Some("istio-waypoint") => PeerSource::IstioWaypoint,
                _ => PeerSource::None,
            },
            client_address: match text("/client_address/from") {
                Some("none") => AddressSource::None,
                Some("trusted_xff") => AddressSource::TrustedXff,
                _ => AddressSource::Connection,
            },
            hosts: (!any && !hosts.is_empty()).then_some(hosts),
            acknowledged_filters: acknowledged.filter_map(Value::as_str).map(str::to_owned).collect(),
            identity_headers: names("identity_headers").map(|(name, _)| name.to_ascii_lowercase()).collect(),
            key_hosts: KeyHost::of(configuration),
        }
    }
}

fn problem(part: &Part<'_>, message: String, help: &str) -> Problem {
    let at = part.source.document.at(&part.pointer);
    let problem = Problem::new(at, DocumentCode::PluginConfiguration, message);
    Problem { pointer: Some(part.pointer.clone()), help: help.into(), ..problem }
}

/// The configuration in a `PluginConfig`.
fn of_any(plugin_config: &Part<'_>) -> Result<Document, Problem> {
    let document = plugin_config.source.document;
    let any = plugin_config.member("configuration");
    let kind = any.as_ref().and_then(|any| any.message()).map(|(kind, _)| kind);
    let value = format!("{}/value", any.as_ref().unwrap_or(plugin_config).pointer);
    match kind {
        Some("google.protobuf.StringValue") => embedded(document, &value),
        Some("google.protobuf.Struct") => document.part(&value).ok_or_else(|| {
            problem(any.as_ref().unwrap_or(plugin_config), "this Struct has no `value`".to_owned(), "write it there")
        }),
        _ => Err(problem(
            any.as_ref().unwrap_or(plugin_config),
            "the plugin has no configuration that can be read here".to_owned(),
            "write it as a google.protobuf.StringValue with JSON text, or as a google.protobuf.Struct",
        )),
    }
}

fn is_ours(configuration: &Document) -> bool {
    configuration.value.as_object().is_some_and(is_plugin)
}

fn names_our_file(vm_config: &Part<'_>) -> bool {
    let file = vm_config.path(["code", "local", "filename"]);
    let uri = vm_config.path(["code", "remote", "http_uri", "uri"]);
    let ours = |name: Part<'_>| name.text().is_some_and(|name| name.contains("countersign"));
    file.is_some_and(ours) || uri.is_some_and(ours)
}
