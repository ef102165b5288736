//! Small sources that break each rule, and some that only look as if they did.

use super::rules::{self, Forbidden};
use super::source::{Crate, Source};

fn sources(files: &[(&str, &str)]) -> Crate {
    let source = |(inside, text): &(&str, &str)| Source {
        file: format!("src/{inside}"),
        inside: (*inside).to_owned(),
        text: (*text).to_owned(),
    };
    Crate::new(files.iter().map(source).collect())
}

const ROOT: (&str, &str) =
    ("lib.rs", "pub mod low;\n#[cfg(feature = \"x\")]\nmod middle;\npub mod high;\n#[cfg(test)]\nmod testing;\n");

/// The problems of the order where the module in the middle has this text.
fn order_of_middle(text: &str) -> Vec<String> {
    rules::order(&sources(&[ROOT, ("low.rs", ""), ("middle/mod.rs", text), ("high.rs", "use crate::{low, middle};")]))
}

#[test]
fn a_use_of_a_lower_module_is_found_however_it_is_written() {
    for text in [
        "use crate::high::X;",
        "use crate::{low, high::X};",
        "use crate::{low::A, high};",
        "fn f() { crate::high::g(); }",
        "use super::high;",
        "use super::{low, high};",
        "impl crate::high::T for () {}",
        "fn f() { let quote = '\"'; crate::high::g(); }",
        "fn f<'a>() { crate::high::g(r#\"\"\"#); }",
        "/* /* nested */ */ use crate::high;",
        "#[cfg(test)]\nuse crate::{low, high};\nuse crate::high;",
        "#[cfg(test)]\nmod tests { fn f() {} }\nuse crate::high;",
        "#[cfg(any(test, feature = \"mint\"))]\nuse crate::high;",
    ] {
        let problems = order_of_middle(text);
        assert_eq!(problems.len(), 1, "{text}: {problems:?}");
    }
    assert_eq!(
        order_of_middle("\n\nuse crate::high::X;"),
        [
            "src/middle/mod.rs:3: uses `high`, which src/lib.rs declares below `middle`; move what both need into a module \
          above them"
        ]
    );
}

#[test]
fn a_use_of_a_higher_module_a_comment_a_string_and_a_test_are_not() {
    for text in [
        "use crate::low;",
        "use crate::middle::own;",
        "use self::high::X;",
        "//! See [`crate::high`].",
        "/* use crate::high; */",
        "const A: &str = \"use crate::high;\";",
        "const A: &str = r#\"\" use crate::high;\"#;",
        "const A: &str = \"\\\"\"; const B: &str = \"crate::high\";",
        "#[cfg(test)]\nmod tests { use crate::high; }",
        "#[cfg(all(test, unix))]\n#[path = \"x\"]\nfn f() -> [u8; 3] { crate::high::g() }",
        "use other::high;",
    ] {
        assert_eq!(order_of_middle(text), [""; 0], "{text}");
    }
}

#[test]
fn files_of_test_modules_are_exempt_and_deeper_files_are_not() {
    let of = |file: &str, text: &str| {
        let middle = "mod inner;\n#[cfg(test)]\nmod tests;";
        rules::order(&sources(&[ROOT, ("low.rs", ""), ("middle.rs", middle), ("high.rs", ""), (file, text)]))
    };
    assert_eq!(of("middle/tests.rs", "use crate::high;"), [""; 0]);
    assert_eq!(of("middle/tests/cases.rs", "use crate::high;"), [""; 0]);
    assert_eq!(of("testing.rs", "use crate::high;"), [""; 0]);
    assert_eq!(of("middle/inner.rs", "use super::super::high;").len(), 1);
    assert_eq!(of("middle/inner.rs", "use super::high;"), [""; 0]);
    assert_eq!(of("build.rs", "use crate::high;"), [""; 0]);
}

#[test]
fn a_name_that_the_root_does_not_declare_is_found() {
    assert_eq!(order_of_middle("use crate::KeySet;").len(), 1);
    assert_eq!(rules::order(&sources(&[ROOT, ("lost.rs", "use crate::low;")])).len(), 1);
    assert_eq!(rules::order(&sources(&[("low.rs", "")])).len(), 1);
}

/// The problems of circles in a folder of three files.
fn circles(parent: &str, [one, two, three]: [&str; 3]) -> Vec<String> {
    let parent = format!("mod one; mod two; mod three; {parent}");
    rules::circles(&sources(&[
        ("lib.rs", "mod folder;"),
        ("folder/mod.rs", &parent),
        ("folder/one.rs", one),
        ("folder/two.rs", two),
        ("folder/three/mod.rs", "mod inner;"),
        ("folder/three/inner.rs", three),
    ]))
}

#[test]
fn a_circle_is_found_directly_over_others_and_through_a_name_of_the_parent() {
    let direct = circles("", ["use super::two::B;", "use super::one::A;", ""]);
    assert_eq!(
        direct,
        [
            "src/folder/mod.rs: modules that it declares use each other in a circle; move what they share into a module of \
          its own\n  src/folder/one.rs:1: `one` uses `two`\n  src/folder/two.rs:1: `two` uses `one`"
        ]
    );
    let around = circles("", ["use super::two::B;", "use crate::folder::three::C;", "use super::super::one;"]);
    assert_eq!(around.len(), 1, "{around:?}");
    let renamed = circles("pub use one::A; pub use two::{B, C};", ["use super::B;", "use super::{A, three};", ""]);
    assert_eq!(renamed.len(), 1, "{renamed:?}");
}

#[test]
fn one_way_uses_and_those_between_parent_and_child_are_no_circle() {
    let none = [""; 0];
    assert_eq!(circles("", ["use super::two; use super::three;", "use super::three;", ""]), none);
    assert_eq!(circles("use one::A; pub struct B;", ["use super::B; pub struct A;", "", ""]), none);
    assert_eq!(circles("", ["use super::two;", "#[cfg(test)] mod tests { use super::super::one; }", ""]), none);
}

#[test]
fn a_forbidden_path_is_found_and_one_that_only_resembles_it_is_not() {
    let forbidden = [Forbidden { prefix: &["std", "fs"], instead: "take the bytes" }];
    let of = |text: &str| rules::forbidden(&sources(&[("lib.rs", text)]), &forbidden);
    assert_eq!(of("fn f() {\n  std::fs::read(\"x\");\n}"), ["src/lib.rs:2: names `std::fs`; take the bytes"]);
    assert_eq!(of("use std::{collections::BTreeMap, fs, io};").len(), 1);
    assert_eq!(of("use std::{fs::{self, File}};").len(), 2);
    for text in ["use std::fmt;", "use own::std::fs;", "// std::fs", "#[cfg(test)]\nuse std::fs;", "let fs = std;"] {
        assert_eq!(of(text), [""; 0], "{text}");
    }
}

#[test]
fn a_second_file_that_calls_the_host_is_found_and_so_is_none() {
    let of = |one: &str, two: &str| {
        rules::only_one_file_names(
            &sources(&[("lib.rs", "mod one; mod two;"), ("one.rs", one), ("two.rs", two)]),
            &["a", "b"],
        )
    };
    assert_eq!(of("use a::b::c;", "a::c();"), [""; 0]);
    assert_eq!(
        of("use a::b;", "\nfn f() { a::b::c() }"),
        ["src/two.rs:2: names `a::b`, as src/one.rs does; call that file"]
    );
    assert_eq!(of("", "use a::c;").len(), 1);
}
