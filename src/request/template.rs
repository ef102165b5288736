//! Templates: the paths of routes, and which of two is the more specific.
//!
//! A template is written decoded: `/café/{id}`, not `/caf%C3%A9/{id}`; it is compared with decoded segments, so each path
//! has one spelling in the configuration.

use core::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet};

use super::{Ambiguity, Segment};

/// Values of a template's parameters by name, decoded once.
pub type PathParameters = BTreeMap<String, String>;

/// One segment of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
enum TemplateSegment {
    /// This text; empty only as the last one, for a trailing slash.
    Literal(String),
    /// `{name}`, `{name}.json`, `v{name}`: one segment with a part that is not empty between two fixed texts.
    Parameter { before: String, name: String, after: String },
    /// `{rest*}`: one segment or more, at the end only.
    Tail(String),
}

impl TemplateSegment {
    /// Lower is more specific: a literal, a parameter beside the longer fixed text, a parameter alone, a tail.
    fn rank(&self) -> (u8, Reverse<usize>) {
        match self {
            Self::Literal(_) => (0, Reverse(0)),
            Self::Parameter { before, after, .. } => (1, Reverse(before.len().saturating_add(after.len()))),
            Self::Tail(_) => (2, Reverse(0)),
        }
    }
}

/// A route's path: `/api/orders/{id}`, `/v1/books/{id}:publish`, `/files/{rest*}`.
///
/// | segment | matches |
/// |---|---|
/// | `orders` | the decoded segment `orders` |
/// | `{id}` | one segment that is not empty |
/// | `{id}:publish`, `v{n}`, `img-{n}.png` | one segment with that beginning and end, and something between |
/// | `{rest*}`, at the end | one segment or more, joined with `/`; not nothing |
/// | nothing, at the end (`/a/`) | a trailing slash |
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathTemplate {
    text: String,
    segments: Vec<TemplateSegment>,
}

/// Why a text is not a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateFault(pub &'static str);

/// How a path compares with a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Match {
    /// It is none of the template's.
    No,
    /// It is none of the template's, and another server may take it for one. No broader template may have it.
    Nearly(Near),
    /// It is one but for a spelling that is not accepted there.
    Ambiguous(Ambiguity),
    /// It is one, with these values of the parameters.
    Yes(PathParameters),
}

/// What keeps a path from being one of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Near {
    /// A slash at its end: `/admin/` for `/admin`.
    TrailingSlash,
    /// Nothing where a tail has at least one segment: `/admin/` for `/admin/{rest*}`.
    EmptyTail,
    /// Nothing between the fixed texts of a segment: `/books/:publish` for `/books/{id}:publish`.
    EmptyParameter,
}

impl PathTemplate {
    /// Reads a template.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse(text: &str) -> Result<Self, TemplateFault> {
        let rest = text.strip_prefix('/').ok_or(TemplateFault("a path begins with `/`"))?;
        let mut segments = Vec::new();
        let mut raw_segments = rest.split('/').peekable();
        while let Some(raw) = raw_segments.next() {
            let is_last = raw_segments.peek().is_none();
            segments.push(read_segment(raw, is_last)?);
        }
        if rest.is_empty() {
            segments.clear();
        }
        let template = Self { text: text.to_owned(), segments };
        let mut names = BTreeSet::new();
        if !template.parameters().all(|name| names.insert(name)) {
            return Err(TemplateFault("a parameter's name stands twice"));
        }
        Ok(template)
    }

    /// The template as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The parameters' names in order.
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().filter_map(|segment| match segment {
            TemplateSegment::Literal(_) => None,
            TemplateSegment::Parameter { name, .. } | TemplateSegment::Tail(name) => Some(name.as_str()),
        })
    }

    /// Compares the segments of a path; `accepted` are the ambiguous spellings that the values of parameters may have. In a
    /// fixed text none is accepted.
    #[must_use]
    pub fn matches(&self, path: &[Segment], accepted: &[Ambiguity]) -> Match {
        let found = self.compare(path, accepted);
        let without_slash = path.split_last().filter(|(last, before)| last.as_str().is_empty() && !before.is_empty());
        match (found, without_slash) {
            (Match::No, Some((_, before))) if self.compare(before, &Ambiguity::ALL) != Match::No => {
                Match::Nearly(Near::TrailingSlash)
            }
            (found, _) => found,
        }
    }

    fn compare(&self, path: &[Segment], accepted: &[Ambiguity]) -> Match {
        let mut values = Values { parameters: PathParameters::new(), near: None, refused: None };
        let mut rest = path;
        for segment in &self.segments {
            let Some((first, after)) = rest.split_first() else { return Match::No };
            let taken = match segment {
                TemplateSegment::Tail(name) => {
                    values.tail(name, rest, accepted);
                    rest = &[];
                    continue;
                }
                TemplateSegment::Literal(literal) => values.literal(literal, first),
                TemplateSegment::Parameter { before, name, after } => {
                    values.parameter((before, name, after), first, accepted)
                }
            };
            if !taken {
                return Match::No;
            }
            rest = after;
        }
        if rest.is_empty() { values.outcome() } else { Match::No }
    }

    /// Whether some path matches both and neither template is more specific: a configuration error.
    #[must_use]
    pub fn is_equally_specific_as(&self, other: &Self) -> bool {
        let mut crossing = false;
        for pair in self.segments.iter().zip(&other.segments) {
            match relation(pair.0, pair.1) {
                Relation::Apart => return false,
                Relation::Nested if !crossing => return false,
                Relation::Crossing => crossing = true,
                Relation::Nested | Relation::Same => {}
            }
        }
        let has_tail = |template: &Self| matches!(template.segments.last(), Some(TemplateSegment::Tail(_)));
        // Behind a crossing pair a longer template and a shorter one share paths only through a tail.
        self.segments.len() == other.segments.len() || (crossing && (has_tail(self) || has_tail(other)))
    }

    /// Order of trying, the more specific one first: the first segment, from the left, at which the kinds differ decides; a
    /// literal comes before a parameter beside fixed text, the longer such text before the shorter, a parameter alone after
    /// them and before a tail. Where one template is the beginning of the other, the longer one comes first.
    #[must_use]
    pub fn specificity(&self, other: &Self) -> Ordering {
        let ranks = self.segments.iter().map(TemplateSegment::rank);
        let difference = ranks.zip(other.segments.iter().map(TemplateSegment::rank)).find(|(a, b)| a != b);
        match difference {
            Some((a, b)) => a.cmp(&b),
            None => other.segments.len().cmp(&self.segments.len()),
        }
    }
}

/// The values of the parameters, as they are read from left to right.
struct Values {
    parameters: PathParameters,
    near: Option<Near>,
    refused: Option<Ambiguity>,
}

impl Values {
    fn literal(&mut self, literal: &str, segment: &Segment) -> bool {
        self.refuse(segment, |_, _| false);
        segment.as_str() == literal
    }

    fn parameter(&mut self, part: (&str, &str, &str), segment: &Segment, accepted: &[Ambiguity]) -> bool {
        let (before, name, after) = part;
        let text = segment.as_str();
        let Some(value) = text.strip_prefix(before).and_then(|rest| rest.strip_suffix(after)) else { return false };
        if value.is_empty() {
            self.near = Some(Near::EmptyParameter);
            // An empty segment is none of `{id}`, and nobody takes it for one.
            return !(before.is_empty() && after.is_empty());
        }
        let inside = before.len()..text.len().saturating_sub(after.len());
        self.refuse(segment, |place, ambiguity| inside.contains(&place) && accepted.contains(&ambiguity));
        self.parameters.insert(name.to_owned(), value.to_owned());
        true
    }

    fn tail(&mut self, name: &str, segments: &[Segment], accepted: &[Ambiguity]) {
        let value = segments.iter().map(Segment::as_str).collect::<Vec<_>>().join("/");
        if value.is_empty() {
            self.near = Some(Near::EmptyTail);
        }
        for segment in segments {
            self.refuse(segment, |_, ambiguity| accepted.contains(&ambiguity));
        }
        self.parameters.insert(name.to_owned(), value);
    }

    /// Notes the first ambiguous spelling that is not accepted at its place.
    fn refuse(&mut self, segment: &Segment, is_accepted: impl Fn(usize, Ambiguity) -> bool) {
        let refused = segment.ambiguities().iter().find(|(place, ambiguity)| !is_accepted(*place, *ambiguity));
        self.refused = self.refused.or(refused.map(|(_, ambiguity)| *ambiguity));
    }

    fn outcome(self) -> Match {
        match (self.near, self.refused) {
            (Some(near), _) => Match::Nearly(near),
            (None, Some(ambiguity)) => Match::Ambiguous(ambiguity),
            (None, None) => Match::Yes(self.parameters),
        }
    }
}

/// How the paths of two templates compare at one segment.
enum Relation {
    /// No segment is of both.
    Apart,
    /// The segments of one are some of the other's.
    Nested,
    /// Some segments are of both, and each has others too: `x{a}` and `{b}.json`.
    Crossing,
    /// They are the same.
    Same,
}

fn relation(one: &TemplateSegment, other: &TemplateSegment) -> Relation {
    use TemplateSegment::{Literal, Parameter, Tail};
    match (one, other) {
        (Literal(one), Literal(other)) if one == other => Relation::Same,
        (Literal(_), Literal(_)) => Relation::Apart,
        (Parameter { before, after, .. }, Parameter { before: others_before, after: others_after, .. }) => {
            let (begin, end) = (common(before, others_before), common_end(after, others_after));
            match (begin, end) {
                (None, _) | (_, None) => Relation::Apart,
                (Some(Ordering::Equal), Some(Ordering::Equal)) => Relation::Same,
                (Some(a), Some(b)) if a.reverse() == b => Relation::Crossing,
                _ => Relation::Nested,
            }
        }
        (Tail(_), Tail(_)) => Relation::Same,
        (Literal(_), Parameter { .. } | Tail(_))
        | (Parameter { .. }, Literal(_) | Tail(_))
        | (Tail(_), Literal(_) | Parameter { .. }) => Relation::Nested,
    }
}

/// Which text is the longer where one is the beginning of the other.
fn common(one: &str, other: &str) -> Option<Ordering> {
    (one.starts_with(other) || other.starts_with(one)).then(|| one.len().cmp(&other.len()))
}

/// The same for their ends.
fn common_end(one: &str, other: &str) -> Option<Ordering> {
    (one.ends_with(other) || other.ends_with(one)).then(|| one.len().cmp(&other.len()))
}

fn read_segment(raw: &str, is_last: bool) -> Result<TemplateSegment, TemplateFault> {
    let Some((before, rest)) = raw.split_once('{') else {
        return match literal_fault(raw, is_last) {
            Some(fault) => Err(TemplateFault(fault)),
            None => Ok(TemplateSegment::Literal(raw.to_owned())),
        };
    };
    let (inner, after) = rest.split_once('}').ok_or(TemplateFault("a `{` has no `}`"))?;
    let is_alone = before.is_empty() && after.is_empty();
    if after.contains('{') {
        return Err(TemplateFault("a segment has one parameter, such as `{name}.json`"));
    }
    if let Some(fault) = fixed_text_fault(before).or_else(|| fixed_text_fault(after)) {
        return Err(TemplateFault(fault));
    }
    let (name, is_tail) = match inner.strip_suffix('*') {
        Some(name) => (name, true),
        None => (inner, false),
    };
    if !is_identifier(name) {
        return Err(TemplateFault("a parameter's name is letters, digits and `_`, and does not begin with a digit"));
    }
    match (is_tail, is_last && is_alone) {
        (true, true) => Ok(TemplateSegment::Tail(name.to_owned())),
        (true, false) => Err(TemplateFault("a tail such as `{rest*}` stands only at the end, as a whole segment")),
        (false, _) => {
            Ok(TemplateSegment::Parameter { before: before.to_owned(), name: name.to_owned(), after: after.to_owned() })
        }
    }
}

fn literal_fault(raw: &str, is_last: bool) -> Option<&'static str> {
    if raw.is_empty() && !is_last {
        return Some("an empty segment is refused in every request");
    }
    if raw == "." || raw == ".." {
        return Some("a dot segment is refused in every request");
    }
    fixed_text_fault(raw)
}

fn fixed_text_fault(text: &str) -> Option<&'static str> {
    text.chars().find_map(|character| match character {
        '{' | '}' => Some("a parameter is written `{name}`"),
        '*' => Some("a `*` is no wildcard here; write `{name}` for one segment or `{rest*}` at the end for more"),
        '%' => Some("a path is written decoded, with the character itself in place of its escape"),
        '?' | '#' => Some("a path has no query and no fragment"),
        ';' => {
            Some("a `;` is refused in the fixed part of a path; `encoded: { semicolon: true }` takes it in a parameter")
        }
        '\\' => Some("`\\` is refused in every request"),
        _ if character.is_ascii_control() => Some("control characters are refused in every request"),
        _ => None,
    })
}

fn is_identifier(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests;
