//! Keys that change: new ones are taken when a token names them, old ones go, and nobody can make a provider be asked all the time.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use test_harness::answer::Answer;
use test_harness::clock::{Deadline, Stopwatch};
use test_harness::keys::{DemoKey, KEYS};
use test_harness::services::Received;
use test_harness::tokens::base64url;

use crate::bench::{Ask, Bench, WORKERS};
use crate::keys::{COARSENESS, Issuer, LOGIN, SECOND, path, rest, wait_until};
use crate::traffic::{Traffic, wrong};
use crate::{Scenario, scenarios};

pub const SCENARIOS: &[Scenario] = scenarios![
    a_new_key_is_taken_after_one_fetch_and_an_old_one_goes_with_its_set,
    a_new_key_of_tokens_without_kid_is_taken_after_one_fetch,
    another_key_under_the_same_id_replaces_the_first,
    of_requests_under_rotation_none_is_refused_and_none_is_lost,
    tokens_with_unknown_keys_make_the_provider_be_asked_once_an_interval_and_disturb_nobody,
];

/// The issuer whose keys change.
const ROTATED: &str = "rotated";

/// The issuer whose tokens name no key.
const UNNAMED: &str = "unnamed";

/// The issuer whose key changes under its id.
const REPLACED: &str = "replaced";

/// The issuer whose keys change under load.
pub const LOADED: &str = "loaded";

/// The issuer of whom somebody makes up keys.
pub const FLOODED: &str = "flooded";

/// Seconds in which [`FLOODED`] is asked once.
const INTERVAL_SECONDS: u32 = 2;

pub fn issuers() -> Vec<Issuer> {
    let long = json!({ "refresh": { "min": "1h", "max": "1h" }, "refetch_interval": "1s" });
    let short = json!({ "refresh": { "min": "5s", "max": "5s" }, "refetch_interval": "1s" });
    let interval = format!("{INTERVAL_SECONDS}s");
    let flooded = json!({ "refresh": { "min": "1h", "max": "1h" }, "refetch_interval": interval });
    vec![
        Issuer::at(ROTATED, LOGIN, long.clone()),
        Issuer::at(UNNAMED, LOGIN, long.clone()),
        Issuer::at(REPLACED, LOGIN, short),
        Issuer::at(LOADED, LOGIN, long),
        Issuer::at(FLOODED, LOGIN, flooded),
    ]
}

fn a_new_key_is_taken_after_one_fetch_and_an_old_one_goes_with_its_set(bench: &Bench) {
    let (rotated, login) = (bench.keys.issuer(ROTATED), &bench.keys.login);
    let fetches = || login.visits(&path(ROTATED)).len();
    let signed = |key: &Arc<DemoKey>| rotated.ask(&rotated.token().key(key));
    let new = DemoKey::new("rotated-2");
    bench.ask(&rotated.good()).allowed();
    rest(&bench.keys.login, ROTATED, SECOND);
    let before = fetches();

    login.publish(&path(ROTATED), &[&new, &rotated.key]);
    bench.ask(&signed(&new)).allowed();
    assert_eq!(fetches(), before + 1, "one fetch brings the new key");
    for _ in 0..4 {
        bench.ask(&signed(&new)).allowed();
        bench.ask(&rotated.good()).allowed();
    }
    assert_eq!(fetches(), before + 1);

    login.publish(&path(ROTATED), &[&new]);
    bench.ask(&rotated.good()).allowed();
    rest(&bench.keys.login, ROTATED, SECOND);
    bench.ask(&rotated.unknown("made-up")).refused(401, "token-key");
    assert_eq!(fetches(), before + 2);
    for _ in 0..4 {
        bench.ask(&rotated.good()).refused(401, "token-key");
        bench.ask(&signed(&new)).allowed();
    }
}

fn a_new_key_of_tokens_without_kid_is_taken_after_one_fetch(bench: &Bench) {
    let (unnamed, login) = (bench.keys.issuer(UNNAMED), &bench.keys.login);
    let fetches = || login.visits(&path(UNNAMED)).len();
    let signed = |key: &Arc<DemoKey>| unnamed.ask(&unnamed.token().key(key).without_header("kid"));
    bench.ask(&signed(&unnamed.key)).allowed();
    rest(login, UNNAMED, SECOND);
    let before = fetches();

    let new = DemoKey::new("unnamed-2");
    login.publish(&path(UNNAMED), &[&new]);
    bench.ask(&signed(&new)).allowed();
    assert_eq!(fetches(), before + 1, "one fetch brings the new key");
    rest(login, UNNAMED, SECOND);
    let withdrawn = signed(&unnamed.key);
    bench.ask(&withdrawn).refused(401, "token-signature");
    assert_eq!(fetches(), before + 2, "the provider was asked before the token was refused");
    // Each worker lets the provider be asked once, after it first saw the token.
    for _ in 0..8 {
        bench.ask(&withdrawn).refused(401, "token-signature");
    }
    let asked = fetches();
    assert!(asked <= before + 1 + WORKERS as usize, "{asked} fetches, {before} of them before");
    bench.ask(&unnamed.ask(&unnamed.token().key(&new).signed_by(&KEYS.rogue))).refused(401, "token-signature");
    bench.ask(&signed(&new)).allowed();
    assert_eq!(fetches(), asked, "a forged token that names a key causes no fetch");
}

fn another_key_under_the_same_id_replaces_the_first(bench: &Bench) {
    let (replaced, login) = (bench.keys.issuer(REPLACED), &bench.keys.login);
    bench.ask(&replaced.good()).allowed();
    let other = DemoKey::new(&replaced.key.kid);
    let ask = replaced.ask(&replaced.token().key(&other));
    login.publish(&path(REPLACED), &[&other]);
    wait_until("the other key is in force", || match bench.ask(&ask).answer {
        answer if answer.status == 200 => true,
        answer => {
            assert_eq!(answer.code().as_deref(), Some("token-signature"), "{}", answer.text());
            false
        }
    });
    // On the other worker perhaps a moment later, and then on both.
    wait_until("the first key is gone", || bench.ask(&replaced.good()).answer.status == 401);
    for _ in 0..4 {
        bench.ask(&replaced.good()).refused(401, "token-signature");
        bench.ask(&ask).allowed();
    }
}

/// Clients, requests of each at least, and rotations while they ask.
const CLIENTS: usize = 4;
const FEWEST_REQUESTS: usize = 500;
const ROTATIONS: usize = 4;

fn allowed(answer: &Answer, received: Option<Received>) -> io::Result<()> {
    if answer.status == 200 && received.is_some() { Ok(()) } else { Err(wrong(answer)) }
}

fn of_requests_under_rotation_none_is_refused_and_none_is_lost(bench: &Bench) {
    let (loaded, login) = (bench.keys.issuer(LOADED), &bench.keys.login);
    let address = bench.envoy.listener(LOADED).expect("the listener is there");
    // The key in use, and a request with a token of it.
    let signed = |key: Arc<DemoKey>| (loaded.ask(&loaded.token().key(&key)), key);
    let current = Mutex::new(signed(Arc::clone(&loaded.key)));
    let before = login.visits(&path(LOADED)).len();
    let traffic = Traffic::default();
    let answers: usize = std::thread::scope(|scope| {
        let (current, traffic) = (&current, &traffic);
        let ask = || current.lock().expect("nobody panics with it").0.clone();
        // Some keep their connection, and with it their worker; others change.
        let clients: Vec<_> = (1..=CLIENTS)
            .map(|client| {
                let pace = (FEWEST_REQUESTS, if client % 2 == 0 { 10 } else { 1_000_000 });
                scope.spawn(move || traffic.client(bench, address, pace, ask, allowed))
            })
            .collect();
        let rotated = (1..=ROTATIONS).try_for_each(|rotation| {
            traffic.flows(10 * CLIENTS)?;
            rest(&bench.keys.login, LOADED, SECOND);
            let new = DemoKey::new(&format!("loaded-{rotation}"));
            let mut current = current.lock().expect("nobody panics with it");
            // As providers do it: the new key is there before it signs, and the old one until its tokens are gone.
            login.publish(&path(LOADED), &[&new, &current.1]);
            *current = signed(new);
            Ok::<_, io::Error>(())
        });
        let rotated = rotated.and_then(|()| traffic.flows(10 * CLIENTS));
        traffic.end();
        rotated.expect("the clients get answers");
        clients.into_iter().map(|client| client.join().expect("no panic").expect("no request is lost").len()).sum()
    });
    assert!(answers >= CLIENTS * FEWEST_REQUESTS, "{answers}");
    assert_eq!(login.visits(&path(LOADED)).len(), before + ROTATIONS, "one fetch brings each new key");
}

/// Seconds for which keys are made up.
const FLOOD_SECONDS: u64 = 6;

fn tokens_with_unknown_keys_make_the_provider_be_asked_once_an_interval_and_disturb_nobody(bench: &Bench) {
    let (flooded, login) = (bench.keys.issuer(FLOODED), &bench.keys.login);
    let address = bench.envoy.listener(FLOODED).expect("the listener is there");
    bench.ask_at(address, &flooded.good()).allowed();
    rest(&bench.keys.login, FLOODED, INTERVAL_SECONDS * SECOND);
    let before = login.visits(&path(FLOODED)).len();
    // The header alone differs: nobody signs so many.
    let (token, made_up) = (flooded.token(), AtomicUsize::new(0));
    let unknown = || {
        let kid = format!("made-up-{}", made_up.fetch_add(1, Ordering::SeqCst));
        let token = token.clone().header("kid", json!(kid)).unsigned(&base64url([1; 64]));
        Ask::get(format!("/{FLOODED}")).token(token)
    };
    let refused = |answer: &Answer, received: Option<Received>| match (answer.code().as_deref(), received) {
        (Some("token-key" | "keys-unavailable"), None) => Ok(()),
        _ => Err(wrong(answer)),
    };
    let traffic = Traffic::default();
    let flood = Stopwatch::start();
    std::thread::scope(|scope| {
        let (traffic, unknown) = (&traffic, &unknown);
        let attackers: Vec<_> = [7, 1_000_000]
            .into_iter()
            .map(|pace| scope.spawn(move || traffic.client(bench, address, (10, pace), unknown, refused)))
            .collect();
        let good = flooded.good();
        let others = scope.spawn(move || traffic.client(bench, address, (10, 3), || good.clone(), allowed));
        let _over = Deadline::after(Duration::from_secs(FLOOD_SECONDS)).poll(|| None::<()>);
        traffic.end();
        for client in attackers {
            client.join().expect("no panic").expect("an unknown key is refused");
        }
        others.join().expect("no panic").expect("a good token is not disturbed");
    });
    let visits = login.visits(&path(FLOODED)).split_off(before);
    let most = flood.elapsed().as_secs() / u64::from(INTERVAL_SECONDS) + 2;
    assert!((2..=most).contains(&(visits.len() as u64)), "{} fetches in {:?}", visits.len(), flood.elapsed());
    for pair in visits.windows(2) {
        let apart = pair[1].at - pair[0].at;
        assert!(apart + COARSENESS >= INTERVAL_SECONDS * SECOND, "two fetches lie {apart:?} apart");
    }
    let metric = flooded.metric("unknown_key_refusals");
    assert!(bench.envoy.stats(&metric).expect("statistics").get(&metric).is_some_and(|count| *count > 0));
}
