//! What can be wrong around the plugin: code, level and reason of each finding.

use countersign_core::codes;

use crate::document::Level;

codes! {
    /// A kind of finding. The sentence says why it is one, and follows what was found.
    pub enum Code(level: Level, reason);

    GuardMissing = "guard-missing", Level::Error,
        "a worker on which the plugin fails to start would forward every request unfiltered";
    GuardShared = "guard-shared", Level::Error,
        "an allow of one plugin would pass for both";
    GuardOverridden = "guard-overridden", Level::Error,
        "requests of this part are forwarded without an allow wherever the plugin does not run";
    GuardForged = "guard-forged", Level::Error,
        "another filter sets what the guard demands, and the guard would let requests pass that nobody judged";
    PluginDisabled = "plugin-disabled", Level::Error,
        "requests there are not judged, and the guard, where it stands, refuses all of them";
    PluginReplaced = "plugin-replaced", Level::Error,
        "the more specific policy takes the place of the Gateway's, and its routes run without the plugin";
    UpgradeChain = "upgrade-chain", Level::Error,
        "requests that upgrade run through these filters alone, and nobody judges them";
    FilterUnacknowledged = "filter-unacknowledged", Level::Error,
        "a filter between the plugin and the upstream may change path, host or identity headers after the decision";
    IdentityHeaderChanged = "identity-header-changed", Level::Error,
        "the upstream would believe a value that was not verified, or miss one";
    InternalRedirect = "internal-redirect", Level::Error,
        "Envoy sends the request once more to a path that the upstream names, and it is judged on less evidence";
    CustomResponseRedirect = "custom-response-redirect", Level::Error,
        "Envoy sends a second request in place of an answer, a refusal too, and it is judged on less evidence";
    FailOpen = "fail-open", Level::Error,
        "a plugin that cannot run is left out, and requests are forwarded unfiltered";
    PeerUnverified = "peer-unverified", Level::Error,
        "certificates that no trusted CA signed are accepted, so anybody can write the peer that policies believe";
    KeyClusterMissing = "key-cluster-missing", Level::Error,
        "every fetch of these keys fails, and requests that need them are answered 503";
    KeyClusterUnauthenticated = "key-cluster-unauthenticated", Level::Error,
        "anybody on the way could say which keys are right, and then be whoever they like";
    KeyClusterSni = "key-cluster-sni", Level::Error,
        "a provider that shares its address answers with somebody else's certificate, and no keys come";
    VmIdShared = "vm-id-shared", Level::Error,
        "a module that is not the plugin could plant keys in the data that both share";
    CapabilityMissing = "capability-missing", Level::Error,
        "requests are then refused, pass the plugin unjudged, or keep trailers that a client wrote";
    CachedUnjudged = "cached-unjudged", Level::Error,
        "it sends requests without a token to the upstream itself, past the plugin and its guard";
    GuardUnseen = "guard-unseen", Level::Warning,
        "whether the guard stands after the plugin cannot be seen";
    RoutesUnseen = "routes-unseen", Level::Warning,
        "whether a route switches off the plugin or the guard cannot be seen";
    PluginUnseen = "plugin-unseen", Level::Warning,
        "whether the plugin runs here, and with which configuration, cannot be seen";
    ChainWithoutPlugin = "chain-without-plugin", Level::Warning,
        "what a client reaches through another filter chain of the same listener is not judged";
    AcknowledgedUnused = "acknowledged-unused", Level::Warning,
        "a filter that is given the name later would be let through without a look";
    FilterOptional = "filter-optional", Level::Warning,
        "an Envoy that does not know the filter leaves it out without a word";
    UpstreamOtherwise = "upstream-otherwise", Level::Warning,
        "what a client reaches that way is not judged";
    RequestPicksTarget = "request-picks-target", Level::Warning,
        "bytes of the request choose the upstream, or the host or path that it sees, after the decision on another";
    RequestRewritten = "request-rewritten", Level::Warning,
        "the upstream serves another path, host or method than the one that the policies judged";
    RequestMirrored = "request-mirrored", Level::Warning,
        "another upstream receives each allowed request too, with its identity headers and every forwarded token";
    TunnelUnjudged = "tunnel-unjudged", Level::Warning,
        "requests inside a tunnel reach the upstream without a decision";
    AnswerReplaced = "answer-replaced", Level::Warning,
        "a client receives another answer than the plugin's, so its status, reason or decision id is lost";
    AdminExposed = "admin-exposed", Level::Warning,
        "any client that reaches it can change runtime settings, stop Envoy and read its configuration";
    CapabilityRecord = "capability-record", Level::Warning,
        "decisions and faults do not appear in Envoy's log or in its statistics";
    FailReload = "fail-reload", Level::Warning,
        "after one fault of the module that worker answers 503 until Envoy is started anew";
    KeyClusterUnseen = "key-cluster-unseen", Level::Warning,
        "whether the proxy authenticates the provider cannot be seen";
    KeyClusterName = "key-cluster-name", Level::Warning,
        "the provider is known there by another name than in its URL";
    VmId = "vm-id", Level::Warning,
        "other modules without one share its data space, and modules of the same code share its VM";
    StreamIdleTimeout = "stream-idle-timeout", Level::Warning,
        "a request that waits in a module that ended is answered by nothing else";
    PathOptions = "path-options", Level::Warning,
        "runtime settings decide what becomes of a path before it is judged";
    ClientAddress = "client-address", Level::Warning,
        "Envoy then takes the client's address from `X-Forwarded-For`, which a client can write";
    ClientCertificate = "client-certificate", Level::Warning,
        "policies that ask for the peer see none where a client sends no certificate";
    HostsDiffer = "hosts-differ", Level::Warning,
        "requests for such a host are always refused, or never come";
    PluginPhase = "plugin-phase", Level::Warning,
        "Istio's jwt_authn removes the token before the plugin can see it";
    PluginPorts = "plugin-ports", Level::Warning,
        "the port that Istio compares is not always the one that was meant, and the plugin is left out without a word";
    PluginTarget = "plugin-target", Level::Warning,
        "whether the plugin runs is settled by the route that was matched first, and a later change of route passes it by";
}
