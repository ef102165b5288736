//! Which paths are read, and in which form.

use super::Path;
use crate::portable;
use crate::refusal::Reason;
use crate::request::Ambiguity;

fn parse(target: &str) -> Result<(Path, String), Reason> {
    Path::parse(target.as_bytes(), 1024).map_err(|refusal| refusal.reason)
}

fn segments(target: &str) -> Vec<String> {
    let (path, _) = parse(target).unwrap_or_else(|reason| panic!("{target}: {reason:?}"));
    path.segments().iter().map(|segment| segment.as_str().to_owned()).collect()
}

#[portable]
fn a_path_is_split_and_each_segment_decoded_once() {
    assert_eq!(segments("/"), Vec::<String>::new());
    assert_eq!(segments("/a"), ["a"]);
    assert_eq!(segments("/a/b.c/..."), ["a", "b.c", "..."]);
    assert_eq!(segments("/caf%C3%A9/a%20b/alice%40example.com"), ["café", "a b", "alice@example.com"]);
    assert_eq!(segments("/a:b@c!$&'()*+,=~-_"), ["a:b@c!$&'()*+,=~-_"]);
}

#[portable]
fn one_trailing_slash_is_allowed_and_is_another_path() {
    assert_eq!(segments("/a/"), ["a", ""]);
    assert_eq!(parse("/a/").expect("a path").0.as_str(), "/a/");
    assert_ne!(parse("/a/").expect("a path").0, parse("/a").expect("a path").0);
}

#[portable]
fn policies_see_one_spelling_of_each_path() {
    assert_eq!(parse("/caf%c3%a9/x%3f").expect("a path").0.as_str(), "/caf%C3%A9/x%3F");
    assert_eq!(parse("/alice%40example.com/%3a%21%2b").expect("a path").0.as_str(), "/alice@example.com/:!+");
    assert_eq!(parse("/%7Ebob%2fa;b/c%25").expect("a path").0.as_str(), "/~bob%2Fa;b/c%25");
    assert_eq!(parse("/a%3bb").expect("a path").0.as_str(), "/a%3Bb");
    assert_eq!(parse("/").expect("a path").0.as_str(), "/");
}

#[portable]
fn a_path_keeps_where_its_ambiguous_spellings_are() {
    for (target, text, place, ambiguity) in [
        ("/group%2Fapp", "group/app", 5, Ambiguity::Slash),
        ("/group%2fapp", "group/app", 5, Ambiguity::Slash),
        ("/100%25", "100%", 3, Ambiguity::Percent),
        ("/a%252Fb", "a%2Fb", 1, Ambiguity::Percent),
        ("/%7Ebob", "~bob", 0, Ambiguity::Unreserved),
        ("/b%41", "bA", 1, Ambiguity::Unreserved),
        ("/caf%C3%A9%2D", "café-", 5, Ambiguity::Unreserved),
        ("/a;v=1", "a;v=1", 1, Ambiguity::Semicolon),
        ("/a%3Bv", "a;v", 1, Ambiguity::Semicolon),
        ("/a;", "a;", 1, Ambiguity::Semicolon),
    ] {
        let (path, _) = parse(target).expect("a path");
        let [segment] = path.segments() else { panic!("{target}") };
        assert_eq!((segment.as_str(), segment.ambiguities()), (text, &[(place, ambiguity)][..]), "{target}");
    }
    assert_eq!(parse("/a%20b/%40").expect("a path").0.ambiguities().count(), 0);
}

#[portable]
fn a_server_that_cuts_at_semicolons_reads_the_names_before_them() {
    let cut = |target: &str| {
        let cut = parse(target).expect("a path").0.cut_at_semicolons()?;
        Some(cut.iter().map(|segment| segment.as_str().to_owned()).collect::<Vec<_>>())
    };
    assert_eq!(cut("/a;v=1/b"), Some(vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!(cut("/a%3Bv%3Bw"), Some(vec!["a".to_owned()]));
    assert_eq!(cut("/a;v;w"), Some(vec!["a".to_owned()]));
    assert_eq!(cut("/a/b%2Fc"), None);
}

#[portable]
fn what_an_ambiguous_spelling_hides_is_refused_whatever_a_route_accepts() {
    for target in [
        "/a%2F..%2Fb",
        "/..%2Fa",
        "/a%2F.",
        "/a%2F%2e%2e",
        "/%2Fa",
        "/a%2F",
        "/a%2F%2Fb",
        "/..;/a",
        "/.;v=1",
        "/..;",
        "/;v=1",
        "/a/;",
        "/..%3Bx",
        "/a%2F..;x%2Fb",
        "/%252e%252e",
        "/%252e%252e%252fetc",
        "/a%25252F..%25252Fb",
        "/a%255Cb",
        "/a%2500",
        "/a%25%30%30",
        "/a%25252541",
        "/a%3Bb;c",
        "/a;b/c%3bd",
    ] {
        assert_eq!(parse(target).err(), Some(Reason::PathAmbiguous), "{target}");
    }
    for target in ["/a%252541", "/a%25.b", "/...;x", "/a%2F...", "/a%25zz", "/%25"] {
        assert!(parse(target).is_ok(), "{target}");
    }
}

#[portable]
fn the_query_is_what_follows_the_first_question_mark() {
    assert_eq!(parse("/a").expect("a path").1, "");
    assert_eq!(parse("/a?").expect("a path").1, "");
    assert_eq!(parse("/a?b=c?d/../e;%zz|").expect("a path").1, "b=c?d/../e;%zz|");
}

#[portable]
fn what_does_not_begin_with_a_slash_is_no_path() {
    for target in ["", "*", "a", "?", "?/a", "http://a/b", "\\a", "%2Fa", " /a"] {
        assert_eq!(parse(target).err(), Some(Reason::PathMissing), "{target}");
    }
}

#[portable]
fn a_path_that_servers_read_differently_is_refused() {
    let targets: [&[u8]; 39] = [
        b"//",
        b"//a",
        b"/a//b",
        b"/a//",
        b"/.",
        b"/..",
        b"/a/./b",
        b"/a/../b",
        b"/a/..",
        b"/a/.?x",
        b"/%2e",
        b"/%2E%2E/a",
        b"/.%2e/a",
        b"/a\\b",
        b"/a%5cb",
        b"/a%5Cb",
        b"/..;/a",
        b"/a#b",
        b"/a?b#c",
        b"/%00",
        b"/a%0ab",
        b"/a%1fb",
        b"/a%1Fb",
        b"/a%7fb",
        b"/%",
        b"/%2",
        b"/%/a",
        b"/%4g",
        b"/%+1",
        b"/a b",
        b"/a\tb",
        b"/a\0b",
        b"/a\x7fb",
        b"/caf\xc3\xa9",
        b"/\xff",
        b"/%ff",
        b"/%c3/%a9",
        b"/a?b c",
        b"/a?\xc3\xa9",
    ];
    for target in targets {
        let reason = Path::parse(target, 1024).map_err(|refusal| refusal.reason).err();
        assert_eq!(reason, Some(Reason::PathAmbiguous), "{}", target.escape_ascii());
    }
}

#[portable]
fn only_pchar_bytes_are_read() {
    for byte in 0..=u8::MAX {
        let taken = Path::parse(&[b'/', b'a', byte], 1024).is_ok();
        let expected = byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,=:@/?;".contains(&byte);
        assert_eq!(taken, expected, "{}", byte.escape_ascii());
    }
}

#[portable]
fn a_path_at_the_cap_is_taken_and_one_byte_more_is_not() {
    assert!(Path::parse(b"/abc?efg", 8).is_ok());
    assert_eq!(Path::parse(b"/abc?efg", 7).map_err(|refusal| refusal.reason).err(), Some(Reason::PathTooLong));
}
