//! Every cap on input. Each has its unit in its name and its reason in its documentation.
//!
//! A request over a cap is refused, and a configuration over a cap is rejected. Input is never cut to fit.
//! The caps in [`Limits`] can be set in the configuration within the range given here; the others are fixed.

use crate::time::Seconds;

/// Bytes of the plugin's configuration. Kubernetes limits objects to 1.5 MiB, and every worker compiles the
/// configuration.
pub const MAX_CONFIG_BYTES: usize = 1024 * 1024;

/// Nesting of the configuration's JSON: more than any useful configuration needs, and far from a stack overflow.
pub const MAX_CONFIG_JSON_DEPTH: usize = 32;

/// Nesting of the JSON in a token or in a key set.
pub const MAX_TOKEN_JSON_DEPTH: usize = 16;

/// Bytes of the decoded header of a token.
pub const MAX_JOSE_HEADER_BYTES: usize = 4 * 1024;

/// Bytes of a client certificate as PEM. A larger one cannot be read, so its URIs cannot be counted.
pub const MAX_CERTIFICATE_PEM_BYTES: usize = 64 * 1024;

/// Client certificates that a worker remembers with their names. When there are more, it begins anew.
pub const MAX_REMEMBERED_CERTIFICATES: usize = 1_000;

/// Names in one client certificate that can be facts about a device: attributes of its subject, URIs, DNS names and
/// permanent identifiers. A certificate with more says nothing about a device.
pub const MAX_CERTIFICATE_NAMES: usize = 100;

/// Bytes of all these names together.
pub const MAX_CERTIFICATE_NAME_BYTES: usize = 4 * 1024;

/// Bytes of one header in which a trusted peer describes a device.
pub const MAX_POSTURE_HEADER_BYTES: usize = 256;

/// Trust domains whose workloads are known.
pub const MAX_TRUST_DOMAINS: usize = 100;

/// Bytes of one JWK set.
pub const MAX_KEY_SET_BYTES: usize = 256 * 1024;

/// Keys in one JWK set; each is checked when the set is loaded.
pub const MAX_KEYS_PER_SET: usize = 100;

/// Ids of keys of one provider that are remembered as not found, and equally many for which the provider is still to be
/// asked; 32 bytes each.
pub const MAX_UNKNOWN_KEYS: usize = 100;

/// Keys that a worker holds of one provider that publishes each key at a URL of its own.
pub const MAX_KEYS_BY_ID: usize = 16;

/// Ids of such keys that wait for their fetch.
pub const MAX_SOUGHT_KEYS: usize = 16;

/// Bytes of one such key in PEM.
pub const MAX_PEM_BYTES: usize = 4 * 1024;

/// How long a worker remembers that a signature is forged. Long enough for a client that repeats a bad token in a loop.
pub const FORGERY_REMEMBERED: Seconds = Seconds::new(10);

/// Forged signatures that a worker remembers. Each new token's signature is compared with all of their hashes.
pub const MAX_FORGERIES: usize = 256;

/// Bytes that they may take, with the tokens' text: anybody can send forgeries.
pub const MAX_FORGERY_BYTES: usize = 256 * 1024;

/// Bytes of one DPoP proof in compact form: with an RSA key of 4096 bits it has some 2.5 KiB.
pub const MAX_PROOF_BYTES: usize = 8 * 1024;

/// Bytes of the `jti` of a proof; a UUID has 36.
pub const MAX_PROOF_ID_BYTES: usize = 256;

/// Buckets for proofs that were used. The memory that workers share is never cleared, so the number of buckets is fixed.
/// Each request with a proof reads and writes one.
pub const PROOF_BUCKETS: u16 = 4_096;

/// Proofs that one bucket remembers, 40 bytes each. All buckets together hold 524,288: some 8,700 requests a second, if
/// each proof has to be remembered for a minute.
pub const MAX_PROOFS_PER_BUCKET: usize = 128;

/// How often a worker tries to write a bucket that other workers write at the same moment.
pub const MAX_BUCKET_WRITES: usize = 16;

/// How long a nonce for proofs is accepted. A client needs one more request for each new nonce.
pub const NONCE_LIFETIME: Seconds = Seconds::new(300);

/// Requests of one worker that wait for keys; each holds a connection and what Envoy has buffered of its body.
pub const MAX_WAITING_REQUESTS: usize = 1_000;

/// Those of them that wait for a `kid` that may not exist: they must not take the places of the others.
pub const MAX_WAITING_FOR_UNKNOWN_KEY: usize = 100;

/// Places that one client (an IPv4 address, an IPv6 /64, or all clients whose address is unknown) may have in either of
/// the two for each place that is still free there. So one client alone gets half of the places, and the next client
/// half of the rest. A fixed share would have to be small to keep a few clients from filling all places, and would then
/// refuse most clients behind one gateway. With this rule a gateway alone has half, and filling 100 places takes 7
/// addresses.
pub const WAITING_PLACES_PER_FREE_PLACE: usize = 1;

/// Waiting requests that are decided in one callback; the next follow a moment later. Envoy 1.40 can send 300 answers
/// in one callback; with 450 the VM's stack overflows.
pub const WAKES_AT_ONCE: usize = 50;

/// How long a request waits for keys; up to a second more because clock and ticks count in seconds.
pub const LONGEST_WAIT: Seconds = Seconds::new(5);

/// Longest back-off after failed fetches.
pub const LONGEST_BACK_OFF: Seconds = Seconds::new(30);

/// Slots for key sets in the memory that workers share. That memory is never cleared, so the number of slots is fixed.
pub const SHARED_KEY_SLOTS: usize = 1_024;

/// Bytes of a lease in that memory.
pub const MAX_SHARED_LEASE_BYTES: usize = 512;

/// Workers that are notified at once when keys arrive; any others notice at their next tick.
pub const MAX_TOLD_WORKERS: usize = 256;

/// Groups that one token may carry; each becomes an entity.
pub const MAX_GROUPS_PER_TOKEN: usize = 1_000;

/// Elements in one list fact.
pub const MAX_LIST_ELEMENTS: usize = 1_000;

/// Bytes of one subject, group or entity id.
pub const MAX_ENTITY_ID_BYTES: usize = 1_024;

/// Actors in the claim `act` of one token (RFC 8693 section 4.1): the one that presents it, and those before.
pub const MAX_ACTORS: usize = 4;

/// Decimal digits of each part of a version.
pub const MAX_VERSION_PART_DIGITS: usize = 10;

/// Bytes of the tenant in a templated `iss`.
pub const MAX_TENANT_BYTES: usize = 128;

/// Entries of `request_headers.remove`, and of `request_headers.keep`.
pub const MAX_REQUEST_HEADER_ENTRIES: usize = 100;

/// Routes of one application; a request is compared with each until one matches.
pub const MAX_ROUTES_PER_APPLICATION: usize = 1_000;

/// Policies in all documents together.
pub const MAX_POLICIES: usize = 10_000;

/// Brackets of any kind open at once in policy text, counted before the parser sees it: V8's stack cannot be enlarged
/// from here.
pub const MAX_POLICY_BRACKET_DEPTH: usize = 32;

/// Operators chained or nested in one policy's condition, as a depth of the parsed expression.
pub const MAX_POLICY_EXPRESSION_DEPTH: usize = 100;

/// Nesting of an expression in prepared policies: what the cap of the text can become, with the `!` of an `unless`, the `&&`
/// of an `is ... in`, and a constant inside.
pub const MAX_PREPARED_DEPTH: usize = MAX_POLICY_EXPRESSION_DEPTH + 3;

/// Policies that one decision must meet together for their answers to be cached. Finding the answers costs about as much as
/// evaluating one policy, and adding them as much as two.
pub const MIN_CACHED_POLICIES: usize = 8;

/// Different things that policies whose answers are cached together may read of a request.
pub const MAX_READINGS: usize = 64;

/// Bytes of what is read of one request for the decision cache. For requests with more the policies are evaluated.
pub const MAX_DECISION_KEY_BYTES: usize = 2 * 1024;

/// Bytes that each worker may use for the decision cache.
pub const MAX_DECISION_CACHE_BYTES: usize = 1024 * 1024;

/// Hits of the decision cache that are counted at once if there is no miss. Each count is a call to the host.
pub const CACHE_HITS_PER_COUNT: usize = 100;

/// Bytes of `@step_up` and of `@scope`, which a client reads in a header field.
pub const MAX_REMEDY_BYTES: usize = 512;

/// The longest `max_age` of a `@step_up`: a year.
pub const LONGEST_STEP_UP: Seconds = Seconds::new(365 * 24 * 60 * 60);

/// Bytes of the name of an `@alarm`, which is part of the name of a metric.
pub const MAX_ALARM_BYTES: usize = 64;

/// Attributes of routes that a configuration may declare.
pub const MAX_ATTRIBUTES: usize = 32;

/// Near misses named in one decision record.
pub const MAX_NEAR_MISSES: usize = 3;

/// Policies that metrics name. With more of them in a configuration, metrics name none: each name is kept by the proxy until
/// it restarts.
pub const MAX_POLICIES_IN_METRICS: usize = 1000;

/// Bytes of one string of a request in the decision record. Longer strings are cut there, and only there.
pub const MAX_RECORD_TEXT_BYTES: usize = 256;

/// Seconds since the epoch when this program was written. A clock that shows less is wrong, and every request is
/// refused.
pub const EARLIEST_PLAUSIBLE_UNIX_SECONDS: i64 = 1_750_000_000;

/// The caps that the configuration may set: on requests, and on what is remembered of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one token in compact form. Default 16 KiB, range 512 to 64 KiB.
    pub max_token_bytes: usize,
    /// Bytes of all request header names and values together. Default 64 KiB, range 4 KiB to 1 MiB.
    pub max_header_bytes: usize,
    /// Number of request headers. Default 100 (Envoy's own default), range 10 to 1000.
    pub max_headers: usize,
    /// Bytes of the path with its query. Default 8 KiB, range 256 to 64 KiB.
    pub max_path_bytes: usize,
    /// Bytes that each worker may use to remember verified tokens, estimated. Default 16 MiB, range 0 to 1 GiB.
    pub max_remembered_bytes: usize,
}

/// Default and inclusive range of one cap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitRange {
    /// The member of `limits` in the configuration.
    pub name: &'static str,
    /// The value if the configuration does not set it.
    pub default: usize,
    /// The smallest value that is accepted.
    pub min: usize,
    /// The largest value that is accepted.
    pub max: usize,
}

/// `limits.max_token_bytes`
pub const TOKEN_BYTES: LimitRange =
    LimitRange { name: "max_token_bytes", default: 16 * 1024, min: 512, max: 64 * 1024 };
/// `limits.max_header_bytes`
pub const HEADER_BYTES: LimitRange =
    LimitRange { name: "max_header_bytes", default: 64 * 1024, min: 4 * 1024, max: 1024 * 1024 };
/// `limits.max_headers`
pub const HEADERS: LimitRange = LimitRange { name: "max_headers", default: 100, min: 10, max: 1_000 };
/// `limits.max_path_bytes`
pub const PATH_BYTES: LimitRange = LimitRange { name: "max_path_bytes", default: 8 * 1024, min: 256, max: 64 * 1024 };
/// `limits.max_remembered_bytes`
pub const REMEMBERED_BYTES: LimitRange =
    LimitRange { name: "max_remembered_bytes", default: 16 * 1024 * 1024, min: 0, max: 1024 * 1024 * 1024 };

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_token_bytes: TOKEN_BYTES.default,
            max_header_bytes: HEADER_BYTES.default,
            max_headers: HEADERS.default,
            max_path_bytes: PATH_BYTES.default,
            max_remembered_bytes: REMEMBERED_BYTES.default,
        }
    }
}
