//! Whoever verifies signatures, the same tokens are accepted.

use super::*;
use crate::fake::Signatures;

/// The same request with another signature.
fn forged() -> Fields {
    let (text, signature) = TOKEN.rsplit_once('.').expect("a token");
    let bearer = format!("Bearer {text}.h{}", signature.strip_prefix('g').expect("the first letter"));
    get("/api/orders/7", &[("authorization", &bearer)])
}

/// Asks for an order with a genuine and with a forged token.
fn ask_both(host: &Fake, root: &Root<Fake>) {
    assert_eq!(arrive(host, root, 7, order()).1, Passage::Continue);
    assert!(is_armed(host, 7));
    assert_eq!(arrive(host, root, 8, forged()).1, Passage::Pause);
    assert!(refused_with(host, 8, 401, "token-signature"));
    assert!(!is_armed(host, 8));
}

fn count(host: &Fake, name: &str) -> i64 {
    host.with(|state| state.values.get(&format!("countersign.signatures.{name}")).copied().unwrap_or_default())
}

/// The line of the log that says who verifies, where the keys come from here.
fn line(keys: &str, signatures: Signatures) -> String {
    let (_, _, lines) = plugin_of(keys, signatures);
    let found = lines.into_iter().filter(|line| line.contains("signatures verified by")).collect::<Vec<_>>();
    let [line] = found.as_slice() else { panic!("one line: {found:?}") };
    line.clone()
}

/// A plugin whose host verifies so, with an ES256 key in its configuration, and what was logged when it was configured.
fn plugin_with(signatures: Signatures) -> (Fake, Root<Fake>, Vec<String>) {
    plugin_of(INLINE, signatures)
}

fn plugin_of(keys: &str, signatures: Signatures) -> (Fake, Root<Fake>, Vec<String>) {
    let host = Fake::default();
    host.with(|state| state.signatures = signatures);
    let root = configured(&host, keys);
    let lines = host.calls("log").into_iter().map(|(_, line)| line).collect();
    host.with(|state| state.calls.clear());
    (host, root, lines)
}

fn answers() -> Vec<Signatures> {
    let always: [&[u8]; 5] = [&[8, 1], &[], &[0x12, 2, b'n', b'o'], &[8, 1, 8, 1], b"?"];
    let mut all = vec![Signatures::Missing, Signatures::Right];
    all.extend(always.map(|answer| Signatures::Always(answer.to_vec())));
    // Some of these fail amid the known answers, the last one at the first token.
    for questions in [1, 7, KNOWN_ANSWERS - 1, KNOWN_ANSWERS] {
        all.push(Signatures::RightFor(questions, Box::new(Signatures::Missing)));
        all.push(Signatures::RightFor(questions, Box::new(Signatures::Always(b"?".to_vec()))));
    }
    all
}

/// How many questions a right host is asked when the plugin is configured: those about ES256.
const KNOWN_ANSWERS: usize = 15;

#[test]
fn the_host_is_asked_for_the_known_answers_of_the_algorithms_that_tokens_may_have() {
    for (keys, questions) in [(INLINE, KNOWN_ANSWERS), (FETCHED, 69)] {
        let host = Fake::default();
        host.with(|state| state.signatures = Signatures::Right);
        let _root = configured(&host, keys);
        assert_eq!(host.calls("verify").len(), questions, "{keys}");
    }
}

#[test]
fn whatever_the_host_answers_the_plugin_starts_and_accepts_the_genuine_token_alone() {
    for signatures in answers() {
        let (host, root, _) = plugin_with(signatures);
        ask_both(&host, &root);
        assert_eq!(count(&host, "verified_by.proxy").saturating_add(count(&host, "verified_by.plugin")), 2);
    }
}

#[test]
fn a_host_that_verifies_is_asked_once_for_each_token() {
    let (host, root, _) = plugin_with(Signatures::Right);
    ask_both(&host, &root);
    assert_eq!(host.calls("verify").len(), 2);
    assert_eq!((count(&host, "verified_by.proxy"), count(&host, "verified_by.plugin")), (2, 0));
    assert_eq!(count(&host, "proxy_failures"), 0);
}

#[test]
fn a_host_that_says_yes_to_everything_is_asked_about_no_token() {
    let (host, root, _) = plugin_with(Signatures::Always(vec![8, 1]));
    ask_both(&host, &root);
    assert!(host.calls("verify").is_empty());
    assert_eq!((count(&host, "verified_by.proxy"), count(&host, "verified_by.plugin")), (0, 2));
}

#[test]
fn a_call_that_fails_later_is_counted_and_the_plugin_verifies() {
    let failing = Signatures::RightFor(KNOWN_ANSWERS, Box::new(Signatures::Missing));
    let (host, root, _) = plugin_with(failing);
    ask_both(&host, &root);
    assert_eq!(host.calls("verify").len(), 2);
    assert_eq!((count(&host, "verified_by.proxy"), count(&host, "verified_by.plugin")), (0, 2));
    assert_eq!(count(&host, "proxy_failures"), 2);
}

#[test]
fn the_log_says_who_verifies_and_why_not_the_proxy() {
    let inline = line(INLINE, Signatures::Right);
    assert_eq!(inline, "log Info countersign: signatures verified by the proxy: ES256; by the plugin: none");
    let missing = line(INLINE, Signatures::Missing);
    assert_eq!(missing.matches("failed its test").count(), 1, "only for ES256: {missing}");
    // Any key may be fetched.
    let right = line(FETCHED, Signatures::Right);
    assert_eq!(
        right,
        "log Info countersign: signatures verified by the proxy: RS256, RS384, RS512, ES256, ES384; by the plugin: \
         PS256, PS384, PS512, Ed25519"
    );
    let missing = line(FETCHED, Signatures::Missing);
    assert!(missing.starts_with("log Warn countersign: signatures verified by the proxy: none; by the plugin: RS256"));
    assert!(missing.contains("verify_signature failed its test for ES384: it is not available"), "{missing}");
    let yes = line(FETCHED, Signatures::Always(vec![8, 1]));
    assert!(yes.contains("for RS256: it accepts a forged signature (another signature, first half)"), "{yes}");
}

#[test]
fn a_request_that_is_woken_is_verified_by_the_host_too() {
    let host = Fake::default();
    host.with(|state| state.signatures = Signatures::Right);
    let root = configured(&host, FETCHED);
    let (_stream, passage) = arrive(&host, &root, 7, order());
    assert_eq!(passage, Passage::Pause);
    root.tick();
    answer(&host, &root, 1);
    assert_eq!(endings(&host, 7), ["resume"]);
    assert_eq!(count(&host, "verified_by.proxy"), 1);
}

#[test]
fn a_token_that_is_presented_again_is_not_verified_again() {
    let (host, root, _) = plugin_with(Signatures::Right);
    for stream in 1..=3 {
        assert_eq!(arrive(&host, &root, stream, order()).1, Passage::Continue);
        assert!(is_armed(&host, stream));
    }
    assert_eq!(host.calls("verify").len(), 1);
    ask_both(&host, &root);
    assert_eq!(host.calls("verify").len(), 2, "the forged one");
}
