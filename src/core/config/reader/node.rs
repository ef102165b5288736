//! A value of the document with its place.

use serde_json::Value;

use super::field::{Field, Shape};
use super::problems::{Problems, Read, Reported};
use crate::config::names::{quoted, quoted_list};
use crate::config_error::{ConfigCode, ConfigError, ConfigWarning};
use crate::text::{nearest, push_token};
use crate::time::Seconds;

/// A value of the document with its place.
#[derive(Clone)]
pub(in crate::config) struct Node<'a> {
    value: &'a Value,
    pointer: String,
    shape: &'static Shape,
    write: &'static str,
    problems: &'a Problems,
}

impl<'a> Node<'a> {
    /// The whole document.
    pub(in crate::config) fn root(value: &'a Value, shape: &'static Shape, problems: &'a Problems) -> Self {
        Self { value, pointer: String::new(), shape, write: "an object with `version: 1`", problems }
    }

    /// Its place (RFC 6901).
    pub(in crate::config) fn pointer(&self) -> &str {
        &self.pointer
    }

    /// The value itself, for what compiles it.
    pub(in crate::config) fn value(&self) -> &'a Value {
        self.value
    }

    /// Where problems are noted.
    pub(in crate::config) fn problems(&self) -> &'a Problems {
        self.problems
    }

    /// Reads the value of a member that is read before the others.
    pub(in crate::config) fn at<T>(
        &self,
        field: &'static Field,
        value: &'a Value,
        read: impl FnOnce(&Node<'a>) -> Read<T>,
    ) -> Read<T> {
        read(&self.child(field, value))
    }

    /// The value of a member.
    pub(super) fn child<'b>(&self, field: &'static Field, value: &'b Value) -> Node<'b>
    where
        'a: 'b,
    {
        self.inside(field.name, &field.shape, field.write, value)
    }

    fn inside<'b>(&self, token: &str, shape: &'static Shape, write: &'static str, value: &'b Value) -> Node<'b>
    where
        'a: 'b,
    {
        let mut pointer = self.pointer.clone();
        push_token(&mut pointer, token);
        Node { value, pointer, shape, write, problems: self.problems }
    }

    /// Notes an error here.
    pub(in crate::config) fn report(
        &self,
        code: ConfigCode,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Reported {
        self.report_inside("", code, message, help)
    }

    /// Notes an error at a place inside, given as a pointer from here.
    pub(in crate::config) fn report_inside(
        &self,
        inside: &str,
        code: ConfigCode,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Reported {
        self.problems.error(ConfigError {
            pointer: format!("{}{inside}", self.pointer),
            position: None,
            code,
            message: message.into(),
            help: help.into(),
        })
    }

    /// Notes an error here, which is why there is no value.
    pub(in crate::config) fn error<T>(
        &self,
        code: ConfigCode,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Read<T> {
        Err(self.report(code, message, help))
    }

    /// Notes a warning here.
    pub(in crate::config) fn warn(&self, code: ConfigCode, message: impl Into<String>) {
        self.warn_inside("", code, message);
    }

    /// Notes a warning at a place inside, given as a pointer from here.
    pub(in crate::config) fn warn_inside(&self, inside: &str, code: ConfigCode, message: impl Into<String>) {
        self.problems.warn(ConfigWarning {
            pointer: format!("{}{inside}", self.pointer),
            code,
            message: message.into(),
        });
    }

    /// A place inside that no member of the shape has.
    pub(super) fn unknown(&self, name: &str, value: &'a Value) -> Self {
        self.inside(name, self.shape, self.write, value)
    }

    /// What to write here, as a sentence.
    pub(in crate::config) fn write_wanted(&self) -> String {
        format!("write {}", self.write)
    }

    /// Notes that the value is of another type than `expected`.
    pub(in crate::config) fn wrong_type<T>(&self, expected: &str) -> Read<T> {
        self.error(
            ConfigCode::WrongType,
            format!("found {}, expected {expected}", type_name(self.value)),
            self.write_wanted(),
        )
    }

    /// The entries of an object whose names are free, sorted by name.
    pub(in crate::config) fn entries(&self) -> Read<Entries<'a>> {
        let Value::Object(map) = self.value else { return self.wrong_type("an object") };
        let (shape, write) = self.shape.find(entries).unwrap_or((self.shape, self.write));
        let mut entries: Entries<'a> =
            map.iter().map(|(name, value)| (name.as_str(), self.inside(name, shape, write, value))).collect();
        entries.sort_by_key(|(name, _)| *name);
        Ok(entries)
    }

    /// The elements of a list.
    pub(in crate::config) fn elements(&self) -> Read<Vec<Self>> {
        let Value::Array(list) = self.value else { return self.wrong_type("a list") };
        let shape = self.shape.find(element).unwrap_or(self.shape);
        let elements = list.iter().enumerate();
        Ok(elements.map(|(index, value)| self.inside(&index.to_string(), shape, self.write, value)).collect())
    }

    /// The elements of a list that must have some.
    pub(in crate::config) fn some_elements(&self) -> Read<Vec<Self>> {
        let elements = self.elements()?;
        if elements.is_empty() {
            return self.error(
                ConfigCode::EmptyList,
                "the list is empty, so it would accept nothing",
                self.write_wanted(),
            );
        }
        Ok(elements)
    }

    /// Reads each element of a list; equal results are an error.
    pub(in crate::config) fn distinct<T: PartialEq>(
        elements: Vec<Self>,
        read: impl Fn(&Self) -> Read<T>,
    ) -> Read<Vec<T>> {
        let mut values = Vec::with_capacity(elements.len());
        let mut whole = Ok(());
        for element in &elements {
            match read(element) {
                Ok(value) if values.contains(&value) => {
                    whole = element.error(
                        ConfigCode::DuplicateValue,
                        "this appears twice in the list",
                        "remove one of the two",
                    );
                }
                Ok(value) => values.push(value),
                Err(reported) => whole = Err(reported),
            }
        }
        whole.map(|()| values)
    }

    /// A text, which may be empty.
    pub(in crate::config) fn text(&self) -> Read<&'a str> {
        match self.value {
            Value::String(text) => Ok(text),
            _ => self.wrong_type("a string"),
        }
    }

    /// A text with something in it, and no white space or control characters at its ends.
    pub(in crate::config) fn some_text(&self) -> Read<&'a str> {
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
        Ok(text)
    }

    /// `true` or `false`.
    pub(in crate::config) fn boolean(&self) -> Read<bool> {
        match self.value {
            Value::Bool(value) => Ok(*value),
            _ => self.wrong_type("a boolean"),
        }
    }

    /// `true`, where `false` says what is so anyway: a reader might think that it could be so elsewhere.
    pub(in crate::config) fn only_true(&self) -> Read<bool> {
        match self.value {
            Value::Bool(true) => Ok(true),
            Value::Bool(false) => self.error(ConfigCode::BadValue, "only `true` means something here", "remove it"),
            _ => self.wrong_type("a boolean"),
        }
    }

    /// A whole number in the range of its shape.
    pub(in crate::config) fn whole_number(&self) -> Read<usize> {
        let range = self.shape.numbers();
        let Value::Number(number) = self.value else { return self.wrong_type("a whole number") };
        if !number.is_u64() && !number.is_i64() {
            return self.error(
                ConfigCode::WrongType,
                "found a number with a fraction or without bound, expected a whole number",
                self.write_wanted(),
            );
        }
        match number.as_u64().and_then(|value| usize::try_from(value).ok()) {
            Some(value) if range.contains(&value) => Ok(value),
            _ => self.error(
                ConfigCode::OutOfRange,
                format!("{number} is not between {} and {}", range.start(), range.end()),
                format!("write a whole number from {} to {}", range.start(), range.end()),
            ),
        }
    }

    /// A length of time such as `90s` in the range of its shape.
    pub(in crate::config) fn duration(&self) -> Read<Seconds> {
        let range = self.shape.durations();
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
        Ok(length)
    }

    /// One of a closed list of words.
    pub(in crate::config) fn word<T: Copy>(&self, words: &[(&str, T)]) -> Read<T> {
        let text = self.text()?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return Ok(*value);
        }
        let all = || words.iter().map(|(word, _)| *word);
        let help = match nearest(text, all()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("write one of {}", quoted_list(all())),
        };
        self.error(ConfigCode::BadValue, format!("{} is not one of {}", quoted(text), quoted_list(all())), help)
    }
}

/// The entries of an object whose names are free, sorted by name.
pub(in crate::config) type Entries<'a> = Vec<(&'a str, Node<'a>)>;

fn entries(shape: &'static Shape) -> Option<(&'static Shape, &'static str)> {
    match shape {
        Shape::Entries(entries) => Some((entries.of, entries.write)),
        _ => None,
    }
}

fn element(shape: &'static Shape) -> Option<&'static Shape> {
    match shape {
        Shape::List(list) => Some(list.of),
        _ => None,
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
