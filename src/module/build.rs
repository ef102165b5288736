//! Links the module with a larger stack than the default 1 MiB: Cedar's parser and evaluator recurse on policy text,
//! and their own stack guard is compiled out on wasm32. The caps on nesting in the core's `limits.rs` are tested
//! against this size.

/// Bytes of the module's own stack.
const STACK_BYTES: usize = 4 * 1024 * 1024;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let for_wasi = std::env::var_os("CARGO_CFG_TARGET_OS").is_some_and(|os| os == "wasi");
    if for_wasi {
        println!("cargo::rustc-link-arg-cdylib=-zstack-size={STACK_BYTES}");
    }
}
