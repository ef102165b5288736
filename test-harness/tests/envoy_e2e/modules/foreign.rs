//! A foreign module that touches shared data: requests read and write entries of any name under its own `vm_id`.
//!
//! A request with [`NAME`] alone is answered with the entry, or 404 if there is none; one with [`VALUE`] too overwrites it.

use std::io;

/// The header with the name of an entry.
pub const NAME: &str = "x-name";

/// The header with what is to be written there.
pub const VALUE: &str = "x-value";

/// The module.
///
/// # Errors
/// The text is not WebAssembly.
pub fn module() -> io::Result<Vec<u8>> {
    super::assemble(PART)
}

const PART: &str = r#"
  (data (i32.const 0) "x-name")
  (data (i32.const 16) "x-value")

  (func (export "proxy_on_configure") (param i32 i32) (result i32) (i32.const 1))

  (func $answer (param $status i32) (param $body i32) (param $size i32)
    (drop (call $reply (local.get $status) (i32.const 0) (i32.const 0) (local.get $body) (local.get $size)
      (i32.const 0) (i32.const 0) (i32.const -1))))

  ;; Addresses and sizes: 128 and 132 of the name, 136 and 140 of the value; 144: the entry's version.
  (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
    (drop (call $get_header (i32.const 0) (i32.const 0) (i32.const 6) (i32.const 128) (i32.const 132)))
    (if (i32.eqz (call $get_header (i32.const 0) (i32.const 16) (i32.const 7) (i32.const 136) (i32.const 140)))
      (then
        (drop (call $set_shared (i32.load (i32.const 128)) (i32.load (i32.const 132))
          (i32.load (i32.const 136)) (i32.load (i32.const 140)) (i32.const 0)))
        (call $answer (i32.const 204) (i32.const 0) (i32.const 0)))
      (else
        (if (i32.eqz (call $get_shared (i32.load (i32.const 128)) (i32.load (i32.const 132))
            (i32.const 136) (i32.const 140) (i32.const 144)))
          (then (call $answer (i32.const 200) (i32.load (i32.const 136)) (i32.load (i32.const 140))))
          (else (call $answer (i32.const 404) (i32.const 0) (i32.const 0))))))
    ;; 1: the request goes no further.
    (i32.const 1))
"#;
