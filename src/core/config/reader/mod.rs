//! The reader of a document: typed access to a JSON value that notes every problem and continues.
//!
//! | file | what |
//! |---|---|
//! | `field` | what a member is: one block from which the reader, the reference and the JSON Schema are made |
//! | `problems` | the errors and warnings so far, and the proof that an error was noted |
//! | `node`, `member` | a value with its place, and a member of an object that may be absent |
//!
//! Nothing is compiled here. A message repeats a value only if it is short and has a place where a name or a word
//! belongs: keys and tokens are never repeated.

pub mod field;
mod member;
mod node;
mod problems;

pub(super) use self::field::{Field, FreeNames, Given, List, Presence, Shape, words};
pub(super) use self::member::Member;
pub(super) use self::node::{Entries, Node};
pub(super) use self::problems::{Problems, Read, Reported, all, share};
