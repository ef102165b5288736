//! Requests that are decided about at once.

use super::proxy::{Client, SeenChange};
use super::*;
use crate::portable;
use crate::request::{AddressSource, PeerSource};
use crate::worker::{HostFault, Level, Wanted};

fn changes_to_an_order() -> Vec<SeenChange> {
    let mut proxy = proxy(&inline(configuration()));
    proxy.headers(1, order());
    proxy.client(1).changes.clone()
}

#[portable]
fn a_permitted_request_is_changed_in_order_and_the_guard_comes_last() {
    let mut proxy = proxy(&inline(configuration()));
    proxy.headers(1, order());
    assert!(proxy.client(1).passed);
    assert_eq!(proxy.client(1).guard(), Some("allow"));
    let kinds: Vec<String> = proxy
        .client(1)
        .changes
        .iter()
        .map(|change| match change {
            SeenChange::Removed(name) => format!("remove {name}"),
            SeenChange::Set(name) => format!("set {name}"),
            SeenChange::State(name, _) => format!("state {name}"),
        })
        .collect();
    assert_eq!(
        kinds,
        [
            "remove x-countersign-subject",
            "remove x-device-posture",
            "remove x-forwarded-user",
            "set x-countersign-principal",
            "set x-countersign-subject",
            "set x-countersign-issuer",
            "set x-countersign-groups",
            "set x-countersign-decision-id",
            "state countersign.decision",
            "state countersign",
        ]
    );
    assert_eq!(proxy.count("decisions.outcome.allow.reason.permitted"), 1);
    assert_eq!(proxy.lines("decision_id"), 0, "an allow is recorded in the filter state only");
}

#[portable]
fn allowed_requests_are_sampled_and_refusals_are_always_recorded() {
    let mut sampled = inline(configuration());
    sampled["record"] = json!({ "sample_allowed": 0 });
    let mut proxy = proxy(&sampled);
    proxy.headers(1, order());
    assert!(proxy.client(1).passed);
    assert_eq!((proxy.client(1).guard(), &proxy.client(1).record), (Some("allow"), &None));
    proxy.headers(2, RequestParts::for_test("GET", "shop.example.com", "/api/orders/7", &[]));
    let record = proxy.client(2).record.clone().expect("a record");
    assert_eq!(record["reason"], json!("credential-missing"));
}

#[portable]
fn a_record_says_how_long_the_decision_took() {
    let mut proxy = proxy(&inline(configuration()));
    for (stream, parts) in [(1, RequestParts::for_test("GET", "shop.example.com", "/api/orders/7", &[])), (2, order())]
    {
        proxy.headers(stream, parts);
        let record = proxy.client(stream).recorded();
        assert_eq!((&record["latency_us"], &record["waited_us"]), (&json!(41), &json!(0)), "{record}");
    }
}

#[portable]
fn a_clock_that_is_set_back_tells_no_latency() {
    let mut proxy = proxy(&inline(configuration()));
    proxy.streams.insert(1, Client::default());
    assert!(proxy.worker.open(1).is_some());
    let effects = proxy.worker.request(1, Ok(health()), at(), &|| Moment::new(1));
    proxy.carry_out(effects);
    let record = proxy.client(1).recorded();
    assert_eq!((&record["latency_us"], &record["waited_us"]), (&Value::Null, &json!(0)), "{record}");
}

#[portable]
fn an_answer_after_a_failure_of_the_host_is_reduced_to_its_code_too() {
    let mut reduced = inline(configuration());
    reduced["reply"] = json!({ "detail": "code" });
    let mut proxy = proxy(&reduced);
    assert!(proxy.worker.open(1).is_some());
    let effects = proxy.worker.request(1, Err(HostFault), at(), &at);
    let answer = effects.iter().find_map(|effect| match effect {
        Effect::Answer { answer, .. } => Some(answer),
        _ => None,
    });
    let body: Value = serde_json::from_str(&answer.expect("an answer").body).expect("JSON");
    assert_eq!((&body["code"], &body["detail"]), (&json!("host-failure"), &Value::Null));
}

#[portable]
fn whichever_change_fails_the_client_gets_503_and_nothing_passes() {
    for (index, failed) in changes_to_an_order().iter().enumerate() {
        let mut proxy = proxy(&inline(configuration()));
        proxy.fails_at = Some(index);
        proxy.headers(1, order());
        let client = proxy.client(1).clone();
        assert_eq!(client.answer(), Some((503, "host-failure")), "{failed:?}");
        assert_eq!((client.guard(), client.reached_the_upstream()), (None, false), "{failed:?}");
        let record = client.record.expect("a record");
        assert_eq!((&record["decision"], &record["reason"]), (&json!("deny"), &json!("host-failure")));
        assert_eq!(proxy.lines("host-failure"), 1);
        assert_eq!(proxy.count("decisions.outcome.deny.reason.host_failure"), 1);
        assert_eq!(proxy.count("decisions.outcome.allow.reason.permitted"), 0);
        // What is reported later changes nothing.
        assert_eq!(proxy.worker.forwarded(1, Ok(())), []);
        assert!(!proxy.worker.passes(1));
    }
}

#[portable]
fn without_its_headers_a_request_is_refused() {
    let mut proxy = proxy(&inline(configuration()));
    proxy.headers_fail = true;
    proxy.headers(1, order());
    let client = proxy.client(1).clone();
    assert_eq!(client.answer(), Some((503, "host-failure")));
    assert_eq!(client.record.expect("a record")["mode"], "enforce");
}

#[portable]
fn a_grpc_client_is_told_of_a_host_failure_in_its_own_form() {
    let mut proxy = proxy(&inline(configuration()));
    proxy.fails_at = Some(0);
    let mut parts = health();
    parts.headers.push("content-type", b"application/grpc");
    proxy.headers(1, parts);
    let (status, body) = proxy.client(1).answer().expect("an answer");
    assert_eq!(status, 503);
    assert!(body.starts_with("host-failure: "), "{body}");
}

#[portable]
fn only_facts_that_a_decision_can_depend_on_are_read() {
    let wanted = |configuration: &Value| proxy(configuration).worker.open(1);
    let all = |destination_port, client_address| {
        Some(Wanted::All {
            destination_port,
            client_address,
            peer: PeerSource::AnyCertificate,
            certificate_names: false,
        })
    };
    let known = AddressSource::Connection;
    assert_eq!(wanted(&inline(configuration())), all(false, AddressSource::None));
    assert_eq!(wanted(&configuration()), all(false, known), "a request that waits has a place by its address");
    for (condition, expected) in [
        ("has port && context.http_request.port == 443", all(true, AddressSource::None)),
        ("has port", all(true, AddressSource::None)),
        ("has source_ip && context.http_request.source_ip.isLoopback()", all(false, known)),
        ("has client_ip && context.http_request.client_ip == \"203.0.113.7\"", all(false, known)),
        ("has user_agent", all(false, AddressSource::None)),
    ] {
        let mut configuration = inline(configuration());
        let policy = format!(
            "@id(\"also\") permit (principal in corp::Group::\"engineering\", action, resource in \
             Application::\"shop\") when {{ context.http_request {condition} }};"
        );
        configuration["policies"] = json!(format!("{POLICIES}{policy}"));
        assert_eq!(wanted(&configuration), expected, "{condition}");
    }
}

#[portable]
fn without_a_configuration_every_request_is_refused() {
    let mut proxy = Proxy::new(Worker::unconfigured(Some(Seed::new([1; 32]))));
    assert_eq!(proxy.worker.open(9), Some(Wanted::Headers));
    proxy.headers(1, health());
    assert_eq!(proxy.client(1).answer(), Some((503, "not-configured")));
    assert_eq!(proxy.client(1).record, None, "there is no guard to name a record after");
    assert_eq!(proxy.count("configurations"), 1);
    proxy.headers_fail = true;
    proxy.headers(2, health());
    assert_eq!(proxy.client(2).answer(), Some((503, "host-failure")));
    proxy.tick();
    proxy.message();
    assert_eq!((proxy.tick, proxy.fetches.len()), (None, 0));
}

#[portable]
fn without_random_numbers_every_request_is_refused_and_nothing_is_fetched() {
    let seedless = |vm_id| Deployment { seed: None, ..deployment(vm_id, &Shared::default(), 1) };
    for vm_id in ["", "vm"] {
        let mut proxy = proxy_in(&configuration(), seedless(vm_id));
        proxy.headers(1, health());
        assert_eq!(proxy.client(1).answer(), Some((503, "host-failure")));
        proxy.tick();
        let idle = Some(core::time::Duration::from_secs(5));
        assert_eq!((proxy.tick, proxy.fetches.len(), proxy.queues.len()), (idle, 0, 0));
    }
    let mut proxy = Proxy::new(Worker::unconfigured(None));
    proxy.headers(1, health());
    assert_eq!(proxy.client(1).answer(), Some((503, "host-failure")));
}

/// In shadow mode as well: a request that the host could not change must not pass.
#[portable]
fn a_host_failure_is_enforced_in_shadow_mode() {
    for index in 0..3 {
        let mut proxy = proxy(&inline(shadow()));
        proxy.fails_at = Some(index);
        proxy.headers(1, health());
        assert_eq!(proxy.client(1).answer(), Some((503, "host-failure")));
    }
}

#[portable]
fn a_second_headers_callback_changes_nothing_and_lets_nothing_pass_that_did_not() {
    let mut proxy = proxy(&inline(configuration()));
    proxy.headers(1, RequestParts::for_test("GET", "shop.example.com", "/api/orders/7", &[]));
    assert_eq!(proxy.client(1).answer(), Some((401, "credential-missing")));
    proxy.headers(2, order());
    for stream in [1, 2] {
        assert_eq!(proxy.worker.open(stream), None);
        assert_eq!(proxy.worker.request(stream, Ok(health()), at(), &at), []);
    }
    assert!(!proxy.worker.passes(1));
}

#[portable]
fn nothing_passes_of_a_stream_before_its_request_is_forwarded() {
    let mut worker = proxy(&inline(configuration())).worker;
    let trailers = || Ok([("x-checksum", "1")].into_iter().collect());
    assert!(!worker.passes(1), "it is not known");
    assert!(worker.open(1).is_some());
    assert!(!worker.passes(1), "it is being read");
    let effects = worker.request(1, Ok(order()), at(), &at);
    assert!(matches!(effects.last(), Some(Effect::Forward { stream: 1, .. })), "{effects:?}");
    assert!(!worker.passes(1), "it is being changed");
    assert_eq!(worker.trailers(1, trailers()), None);
    worker.forwarded(1, Ok(()));
    assert!(worker.passes(1));
    assert_eq!(worker.trailers(1, trailers()), Some(Vec::new()));
    assert_eq!(worker.trailers(1, Err(HostFault)), None, "without their names nothing can be removed from trailers");
    let forged = [("X-Countersign-Subject", "root"), ("authorization", "")].into_iter().collect();
    let removed = worker.trailers(1, Ok(forged)).expect("they pass without the forged ones");
    assert_eq!(removed, ["X-Countersign-Subject", "authorization"]);
    worker.gone(1);
    assert!(!worker.passes(1));
}

/// The host reports on a stream whose client left meanwhile.
#[portable]
fn a_report_on_a_stream_that_is_gone_has_no_effect() {
    let mut worker = proxy(&inline(configuration())).worker;
    worker.open(1);
    worker.request(1, Ok(order()), at(), &at);
    assert_eq!(worker.gone(1), []);
    for result in [Ok(()), Err(HostFault)] {
        assert_eq!(worker.forwarded(1, result), []);
    }
    assert_eq!(worker.request(1, Ok(order()), at(), &at), []);
}

/// All workers must come to the same answer, whatever else differs between them.
#[portable]
fn whether_a_configuration_is_accepted_depends_on_its_bytes_alone() {
    let memory = Shared::default();
    memory.0.plant("countersign.keys.1.workers", b"garbage");
    let deployments = || {
        [
            deployment("", &Shared::default(), 1),
            deployment("vm", &memory, 2),
            Deployment { seed: None, vm_id: vec![0xff], plugin_name: vec![0xff], ..deployment("", &memory, 1) },
        ]
    };
    for deployment in deployments() {
        assert!(configured(&configuration(), deployment).is_ok());
    }
    for deployment in deployments() {
        let effects = configured(&json!({ "version": 1 }), deployment).expect_err("rejected");
        let Some(Effect::Log(Level::Error, line)) = effects.last() else { panic!("{effects:?}") };
        assert_eq!(line, &format!("countersign: configuration refused, {} errors", effects.len() - 1));
    }
}

#[portable]
fn the_log_tells_which_configuration_was_accepted() {
    let (worker, effects) = configured(&inline(configuration()), deployment("vm", &Shared::default(), 1)).unwrap();
    let Some(Effect::Log(Level::Info, line)) = effects.first() else { panic!("{effects:?}") };
    let start =
        concat!("countersign ", env!("CARGO_PKG_VERSION"), ": configured; plugin `countersign`, root id `main`, ");
    assert!(line.starts_with(start), "{line}");
    assert!(line.contains("vm id present, configuration "), "{line}");
    let debug = format!("{worker:?}");
    assert!(!debug.contains("Seed") && !debug.contains("test-key"), "{debug}");
}
