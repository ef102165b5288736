//! Policy text as tokens, before Cedar's parser sees it.
//!
//! Serves the load of the configuration. It trusts nothing in the text: it only cuts it at `;`, measures how deep it
//! nests, and finds words again so that a message can point at them. It never decides what a policy means.

/// A token with its place in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::policy) struct Token<'a> {
    /// Where it begins.
    pub start: usize,
    /// What it is.
    pub kind: TokenKind,
    /// Its text; a string with its quotes.
    pub text: &'a str,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::policy) enum TokenKind {
    /// A name, a keyword or a number.
    Word,
    /// A string literal.
    Text,
    /// An operator, a bracket, or a byte that Cedar does not know.
    Mark,
}

/// The tokens of a text; comments and white space are left out.
pub(in crate::policy) fn tokens(text: &str) -> impl Iterator<Item = Token<'_>> {
    let mut at = 0_usize;
    core::iter::from_fn(move || {
        loop {
            let rest = text.get(at..)?;
            let first = rest.chars().next()?;
            if first.is_whitespace() {
                at = at.saturating_add(first.len_utf8());
                continue;
            }
            if rest.starts_with("//") {
                at = at.saturating_add(rest.find(['\n', '\r']).unwrap_or(rest.len()));
                continue;
            }
            let (kind, length) = measure(rest, first);
            let token = Token { start: at, kind, text: rest.get(..length)? };
            at = at.saturating_add(length);
            return Some(token);
        }
    })
}

/// Kind and bytes of the token at the beginning of `rest`.
fn measure(rest: &str, first: char) -> (TokenKind, usize) {
    const PAIRS: &[&str] = &["&&", "||", "==", "!=", "<=", ">=", "::"];
    if first == '"' {
        let mut escaped = false;
        for (index, byte) in rest.bytes().enumerate().skip(1) {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => return (TokenKind::Text, index.saturating_add(1)),
                _ => {}
            }
        }
        return (TokenKind::Text, rest.len());
    }
    if first == '_' || first.is_ascii_alphanumeric() {
        let end = rest.find(|c: char| c != '_' && !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        return (TokenKind::Word, end);
    }
    let pair = PAIRS.iter().any(|pair| rest.starts_with(pair));
    (TokenKind::Mark, if pair { 2 } else { first.len_utf8() })
}

/// Where a word stands in a text for the first time, as a name or as the whole of a string.
pub(in crate::policy) fn locate(text: &str, word: &str) -> Option<usize> {
    tokens(text)
        .find(|token| match token.kind {
            TokenKind::Word => token.text == word,
            TokenKind::Text => token.text.trim_matches('"') == word,
            TokenKind::Mark => false,
        })
        .map(|token| token.start)
}

#[cfg(test)]
mod tests {
    use super::{TokenKind, locate, tokens};
    use crate::portable;

    #[portable]
    fn brackets_in_strings_and_comments_are_no_tokens() {
        let text = "a(\"(\\\"[\") // ((((\n&& b::C";
        let marks: Vec<&str> =
            tokens(text).filter(|token| token.kind == TokenKind::Mark).map(|token| token.text).collect();
        assert_eq!(marks, ["(", ")", "&&", "::"]);
    }

    #[portable]
    fn an_unfinished_string_ends_with_the_text() {
        let last = tokens("x \"abc").last().map(|token| token.text.to_owned());
        assert_eq!(last.as_deref(), Some("\"abc"));
    }

    #[portable]
    fn a_word_is_found_as_a_name_or_as_a_whole_string() {
        assert_eq!(locate("abc ab \"b\"", "ab"), Some(4));
        assert_eq!(locate("abc ab \"b\"", "b"), Some(7));
        assert_eq!(locate("// b", "b"), None);
    }
}
