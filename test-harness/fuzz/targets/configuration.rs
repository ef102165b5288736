//! Configurations: any bytes are accepted as a whole or rejected with reasons, the same ones each time.

#![no_main]

use countersign_core::config::Plan;
use countersign_core::reply::Reply;
use countersign_fuzz::{WrittenRequest, decide_twice};
use libfuzzer_sys::fuzz_target;

/// A request without evidence.
const NOBODY: &[u8] = b"GET /api/orders/7\nshop.example.com";

fuzz_target!(|bytes: &[u8]| {
    match (Plan::compile(bytes), Plan::compile(bytes)) {
        (Ok((plan, warnings)), Ok((again, warnings_again))) => {
            assert_eq!((&plan.digest, &warnings), (&again.digest, &warnings_again));
            for warning in &warnings {
                let _ = warning.to_string();
            }
            let outcome = decide_twice(&plan, &WrittenRequest::parse(NOBODY).parts);
            if let Reply::Answer(answer) = outcome.reply {
                assert!(matches!(answer.status, 400 | 401 | 403 | 503), "status {}", answer.status);
            }
        }
        (Err(errors), Err(again)) => {
            assert_eq!(errors, again);
            assert!(!errors.is_empty(), "refused without a reason");
            for error in &errors {
                let line = error.to_string();
                assert!(!line.is_empty(), "{error:?}");
            }
        }
        _ => panic!("one configuration is taken and refused"),
    }
});
