//! The words, with their source. A word of a standard keeps the meaning that the standard gives it.
//!
//! | term | meaning here | source | type or place |
//! |---|---|---|---|
//! | policy enforcement point (PEP) | the plugin as a whole: it holds a request until there is a decision, and carries the decision out | NIST SP 800-207, RFC 2904 | the crate |
//! | policy decision point (PDP) | the part that decides; here in the same process | NIST SP 800-207, RFC 2904 | [`policy`](crate::policy) |
//! | policy information point (PIP) | a source of attributes: tokens, posture, the peer | XACML | [`evidence`](crate::evidence), [`keys`](crate::keys) |
//! | policy administration point (PAP) | where policies are written; outside this program | XACML | a folder, such as `envoy/policies` |
//! | subject | `sub` of a token; says nothing without its issuer | RFC 7519 | [`VerifiedPrincipal::id`](crate::identity::VerifiedPrincipal) |
//! | principal | the Cedar entity that asks | Cedar | [`Principal`](crate::identity::Principal) |
//! | action, resource, context | the other three parts of a Cedar request | Cedar | [`Action`](crate::request::Action), [`Route`](crate::route::Route) |
//! | entity, policy set, schema | Cedar's own words, unchanged | Cedar | [`policy`](crate::policy) |
//! | decision | allow or deny, with its reasons | Cedar | [`Decision`](crate::policy::Decision) |
//! | determining policies | the policies that led to the decision | Cedar | [`Decision`](crate::policy::Decision) |
//! | near miss | a permit whose scope matched, or would have with one more group, and that did not apply | ours | [`NearMiss`](crate::policy::NearMiss) |
//! | issuer | who made a token | RFC 7519 `iss` | [`Issuer`](crate::profile::Issuer) |
//! | audience | for whom a token was made | RFC 7519 `aud` | [`Audiences`](crate::profile::Audiences) |
//! | claim, claim set | one statement of a token; all of them (the RFC writes Claims Set) | RFC 7519 | [`ClaimSet`](crate::jose::ClaimSet) |
//! | key set | a JWK set | RFC 7517 | [`KeySet`](crate::jose::KeySet) |
//! | credential | what is presented to be authenticated by; here a bearer token | RFC 6750 | inside [`Presented`](crate::evidence::Presented) |
//! | evidence | all that a client presents, before and after it was verified | see the note | [`evidence`](crate::evidence) |
//! | device provider | somebody who is trusted to speak about devices: a device manager, an endpoint agent's vendor, a gateway | ours | [`DeviceProvider`](crate::profile::DeviceProvider) |
//! | posture | the state of a device at a time: managed, encrypted, its risk | NIST SP 800-207 | [`DeviceFacts`](crate::identity::DeviceFacts) |
//! | age | how old a statement is at the time of the decision | RFC 9334 (freshness) | [`Seconds`](crate::time::Seconds) |
//! | fact | a claim that a policy may read: declared in the configuration with its type, and verified | ours | [`FactField`](crate::profile::FactField), [`FactValue`](crate::profile::FactValue) |
//! | profile | what a token of one role must look like to be believed | RFC 8725 section 3.12 | [`TokenProfile`](crate::profile::TokenProfile) |
//! | confirmation (`cnf`), binding | the tie of a token to a key or a certificate; also of posture to a user's token | RFC 7800, RFC 8705 | [`Binding`](crate::identity::Binding), [`Bind`](crate::profile::Bind) |
//! | challenge | `WWW-Authenticate` of an answer | RFC 6750 | [`reply`](crate::reply) |
//! | preflight | the `OPTIONS` request that a browser sends before a cross-origin one | Fetch standard | [`Action::Preflight`](crate::request::Action::Preflight) |
//! | refusal | every "no", of four kinds | ours | [`Refusal`](crate::refusal::Refusal), [`RefusalKind`](crate::refusal::RefusalKind) |
//! | plan | the compiled configuration | ours | [`Plan`](crate::config::Plan) |
//! | guard | the filter after ours that lets through only what we allowed | ours | [`threat_model`](super::threat_model) |
//! | decision record | the JSON line about one decision | ours | [`telemetry`](crate::telemetry) |
//!
//! # Evidence, in this project and in RFC 9334
//!
//! RFC 9334 (RATS) tells *evidence*, which an attester makes about itself, from an *attestation result*, which a verifier
//! makes after it appraised evidence. In its words the posture tokens that we read are attestation results: the device is the
//! attester, the device manager or the agent's vendor is the verifier, and we are the relying party. A quote of a TPM would
//! be evidence, and we read none.
//!
//! This project says *evidence* for all that a client presents to be believed, access tokens and posture tokens alike, since it
//! treats both alike: nothing of it is believed before it is verified.
//!
//! # Verbs
//!
//! `parse` turns bytes into a structure, `compile` a document into a plan, `verify` makes a value that is believed, and `decide`
//! asks the policies. No other function does any of the four.
