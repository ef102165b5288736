//! The services around Envoy in one program: an identity provider, a device provider and an upstream application.

use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use test_harness::http1;
use test_harness::services::Services;

/// An identity provider, a device provider and an upstream application, for demonstration only: they sign whatever one asks them to.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Runs all three until it is interrupted.
    Serve {
        /// Where the identity provider listens.
        #[arg(long, default_value = "127.0.0.1:8081")]
        identity_provider: SocketAddr,
        /// Where the device provider listens.
        #[arg(long, default_value = "127.0.0.1:8082")]
        device_provider: SocketAddr,
        /// Where the upstream application listens.
        #[arg(long, default_value = "127.0.0.1:8080")]
        upstream: SocketAddr,
    },
    /// Asks a running one whether it is ready; the exit code is the answer.
    Healthcheck {
        /// Where the upstream application listens.
        #[arg(long, default_value = "127.0.0.1:8080")]
        upstream: SocketAddr,
    },
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().verb {
        Verb::Serve { identity_provider, device_provider, upstream } => {
            serve(identity_provider, device_provider, upstream)
        }
        Verb::Healthcheck { upstream } => healthcheck(upstream),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn serve(identity: SocketAddr, device: SocketAddr, upstream: SocketAddr) -> io::Result<()> {
    let services = Services::start(identity, device, upstream).await?;
    println!("identity provider  http://{}/token?user=alice", services.identity_provider.address());
    println!("device provider    http://{}/posture?device=laptop-1", services.device_provider.address());
    println!("upstream           http://{}/", services.upstream.address());
    // A container is stopped with SIGTERM, a terminal with SIGINT.
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
    }
}

fn healthcheck(upstream: SocketAddr) -> io::Result<()> {
    let answer = http1::Request::new("GET", b"/ready").header("host", b"upstream").send(upstream)?;
    match answer.status {
        200 => Ok(()),
        status => Err(io::Error::other(format!("the upstream answers {status}"))),
    }
}
