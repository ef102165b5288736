//! A module that configures well on the main thread and fails on workers, written in WebAssembly text.
//!
//! Envoy forwards without the filter on a worker whose `proxy_on_configure` failed, whatever the failure policy says. The guard
//! behind the filter closes that, and this module is how a test shows it: where it runs, it marks the request and sets the
//! filter state that its guard demands; where it does not, nothing does.

use std::io;

/// The guard's filter state as the module names it; Envoy shows it as `wasm.fixture`.
pub const GUARD: &str = "fixture";

/// The header that the module adds to each request that it sees.
pub const MARK: &str = "x-fixture";

/// Calls to `proxy_on_configure` on the main thread before any worker's: a trial VM first, then the thread's own.
pub const MAIN_THREAD_CALLS: u32 = 2;

/// The module. The first `successes` calls to `proxy_on_configure` under one `vm_id` succeed, all later ones fail.
///
/// # Errors
/// The text is not WebAssembly.
pub fn module(successes: u32) -> io::Result<Vec<u8>> {
    wat::parse_str(TEXT.replace("$SUCCESSES", &successes.to_string())).map_err(io::Error::other)
}

/// The ABI is proxy-wasm 0.2.1. Shared data under the key `n` counts the calls, for the VMs of the threads share nothing else.
const TEXT: &str = r#"
(module
  (import "env" "proxy_get_shared_data" (func $get_shared (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_set_shared_data" (func $set_shared (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_set_property" (func $set_property (param i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_add_header_map_value" (func $add_header (param i32 i32 i32 i32 i32) (result i32)))

  (memory (export "memory") 2)
  (data (i32.const 0) "n")
  (data (i32.const 16) "fixture")
  (data (i32.const 32) "allow")
  (data (i32.const 48) "x-fixture")
  (data (i32.const 64) "ran")

  ;; What the host hands over is only ever the four bytes of the count: one place in the second page is enough.
  (func (export "proxy_on_memory_allocate") (param i32) (result i32) (i32.const 65536))
  (func (export "proxy_abi_version_0_2_1"))
  (func (export "proxy_on_context_create") (param i32 i32))
  (func (export "proxy_on_vm_start") (param i32 i32) (result i32) (i32.const 1))

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

  (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
    (drop (call $set_property (i32.const 16) (i32.const 7) (i32.const 32) (i32.const 5)))
    (drop (call $add_header (i32.const 0) (i32.const 48) (i32.const 9) (i32.const 64) (i32.const 3)))
    (i32.const 0)))
"#;
