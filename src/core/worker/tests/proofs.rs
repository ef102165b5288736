//! Used proofs: what workers remember of them together, and when there is no memory for them.

use super::*;
use crate::portable;
use crate::testing::{proof, thumbprint};
use crate::worker::Effect;

/// Keys in the configuration or fetched, and `replay` of the issuer.
fn with_proofs(mut configuration: Value, replay: &str) -> Value {
    configuration["issuers"]["corp"]["sender_constraint"] = json!("dpop");
    configuration["issuers"]["corp"]["dpop"] = json!({ "replay": replay });
    configuration
}

/// The request of alice, whose token is bound to her key, with a proof.
fn proved() -> RequestParts {
    let alice = claims(json!({
        "groups": ["engineering"], "device_id": "laptop-1", "cnf": { "jkt": thumbprint(&other_key()) },
    }));
    let token = token(&alice);
    let proof = proof(&other_key(), &token, json!({ "htu": "https://shop.example.com/api/orders/7" }));
    let posture = order().headers.all("x-device-posture").next().map(<[u8]>::to_vec).unwrap();
    let credential = format!("DPoP {token}");
    let fields: [(&str, &[u8]); 3] =
        [("authorization", credential.as_bytes()), ("dpop", proof.as_bytes()), ("x-device-posture", &posture)];
    RequestParts::for_test("GET", "shop.example.com", "/api/orders/7", &fields)
}

fn refused_with(proxy: &Proxy, stream: u32, code: &str) -> bool {
    proxy.client(stream).answer().is_some_and(|(_, found)| found == code)
}

#[portable]
fn a_proof_that_one_worker_accepted_is_refused_by_all_that_share_its_memory() {
    for (replay, vm_id, refused) in [("shared", "vm", true), ("per_worker", "vm", false), ("per_worker", "", false)] {
        let memory = Shared::default();
        let configuration = with_proofs(inline(configuration()), replay);
        let mut first = proxy_in(&configuration, deployment(vm_id, &memory, 1));
        let mut second = proxy_in(&configuration, deployment(vm_id, &memory, 2));
        first.headers(1, proved());
        assert!(first.client(1).reached_the_upstream(), "{replay} {:?}", first.client(1).answer());
        first.headers(2, proved());
        assert!(refused_with(&first, 2, "proof-replayed"), "{replay}");
        second.headers(1, proved());
        assert_eq!(refused_with(&second, 1, "proof-replayed"), refused, "{replay} {vm_id}");
        assert_eq!(second.client(1).reached_the_upstream(), !refused, "{replay} {vm_id}");
    }
}

#[portable]
fn a_request_that_waits_for_keys_uses_its_proof_once() {
    let memory = Shared::default();
    let configuration = with_proofs(configuration(), "shared");
    let mut proxy = proxy_in(&configuration, deployment("vm", &memory, 1));
    proxy.headers(1, proved());
    assert_eq!(proxy.waiting(), 1);
    proxy.tick();
    proxy.answer("mdm", &mdm_set());
    proxy.answer("corp", &corp_set());
    assert!(proxy.client(1).reached_the_upstream(), "{:?}", proxy.client(1).answer());
    proxy.headers(2, proved());
    assert!(refused_with(&proxy, 2, "proof-replayed"));
}

#[portable]
fn without_a_memory_of_their_own_workers_reject_a_configuration_that_shares_proofs() {
    let memory = Shared::default();
    for vm_id in [&b""[..], b"\xff"] {
        let configuration = with_proofs(inline(configuration()), "shared");
        let deployment = Deployment { vm_id: vm_id.to_vec(), ..deployment("", &memory, 1) };
        let Err(effects) = configured(&configuration, deployment) else { panic!("accepted") };
        let names_the_place = |effect: &Effect| matches!(effect, Effect::Log(_, line) if line.contains("/issuers/corp/dpop/replay") && line.contains("vm_id"));
        assert!(effects.iter().any(names_the_place), "{effects:?}");
    }
}
