//! A module that traps when a request asks for it, written in WebAssembly text: what a bug in a module would do.
//!
//! Where it runs and does not trap, it marks the request and sets the filter state that its guard demands, as
//! [`crate::failing_worker`] does.

use std::io;

/// The guard's filter state as the module names it; Envoy shows it as `wasm.fixture`.
pub const GUARD: &str = "fixture";

/// The header that the module adds to each request that it lets pass.
pub const MARK: &str = "x-fixture";

/// The header of a request that makes it trap.
pub const TRAP: &str = "x-trap";

/// The module.
///
/// # Errors
/// The text is not WebAssembly.
pub fn module() -> io::Result<Vec<u8>> {
    wat::parse_str(TEXT).map_err(io::Error::other)
}

/// The ABI is proxy-wasm 0.2.1. It traps before it has set anything.
const TEXT: &str = r#"
(module
  (import "env" "proxy_get_header_map_value" (func $get_header (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_set_property" (func $set_property (param i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_add_header_map_value" (func $add_header (param i32 i32 i32 i32 i32) (result i32)))

  (memory (export "memory") 2)
  (data (i32.const 0) "x-trap")
  (data (i32.const 16) "fixture")
  (data (i32.const 32) "allow")
  (data (i32.const 48) "x-fixture")
  (data (i32.const 64) "ran")

  ;; What the host hands over is only ever the value of one short header: one place in the second page is enough.
  (func (export "proxy_on_memory_allocate") (param i32) (result i32) (i32.const 65536))
  (func (export "proxy_abi_version_0_2_1"))
  (func (export "proxy_on_context_create") (param i32 i32))
  (func (export "proxy_on_vm_start") (param i32 i32) (result i32) (i32.const 1))
  (func (export "proxy_on_configure") (param i32 i32) (result i32) (i32.const 1))

  ;; 128: address of the value, 132: its size.
  (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
    (if (i32.eqz (call $get_header (i32.const 0) (i32.const 0) (i32.const 6) (i32.const 128) (i32.const 132)))
      (then unreachable))
    (drop (call $set_property (i32.const 16) (i32.const 7) (i32.const 32) (i32.const 5)))
    (drop (call $add_header (i32.const 0) (i32.const 48) (i32.const 9) (i32.const 64) (i32.const 3)))
    (i32.const 0)))
"#;
