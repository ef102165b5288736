//! What the operator wrote, and what it means: the document becomes a [`Plan`], whole or not at all.
//!
//! The JSON value is read once by a small reader that knows each place, notes every problem and goes on; the parts are
//! compiled by the modules that define them. Nothing here trusts the document beyond its being the operator's: names are
//! held to what Cedar, HTTP and DNS can carry, numbers to their ranges, and unknown members are errors everywhere, for a
//! misspelled rule is a rule that is not there. Nothing here reads a clock, a file or the network, so each worker comes to
//! the same result. No message repeats key material, or any text that is longer than a name.
//!
//! # Codes of errors
//!
//! | code | what is wrong |
//! |---|---|
//! | `not-json` | the document is not strict JSON (UTF-8, each member once, one value, limited nesting) |
//! | `too-large` | the document, a key set or an application's routes are over their cap |
//! | `too-deep` | a document given as a value is nested too deeply |
//! | `wrong-type` | a value is not of its type |
//! | `missing-field` | a member that must be there is not |
//! | `unknown-field` | a member that is not known at its place |
//! | `bad-value` | a text, word or number that has no meaning at its place |
//! | `bad-duration` | not digits and one unit of `s`, `m`, `h`, `d` |
//! | `out-of-range` | a number or length of time outside its range |
//! | `empty-list` | a list or object that must have something in it |
//! | `duplicate-value` | the same thing stands twice |
//! | `contradiction` | two members that cannot both hold |
//! | `bad-name` | a name that Cedar, HTTP or a report could not carry |
//! | `reserved-name` | a name that means something else already |
//! | `bad-host` | not a DNS name, `*.` and a domain, or an IP address; or with scheme or port |
//! | `duplicate-host` | two applications answer for one host |
//! | `bad-template` | not the path of a route |
//! | `routes-overlap` | two routes of an application match the same paths |
//! | `unknown-provider` | no issuer or device provider has this name |
//! | `unknown-application` | no application has this name |
//! | `unknown-fact` | the provider declares no such fact |
//! | `two-issuers-required` | a request carries one access token, and several issuers are required |
//! | `profiles-alike` | two profiles can take the same `iss`, and no pin tells them apart |
//! | `shared-key` | two profiles hold the same public key or fetch the same keys, and no pin tells them apart |
//! | `open-tenant` | `issuer` is a template, and neither pins nor facts can say whose tenants may come |
//! | `key-set` | not a JWK set, or with too many keys |
//! | `ambiguous-key` | a key without `alg` that fits several algorithms |
//! | `insecure-keys` | keys are fetched over http:// without a word that this is known |
//! | `no-usable-key` | no key of the set can be used |
//! | `header-collision` | a device's header has another meaning already |
//! | `bad-identity-header` | a header that cannot carry an identity, or a fact that no header can carry |
//! | `not-removed` | a header to keep that is not removed, so that the entry changes nothing |
//!
//! # Codes of warnings
//!
//! | code | what deserves a look |
//! |---|---|
//! | `skipped-key` | a key of a set is left out, and why |
//! | `encoded-path` | a route accepts a spelling of its path that servers read in different ways |
//! | `any-host` | an application answers for every host that no other names |
//! | `trusted-xff` | the client's address rests on the listener's trust in `X-Forwarded-For` |
//! | `shadow-mode` | nothing is enforced |
//! | `kept-header` | a header is forwarded as the client sends it, although servers believe it |
//! | `application-without-policy` | no document applies to an application: everything in it is denied |
//!
//! Problems of policy text have codes of their own; the policy module documents them.

mod applications;
mod canonical;
mod devices;
mod document;
mod facts;
mod fetched_keys;
mod headers;
mod issuer;
mod issuers;
mod keys;
mod names;
mod plan;
mod policies;
mod profile;
mod profiles;
mod request_headers;
mod settings;
mod wire;

#[cfg(test)]
mod tests;

pub use plan::{AddressSource, IdentityHeader, IdentitySource, Mode, PeerSource, Plan};
