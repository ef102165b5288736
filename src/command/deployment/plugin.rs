//! A wasm filter that is Countersign, and what of its configuration bears on what surrounds it.

use countersign_core::config::Outline;

use super::document_kind::is_plugin;
use super::json_view::Part;
use crate::document::{Document, DocumentCode, Problem, embedded};

/// The type of a wasm filter.
pub const WASM: &str = "envoy.extensions.filters.http.wasm.v3.Wasm";

/// The plugin at one place.
#[derive(Debug)]
pub struct Plugin<'a> {
    /// Envoy's `PluginConfig`, or what a Kubernetes resource has in its place.
    pub part: Part<'a>,
    /// Its configuration, or why that cannot be read.
    pub configuration: Result<Document, Problem>,
    /// What of it bears on the surroundings.
    pub outline: Outline,
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
        let outline = configuration.as_ref().map_or_else(|_| Outline::default(), |found| Outline::read(&found.value));
        Self { part, configuration, outline }
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
