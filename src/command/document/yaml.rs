//! YAML as JSON values, each with its place in the file.
//!
//! The parser's events become a tree of nodes first, because aliases point back into it. The dialect is YAML 1.2 with the core
//! schema, limited to what JSON can express: no tags but `!!str`, no merge keys, no `.inf`. Scalars that YAML parsers read
//! differently are read as in YAML 1.2, with a warning: Envoy's own parser may read something else.

use std::collections::HashMap;
use std::rc::Rc;

use countersign_core::config_error::TextPosition;
use granit_parser::{Event, Parser, ScalarStyle, Span};
use serde_json::{Number, Value};

use super::problem::{DocumentCode, MAX_DEPTH, MAX_NODES, Problem};

/// The place of a literal block scalar's characters in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// The line of the text's first line.
    pub first_line: usize,
    /// How many characters of indentation are not part of the text.
    pub indent: usize,
}

impl Block {
    /// The place in the file of a place in the text.
    pub fn place(self, inside: TextPosition) -> TextPosition {
        TextPosition {
            line: self.first_line.saturating_add(inside.line).saturating_sub(1),
            column: self.indent.saturating_add(inside.column),
        }
    }
}

/// A value of the file.
#[derive(Debug)]
pub struct Node {
    /// Where it begins.
    pub at: TextPosition,
    /// What it is.
    pub content: Content,
}

/// What a node holds.
#[derive(Debug)]
pub enum Content {
    /// Anything but a list or an object, with the place of its characters where it is a literal block.
    Scalar(Value, Option<Block>),
    /// A list.
    Sequence(Vec<Rc<Node>>),
    /// An object: key, its place, value.
    Mapping(Vec<(String, TextPosition, Rc<Node>)>),
}

/// The documents of a file, and warnings about its scalars.
#[derive(Debug, Default)]
pub struct Documents {
    /// One root each; a document without content is `None`.
    pub roots: Vec<Option<Rc<Node>>>,
    /// Scalars that YAML parsers read differently.
    pub warnings: Vec<Problem>,
}

/// Reads all documents.
///
/// # Errors
/// The first part that is not valid YAML, or that JSON cannot express.
pub fn parse(text: &str) -> Result<Documents, Problem> {
    let mut options = granit_parser::Options::default();
    options.set_emit_comments(false);
    let mut builder = Builder { documents: Documents::default(), open: Vec::new(), anchors: HashMap::new(), nodes: 0 };
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|fault| {
            let marker = fault.marker();
            let at = TextPosition { line: marker.line(), column: marker.col().saturating_add(1) };
            Problem::new(at, DocumentCode::YamlSyntax, fault.info())
        })?;
        builder.take(event, &span)?;
    }
    Ok(builder.documents)
}

/// A list or an object that is not complete yet.
struct Open {
    at: TextPosition,
    anchor: usize,
    inside: Inside,
}

enum Inside {
    Document(Option<Rc<Node>>),
    Sequence(Vec<Rc<Node>>),
    Mapping(Members),
}

#[derive(Default)]
struct Members {
    complete: Vec<(String, TextPosition, Rc<Node>)>,
    /// Where each key is, so that a second one is found.
    keys: HashMap<String, TextPosition>,
    /// The key whose value comes next.
    key: Option<(String, TextPosition)>,
}

struct Builder {
    documents: Documents,
    open: Vec<Open>,
    anchors: HashMap<usize, Rc<Node>>,
    nodes: usize,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, span: &Span) -> Result<(), Problem> {
        let at = TextPosition { line: span.start.line(), column: span.start.col().saturating_add(1) };
        if let Some(tag) = event.tag().filter(|tag| tag.core_suffix() != Some("str")) {
            let message = format!("the tag `{}` has no meaning here", tag.original());
            return Err(Problem::new(at, DocumentCode::YamlTag, message));
        }
        match event {
            Event::DocumentStart(..) => self.begin(at, 0, Inside::Document(None)),
            Event::SequenceStart(_, anchor, _) => self.begin(at, anchor, Inside::Sequence(Vec::new())),
            Event::MappingStart(_, anchor, _) => self.begin(at, anchor, Inside::Mapping(Members::default())),
            Event::DocumentEnd => {
                if let Some(Open { inside: Inside::Document(root), .. }) = self.open.pop() {
                    self.documents.roots.push(root);
                }
                self.anchors.clear();
                Ok(())
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Alias(id) => match self.anchors.get(&id).cloned() {
                _ if self.expects_key() => Err(key_is_not_a_string(at)),
                Some(node) => self.add(node),
                None => Err(Problem::new(at, DocumentCode::YamlAlias, "this alias is inside the value that it names")),
            },
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain && tag.is_none();
                let is_key = self.expects_key();
                let value = if plain && !is_key { self.plain(&text, at)? } else { Value::String(text.to_string()) };
                let block = if style == ScalarStyle::Literal { block(&text, span) } else { None };
                let node = Rc::new(Node { at, content: Content::Scalar(value, block) });
                if anchor != 0 {
                    self.anchors.insert(anchor, Rc::clone(&node));
                }
                if is_key { self.key(&text, plain, at) } else { self.add(node) }
            }
            // Start and end of the stream; comments and unresolved aliases are not asked for.
            _ => Ok(()),
        }
    }

    fn begin(&mut self, at: TextPosition, anchor: usize, inside: Inside) -> Result<(), Problem> {
        if self.expects_key() {
            return Err(key_is_not_a_string(at));
        }
        if self.open.len() > MAX_DEPTH {
            return Err(Problem::too_deep(at));
        }
        self.open.push(Open { at, anchor, inside });
        Ok(())
    }

    fn end(&mut self) -> Result<(), Problem> {
        let Some(Open { at, anchor, inside }) = self.open.pop() else { return Ok(()) };
        let content = match inside {
            Inside::Sequence(items) => Content::Sequence(items),
            Inside::Mapping(members) => Content::Mapping(members.complete),
            Inside::Document(_) => return Ok(()),
        };
        let node = Rc::new(Node { at, content });
        if anchor != 0 {
            self.anchors.insert(anchor, Rc::clone(&node));
        }
        self.add(node)
    }

    fn expects_key(&self) -> bool {
        matches!(self.open.last(), Some(Open { inside: Inside::Mapping(Members { key: None, .. }), .. }))
    }

    /// Takes the key of the open object.
    fn key(&mut self, name: &str, plain: bool, at: TextPosition) -> Result<(), Problem> {
        if plain && name == "<<" {
            return Err(Problem::new(
                at,
                DocumentCode::YamlMergeKey,
                "`<<` merges nothing: YAML 1.2 has no merge keys",
            ));
        }
        if let Some(Open { inside: Inside::Mapping(members), .. }) = self.open.last_mut() {
            if let Some(first) = members.keys.insert(name.to_owned(), at) {
                let message = format!("`{name}` is duplicated; it is first in line {}", first.line);
                return Err(Problem::new(at, DocumentCode::DuplicateMember, message));
            }
            members.key = Some((name.to_owned(), at));
        }
        Ok(())
    }

    /// Adds a complete node to the open list or object.
    fn add(&mut self, node: Rc<Node>) -> Result<(), Problem> {
        self.nodes = self.nodes.saturating_add(1);
        if self.nodes > MAX_NODES {
            return Err(Problem::too_many(node.at));
        }
        match self.open.last_mut().map(|open| &mut open.inside) {
            Some(Inside::Document(root)) => *root = Some(node),
            Some(Inside::Sequence(items)) => items.push(node),
            Some(Inside::Mapping(members)) => {
                if let Some((name, place)) = members.key.take() {
                    members.complete.push((name, place, node));
                }
            }
            None => {}
        }
        Ok(())
    }

    /// The value of a plain scalar, by the core schema.
    fn plain(&mut self, text: &str, at: TextPosition) -> Result<Value, Problem> {
        if let Some(other) = disputed(text) {
            let message = format!("some YAML parsers read `{text}` as {other}");
            self.documents.warnings.push(Problem::new(at, DocumentCode::YamlAmbiguousScalar, message));
        }
        match text {
            "" | "~" | "null" | "Null" | "NULL" => return Ok(Value::Null),
            "true" | "True" | "TRUE" => return Ok(Value::Bool(true)),
            "false" | "False" | "FALSE" => return Ok(Value::Bool(false)),
            _ => {}
        }
        let (sign, digits) = match text.strip_prefix('-') {
            Some(rest) => ("-", rest),
            None => ("", text.strip_prefix('+').unwrap_or(text)),
        };
        if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            let number = format!("{sign}{digits}");
            if let Ok(integer) = number.parse::<i64>() {
                return Ok(Value::from(integer));
            }
            if let Ok(integer) = number.parse::<u64>() {
                return Ok(Value::from(integer));
            }
        }
        let radix =
            |prefix, radix| text.strip_prefix(prefix).and_then(|digits| u64::from_str_radix(digits, radix).ok());
        if let Some(integer) = radix("0x", 16).or_else(|| radix("0o", 8)) {
            return Ok(Value::from(integer));
        }
        if matches!(digits.to_ascii_lowercase().as_str(), ".inf" | ".nan") {
            let message = format!("JSON has no number `{text}`");
            return Err(Problem::new(at, DocumentCode::YamlNumber, message));
        }
        let float = digits.bytes().any(|byte| byte.is_ascii_digit())
            && digits.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'));
        if let Some(number) = text.parse().ok().filter(|_| float).and_then(Number::from_f64) {
            return Ok(Value::Number(number));
        }
        Ok(Value::String(text.to_owned()))
    }
}

/// The place of a literal block's characters. The parser's span begins at the first line that is not empty.
fn block(value: &str, span: &Span) -> Option<Block> {
    let empty_lines = value.bytes().take_while(|byte| *byte == b'\n').count();
    Some(Block { first_line: span.start.line().checked_sub(empty_lines)?, indent: span.indent? })
}

fn key_is_not_a_string(at: TextPosition) -> Problem {
    Problem::new(at, DocumentCode::YamlKey, "a key must be a string")
}

/// What another YAML parser (1.1, or Envoy's) would read a plain scalar as.
fn disputed(text: &str) -> Option<&'static str> {
    let lower = text.to_ascii_lowercase();
    if matches!(lower.as_str(), "yes" | "no" | "on" | "off" | "y" | "n") {
        return Some("a boolean");
    }
    let digits = text.trim_start_matches(['+', '-']);
    let mut bytes = digits.bytes();
    if digits.len() > 1 && bytes.next() == Some(b'0') && bytes.all(|byte| byte.is_ascii_digit()) {
        return Some("an octal number");
    }
    if digits.starts_with("0x") || digits.starts_with("0o") {
        return Some("a string, others as a number");
    }
    let number = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'_' | b':' | b'.');
    let starts_with_digit = digits.bytes().next().is_some_and(|byte| byte.is_ascii_digit());
    if starts_with_digit && digits.contains('_') && digits.bytes().all(number) {
        return Some("a number");
    }
    let parts: Vec<_> = digits.split(':').collect();
    if parts.len() > 1
        && parts.iter().all(|part| (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()))
    {
        return Some("a number in base 60");
    }
    None
}
