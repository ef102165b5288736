//! Why each default and each cap has its value.
//!
//! Rule for all of them: the safe value is the default, a weaker one must be written, and what is over a cap is refused, never cut.
//!
//! # Tokens
//!
//! | member | default | why |
//! |---|---|---|
//! | `typ` | none, must be written | A token without `typ` is common, and a token of another kind signed with the same key is the attack (RFC 8725 section 3.11). Only the operator knows what the issuer writes |
//! | `audiences` | none, must be written | A token for another service must not open this one (RFC 8725 section 3.9). No audience at all is `absent`, in so many words |
//! | `algorithms` | none: then each key says its own | The token never chooses (RFC 8725 section 3.1). A key that fits two algorithms of the list is a fault, since the token would choose between them |
//! | `exp` | `required` | A token that never expires cannot be taken back. `absent` needs `max_age` |
//! | `clock_skew` | 60 s, at most 300 s | What Envoy's own `jwt_authn` uses; minutes of difference mean a broken clock, and each second lengthens a stolen token's life |
//! | `max_age` of a device | none, must be written | Providers sign posture that is good for two weeks; only the operator knows how old is too old |
//! | `bind` of a device | none, must be written | Posture that is not tied to the caller can be borrowed from somebody else's device |
//! | `forward` of an issuer | `verified` | Applications often read the token themselves |
//! | `forward` of a device | `never` | Applications have no use for it, and a posture token is a credential in the hands of whoever sees it |
//! | `principal.type` | `User` | Cedar's own examples; `Service` and the like are one word away |
//! | `principal.groups.required` | `false` | Many providers leave the claim out for people without groups. Such a principal gets nothing by a group, and load refuses a policy that forbids by one until the claim is required |
//! | `principal.groups.single` | `false` | Only the operator knows that a provider writes one group as a string; a string that lists several must not be one group's name by accident |
//!
//! # Keys that are fetched
//!
//! | member | default | why |
//! |---|---|---|
//! | `refresh` | 1 min to 15 min | The upper bound is how long a withdrawn key is still believed, so it is not left to the provider, whose `Cache-Control` is often a day. The lower one keeps `no-store` from making every request a fetch |
//! | `refetch_interval` | 30 s | What a client with made-up `kid`s can cost the provider: one fetch at once and one in each interval. Ordinary refreshes do not count, so a new key is looked up at once after one. A key that is used before it is published is looked up again after this long |
//! | `max_stale` | 1 h | A provider that is down for lunch should not take everything down with it; one that is down for longer should be noticed |
//! | `timeout` | 5 s | As long as a request may wait, [`LONGEST_WAIT`](crate::limits::LONGEST_WAIT) |
//! | `insecure` | absent, must be written for `http` | Whoever can forge the answer can forge every identity |
//!
//! # The request
//!
//! | member | default | why |
//! |---|---|---|
//! | `methods` of a route | `GET`, `HEAD` | Whatever changes something is written |
//! | `requires` | empty | A route without it is decided by the policies alone, which deny where they say nothing |
//! | `peer.from` | `none` | Facts about the peer are right only where the listener was set up for them |
//! | `client_address.from` | `connection` | Envoy takes the client's own `X-Forwarded-For` for its address where `use_remote_address` is not set; such an address is unknown to us unless the operator says otherwise |
//! | `guard.name` | `countersign` | One plugin needs no other; two in one chain must differ |
//! | `acknowledged_filters` | none | What may change a request after the decision is written, beside what it could undo |
//! | `request_headers.remove` | none | The built-in list holds what known servers believe; only the operator knows what an application made up |
//! | `request_headers.keep` | none | Whatever servers believe is removed; who may say it is for the operator to decide, and `check` warns of each |
//! | `mode` | `enforce` | Shadow lets everything through but ambiguous requests |
//!
//! # Caps that the configuration may set
//!
//! | member | default | range | why |
//! |---|---|---|---|
//! | `limits.max_token_bytes` | 16 KiB ([`TOKEN_BYTES`](crate::limits::TOKEN_BYTES)) | 512 B to 64 KiB | Tokens with 200 groups are about 10 KiB; the whole token is hashed before anything of it is believed |
//! | `limits.max_header_bytes` | 64 KiB ([`HEADER_BYTES`](crate::limits::HEADER_BYTES)) | 4 KiB to 1 MiB | Envoy's own default is 60 KiB: a smaller cap here would refuse what the proxy takes |
//! | `limits.max_headers` | 100 ([`HEADERS`](crate::limits::HEADERS)) | 10 to 1,000 | Envoy's own default |
//! | `limits.max_path_bytes` | 8 KiB ([`PATH_BYTES`](crate::limits::PATH_BYTES)) | 256 B to 64 KiB | What common servers take for a request line |
//!
//! # Fixed caps
//!
//! | cap | value | why |
//! |---|---|---|
//! | [`MAX_CONFIG_BYTES`](crate::limits::MAX_CONFIG_BYTES) | 1 MiB | Kubernetes keeps an object under 1.5 MiB, and the configuration stands in it as text within text |
//! | [`MAX_CONFIG_JSON_DEPTH`](crate::limits::MAX_CONFIG_JSON_DEPTH) | 32 | No meaningful configuration is deeper |
//! | [`MAX_TOKEN_JSON_DEPTH`](crate::limits::MAX_TOKEN_JSON_DEPTH) | 16 | The deepest claims in use have about 5; deep JSON is how parsers are made to overflow |
//! | [`MAX_JOSE_HEADER_BYTES`](crate::limits::MAX_JOSE_HEADER_BYTES) | 4 KiB | Headers that carry certificates are larger, and we use none of those |
//! | [`MAX_KEY_SET_BYTES`](crate::limits::MAX_KEY_SET_BYTES) | 256 KiB | A hundred keys with certificate chains |
//! | [`MAX_KEYS_PER_SET`](crate::limits::MAX_KEYS_PER_SET) | 100 | Each costs a check at load; real sets have 2 to 10 |
//! | [`MAX_UNKNOWN_KEYS`](crate::limits::MAX_UNKNOWN_KEYS) | 100 | Clients that keep sending tokens with an old key; of made-up ones the plugin need not know all |
//! | [`MAX_WAITING_REQUESTS`](crate::limits::MAX_WAITING_REQUESTS) | 1,000 | Each holds a connection; what is beyond is answered at once with 503 |
//! | [`MAX_WAITING_FOR_UNKNOWN_KEY`](crate::limits::MAX_WAITING_FOR_UNKNOWN_KEY) | 100 | Anybody can make a `kid` up, and must not fill the room |
//! | [`WAITING_PLACES_PER_FREE_PLACE`](crate::limits::WAITING_PLACES_PER_FREE_PLACE) | 1 | One client alone gets half of the places, which serves a gateway in front of many, and never the last one: the next client finds half of the rest |
//! | [`WAKES_AT_ONCE`](crate::limits::WAKES_AT_ONCE) | 50 | Envoy carries answers out one within the other; some hundred in one callback ended a VM |
//! | [`LONGEST_WAIT`](crate::limits::LONGEST_WAIT) | 5 s | Longer than a good answer takes, shorter than most clients' patience |
//! | [`LONGEST_BACK_OFF`](crate::limits::LONGEST_BACK_OFF) | 30 s | How long after a provider's recovery it may take until it is noticed |
//! | [`SHARED_KEY_SLOTS`](crate::limits::SHARED_KEY_SLOTS) | 1,024 | Shared data is never cleared, so names must not grow in number; two plugins that meet in a slot move on to the next |
//! | [`MAX_TOLD_WORKERS`](crate::limits::MAX_TOLD_WORKERS) | 256 | Machines with more threads see news within a second instead |
//! | [`MAX_GROUPS_PER_TOKEN`](crate::limits::MAX_GROUPS_PER_TOKEN) | 1,000 | Each becomes an entity for one decision; issuers stop at 200 or 1,000 themselves |
//! | [`MAX_LIST_ELEMENTS`](crate::limits::MAX_LIST_ELEMENTS) | 1,000 | The same for list facts |
//! | [`MAX_ENTITY_ID_BYTES`](crate::limits::MAX_ENTITY_ID_BYTES) | 1 KiB | A distinguished name or a SPIFFE ID fits |
//! | [`MAX_TENANT_BYTES`](crate::limits::MAX_TENANT_BYTES) | 128 B | Tenants are UUIDs or short names |
//! | [`MAX_REQUEST_HEADER_ENTRIES`](crate::limits::MAX_REQUEST_HEADER_ENTRIES) | 100 | Each is compared with each header of each request; a beginning such as `x-acme-*` is one |
//! | [`MAX_POLICIES`](crate::limits::MAX_POLICIES) | 10,000 | Cedar's time is linear in the policies that can apply; more belongs into groups and entities |
//! | [`MAX_POLICY_BRACKET_DEPTH`](crate::limits::MAX_POLICY_BRACKET_DEPTH) | 32 | The parser recurses on the VM's stack, which is not ours to enlarge: 75 levels ended a 1 MiB stack |
//! | [`MAX_POLICY_EXPRESSION_DEPTH`](crate::limits::MAX_POLICY_EXPRESSION_DEPTH) | 100 | Evaluation recurses as well; a chain of 300 `&&` ended a VM |
//! | [`MAX_NEAR_MISSES`](crate::limits::MAX_NEAR_MISSES) | 3 | A record is read by people |
//! | [`MAX_RECORD_TEXT_BYTES`](crate::limits::MAX_RECORD_TEXT_BYTES) | 256 B | The record is a log line; the one place where a text is cut |
//! | [`EARLIEST_PLAUSIBLE_UNIX_SECONDS`](crate::limits::EARLIEST_PLAUSIBLE_UNIX_SECONDS) | June 2025 | A clock that says less than the program's own age makes expired tokens good |
//!
//! # Keys
//!
//! RSA keys have 2048 to 4096 bits and the exponent 65537: less is weak, more costs a worker's time, and other exponents are a
//! mark of broken generators. EC keys are on P-256 or P-384; Ed25519 keys are not of small order.
