//! Header fields as bytes. Callers ask for "exactly one" where a repeated field could be an attack.
//!
//! Envoy and its filters join repeated fields with a comma or use the first one, and the plugin cannot know what the
//! upstream does. So no function here returns "the" value of a field that may be repeated.

/// Header fields in order; names in lower case, values as bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, Vec<u8>)>);

/// How often a field is present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exactly<'a> {
    /// Not at all.
    None,
    /// Once.
    One(&'a [u8]),
    /// More than once.
    Many,
}

impl Headers {
    /// From fields whose names are in lower case.
    #[must_use]
    pub fn new(fields: Vec<(String, Vec<u8>)>) -> Self {
        Self(fields)
    }

    /// The field of exactly this name; `_` and `-` are different here.
    #[must_use]
    pub fn exactly(&self, name: &str) -> Exactly<'_> {
        let mut values = self.all(name);
        match (values.next(), values.next()) {
            (None, _) => Exactly::None,
            (Some(value), None) => Exactly::One(value),
            (Some(_), Some(_)) => Exactly::Many,
        }
    }

    /// Every value of the fields of exactly this name, in order.
    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.0.iter().filter(move |(field, _)| field == name).map(|(_, value)| value.as_slice())
    }

    /// Whether any field has exactly this name.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }

    /// The names in order, with repetitions.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::{Exactly, Headers};
    use crate::portable;

    #[portable]
    fn a_field_is_there_not_at_all_once_or_too_often() {
        let headers = Headers::new(vec![
            ("a".to_owned(), b"1".to_vec()),
            ("b".to_owned(), b"2".to_vec()),
            ("a".to_owned(), b"3".to_vec()),
        ]);
        assert_eq!(headers.exactly("a"), Exactly::Many);
        assert_eq!(headers.exactly("b"), Exactly::One(b"2"));
        assert_eq!(headers.exactly("c"), Exactly::None);
        assert!(headers.contains("a"));
        assert!(!headers.contains("c"));
        assert_eq!(headers.all("a").collect::<Vec<_>>(), [b"1", b"3"]);
    }

    #[portable]
    fn an_underscore_is_no_dash_when_a_field_is_read() {
        let headers = Headers::new(vec![("x_y".to_owned(), Vec::new())]);
        assert_eq!(headers.exactly("x-y"), Exactly::None);
    }
}
