//! A module that configures well on the main thread and fails on workers.
//!
//! Envoy forwards without the filter on a worker whose `proxy_on_configure` failed, whatever the failure policy says. The guard
//! behind the filter closes that, and this module is how a test shows it: where it runs, it marks the request and sets the
//! filter state that its guard demands; where it does not, nothing does.

use std::io;

/// Calls to `proxy_on_configure` on the main thread before any worker's: a trial VM first, then the thread's own.
pub const MAIN_THREAD_CALLS: u32 = 2;

/// The module. The first `successes` calls to `proxy_on_configure` under one `vm_id` succeed, all later ones fail.
///
/// # Errors
/// The text is not WebAssembly.
pub fn module(successes: u32) -> io::Result<Vec<u8>> {
    super::assemble(&PART.replace("$SUCCESSES", &successes.to_string()))
}

/// Shared data under the key `n` counts the calls, for the VMs of the threads share nothing else.
const PART: &str = r#"
  (data (i32.const 0) "n")

  ;; 128: address of the value, 132: its size, 136: its version, 140: the new count.
  (func (export "proxy_on_configure") (param i32 i32) (result i32)
    (local $count i32)
    (loop $again
      (local.set $count (i32.const 0))
      (i32.store (i32.const 136) (i32.const 0))
      (if (i32.eqz (call $get_shared (i32.const 0) (i32.const 1) (i32.const 128) (i32.const 132) (i32.const 136)))
        (then (local.set $count (i32.load (i32.load (i32.const 128))))))
      (local.set $count (i32.add (local.get $count) (i32.const 1)))
      (i32.store (i32.const 140) (local.get $count))
      (br_if $again
        (call $set_shared (i32.const 0) (i32.const 1) (i32.const 140) (i32.const 4) (i32.load (i32.const 136)))))
    (i32.le_u (local.get $count) (i32.const $SUCCESSES)))

  (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) (call $pass))
"#;
