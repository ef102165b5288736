//! Templates: the paths of routes, and which of two is the more specific.
//!
//! A template is written decoded: `/café/{id}`, not `/caf%C3%A9/{id}`; it is compared with decoded segments, so each path
//! has one spelling in the configuration.

use core::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use super::Path;

/// Values of a template's parameters by name, decoded once.
pub type PathParameters = BTreeMap<String, String>;

/// One segment of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
enum TemplateSegment {
    /// This text; empty only as the last one, for a trailing slash.
    Literal(String),
    /// `{name}`: one segment that is not empty.
    Parameter(String),
    /// `{rest*}`: one segment or more, at the end only.
    Tail(String),
}

impl TemplateSegment {
    /// Lower is more specific.
    const fn rank(&self) -> u8 {
        match self {
            Self::Literal(_) => 0,
            Self::Parameter(_) => 1,
            Self::Tail(_) => 2,
        }
    }
}

/// A route's path: `/api/orders/{id}`, `/files/{rest*}`.
///
/// | segment | matches |
/// |---|---|
/// | `orders` | the decoded segment `orders` |
/// | `{id}` | one segment that is not empty |
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
            TemplateSegment::Parameter(name) | TemplateSegment::Tail(name) => Some(name.as_str()),
        })
    }

    /// The parameters' values if the path is one of this template.
    #[must_use]
    pub fn matches(&self, path: &Path) -> Option<PathParameters> {
        let mut parameters = PathParameters::new();
        let mut rest = path.segments();
        for segment in &self.segments {
            match segment {
                TemplateSegment::Tail(name) => {
                    let value = rest.join("/");
                    if value.is_empty() {
                        return None;
                    }
                    parameters.insert(name.clone(), value);
                    return Some(parameters);
                }
                TemplateSegment::Literal(literal) => {
                    rest = rest.split_first().filter(|(first, _)| *first == literal)?.1;
                }
                TemplateSegment::Parameter(name) => {
                    let (first, after) = rest.split_first().filter(|(first, _)| !first.is_empty())?;
                    parameters.insert(name.clone(), first.clone());
                    rest = after;
                }
            }
        }
        rest.is_empty().then_some(parameters)
    }

    /// Whether some path matches both and neither template is more specific: a configuration error.
    #[must_use]
    pub fn is_equally_specific_as(&self, other: &Self) -> bool {
        // Equal ranks leave only the literals to tell the two apart: where they differ, no path matches both.
        self.specificity(other) == Ordering::Equal
            && self.segments.iter().zip(&other.segments).all(|pair| match pair {
                (TemplateSegment::Literal(a), TemplateSegment::Literal(b)) => a == b,
                _ => true,
            })
    }

    /// Order of trying, the more specific one first: the first segment, from the left, at which the kinds differ decides; a
    /// literal comes before a parameter and a parameter before a tail. Where one template is the beginning of the other, the
    /// longer one comes first.
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

fn read_segment(raw: &str, is_last: bool) -> Result<TemplateSegment, TemplateFault> {
    let inner = raw.strip_prefix('{').and_then(|raw| raw.strip_suffix('}'));
    if let Some(inner) = inner {
        let (name, is_tail) = match inner.strip_suffix('*') {
            Some(name) => (name, true),
            None => (inner, false),
        };
        if !is_identifier(name) {
            return Err(TemplateFault(
                "a parameter's name is letters, digits and `_`, and does not begin with a digit",
            ));
        }
        return match (is_tail, is_last) {
            (true, true) => Ok(TemplateSegment::Tail(name.to_owned())),
            (true, false) => Err(TemplateFault("a tail such as `{rest*}` stands only at the end")),
            (false, _) => Ok(TemplateSegment::Parameter(name.to_owned())),
        };
    }
    match literal_fault(raw, is_last) {
        Some(fault) => Err(TemplateFault(fault)),
        None => Ok(TemplateSegment::Literal(raw.to_owned())),
    }
}

fn literal_fault(raw: &str, is_last: bool) -> Option<&'static str> {
    if raw.is_empty() && !is_last {
        return Some("an empty segment is refused in every request");
    }
    if raw == "." || raw == ".." {
        return Some("a dot segment is refused in every request");
    }
    raw.chars().find_map(|character| match character {
        '{' | '}' => Some("a parameter is a whole segment, `{name}`"),
        '*' => Some("a `*` is no wildcard here; write `{name}` for one segment or `{rest*}` at the end for more"),
        '%' => Some("a path is written decoded, with the character itself in place of its escape"),
        '?' | '#' => Some("a path has no query and no fragment"),
        ';' | '\\' => Some("`;` and `\\` are refused in every request"),
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
mod tests {
    use core::cmp::Ordering;

    use super::PathTemplate;
    use crate::portable;
    use crate::request::Path;

    fn template(text: &str) -> PathTemplate {
        PathTemplate::parse(text).unwrap_or_else(|fault| panic!("{text}: {}", fault.0))
    }

    /// The parameters as `name=value`, or `None`.
    fn matched(text: &str, path: &str) -> Option<Vec<String>> {
        let (path, _) = Path::parse(path.as_bytes(), 1024).expect("a path");
        let parameters = template(text).matches(&path)?;
        Some(parameters.iter().map(|(name, value)| format!("{name}={value}")).collect())
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
        assert_eq!(matched("/v1/x:cancel", "/v1/x%3Acancel"), hit(&[]));
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
            "/x{a}",
            "/{a}x",
            "/{{a}}",
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
        ] {
            assert_eq!(template(a).is_equally_specific_as(&template(b)), clash, "{a} {b}");
            assert_eq!(template(b).is_equally_specific_as(&template(a)), clash, "{b} {a}");
        }
    }
}
