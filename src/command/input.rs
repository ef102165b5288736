//! Files as JSON values that know where in the file each part stands.
//!
//! JSON is read by the same strict parser that the module has; the YAML reader lends it the places. Nothing here knows
//! what a configuration means.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::rc::Rc;

use countersign_core::config_error::TextPosition;
use countersign_core::jose::json;
use countersign_core::text::push_token;
use serde_json::{Map, Value};

use super::yaml::{self, Block, Content, Node};

/// The largest file that is read, in bytes. A bootstrap with all its certificates inline stays well under it.
pub const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// How deep lists and objects may nest in a file; an Envoy bootstrap around a configuration needs about 40.
pub const MAX_DEPTH: usize = 100;

/// How many values a file may hold, aliases written out: a few lines of YAML can name billions.
pub const MAX_NODES: usize = 100_000;

/// The first place of a file.
pub const START: TextPosition = TextPosition { line: 1, column: 1 };

/// Something to mend in a file, or to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where in the file.
    pub at: TextPosition,
    /// Where inside a policy text whose characters do not stand in the file one by one.
    pub inside: Option<TextPosition>,
    /// A stable code.
    pub code: &'static str,
    /// Where in the configuration: a JSON pointer, if it is about a part of it.
    pub pointer: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What to do; can be empty, and have several lines.
    pub help: Box<str>,
}

impl Problem {
    /// A problem of the file itself.
    pub fn new(at: TextPosition, code: &'static str, message: String, help: &str) -> Self {
        Self { at, inside: None, code, pointer: None, message, help: help.into() }
    }

    /// Nesting beyond [`MAX_DEPTH`].
    pub fn too_deep(at: TextPosition) -> Self {
        let message = format!("lists and objects nest more than {MAX_DEPTH} deep");
        Self::new(at, "too-deep", message, "make the document flatter")
    }

    /// More values than [`MAX_NODES`].
    pub fn too_many(at: TextPosition) -> Self {
        let message = format!("more than {MAX_NODES} values, aliases written out");
        Self::new(at, "too-large", message, "split the document")
    }
}

/// Where a value stands, and where its characters stand if they do one by one.
#[derive(Clone, Copy, Debug)]
struct Place {
    at: TextPosition,
    block: Option<Block>,
}

/// One document of a file.
#[derive(Clone, Debug)]
pub struct Document {
    /// Its content.
    pub value: Value,
    /// By JSON pointer.
    places: BTreeMap<String, Place>,
}

impl Document {
    /// Where the part that `pointer` names stands, or else the nearest part around it.
    pub fn at(&self, pointer: &str) -> TextPosition {
        let mut pointer = pointer;
        loop {
            if let Some(place) = self.places.get(pointer) {
                return place.at;
            }
            match pointer.rsplit_once('/') {
                Some((around, _)) => pointer = around,
                None => return START,
            }
        }
    }

    /// Where in the file a place inside the text at `pointer` is, if the text stands there as it is.
    pub fn inside(&self, pointer: &str, position: TextPosition) -> Option<TextPosition> {
        self.places.get(pointer)?.block.map(|block| block.place(position))
    }

    /// The part at `pointer` as a document of its own.
    pub fn part(&self, pointer: &str) -> Option<Self> {
        let value = self.value.pointer(pointer)?.clone();
        let places = self
            .places
            .range(pointer.to_owned()..)
            .map_while(|(place, at)| Some((place.strip_prefix(pointer)?, at)))
            .filter(|(rest, _)| rest.is_empty() || rest.starts_with('/'))
            .map(|(rest, at)| (rest.to_owned(), *at))
            .collect();
        Some(Self { value, places })
    }

    /// The JSON text that is the value at `pointer`, as a document of its own.
    ///
    /// # Errors
    /// The value is not the text of one JSON value.
    pub fn embedded(&self, pointer: &str) -> Result<Self, Problem> {
        let at = self.at(pointer);
        let block = self.places.get(pointer).and_then(|place| place.block);
        let place = |inside: TextPosition| block.map_or(at, |block| block.place(inside));
        let Some(text) = self.value.pointer(pointer).and_then(Value::as_str) else {
            return Err(Problem::new(
                at,
                "not-a-text",
                "a text was expected here".to_owned(),
                "write the configuration as JSON text",
            ));
        };
        let mut document = from_json(text).map_err(|problem| Problem { at: place(problem.at), ..problem })?;
        for known in document.places.values_mut() {
            *known = Place { at: place(known.at), block: None };
        }
        Ok(document)
    }

    fn from_node(root: &Node) -> Result<Self, Problem> {
        let mut places = BTreeMap::new();
        let value = convert(root, root.at, &mut String::new(), 0, &mut places)?;
        Ok(Self { value, places })
    }
}

/// The documents of one file, in order, and what about its notation deserves a warning.
#[derive(Debug, Default)]
pub struct Input {
    /// The documents; empty ones are left out.
    pub documents: Vec<Document>,
    /// Warnings.
    pub warnings: Vec<Problem>,
}

/// Reads a file, or standard input where the name is `-`.
///
/// # Errors
/// It cannot be read, or is larger than [`MAX_FILE_BYTES`].
pub fn read(name: &str) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = MAX_FILE_BYTES.saturating_add(1);
    if name == "-" {
        io::stdin().take(limit).read_to_end(&mut bytes)?;
    } else {
        File::open(name)?.take(limit).read_to_end(&mut bytes)?;
    }
    if u64::try_from(bytes.len()).is_ok_and(|length| length > MAX_FILE_BYTES) {
        return Err(io::Error::other(format!("larger than {MAX_FILE_BYTES} bytes")));
    }
    Ok(bytes)
}

/// Parses the bytes of the file `name`: JSON if it is called so or is that, else YAML.
///
/// # Errors
/// Why it is neither.
pub fn parse(name: &str, bytes: &[u8]) -> Result<Input, Problem> {
    let text = core::str::from_utf8(bytes).map_err(|fault| {
        let before = bytes.get(..fault.valid_up_to()).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count().saturating_add(1);
        Problem::new(
            TextPosition { line, column: 1 },
            "not-utf-8",
            "this line is not UTF-8".to_owned(),
            "save the file as UTF-8",
        )
    })?;
    let json_by_name = name.to_ascii_lowercase().ends_with(".json");
    if json_by_name || text.trim_start().starts_with('{') {
        match from_json(text) {
            Ok(document) => return Ok(Input { documents: vec![document], warnings: Vec::new() }),
            Err(problem) if json_by_name => return Err(problem),
            // A YAML document can begin with a brace too.
            Err(_) => {}
        }
    }
    let yaml = yaml::parse(text)?;
    let documents = yaml.roots.iter().flatten().map(|root| Document::from_node(root)).collect::<Result<_, _>>()?;
    Ok(Input { documents, warnings: yaml.warnings })
}

/// One JSON text. Its value comes from the strict parser alone; places from reading it as YAML, which it nearly always is.
fn from_json(text: &str) -> Result<Document, Problem> {
    let value = json::parse(text.as_bytes(), MAX_DEPTH).map_err(|fault| {
        let at = TextPosition { line: fault.line, column: fault.column.max(1) };
        Problem::new(at, "json-syntax", fault.what, "mend the JSON here, or just before")
    })?;
    let root = yaml::parse(text).ok().and_then(|mut documents| documents.roots.drain(..).next().flatten());
    let places =
        root.and_then(|root| Document::from_node(&root).ok()).map(|document| document.places).unwrap_or_default();
    Ok(Document { value, places })
}

/// Makes a value of a node, and notes the place of each part; `at` is that of the key for a member of an object.
fn convert(
    node: &Node,
    at: TextPosition,
    pointer: &mut String,
    depth: usize,
    places: &mut BTreeMap<String, Place>,
) -> Result<Value, Problem> {
    if depth > MAX_DEPTH {
        return Err(Problem::too_deep(at));
    }
    if places.len() >= MAX_NODES {
        return Err(Problem::too_many(at));
    }
    let block = if let Content::Scalar(_, block) = node.content { block } else { None };
    places.insert(pointer.clone(), Place { at, block });
    let around = pointer.len();
    let mut child = |token: &str, node: &Rc<Node>, at: TextPosition| {
        push_token(pointer, token);
        let value = convert(node, at, pointer, depth.saturating_add(1), places);
        pointer.truncate(around);
        value
    };
    Ok(match &node.content {
        Content::Scalar(value, _) => value.clone(),
        Content::Sequence(items) => Value::Array(
            items
                .iter()
                .enumerate()
                .map(|(index, item)| child(&index.to_string(), item, item.at))
                .collect::<Result<_, _>>()?,
        ),
        Content::Mapping(members) => {
            let mut object = Map::new();
            for (name, at, node) in members {
                object.insert(name.clone(), child(name, node, *at)?);
            }
            Value::Object(object)
        }
    })
}

#[cfg(test)]
mod tests;
