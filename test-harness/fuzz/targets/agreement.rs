//! A policy text and a request: the plugin, with a decision cache, and Cedar's own authorizer give one answer.
//!
//! The request is behind a zero byte; without one, the policies are held against some that reach every route.

#![no_main]

use countersign_core::config::Plan;
use countersign_fuzz::{ALLOWED, WrittenRequest, configuration, decide_twice};
use libfuzzer_sys::fuzz_target;

/// Seeds that load accepts: were it not to, the fuzzer would hardly find policies to compare.
const ACCEPTED: &[&[u8]] =
    &[include_bytes!("../seeds/agreement/operators"), include_bytes!("../seeds/agreement/request")];

/// The configuration with these policies, all of them cached, and the same asking Cedar; `None` where load refuses them.
fn plans(text: &str) -> Option<(Plan, Plan)> {
    let plan = || Plan::compile_value(&configuration(text)).ok().map(|(plan, _)| plan);
    let (mut own, mut oracle) = (plan()?, plan()?);
    own.policies.cache_all();
    oracle.policies.ask_the_oracle().ok()?;
    Some((own, oracle))
}

/// The policies of an input, and the request behind them.
fn parts(bytes: &[u8]) -> (&[u8], Option<&[u8]>) {
    let mut parts = bytes.splitn(2, |byte| *byte == 0);
    (parts.next().unwrap_or_default(), parts.next())
}

fuzz_target!(init: {
    for seed in ACCEPTED {
        let text = core::str::from_utf8(parts(seed).0).unwrap_or_default();
        if let Err(errors) = Plan::compile_value(&configuration(text)) {
            panic!("a seed has problems: {errors:#?}");
        }
    }
}, |bytes: &[u8]| {
    let (policies, request) = parts(bytes);
    let Some((own, oracle)) = core::str::from_utf8(policies).ok().and_then(plans) else { return };
    for request in request.map_or_else(|| ALLOWED.to_vec(), |request| vec![request]) {
        let parts = WrittenRequest::parse(request).parts;
        let (decided, wanted) = (decide_twice(&own, &parts), decide_twice(&oracle, &parts));
        assert_eq!(decided.record, wanted.record, "the records differ");
        assert_eq!(decided.reply, wanted.reply, "the replies differ");
    }
});
