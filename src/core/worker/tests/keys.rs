//! Ticks, shared memory and reminders.

use super::*;
use crate::portable;
use crate::worker::Level;

#[portable]
fn without_a_vm_id_nothing_is_shared_and_the_log_says_so_once() {
    for vm_id in [&b""[..], b"\xff"] {
        let memory = Shared::default();
        let mut proxy = proxy_in(&configuration(), Deployment { vm_id: vm_id.to_vec(), ..deployment("", &memory, 1) });
        assert_eq!(proxy.lines("has no vm_id"), 0, "not before the first tick");
        proxy.tick();
        proxy.tick();
        assert_eq!(proxy.lines("has no vm_id"), 1);
        assert_eq!(proxy.gauges["countersign.keys_shared"], 0);
        proxy.answer("corp", &corp_set());
        assert!(memory.0.names().is_empty(), "{:?}", memory.0.names());
        assert!(proxy.queues.is_empty() && proxy.notified.is_empty());
    }
}

#[portable]
fn a_worker_takes_over_what_another_one_fetched_and_is_told_when_there_is_more() {
    let memory = Shared::default();
    let mut first = proxy_in(&configuration(), deployment("vm", &memory, 1));
    let mut second = proxy_in(&configuration(), deployment("vm", &memory, 2));
    assert_eq!(first.tick.map(|period| period.as_millis()), Some(10));
    second.headers(1, order());
    first.tick();
    second.tick();
    assert_eq!(first.gauges["countersign.keys_shared"], 1);
    assert_eq!((first.fetches.len(), second.fetches.len()), (2, 0), "one fetches for both");
    first.answer("corp", &corp_set());
    first.answer("mdm", &mdm_set());
    let told = format!("vm {}", second.queues[0]);
    assert!(second.queues[0].starts_with("countersign.keys.1."), "{told}");
    assert_eq!(first.notified, [told.clone(), told]);
    second.message();
    assert_eq!((second.client(1).resumed, second.waiting()), (1, 0));
    assert_ne!(first.queues, second.queues);
}

#[portable]
fn a_worker_whose_queue_is_not_created_sees_new_keys_at_its_ticks() {
    let memory = Shared::default();
    let mut first = proxy_in(&configuration(), deployment("vm", &memory, 1));
    let mut second = proxy_in(&configuration(), deployment("vm", &memory, 2));
    second.listen_fails = true;
    second.headers(1, order());
    first.tick();
    second.tick();
    first.answer("corp", &corp_set());
    first.answer("mdm", &mdm_set());
    assert!(first.notified.is_empty());
    second.tick();
    assert_eq!(second.client(1).resumed, 1);
}

#[portable]
fn an_answer_under_a_token_that_is_not_known_or_was_used_has_no_effect() {
    let mut proxy = proxy(&configuration());
    proxy.tick();
    let body = corp_set().to_string().into_bytes();
    let headers = vec![("content-type".to_owned(), b"application/json".to_vec())];
    let response = crate::fetch::Response { status: 200, headers, body_bytes: body.len(), body };
    assert_eq!(proxy.worker.answered(99, &response, NOW), []);
    assert!(!proxy.worker.answered(1, &response, NOW).is_empty());
    assert_eq!(proxy.worker.answered(1, &response, NOW), []);
}

#[portable]
fn fetches_are_counted_and_logged_with_the_level_that_they_deserve() {
    let mut proxy = proxy(&configuration());
    proxy.tick();
    let mut private = corp_set();
    private["keys"][0]["d"] = json!("c2VjcmV0");
    let mut both = corp_set();
    both["keys"].as_array_mut().unwrap().push(private["keys"][0].clone());
    proxy.answer("corp", &both);
    proxy.answer("mdm", &mdm_set());
    assert_eq!(proxy.count("keys.corp.fetches.outcome.taken"), 1);
    assert_eq!(proxy.count("keys.corp.private_keys"), 1);
    assert_eq!(proxy.count("keys.corp.skipped_keys"), 1);
    let level = |provider: &str| {
        let line = format!("keys of `{provider}`");
        proxy.log.iter().find(|(_, text)| text.contains(&line)).map(|(level, _)| *level)
    };
    assert_eq!((level("corp"), level("mdm")), (Some(Level::Error), Some(Level::Info)));
}

#[portable]
fn the_age_of_keys_is_measured_at_ticks() {
    let mut proxy = proxy(&configuration());
    proxy.tick();
    proxy.answer("corp", &corp_set());
    proxy.advance(7);
    proxy.tick();
    assert_eq!(proxy.gauges["countersign.keys.corp.age_seconds"], 7);
}

#[portable]
fn shadow_mode_is_announced_at_the_start_and_once_an_hour() {
    for (configuration, seconds) in [(inline(shadow()), 5), (shadow(), 1)] {
        let mut proxy = proxy(&configuration);
        assert_eq!(proxy.lines("SHADOW MODE"), 1);
        proxy.tick();
        assert!(proxy.tick.is_some_and(|period| period.as_secs() == seconds), "{:?}", proxy.tick);
        proxy.advance(3_599);
        proxy.tick();
        assert_eq!(proxy.lines("SHADOW MODE"), 1);
        proxy.advance(1);
        proxy.tick();
        proxy.tick();
        assert_eq!(proxy.lines("SHADOW MODE"), 2);
        proxy.advance(-7_200);
        proxy.tick();
        assert_eq!(proxy.lines("SHADOW MODE"), 2, "the clock was set back");
    }
}

#[portable]
fn a_worker_that_enforces_and_fetches_nothing_only_says_that_it_lives() {
    let mut proxy = proxy(&inline(configuration()));
    let idle = Some(core::time::Duration::from_secs(5));
    assert_eq!(proxy.tick, idle);
    proxy.advance(5);
    proxy.tick();
    proxy.message();
    assert_eq!((proxy.tick, proxy.lines("SHADOW MODE"), proxy.fetches.len()), (idle, 0, 0));
    assert_eq!(proxy.counts.keys().collect::<Vec<_>>(), ["countersign.alive_seconds"]);
}

#[portable]
fn a_worker_counts_the_seconds_that_it_lives() {
    for configuration in [configuration(), inline(configuration()), shadow()] {
        let mut proxy = proxy(&configuration);
        let alive = |proxy: &Proxy| proxy.count("alive_seconds");
        proxy.tick();
        assert_eq!(alive(&proxy), 0, "in the second in which it began");
        for (seconds, total) in [(1, 1), (0, 1), (5, 6), (60, 66), (61, 126), (-3_600, 126), (2, 128)] {
            proxy.advance(seconds);
            proxy.tick();
            assert_eq!(alive(&proxy), total, "{seconds}");
        }
    }
}
