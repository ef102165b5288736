//! Tokens that a worker remembers: each request is judged as if it were the first, although no signature is verified again.

use serde_json::{Value, json};
use test_harness::clock::{Stopwatch, unix_seconds};
use test_harness::envoy::Envoy;
use test_harness::keys::{DemoKey, with_inline_keys};
use test_harness::services::Line;
use test_harness::tls::Leaf;
use test_harness::tokens::{ALICE, Token};

use crate::bench::{Ask, Bench, Outcome, plugin_listener};
use crate::configuration::{Watched, publish};
use crate::keys::{Issuer, LOGIN, configuration, path, wait_until};
use crate::tls;
use crate::{Scenario, scenarios};

pub const SCENARIOS: &[Scenario] = scenarios![
    a_remembered_token_expires_ages_and_stays_bound_to_its_certificate,
    a_key_that_was_rotated_out_ends_the_tokens_that_were_remembered_with_it,
    a_new_configuration_judges_remembered_tokens_by_itself,
    a_forged_token_that_is_remembered_is_refused_without_being_verified_again,
];

/// One worker, so that the second request with a token meets the memory of the first.
const ONE: u32 = 1;

/// How often each token is sent while it must be accepted.
const TIMES: usize = 4;

/// The tolerance between clocks in the example. The age of posture has none.
const SKEW_SECONDS: i64 = 60;

/// The longest age of posture in the example.
const MAX_AGE_SECONDS: i64 = 24 * 60 * 60;

/// For so long a token that is about to end is still good. Longer than the first requests with it take.
const LEFT_SECONDS: i64 = 5;

/// How many signatures were verified, by Envoy or by the plugin.
fn verified(envoy: &Envoy) -> u64 {
    envoy.stats("wasmcustom.countersign.signatures.verified_by").expect("statistics").values().sum()
}

/// Sends it some times; each time it passes, and only these signatures are verified.
fn passes(envoy: &Envoy, signatures: u64, send: impl Fn() -> Outcome) {
    let before = verified(envoy);
    for _ in 0..TIMES {
        send().allowed();
        assert_eq!(verified(envoy), before + signatures, "the worker remembers it");
    }
}

/// Sends it some times; it is refused each time, and only these signatures are verified.
fn is_refused(envoy: &Envoy, signatures: u64, (status, code): (u16, &str), send: impl Fn() -> Outcome) {
    let before = verified(envoy);
    for _ in 0..TIMES {
        send().refused(status, code);
    }
    assert_eq!(verified(envoy), before + signatures, "{code}");
}

/// Waits until it is refused with this code, without any signature being verified. It passes until then.
fn ends(envoy: &Envoy, code: &str, earliest: i64, send: impl Fn() -> Outcome) {
    let before = verified(envoy);
    wait_until(code, || {
        let sent_at = unix_seconds();
        let outcome = send();
        let ended = outcome.answer.status != 200;
        if ended {
            outcome.refused(401, code);
            assert!(unix_seconds() >= earliest, "{code}: {} s too early", earliest - unix_seconds());
        } else {
            outcome.allowed();
            assert!(sent_at < earliest, "{code}: still accepted {} s later", sent_at - earliest);
        }
        ended
    });
    assert_eq!(verified(envoy), before, "{code}");
    is_refused(envoy, 0, (401, code), send);
}

fn order(token: &str, posture: &str) -> Ask {
    Ask::get("/api/orders/7").token(token).posture(posture)
}

fn a_remembered_token_expires_ages_and_stays_bound_to_its_certificate(bench: &Bench) {
    let mut configuration = with_inline_keys(bench.example.plugin_configuration());
    configuration["peer"] = json!({ "from": "tls" });
    let mut listener = plugin_listener(bench, "main", &configuration);
    let trusted = json!({ "trusted_ca": { "inline_string": bench.authority.pem() } });
    tls::end_tls(bench, &mut listener, false, &trusted);
    let envoy = bench.start_envoy_of(ONE, "remembered", &bench.bootstrap_with([listener])).expect("envoy starts");
    let address = envoy.listener("main").expect("the listener is there");
    let [own, other] = [(); 2].map(|()| tls::leaf(&bench.authority, &[]));
    let send =
        |leaf: Option<&Leaf>, token: &str, posture: &str| tls::send(bench, address, leaf, &order(token, posture));

    // Bound to a certificate: by the same client, by another one, by one without a certificate, and by the first again.
    let posture = Token::about("laptop-1").sign();
    let bound = Token::of(ALICE).claim("cnf", json!({ "x5t#S256": own.thumbprint() })).sign();
    passes(&envoy, 2, || send(Some(&own), &bound, &posture));
    for stranger in [Some(&other), None] {
        is_refused(&envoy, 0, (401, "token-binding"), || send(stranger, &bound, &posture));
        passes(&envoy, 0, || send(Some(&own), &bound, &posture));
    }
    let unbound = Token::of(ALICE).sign();
    passes(&envoy, 1, || send(Some(&other), &unbound, &posture));
    passes(&envoy, 0, || send(None, &unbound, &posture));

    // Expires.
    let end = unix_seconds() + LEFT_SECONDS;
    let short = Token::of(ALICE).claim("exp", json!(end - SKEW_SECONDS)).sign();
    passes(&envoy, 1, || send(None, &short, &posture));
    ends(&envoy, "token-expired", end, || send(None, &short, &posture));
    passes(&envoy, 0, || send(None, &unbound, &posture));

    // Ages.
    let end = unix_seconds() + LEFT_SECONDS;
    let old = Token::about("laptop-1").claim("iat", json!(end - MAX_AGE_SECONDS - 1)).sign();
    passes(&envoy, 1, || send(None, &unbound, &old));
    ends(&envoy, "posture-stale", end, || send(None, &unbound, &old));
    passes(&envoy, 0, || send(None, &unbound, &posture));

    // Bound to the token's device: the same posture with the remembered token of another device.
    let posture_of_another = Token::about("laptop-2").sign();
    // Posture that is not accepted is not remembered.
    is_refused(&envoy, TIMES as u64, (401, "posture-not-bound"), || send(None, &unbound, &posture_of_another));
}

fn a_key_that_was_rotated_out_ends_the_tokens_that_were_remembered_with_it(bench: &Bench) {
    let short = json!({ "refresh": { "min": "5s", "max": "5s" }, "refetch_interval": "1s" });
    let [rotated, steady] = ["rotated_out", "steady"].map(|name| Issuer::at(name, LOGIN, short.clone()));
    let provider = bench.identity_provider(Line::Http);
    for issuer in [&rotated, &steady] {
        provider.publish(&path(issuer.name), &[&issuer.key]);
    }
    let listener = plugin_listener(bench, "main", &configuration([&rotated, &steady]));
    let mut bootstrap = bench.bootstrap_with([listener]);
    bootstrap.set_cluster(LOGIN, provider.address());
    let envoy = bench.start_envoy_of(ONE, "rotated-out", &bootstrap).expect("envoy starts");
    let address = envoy.listener("main").expect("the listener is there");
    let [gone, kept] = [rotated.good(), steady.good()];
    let send = |ask: &Ask| bench.ask_at(address, ask);
    passes(&envoy, 1, || send(&gone));
    passes(&envoy, 1, || send(&kept));

    // Another key under the same id.
    let new = DemoKey::new(&rotated.key.kid);
    provider.publish(&path(rotated.name), &[&new]);
    let (since, before) = (Stopwatch::start(), verified(&envoy));
    wait_until("the remembered token is refused", || {
        let outcome = send(&gone);
        let ended = outcome.answer.status != 200;
        if ended {
            outcome.refused(401, "token-signature");
        }
        ended
    });
    // The set is fetched again after 5 seconds at the latest; the rest is for a slow machine.
    assert!(since.elapsed().as_secs() <= 10, "{:?}", since.elapsed());
    assert_eq!(verified(&envoy), before + 1, "it was verified with the new key");
    is_refused(&envoy, 0, (401, "token-signature"), || send(&gone));
    passes(&envoy, 0, || send(&kept));
    let ask = rotated.ask(&rotated.token().key(&new));
    passes(&envoy, 1, || send(&ask));
}

fn a_new_configuration_judges_remembered_tokens_by_itself(bench: &Bench) {
    let first = with_inline_keys(bench.example.plugin_configuration());
    let Watched { folder, file, bootstrap } = Watched::new(bench, "remembered-live", &first);
    let envoy = Envoy::start(&bench.binary, &bootstrap, ONE, &folder).expect("envoy starts");
    let ask = order(&Token::of(ALICE).sign(), &Token::about("laptop-1").sign());
    let send = || bench.ask_at(envoy.listener("live").expect("the listener is there"), &ask);
    passes(&envoy, 2, send);

    let changed = |pointer: &str, value: Value| {
        let mut configuration = first.clone();
        *configuration.pointer_mut(pointer).unwrap_or_else(|| panic!("no {pointer}")) = value;
        configuration
    };
    let policies = first["policies"].as_str().expect("one text");
    let stricter = policies.replace("context.mdm.score >= 60", "context.mdm.score >= 99");
    assert_ne!(policies, stricter);
    let (policy, audience, issuer) = (
        changed("/policies", json!(stricter)),
        changed("/issuers/corp/audiences", json!(["another"])),
        changed("/issuers/corp/issuer", json!("https://another.example.com")),
    );
    // As good as the first one, and not equal to it: Envoy hands an equal one to the plugin that it is still draining.
    let again = [90, 91, 92].map(|headers| {
        let mut configuration = first.clone();
        configuration["limits"] = json!({ "max_headers": headers });
        configuration
    });
    // The signatures that the first request costs, and each later one: a configuration begins with an empty memory, and a
    // token that it does not accept is not remembered.
    let steps = [
        (&policy, Some((403, "not-permitted")), 2, 0),
        (&again[0], None, 2, 0),
        (&audience, Some((401, "token-audience")), 1, 1),
        (&again[1], None, 2, 0),
        (&issuer, Some((401, "token-issuer")), 0, 0),
        (&again[2], None, 2, 0),
    ];
    for (update, (configuration, refused, at_first, later)) in (2..).zip(steps) {
        publish(bench, &file, configuration);
        envoy.wait_for_stat("listener_manager.lds.update_success", update).expect("envoy accepts it");
        let expected = refused.map_or(200, |(status, _)| status);
        // Envoy hands the new listener to its worker a moment after it counted the update.
        let mut signatures = 0;
        wait_until("the new configuration is in force", || {
            let before = verified(&envoy);
            let is_in_force = send().answer.status == expected;
            signatures = verified(&envoy) - before;
            is_in_force
        });
        assert_eq!(signatures, at_first, "update {update}");
        match refused {
            None => passes(&envoy, later, send),
            Some(refused) => is_refused(&envoy, TIMES as u64 * later, refused, send),
        }
    }
}

fn a_forged_token_that_is_remembered_is_refused_without_being_verified_again(bench: &Bench) {
    let configuration = with_inline_keys(bench.example.plugin_configuration());
    let listener = plugin_listener(bench, "main", &configuration);
    let envoy = bench.start_envoy_of(ONE, "forged", &bench.bootstrap_with([listener])).expect("envoy starts");
    let address = envoy.listener("main").expect("the listener is there");
    let (good, posture) = (Token::of(ALICE).sign(), Token::about("laptop-1").sign());
    let (text, signature) = good.rsplit_once('.').expect("a token");
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    let forged = format!("{text}.{first}{}", signature.get(1..).expect("a signature"));
    let send = |token: &str| bench.ask_at(address, &order(token, &posture));
    passes(&envoy, 2, || send(&good));
    is_refused(&envoy, 1, (401, "token-signature"), || send(&forged));
    passes(&envoy, 0, || send(&good));
    let denials = "wasmcustom.countersign.decisions.outcome.deny.reason.token_signature";
    let counted: u64 = envoy.stats(denials).expect("statistics").values().sum();
    assert_eq!(counted, TIMES as u64, "each one is counted");
    // Other claims under the genuine signature, and the other way round.
    let other = Token::of(ALICE).claim("jti", json!("another")).sign();
    let (other_text, other_signature) = other.rsplit_once('.').expect("a token");
    for mixed in [format!("{other_text}.{signature}"), format!("{text}.{other_signature}")] {
        is_refused(&envoy, 1, (401, "token-signature"), || send(&mixed));
    }
    passes(&envoy, 1, || send(&other));
    passes(&envoy, 0, || send(&good));
}
