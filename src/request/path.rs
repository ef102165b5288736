//! Paths: refused when servers could read them in two ways.
//!
//! There is no normalisation. A proxy that decides on `/a/b` and forwards `/a/x/../b` has decided on another request than
//! the one the upstream serves; so the path that is forwarded is the path that was judged, or none. Policies see it with the hex
//! digits of its escapes in upper case; nothing else differs.

use crate::refusal::{Detail, Reason, Refusal};

/// A path in one unambiguous form: begins with `/`, no empty or dot segment, only pchar (RFC 3986 section 3.3) without `;`,
/// hex digits of escapes in upper case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    text: String,
    segments: Vec<String>,
}

impl Path {
    /// Splits `:path` into path and query.
    ///
    /// # Errors
    /// - `path-too-long`: longer than `max_bytes`, the query included;
    /// - `path-missing`: empty, `*`, or does not begin with `/`;
    /// - `path-ambiguous`: a byte that no path has, `;`, `\`, a bad escape, an escape that need not be one, an escaped
    ///   slash, backslash, semicolon, percent sign or control byte, text that is not UTF-8, an empty or dot segment, or a
    ///   byte in the query that is not printable ASCII.
    pub fn parse(target: &[u8], max_bytes: usize) -> Result<(Self, String), Refusal> {
        if target.len() > max_bytes {
            let detail = Detail::Size { found: target.len(), max: max_bytes };
            return Err(Refusal::with(Reason::PathTooLong, detail));
        }
        if target.first() != Some(&b'/') {
            return Err(Refusal::new(Reason::PathMissing));
        }
        let mut halves = target.splitn(2, |byte| *byte == b'?');
        let path = Self::from_bytes(halves.next().unwrap_or_default())?;
        let query = query_text(halves.next().unwrap_or_default())?;
        Ok((path, query))
    }

    /// The text that policies see.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The segments, each decoded once. `/` has none; a trailing slash makes a last, empty segment.
    #[must_use]
    pub fn segments(&self) -> &[String] {
        &self.segments
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, Refusal> {
        let mut text = String::with_capacity(bytes.len());
        let mut segments = Vec::new();
        // What is before the first slash is nothing.
        let mut raw_segments = bytes.split(|byte| *byte == b'/').skip(1).peekable();
        while let Some(raw) = raw_segments.next() {
            let is_last = raw_segments.peek().is_none();
            text.push('/');
            if raw.is_empty() {
                if !is_last {
                    return Err(ambiguous("an empty segment"));
                }
                if segments.is_empty() {
                    break;
                }
            }
            let segment = decode_segment(raw, &mut text)?;
            if segment == "." || segment == ".." {
                return Err(ambiguous("a dot segment"));
            }
            segments.push(segment);
        }
        Ok(Self { text, segments })
    }
}

/// Appends the segment to `text` with its escapes, and returns it without them.
fn decode_segment(raw: &[u8], text: &mut String) -> Result<String, Refusal> {
    let mut decoded = Vec::with_capacity(raw.len());
    let mut bytes = raw.iter().copied();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let (high, low) = (hex_digit(bytes.next())?, hex_digit(bytes.next())?);
            let escaped = high.0 << 4 | low.0;
            if let Some(fault) = escape_fault(escaped) {
                return Err(ambiguous(fault));
            }
            text.extend(['%', high.1, low.1]);
            decoded.push(escaped);
        } else if is_pchar(byte) {
            text.push(char::from(byte));
            decoded.push(byte);
        } else {
            return Err(ambiguous("a byte that a path does not have"));
        }
    }
    String::from_utf8(decoded).map_err(|_| ambiguous("escapes that are not UTF-8"))
}

/// The value of a hex digit, and the digit in upper case.
fn hex_digit(byte: Option<u8>) -> Result<(u8, char), Refusal> {
    let digit = byte.map(char::from).filter(char::is_ascii_hexdigit);
    let value = digit.and_then(|digit| digit.to_digit(16)).and_then(|value| u8::try_from(value).ok());
    match (value, digit) {
        (Some(value), Some(digit)) => Ok((value, digit.to_ascii_uppercase())),
        _ => Err(ambiguous("an escape without two hex digits")),
    }
}

/// Why a byte may not be escaped. Some servers decode these before they split a path, or twice, and some do not.
fn escape_fault(byte: u8) -> Option<&'static str> {
    match byte {
        b'/' | b'\\' => Some("an escaped slash or backslash"),
        b';' => Some("an escaped semicolon"),
        b'%' => Some("an escaped percent sign"),
        0x00..=0x1f | 0x7f => Some("an escaped control byte"),
        _ if is_unreserved(byte) => Some("an escape of a character that needs none"),
        _ => None,
    }
}

/// RFC 3986 section 2.3.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// RFC 3986 section 3.3, without escapes and without `;`: servers that take path parameters cut a segment there.
fn is_pchar(byte: u8) -> bool {
    is_unreserved(byte)
        || matches!(byte, b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b'=' | b':' | b'@')
}

fn query_text(bytes: &[u8]) -> Result<String, Refusal> {
    if bytes.iter().any(|byte| !byte.is_ascii_graphic() || *byte == b'#') {
        return Err(ambiguous("a byte in the query that is not printable ASCII, or `#`"));
    }
    String::from_utf8(bytes.to_vec()).map_err(|_| ambiguous("a query that is not UTF-8"))
}

fn ambiguous(fault: &'static str) -> Refusal {
    Refusal::with(Reason::PathAmbiguous, Detail::Fault(fault))
}

#[cfg(test)]
mod tests {
    use super::Path;
    use crate::portable;
    use crate::refusal::Reason;

    fn parse(target: &str) -> Result<(Path, String), Reason> {
        Path::parse(target.as_bytes(), 1024).map_err(|refusal| refusal.reason)
    }

    fn segments(target: &str) -> Vec<String> {
        parse(target).unwrap_or_else(|reason| panic!("{target}: {reason:?}")).0.segments().to_vec()
    }

    #[portable]
    fn a_path_is_split_and_each_segment_decoded_once() {
        assert_eq!(segments("/"), Vec::<String>::new());
        assert_eq!(segments("/a"), ["a"]);
        assert_eq!(segments("/a/b.c/..."), ["a", "b.c", "..."]);
        assert_eq!(segments("/caf%C3%A9/a%20b/alice%40example.com"), ["café", "a b", "alice@example.com"]);
        assert_eq!(segments("/a:b@c!$&'()*+,=~-_"), ["a:b@c!$&'()*+,=~-_"]);
    }

    #[portable]
    fn one_trailing_slash_is_allowed_and_is_another_path() {
        assert_eq!(segments("/a/"), ["a", ""]);
        assert_eq!(parse("/a/").expect("a path").0.as_str(), "/a/");
        assert_ne!(parse("/a/").expect("a path").0, parse("/a").expect("a path").0);
    }

    #[portable]
    fn the_text_keeps_escapes_with_their_digits_in_upper_case() {
        assert_eq!(parse("/caf%c3%a9/x%3f").expect("a path").0.as_str(), "/caf%C3%A9/x%3F");
        assert_eq!(parse("/").expect("a path").0.as_str(), "/");
    }

    #[portable]
    fn the_query_is_what_follows_the_first_question_mark() {
        assert_eq!(parse("/a").expect("a path").1, "");
        assert_eq!(parse("/a?").expect("a path").1, "");
        assert_eq!(parse("/a?b=c?d/../e;%zz|").expect("a path").1, "b=c?d/../e;%zz|");
    }

    #[portable]
    fn what_does_not_begin_with_a_slash_is_no_path() {
        for target in ["", "*", "a", "?", "?/a", "http://a/b", "\\a", "%2Fa", " /a"] {
            assert_eq!(parse(target).err(), Some(Reason::PathMissing), "{target}");
        }
    }

    #[portable]
    fn a_path_that_servers_read_differently_is_refused() {
        let targets: [&[u8]; 51] = [
            b"//",
            b"//a",
            b"/a//b",
            b"/a//",
            b"/.",
            b"/..",
            b"/a/./b",
            b"/a/../b",
            b"/a/..",
            b"/a/.?x",
            b"/%2e",
            b"/%2E%2E/a",
            b"/.%2e/a",
            b"/a%2fb",
            b"/a%2Fb",
            b"/a\\b",
            b"/a%5cb",
            b"/a%5Cb",
            b"/a;b",
            b"/a;",
            b"/..;/a",
            b"/a%3bb",
            b"/a%3Bb",
            b"/a#b",
            b"/a?b#c",
            b"/%00",
            b"/a%0ab",
            b"/a%1fb",
            b"/a%1Fb",
            b"/a%7fb",
            b"/a%25b",
            b"/a%252fb",
            b"/%41",
            b"/%7e",
            b"/%2d",
            b"/%5f",
            b"/%",
            b"/%2",
            b"/%/a",
            b"/%4g",
            b"/%+1",
            b"/a b",
            b"/a\tb",
            b"/a\0b",
            b"/a\x7fb",
            b"/caf\xc3\xa9",
            b"/\xff",
            b"/%ff",
            b"/%c3/%a9",
            b"/a?b c",
            b"/a?\xc3\xa9",
        ];
        for target in targets {
            let reason = Path::parse(target, 1024).map_err(|refusal| refusal.reason).err();
            assert_eq!(reason, Some(Reason::PathAmbiguous), "{}", target.escape_ascii());
        }
    }

    #[portable]
    fn only_pchar_bytes_are_taken() {
        for byte in 0..=u8::MAX {
            let taken = Path::parse(&[b'/', b'a', byte], 1024).is_ok();
            let expected = byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,=:@/?".contains(&byte);
            assert_eq!(taken, expected, "{}", byte.escape_ascii());
        }
    }

    #[portable]
    fn a_path_at_the_cap_is_taken_and_one_byte_more_is_not() {
        assert!(Path::parse(b"/abc?efg", 8).is_ok());
        assert_eq!(Path::parse(b"/abc?efg", 7).map_err(|refusal| refusal.reason).err(), Some(Reason::PathTooLong));
    }
}
