//! `countersign key`: keys, key sets and tokens for trying things out. For tests, not for an identity provider.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};

use clap::{Args, Subcommand};
use countersign_core::jose::Algorithm;
use countersign_core::mint::SigningKey;
use countersign_core::time::{Seconds, UnixSeconds};
use serde_json::{Map, Value, json};

use crate::clock::clock;
use crate::failure::Failure;

/// The longest file with a key or with claims, in bytes.
const MAX_BYTES: u64 = 1024 * 1024;

/// What to do with keys.
#[derive(Subcommand)]
pub enum Verb {
    /// Make a private key, in a new file that only its owner can read
    #[command(after_help = "Example:\n  countersign key new --algorithm ES256 --out issuer.pem")]
    New(New),
    /// Print the public key set (JWKS) of private keys
    #[command(after_help = "Examples:\n  countersign key jwks issuer.pem --algorithm ES256 --kid k1\n  \
                            countersign key jwks old.pem new.pem --algorithm ES256 --kid k1 --kid k2")]
    Jwks(Jwks),
    /// Print a signed token
    #[command(
        after_help = "Examples:\n  countersign key token --key issuer.pem --algorithm ES256 --issuer https://login.example.com \\\n    \
                            --audience shop --subject alice --expires-in 15m --claims '{\"groups\": [\"engineering\"]}'\n  \
                            countersign key token --key mdm.pem --algorithm ES256 --issuer https://mdm.example.com \\\n    \
                            --claims @posture.json --expires-in 24h"
    )]
    Token(Box<Token>),
}

/// `key new`
#[derive(Args)]
pub struct New {
    /// RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384 or Ed25519
    #[arg(long, value_parser = algorithm)]
    algorithm: Algorithm,
    /// The file to write (PEM, PKCS#8)
    #[arg(long, value_name = "FILE")]
    out: String,
}

/// `key jwks`
#[derive(Args)]
pub struct Jwks {
    /// Files with private keys (PEM, PKCS#8)
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    /// The algorithm of the keys: one for all, or one each in their order
    #[arg(long, required = true, value_parser = algorithm)]
    algorithm: Vec<Algorithm>,
    /// The `kid` of the keys: none, or one each in their order
    #[arg(long)]
    kid: Vec<String>,
}

/// `key token`
#[derive(Args)]
pub struct Token {
    /// A file with the private key (PEM, PKCS#8)
    #[arg(long, value_name = "FILE")]
    key: String,
    /// The algorithm to sign with
    #[arg(long, value_parser = algorithm)]
    algorithm: Algorithm,
    /// `kid` in the header
    #[arg(long)]
    kid: Option<String>,
    /// `typ` in the header; `absent` for none
    #[arg(long, default_value = "JWT")]
    typ: String,
    /// `iss`
    #[arg(long)]
    issuer: Option<String>,
    /// `aud`; several make a list
    #[arg(long)]
    audience: Vec<String>,
    /// `sub`
    #[arg(long)]
    subject: Option<String>,
    /// Sets `exp` so long after `iat`: 90s, 15m, 24h
    #[arg(long, value_name = "LENGTH", value_parser = length)]
    expires_in: Option<Seconds>,
    /// More claims: a JSON object, or @FILE with one
    #[arg(long, value_name = "JSON|@FILE", default_value = "{}")]
    claims: String,
    /// `iat`, unless --claims has it: seconds since 1970 [default: the clock]
    #[arg(long, value_name = "UNIX")]
    now: Option<i64>,
}

/// Runs the verb.
///
/// # Errors
/// See [`Failure`].
pub fn run(verb: &Verb) -> Result<(), Failure> {
    match verb {
        Verb::New(arguments) => new(arguments),
        Verb::Jwks(arguments) => jwks(arguments),
        Verb::Token(arguments) => token(arguments),
    }
}

fn new(arguments: &New) -> Result<(), Failure> {
    let pem = SigningKey::generate(arguments.algorithm).and_then(|key| key.to_pem());
    let pem = pem.map_err(|fault| Failure::Usage(fault.to_string()))?;
    create_private(&arguments.out)
        .and_then(|mut file| file.write_all(pem.as_bytes()))
        .map_err(|fault| Failure::Usage(format!("cannot write `{}`: {fault}", arguments.out)))
}

/// Makes a file that only its owner can read. An existing file is never changed: it may be the only copy of a key.
fn create_private(name: &str) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(name)
}

fn jwks(arguments: &Jwks) -> Result<(), Failure> {
    let files = arguments.files.len();
    if !(arguments.algorithm.len() == 1 || arguments.algorithm.len() == files) {
        return Err(Failure::Usage(format!("give one --algorithm for all, or one for each of the {files} files")));
    }
    if !(arguments.kid.is_empty() || arguments.kid.len() == files) {
        return Err(Failure::Usage(format!("give no --kid, or one for each of the {files} files")));
    }
    let algorithms = arguments.algorithm.iter().cycle();
    let kids = arguments.kid.iter().map(|kid| Some(kid.as_str())).chain(core::iter::repeat(None));
    let keys = arguments.files.iter().zip(algorithms).zip(kids).map(|((file, algorithm), kid)| {
        let key = read_key(file, *algorithm)?;
        Ok(key.public_jwk(kid))
    });
    let set = json!({ "keys": keys.collect::<Result<Vec<_>, Failure>>()? });
    Ok(writeln!(io::stdout(), "{set:#}")?)
}

fn token(arguments: &Token) -> Result<(), Failure> {
    let key = read_key(&arguments.key, arguments.algorithm)?;
    let typ = Some(arguments.typ.as_str()).filter(|typ| *typ != "absent");
    let now = arguments.now.map_or_else(clock, UnixSeconds::new);
    let token = key
        .sign_claims(arguments.kid.as_deref(), typ, &claims(arguments, now)?)
        .map_err(|fault| Failure::Usage(fault.to_string()))?;
    Ok(writeln!(io::stdout(), "{token}")?)
}

fn claims(arguments: &Token, now: UnixSeconds) -> Result<Map<String, Value>, Failure> {
    let text = match arguments.claims.strip_prefix('@') {
        Some(file) => read_text(file)?,
        None => arguments.claims.clone(),
    };
    let claims = serde_json::from_str(&text)
        .map_err(|fault| Failure::Usage(format!("--claims is not a JSON object: {fault}")))?;
    let mut claims: Map<String, Value> = claims;
    if !claims.contains_key("iat") {
        claims.insert("iat".to_owned(), now.get().into());
    }
    let issued_at = claims.get("iat").and_then(Value::as_i64).map_or(now, UnixSeconds::new);
    let audience = match arguments.audience.as_slice() {
        [] => None,
        [one] => Some(json!(one)),
        several => Some(json!(several)),
    };
    let written = [
        ("iss", "--issuer", arguments.issuer.as_ref().map(|issuer| json!(issuer))),
        ("aud", "--audience", audience),
        ("sub", "--subject", arguments.subject.as_ref().map(|subject| json!(subject))),
        ("exp", "--expires-in", arguments.expires_in.map(|length| json!(issued_at.plus(length).get()))),
    ];
    for (name, option, value) in written {
        let Some(value) = value else { continue };
        if claims.insert(name.to_owned(), value).is_some() {
            return Err(Failure::Usage(format!("`{name}` is in --claims and set by {option}: remove one of them")));
        }
    }
    Ok(claims)
}

fn read_key(file: &str, algorithm: Algorithm) -> Result<SigningKey, Failure> {
    let pem = read_text(file)?;
    SigningKey::from_pem(algorithm, &pem).map_err(|fault| Failure::Usage(format!("`{file}`: {fault}")))
}

fn read_text(file: &str) -> Result<String, Failure> {
    let mut text = String::new();
    File::open(file)
        .and_then(|opened| opened.take(MAX_BYTES).read_to_string(&mut text))
        .map_err(|fault| Failure::Usage(format!("cannot read `{file}`: {fault}")))?;
    Ok(text)
}

fn algorithm(name: &str) -> Result<Algorithm, String> {
    Algorithm::from_name(name).ok_or_else(|| {
        let names: Vec<_> = Algorithm::ALL.iter().map(|algorithm| algorithm.name()).collect();
        format!("one of {}", names.join(", "))
    })
}

fn length(text: &str) -> Result<Seconds, String> {
    text.parse().map_err(|_| "digits and one unit of s, m, h or d, such as 15m".to_owned())
}
