//! Identifiers of Cedar, which names of providers, facts, entity types and path parameters are.

/// Whether the string is a Cedar identifier: ASCII letters, digits and `_`, and no digit first.
#[must_use]
pub fn is_identifier(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::is_identifier;
    use crate::portable;

    #[portable]
    fn an_identifier_is_ascii_and_does_not_begin_with_a_digit() {
        for text in ["a", "_", "_1", "corp", "Corp_2", "A9"] {
            assert!(is_identifier(text), "{text}");
        }
        for text in ["", "1", "1a", "a-b", "a.b", "a b", " a", "a\0", "é", "aé", "a::b", "$"] {
            assert!(!is_identifier(text), "{text:?}");
        }
    }
}
