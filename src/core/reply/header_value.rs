//! Values of the header fields that we set.
//!
//! A third party chooses the strings of a subject or a group. In a header field such a string must not end the line,
//! must not look like two elements of a list, and must pass every proxy unchanged. Every byte that could break this is
//! percent-encoded (RFC 3986 section 2.1, UTF-8). A receiver splits lists at `,` and then decodes.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::text::ByteSet;

/// What is encoded in a value in addition to everything that is not printable ASCII.
const VALUE: &AsciiSet = &CONTROLS.add(b'%');

/// The same in an element of a list.
const ELEMENT: &AsciiSet = &VALUE.add(b',');

/// What neither a value nor an element needs encoded at any place.
const PLAIN: ByteSet = ByteSet::VISIBLE.without(b"%,");

/// Writes one value: everything but printable ASCII, `%`, and spaces at the ends are encoded.
pub(super) fn push_value(value: &mut String, text: &str) {
    push_encoded(value, text, VALUE);
}

/// Writes a list: its elements, with `,` encoded too, and `,` between them.
pub(super) fn push_list<T: AsRef<str>>(value: &mut String, elements: impl IntoIterator<Item = T>) {
    for (place, element) in elements.into_iter().enumerate() {
        if place > 0 {
            value.push(',');
        }
        push_encoded(value, element.as_ref(), ELEMENT);
    }
}

fn push_encoded(value: &mut String, text: &str, reserved: &'static AsciiSet) {
    // Nearly every string is plain, and is copied whole.
    if PLAIN.has_all(text.as_bytes()) {
        value.push_str(text);
        return;
    }
    let inner = text.trim_matches(' ');
    // A string of spaces alone is all at its beginning.
    let leading = text.len().saturating_sub(text.trim_start_matches(' ').len());
    let trailing = text.len().saturating_sub(leading).saturating_sub(inner.len());
    value.push_str(&"%20".repeat(leading));
    value.extend(utf8_percent_encode(inner, reserved));
    value.push_str(&"%20".repeat(trailing));
}

#[cfg(test)]
mod tests {
    use super::{push_list, push_value};
    use crate::portable;

    fn encode(text: &str) -> String {
        let mut value = String::new();
        push_value(&mut value, text);
        value
    }

    fn encode_list<const N: usize>(elements: [&str; N]) -> String {
        let mut value = String::new();
        push_list(&mut value, elements);
        value
    }

    #[portable]
    fn printable_ascii_is_not_encoded() {
        assert_eq!(encode(r#"corp::User::"alice smith", 7"#), r#"corp::User::"alice smith", 7"#);
        assert_eq!(encode(""), "");
    }

    #[portable]
    fn bytes_that_could_change_on_the_way_are_encoded() {
        assert_eq!(encode("100%"), "100%25");
        assert_eq!(encode("a\r\nx-admin: 1"), "a%0D%0Ax-admin: 1");
        assert_eq!(encode("zoë"), "zo%C3%AB");
        assert_eq!(encode("a\0\t\x7f"), "a%00%09%7F");
        assert_eq!(encode(" a b "), "%20a b%20");
        assert_eq!(encode("   "), "%20%20%20");
        assert_eq!(encode("🦀"), "%F0%9F%A6%80");
    }

    #[portable]
    fn a_comma_inside_an_element_does_not_make_two() {
        assert_eq!(encode_list(["a,b", "c", " d"]), "a%2Cb,c,%20d");
        assert_eq!(encode_list(["admin%2Croot"]), "admin%252Croot");
        assert_eq!(encode_list([]), "");
    }
}
