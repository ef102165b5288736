//! Runs a module under a host of its own, and notes which functions it enters.
//!
//! The host is the same each time: its clock stands still and its randomness is zero. So a module is always entered alike.

use wasm_encoder::reencode::{self, Reencode, utils};
use wasm_encoder::{EntityType, Function, ImportSection, Instruction, Module, TypeSection, ValType};
use wasmi::{AsContextMut, Caller, Engine, Extern, ExternType, Linker, Store, TypedFunc, Val};
use wasmparser::{CustomSectionReader, FunctionBody, ImportSectionReader, Parser, TypeSectionReader};

use crate::outline::Outline;
use crate::sample::Sample;

/// The function that every other one calls first, with its number.
const ENTER: (&str, &str) = ("layout", "enter");
const ROOT_CONTEXT: i32 = 1;
/// What `proxy_on_request_headers` returns for a request that is forwarded.
const CONTINUE: i32 = 0;
/// `NotFound` of proxy-wasm.
const NOT_FOUND: i32 = 1;

/// Why a module was not traced.
#[derive(Debug, thiserror::Error)]
pub enum TraceFault {
    /// It cannot be read.
    #[error("the module cannot be read: {0}")]
    Module(#[from] reencode::Error),
    /// It does not run.
    #[error("the module does not run: {0}")]
    Run(#[from] wasmi::Error),
    /// It does not accept the sample's configuration.
    #[error(
        "the module rejects the configuration of the sample: {0}\nIf prepared policies have another form now, write \
         test-harness/layout/configuration.prepared.json again: countersign prepare test-harness/layout/configuration.json"
    )]
    Configuration(String),
    /// A request of the sample is handled in another way than it should be.
    #[error("request {number} of the sample should be {}: {log}", if *.forwarded { "forwarded" } else { "refused" })]
    Request {
        /// Its place in the sample.
        number: usize,
        /// What should happen.
        forwarded: bool,
        /// The last line of the log.
        log: String,
    },
}

/// Runs the module with the sample, and then with its requests once more, as it is when it has seen tokens and routes before.
/// The functions of the module itself, by number, in the order in which the second run entered them.
///
/// # Errors
/// See [`TraceFault`].
pub fn entered(module: &[u8], outline: Outline, sample: &Sample) -> Result<Vec<u32>, TraceFault> {
    let mut instrumented = Module::new();
    Instrumented { outline, written: 0 }.parse_core_module(&mut instrumented, Parser::new(0), module)?;
    let engine = Engine::default();
    let module = wasmi::Module::new(&engine, instrumented.finish())?;
    let host = Host::new(outline, &sample.configuration);
    let mut store = Store::new(&engine, host);
    let instance = linker(&engine, &module)?.instantiate_and_start(&mut store, &module)?;
    let initialize: TypedFunc<(), ()> = instance.get_typed_func(&store, "_initialize")?;
    let create: TypedFunc<(i32, i32), ()> = instance.get_typed_func(&store, "proxy_on_context_create")?;
    let start: TypedFunc<(i32, i32), i32> = instance.get_typed_func(&store, "proxy_on_vm_start")?;
    let configure: TypedFunc<(i32, i32), i32> = instance.get_typed_func(&store, "proxy_on_configure")?;
    let headers: TypedFunc<(i32, i32, i32), i32> = instance.get_typed_func(&store, "proxy_on_request_headers")?;
    let delete: TypedFunc<i32, ()> = instance.get_typed_func(&store, "proxy_on_delete")?;

    initialize.call(&mut store, ())?;
    create.call(&mut store, (ROOT_CONTEXT, 0))?;
    start.call(&mut store, (ROOT_CONTEXT, 0))?;
    let bytes = i32::try_from(store.data().configuration.len()).unwrap_or(i32::MAX);
    if configure.call(&mut store, (ROOT_CONTEXT, bytes))? == 0 {
        return Err(TraceFault::Configuration(store.data().last_line.clone()));
    }
    let mut context = ROOT_CONTEXT;
    for _ in ["new", "known"] {
        store.data_mut().forget_entered();
        for (number, request) in sample.requests.iter().enumerate() {
            context += 1;
            store.data_mut().headers = request.as_pairs();
            create.call(&mut store, (context, ROOT_CONTEXT))?;
            let action = headers.call(&mut store, (context, 0, 1))?;
            delete.call(&mut store, context)?;
            if (action == CONTINUE) != request.forwarded {
                let log = store.data().last_line.clone();
                return Err(TraceFault::Request { number, forwarded: request.forwarded, log });
            }
        }
    }
    Ok(store.into_data().entered)
}

/// Writes a module whose functions call [`ENTER`].
struct Instrumented {
    outline: Outline,
    /// Functions that were written.
    written: u32,
}

impl Reencode for Instrumented {
    type Error = core::convert::Infallible;

    /// The added function is the last one that is imported.
    fn function_index(&mut self, function: u32) -> Result<u32, reencode::Error> {
        Ok(if function < self.outline.imported { function } else { function + 1 })
    }

    fn parse_type_section(
        &mut self,
        types: &mut TypeSection,
        section: TypeSectionReader<'_>,
    ) -> Result<(), reencode::Error> {
        utils::parse_type_section(self, types, section)?;
        types.ty().function([ValType::I32], []);
        Ok(())
    }

    fn parse_import_section(
        &mut self,
        imports: &mut ImportSection,
        section: ImportSectionReader<'_>,
    ) -> Result<(), reencode::Error> {
        utils::parse_import_section(self, imports, section)?;
        imports.import(ENTER.0, ENTER.1, EntityType::Function(self.outline.types));
        Ok(())
    }

    fn parse_custom_section(&mut self, _: &mut Module, _: CustomSectionReader<'_>) -> Result<(), reencode::Error> {
        Ok(())
    }

    fn new_function_with_parsed_locals(&mut self, body: &FunctionBody<'_>) -> Result<Function, reencode::Error> {
        let mut function = utils::new_function_with_parsed_locals(self, body)?;
        function.instruction(&Instruction::I32Const(self.written as i32));
        function.instruction(&Instruction::Call(self.outline.imported));
        self.written += 1;
        Ok(function)
    }
}

/// What the module asks for, and what it has entered.
struct Host {
    configuration: Vec<u8>,
    headers: Vec<u8>,
    metrics: u32,
    last_line: String,
    entered: Vec<u32>,
    is_entered: Vec<bool>,
}

impl Host {
    fn new(outline: Outline, configuration: &str) -> Self {
        Self {
            configuration: configuration.as_bytes().to_vec(),
            headers: Vec::new(),
            metrics: 0,
            last_line: String::new(),
            entered: Vec::new(),
            is_entered: vec![false; outline.functions as usize],
        }
    }

    fn enter(&mut self, function: u32) {
        if let Some(is_entered) = self.is_entered.get_mut(function as usize)
            && !*is_entered
        {
            *is_entered = true;
            self.entered.push(function);
        }
    }

    fn forget_entered(&mut self) {
        self.entered.clear();
        self.is_entered.fill(false);
    }
}

/// A host for all that the module imports. What it needs not answer succeeds and does nothing.
fn linker(engine: &Engine, module: &wasmi::Module) -> Result<Linker<Host>, wasmi::Error> {
    let mut linker = Linker::new(engine);
    for import in module.imports() {
        let ExternType::Func(kind) = import.ty() else {
            return Err(wasmi::Error::new(format!("it imports `{}`, which is no function", import.name())));
        };
        let name = import.name().to_owned();
        let success: Vec<Val> = kind.results().iter().map(|kind| Val::default_for_ty(*kind)).collect();
        let function = move |host: Caller<'_, Host>, parameters: &[Val], results: &mut [Val]| {
            results.clone_from_slice(&success);
            let arguments: Vec<u32> =
                parameters.iter().map(|value| value.i32().map_or(0, i32::cast_unsigned)).collect();
            if let (Some(status), [result, ..]) = (answer(&name, host, &arguments)?, results) {
                *result = Val::I32(status);
            }
            Ok(())
        };
        linker.func_new(import.module(), import.name(), kind.clone(), function)?;
    }
    Ok(linker)
}

/// Answers one call of the module's; the status, where it is not success.
fn answer(name: &str, mut host: Caller<'_, Host>, arguments: &[u32]) -> Result<Option<i32>, wasmi::Error> {
    match (name, arguments) {
        (enter, [function]) if enter == ENTER.1 => host.data_mut().enter(*function),
        ("proxy_get_buffer_bytes", [_, _, _, address, size]) => {
            let bytes = host.data().configuration.clone();
            give(&mut host, &bytes, (*address, *size))?;
        }
        ("proxy_get_header_map_pairs", [_, address, size]) => {
            let bytes = host.data().headers.clone();
            give(&mut host, &bytes, (*address, *size))?;
        }
        ("proxy_get_current_time_nanoseconds", [time]) => write(&mut host, *time, &Sample::NANOSECONDS.to_le_bytes())?,
        ("proxy_define_metric", [.., id]) => {
            host.data_mut().metrics += 1;
            let metric = host.data().metrics;
            write(&mut host, *id, &metric.to_le_bytes())?;
        }
        ("proxy_get_property" | "proxy_call_foreign_function", _) => return Ok(Some(NOT_FOUND)),
        ("proxy_log", [_, address, size]) => {
            let mut line = vec![0; *size as usize];
            memory(&host)?.read(&host, *address as usize, &mut line).map_err(|_| outside())?;
            host.data_mut().last_line = String::from_utf8_lossy(&line).into_owned();
        }
        _ => {}
    }
    Ok(None)
}

/// Hands bytes over in memory that the module allocates for them.
fn give(host: &mut Caller<'_, Host>, bytes: &[u8], (address, size): (u32, u32)) -> Result<(), wasmi::Error> {
    let allocate = host.get_export("proxy_on_memory_allocate").and_then(Extern::into_func);
    let allocate = allocate.ok_or_else(|| wasmi::Error::new("it exports no `proxy_on_memory_allocate`"))?;
    let allocate: TypedFunc<u32, u32> = allocate.typed(&*host)?;
    let count = bytes.len() as u32;
    let place = allocate.call(host.as_context_mut(), count)?;
    write(host, place, bytes)?;
    write(host, address, &place.to_le_bytes())?;
    write(host, size, &count.to_le_bytes())
}

fn write(host: &mut Caller<'_, Host>, address: u32, bytes: &[u8]) -> Result<(), wasmi::Error> {
    memory(host)?.write(host, address as usize, bytes).map_err(|_| outside())
}

fn memory(host: &Caller<'_, Host>) -> Result<wasmi::Memory, wasmi::Error> {
    let memory = host.get_export("memory").and_then(Extern::into_memory);
    memory.ok_or_else(|| wasmi::Error::new("it exports no `memory`"))
}

fn outside() -> wasmi::Error {
    wasmi::Error::new("it names an address outside of its memory")
}
