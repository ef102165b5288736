//! Puts the functions of a built module that requests use next to each other.
//!
//! V8 lays machine code out in the order of the module's functions, and the linker's order has nothing to do with what a
//! request calls: some 400 of 5,000 functions, spread over hundreds of pages. The time of a request is largely that of
//! fetching code into the processor's caches, the plugin's and then Envoy's own again. So this program runs the module with a
//! sample of requests, and writes it again with the functions that they entered at the front. It also writes numbers without
//! the padding that the linker needs, and leaves out the exports of callbacks that the plugin does not act on. Nothing else
//! changes: what each function does, memory, tables and imports stay.

mod order;
mod outline;
mod sample;
mod trace;

use std::error::Error;
use std::process::ExitCode;
use std::{env, fs};

use outline::Outline;
use sample::Sample;
use trace::entered;

/// Requests of the kinds that are usual: with tokens of a user and a device, of Anonymous, and refused.
const REQUESTS: &str = include_str!("../requests.json");

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [module, configuration, written] = arguments.as_slice() else {
        eprintln!("usage: countersign-layout MODULE.wasm CONFIGURATION.json WRITTEN.wasm");
        return ExitCode::from(2);
    };
    match write(module, configuration, written) {
        Ok(summary) => {
            println!("{summary}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {module}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Writes the module in another order. The result says how many functions were moved.
fn write(module: &str, configuration: &str, written: &str) -> Result<String, Box<dyn Error>> {
    let bytes = fs::read(module)?;
    let configuration = fs::read_to_string(configuration).map_err(|error| format!("{configuration}: {error}"))?;
    let sample = Sample::read(REQUESTS, configuration).map_err(|fault| format!("the sample: {fault}"))?;
    let outline = Outline::of(&bytes)?;
    let first = entered(&bytes, outline, &sample)?;
    let reordered = order::reordered(&bytes, outline, &first)?;
    wasmparser::validate(&reordered).map_err(|fault| format!("what would be written is not valid: {fault}"))?;
    fs::write(written, reordered).map_err(|error| format!("{written}: {error}"))?;
    Ok(format!("{} of {} functions are entered by known requests, and come first", first.len(), outline.functions))
}

#[cfg(test)]
mod tests;
