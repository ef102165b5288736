//! Writes a module again with its functions in another order.

use wasm_encoder::reencode::{self, Reencode, utils};
use wasm_encoder::{CodeSection, ExportSection, FunctionSection, Module};
use wasmparser::{
    CodeSectionReader, CustomSectionReader, Export, ExternalKind, FunctionBody, FunctionSectionReader, Parser,
};

use crate::outline::Outline;

/// The callbacks of proxy-wasm that the plugin acts on, and what a host needs besides. The SDK exports all callbacks, and
/// a host calls each that is exported. Without `proxy_on_done` it takes a context for done, which is what the SDK answers.
pub const KEPT: [&str; 12] = [
    "proxy_abi_version_0_2_1",
    "proxy_on_configure",
    "proxy_on_context_create",
    "proxy_on_delete",
    "proxy_on_http_call_response",
    "proxy_on_memory_allocate",
    "proxy_on_queue_ready",
    "proxy_on_request_body",
    "proxy_on_request_headers",
    "proxy_on_request_trailers",
    "proxy_on_tick",
    "proxy_on_vm_start",
];

/// The module with these functions of its own first, by number and each once, and the others behind them in their old order.
///
/// # Errors
/// The module cannot be read.
pub fn reordered(module: &[u8], outline: Outline, first: &[u32]) -> Result<Vec<u8>, reencode::Error> {
    let mut order = first.to_vec();
    let mut is_first = vec![false; outline.functions as usize];
    for function in first {
        is_first[*function as usize] = true;
    }
    order.extend((0..outline.functions).filter(|function| !is_first[*function as usize]));
    let mut places = vec![0; order.len()];
    for (place, function) in order.iter().enumerate() {
        places[*function as usize] = place as u32;
    }
    let mut written = Module::new();
    Reordered { imported: outline.imported, order, places }.parse_core_module(&mut written, Parser::new(0), module)?;
    Ok(written.finish())
}

struct Reordered {
    /// Functions that are imported. Their numbers come first, and do not change.
    imported: u32,
    /// The functions of the module in their new order, by their old numbers.
    order: Vec<u32>,
    /// The new number of each.
    places: Vec<u32>,
}

impl Reencode for Reordered {
    type Error = core::convert::Infallible;

    fn function_index(&mut self, function: u32) -> Result<u32, reencode::Error> {
        Ok(match function.checked_sub(self.imported) {
            None => function,
            Some(own) => self.imported + self.places[own as usize],
        })
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: FunctionSectionReader<'_>,
    ) -> Result<(), reencode::Error> {
        let types = section.into_iter().collect::<Result<Vec<u32>, _>>()?;
        for function in &self.order {
            functions.function(types[*function as usize]);
        }
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        code: &mut CodeSection,
        section: CodeSectionReader<'_>,
    ) -> Result<(), reencode::Error> {
        let bodies = section.into_iter().collect::<Result<Vec<FunctionBody<'_>>, _>>()?;
        for function in self.order.clone() {
            self.parse_function_body(code, bodies[function as usize].clone())?;
        }
        Ok(())
    }

    /// A host needs none, and those that name functions would name others.
    fn parse_custom_section(&mut self, _: &mut Module, _: CustomSectionReader<'_>) -> Result<(), reencode::Error> {
        Ok(())
    }

    fn parse_export(&mut self, exports: &mut ExportSection, export: Export<'_>) -> Result<(), reencode::Error> {
        let is_of_proxy = export.kind == ExternalKind::Func && export.name.starts_with("proxy_");
        if is_of_proxy && !KEPT.contains(&export.name) { Ok(()) } else { utils::parse_export(self, exports, export) }
    }
}
