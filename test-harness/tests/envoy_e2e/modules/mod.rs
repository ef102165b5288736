//! Small modules in WebAssembly text, for what the built module never does: fail on one thread, trap, touch what is another's.
//!
//! The ABI is proxy-wasm 0.2.1. Each is the `FRAME`, which has what all of them call and export, and its own part.

pub mod failing_worker;
pub mod foreign;
pub mod trapping;

use std::io;

/// The filter state that a module sets on a request that it lets pass; Envoy shows it as `wasm.fixture`.
pub const GUARD: &str = "fixture";

/// The header that a module adds to each request that it lets pass.
pub const MARK: &str = "x-fixture";

/// The module with this part of its own.
fn assemble(part: &str) -> io::Result<Vec<u8>> {
    wat::parse_str(format!("(module {FRAME} {part})")).map_err(io::Error::other)
}

const FRAME: &str = r#"
  (import "env" "proxy_get_shared_data" (func $get_shared (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_set_shared_data" (func $set_shared (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_get_header_map_value" (func $get_header (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_add_header_map_value" (func $add_header (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_set_property" (func $set_property (param i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_send_local_response" (func $reply (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))

  ;; A part keeps its texts from 0 on and what it is told from 128 on, below 1024.
  (memory (export "memory") 16)
  (data (i32.const 1024) "fixture")
  (data (i32.const 1040) "allow")
  (data (i32.const 1056) "x-fixture")
  (data (i32.const 1072) "ran")

  ;; Where the host puts what it hands over. It is read at once, so near the end of the memory the next begins anew.
  (global $next (mut i32) (i32.const 65536))
  (func (export "proxy_on_memory_allocate") (param $size i32) (result i32)
    (local $place i32)
    (if (i32.gt_u (i32.add (global.get $next) (local.get $size)) (i32.const 1048576))
      (then (global.set $next (i32.const 65536))))
    (local.set $place (global.get $next))
    (global.set $next (i32.and (i32.add (i32.add (global.get $next) (local.get $size)) (i32.const 7)) (i32.const -8)))
    (local.get $place))

  (func (export "proxy_abi_version_0_2_1"))
  (func (export "proxy_on_context_create") (param i32 i32))
  (func (export "proxy_on_vm_start") (param i32 i32) (result i32) (i32.const 1))

  ;; Marks the request and sets the filter state that its guard demands.
  (func $pass (result i32)
    (drop (call $set_property (i32.const 1024) (i32.const 7) (i32.const 1040) (i32.const 5)))
    (drop (call $add_header (i32.const 0) (i32.const 1056) (i32.const 9) (i32.const 1072) (i32.const 3)))
    (i32.const 0))
"#;
