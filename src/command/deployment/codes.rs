//! The kinds of findings: code, level and reason of each.

use countersign_core::codes;

use crate::document::Level;

codes! {
    /// A kind of finding. The sentence says why it is one, and follows what was found.
    pub enum Code(level: Level, reason);

    GuardMissing = "guard-missing", Level::Error,
        "a worker on which the plugin fails to start would forward every request without a decision";
    GuardShared = "guard-shared", Level::Error,
        "a request that one plugin allows would pass the guard of the other";
    GuardOverridden = "guard-overridden", Level::Error,
        "where the plugin does not run, these requests are forwarded without a decision";
    GuardForged = "guard-forged", Level::Error,
        "another filter sets the value that the guard requires, so the guard would forward requests without a decision";
    PluginDisabled = "plugin-disabled", Level::Error,
        "the plugin decides no request there; the guard, if there is one, rejects all of them";
    PluginReplaced = "plugin-replaced", Level::Error,
        "the more specific policy replaces the Gateway's, so its routes run without the plugin";
    UpgradeChain = "upgrade-chain", Level::Error,
        "requests that upgrade pass only these filters, so they are forwarded without a decision";
    FilterUnacknowledged = "filter-unacknowledged", Level::Error,
        "a filter between the plugin and the upstream can change path, host or identity headers after the decision";
    IdentityHeaderChanged = "identity-header-changed", Level::Error,
        "the upstream would trust a value that was not verified, or lack one that was";
    InternalRedirect = "internal-redirect", Level::Error,
        "Envoy sends the request again to a path that the upstream names, and it is decided with less evidence";
    CustomResponseRedirect = "custom-response-redirect", Level::Error,
        "Envoy sends a second request in place of an answer, even of a denial, and it is decided with less evidence";
    FailOpen = "fail-open", Level::Error,
        "if the plugin cannot run, Envoy forwards requests without a decision";
    PeerUnverified = "peer-unverified", Level::Error,
        "certificates that no trusted CA signed are accepted, so any client can forge the peer facts that policies read";
    PeerUnasked = "peer-unasked", Level::Error,
        "no client is asked for a certificate, so none is ever a workload";
    KeyClusterMissing = "key-cluster-missing", Level::Error,
        "every fetch of these keys fails, so requests that need them get 503";
    KeyClusterUnauthenticated = "key-cluster-unauthenticated", Level::Error,
        "an attacker on the network path could supply keys, and then sign tokens for any identity";
    KeyClusterSni = "key-cluster-sni", Level::Error,
        "a provider that shares its address presents the certificate of another host, and the fetch fails";
    VmIdShared = "vm-id-shared", Level::Error,
        "a module other than the plugin could plant keys in the shared data, or remove used DPoP proofs from it";
    ReplayMemoryMissing = "replay-memory-missing", Level::Error,
        "the plugin rejects the configuration, because data that other modules can write cannot hold used DPoP proofs";
    CapabilityMissing = "capability-missing", Level::Error,
        "requests are then rejected, forwarded without a decision, or keep trailers that a client wrote";
    CachedUnjudged = "cached-unjudged", Level::Error,
        "the filter itself sends requests without a token to the upstream, so they bypass the plugin and its guard";
    GuardUnseen = "guard-unseen", Level::Warning,
        "these files do not show whether the guard comes after the plugin";
    RoutesUnseen = "routes-unseen", Level::Warning,
        "these files do not show whether a route disables the plugin or the guard";
    PluginUnseen = "plugin-unseen", Level::Warning,
        "these files do not show whether the plugin runs here, and with which configuration";
    PluginInListener = "plugin-in-listener", Level::Warning,
        "after a change, open connections keep the old rules until they end or Envoy's drain time (10 minutes) is over";
    ChainWithoutPlugin = "chain-without-plugin", Level::Warning,
        "requests through another filter chain of the same listener are forwarded without a decision";
    AcknowledgedUnused = "acknowledged-unused", Level::Warning,
        "a filter that gets this name later would be accepted without a review";
    FilterOptional = "filter-optional", Level::Warning,
        "an Envoy that does not know the filter silently skips it";
    UpstreamOtherwise = "upstream-otherwise", Level::Warning,
        "requests on that path are forwarded without a decision";
    RequestPicksTarget = "request-picks-target", Level::Warning,
        "after the decision, parts of the request choose the upstream, or the host or path that it receives";
    RequestRewritten = "request-rewritten", Level::Warning,
        "the upstream serves another path, host or method than the one that the policies decided";
    RequestMirrored = "request-mirrored", Level::Warning,
        "another upstream receives each allowed request too, with its identity headers and every forwarded token";
    TokenInCookie = "token-in-cookie", Level::Warning,
        "the upstream receives these tokens with its cookies, which the plugin does not take as credentials";
    TunnelUnjudged = "tunnel-unjudged", Level::Warning,
        "requests inside a tunnel reach the upstream without a decision";
    AnswerReplaced = "answer-replaced", Level::Warning,
        "clients get another answer than the plugin's, so its status, reason or decision id is lost";
    AdminExposed = "admin-exposed", Level::Warning,
        "any client that reaches it can change runtime settings, stop Envoy and read its configuration";
    CapabilityRecord = "capability-record", Level::Warning,
        "decisions and faults do not appear in Envoy's log or in its statistics";
    CapabilitySignatures = "capability-signatures", Level::Warning,
        "the plugin then verifies every signature itself, which costs many times the processor time";
    FailReload = "fail-reload", Level::Warning,
        "after the module crashes once, that worker answers 503 until Envoy is restarted";
    KeyClusterUnseen = "key-cluster-unseen", Level::Warning,
        "these files do not show whether the proxy authenticates the provider";
    KeyClusterName = "key-cluster-name", Level::Warning,
        "the cluster names the provider differently than its URL";
    VmId = "vm-id", Level::Warning,
        "other modules without a `vm_id` share its data, and modules with the same code share its VM";
    StreamIdleTimeout = "stream-idle-timeout", Level::Warning,
        "nothing else ends requests that are left waiting when the module crashes";
    PathOptions = "path-options", Level::Warning,
        "runtime settings decide how Envoy rewrites a path before the decision";
    ClientAddress = "client-address", Level::Warning,
        "Envoy then takes the client's address from `X-Forwarded-For`, which a client can write";
    ClientCertificate = "client-certificate", Level::Warning,
        "policies that read the peer find none if a client sends no certificate";
    HostsDiffer = "hosts-differ", Level::Warning,
        "requests for such a host are always rejected, or never arrive";
    PluginPhase = "plugin-phase", Level::Warning,
        "Istio's jwt_authn removes the token before the plugin can see it";
    PluginPorts = "plugin-ports", Level::Warning,
        "Istio does not always compare the intended port, and then it silently skips the plugin";
    PluginTarget = "plugin-target", Level::Warning,
        "the route that matched first decides whether the plugin runs; a later change of route bypasses it";
}
