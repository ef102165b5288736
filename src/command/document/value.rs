//! A document: a JSON value that knows the place of each of its parts.

use countersign_core::text::push_token;
use std::collections::BTreeMap;
use std::rc::Rc;

use countersign_core::config_error::TextPosition;
use serde_json::{Map, Value};

use super::problem::{MAX_DEPTH, MAX_NODES, Problem};
use super::yaml::{Block, Content, Node};

/// The first place of a file.
pub const START: TextPosition = TextPosition { line: 1, column: 1 };

/// The spans of a document by JSON pointer.
pub type Spans = BTreeMap<String, Span>;

/// Where a value begins, and where its characters are if they appear in the file one by one.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// Where it begins; for a member of an object, where its key begins.
    pub at: TextPosition,
    /// The literal block that holds its characters.
    pub block: Option<Block>,
}

/// One document of a file.
#[derive(Clone, Debug)]
pub struct Document {
    /// Its content.
    pub value: Value,
    /// The place of each part.
    pub(super) spans: Spans,
}

impl Document {
    /// The place of the part that `pointer` names, or of the nearest part around it.
    pub fn at(&self, pointer: &str) -> TextPosition {
        let mut pointer = pointer;
        loop {
            if let Some(span) = self.spans.get(pointer) {
                return span.at;
            }
            match pointer.rsplit_once('/') {
                Some((around, _)) => pointer = around,
                None => return START,
            }
        }
    }

    /// The place in the file of a place inside the string at `pointer`, if the string is a literal block.
    pub fn inside(&self, pointer: &str, position: TextPosition) -> Option<TextPosition> {
        self.spans.get(pointer)?.block.map(|block| block.place(position))
    }

    /// The part at `pointer` as a document of its own.
    pub fn part(&self, pointer: &str) -> Option<Self> {
        let value = self.value.pointer(pointer)?.clone();
        let spans = self
            .spans
            .range(pointer.to_owned()..)
            .map_while(|(own, span)| Some((own.strip_prefix(pointer)?, span)))
            .filter(|(rest, _)| rest.is_empty() || rest.starts_with('/'))
            .map(|(rest, span)| (rest.to_owned(), *span))
            .collect();
        Some(Self { value, spans })
    }

    /// Makes a document of a YAML node.
    ///
    /// # Errors
    /// It has too many values, or they nest too deep.
    pub(super) fn from_node(root: &Node) -> Result<Self, Problem> {
        let mut spans = Spans::new();
        let value = convert(root, root.at, &mut String::new(), 0, &mut spans)?;
        Ok(Self { value, spans })
    }
}

/// Makes a value of a node, and notes the span of each part; `at` is the place of the key for a member of an object.
fn convert(
    node: &Node,
    at: TextPosition,
    pointer: &mut String,
    depth: usize,
    spans: &mut Spans,
) -> Result<Value, Problem> {
    if depth > MAX_DEPTH {
        return Err(Problem::too_deep(at));
    }
    if spans.len() >= MAX_NODES {
        return Err(Problem::too_many(at));
    }
    let block = if let Content::Scalar(_, block) = node.content { block } else { None };
    spans.insert(pointer.clone(), Span { at, block });
    let around = pointer.len();
    let mut child = |token: &str, node: &Rc<Node>, at: TextPosition| {
        push_token(pointer, token);
        let value = convert(node, at, pointer, depth.saturating_add(1), spans);
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
