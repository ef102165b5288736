//! Templates: the paths of routes, and which of two is more specific.
//!
//! A template is written decoded: `/café/{id}`, not `/caf%C3%A9/{id}`. It is compared with decoded segments, so each
//! path has only one spelling in the configuration.

#[cfg(any(test, feature = "oracle"))]
mod fill;

use core::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use thiserror::Error;

use super::{Ambiguity, Segment};
use crate::text::is_identifier;

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
    /// Whether paths of it end with a slash and what comes behind that, which may be nothing.
    fn ends_with_slash(&self) -> bool {
        match self {
            Self::Literal(text) => text.is_empty(),
            Self::Tail(_) => true,
            Self::Parameter { .. } => false,
        }
    }

    /// Whether a path segment matches: `None` if not, otherwise how it only nearly matches, if that is the case.
    fn compare(&self, text: &str) -> Option<Option<Near>> {
        match self {
            Self::Literal(literal) if text == literal => Some(None),
            Self::Literal(literal) => text.eq_ignore_ascii_case(literal).then_some(Some(Near::LetterCase)),
            Self::Parameter { before, after, .. } => {
                let end = text.len().checked_sub(after.len()).filter(|end| *end >= before.len())?;
                let (begin, value, rest) = (text.get(..before.len())?, text.get(before.len()..end)?, text.get(end..)?);
                let in_any_case = begin.eq_ignore_ascii_case(before) && rest.eq_ignore_ascii_case(after);
                match (value.is_empty(), in_any_case) {
                    (_, false) => None,
                    // An empty segment does not match `{id}`, and no server treats it as if it did.
                    (true, true) => (!text.is_empty()).then_some(Some(Near::EmptyParameter)),
                    (false, true) if begin == before && rest == after => Some(None),
                    (false, true) => Some(Some(Near::LetterCase)),
                }
            }
            Self::Tail(_) => Some(None),
        }
    }

    /// Lower is more specific: a literal, a parameter next to the longer fixed text, a parameter alone, a tail.
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
    text: Arc<str>,
    segments: Vec<TemplateSegment>,
}

/// Why a string is not a valid template.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct PathTemplateFault(pub &'static str);

/// How a path compares with a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Match {
    /// It does not match.
    No,
    /// It does not match, but other servers may treat it as if it did. The request must not fall to a broader template.
    Nearly(Near),
    /// It matches except for a spelling that is not accepted there, which the string describes.
    Ambiguous(&'static str),
    /// It matches, with these values of the parameters.
    Yes(PathParameters),
}

/// Why a path only nearly matches a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Near {
    /// A slash at its end: `/admin/` for `/admin`.
    TrailingSlash,
    /// The slash at the template's end, with or without a tail: `/admin` for `/admin/` and `/admin/{rest*}`.
    MissingSlash,
    /// Nothing where a tail has at least one segment: `/admin/` for `/admin/{rest*}`.
    EmptyTail,
    /// Nothing between the fixed texts of a segment: `/books/:publish` for `/books/{id}:publish`.
    EmptyParameter,
    /// The case of letters in fixed text: `/Admin` for `/admin`.
    LetterCase,
}

/// An escaped colon in fixed text. In a parameter it is accepted.
const ESCAPED_COLON: &str = "an escaped colon in fixed text of the route, where servers may split off a verb";

impl PathTemplate {
    /// Reads a template.
    ///
    /// # Errors
    /// The first fault, in words.
    pub fn parse(text: &str) -> Result<Self, PathTemplateFault> {
        let rest = text.strip_prefix('/').ok_or(PathTemplateFault("a path begins with `/`"))?;
        let mut segments = Vec::new();
        let mut raw_segments = rest.split('/').peekable();
        while let Some(raw) = raw_segments.next() {
            let is_last = raw_segments.peek().is_none();
            segments.push(read_segment(raw, is_last)?);
        }
        if rest.is_empty() {
            segments.clear();
        }
        let template = Self { text: text.into(), segments };
        let mut names = BTreeSet::new();
        if !template.parameters().all(|name| names.insert(name)) {
            return Err(PathTemplateFault("two parameters have the same name"));
        }
        Ok(template)
    }

    /// The template as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The same, to share.
    #[must_use]
    pub const fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// The parameters' names in order.
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().filter_map(|segment| match segment {
            TemplateSegment::Literal(_) => None,
            TemplateSegment::Parameter { name, .. } | TemplateSegment::Tail(name) => Some(name.as_str()),
        })
    }

    /// The name of its tail, where it ends with one.
    #[must_use]
    pub fn tail(&self) -> Option<&str> {
        match self.segments.last() {
            Some(TemplateSegment::Tail(name)) => Some(name),
            Some(TemplateSegment::Literal(_) | TemplateSegment::Parameter { .. }) | None => None,
        }
    }

    /// Compares the segments of a path. `accepted` lists the ambiguous spellings that parameter values may have; in
    /// fixed text none is accepted.
    #[must_use]
    pub fn matches(&self, path: &[Segment], accepted: &[Ambiguity]) -> Match {
        if let Some(near) = shape(&self.segments, path) {
            return near.map_or_else(|| self.read(path, accepted), Match::Nearly);
        }
        if let Some((last, before)) = path.split_last()
            && last.as_str().is_empty()
            && !before.is_empty()
            && shape(&self.segments, before).is_some()
        {
            return Match::Nearly(Near::TrailingSlash);
        }
        match self.segments.split_last() {
            Some((last, before)) if last.ends_with_slash() && shape(before, path).is_some() => {
                Match::Nearly(Near::MissingSlash)
            }
            _ => Match::No,
        }
    }

    /// Whether this template is `other` with one more segment, so that a path that lacks only the slash belongs to
    /// `other`: an operator who wrote both templates distinguishes the two.
    #[must_use]
    pub fn goes_on_from(&self, other: &Self) -> bool {
        self.segments.split_last().is_some_and(|(last, before)| {
            last.ends_with_slash()
                && before.len() == other.segments.len()
                && before
                    .iter()
                    .zip(&other.segments)
                    .all(|(own, others)| matches!(relation(own, others), Relation::Same))
        })
    }

    /// The values of a path that has the template's shape.
    fn read(&self, path: &[Segment], accepted: &[Ambiguity]) -> Match {
        let mut parameters = PathParameters::new();
        let mut rest = path;
        for own in &self.segments {
            let Some((first, after)) = rest.split_first() else { return Match::No };
            let refused = match own {
                TemplateSegment::Literal(_) => refused(first, &[], |_| true),
                TemplateSegment::Parameter { before, name, after } => {
                    let text = first.as_str();
                    let value = text.strip_prefix(before.as_str()).and_then(|rest| rest.strip_suffix(after.as_str()));
                    let Some(value) = value else { return Match::No };
                    parameters.insert(name.clone(), value.to_owned());
                    let inside = before.len()..text.len().saturating_sub(after.len());
                    refused(first, accepted, |place| !inside.contains(&place))
                }
                TemplateSegment::Tail(name) => {
                    let value = rest.iter().map(Segment::as_str).collect::<Vec<_>>().join("/");
                    parameters.insert(name.clone(), value);
                    rest.iter().find_map(|segment| refused(segment, accepted, |_| false))
                }
            };
            if let Some(fault) = refused {
                return Match::Ambiguous(fault);
            }
            rest = after;
        }
        Match::Yes(parameters)
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
        // Behind a crossing pair the longer template shares paths with a shorter one only through the tail of that.
        let shorter = if self.segments.len() < other.segments.len() { self } else { other };
        self.segments.len() == other.segments.len()
            || (crossing && matches!(shorter.segments.last(), Some(TemplateSegment::Tail(_))))
    }

    /// The order in which templates are tried, the more specific first. The first segment from the left at which the
    /// kinds differ decides: a literal comes before a parameter next to fixed text, longer fixed text before shorter,
    /// then a parameter alone, then a tail. If one template is the beginning of the other, the longer one comes first.
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

/// Whether a path has the shape of these segments: `None` if not, otherwise how it only nearly has it, if that is the
/// case.
fn shape(template: &[TemplateSegment], path: &[Segment]) -> Option<Option<Near>> {
    let mut near = None;
    let mut rest = path;
    for own in template {
        let (first, after) = rest.split_first()?;
        if let TemplateSegment::Tail(_) = own {
            let is_empty = after.is_empty() && first.as_str().is_empty();
            return Some(near.or(is_empty.then_some(Near::EmptyTail)));
        }
        near = near.or(own.compare(first.as_str())?);
        rest = after;
    }
    rest.is_empty().then_some(near)
}

/// The first spelling of a segment that is rejected: one that is not accepted, or any in fixed text.
fn refused(segment: &Segment, accepted: &[Ambiguity], is_fixed: impl Fn(usize) -> bool) -> Option<&'static str> {
    let ambiguity = segment.ambiguities().iter().find(|(place, own)| is_fixed(*place) || !accepted.contains(own));
    let colon = segment.escaped_colons().iter().any(|place| is_fixed(*place));
    ambiguity.map(|(_, ambiguity)| ambiguity.fault()).or(colon.then_some(ESCAPED_COLON))
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
        (Literal(text), parameter @ Parameter { .. }) | (parameter @ Parameter { .. }, Literal(text)) => {
            if parameter.compare(text) == Some(None) { Relation::Nested } else { Relation::Apart }
        }
        (Literal(_) | Parameter { .. }, Tail(_)) | (Tail(_), Literal(_) | Parameter { .. }) => Relation::Nested,
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

fn read_segment(raw: &str, is_last: bool) -> Result<TemplateSegment, PathTemplateFault> {
    let Some((before, rest)) = raw.split_once('{') else {
        return match literal_fault(raw, is_last) {
            Some(fault) => Err(PathTemplateFault(fault)),
            None => Ok(TemplateSegment::Literal(raw.to_owned())),
        };
    };
    let (inner, after) = rest.split_once('}').ok_or(PathTemplateFault("a `{` is not closed by `}`"))?;
    let is_alone = before.is_empty() && after.is_empty();
    if after.contains('{') {
        return Err(PathTemplateFault("a segment can have only one parameter, such as `{name}.json`"));
    }
    if let Some(fault) = fixed_text_fault(before).or_else(|| fixed_text_fault(after)) {
        return Err(PathTemplateFault(fault));
    }
    let (name, is_tail) = match inner.strip_suffix('*') {
        Some(name) => (name, true),
        None => (inner, false),
    };
    if !is_identifier(name) {
        return Err(PathTemplateFault(
            "a parameter name consists of ASCII letters, digits and `_`, and does not begin with a digit",
        ));
    }
    match (is_tail, is_last && is_alone) {
        (true, true) => Ok(TemplateSegment::Tail(name.to_owned())),
        (true, false) => Err(PathTemplateFault("a tail such as `{rest*}` must be the whole last segment")),
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
        '*' => Some("`*` is not a wildcard here; write `{name}` for one segment or `{rest*}` at the end for more"),
        '%' => Some("write the path decoded, with the character itself in place of its escape"),
        '?' | '#' => Some("a path has no query and no fragment"),
        ';' => Some(
            "a `;` is refused in the fixed part of a path; `encoded: { semicolon: true }` accepts it in a parameter",
        ),
        '\\' => Some("`\\` is refused in every request"),
        _ if character.is_ascii_control() => Some("control characters are refused in every request"),
        _ => None,
    })
}

#[cfg(test)]
mod tests;
