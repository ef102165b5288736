//! The time of a decision: a clock's, or one that a test case gives.

use super::*;

#[portable]
fn a_clock_before_this_program_was_written_decides_nothing() {
    let request = || parts("GET", "/healthz", None, None, &[]);
    for (now, plausible) in [(0, false), (1_749_999_999, false), (1_750_000_000, true)] {
        let got = decided_at(&plan(), &TrustStore::new(plan().key_sources(), 0), request(), UnixSeconds::new(now));
        match got.reply {
            Reply::Forward(_) => assert!(plausible, "{now}"),
            Reply::Answer(_) => assert_eq!((refusal(&got), plausible), (code(503, "clock-implausible"), false)),
        }
    }
}

fn at_written_time(parts: RequestParts, now: i64) -> Outcome {
    let plan = plan();
    let trust = TrustStore::new(plan.key_sources(), 0);
    decide_at(&plan, Verification::by(&trust), parts, UnixSeconds::new(now), &decision_id())
}

#[portable]
fn a_written_time_is_used_as_it_is() {
    for now in [0, 1_749_999_999, 1_750_000_000, i64::MAX] {
        let parts = parts("GET", "/healthz", None, None, &[]);
        let got = at_written_time(parts, now);
        forwarded(&got);
        assert_eq!(record(&got)["time"], now);
    }
    // It is the time of everything: a token that was good then is good.
    let old = alice(json!({ "iat": 999_900, "exp": 1_000_500 }));
    let posture = posture(json!({ "iat": 999_900, "exp": 1_000_500 }));
    for (now, expected) in [(1_000_000, None), (1_000_700, Some(code(401, "token-expired")))] {
        let parts = parts("GET", "/api/orders/7", Some(&old), Some(&posture), &[]);
        let got = at_written_time(parts, now);
        match expected {
            None => drop(forwarded(&got).clone()),
            Some(expected) => assert_eq!(refusal(&got), expected),
        }
    }
}
