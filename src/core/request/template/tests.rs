//! What templates match, and which is the more specific.

use core::cmp::Ordering;

use super::{Match, Near, PathTemplate};
use crate::portable;
use crate::request::{Ambiguity, Path};

fn template(text: &str) -> PathTemplate {
    PathTemplate::parse(text).unwrap_or_else(|fault| panic!("{text}: {}", fault.0))
}

fn compared(text: &str, path: &str, accepted: &[Ambiguity]) -> Match {
    let (path, _) = Path::parse(path.as_bytes(), 1024).expect("a path");
    template(text).matches(path.segments(), accepted)
}

/// The parameters as `name=value`; `None` if the path is not one of the template's, nearly or exactly.
fn matched(text: &str, path: &str) -> Option<Vec<String>> {
    match compared(text, path, &[]) {
        Match::Yes(parameters) => Some(parameters.iter().map(|(name, value)| format!("{name}={value}")).collect()),
        Match::No | Match::Nearly(_) => None,
        Match::Ambiguous(fault) => panic!("{path}: {fault}"),
    }
}

fn hit(parameters: &[&str]) -> Option<Vec<String>> {
    Some(parameters.iter().map(|&parameter| parameter.to_owned()).collect())
}

#[portable]
fn literals_are_compared_with_decoded_segments() {
    assert_eq!(matched("/", "/"), hit(&[]));
    assert_eq!(matched("/", "/a"), None);
    assert_eq!(matched("/a", "/"), None);
    assert_eq!(matched("/a/b", "/a/b"), hit(&[]));
    assert_eq!(matched("/a/b", "/a"), None);
    assert_eq!(matched("/a", "/a/b"), None);
    assert_eq!(matched("/a", "/A"), None);
    assert_eq!(matched("/café/a b", "/caf%C3%A9/a%20b"), hit(&[]));
    assert_eq!(matched("/v1/x:cancel", "/v1/x:cancel"), hit(&[]));
    assert_eq!(matched("/@me", "/%40me"), hit(&[]));
}

#[portable]
fn a_trailing_slash_is_a_segment_of_its_own() {
    assert_eq!(matched("/a/", "/a/"), hit(&[]));
    assert_eq!(matched("/a/", "/a"), None);
    assert_eq!(matched("/a", "/a/"), None);
    assert_eq!(matched("/a/{id}", "/a/"), None);
    assert_eq!(matched("/{id}/", "/a/"), hit(&["id=a"]));
}

#[portable]
fn a_parameter_is_one_segment_decoded_once() {
    assert_eq!(matched("/orders/{id}", "/orders/7"), hit(&["id=7"]));
    assert_eq!(matched("/orders/{id}", "/orders/7/8"), None);
    assert_eq!(matched("/orders/{id}", "/orders"), None);
    assert_eq!(matched("/{a}/{b}", "/x%20y/%C3%A9"), hit(&["a=x y", "b=é"]));
}

#[portable]
fn a_tail_is_one_segment_or_more() {
    assert_eq!(matched("/files/{rest*}", "/files/a"), hit(&["rest=a"]));
    assert_eq!(matched("/files/{rest*}", "/files/a/b/"), hit(&["rest=a/b/"]));
    assert_eq!(matched("/files/{rest*}", "/files/"), None);
    assert_eq!(matched("/files/{rest*}", "/files"), None);
    assert_eq!(matched("/{rest*}", "/"), None);
    assert_eq!(matched("/{a}/{rest*}", "/x/y/z"), hit(&["a=x", "rest=y/z"]));
}

#[portable]
fn a_text_that_is_no_template_is_refused_with_a_reason() {
    let texts = [
        "",
        "a",
        "*",
        "//",
        "/a//b",
        "//a",
        "/.",
        "/a/..",
        "/{}",
        "/{1a}",
        "/{a-b}",
        "/{a b}",
        "/{a",
        "/a}",
        "/{a}{b}",
        "/{a}-{b}",
        "/{a}*",
        "/x%20{a}",
        "/{a};x",
        "/{{a}}",
        "/{a*}.json",
        "/x{a*}",
        "/{a*}/b",
        "/{a*}/",
        "/{*}",
        "/{a**}",
        "/*",
        "/a/*",
        "/**",
        "/a%20b",
        "/a?b",
        "/a#b",
        "/a;b",
        "/a\\b",
        "/a\nb",
        "/{a}/{a}",
        "/{a}/{a*}",
    ];
    for text in texts {
        assert!(PathTemplate::parse(text).is_err(), "{text}");
    }
}

#[portable]
fn the_parameters_are_named_in_order() {
    let template = template("/{b}/x/{a}/{rest*}");
    assert_eq!(template.parameters().collect::<Vec<_>>(), ["b", "a", "rest"]);
    assert_eq!(template.as_str(), "/{b}/x/{a}/{rest*}");
}

#[portable]
fn the_first_difference_from_the_left_decides() {
    for (first, second) in [
        ("/a/b", "/a/{x}"),
        ("/a/{x}", "/a/{rest*}"),
        ("/a/b", "/{rest*}"),
        ("/a/{x}/{rest*}", "/{y}/b/c"),
        ("/a/{rest*}", "/{x}/b"),
        ("/a/b/c", "/a/b"),
        ("/a/b.json", "/a/{x}.json"),
        ("/a/{x}.json", "/a/{x}"),
        ("/a/v{x}", "/a/{x}"),
        ("/a/{x}.tar.gz", "/a/{x}.gz"),
        ("/a/v{x}.json", "/a/{x}.json"),
        ("/a/{x}:publish", "/a/{rest*}"),
    ] {
        let (first, second) = (template(first), template(second));
        assert_eq!(first.specificity(&second), Ordering::Less, "{first:?} {second:?}");
        assert_eq!(second.specificity(&first), Ordering::Greater, "{first:?} {second:?}");
        assert!(!first.is_equally_specific_as(&second), "{first:?} {second:?}");
    }
}

#[portable]
fn two_templates_clash_where_a_path_matches_both_and_neither_is_more_specific() {
    for (a, b, clash) in [
        ("/a/{x}", "/a/{y}", true),
        ("/{rest*}", "/{all*}", true),
        ("/a", "/a", true),
        ("/a/{x}/b", "/a/{y}/b", true),
        ("/a/{x}", "/b/{x}", false),
        ("/a/{x}/b", "/a/{x}/c", false),
        ("/a", "/a/", false),
        ("/{x}.json", "/{y}.json", true),
        ("/x{a}", "/{b}.json", true),
        ("/x{a}/{c}", "/{b}.json/d", true),
        ("/x{a}/{rest*}", "/{b}.json/c/d", true),
        ("/x{a}/c", "/{b}.json/d", false),
        ("/x{a}/c", "/{b}.json", false),
        ("/{x}.json", "/{y}.html", false),
        ("/v1{x}", "/v2{y}", false),
        ("/v{x}", "/v{y}.json", false),
        ("/v{n}/{rest*}", "/{name}.json", false),
        ("/b{x}/", "/{y}c/d{z}", false),
        ("/api{x}/x", "/{y}.json/z{w}", false),
        ("/api{x}/zw", "/{y}.json/z{w}", true),
    ] {
        assert_eq!(template(a).is_equally_specific_as(&template(b)), clash, "{a} {b}");
        assert_eq!(template(b).is_equally_specific_as(&template(a)), clash, "{b} {a}");
    }
}

#[portable]
fn a_parameter_may_stand_beside_fixed_text() {
    assert_eq!(matched("/v1/books/{id}:publish", "/v1/books/7:publish"), hit(&["id=7"]));
    assert_eq!(matched("/v1/books/{id}:publish", "/v1/books/7%3Aa:publish"), hit(&["id=7:a"]));
    assert_eq!(matched("/v1/books/{id}:publish", "/v1/books/7:a:publish"), hit(&["id=7:a"]));
    assert_eq!(matched("/v1/books/{id}:publish", "/v1/books/7"), None);
    assert_eq!(matched("/v1/books/{id}:publish", "/v1/books/7:publish/x"), None);
    assert_eq!(matched("/v{major}/img-{name}.png", "/v2/img-a.b.png"), hit(&["major=2", "name=a.b"]));
    assert_eq!(matched("/aa{x}aa", "/aaa"), None, "the two fixed texts do not share a byte");
}

#[portable]
fn a_path_that_another_server_may_take_for_one_of_the_template_is_nearly_one() {
    for (text, path, near) in [
        ("/admin", "/admin/", Near::TrailingSlash),
        ("/a/{id}", "/a/7/", Near::TrailingSlash),
        ("/a/{id}.json", "/a/7.json/", Near::TrailingSlash),
        ("/admin/{rest*}", "/admin/", Near::EmptyTail),
        ("/books/{id}:publish", "/books/:publish", Near::EmptyParameter),
        ("/feeds/{name}.json", "/feeds/.json", Near::EmptyParameter),
        ("/admin/{rest*}", "/admin", Near::MissingSlash),
        ("/a/", "/a", Near::MissingSlash),
        ("/{id}/{rest*}", "/7", Near::MissingSlash),
        ("/{rest*}", "/", Near::MissingSlash),
        ("/admin/x", "/Admin/x", Near::LetterCase),
        ("/admin/{rest*}", "/ADMIN/x", Near::LetterCase),
        ("/admin/", "/ADMIN/", Near::LetterCase),
        ("/v{n}/img-{id}.png", "/v1/img-7.PNG", Near::LetterCase),
        ("/admin", "/Admin/", Near::TrailingSlash),
        ("/admin/{rest*}", "/Admin", Near::MissingSlash),
    ] {
        assert_eq!(compared(text, path, &[]), Match::Nearly(near), "{text} {path}");
    }
    for (text, path) in
        [("/", "/a/"), ("/a/{id}", "/a/"), ("/a/{id}", "/a"), ("/a", "/b/"), ("/{id}", "/"), ("/a/{rest*}", "/b")]
    {
        assert_eq!(compared(text, path, &[]), Match::No, "{text} {path}");
    }
}

#[portable]
fn an_ambiguous_spelling_is_taken_where_it_is_accepted_and_in_no_fixed_text() {
    use Ambiguity::{Percent, Semicolon, Slash, Unreserved};
    for (text, path, ambiguity, value) in [
        ("/projects/{id}/files", "/projects/group%2Fapp/files", Slash, "group/app"),
        ("/files/{rest*}", "/files/a/100%25", Percent, "a/100%"),
        ("/files/{rest*}", "/files/%7Ebob/x", Unreserved, "~bob/x"),
        ("/map/{place}.json", "/map/a;level=2.json", Semicolon, "a;level=2"),
        ("/map/{place}", "/map/a%3Bb", Semicolon, "a;b"),
    ] {
        let Match::Yes(parameters) = compared(text, path, &[ambiguity]) else { panic!("{path}") };
        assert_eq!(parameters.into_values().collect::<Vec<_>>(), [value], "{path}");
        let others: Vec<Ambiguity> = Ambiguity::ALL.into_iter().filter(|other| *other != ambiguity).collect();
        assert_eq!(compared(text, path, &others), Match::Ambiguous(ambiguity.fault()), "{path}");
    }
    for (text, path) in
        [("/admin", "/%61dmin"), ("/{id}/admin", "/7/%61dmin"), ("/{id}.json", "/7%2Ejson"), ("/v{id}", "/%767")]
    {
        assert_eq!(compared(text, path, &Ambiguity::ALL), Match::Ambiguous(Unreserved.fault()), "{path}");
    }
    assert_eq!(compared("/admin", "/%61dmin/", &Ambiguity::ALL), Match::Nearly(Near::TrailingSlash));
    for (text, path) in [("/v1/x:cancel", "/v1/x%3Acancel"), ("/books/{id}:publish", "/books/7%3apublish")] {
        assert_eq!(compared(text, path, &Ambiguity::ALL), Match::Ambiguous(super::ESCAPED_COLON), "{path}");
    }
}

#[portable]
fn a_template_that_goes_on_from_another_is_told_apart_from_it_by_a_slash() {
    for (longer, shorter, goes_on) in [
        ("/api/{id}/{rest*}", "/api/{name}", true),
        ("/admin/{rest*}", "/admin", true),
        ("/admin/", "/admin", true),
        ("/{rest*}", "/", true),
        ("/admin/{rest*}", "/{page}", false),
        ("/admin/", "/{page}", false),
        ("/admin/x", "/admin", false),
        ("/admin/{rest*}", "/admin/x", false),
    ] {
        assert_eq!(template(longer).goes_on_from(&template(shorter)), goes_on, "{longer} {shorter}");
    }
}
