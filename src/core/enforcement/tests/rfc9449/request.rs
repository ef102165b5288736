//! Requests for the resource of the figures.

use serde_json::{Value, json};

use super::super::{Outcome, decision_id, merge, plan_of};
use crate::config::Plan;
use crate::enforcement::decide_at;
use crate::freshness::ProofMemory;
use crate::jose::Algorithm;
use crate::keys::{TrustStore, Verification};
use crate::mint::SigningKey;
use crate::request::RequestParts;
use crate::testing::rfc9449::claims_of_figure_9;
use crate::testing::{FakeMemory, KEY_ID, NOW, jwk_set, key, other_key, proof, thumbprint};
use crate::time::UnixSeconds;

/// A request with a DPoP-bound token.
pub(super) struct Sent {
    pub(super) method: &'static str,
    pub(super) scheme: &'static str,
    pub(super) token: String,
    pub(super) proof: Option<String>,
    pub(super) now: UnixSeconds,
}

impl Sent {
    /// The request of figure 13, at its time, with this proof. Its token has the claims of figure 9 and is signed by a key of ours.
    pub(super) fn of_figure_13(proof: &str) -> Self {
        let claims = claims_of_figure_9();
        let token = key(Algorithm::Es256).sign_claims(Some(KEY_ID), None, claims.as_object().expect("claims"));
        Self {
            method: "GET",
            scheme: "DPoP",
            token: token.expect("a token"),
            proof: Some(proof.to_owned()),
            now: UnixSeconds::new(1562262618),
        }
    }

    /// The same with a token and a proof of ours. `changes` are made to the claims of the proof.
    pub(super) fn ours(changes: Value) -> Self {
        let token = token_for(&other_key());
        let mut claims = json!({ "htu": "https://resource.example.org/protectedresource" });
        merge(&mut claims, changes);
        let proof = proof(&other_key(), &token, claims);
        Self { token, now: NOW, ..Self::of_figure_13(&proof) }
    }

    pub(super) fn decided(&self, plan: &Plan) -> Outcome {
        self.decided_with(plan, &FakeMemory::default())
    }

    pub(super) fn decided_with(&self, plan: &Plan, memory: &FakeMemory) -> Outcome {
        let credential = format!("{} {}", self.scheme, self.token);
        let fields = [Some(("authorization", credential.as_str())), self.proof.as_deref().map(|proof| ("dpop", proof))];
        let fields: Vec<(&str, &str)> = fields.into_iter().flatten().collect();
        decided(plan, memory, &fields, self.method, self.now)
    }
}

/// A token with the claims of figure 9, valid now, bound to this key.
pub(super) fn token_for(bound_to: &SigningKey) -> String {
    let mut claims = claims_of_figure_9();
    let times =
        json!({ "nbf": NOW.get(), "exp": NOW.get().saturating_add(60), "cnf": { "jkt": thumbprint(bound_to) } });
    merge(&mut claims, times);
    key(Algorithm::Es256).sign_claims(Some(KEY_ID), None, claims.as_object().expect("claims")).expect("a token")
}

/// `dpop` with the algorithms of figures 15 to 19.
pub(super) fn both_algorithms() -> Value {
    json!({ "algorithms": ["ES256", "PS256"] })
}

/// The resource of the figures, with this `sender_constraint` and `dpop` of the issuer of figure 9.
pub(super) fn plan(constraint: &str, dpop: Value) -> Plan {
    plan_of(&json!({
        "version": 1,
        "issuers": { "server": {
            "issuer": "https://server.example.com", "audiences": "absent", "typ": ["absent"],
            "keys": { "inline": jwk_set(&key(Algorithm::Es256), Some(KEY_ID)) }, "principal": { "id": "sub" },
            "sender_constraint": constraint, "dpop": dpop,
        } },
        "applications": { "resource": {
            "hosts": ["resource.example.org"], "requires": ["server"],
            "routes": { "protected": { "path": "/protectedresource", "methods": ["GET", "POST"] } },
        } },
        "policies": "@id(\"all\") permit (principal is server::User, action, resource);",
    }))
}

pub(super) fn plan_of_figure_9() -> Plan {
    plan("dpop", json!({}))
}

/// Decides a request for the resource of the figures at a time that is written there, and not of a clock.
pub(super) fn decided(
    plan: &Plan,
    memory: &FakeMemory,
    fields: &[(&str, &str)],
    method: &str,
    now: UnixSeconds,
) -> Outcome {
    let fields: Vec<(&str, &[u8])> = fields.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
    let parts = RequestParts::for_test(method, "resource.example.org", "/protectedresource", &fields);
    let trust = TrustStore::new(plan.key_sources(), 0);
    let proofs = ProofMemory { shared: Some(memory), own: None, seed: &[3; 32] };
    decide_at(plan, Verification { proofs, ..Verification::by(&trust) }, parts, now, &decision_id())
}
