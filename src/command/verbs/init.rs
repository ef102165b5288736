//! `countersign init`: a first configuration, from what an identity provider says of itself.

mod metadata;
mod text;

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::PathBuf;

use clap::Args;
use countersign_core::fetch::HttpUrl;

use crate::configuration::compile;
use crate::document;
use crate::failure::Failure;
use crate::probe::{Roots, say};
use text::Wishes;

/// `init`
#[derive(Args)]
#[command(
    after_help = "It asks the provider for its metadata: at URL/.well-known/openid-configuration (OpenID Connect Discovery), and where \
there is\nnone, at /.well-known/oauth-authorization-server (RFC 8414). No redirect is followed. Nothing but these two documents is \
fetched.\n\nThe configuration is in `mode: shadow`: it records what it would refuse and refuses nothing but ambiguous requests. Below it, as \
comments,\nis the Envoy cluster that its keys are fetched through.\n\nExamples:\n  \
countersign init --issuer https://login.example.com --audience apps > countersign.yaml\n  \
countersign init --issuer https://login.corp.example --ca corp-ca.pem --audience apps --host shop.example.com --out countersign.yaml\n\n\
Exit codes: 0 the configuration was written, 1 the provider cannot be asked, or its metadata cannot be used, 2 wrong usage, or a \
file that\ncannot be read or written."
)]
pub struct Arguments {
    /// The provider's issuer identifier, exactly as `iss` of its tokens: an https URL
    #[arg(long, value_name = "URL")]
    issuer: String,
    /// What `aud` of the tokens for your application holds; may be repeated
    #[arg(long, required = true, value_name = "AUDIENCE")]
    audience: Vec<String>,
    /// The host of your application, as clients write it
    #[arg(long, default_value = text::EXAMPLE_HOST, value_name = "HOST")]
    host: String,
    /// The authorities that may sign the provider's certificate, in PEM; without it, those of this machine
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Where to write; an existing file is never overwritten. Without it, to standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Runs the verb.
///
/// # Errors
/// See [`Failure`].
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let issuer = issuer(&arguments.issuer).map_err(Failure::Usage)?;
    if let Some(out) = arguments.out.as_ref().filter(|out| out.exists()) {
        return Err(Failure::Usage(format!("`{}` exists; name a new file with --out", out.display())));
    }
    let roots = arguments.ca.as_deref().map_or(Ok(Roots::System), Roots::read);
    let roots = roots.map_err(|fault| Failure::Usage(format!("--ca: {fault}")))?;
    let found = match metadata::ask(&arguments.issuer, &issuer, &roots) {
        Ok(found) => found,
        Err(fault) => {
            say(&mut io::stderr(), &format!("countersign: {fault}"))?;
            return Err(Failure::Faults);
        }
    };
    let wishes = Wishes {
        issuer: &arguments.issuer,
        audiences: &arguments.audience,
        host: &arguments.host,
        ca: arguments.ca.as_deref(),
    };
    let text = text::configuration(&found, &wishes);
    checked(&text).map_err(Failure::Usage)?;
    write(&text, arguments.out.as_ref())
}

/// The issuer as a URL.
fn issuer(text: &str) -> Result<HttpUrl, String> {
    let url = HttpUrl::parse(text).map_err(|fault| {
        format!(
            "--issuer `{}`: {fault}; write the provider's `iss`, such as https://login.example.com",
            text.escape_debug()
        )
    })?;
    if !url.is_https() {
        return Err(format!(
            "--issuer `{text}`: keys that are found over http:// can be forged by anybody on the network path; write an https:// URL"
        ));
    }
    if url.path().contains('?') {
        return Err(format!("--issuer `{text}`: an issuer identifier has no query (RFC 8414 section 2); leave it out"));
    }
    Ok(url)
}

/// That `check` takes the configuration. Only what the caller gave can be wrong in it.
fn checked(text: &str) -> Result<(), String> {
    let input = document::parse("init.yaml", text.as_bytes()).map_err(|problem| problem.message)?;
    let problems = input.documents.first().map(compile).and_then(Result::err).unwrap_or_default();
    if problems.is_empty() {
        return Ok(());
    }
    let problems: Vec<String> = problems
        .iter()
        .map(|problem| format!("{}: {}", problem.pointer.as_deref().unwrap_or_default(), problem.message))
        .collect();
    Err(format!(
        "these arguments make no valid configuration, so nothing is written; correct them: {}",
        problems.join("; ")
    ))
}

fn write(text: &str, out: Option<&PathBuf>) -> Result<(), Failure> {
    let Some(out) = out else { return Ok(io::stdout().write_all(text.as_bytes())?) };
    let file = OpenOptions::new().write(true).create_new(true).open(out);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|fault| Failure::Usage(format!("cannot write `{}`: {fault}", out.display())))
}

#[cfg(test)]
mod tests;
