//! Tokens that are remembered: what ends at once although the signature was verified before.

use super::*;
use crate::portable;
use crate::time::UnixSeconds;

/// A proxy whose worker has verified alice's tokens once.
fn with_known_tokens() -> Proxy {
    let mut proxy = proxy(&configuration());
    proxy.tick();
    proxy.answer("corp", &corp_set());
    proxy.answer("mdm", &mdm_set());
    proxy.headers(1, order());
    assert!(proxy.client(1).passed);
    assert_eq!(verified(&proxy), 2);
    proxy
}

/// How many signatures were verified.
fn verified(proxy: &Proxy) -> usize {
    proxy.count("signatures.verified_by.plugin")
}

/// The record of a forwarded request.
fn record(proxy: &Proxy, stream: u32) -> Value {
    proxy.client(stream).recorded()
}

#[portable]
fn the_same_tokens_are_verified_once_and_everything_else_is_judged_each_time() {
    let mut proxy = with_known_tokens();
    proxy.headers(2, order());
    assert!(proxy.client(2).passed);
    assert_eq!(verified(&proxy), 2, "the memory was used");
    let (first, second) = (record(&proxy, 1), record(&proxy, 2));
    for member in ["principal", "authentication", "evidence", "policies", "decision"] {
        assert_eq!(first[member], second[member], "{member}");
    }
    assert_ne!(first["decision_id"], second["decision_id"]);
    assert_eq!(first["cache"], json!({ "tokens": "miss", "decision": null }));
    assert_eq!(second["cache"], json!({ "tokens": "hit", "decision": null }), "few policies are evaluated each time");
}

#[portable]
fn one_new_token_is_a_miss_and_a_request_without_tokens_is_neither() {
    let mut proxy = with_known_tokens();
    let posture = claims(json!({ "iss": DEVICE_ISSUER, "aud": null, "sub": "laptop-1", "managed": true, "jti": "2" }));
    let posture = other_key().sign_claims(Some("mdm-key"), Some("JWT"), &posture).unwrap();
    proxy.headers(2, order_with("x-device-posture", |value| posture.as_bytes().clone_into(value)));
    proxy.headers(3, health());
    assert_eq!(record(&proxy, 2)["cache"]["tokens"], "miss");
    assert_eq!(record(&proxy, 3)["cache"]["tokens"], Value::Null);
}

#[portable]
fn a_record_says_whether_the_answers_of_policies_were_known() {
    let mut configuration = inline(configuration());
    let more = (0..crate::limits::MIN_CACHED_POLICIES).map(|number| {
        format!(
            "@id(\"p{number}\") permit (principal in corp::Group::\"engineering\", action in Action::\"read\", \
             resource in Application::\"shop\") when {{ context.mdm.managed }};"
        )
    });
    configuration["policies"] = json!(more.chain([POLICIES.to_owned()]).collect::<String>());
    let mut proxy = proxy(&configuration);
    proxy.headers(1, order());
    proxy.headers(2, order());
    let outcome = |stream: u32| record(&proxy, stream)["cache"]["decision"].clone();
    assert_eq!((outcome(1), outcome(2)), (json!("miss"), json!("hit")));
    assert_eq!((proxy.count("decision_cache.outcome.miss"), proxy.count("decision_cache.outcome.hit")), (1, 0));
    for stream in 3..=u32::try_from(crate::limits::CACHE_HITS_PER_COUNT).unwrap() + 1 {
        proxy.headers(stream, order());
    }
    assert_eq!(proxy.count("decision_cache.outcome.hit"), crate::limits::CACHE_HITS_PER_COUNT, "told many at a time");
}

#[portable]
fn a_known_token_that_has_expired_is_refused() {
    let mut proxy = with_known_tokens();
    // The token expires 3,540 seconds after the first request, with a tolerance of a minute.
    proxy.advance(3_599);
    proxy.headers(2, order());
    assert!(proxy.client(2).passed);
    proxy.advance(1);
    proxy.headers(3, order());
    assert_eq!(proxy.client(3).answer(), Some((401, "token-expired")));
    assert!(!proxy.client(3).reached_the_upstream());
    assert_eq!(verified(&proxy), 2);
}

#[portable]
fn known_posture_ages() {
    let mut proxy = with_known_tokens();
    proxy.advance(120);
    proxy.headers(2, order());
    let age = |stream: u32| record(&proxy, stream)["evidence"]["mdm"]["age"].as_i64().unwrap();
    assert_eq!(age(2), age(1) + 120);
    assert_eq!(verified(&proxy), 2);
}

#[portable]
fn a_key_that_was_rotated_out_ends_its_tokens_at_once() {
    let mut proxy = with_known_tokens();
    // The provider gives the name of the key to another one.
    proxy.advance(15 * 60);
    proxy.tick();
    proxy.answer("corp", &jwk_set(&other_key(), Some(KEY_ID)));
    proxy.answer("mdm", &mdm_set());
    proxy.headers(2, order());
    assert_eq!(proxy.client(2).answer(), Some((401, "token-signature")));
    assert_eq!(verified(&proxy), 3, "the signature was verified with the new key");
    // The old key again.
    proxy.advance(15 * 60);
    proxy.tick();
    proxy.answer("corp", &corp_set());
    proxy.answer("mdm", &mdm_set());
    proxy.headers(3, order());
    assert!(proxy.client(3).passed);
    assert_eq!(verified(&proxy), 3);
}

#[portable]
fn a_refreshed_set_with_the_same_key_keeps_what_is_known() {
    let mut proxy = with_known_tokens();
    proxy.advance(15 * 60);
    proxy.tick();
    let mut larger = corp_set();
    let more = jwk_set(&key(Algorithm::Rs256), Some("next"));
    larger["keys"].as_array_mut().unwrap().push(more["keys"][0].clone());
    proxy.answer("corp", &larger);
    proxy.answer("mdm", &mdm_set());
    proxy.headers(2, order());
    assert!(proxy.client(2).passed);
    assert_eq!(verified(&proxy), 2);
}

#[portable]
fn a_token_of_which_one_byte_differs_is_another_token() {
    let mut proxy = with_known_tokens();
    for (stream, header) in [(2, "authorization"), (3, "x-device-posture")] {
        proxy.headers(stream, order_with(header, |value| change_byte(value, 10)));
        let (status, _) = proxy.client(stream).answer().unwrap();
        assert_eq!(status, 401, "{header}");
        assert!(!proxy.client(stream).reached_the_upstream());
    }
}

#[portable]
fn another_configuration_remembers_nothing() {
    let configuration = inline(configuration());
    let memory = Shared::default();
    for worker in 0..2 {
        let mut proxy = Proxy::new(configured(&configuration, deployment("", &memory, worker)).unwrap().0);
        proxy.headers(1, order());
        proxy.headers(2, order());
        assert!(proxy.client(1).passed && proxy.client(2).passed);
        assert_eq!(verified(&proxy), 2);
        proxy.headers(3, forged_order());
        proxy.headers(4, forged_order());
        assert_eq!(verified(&proxy), 3);
    }
}

#[portable]
fn tokens_of_a_configuration_that_ended_are_forgotten_and_no_longer_counted() {
    let mut proxy = with_known_tokens();
    let remembered = |proxy: &Proxy| proxy.gauges["countersign.remembered_tokens"];
    assert_eq!(remembered(&proxy), 2);
    for _ in 0..2 {
        let effects = proxy.worker.ended(proxy.now);
        proxy.carry_out(effects);
        assert_eq!(remembered(&proxy), 0);
    }
    proxy.headers(2, order());
    assert!(proxy.client(2).passed, "it still decides");
    assert_eq!((verified(&proxy), remembered(&proxy)), (4, 0), "and remembers nothing");
}

#[portable]
fn with_a_cap_of_zero_each_signature_is_verified_each_time() {
    let mut configuration = inline(configuration());
    configuration["limits"] = json!({ "max_remembered_bytes": 0 });
    let mut proxy = Proxy::new(configured(&configuration, deployment("", &Shared::default(), 1)).unwrap().0);
    for stream in 1..=3 {
        proxy.headers(stream, order());
        assert!(proxy.client(stream).passed);
    }
    assert_eq!(verified(&proxy), 6);
    for stream in 4..=5 {
        proxy.headers(stream, forged_order());
        assert_eq!(proxy.client(stream).answer(), Some((401, "token-signature")));
    }
    assert_eq!(verified(&proxy), 8, "forged ones too");
}

/// The order with another signature under alice's token.
fn forged_order() -> RequestParts {
    order_with("authorization", |value| change_byte(value, 10))
}

/// The order with the value of one header changed.
fn order_with(header: &str, change: impl Fn(&mut Vec<u8>)) -> RequestParts {
    let parts = order();
    let fields = parts.headers.all_names().map(|name| {
        let mut value = parts.headers.all(name).next().unwrap().to_vec();
        if name == header {
            change(&mut value);
        }
        (name, value)
    });
    let headers = fields.collect();
    RequestParts { headers, ..RequestParts::default() }
}

/// Changes the byte at this place from the end to another character of base64url.
fn change_byte(value: &mut [u8], from_end: usize) {
    let byte = value.iter_mut().nth_back(from_end.saturating_sub(1)).unwrap();
    *byte = if *byte == b'A' { b'B' } else { b'A' };
}

#[portable]
fn a_forged_token_is_verified_once_in_a_while_and_each_time_refused_alike() {
    let mut proxy = with_known_tokens();
    for (stream, seconds, total) in [(2, 0, 3), (3, 9, 3), (4, 1, 4), (5, 0, 4)] {
        proxy.advance(seconds);
        proxy.headers(stream, forged_order());
        assert_eq!(proxy.client(stream).answer(), Some((401, "token-signature")));
        assert!(!proxy.client(stream).reached_the_upstream());
        assert_eq!(verified(&proxy), total, "stream {stream}");
    }
    assert_eq!(proxy.count("decisions.outcome.deny.reason.token_signature"), 4);
    proxy.headers(6, order());
    assert!(proxy.client(6).passed);
}

#[portable]
fn a_token_that_was_forged_passes_as_soon_as_the_provider_has_its_key() {
    let mut proxy = proxy(&configuration());
    proxy.tick();
    proxy.answer("corp", &jwk_set(&other_key(), Some(KEY_ID)));
    // Posture is not verified before the access token, so its key is not needed yet.
    proxy.fail_fetch("mdm");
    proxy.advance(15 * 60);
    for stream in 1..=2 {
        proxy.headers(stream, order());
        assert_eq!(proxy.client(stream).answer(), Some((401, "token-signature")));
    }
    assert_eq!(verified(&proxy), 1);
    proxy.tick();
    proxy.answer("corp", &corp_set());
    proxy.answer("mdm", &mdm_set());
    proxy.headers(3, order());
    assert!(proxy.client(3).passed, "{:?}", proxy.client(3).answer());
    assert_eq!(verified(&proxy), 3, "both tokens");
}

#[portable]
fn forged_tokens_take_no_room_from_verified_ones() {
    let mut configuration = inline(configuration());
    configuration["limits"] = json!({ "max_remembered_bytes": 16 * 1024 });
    let mut proxy = Proxy::new(configured(&configuration, deployment("", &Shared::default(), 1)).unwrap().0);
    proxy.headers(1, order());
    let flood = 300_usize;
    for number in 0..flood {
        let parts = order_with("authorization", |value| {
            let end = value.len() - 40;
            let (_, end) = value.split_at_mut(end);
            end[..4].copy_from_slice(format!("{number:04}").as_bytes());
        });
        let stream = 10 + u32::try_from(number).unwrap();
        proxy.headers(stream, parts);
        assert_eq!(proxy.client(stream).answer(), Some((401, "token-signature")));
        proxy.gone(stream);
    }
    assert_eq!(verified(&proxy), 2 + flood);
    proxy.headers(2, order());
    assert!(proxy.client(2).passed);
    assert_eq!(verified(&proxy), 2 + flood, "both tokens are still known");
}

#[portable]
fn a_token_that_is_refused_is_not_remembered() {
    let mut proxy = with_known_tokens();
    let stale: UnixSeconds = proxy.now;
    let old = claims(json!({ "exp": stale.get() - 600, "iat": stale.get() - 1_200, "groups": ["engineering"] }));
    let bearer = format!("Bearer {}", token(&old));
    for stream in 2..=3 {
        let parts =
            RequestParts::for_test("GET", "shop.example.com", "/api/orders/7", &[("authorization", bearer.as_bytes())]);
        proxy.headers(stream, parts);
        assert_eq!(proxy.client(stream).answer(), Some((401, "token-expired")));
    }
    assert_eq!(verified(&proxy), 4, "a signature for each");
}
