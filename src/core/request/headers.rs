//! Header fields as bytes. Callers ask for "exactly one" where a repeated field could be an attack.
//!
//! Envoy and its filters join repeated fields with a comma or use the first one, and the plugin cannot know what the
//! upstream does. So no function here returns "the" value of a field that may be repeated.

use core::ops::Range;

/// Header fields in order, pseudo-headers among them; names in lower case, values as bytes. All are in one buffer, as
/// the host hands them over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers {
    buffer: Vec<u8>,
    fields: Vec<HeaderField>,
}

/// Where one field is in the buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderField {
    /// Its name.
    pub name: Range<usize>,
    /// Its value.
    pub value: Range<usize>,
}

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
    /// The fields at these places of a buffer; `None` if one is not inside it, or if a name is not UTF-8.
    #[must_use]
    pub fn in_buffer(buffer: Vec<u8>, fields: Vec<HeaderField>) -> Option<Self> {
        let is_text = |name: &Range<usize>| buffer.get(name.clone()).is_some_and(|name| str::from_utf8(name).is_ok());
        let are_inside = fields.iter().all(|field| is_text(&field.name) && buffer.get(field.value.clone()).is_some());
        are_inside.then_some(Self { buffer, fields })
    }

    /// Adds a field after the others.
    pub fn push(&mut self, name: &str, value: &[u8]) {
        let mut append = |bytes: &[u8]| {
            let start = self.buffer.len();
            self.buffer.extend_from_slice(bytes);
            start..self.buffer.len()
        };
        let field = HeaderField { name: append(name.as_bytes()), value: append(value) };
        self.fields.push(field);
    }

    /// How many fields there are.
    pub(super) fn len(&self) -> usize {
        self.fields.len()
    }

    /// The bytes of all names and values. Those between them on the wire differ by protocol.
    pub(super) fn bytes(&self) -> usize {
        self.fields
            .iter()
            .map(|field| field.name.len().saturating_add(field.value.len()))
            .fold(0, usize::saturating_add)
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
        self.fields
            .iter()
            .filter(move |field| field.name.len() == name.len() && self.at(&field.name) == name.as_bytes())
            .map(|field| self.at(&field.value))
    }

    /// Whether any field has exactly this name.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }

    /// The names in order, with repetitions, those of pseudo-headers too.
    pub fn all_names(&self) -> impl Iterator<Item = &str> {
        // Every name is UTF-8.
        self.fields.iter().map(|field| str::from_utf8(self.at(&field.name)).unwrap_or_default())
    }

    /// The names in order, with repetitions, without those of pseudo-headers.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.all_names().filter(|name| !name.starts_with(':'))
    }

    /// Every place is inside the buffer.
    fn at(&self, place: &Range<usize>) -> &[u8] {
        self.buffer.get(place.clone()).unwrap_or_default()
    }
}

impl<N: AsRef<str>, V: AsRef<[u8]>> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(fields: I) -> Self {
        let mut headers = Self::default();
        fields.into_iter().for_each(|(name, value)| headers.push(name.as_ref(), value.as_ref()));
        headers
    }
}

#[cfg(test)]
mod tests {
    use super::{Exactly, HeaderField, Headers};
    use crate::portable;

    #[portable]
    fn a_field_is_there_not_at_all_once_or_too_often() {
        let headers: Headers = [(":path", "/"), ("a", "1"), ("b", "2"), ("a", "3")].into_iter().collect();
        assert_eq!(headers.exactly("a"), Exactly::Many);
        assert_eq!(headers.exactly("b"), Exactly::One(b"2"));
        assert_eq!(headers.exactly(":path"), Exactly::One(b"/"));
        assert_eq!(headers.exactly("c"), Exactly::None);
        assert!(headers.contains("a"));
        assert!(!headers.contains("c"));
        assert_eq!(headers.all("a").collect::<Vec<_>>(), [b"1", b"3"]);
        assert_eq!(headers.names().collect::<Vec<_>>(), ["a", "b", "a"]);
        assert_eq!(headers.all_names().count(), 4);
        assert_eq!((headers.len(), headers.bytes()), (4, 12));
    }

    #[portable]
    fn an_underscore_is_no_dash_when_a_field_is_read() {
        let headers: Headers = [("x_y", "")].into_iter().collect();
        assert_eq!(headers.exactly("x-y"), Exactly::None);
    }

    #[portable]
    fn fields_outside_the_buffer_and_names_that_are_not_text_are_not_accepted() {
        let at = |buffer: &[u8], name, value| Headers::in_buffer(buffer.to_vec(), vec![HeaderField { name, value }]);
        let headers = at(b"ab\0\xff\0", 0..2, 3..4).expect("inside");
        assert_eq!(headers.exactly("ab"), Exactly::One(b"\xff"));
        assert!(at(b"ab", 0..2, 2..2).is_some());
        for (name, value) in [(0..3, 0..0), (0..1, 1..3), (0..1, usize::MAX - 1..usize::MAX)] {
            assert!(at(b"ab", name, value).is_none());
        }
        assert!(at(b"a\xff", 0..2, 0..0).is_none());
    }
}
