//! The architecture as the sources show it: which module may use which, and where the host is called.
//!
//! The checks read names of paths (`crate::jose::KeySet`, `super::names`, `use std::{fs, io}`), not types. Code under
//! `#[cfg(test)]` is exempt. Each check has a test in `made_up.rs` that shows it fail.

mod made_up;
mod rules;
mod source;

use std::path::Path;

use rules::Forbidden;
use source::{Crate, Source};
use test_harness::paths;

/// What the core may not name: it decides, and its callers bring the time and all bytes.
const FORBIDDEN_IN_CORE: &[Forbidden] = &[
    Forbidden { prefix: &["proxy_wasm"], instead: "calls of the host belong to src/module" },
    Forbidden { prefix: &["clap"], instead: "the command line belongs to src/command" },
    Forbidden { prefix: &["ureq"], instead: "take the bytes as an argument; the callers fetch" },
    Forbidden { prefix: &["std", "time"], instead: "take the time as an argument, as `UnixSeconds`" },
    Forbidden { prefix: &["std", "fs"], instead: "take the bytes as an argument; the command reads files" },
    Forbidden { prefix: &["std", "net"], instead: "take addresses from `core::net`; nothing here opens a connection" },
    Forbidden { prefix: &["std", "env"], instead: "take the value as an argument" },
    Forbidden { prefix: &["std", "process"], instead: "return an error; the command ends itself" },
    Forbidden { prefix: &["std", "thread"], instead: "a worker of Envoy is one thread; nothing here starts another" },
];

/// What the module in Envoy may not name.
const FORBIDDEN_IN_MODULE: &[Forbidden] =
    &[Forbidden { prefix: &["countersign_command"], instead: "put shared code into src/core" }];

/// What the command may not name.
const FORBIDDEN_IN_COMMAND: &[Forbidden] = &[
    Forbidden { prefix: &["countersign_module"], instead: "put shared code into src/core" },
    Forbidden { prefix: &["proxy_wasm"], instead: "calls of the host belong to src/module" },
];

/// The crate in this folder of the project.
fn read(folder: &str) -> Crate {
    Crate::new(Source::read_folder(&paths::root(), Path::new(folder)))
}

fn assert_none(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

#[test]
fn each_module_of_the_core_uses_only_modules_above_it() {
    assert_none(&rules::order(&read("src/core")));
}

#[test]
fn files_of_one_folder_do_not_use_each_other_in_a_circle() {
    let crates = ["src/core", "src/module", "src/command"];
    assert_none(&crates.map(|folder| rules::circles(&read(folder))).concat());
}

#[test]
fn the_core_has_no_clock_no_io_and_no_host_and_the_other_crates_do_not_know_each_other() {
    for (folder, forbidden) in
        [("src/core", FORBIDDEN_IN_CORE), ("src/module", FORBIDDEN_IN_MODULE), ("src/command", FORBIDDEN_IN_COMMAND)]
    {
        assert_none(&rules::forbidden(&read(folder), forbidden));
    }
}

#[test]
fn the_host_is_called_from_one_file() {
    assert_none(&rules::only_one_file_names(&read("src/module"), &["proxy_wasm", "hostcalls"]));
    for folder in ["src/core", "src/command"] {
        let elsewhere =
            [Forbidden { prefix: &["proxy_wasm", "hostcalls"], instead: "calls of the host belong to src/module" }];
        assert_none(&rules::forbidden(&read(folder), &elsewhere));
    }
}
