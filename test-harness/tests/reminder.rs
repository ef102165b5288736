//! `mode: shadow` is said again every hour: the built module in an interpreter, under a host with a clock that runs as fast as one likes.

use std::fs;

use serde_json::{Value, json};
use test_harness::envoy::Bootstrap;
use test_harness::keys::with_inline_keys;
use test_harness::paths;
use wasmi::{AsContextMut, Caller, Engine, Error, Extern, ExternType, Linker, Module, Store, TypedFunc, Val};

const NANOSECONDS_PER_MILLISECOND: u64 = 1_000_000;
const MILLISECONDS_PER_HOUR: u64 = 60 * 60 * 1_000;
/// 2027-01-15: later than the module itself.
const START: u64 = 1_800_000_000_000 * NANOSECONDS_PER_MILLISECOND;
const ROOT_CONTEXT: i32 = 1;

/// What the module has asked for, and what it is told.
struct Host {
    configuration: Vec<u8>,
    now_nanoseconds: u64,
    tick_milliseconds: u64,
    log: Vec<String>,
}

fn number(value: &Val) -> usize {
    value.i32().and_then(|value| usize::try_from(value).ok()).expect("an address or a size")
}

fn write(host: &mut Caller<'_, Host>, address: usize, bytes: &[u8]) {
    let memory = host.get_export("memory").and_then(Extern::into_memory).expect("a memory");
    memory.write(host, address, bytes).expect("an address of the module");
}

/// `proxy_get_buffer_bytes`, which is asked for the configuration alone.
fn get_buffer(mut host: Caller<'_, Host>, parameters: &[Val]) -> Result<(), Error> {
    let bytes = host.data().configuration.clone();
    let allocate = host.get_export("proxy_on_memory_allocate").and_then(Extern::into_func).expect("an allocator");
    let allocate: TypedFunc<i32, i32> = allocate.typed(&host)?;
    let size = i32::try_from(bytes.len()).expect("a size");
    let address = allocate.call(host.as_context_mut(), size)?;
    write(&mut host, usize::try_from(address).expect("an address"), &bytes);
    write(&mut host, number(&parameters[3]), &address.to_le_bytes());
    write(&mut host, number(&parameters[4]), &size.to_le_bytes());
    Ok(())
}

/// One call of the module's; what the reminder does not need succeeds and does nothing.
fn answer(name: &str, mut host: Caller<'_, Host>, parameters: &[Val], results: &mut [Val]) -> Result<(), Error> {
    const NOT_FOUND: i32 = 1;
    match name {
        "proxy_get_buffer_bytes" => get_buffer(host, parameters)?,
        "proxy_get_property" => results[0] = Val::I32(NOT_FOUND),
        "proxy_get_current_time_nanoseconds" => {
            let now = host.data().now_nanoseconds.to_le_bytes();
            write(&mut host, number(&parameters[0]), &now);
        }
        "proxy_set_tick_period_milliseconds" => host.data_mut().tick_milliseconds = number(&parameters[0]) as u64,
        "proxy_log" => {
            let mut text = vec![0; number(&parameters[2])];
            let memory = host.get_export("memory").and_then(Extern::into_memory).expect("a memory");
            memory.read(&host, number(&parameters[1]), &mut text).expect("a text of the module");
            host.data_mut().log.push(String::from_utf8_lossy(&text).into_owned());
        }
        _ => {}
    }
    Ok(())
}

/// The log of the module under this configuration after so many hours.
fn log_after(hours: u64, configuration: &Value) -> Vec<String> {
    let configuration = configuration.to_string().into_bytes();
    let size = i32::try_from(configuration.len()).expect("a size");
    let engine = Engine::default();
    let module = Module::new(&engine, fs::read(paths::module().expect("the module")).expect("the module"));
    let module = module.expect("WebAssembly");
    let mut linker = Linker::new(&engine);
    for import in module.imports() {
        let ExternType::Func(kind) = import.ty() else { panic!("the module imports functions alone") };
        let name = import.name().to_owned();
        let success: Vec<Val> = kind.results().iter().map(|kind| Val::default_for_ty(*kind)).collect();
        let function = move |host: Caller<'_, Host>, parameters: &[Val], results: &mut [Val]| {
            results.clone_from_slice(&success);
            answer(&name, host, parameters, results)
        };
        linker.func_new(import.module(), import.name(), kind.clone(), function).expect("each import once");
    }
    let host = Host { configuration, now_nanoseconds: START, tick_milliseconds: 0, log: Vec::new() };
    let mut store = Store::new(&engine, host);
    let instance = linker.instantiate_and_start(&mut store, &module).expect("every import is there");
    let initialize: TypedFunc<(), ()> = instance.get_typed_func(&store, "_initialize").expect("exported");
    let create: TypedFunc<(i32, i32), ()> =
        instance.get_typed_func(&store, "proxy_on_context_create").expect("exported");
    let start: TypedFunc<(i32, i32), i32> = instance.get_typed_func(&store, "proxy_on_vm_start").expect("exported");
    let configure: TypedFunc<(i32, i32), i32> =
        instance.get_typed_func(&store, "proxy_on_configure").expect("exported");
    let tick: TypedFunc<i32, ()> = instance.get_typed_func(&store, "proxy_on_tick").expect("exported");
    initialize.call(&mut store, ()).expect("it runs");
    create.call(&mut store, (ROOT_CONTEXT, 0)).expect("it runs");
    assert_eq!(start.call(&mut store, (ROOT_CONTEXT, 0)).expect("it runs"), 1);
    assert_eq!(configure.call(&mut store, (ROOT_CONTEXT, size)).expect("it runs"), 1, "{:?}", store.data().log);

    let mut milliseconds = 0;
    while store.data().tick_milliseconds > 0 {
        milliseconds += store.data().tick_milliseconds;
        if milliseconds > hours * MILLISECONDS_PER_HOUR {
            break;
        }
        store.data_mut().now_nanoseconds = START + milliseconds * NANOSECONDS_PER_MILLISECOND;
        tick.call(&mut store, ROOT_CONTEXT).expect("it runs");
    }
    store.into_data().log
}

fn reminders(log: &[String]) -> usize {
    log.iter().filter(|line| line.contains("SHADOW MODE") && line.contains("NOT enforced")).count()
}

/// The example, with its keys in it: the host here sends no requests.
fn configuration() -> Value {
    with_inline_keys(Bootstrap::example().expect("the example").plugin_configuration())
}

#[test]
fn a_rehearsal_is_said_at_the_start_and_again_every_hour() {
    let mut configuration = configuration();
    configuration["mode"] = json!("shadow");
    for (hours, expected) in [(0, 1), (1, 2), (3, 4)] {
        let log = log_after(hours, &configuration);
        assert_eq!(reminders(&log), expected, "after {hours} hours: {log:?}");
    }
}

#[test]
fn enforcement_says_nothing_of_the_kind() {
    let configuration = configuration();
    let log = log_after(3, &configuration);
    assert!(log.iter().any(|line| line.contains("configured")), "{log:?}");
    assert_eq!(reminders(&log), 0, "{log:?}");
}
