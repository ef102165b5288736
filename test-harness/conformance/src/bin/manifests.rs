//! Holds the manifests of `envoy/` against the published definitions of their kinds, and prints what came of it.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use conformance::manifests::{Verdict, judge_all};
use test_harness::paths;

/// Holds the manifests for Istio and Envoy Gateway against the CustomResourceDefinitions of their kinds, as strictly as a
/// Kubernetes API server can: a member that is not defined is a fault. The exit code is 1 where one is not valid, 2 where
/// definitions are missing.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The folder with `istio/` and `envoy-gateway/`
    #[arg(value_name = "DIR")]
    definitions: PathBuf,
}

fn main() -> ExitCode {
    let judged = match judge_all(&paths::root().join("envoy"), &Arguments::parse().definitions) {
        Ok(judged) => judged,
        Err(fault) => {
            eprintln!("error: {fault}");
            return ExitCode::from(2);
        }
    };
    let (mut valid, mut faulty) = (0, 0);
    for one in judged {
        match one.verdict {
            Verdict::Valid => {
                valid += 1;
                println!("{} ... valid", one.document);
            }
            Verdict::WithoutSchema => println!("{} ... not checked, its kind is Kubernetes' own", one.document),
            Verdict::Faulty(faults) => {
                faulty += 1;
                println!("{} ... FAILED", one.document);
                faults.iter().for_each(|fault| println!("  {fault}"));
            }
        }
    }
    println!("\n{valid} valid, {faulty} failed");
    if valid > 0 && faulty == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
