//! Checks of the configuration around the plugin: most ways to bypass a filter are in the configuration around it.
//!
//! The documents of all files are read together into one [`Model`]; each concern has a file with functions over it.
//! Nothing here starts or queries an Envoy, and the documents may differ from the configuration that runs: the most reliable
//! input is the configuration dump of the proxy.
//!
//! It reads Envoy bootstraps, listeners, route configurations, discovered extensions, secrets and configuration dumps
//! (JSON or YAML), clusters with them, and of Kubernetes resources WasmPlugin, TrafficExtension, EnvoyFilter, ServiceEntry,
//! DestinationRule, EnvoyExtensionPolicy and EnvoyPatchPolicy. Connection managers without the
//! plugin are ignored, unless they share a listener or an upstream with one that has it.
//!
//! It looks for members that change a request after the decision, give a client another answer, reach the upstream without the
//! plugin, or disable the plugin. `docs/deployment.md` lists them, and the limits of the check: runtime settings, resources that are
//! not given, programs in filters, and other processes that reach the upstream.
//!
//! A filter between the plugin and the upstream has to be on the list of harmless ones, or among the `acknowledged_filters` of
//! the plugin's configuration.
//!
//! The codes of all findings, each with its level and reason, are in `docs/findings.md`.
//!
//! # Use
//!
//! ```
//! use countersign_command::deployment::{Model, check, sources};
//! use countersign_command::document::parse;
//!
//! let envoy = parse("envoy.yaml", b"static_resources: { listeners: [] }").unwrap();
//! let files = [envoy.documents];
//! let sources = sources(&files);
//! for finding in check(&Model::read(&sources)) {
//!     println!("{}: {}", finding.problem.code, finding.problem.message);
//! }
//! ```

mod admin;
mod capabilities;
mod chain;
pub(crate) mod cluster;
mod codes;
mod connection;
mod cookies;
mod delivery;
mod destinations;
mod discovery;
pub(crate) mod document_kind;
mod failure;
mod findings;
mod gateway;
mod guard;
mod headers;
mod hosts;
mod istio;
mod json_view;
mod key_clusters;
mod local_replies;
mod mirrors;
mod model;
mod peer;
mod plugin;
mod read;
mod redirects;
mod rewrites;
mod routes;
mod upstreams;
pub(crate) mod validation;

#[cfg(test)]
mod tests;

use crate::document::Document;

pub use codes::Code;
pub use findings::Finding;
pub(crate) use findings::Findings;
pub(crate) use json_view::Part;
pub use json_view::Source;
pub use model::Model;

/// The documents of several files, as they are checked together.
#[must_use]
pub fn sources(files: &[Vec<Document>]) -> Vec<Source<'_>> {
    let documents = files.iter().enumerate();
    let documents = documents.flat_map(|(file, documents)| documents.iter().map(move |own| (file, own)));
    documents.enumerate().map(|(index, (file, document))| Source { file, index, document }).collect()
}

/// All findings of all documents.
#[must_use]
pub fn check(model: &Model<'_>) -> Vec<Finding> {
    let mut findings = Findings::default();
    guard::check(model, &mut findings);
    discovery::check(model, &mut findings);
    delivery::check(model, &mut findings);
    chain::check(model, &mut findings);
    routes::check(model, &mut findings);
    for manager in model.managers.iter().filter(|manager| manager.has_plugin()) {
        manager.routes.iter().for_each(|routes| after_the_decision(routes, &mut findings));
    }
    headers::check(model, &mut findings);
    cookies::check(model, &mut findings);
    mirrors::of_clusters(model, &mut findings);
    upstreams::check(model, &mut findings);
    redirects::check(model, &mut findings);
    local_replies::check(model, &mut findings);
    failure::check(model, &mut findings);
    capabilities::check(model, &mut findings);
    admin::check(model, &mut findings);
    key_clusters::check(model, &mut findings);
    connection::check(model, &mut findings);
    peer::check(model, &mut findings);
    hosts::check(model, &mut findings);
    istio::check(model, &mut findings);
    gateway::check(model, &mut findings);
    findings.0
}

/// Changes that routes, or a patch of routes, make to a request after it was allowed.
fn after_the_decision(routes: &Part<'_>, findings: &mut Findings) {
    rewrites::check(routes, findings);
    upstreams::chosen_by_routes(routes, findings);
    upstreams::tunnels(routes, findings);
    mirrors::check(routes, findings);
    redirects::internal(routes, findings);
}
