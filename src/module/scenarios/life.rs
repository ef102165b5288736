//! Streams and the root context from their start to their end.

use super::*;
use std::cell::RefCell;
use std::rc::Rc;

#[test]
fn without_a_configuration_every_request_is_refused() {
    let host = Fake::default();
    host.with(|state| {
        state.now = NOW;
        state.configuration = b"{}".to_vec();
    });
    let mut root = Root::new(ROOT, host.clone());
    assert!(!root.configure(2));
    assert!(host.calls("log Error").last().is_some_and(|(_, line)| line.contains("configuration refused")));
    assert_eq!(arrive(&host, &root, 7, order()).1, Passage::Pause);
    assert!(refused_with(&host, 7, 503, "not-configured"));
    assert!(host.calls("property source").is_empty());
}

#[test]
fn a_configuration_that_cannot_be_read_is_rejected() {
    let host = Fake::default();
    host.with(|state| state.fails.push("configuration".to_owned()));
    assert!(!Root::new(ROOT, host).configure(10));
}

#[test]
fn streams_keep_the_configuration_that_they_began_with() {
    let (host, mut root) = plugin(INLINE);
    let (stream, _) = arrive(&host, &root, 7, order());
    let bytes = host.with(|state| state.configuration.len());
    assert!(root.configure(bytes));
    assert_eq!(stream.body(), Passage::Continue);
}

#[test]
fn nothing_passes_of_a_waiting_request_and_its_place_is_freed_when_the_client_leaves() {
    let (host, root) = plugin(FETCHED);
    let (stream, passage) = arrive(&host, &root, 7, order());
    assert_eq!(passage, Passage::Pause);
    assert_eq!((stream.headers(), stream.body(), stream.trailers()), (Passage::Pause, Passage::Pause, Passage::Pause));
    assert!(host.calls("trailers").is_empty());
    assert_eq!(host.with(|state| state.values["countersign.waiting"]), 1);
    drop(stream);
    assert_eq!(host.with(|state| state.values["countersign.waiting"]), 0);
    root.tick();
    answer(&host, &root, 1);
    assert!(host.calls("switch").is_empty());
    assert!(endings(&host, 7).is_empty());
}

#[test]
fn a_request_that_was_woken_passes_with_its_body() {
    let (host, root) = plugin(FETCHED);
    let (stream, _) = arrive(&host, &root, 7, order());
    root.tick();
    answer(&host, &root, 1);
    assert_eq!((stream.body(), stream.trailers()), (Passage::Continue, Passage::Continue));
    root.tick();
    assert_eq!(endings(&host, 7), ["resume"]);
}

/// Envoy deletes contexts while it carries out an answer. The worker must be free for that.
#[test]
fn a_client_that_leaves_while_another_one_is_answered_is_not_woken() {
    for during in ["send", "state", "log", "switch 7", "headers", "property"] {
        let (host, root) = plugin(FETCHED);
        let (_first, _) = arrive(&host, &root, 7, order());
        let (second, _) = arrive(&host, &root, 8, order());
        root.tick();
        let leaving = Rc::new(RefCell::new(Some(second)));
        host.with(|state| {
            state.calls_back = Some((during.to_owned(), Box::new(move || drop(leaving.borrow_mut().take()))));
        });
        root.fetch_answered(1, 0);
        assert!(refused_with(&host, 7, 503, "keys-unavailable"), "during {during}");
        assert!(host.calls("switch 8").is_empty() && endings(&host, 8).is_empty(), "during {during}");
        assert_eq!(host.with(|state| state.values["countersign.waiting"]), 0, "during {during}");
    }
}

#[test]
fn many_waiting_requests_are_answered_over_several_callbacks() {
    let (host, root) = plugin(FETCHED);
    let streams: Vec<_> = (100..220).map(|id| arrive(&host, &root, id, order())).collect();
    root.tick();
    let resumed = || host.calls("resume").len();
    let mut counts = Vec::new();
    answer(&host, &root, 1);
    counts.push(resumed());
    for _ in 0..3 {
        root.tick();
        counts.push(resumed());
    }
    assert_eq!(counts, [50, 100, 120, 120]);
    assert!(streams.iter().all(|(stream, _)| stream.body() == Passage::Continue));
}

#[test]
fn tokens_of_a_configuration_that_is_deleted_are_no_longer_counted() {
    let (host, root) = plugin(INLINE);
    let (stream, _) = arrive(&host, &root, 7, order());
    let remembered = || host.with(|state| state.values["countersign.remembered_tokens"]);
    assert_eq!(remembered(), 1);
    drop(stream);
    assert_eq!(remembered(), 1);
    drop(root);
    assert_eq!(remembered(), 0);
}

#[test]
fn a_worker_counts_the_seconds_that_it_lives() {
    for keys in [INLINE, FETCHED] {
        let (host, root) = plugin(keys);
        host.with(|state| state.now += 5);
        root.tick();
        assert_eq!(host.with(|state| state.values["countersign.alive_seconds"]), 5);
    }
}

#[test]
fn a_record_has_the_time_between_the_two_readings_of_the_clock() {
    for (keys, latency, waited) in [(INLINE, 3_000, 0), (FETCHED, 12_000, 9_000)] {
        let (host, root) = plugin(keys);
        host.with(|state| state.nanoseconds_a_reading = 3_000_000);
        let (_stream, _) = arrive(&host, &root, 7, order());
        if keys == FETCHED {
            root.tick();
            root.tick();
            answer(&host, &root, 1);
        }
        let record = host.calls("state countersign.decision").pop().expect("a record").1;
        let expected = format!(r#""latency_us":{latency},"waited_us":{waited},"#);
        assert!(record.contains(&expected), "{expected} {record}");
    }
}

#[test]
fn a_flooded_queue_does_not_hold_the_worker() {
    let (host, root) = plugin(FETCHED);
    host.with(|state| state.messages = 1_500);
    root.queue_ready(3);
    assert_eq!(host.with(|state| state.messages), 500);
    root.queue_ready(3);
    assert_eq!(host.with(|state| state.messages), 0);
}

#[test]
fn memory_is_shared_under_a_vm_id_only() {
    for vm_id in ["", "vm"] {
        let host = Fake::default();
        let configuration = configuration(FETCHED);
        let bytes = configuration.len();
        host.with(|state| {
            state.now = NOW;
            state.configuration = configuration.into_bytes();
            state.properties.insert("plugin_vm_id".to_owned(), vm_id.as_bytes().to_vec());
        });
        let mut root = Root::new(ROOT, host.clone());
        assert!(root.configure(bytes));
        root.tick();
        let is_shared = !vm_id.is_empty();
        assert_eq!(!host.shared().is_empty(), is_shared);
        assert_eq!(host.calls("listen countersign.keys.1.").len(), usize::from(is_shared));
        assert_eq!(host.with(|state| state.values["countersign.keys_shared"]), i64::from(is_shared));
        assert_eq!(host.calls("fetch issuer /corp").len(), 1);
    }
}

#[test]
fn a_metric_is_defined_once_and_one_that_cannot_be_defined_costs_no_request() {
    let (host, root) = plugin(INLINE);
    for id in [7, 8] {
        assert_eq!(arrive(&host, &root, id, order()).1, Passage::Continue);
    }
    let name = "countersign.decisions.outcome.allow.reason.permitted.issuer.corp.policy.read";
    assert_eq!(host.calls(&format!("define {name}")).len(), 1);
    assert_eq!(host.with(|state| state.values[name]), 2);
    let (host, root) = plugin(INLINE);
    host.with(|state| state.fails.push("define".to_owned()));
    assert_eq!(arrive(&host, &root, 7, order()).1, Passage::Continue);
    assert!(host.with(|state| state.values.is_empty()));
}
