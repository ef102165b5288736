//! What can be wrong around the plugin: code, level and reason of each finding.

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// A request could pass that was not judged, or not as it is forwarded; or the plugin is not in use.
    Error,
    /// It works and deserves a look.
    Warning,
}

impl Level {
    /// As it is written in tables.
    #[cfg(test)]
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// One row for each finding, so that none is without its code, level and reason.
macro_rules! codes {
    ($($variant:ident $name:literal $level:ident $reason:literal;)*) => {
        /// A kind of finding.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Code {
            $(#[doc = $reason] $variant,)*
        }

        impl Code {
            /// All, in the order of the table.
            #[cfg(test)]
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Stable, for programs.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// How bad it is.
            pub fn level(self) -> Level {
                match self { $(Self::$variant => Level::$level,)* }
            }

            /// Why it is a finding, to follow what was found.
            pub fn reason(self) -> &'static str {
                match self { $(Self::$variant => $reason,)* }
            }
        }
    };
}

codes! {
    GuardMissing "guard-missing" Error
        "a worker on which the plugin fails to start would forward every request unfiltered";
    GuardShared "guard-shared" Error
        "an allow of one plugin would pass for both";
    GuardOverridden "guard-overridden" Error
        "requests of this part are forwarded without an allow wherever the plugin does not run";
    GuardForged "guard-forged" Error
        "another filter sets what the guard demands, and the guard would let requests pass that nobody judged";
    PluginDisabled "plugin-disabled" Error
        "requests there are not judged, and the guard, where it stands, refuses all of them";
    PluginReplaced "plugin-replaced" Error
        "the more specific policy takes the place of the Gateway's, and its routes run without the plugin";
    UpgradeChain "upgrade-chain" Error
        "requests that upgrade run through these filters alone, and nobody judges them";
    FilterUnacknowledged "filter-unacknowledged" Error
        "a filter between the plugin and the upstream may change path, host or identity headers after the decision";
    IdentityHeaderChanged "identity-header-changed" Error
        "the upstream would believe a value that was not verified, or miss one";
    InternalRedirect "internal-redirect" Error
        "Envoy sends the request once more to a path that the upstream names, and it is judged on less evidence";
    CustomResponseRedirect "custom-response-redirect" Error
        "Envoy sends a second request in place of an answer, a refusal too, and it is judged on less evidence";
    FailOpen "fail-open" Error
        "a plugin that cannot run is left out, and requests are forwarded unfiltered";
    PeerUnverified "peer-unverified" Error
        "certificates that no trusted CA signed are accepted, so anybody can write the peer that policies believe";
    KeyClusterMissing "key-cluster-missing" Error
        "every fetch of these keys fails, and requests that need them are answered 503";
    KeyClusterUnauthenticated "key-cluster-unauthenticated" Error
        "anybody on the way could say which keys are right, and then be whoever they like";
    KeyClusterSni "key-cluster-sni" Error
        "a provider that shares its address answers with somebody else's certificate, and no keys come";
    VmIdShared "vm-id-shared" Error
        "a module that is not the plugin could plant keys in the data that both share";
    CapabilityMissing "capability-missing" Error
        "requests are then refused, pass the plugin unjudged, or keep trailers that a client wrote";
    CachedUnjudged "cached-unjudged" Error
        "it sends requests without a token to the upstream itself, past the plugin and its guard";
    GuardUnseen "guard-unseen" Warning
        "whether the guard stands after the plugin cannot be seen";
    RoutesUnseen "routes-unseen" Warning
        "whether a route switches off the plugin or the guard cannot be seen";
    PluginUnseen "plugin-unseen" Warning
        "whether the plugin runs here, and with which configuration, cannot be seen";
    ChainWithoutPlugin "chain-without-plugin" Warning
        "what a client reaches through another filter chain of the same listener is not judged";
    AcknowledgedUnused "acknowledged-unused" Warning
        "a filter that is given the name later would be let through without a look";
    FilterOptional "filter-optional" Warning
        "an Envoy that does not know the filter leaves it out without a word";
    UpstreamOtherwise "upstream-otherwise" Warning
        "what a client reaches that way is not judged";
    RequestPicksTarget "request-picks-target" Warning
        "bytes of the request choose the upstream, or the host or path that it sees, after the decision on another";
    RequestRewritten "request-rewritten" Warning
        "the upstream serves another path, host or method than the one that the policies judged";
    RequestMirrored "request-mirrored" Warning
        "another upstream receives each allowed request too, with its identity headers and every forwarded token";
    TunnelUnjudged "tunnel-unjudged" Warning
        "requests inside a tunnel reach the upstream without a decision";
    AnswerReplaced "answer-replaced" Warning
        "a client receives another answer than the plugin's, so its status, reason or decision id is lost";
    AdminExposed "admin-exposed" Warning
        "any client that reaches it can change runtime settings, stop Envoy and read its configuration";
    CapabilityRecord "capability-record" Warning
        "decisions and faults do not appear in Envoy's log or in its statistics";
    FailReload "fail-reload" Warning
        "after one fault of the module that worker answers 503 until Envoy is started anew";
    KeyClusterUnseen "key-cluster-unseen" Warning
        "whether the proxy authenticates the provider cannot be seen";
    KeyClusterName "key-cluster-name" Warning
        "the provider is known there by another name than in its URL";
    VmId "vm-id" Warning
        "other modules without one share its data space, and modules of the same code share its VM";
    StreamIdleTimeout "stream-idle-timeout" Warning
        "a request that waits in a module that ended is answered by nothing else";
    PathOptions "path-options" Warning
        "runtime settings decide what becomes of a path before it is judged";
    ClientAddress "client-address" Warning
        "Envoy then takes the client's address from `X-Forwarded-For`, which a client can write";
    ClientCertificate "client-certificate" Warning
        "policies that ask for the peer see none where a client sends no certificate";
    HostsDiffer "hosts-differ" Warning
        "requests for such a host are always refused, or never come";
    PluginPhase "plugin-phase" Warning
        "Istio's jwt_authn removes the token before the plugin can see it";
    PluginPorts "plugin-ports" Warning
        "the port that Istio compares is not always the one that was meant, and the plugin is left out without a word";
    PluginTarget "plugin-target" Warning
        "whether the plugin runs is settled by the route that was matched first, and a later change of route passes it by";
}
