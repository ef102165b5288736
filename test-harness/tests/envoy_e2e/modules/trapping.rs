//! A module that traps when a request asks for it: what a bug in a module would do.
//!
//! Where it runs and does not trap, it marks the request and sets the filter state that its guard demands.

use std::io;

/// The header of a request that makes it trap.
pub const TRAP: &str = "x-trap";

/// The module.
///
/// # Errors
/// The text is not WebAssembly.
pub fn module() -> io::Result<Vec<u8>> {
    super::assemble(PART)
}

/// It traps before it has set anything.
const PART: &str = r#"
  (data (i32.const 0) "x-trap")

  (func (export "proxy_on_configure") (param i32 i32) (result i32) (i32.const 1))

  ;; 128: address of the value, 132: its size.
  (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
    (if (i32.eqz (call $get_header (i32.const 0) (i32.const 0) (i32.const 6) (i32.const 128) (i32.const 132)))
      (then unreachable))
    (call $pass))
"#;
