//! What the fuzzing targets share: keys, a configuration, and requests written as text.
//!
//! A signature stops every fuzzer: no change to a signed token survives it, and what lies behind would never be reached.
//! So tokens are not in the inputs. An input names a key and the payload, and the target signs ([`Signer`]); what a
//! provider can be made to sign is then as open to the fuzzer as what a client can send.

mod request;
mod signer;

pub use request::{Presented, WrittenRequest};
pub use signer::Signer;

use core::mem;
use std::sync::LazyLock;

use countersign_core::config::Plan;
use countersign_core::enforcement::{Outcome, decide};
use countersign_core::jose::{ForgeryMemory, HostVerifier, TokenMemory};
use countersign_core::keys::{TrustStore, Verification};
use countersign_core::request::RequestParts;
use countersign_core::telemetry::DecisionId;
use countersign_core::time::UnixSeconds;
use serde_json::{Value, json};

/// The time of every decision.
pub const NOW: UnixSeconds = UnixSeconds::new(1_790_000_000);

/// The policies of [`plan`].
const POLICIES: &str = r#"
@id("read") @advice("Ask your manager.")
permit (principal in corp::Group::"staff", action in Action::"read", resource in Application::"shop")
when { context.mdm.managed && context.mdm.score >= 60 };

@id("own")
permit (principal is corp::User, action in Action::"read", resource == Route::"shop/person")
when { context.corp.sub == context.http_request.path_parameters.id };

@id("write")
permit (principal in corp::Group::"admins", action in Action::"write", resource == Route::"shop/orders")
when { context.corp has address && context.corp.address.isInRange(ip("10.0.0.0/8")) };

@id("events")
permit (principal in corp::Group::"staff", action == Action::"upgrade", resource == Route::"shop/events");

@id("report")
permit (principal == machines::Component::"reporter", action, resource == Route::"shop/report");

@id("frozen") @advice("Orders are frozen.")
forbid (principal, action in Action::"write", resource == Route::"shop/orders")
when { context.http_request.query like "*frozen*" };

@id("health")
permit (principal is Anonymous, action in Action::"read", resource == Route::"shop/health");

@id("preflight")
permit (principal is Anonymous, action == Action::"preflight", resource in Application::"shop");
"#;

/// A configuration with something of everything, and these policies.
#[must_use]
pub fn configuration(policies: &str) -> Value {
    json!({
        "version": 1,
        "issuers": {
            "corp": {
                "issuer": "https://login.example.com", "audiences": ["shop"], "typ": ["JWT", "at+jwt"],
                "keys": { "inline": { "keys": [Signer::Corp.public_jwk()] } },
                "principal": { "type": "User", "id": "sub", "groups": ["realm", "groups"] },
                "facts": {
                    "sub": "string", "email?": "string", "level?": "long", "address?": "ip", "roles?": ["string"],
                    "scope": "scopes", "groups?": { "type": ["string"], "single": true },
                    "verified?": { "type": "bool", "text": true }, "number?": { "type": "long", "text": true },
                    "org?": { "unit": "string", "external?": "bool" },
                },
                "forbid_claims": ["nonce"], "max_lifetime": "24h",
            },
            "machines": {
                "issuer": "https://machines.example.com", "audiences": ["shop"], "typ": ["JWT", "at+jwt", "absent"],
                "keys": { "inline": { "keys": [Signer::Machines.public_jwk()] } },
                "principal": { "type": "Component", "id": "sub" }, "pins": { "kind": ["component", "job"] },
            },
            "tenants": {
                "issuer": { "template": "https://login.example.com/{tenantid}/v2.0", "claim": "tid" },
                "audiences": ["shop"], "typ": ["JWT", "at+jwt"],
                "keys": { "inline": { "keys": [Signer::Machines.public_jwk()] } },
                "principal": { "type": "Customer", "id": "sub" }, "pins": { "kind": "customer" },
                "facts": { "tid": "string" },
            },
        },
        "devices": { "mdm": {
            "header": "x-device-posture", "issuer": "https://mdm.example.com", "audiences": ["shop"],
            "typ": ["device-posture+jwt"], "max_age": "24h", "facts": { "managed": "bool", "score": "long" },
            "keys": { "inline": { "keys": [Signer::Mdm.public_jwk()] } },
            "bind": { "token": "device_id", "device": "sub" }, "forward": "verified",
        } },
        "applications": { "shop": {
            "hosts": ["shop.example.com"], "requires": ["corp", "mdm"],
            "routes": {
                "orders": { "path": "/api/orders/{id}", "methods": ["GET", "PUT", "DELETE", "OPTIONS"] },
                "files": { "path": "/files/{rest*}" },
                "person": { "path": "/api/people/{id}", "requires": ["corp"] },
                "events": { "path": "/events" },
                "report": { "path": "/api/report", "methods": ["GET", "POST"], "requires": ["machines"] },
                "health": { "path": "/healthz", "requires": [] },
            },
        } },
        "entities": { "groups": { "corp::Group::\"admins\"": ["corp::Group::\"staff\""] } },
        "policies": policies,
        "peer": { "from": "tls" },
        "identity_headers": {
            "x-user-email": { "fact": "corp.email" }, "x-user-roles": { "fact": "corp.roles" },
            "x-user-unit": { "fact": "corp.org.unit" }, "x-device-score": { "fact": "mdm.score" },
        },
    })
}

/// The compiled configuration with its own policies.
fn compiled() -> Plan {
    match Plan::compile_value(&configuration(POLICIES)) {
        Ok((plan, _)) => plan,
        Err(errors) => panic!("the configuration of the targets has problems: {errors:#?}"),
    }
}

/// The compiled configuration with its own policies. The answers of all of them are cached, from one input to the next.
pub fn plan() -> &'static Plan {
    static PLAN: LazyLock<Plan> = LazyLock::new(|| {
        let mut plan = compiled();
        plan.policies.cache_all();
        plan
    });
    &PLAN
}

/// The same without a decision cache: its policies are too few for one.
pub fn uncached() -> &'static Plan {
    static PLAN: LazyLock<Plan> = LazyLock::new(compiled);
    &PLAN
}

/// Seeds that are forwarded, one for each policy that permits. Without them a fuzzer would never see what comes after a
/// permit.
pub const ALLOWED: &[&[u8]] = &[
    include_bytes!("../seeds/request/allow-read"),
    include_bytes!("../seeds/request/allow-own"),
    include_bytes!("../seeds/request/allow-admin-write"),
    include_bytes!("../seeds/request/allow-files"),
    include_bytes!("../seeds/request/allow-health"),
    include_bytes!("../seeds/request/allow-machine"),
    include_bytes!("../seeds/request/allow-preflight"),
    include_bytes!("../seeds/request/allow-upgrade"),
];

/// Decides twice, the second time with the tokens remembered that were verified first, and the forgeries that were found,
/// and insists on the same outcome.
#[must_use]
pub fn decide_twice(plan: &Plan, parts: &RequestParts) -> Outcome {
    let id = DecisionId::derive(&[7; 32], 1, NOW);
    // Where keys are fetched, none have come.
    let trust = TrustStore::new(plan.key_sources(), 0);
    let (asked, nothing) = (HostVerifier::default(), ForgeryMemory::default());
    let verifier = nothing.before(&asked, NOW);
    let mut first =
        decide(plan, Verification { verifier: &verifier, ..Verification::by(&trust) }, parts.clone(), NOW, &id);
    let (mut tokens, mut forgeries) = (TokenMemory::new(1 << 20), ForgeryMemory::new(1 << 20));
    mem::take(&mut first.tokens.new).into_iter().for_each(|token| tokens.keep(token, NOW));
    let found = verifier.into_found();
    let is_forged = !found.is_empty();
    found.into_iter().for_each(|forgery| forgeries.keep(forgery, NOW));
    asked.take_tally();
    let verifier = forgeries.before(&asked, NOW);
    let remembering = Verification { verifier: &verifier, memory: Some(&tokens), ..Verification::by(&trust) };
    let second = decide(plan, remembering, parts.clone(), NOW, &id);
    assert!(!is_forged || asked.take_tally().by_plugin == 0, "a forged signature is verified again");
    assert_eq!(first.reply, second.reply, "two decisions about one request differ");
    assert_eq!(first.record, second.record, "two records of one request differ");
    first
}
