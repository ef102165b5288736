//! The reader of the document: typed access to a JSON value that notes every problem and goes on.
//!
//! INVARIANT: a function here or in the sibling modules that returns `None` has noted at least one error, so a part that
//! could not be read is never taken for one that was left out. Nothing is compiled here, and no value is put into a
//! message unless it is short and stands where a name or a word belongs: keys and tokens never are.

use core::cell::Cell;
use core::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::names::{quoted, quoted_list};
use crate::config_error::{ConfigCode, ConfigError, ConfigWarning};
use crate::text::{nearest, push_token};
use crate::time::Seconds;

/// The name of a member, and what to write there: an object that completes the sentence "write ...".
pub(super) type Known = (&'static str, &'static str);

/// What was found wrong so far. Shared by all nodes of one document.
#[derive(Default)]
pub(super) struct Problems {
    errors: Cell<Vec<ConfigError>>,
    warnings: Cell<Vec<ConfigWarning>>,
}

impl Problems {
    /// Notes an error.
    pub(super) fn error(&self, error: ConfigError) {
        let mut errors = self.errors.take();
        errors.push(error);
        self.errors.set(errors);
    }

    /// Notes a warning.
    pub(super) fn warn(&self, warning: ConfigWarning) {
        let mut warnings = self.warnings.take();
        warnings.push(warning);
        self.warnings.set(warnings);
    }

    /// All of them, in the order of finding.
    pub(super) fn into_parts(self) -> (Vec<ConfigError>, Vec<ConfigWarning>) {
        (self.errors.take(), self.warnings.take())
    }
}

/// A value of the document with its place.
#[derive(Clone)]
pub(super) struct Node<'a> {
    value: &'a Value,
    pointer: String,
    wanted: &'static str,
    problems: &'a Problems,
}

/// A member that its object may have.
pub(super) struct Member<'a> {
    known: Known,
    parent: Node<'a>,
    node: Option<Node<'a>>,
    misspelled: bool,
}

impl<'a> Node<'a> {
    /// The whole document.
    pub(super) fn root(value: &'a Value, problems: &'a Problems) -> Self {
        Self { value, pointer: String::new(), wanted: "an object with `version: 1`", problems }
    }

    /// Where it stands (RFC 6901).
    pub(super) fn pointer(&self) -> &str {
        &self.pointer
    }

    /// The value itself, for what compiles it.
    pub(super) fn value(&self) -> &'a Value {
        self.value
    }

    /// Where problems are noted.
    pub(super) fn problems(&self) -> &'a Problems {
        self.problems
    }

    /// The value inside under this name or index.
    pub(super) fn child(&self, token: &str, wanted: &'static str, value: &'a Value) -> Self {
        let mut pointer = self.pointer.clone();
        push_token(&mut pointer, token);
        Self { value, pointer, wanted, problems: self.problems }
    }

    /// Notes an error here; returns `None`, for callers that have nothing to return then.
    pub(super) fn error<T>(&self, code: ConfigCode, message: impl Into<String>, help: impl Into<String>) -> Option<T> {
        self.error_inside("", code, message, help)
    }

    /// Notes an error at a place inside, given as a pointer from here.
    pub(super) fn error_inside<T>(
        &self,
        inside: &str,
        code: ConfigCode,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Option<T> {
        self.problems.error(ConfigError {
            pointer: format!("{}{inside}", self.pointer),
            position: None,
            code,
            message: message.into(),
            help: help.into(),
        });
        None
    }

    /// Notes a warning here.
    pub(super) fn warn(&self, code: ConfigCode, message: impl Into<String>) {
        self.warn_inside("", code, message);
    }

    /// Notes a warning at a place inside, given as a pointer from here.
    pub(super) fn warn_inside(&self, inside: &str, code: ConfigCode, message: impl Into<String>) {
        self.problems.warn(ConfigWarning {
            pointer: format!("{}{inside}", self.pointer),
            code,
            message: message.into(),
        });
    }

    /// What to write here.
    pub(super) fn wanted(&self) -> &'static str {
        self.wanted
    }

    /// What to write here, as a sentence.
    pub(super) fn write_wanted(&self) -> String {
        format!("write {}", self.wanted)
    }

    /// Notes that the value is of another type than `expected`.
    pub(super) fn wrong_type<T>(&self, expected: &str) -> Option<T> {
        self.error(
            ConfigCode::WrongType,
            format!("found {}, expected {expected}", type_name(self.value)),
            self.write_wanted(),
        )
    }

    /// The members of an object that may have these and no other.
    pub(super) fn members<const N: usize>(&self, known: [Known; N]) -> Option<[Member<'a>; N]> {
        let (map, meant) = self.object_of(&known)?;
        Some(known.map(|known| self.member(known, map, &meant)))
    }

    /// The members of an object that may have these of its own, these that others of its kind have too, and no other.
    pub(super) fn members_beside<const OWN: usize, const SHARED: usize>(
        &self,
        own: [Known; OWN],
        shared: [Known; SHARED],
    ) -> Option<([Member<'a>; OWN], [Member<'a>; SHARED])> {
        let (map, meant) = self.object_of(&[own.as_slice(), shared.as_slice()].concat())?;
        Some((own.map(|known| self.member(known, map, &meant)), shared.map(|known| self.member(known, map, &meant))))
    }

    /// The object, and the known members that its unknown ones were meant to be.
    fn object_of(&self, known: &[Known]) -> Option<(&'a Map<String, Value>, Vec<&'static str>)> {
        let Value::Object(map) = self.value else { return self.wrong_type("an object") };
        let names: Vec<&'static str> = known.iter().map(|(name, _)| *name).collect();
        let mut meant = Vec::new();
        for (name, value) in map.iter().filter(|(name, _)| !names.contains(&name.as_str())) {
            let near = nearest(name, names.iter().copied().filter(|known| !map.contains_key(*known)));
            let help = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("remove it; known members: {}", quoted_list(names.iter().copied())),
            };
            meant.extend(near);
            self.child(name, self.wanted, value).error::<()>(
                ConfigCode::UnknownField,
                format!("{} is not a known member here", quoted(name)),
                help,
            );
        }
        Some((map, meant))
    }

    fn member(&self, known: Known, map: &'a Map<String, Value>, meant: &[&str]) -> Member<'a> {
        Member {
            known,
            node: map.get(known.0).map(|value| self.child(known.0, known.1, value)),
            parent: self.clone(),
            misspelled: meant.contains(&known.0),
        }
    }

    /// The entries of an object whose names are free.
    pub(super) fn entries(&self, wanted: &'static str) -> Option<Vec<(&'a str, Self)>> {
        let Value::Object(map) = self.value else { return self.wrong_type("an object") };
        Some(map.iter().map(|(name, value)| (name.as_str(), self.child(name, wanted, value))).collect())
    }

    /// The elements of a list.
    pub(super) fn elements(&self) -> Option<Vec<Self>> {
        let Value::Array(list) = self.value else { return self.wrong_type("a list") };
        Some(list.iter().enumerate().map(|(index, value)| self.child(&index.to_string(), self.wanted, value)).collect())
    }

    /// The elements of a list that must have some.
    pub(super) fn some_elements(&self) -> Option<Vec<Self>> {
        let elements = self.elements()?;
        if elements.is_empty() {
            return self.error(
                ConfigCode::EmptyList,
                "the list is empty, so it would accept nothing",
                self.write_wanted(),
            );
        }
        Some(elements)
    }

    /// Reads each element of a list; equal results are an error.
    pub(super) fn distinct<T: PartialEq>(elements: Vec<Self>, read: impl Fn(&Self) -> Option<T>) -> Option<Vec<T>> {
        let mut values = Vec::with_capacity(elements.len());
        let mut whole = true;
        for element in &elements {
            match read(element) {
                Some(value) if values.contains(&value) => {
                    whole = false;
                    element.error::<()>(
                        ConfigCode::DuplicateValue,
                        "this appears twice in the list",
                        "remove one of the two",
                    );
                }
                Some(value) => values.push(value),
                None => whole = false,
            }
        }
        whole.then_some(values)
    }

    /// A text, which may be empty.
    pub(super) fn text(&self) -> Option<&'a str> {
        match self.value {
            Value::String(text) => Some(text),
            _ => self.wrong_type("a string"),
        }
    }

    /// A text with something in it, and no white space or control characters at its ends.
    pub(super) fn some_text(&self) -> Option<&'a str> {
        let text = self.text()?;
        if text.is_empty() {
            return self.error(ConfigCode::BadValue, "the text is empty", self.write_wanted());
        }
        let stray = |end: Option<char>| end.is_some_and(|end| end.is_whitespace() || end.is_control());
        if stray(text.chars().next()) || stray(text.chars().next_back()) {
            return self.error(
                ConfigCode::BadValue,
                "the text begins or ends with white space",
                "remove the white space",
            );
        }
        Some(text)
    }

    /// `true` or `false`.
    pub(super) fn boolean(&self) -> Option<bool> {
        match self.value {
            Value::Bool(value) => Some(*value),
            _ => self.wrong_type("a boolean"),
        }
    }

    /// `true`, where `false` says what is so anyway: a reader might think that it could be so elsewhere.
    pub(super) fn only_true(&self) -> Option<bool> {
        match self.value {
            Value::Bool(true) => Some(true),
            Value::Bool(false) => self.error(ConfigCode::BadValue, "only `true` means something here", "remove it"),
            _ => self.wrong_type("a boolean"),
        }
    }

    /// A whole number within a range.
    pub(super) fn whole_number(&self, range: &RangeInclusive<usize>) -> Option<usize> {
        let Value::Number(number) = self.value else { return self.wrong_type("a whole number") };
        if !number.is_u64() && !number.is_i64() {
            return self.error(
                ConfigCode::WrongType,
                "found a number with a fraction or without bound, expected a whole number",
                self.write_wanted(),
            );
        }
        match number.as_u64().and_then(|value| usize::try_from(value).ok()) {
            Some(value) if range.contains(&value) => Some(value),
            _ => self.error(
                ConfigCode::OutOfRange,
                format!("{number} is not between {} and {}", range.start(), range.end()),
                format!("write a whole number from {} to {}", range.start(), range.end()),
            ),
        }
    }

    /// A length of time such as `90s` within a range.
    pub(super) fn duration(&self, range: &RangeInclusive<Seconds>) -> Option<Seconds> {
        let text = self.text()?;
        let Ok(length) = text.parse::<Seconds>() else {
            return self.error(
                ConfigCode::BadDuration,
                format!("{} is not a length of time", quoted(text)),
                "write digits and one unit of s, m, h, d, such as `90s`, `15m`, `24h` or `7d`",
            );
        };
        if !range.contains(&length) {
            return self.error(
                ConfigCode::OutOfRange,
                format!("{length} is not between {} and {}", range.start(), range.end()),
                format!("write a length of time from {} to {}", range.start(), range.end()),
            );
        }
        Some(length)
    }

    /// One of a closed list of words.
    pub(super) fn word<T: Copy>(&self, words: &[(&str, T)]) -> Option<T> {
        let text = self.text()?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        let all = || words.iter().map(|(word, _)| *word);
        let help = match nearest(text, all()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("write one of {}", quoted_list(all())),
        };
        self.error(ConfigCode::BadValue, format!("{} is not one of {}", quoted(text), quoted_list(all())), help)
    }
}

impl<'a> Member<'a> {
    /// Its value if it is there; `None` says nothing about errors.
    pub(super) fn node(&self) -> Option<&Node<'a>> {
        self.node.as_ref()
    }

    /// Whether an unknown member, already noted, was probably meant for it.
    pub(super) fn is_misspelled(&self) -> bool {
        self.misspelled
    }

    /// Reads a member that must be there.
    pub(super) fn required<T>(self, read: impl FnOnce(&Node<'a>) -> Option<T>) -> Option<T> {
        if let Some(node) = &self.node {
            return read(node);
        }
        let (name, wanted) = self.known;
        // An unknown member that was meant for this one is one problem, and already noted.
        if self.misspelled {
            return None;
        }
        self.parent.error(ConfigCode::MissingField, format!("`{name}` is missing"), format!("add `{name}`: {wanted}"))
    }

    /// Reads a member that has a value where nothing is written.
    pub(super) fn or<T>(self, default: T, read: impl FnOnce(&Node<'a>) -> Option<T>) -> Option<T> {
        self.node.as_ref().map_or(Some(default), read)
    }

    /// Reads a member that may be left out.
    pub(super) fn optional<T>(self, read: impl FnOnce(&Node<'a>) -> Option<T>) -> Option<Option<T>> {
        self.node.as_ref().map_or(Some(None), |node| read(node).map(Some))
    }
}

/// The type of a value, with its article.
fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
