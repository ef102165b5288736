//! Each call to the host fails in turn.

use super::*;

/// The calls that change a request or arm its guard.
const CHANGES: [&str; 3] = ["remove ", "set ", "state "];

fn is_change(call: &str) -> bool {
    CHANGES.iter().any(|start| call.starts_with(start))
}

/// The calls for one permitted request, in the headers callback or when it is woken.
fn calls_of_a_permitted_request(woken: bool) -> Vec<String> {
    let (host, root) = plugin(if woken { FETCHED } else { INLINE });
    let (_stream, passage) = arrive(&host, &root, 7, order());
    if woken {
        assert_eq!(passage, Passage::Pause);
        root.tick();
        host.with(|state| state.calls.clear());
        answer(&host, &root, 1);
        assert_eq!(endings(&host, 7), ["resume"]);
    } else {
        assert_eq!(passage, Passage::Continue);
    }
    assert!(is_armed(&host, 7));
    host.with(|state| state.calls.iter().map(|(_, call)| call.clone()).collect())
}

#[test]
fn a_request_is_read_changed_and_armed_in_this_order() {
    let calls = calls_of_a_permitted_request(false);
    let starts = [
        "now",
        "headers",
        "property connection.mtls",
        "now",
        "define countersign.configurations",
        "add",
        "define countersign.signatures.verified_by.plugin",
        "add",
        "define countersign.remembered_tokens",
        "add",
        "remove x-forwarded-user",
        "set x-countersign-principal",
        "set x-countersign-subject",
        "set x-countersign-issuer",
        "set x-countersign-decision-id",
        "state countersign.decision {",
        "state countersign allow",
        "define countersign.decisions.outcome.allow.reason.permitted.issuer.corp.policy.",
        "add",
    ];
    assert_calls(&calls, &starts);
}

fn assert_calls(calls: &[String], starts: &[&str]) {
    assert_eq!(calls.len(), starts.len(), "{calls:#?}");
    assert!(calls.iter().zip(starts).all(|(call, start)| call.starts_with(start)), "{calls:#?}");
}

/// `docs/benchmark.md` says how many there are. Each costs more than much of what is decided.
#[test]
fn a_request_with_a_known_token_makes_no_call_more_than_it_needs() {
    let (host, root) = plugin(INLINE);
    let (_first, _) = arrive(&host, &root, 7, order());
    host.with(|state| state.calls.clear());
    let (_second, passage) = arrive(&host, &root, 8, order());
    assert_eq!(passage, Passage::Continue);
    let calls: Vec<String> = host.with(|state| state.calls.iter().map(|(_, call)| call.clone()).collect());
    let starts = [
        "now",
        "headers",
        "property connection.mtls",
        "now",
        "remove x-forwarded-user",
        "set x-countersign-principal",
        "set x-countersign-subject",
        "set x-countersign-issuer",
        "set x-countersign-decision-id",
        "state countersign.decision {",
        "state countersign allow",
        "add",
    ];
    assert_calls(&calls, &starts);
}

#[test]
fn a_woken_request_is_read_again_in_its_context_and_resumed_last() {
    let calls = calls_of_a_permitted_request(true);
    let begin = calls.iter().position(|call| call == "switch 7").expect("entered");
    assert_eq!(calls[begin + 1], "headers");
    let resumed = calls.iter().position(|call| call == "resume").expect("resumed");
    assert_eq!(calls[resumed + 1], format!("switch {ROOT}"));
    let armed = calls.iter().position(|call| call == "state countersign allow").expect("armed");
    assert!(calls[armed..].iter().skip(1).all(|call| !is_change(call)), "{calls:#?}");
}

#[test]
fn whichever_call_fails_either_the_request_passes_whole_or_the_client_gets_503() {
    for woken in [false, true] {
        for failing in calls_of_a_permitted_request(woken) {
            let failing = failing.split('{').next().unwrap_or_default().to_owned();
            let (host, root) = plugin(if woken { FETCHED } else { INLINE });
            if !woken {
                host.with(|state| state.fails.push(failing.clone()));
            }
            let (stream, mut passage) = arrive(&host, &root, 7, order());
            if woken {
                root.tick();
                host.with(|state| state.fails.push(failing.clone()));
                answer(&host, &root, 1);
                passage = stream.body();
            }
            let about = format!("woken {woken}, failing: {failing}");
            if is_change(&failing) || failing == "headers" {
                assert!(refused_with(&host, 7, 503, "host-failure"), "{about}: {:#?}", endings(&host, 7));
                assert_eq!((passage, is_armed(&host, 7)), (Passage::Pause, false), "{about}");
            } else if failing == "switch 7" {
                assert_eq!(
                    (passage, endings(&host, 7), is_armed(&host, 7)),
                    (Passage::Pause, vec![], false),
                    "{about}"
                );
            } else {
                assert_eq!((passage, is_armed(&host, 7)), (Passage::Continue, true), "{about}");
                assert_eq!(endings(&host, 7).len(), usize::from(woken), "{about}");
            }
        }
    }
}

#[test]
fn if_the_answer_is_not_accepted_nothing_passes_and_nothing_is_sent_again() {
    let (host, root) = plugin(INLINE);
    host.with(|state| state.fails.extend(["send", "state"].map(str::to_owned)));
    for (id, request) in [(7, get("/api/orders/7", &[])), (8, order())] {
        let (stream, passage) = arrive(&host, &root, id, request);
        assert_eq!(passage, Passage::Pause);
        assert_eq!(
            (stream.headers(), stream.body(), stream.trailers()),
            (Passage::Pause, Passage::Pause, Passage::Pause)
        );
        root.tick();
        assert_eq!(endings(&host, id).len(), 1);
        assert!(!is_armed(&host, id));
    }
}

#[test]
fn a_failing_record_does_not_change_the_answer() {
    let (host, root) = plugin(INLINE);
    host.with(|state| state.fails.push("state countersign.decision".to_owned()));
    let (_stream, passage) = arrive(&host, &root, 7, get("/api/orders/7", &[]));
    assert_eq!(passage, Passage::Pause);
    assert!(refused_with(&host, 7, 401, "credential-missing"));
}

#[test]
fn trailers_pass_only_if_each_forged_one_could_be_removed() {
    let forged = fields(&[("x-checksum", "1"), ("x-countersign-subject", "root"), ("authorization", "x")]);
    for (failing, expected) in [
        ("nothing", Passage::Continue),
        ("trailers", Passage::Pause),
        ("untrail authorization", Passage::Pause),
        ("untrail x-countersign-subject", Passage::Pause),
    ] {
        let (host, root) = plugin(INLINE);
        let (stream, _) = arrive(&host, &root, 7, order());
        host.with(|state| {
            state.trailers = forged.clone();
            state.fails.push(failing.to_owned());
        });
        assert_eq!(stream.trailers(), expected, "failing: {failing}");
        assert!(host.calls("untrail x-checksum").is_empty());
    }
}

#[test]
fn a_fetch_that_is_not_sent_ends_the_wait() {
    let (host, root) = plugin(FETCHED);
    let (_stream, _) = arrive(&host, &root, 7, order());
    host.with(|state| state.fails.push("fetch".to_owned()));
    root.tick();
    assert!(refused_with(&host, 7, 503, "keys-unavailable"));
    assert_eq!(host.with(|state| state.values["countersign.waiting"]), 0);
}

#[test]
fn properties_that_cannot_be_read_are_absent_facts() {
    let (host, root) = plugin(INLINE);
    host.with(|state| {
        state.properties.insert("connection.mtls".to_owned(), vec![1]);
        state.fails.push("property".to_owned());
    });
    assert_eq!(arrive(&host, &root, 7, order()).1, Passage::Continue);
    assert!(host.calls("property connection.sha256").is_empty(), "without TLS there is no certificate");
}

#[test]
fn the_uris_of_a_validated_certificate_are_counted_once() {
    const TWO: &[u8] = include_bytes!("../../core/request/certificate/two.pem");
    let host = Fake::default();
    let peer = r#""peer": { "from": "tls", "certificate": "validated", "trust_domains": ["example.org"] }"#;
    let text = configuration(INLINE)
        .replace(r#""peer": { "from": "tls" }"#, peer)
        .replace("\"requires\": []", "\"requires\": [\"peer\"]")
        .replace("principal is Anonymous", "principal is Workload");
    let root = configured_with(&host, text);
    let put = |name: &str, value: &[u8]| {
        host.with(|state| state.properties.insert(format!("connection.{name}"), value.to_vec()));
    };
    let passes = |stream: u32| {
        let (_stream, passage) = arrive(&host, &root, stream, get("/healthz", &[]));
        assert_eq!(passage == Passage::Continue, is_armed(&host, stream));
        passage == Passage::Continue
    };
    let certificates_read = || host.calls("property connection.peer_certificate").len();
    assert!(!passes(1), "there is no certificate");
    put("mtls", &[1]);
    put("sha256_peer_certificate_digest", "1".repeat(64).as_bytes());
    put("uri_san_peer_certificate", b"spiffe://example.org/a");
    assert!(passes(2), "Envoy before 1.38 does not give the certificate");
    put("peer_certificate", TWO);
    assert!(!passes(3), "it has two URIs");
    assert_eq!(certificates_read(), 2);
    assert!(!passes(4), "it is known by its digest");
    assert_eq!(certificates_read(), 2);
    put("peer_certificate", include_bytes!("../../core/request/certificate/one.pem"));
    put("sha256_peer_certificate_digest", "2".repeat(64).as_bytes());
    assert!(passes(5), "another certificate");
    assert_eq!(certificates_read(), 3);
    put("mtls", &[0]);
    assert!(!passes(6), "what else the host says is not asked for without a certificate");
}

/// Of a device's certificate the names are read: once from the certificate, and without it from what the host tells.
#[test]
fn the_names_in_a_certificate_are_read_where_they_describe_a_device() {
    let host = Fake::default();
    let peer = r#""peer": { "from": "tls", "certificate": "validated" }, "devices": { "laptop": { "bind": "none",
        "certificate": { "from": "connection", "facts": { "serial": { "subject": "serialNumber" } } } } }"#;
    let text = configuration(INLINE)
        .replace(r#""peer": { "from": "tls" }"#, peer)
        .replace("\"requires\": []", "\"requires\": [\"laptop\"]");
    let root = configured_with(&host, text);
    let put = |name: &str, value: &[u8]| {
        host.with(|state| state.properties.insert(format!("connection.{name}"), value.to_vec()));
    };
    let passes = |stream: u32| arrive(&host, &root, stream, get("/healthz", &[])).1 == Passage::Continue;
    let certificates_read = || host.calls("property connection.peer_certificate").len();
    assert!(!passes(1), "there is no certificate");
    put("mtls", &[1]);
    put("sha256_peer_certificate_digest", "1".repeat(64).as_bytes());
    assert!(!passes(2), "the host does not tell the subject");
    put("subject_peer_certificate", b"CN=a\\,serialNumber\\=C02,O=Example Corp");
    assert!(!passes(3), "the subject has no serial number");
    put("subject_peer_certificate", b"serialNumber=C02,O=Example Corp");
    assert!(passes(4), "Envoy before 1.38 does not give the certificate");
    assert_eq!(certificates_read(), 3);
    // The certificate is the source of all names where it is given.
    put("peer_certificate", include_bytes!("../../core/request/certificate/one.pem"));
    assert!(!passes(5), "it has no serial number");
    assert!(!passes(6), "it is known by its digest");
    assert_eq!(certificates_read(), 4);
    put("mtls", &[0]);
    assert!(!passes(7), "what else the host says is not asked for without a certificate");
}

#[test]
fn without_random_numbers_every_request_is_refused() {
    let host = Fake::default();
    let configuration = configuration(INLINE);
    let bytes = configuration.len();
    host.with(|state| {
        state.now = NOW;
        state.configuration = configuration.into_bytes();
        state.fails.push("random".to_owned());
    });
    let mut root = Root::new(ROOT, host.clone());
    assert!(root.configure(bytes), "the answer depends on the bytes alone");
    assert_eq!(arrive(&host, &root, 7, order()).1, Passage::Pause);
    assert!(refused_with(&host, 7, 503, "host-failure"));
}
