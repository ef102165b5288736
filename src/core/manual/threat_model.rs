//! What is defended, against whom, what is taken for granted, and what is not checked.
//!
//! # Assets
//!
//! | asset | what must hold |
//! |---|---|
//! | the upstream application | it receives no byte of a request before that request was allowed: no header, no body, no upgrade |
//! | the identity that upstream reads | each `x-countersign-*` and configured identity header was set by us from verified evidence, or is not there |
//! | what upstream reads beside that | no header of [`stripped::REMOVED`](crate::stripped::REMOVED) and of `request_headers.remove` arrives as a client sent it, in any spelling, unless `request_headers.keep` names it. **A header that is on neither list arrives**: what an application believes beyond them is for the operator to name |
//! | tokens | no bytes of a token in an answer, a log line, a metric or a decision record; a token goes on to the upstream only where `forward: verified` says so, and in shadow mode as it came. Evidence on a CORS preflight is never verified, and never forwarded where decisions are enforced |
//! | the proxy | no bytes of a client, of a token or of a policy end the virtual machine (VM), and every input has a cap |
//! | the decision record | it says what was decided and why, and cannot be forged by what a client sends |
//!
//! # Boundaries
//!
//! ```text
//!  client, its device   | never believed: every byte of the request, signed ones until they are verified
//!  ---------------------+------------------------------------------------------------------------------
//!  issuer, device       | believed about what it signs, within its profile; never about another's names
//!  provider             |
//!  ---------------------+------------------------------------------------------------------------------
//!  operator             | believed: the configuration, the policies, the proxy's own configuration
//!  ---------------------+------------------------------------------------------------------------------
//!  Envoy                | believed: TLS, HTTP parsing, the peer's address and certificate, the clock, the VM
//!  ---------------------+------------------------------------------------------------------------------
//!  upstream             | must be reachable through the proxy only; that is the network's work, not ours
//! ```
//!
//! - **A client** may send any bytes in any header, hold valid tokens of its own, hold posture of its own device, and replay what it has seen.
//!   It may also leave out what is optional: posture, a certificate, the user agent, the groups of a token where scopes select claims. Load refuses a policy
//!   whose forbid, or whose restriction of a permit, would not apply then.
//! - **An issuer or device provider** that was broken into can name any of its own principals or devices. It cannot name those of
//!   another: entity types carry the provider's name, one key is never believed in two roles that no pin tells apart, and its tokens are bounded by its profile.
//! - **An operator's mistake** is what most bypasses are made of. A configuration is taken whole or not at all, unknown members are errors,
//!   an empty list never means "any", and each weakening is written in so many words (`absent`, `bind: none`, `mode: shadow`).
//! - **Another WebAssembly module in the same proxy** can write filter state and shared data. It can therefore open the guard; it is part of the operator's proxy.
//!   Keys that one worker fetched reach the others through shared data, which is kept apart by `vm_id`. So nothing is taken from it unless this plugin has a
//!   `vm_id`, and a module that is given the same one is believed as this one is.
//! - **Whoever answers for a provider of keys** is whom the cluster authenticates. Metadata cannot lead to a host that the configuration does not name, an answer
//!   is read under the caps and checks of any key set, and one that is not taken leaves the keys as they are until `max_stale`.
//!
//! # Failures of the host, and what we do about them
//!
//! Each was seen in Envoy, from the oldest to the newest supported version.
//!
//! | failure | what would happen | counter-measure |
//! |---|---|---|
//! | the configuration callback fails on one worker only, after it passed on the main thread | that worker forwards every request unfiltered, whatever `failure_policy` says; the log has one line | the callback gives the same answer on every thread (no clock, no randomness, no network, no shared data), and once the configuration is read it never fails; **the guard**: an `rbac` filter after ours wants filter state that only our allow sets, so a request that we never saw is a 403 |
//! | two calls that end one stream in the same callback | Envoy crashes | one state for each stream; an answer is given once, and late callbacks see that it was given |
//! | an answer and a resume in the same callback | the client gets its refusal, and the upstream gets the request | the same state: an answer is never followed by a resume, and a stream that waits for keys gets one of the two, once, from the root context |
//! | a trap, for instance a panic, ends the VM of a worker | paused requests hang until a time limit; later ones are 503 until Envoy starts another VM | no panic path (the lints deny `unwrap`, indexing, unchecked arithmetic and the like), caps before work, checks in front of the policy parser's stack; `failure_policy: FAIL_RELOAD` and `stream_idle_timeout` in every configuration that we ship |
//!
//! # The guard
//!
//! The filter state is named after `guard.name`, so two plugins in one chain have one guard each and neither opens the other's. It
//! is set on an allow (in shadow mode also on a would-be refusal) and at no other time; a client cannot set filter state. The guard must stand after our filter, and no
//! filter between the two should change what was judged.
//!
//! # Ambiguity
//!
//! A request that two servers could read in two ways is refused before any policy is asked: dot segments, empty segments,
//! encoded slashes and backslashes, `;` and `#` in a path, bad or doubled escapes, bytes that no host name has, methods outside
//! the table, doubled credentials. The path that policies see is the path that upstream receives, but for the case of hex digits
//! in escapes.
//!
//! # What is not checked
//!
//! - **Replay of a bearer token** by whoever holds it, within its lifetime. A certificate-bound token (RFC 8705) with `peer: { from: tls }` is refused without its certificate; proofs of possession (RFC 9449, DPoP) are not read, and a token that needs one is refused.
//! - **Revocation.** A token is good until it expires. Short lifetimes and `max_lifetime` are what there is.
//! - **The rest of a stream.** A long download, a WebSocket or a gRPC stream is decided at its start; it goes on when the token expires.
//! - **Bodies.** GraphQL operations, JSON-RPC methods and form fields are not read.
//! - **A method in the query or in a form.** Many frameworks run `POST /things?_method=DELETE`, or a POST with a form field `_method`, as a DELETE. Policies see
//!   the method of the request line, and nothing is removed from a query or a body. A policy can limit `http_request.query`, which is not decoded: it must say what the query may be, since a list of
//!   spellings misses one. Nothing here sees the form: switch the override off in the application.
//! - **Spellings of a path within one route.** Routes refuse the spellings of their fixed texts that other servers serve alike. Within a parameter or a tail two
//!   spellings are two texts: a policy that compares one does not see `/files/Secret`, `/files/secret.`, `/files/secret%20`, `/files/secret.json` or, under a tail, `/files/secret/`. If the upstream serves
//!   them alike, the resource needs a route of its own, or a policy that says what is permitted.
//! - **Headers that only one application believes.** See the asset above, and `docs/request-headers.md`.
//! - **What `request_headers.keep` lets through.** It arrives as the client sent it. The upstream must check it against the caller's rights, or a proxy in front must set it on every request and be the only way to this listener.
//! - **`x-forwarded-for`, `x-forwarded-proto`, `x-envoy-external-address`.** Envoy writes them, truly only with `use_remote_address: true`; of `x-forwarded-for` only the last address is Envoy's.
//! - **Response headers and bodies.**
//! - **The certificate of the peer.** Whether Envoy asks for one, and which authority it trusts, is the listener's. With `trust_chain_verification: ACCEPT_UNTRUSTED` a certificate proves nothing, and we cannot see that on Envoy before 1.39.
//! - **Internal redirects** and filters that change the route after us: the second pass is judged again only where it passes our filter again.
//! - **Rate.** A flood of bad tokens costs one signature check each; put a rate limit in front. A flood of unknown `kid`s costs the provider one fetch in each `refetch_interval`, and is answered with 503 for the most part; see `keys` in the README for what that means for outlier detection. One client cannot fill the waiting room, but clients with several addresses together can.
//! - **Withdrawn keys** between two fetches: see the defaults of `keys`.
//! - **Posture that is true.** A signed statement is believed as long as it is fresh; whether the agent on the device was deceived is the provider's problem.
//! - **Two issuers that are one.** Names are never taken as equal between issuers.
//! - **Which tenants a template accepts.** Where `issuer` is a template, tokens of every tenant of the provider match it, and anybody can have a tenant there. Names of
//!   principals and groups are unique within one tenant only. A pin or the policies must say which tenants are accepted: a profile in which neither can is refused, and
//!   a permit that does not compare the tenant is a warning. Every key of the set counts for every tenant: a member `issuer` of a key, by which Entra ID ties some keys
//!   to one tenant, is not read.
//! - **Scopes that were not asked for.** A client chooses the scopes of its token, so a forbid on a scope does not apply to a token without it. A token without the whole claim is another matter: load refuses a forbid that such a token escapes.
