//! The filters around the plugin: those between it and the router, and the chains of upgrades.

use super::codes::Code;
use super::discovery;
use super::findings::Findings;
use super::guard::is_guard;
use super::json_view::Part;
use super::model::{Chain, Filter, HttpConnectionManager, Model};
use super::plugin::{Plugin, WASM};

/// Filters that leave path, host and headers that carry identity as they are, and keep the route.
///
/// Not here, though common: `ratelimit` (its service can add request headers), `ext_authz`, `ext_proc`, `lua`,
/// `jwt_authn`, `header_mutation`, `json_to_metadata` with its route cache, other wasm modules.
const HARMLESS: [&str; 18] = [
    // They answer, or let pass what came. That a local rate limit may add headers is looked at (`ADDS_HEADERS`).
    "envoy.extensions.filters.http.rbac.v3.RBAC",
    "envoy.extensions.filters.http.fault.v3.HTTPFault",
    "envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit",
    "envoy.extensions.filters.http.cors.v3.Cors",
    "envoy.extensions.filters.http.csrf.v3.CsrfPolicy",
    "envoy.extensions.filters.http.health_check.v3.HealthCheck",
    "envoy.extensions.filters.http.admission_control.v3.AdmissionControl",
    "envoy.extensions.filters.http.adaptive_concurrency.v3.AdaptiveConcurrency",
    // They change the body, and the headers that describe it.
    "envoy.extensions.filters.http.buffer.v3.Buffer",
    "envoy.extensions.filters.http.bandwidth_limit.v3.BandwidthLimit",
    "envoy.extensions.filters.http.compressor.v3.Compressor",
    "envoy.extensions.filters.http.decompressor.v3.Decompressor",
    "envoy.extensions.filters.http.grpc_web.v3.GrpcWeb",
    // The last of the filters behind a router: it writes the request to the upstream.
    "envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec",
    // They count, tell the other side who this one is, or choose a protocol for the upstream connection; the last three are
    // Istio's.
    "envoy.extensions.filters.http.grpc_stats.v3.FilterConfig",
    "stats.PluginConfig",
    "envoy.tcp.metadataexchange.config.MetadataExchange",
    "istio.envoy.config.filter.http.alpn.v2alpha1.FilterConfig",
];

/// Filters that ask the upstream themselves, past all filters behind them, and answer later requests with what they got. They
/// leave out requests with `Authorization`; a client leaves it out too.
const CACHES: [&str; 2] =
    ["envoy.extensions.filters.http.cache.v3.CacheConfig", "envoy.extensions.filters.http.cache_v2.v3.CacheV2Config"];

/// The member by which a harmless filter adds request headers after all.
const ADDS_HEADERS: &str = "request_headers_to_add_when_not_enforced";

/// Checks all chains of connection managers that have the plugin.
pub fn check(model: &Model<'_>, findings: &mut Findings) {
    for manager in model.managers.iter().filter(|manager| manager.has_plugin()) {
        for chain in &manager.chains {
            upgrade(manager, chain, findings);
            cached(chain, findings);
            between(manager, chain, findings);
            switched(chain, findings);
        }
        unused(manager, findings);
        beside(manager, model, findings);
    }
}

/// An upgrade whose filters lack the plugin and have its guard is refused always, and nothing passes.
fn upgrade(manager: &HttpConnectionManager<'_>, chain: &Chain<'_>, findings: &mut Findings) {
    let is_guarded = |plugin: &Plugin<'_>| chain.filters.iter().any(|filter| is_guard(filter, &plugin.outline.guard));
    if manager.plugins().all(is_guarded) {
        return;
    }
    if let Some(upgrade) = chain.upgrade.as_ref().filter(|_| !chain.has_plugin()) {
        let kind = upgrade.text_of("upgrade_type").unwrap_or("an upgrade");
        let what = format!("`{kind}` has its own filters, without the plugin and its guard");
        let help = "remove `filters` here: upgrades then pass `http_filters`; or add the plugin and its guard \
                    here too, before the router";
        findings.add(Code::UpgradeChain, upgrade, &what, help);
    }
}

/// Caches before the plugin. After it, a cache is one of the filters that the operator has to review.
fn cached(chain: &Chain<'_>, findings: &mut Findings) {
    let Some(last) = chain.filters.iter().rposition(|filter| filter.plugin.is_some()) else { return };
    for filter in chain.filters.iter().take(last) {
        let kind = filter.message.as_ref().map(|(kind, _)| *kind);
        if let Some(kind) = kind.filter(|kind| CACHES.contains(kind)) {
            let what = format!("the filter `{}` ({kind}) comes before the plugin", filter.name);
            findings.add(Code::CachedUnjudged, &filter.part, &what, "remove it");
        }
    }
}

/// What may change a request after the decision: filters before the router, and those behind it.
fn between(manager: &HttpConnectionManager<'_>, chain: &Chain<'_>, findings: &mut Findings) {
    for (_, plugin, mut after) in chain.plugins() {
        after.extend(&manager.behind_router);
        for filter in after {
            unacknowledged(filter, plugin, findings);
        }
    }
}

/// Reports a filter after this plugin, unless it is harmless or acknowledged.
pub fn unacknowledged(filter: &Filter<'_>, plugin: &Plugin<'_>, findings: &mut Findings) {
    if !needs_a_look(filter) || plugin.outline.acknowledged_filters.iter().any(|name| name == filter.name) {
        return;
    }
    let kind = filter.message.as_ref().map(|(kind, _)| *kind);
    let kind = kind.unwrap_or("its configuration is not in these files");
    let what = format!("the filter `{}` ({kind}) is between the plugin and the upstream", filter.name);
    let help = format!(
        "move it before the plugin; or, if it changes none of these, write in the plugin's configuration:\n\
         acknowledged_filters: [{}]",
        filter.name
    );
    findings.add(Code::FilterUnacknowledged, &filter.part, &what, &help);
}

/// Acknowledged names that no chain of the manager has a use for.
fn unused(manager: &HttpConnectionManager<'_>, findings: &mut Findings) {
    let after = manager.chains.iter().flat_map(Chain::plugins).flat_map(|(_, _, after)| after);
    let after = after.chain(&manager.behind_router);
    let used: Vec<&str> = after.filter(|filter| needs_a_look(filter)).map(|filter| filter.name).collect();
    for plugin in manager.plugins() {
        for name in plugin.outline.acknowledged_filters.iter().filter(|name| !used.contains(&name.as_str())) {
            let what = format!(
                "`{name}` is acknowledged, and no filter of this name between the plugin and the upstream needs it"
            );
            findings.add(Code::AcknowledgedUnused, &plugin.part, &what, "remove it from `acknowledged_filters`");
        }
    }
}

/// Whether the operator has to review a filter after the plugin.
fn needs_a_look(filter: &Filter<'_>) -> bool {
    filter.plugin.is_none() && !is_harmless(filter)
}

fn is_harmless(filter: &Filter<'_>) -> bool {
    let Some((kind, message)) = &filter.message else { return false };
    HARMLESS.contains(kind) && message.list(ADDS_HEADERS).is_empty()
}

/// Plugin and guard that are not there for every request. That routes switch on what is off here is seen with the
/// routes.
fn switched(chain: &Chain<'_>, findings: &mut Findings) {
    for (filter, plugin, after) in chain.plugins() {
        if !filter.is(WASM) {
            let what = format!("`{}` runs the plugin only for requests that a matcher selects", filter.name);
            findings.add(Code::PluginDisabled, &filter.part, &what, "write the plugin as a filter of its own");
        }
        let guards = after.into_iter().filter(|after| is_guard(after, &plugin.outline.guard));
        let is_plugin = |part: &Part<'_>| Plugin::of_filter(part).is_some();
        if filter.until_discovered.as_ref().is_some_and(|until| !is_plugin(until)) {
            let what = format!("`{}` runs something else until the plugin is discovered", filter.name);
            findings.add(Code::PluginDisabled, &filter.part, &what, "remove `default_config`");
        }
        for filter in guards.chain([filter]).filter(|filter| filter.part.flag("is_optional")) {
            let what = format!("`{}` has `is_optional: true`", filter.name);
            findings.add(Code::FilterOptional, &filter.part, &what, "remove `is_optional`");
        }
    }
}

/// Other filter chains of the same listener.
fn beside(manager: &HttpConnectionManager<'_>, model: &Model<'_>, findings: &mut Findings) {
    let Some(listener) = &manager.listener else { return };
    let forwards = |other: &HttpConnectionManager<'_>| {
        let routes = other.routes.iter().flat_map(|routes| routes.find(&|part| part.member("route").is_some()));
        other.routes_elsewhere.is_some() || routes.count() > 0
    };
    let without = |other: &&HttpConnectionManager<'_>| {
        let has_plugin = other.has_plugin() || discovery::may_have_plugin(model, other);
        listener.holds(&other.part) && !has_plugin && forwards(other)
    };
    for other in model.managers.iter().filter(without) {
        let what = "this connection manager has no plugin";
        findings.add(Code::ChainWithoutPlugin, &other.part, what, "write the plugin and its guard here too");
    }
}
