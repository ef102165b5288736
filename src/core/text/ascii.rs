//! JSON in printable ASCII alone, so that no character of it can steer a terminal or break a line of a log.

use std::borrow::Cow;

use super::ByteSet;

/// The same JSON with every character outside printable ASCII as an escape, in UTF-16 code units (RFC 8259 section 7).
///
/// `json` is JSON without white space between its tokens, or the content of one of its strings.
#[must_use]
pub fn escape_json(json: &str) -> Cow<'_, str> {
    if PRINTABLE.has_all(json.as_bytes()) {
        return Cow::Borrowed(json);
    }
    let mut escaped = String::with_capacity(json.len());
    for character in json.chars() {
        if u8::try_from(character).is_ok_and(|byte| PRINTABLE.has(byte)) {
            escaped.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            escaped.push_str(&format!("\\u{unit:04x}"));
        }
    }
    Cow::Owned(escaped)
}

/// Appends a JSON string of this text, in printable ASCII, with its quotation marks.
pub fn push_json_string(json: &mut String, text: &str) {
    json.push('"');
    // Nearly every string is plain, and is copied whole.
    if PLAIN.has_all(text.as_bytes()) {
        json.push_str(text);
    } else {
        for character in text.chars() {
            if matches!(character, '"' | '\\') {
                json.push('\\');
            }
            json.push_str(&escape_json(character.encode_utf8(&mut [0; 4])));
        }
    }
    json.push('"');
}

/// What a JSON string in ASCII contains as it is.
const PLAIN: ByteSet = PRINTABLE.without(b"\"\\");

const PRINTABLE: ByteSet = ByteSet::VISIBLE.with(b" ");

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::{escape_json, push_json_string};
    use crate::portable;

    #[portable]
    fn printable_ascii_stays_as_it_is() {
        let all: String = (' '..='~').collect();
        assert!(matches!(escape_json(&all), Cow::Borrowed(same) if same == all));
        assert_eq!(escape_json(""), "");
    }

    #[portable]
    fn every_other_character_is_escaped_and_means_the_same() {
        assert_eq!(escape_json("a\u{1b}\u{7f}\u{85}é\u{202e}😀"), r"a\u001b\u007f\u0085\u00e9\u202e\ud83d\ude00");
        let json = serde_json::json!({ "é\u{9b}": ["\u{2028}😀\u{7f}\n", "plain"] });
        let text = json.to_string();
        let escaped = escape_json(&text);
        assert!(escaped.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{escaped}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&escaped).unwrap(), json);
    }

    #[portable]
    fn a_json_string_is_ascii_and_means_the_text() {
        let texts = ["", "plain", "a\"b\\c/d", "a\n\t\0\u{7f}", "é\u{2028}😀", "\\\"", "{[,:]}"];
        for text in texts {
            let mut json = "x".to_owned();
            push_json_string(&mut json, text);
            let json = json.strip_prefix('x').expect("what was there before");
            assert!(json.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{json}");
            assert_eq!(serde_json::from_str::<String>(json).unwrap(), text);
        }
    }
}
