//! Where the parts that the harness puts together are found. A missing one is an error that says how to get it.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// The project's root folder.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// The built module: `$COUNTERSIGN_WASM`, else `target/countersign.wasm`.
///
/// # Errors
/// It is not there.
pub fn module() -> io::Result<PathBuf> {
    existing("COUNTERSIGN_WASM", Some("target/countersign.wasm"), "./build.sh build")
}

/// The name of the module that accepts prepared policies only.
pub const LEAN_MODULE: &str = "countersign-lean.wasm";

/// That module: `$COUNTERSIGN_LEAN_WASM`, else `target/countersign-lean.wasm`.
///
/// # Errors
/// It is not there.
pub fn lean_module() -> io::Result<PathBuf> {
    existing("COUNTERSIGN_LEAN_WASM", Some("target/countersign-lean.wasm"), "./build.sh build")
}

/// The built command: `$COUNTERSIGN_BIN`, else `target/release/countersign`.
///
/// # Errors
/// It is not there.
pub fn command() -> io::Result<PathBuf> {
    existing("COUNTERSIGN_BIN", Some("target/release/countersign"), "./build.sh build")
}

/// An Envoy binary that the tests run in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnvoyVersion {
    /// The newest that is supported: `$ENVOY`.
    Newest,
    /// The oldest that is supported: `$ENVOY_OLDEST`.
    Oldest,
}

impl EnvoyVersion {
    /// A word for test names.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::Oldest => "oldest",
        }
    }

    /// The binary.
    ///
    /// # Errors
    /// The variable is not set or the file is not there.
    pub fn binary(self) -> io::Result<PathBuf> {
        let variable = match self {
            Self::Newest => "ENVOY",
            Self::Oldest => "ENVOY_OLDEST",
        };
        existing(variable, None, "./build.sh test")
    }
}

fn existing(variable: &str, default: Option<&str>, task: &str) -> io::Result<PathBuf> {
    let path = match (env::var_os(variable), default) {
        (Some(path), _) => root().join(path),
        (None, Some(default)) => root().join(default),
        (None, None) => return Err(io::Error::other(format!("`{variable}` is not set; run `{task}`, which sets it"))),
    };
    match fs::canonicalize(&path) {
        Ok(path) => Ok(path),
        Err(error) => Err(io::Error::other(format!(
            "`{}` cannot be used ({error}); run `{task}`, or set `{variable}`",
            path.display()
        ))),
    }
}

/// A new folder under `target/harness/` for one run; what is in it stays for reading after a failure.
///
/// # Errors
/// It cannot be made.
pub fn new_run_folder(name: &str) -> io::Result<PathBuf> {
    let folder = root().join("target/harness").join(format!("{}-{name}", std::process::id()));
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    Ok(folder)
}
