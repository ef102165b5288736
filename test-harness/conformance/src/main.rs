//! Holds the core against public test vectors, and prints what came of it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use comfy_table::{CellAlignment, Table, presets};
use conformance::{Report, run};

/// Holds the core against public test vectors: tokens, keys and signatures that others say are right or
/// wrong, and policies with the decisions that Cedar states. The exit
/// code is 1 where it differs for a reason that is not listed, 2 where vectors are missing.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The folder with `wycheproof/`, `ietf-jose-cookbook/`, `istio-samples/`, `rfc9449-dpop.json` and `cedar-integration/`
    #[arg(value_name = "DIR")]
    vectors: PathBuf,
}

fn main() -> ExitCode {
    match run(&Arguments::parse().vectors) {
        Ok(reports) => print(&reports),
        Err(faults) => {
            for fault in faults {
                eprintln!("error: {fault}");
            }
            ExitCode::from(2)
        }
    }
}

fn print(reports: &[(&str, &str, Report)]) -> ExitCode {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header(["vectors", "suite", "cases", "agreed", "excepted", "failed"]);
    let mut reasons: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let (mut passed, mut failed) = (0, 0);
    for (collection, suite, report) in reports {
        table.add_row([
            (*collection).to_owned(),
            (*suite).to_owned(),
            report.cases.to_string(),
            report.agreed.to_string(),
            report.excepted_cases().to_string(),
            report.failures.len().to_string(),
        ]);
        passed += report.passed();
        failed += report.failures.len();
        for (reason, cases) in &report.excepted {
            *reasons.entry((collection, reason)).or_default() += cases.len();
        }
    }
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    println!("{table}");
    println!("\nexceptions, by reason (test-harness/vectors/*/exceptions.toml):");
    for ((collection, reason), cases) in reasons {
        println!("  {cases:>4}  {collection}: {reason}");
    }
    for (collection, suite, report) in reports {
        for failure in &report.failures {
            println!("FAILED {collection}/{suite}: {failure}");
        }
    }
    println!("\n{passed} passed, {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
