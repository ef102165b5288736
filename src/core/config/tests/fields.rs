//! The blocks of members: what a message tells to write is what the reader accepts.

use crate::config::compile::DOCUMENT;
use crate::config::reader::{Field, Shape};
use crate::portable;
use crate::time::Seconds;

/// All members; each named shape is looked into once.
fn fields(shape: &'static Shape, named: &mut Vec<&'static str>, found: &mut Vec<&'static Field>) {
    match shape {
        Shape::Object(tables) => {
            for field in tables.iter().copied().flatten() {
                found.push(field);
                fields(&field.shape, named, found);
            }
        }
        Shape::Either(shapes) => shapes.iter().for_each(|shape| fields(shape, named, found)),
        Shape::List(list) => fields(list.of, named, found),
        Shape::Entries(entries) => fields(entries.of, named, found),
        Shape::Named(name, inner) if !named.contains(name) => {
            named.push(name);
            fields(inner(), named, found);
        }
        _ => {}
    }
}

/// The texts between backticks.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

#[portable]
fn what_to_write_names_every_word_and_the_ends_of_every_range() {
    let mut found = Vec::new();
    fields(&DOCUMENT, &mut Vec::new(), &mut found);
    let (mut words_seen, mut ranges_seen) = (0, 0);
    for field in found {
        match &field.shape {
            Shape::Words(words) => {
                assert_eq!(quoted(field.write), words(), "{}", field.name);
                words_seen += 1;
            }
            Shape::Duration(range) if field.write.starts_with("a length of time from") => {
                let ends: Vec<Seconds> = quoted(field.write).into_iter().map(|end| end.parse().unwrap()).collect();
                assert_eq!(ends, [*range.start(), *range.end()], "{}", field.name);
                ranges_seen += 1;
            }
            _ => {}
        }
    }
    assert!(words_seen >= 5 && ranges_seen >= 5, "{words_seen} lists of words, {ranges_seen} ranges");
}
