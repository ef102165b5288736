use wasmi::{Engine, Linker, Module, Store};

use crate::REQUESTS;
use crate::order::{KEPT, reordered};
use crate::outline::Outline;
use crate::sample::Sample;
use crate::trace::{TraceFault, entered};

/// A plugin. Its headers callback forwards every request and calls `$used` through the table, which calls
/// `$deep`; nothing calls `$idle`, and a test calls `$answer`.
const PLUGIN: &str = r#"(module
  (type $plain (func (result i32)))
  (import "env" "proxy_log" (func $log (param i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (table 2 funcref)
  (elem (i32.const 0) $idle $used)
  (func $idle (result i32) i32.const 1)
  (func (export "_initialize"))
  (func (export "proxy_on_context_create") (param i32 i32))
  (func (export "proxy_on_vm_start") (param i32 i32) (result i32) i32.const 1)
  (func (export "proxy_on_configure") (param i32 i32) (result i32) i32.const 1)
  (func $deep (result i32) i32.const 40)
  (func $used (result i32) call $deep i32.const 2 i32.add)
  (func (export "answer") (result i32) i32.const 1 call_indirect (type $plain) i32.const 0 call_indirect (type $plain) i32.add)
  (func (export "proxy_on_done") (param i32) (result i32) i32.const 1)
  (func (export "proxy_on_delete") (param i32))
  (func (export "proxy_on_log") (param i32))
  (func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32) i32.const 0)
  (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
    i32.const 1 call_indirect (type $plain) drop i32.const 0))"#;

/// The numbers of functions in [`PLUGIN`].
const CREATE: u32 = 2;
const DEEP: u32 = 5;
const USED: u32 = 6;
const DELETE: u32 = 9;
const HEADERS: u32 = 12;

fn plugin(text: &str) -> (Vec<u8>, Outline) {
    let module = wat::parse_str(text).expect("a module");
    let outline = Outline::of(&module).expect("a module");
    (module, outline)
}

fn sample(requests: &str) -> Sample {
    Sample::read(requests, "{}".to_owned()).expect("a sample")
}

fn forwarded() -> Sample {
    sample(r#"[{ "forwarded": true, "headers": { ":path": "/" } }]"#)
}

/// What the export `answer` returns.
fn answer(module: &[u8]) -> i32 {
    let engine = Engine::default();
    let module = Module::new(&engine, module).expect("valid");
    let mut linker = Linker::new(&engine);
    linker.func_wrap("env", "proxy_log", |_: i32, _: i32, _: i32| 0).expect("once");
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate_and_start(&mut store, &module).expect("it starts");
    instance.get_typed_func::<(), i32>(&store, "answer").expect("exported").call(&mut store, ()).expect("it runs")
}

fn exports(module: &[u8]) -> Vec<String> {
    Module::new(&Engine::default(), module).expect("valid").exports().map(|export| export.name().to_owned()).collect()
}

#[test]
fn functions_are_traced_in_the_order_in_which_a_known_request_enters_them() {
    let (module, outline) = plugin(PLUGIN);
    assert_eq!((outline.imported, outline.functions), (1, 13));
    let entered = entered(&module, outline, &forwarded()).expect("it runs");
    assert_eq!(entered, [CREATE, HEADERS, USED, DEEP, DELETE]);
}

#[test]
fn a_module_in_another_order_does_the_same_and_loses_only_callbacks_that_do_nothing() {
    let (module, outline) = plugin(PLUGIN);
    let first = entered(&module, outline, &forwarded()).expect("it runs");
    let written = reordered(&module, outline, &first).expect("it can be read");
    wasmparser::validate(&written).expect("valid");
    assert_eq!((answer(&module), answer(&written)), (43, 43));
    let kept: Vec<String> = exports(&module)
        .into_iter()
        .filter(|name| !["proxy_on_done", "proxy_on_log", "proxy_on_response_headers"].contains(&name.as_str()))
        .collect();
    assert_eq!(exports(&written), kept);
    let outline = Outline::of(&written).expect("a module");
    let again = entered(&written, outline, &forwarded()).expect("it runs");
    assert_eq!(again, (0..5).collect::<Vec<u32>>(), "the functions that are entered come first, in this order");
    assert_eq!(reordered(&module, outline, &first).expect("it can be read"), written, "the same bytes each time");
}

#[test]
fn a_sample_that_is_handled_otherwise_is_an_error_and_not_a_worse_order() {
    let (module, outline) = plugin(PLUGIN);
    let refused = sample(r#"[{ "forwarded": true, "headers": {} }, { "forwarded": false, "headers": {} }]"#);
    let fault = entered(&module, outline, &refused).expect_err("it forwards every request");
    assert!(matches!(fault, TraceFault::Request { number: 1, forwarded: false, .. }), "{fault}");
    let text = PLUGIN.replace(
        "(func (export \"proxy_on_configure\") (param i32 i32) (result i32) i32.const 1)",
        "(func (export \"proxy_on_configure\") (param i32 i32) (result i32) i32.const 0)",
    );
    let (module, outline) = plugin(&text);
    let fault = entered(&module, outline, &forwarded()).expect_err("it accepts no configuration");
    assert!(matches!(fault, TraceFault::Configuration(_)), "{fault}");
    assert!(Sample::read("[{}]", String::new()).is_err());
}

#[test]
fn the_sample_begins_with_a_request_of_the_usual_kind() {
    let sample = sample(REQUESTS);
    let names = |place: usize| sample.requests[place].headers.iter().map(|(name, _)| name.as_str());
    assert!(sample.requests[0].forwarded && names(0).any(|name| name == "authorization"));
    assert!(sample.requests.iter().any(|request| !request.forwarded));
}

/// The file that implements the callbacks, from this crate.
const CALLBACKS: &str = include_str!("../../../src/module/envoy.rs");

#[test]
fn every_callback_that_the_plugin_implements_is_still_exported() {
    let names = CALLBACKS.lines().filter_map(|line| line.trim().strip_prefix("fn on_")?.split_once('('));
    // The SDK's traits name the callbacks of requests `on_http_request_...`, and the export has no `http`.
    let callbacks: Vec<String> = names
        .map(|(name, _)| {
            format!(
                "proxy_on_{}",
                name.strip_prefix("http_request_").map_or(name.to_owned(), |of| format!("request_{of}"))
            )
        })
        .collect();
    assert!(callbacks.len() > 5, "{callbacks:?}");
    for callback in callbacks {
        assert!(KEPT.contains(&callback.as_str()), "src/module/envoy.rs has `{callback}`, and `KEPT` does not");
    }
}
