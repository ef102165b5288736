//! What around the plugin would undo its decisions: most ways past a filter are in the configuration around it.
//!
//! The documents of all files are read together into one [`Model`]; each concern has a file with functions over it.
//! Nothing here starts or asks an Envoy, and nothing that is written in the documents is believed to be what runs: a
//! proxy's configuration dump is the surest thing to check.
//!
//! Read are Envoy bootstraps, listeners, route configurations, discovered extensions, secrets and configuration dumps
//! (JSON or YAML), clusters with them, and of Kubernetes resources WasmPlugin, TrafficExtension, EnvoyFilter, ServiceEntry,
//! DestinationRule, EnvoyExtensionPolicy and EnvoyPatchPolicy. Connection managers without the plugin are left alone, except beside one with it: in the same listener,
//! or before the same upstream.
//!
//! Looked at is what changes a request after the decision, what gives a client another answer, what reaches the upstream another
//! way, and what runs without the plugin. `envoy/README.md` lists the members of each kind, and what no file can show: runtime
//! settings, resources that are not given, programs in filters, and other processes that reach the upstream.
//!
//! A filter between the plugin and the upstream has to be on the list of harmless ones, or among the `acknowledged_filters` of
//! the plugin's configuration.
//!
//! # Findings
//!
//! | code | level | why |
//! |---|---|---|
//! | `guard-missing` | error | a worker on which the plugin fails to start would forward every request unfiltered |
//! | `guard-shared` | error | an allow of one plugin would pass for both |
//! | `guard-overridden` | error | requests of this part are forwarded without an allow wherever the plugin does not run |
//! | `guard-forged` | error | another filter sets what the guard demands, and the guard would let requests pass that nobody judged |
//! | `plugin-disabled` | error | requests there are not judged, and the guard, where it stands, refuses all of them |
//! | `plugin-replaced` | error | the more specific policy takes the place of the Gateway's, and its routes run without the plugin |
//! | `upgrade-chain` | error | requests that upgrade run through these filters alone, and nobody judges them |
//! | `filter-unacknowledged` | error | a filter between the plugin and the upstream may change path, host or identity headers after the decision |
//! | `identity-header-changed` | error | the upstream would believe a value that was not verified, or miss one |
//! | `internal-redirect` | error | Envoy sends the request once more to a path that the upstream names, and it is judged on less evidence |
//! | `custom-response-redirect` | error | Envoy sends a second request in place of an answer, a refusal too, and it is judged on less evidence |
//! | `fail-open` | error | a plugin that cannot run is left out, and requests are forwarded unfiltered |
//! | `peer-unverified` | error | certificates that no trusted CA signed are accepted, so anybody can write the peer that policies believe |
//! | `key-cluster-missing` | error | every fetch of these keys fails, and requests that need them are answered 503 |
//! | `key-cluster-unauthenticated` | error | anybody on the way could say which keys are right, and then be whoever they like |
//! | `key-cluster-sni` | error | a provider that shares its address answers with somebody else's certificate, and no keys come |
//! | `vm-id-shared` | error | a module that is not the plugin could plant keys in the data that both share |
//! | `capability-missing` | error | requests are then refused, pass the plugin unjudged, or keep trailers that a client wrote |
//! | `cached-unjudged` | error | it sends requests without a token to the upstream itself, past the plugin and its guard |
//! | `guard-unseen` | warning | whether the guard stands after the plugin cannot be seen |
//! | `routes-unseen` | warning | whether a route switches off the plugin or the guard cannot be seen |
//! | `plugin-unseen` | warning | whether the plugin runs here, and with which configuration, cannot be seen |
//! | `chain-without-plugin` | warning | what a client reaches through another filter chain of the same listener is not judged |
//! | `acknowledged-unused` | warning | a filter that is given the name later would be let through without a look |
//! | `filter-optional` | warning | an Envoy that does not know the filter leaves it out without a word |
//! | `upstream-otherwise` | warning | what a client reaches that way is not judged |
//! | `request-picks-target` | warning | bytes of the request choose the upstream, or the host or path that it sees, after the decision on another |
//! | `request-rewritten` | warning | the upstream serves another path, host or method than the one that the policies judged |
//! | `request-mirrored` | warning | another upstream receives each allowed request too, with its identity headers and every forwarded token |
//! | `tunnel-unjudged` | warning | requests inside a tunnel reach the upstream without a decision |
//! | `answer-replaced` | warning | a client receives another answer than the plugin's, so its status, reason or decision id is lost |
//! | `admin-exposed` | warning | any client that reaches it can change runtime settings, stop Envoy and read its configuration |
//! | `capability-record` | warning | decisions and faults do not appear in Envoy's log or in its statistics |
//! | `fail-reload` | warning | after one fault of the module that worker answers 503 until Envoy is started anew |
//! | `key-cluster-unseen` | warning | whether the proxy authenticates the provider cannot be seen |
//! | `key-cluster-name` | warning | the provider is known there by another name than in its URL |
//! | `vm-id` | warning | other modules without one share its data space, and modules of the same code share its VM |
//! | `stream-idle-timeout` | warning | a request that waits in a module that ended is answered by nothing else |
//! | `path-options` | warning | runtime settings decide what becomes of a path before it is judged |
//! | `client-address` | warning | Envoy then takes the client's address from `X-Forwarded-For`, which a client can write |
//! | `client-certificate` | warning | policies that ask for the peer see none where a client sends no certificate |
//! | `hosts-differ` | warning | requests for such a host are always refused, or never come |
//! | `plugin-phase` | warning | Istio's jwt_authn removes the token before the plugin can see it |
//! | `plugin-ports` | warning | the port that Istio compares is not always the one that was meant, and the plugin is left out without a word |
//! | `plugin-target` | warning | whether the plugin runs is settled by the route that was matched first, and a later change of route passes it by |

mod admin;
mod capabilities;
mod chain;
pub mod cluster;
mod codes;
mod connection;
mod destinations;
mod discovery;
pub mod document_kind;
mod failure;
mod findings;
mod gateway;
mod guard;
mod headers;
mod hosts;
mod istio;
mod json_view;
mod key_clusters;
mod key_hosts;
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
pub mod validation;

#[cfg(test)]
mod tests;

pub use codes::Level;
pub use findings::{Finding, Findings};
pub use json_view::{Part, Source};
pub use model::Model;

/// All findings of all documents.
pub fn judge(model: &Model<'_>) -> Vec<Finding> {
    let mut findings = Findings::default();
    guard::judge(model, &mut findings);
    discovery::judge(model, &mut findings);
    chain::judge(model, &mut findings);
    routes::judge(model, &mut findings);
    for manager in model.managers.iter().filter(|manager| manager.has_plugin()) {
        manager.routes.iter().for_each(|routes| after_the_decision(routes, &mut findings));
    }
    headers::judge(model, &mut findings);
    mirrors::of_clusters(model, &mut findings);
    upstreams::judge(model, &mut findings);
    redirects::judge(model, &mut findings);
    local_replies::judge(model, &mut findings);
    failure::judge(model, &mut findings);
    capabilities::judge(model, &mut findings);
    admin::judge(model, &mut findings);
    key_clusters::judge(model, &mut findings);
    connection::judge(model, &mut findings);
    peer::judge(model, &mut findings);
    hosts::judge(model, &mut findings);
    istio::judge(model, &mut findings);
    gateway::judge(model, &mut findings);
    findings.0
}

/// What routes, or a part of them that a patch adds, make of a request that was allowed.
fn after_the_decision(routes: &Part<'_>, findings: &mut Findings) {
    rewrites::judge(routes, findings);
    upstreams::chosen_by_routes(routes, findings);
    upstreams::tunnels(routes, findings);
    mirrors::judge(routes, findings);
    redirects::internal(routes, findings);
}
