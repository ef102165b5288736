//! Paths: rejected if servers could read them in two ways.
//!
//! The path is never normalized before it is forwarded. A proxy that decides on `/a/b` and forwards `/a/x/../b` has
//! decided on another request than the one the upstream serves. So the path that is forwarded is exactly the path that
//! was decided on. Policies see each path in one spelling: characters that a path may contain unescaped are unescaped,
//! all others are escaped with digits in upper case.
//!
//! Some spellings are ambiguous in general but clear to one particular server: [`Ambiguity`]. A path records where it
//! has them, and the route decides whether it accepts them ([`PathTemplate`](super::PathTemplate)).

use super::Ambiguity;
use crate::refusal::{Detail, Reason, Refusal};
use crate::text::ByteSet;

/// How often a decoded segment is decoded again to find hidden segments. One that then still has escapes is rejected.
const MAX_READINGS: usize = 3;

/// A path that begins with `/` and has no empty or dot segment, whichever way its ambiguous spellings are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    text: String,
    segments: Vec<Segment>,
}

/// One segment, decoded once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    text: String,
    /// Where in `text` the ambiguous spellings were, by byte.
    ambiguities: Vec<(usize, Ambiguity)>,
    /// Where in `text` colons were that came escaped, by byte.
    escaped_colons: Vec<usize>,
}

impl Segment {
    /// The decoded text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The ambiguous spellings in it, each with its position in the decoded text, in bytes.
    #[must_use]
    pub fn ambiguities(&self) -> &[(usize, Ambiguity)] {
        &self.ambiguities
    }

    /// The positions, in bytes of the decoded text, of colons that came escaped. Some servers split off a verb at a
    /// colon, as in `/books/7:publish`, before they decode, and some after.
    #[must_use]
    pub fn escaped_colons(&self) -> &[usize] {
        &self.escaped_colons
    }

    /// The segment as seen by a server that cuts segments at their first semicolon.
    fn cut_at_semicolon(&self) -> Self {
        let text = self.text.split(';').next().unwrap_or_default().to_owned();
        let ambiguities = self.ambiguities.iter().copied().filter(|(place, _)| *place < text.len()).collect();
        let escaped_colons = self.escaped_colons.iter().copied().filter(|place| *place < text.len()).collect();
        Self { text, ambiguities, escaped_colons }
    }
}

impl Path {
    /// Splits `:path` into path and query.
    ///
    /// # Errors
    /// - `path-too-long`: longer than `max_bytes`, the query included;
    /// - `path-missing`: empty, `*`, or does not begin with `/`;
    /// - `path-ambiguous`: a byte that no path has, `\`, a bad escape, an escaped backslash or control byte, text that
    ///   is not UTF-8, an empty or dot segment (also one that an ambiguous spelling hides), or a byte in the query that
    ///   is not printable ASCII.
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

    /// The path in the spelling that policies see.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The segments. `/` has none; a trailing slash makes a last, empty segment.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Its ambiguous spellings.
    pub fn ambiguities(&self) -> impl Iterator<Item = Ambiguity> {
        self.segments.iter().flat_map(|segment| segment.ambiguities.iter().map(|(_, ambiguity)| *ambiguity))
    }

    /// The segments as seen by a server that cuts each at its first semicolon; `None` if there is no semicolon.
    #[must_use]
    pub fn cut_at_semicolons(&self) -> Option<Vec<Segment>> {
        let has_one = self.ambiguities().any(|ambiguity| ambiguity == Ambiguity::Semicolon);
        has_one.then(|| self.segments.iter().map(Segment::cut_at_semicolon).collect())
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
            if let Some(fault) = hidden_fault(&segment) {
                return Err(ambiguous(fault));
            }
            segments.push(segment);
        }
        // Some servers cut a segment before they decode it, some after, and some at neither.
        if bytes.contains(&b';') && text.contains("%3B") {
            return Err(ambiguous("a semicolon in a path that has an escaped one too"));
        }
        Ok(Self { text, segments })
    }
}

/// Appends the segment to `text` in the one spelling that policies see, and returns it decoded.
fn decode_segment(raw: &[u8], text: &mut String) -> Result<Segment, Refusal> {
    // Nearly every segment is plain, and is its own text in each spelling.
    if PCHAR.has_all(raw) {
        let plain = str::from_utf8(raw).unwrap_or_default();
        text.push_str(plain);
        return Ok(Segment { text: plain.to_owned(), ambiguities: Vec::new(), escaped_colons: Vec::new() });
    }
    let mut decoded = Vec::with_capacity(raw.len());
    let (mut ambiguities, mut escaped_colons) = (Vec::new(), Vec::new());
    let mut bytes = raw.iter().copied();
    while let Some(byte) = bytes.next() {
        let ambiguity = if byte == b'%' {
            let (high, low) = (hex_digit(bytes.next())?, hex_digit(bytes.next())?);
            let escaped = high.0 << 4 | low.0;
            if let Some(fault) = escape_fault(escaped) {
                return Err(ambiguous(fault));
            }
            if PCHAR.has(escaped) {
                text.push(char::from(escaped));
            } else {
                text.extend(['%', high.1, low.1]);
            }
            if escaped == b':' {
                escaped_colons.push(decoded.len());
            }
            decoded.push(escaped);
            Ambiguity::of_escaped(escaped)
        } else if PCHAR.has(byte) || byte == b';' {
            text.push(char::from(byte));
            decoded.push(byte);
            (byte == b';').then_some(Ambiguity::Semicolon)
        } else {
            return Err(ambiguous("a byte that a path does not have"));
        };
        if let Some(ambiguity) = ambiguity {
            ambiguities.push((decoded.len().saturating_sub(1), ambiguity));
        }
    }
    let text = String::from_utf8(decoded).map_err(|_| ambiguous("escapes that are not UTF-8"))?;
    Ok(Segment { text, ambiguities, escaped_colons })
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

/// Why a byte may not be escaped on any route.
fn escape_fault(byte: u8) -> Option<&'static str> {
    match byte {
        b'\\' => Some("an escaped backslash"),
        0x00..=0x1f | 0x7f => Some("an escaped control byte"),
        _ => None,
    }
}

/// A fault that no route accepts in a segment, whichever way its ambiguous spellings are read: split at escaped
/// slashes, cut at semicolons, or decoded repeatedly.
fn hidden_fault(segment: &Segment) -> Option<&'static str> {
    if segment.text == "." || segment.text == ".." {
        return Some("a dot segment");
    }
    if segment.ambiguities.is_empty() {
        return None;
    }
    if names(&segment.text).any(str::is_empty) {
        return Some("an empty name next to an escaped slash or a semicolon");
    }
    let mut reading = segment.text.clone();
    for _ in 0..MAX_READINGS {
        if names(&reading).any(|name| name == "." || name == "..") {
            return Some("a dot segment behind an escape or a semicolon");
        }
        if reading.chars().any(|character| character == '\\' || character.is_ascii_control()) {
            return Some("a backslash or control byte that is escaped twice");
        }
        match decode_again(&reading) {
            Some(again) => reading = again,
            None => return None,
        }
    }
    Some("escapes inside escapes")
}

/// The names in a decoded segment for a server that splits it at slashes and cuts each at its first semicolon.
fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split('/').map(|name| name.split(';').next().unwrap_or_default())
}

/// The text with its escapes decoded once more; `None` if it has none.
fn decode_again(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    let mut found = false;
    while let Some((byte, after)) = rest.split_first() {
        let digits = (after.first().copied(), after.get(1).copied());
        match (byte, hex_digit(digits.0), hex_digit(digits.1)) {
            (b'%', Ok((high, _)), Ok((low, _))) => {
                found = true;
                decoded.push(high << 4 | low);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                decoded.push(*byte);
                rest = after;
            }
        }
    }
    found.then(|| String::from_utf8_lossy(&decoded).into_owned())
}

/// RFC 3986 section 2.3.
const UNRESERVED: ByteSet = ByteSet::ALPHANUMERIC.with(b"-._~");

/// RFC 3986 section 3.3, without escapes and without `;`: servers that know path parameters cut a segment there.
const PCHAR: ByteSet = UNRESERVED.with(b"!$&'()*+,=:@");

fn query_text(bytes: &[u8]) -> Result<String, Refusal> {
    if !ByteSet::VISIBLE.without(b"#").has_all(bytes) {
        return Err(ambiguous("a byte in the query that is not printable ASCII, or `#`"));
    }
    String::from_utf8(bytes.to_vec()).map_err(|_| ambiguous("a query that is not UTF-8"))
}

fn ambiguous(fault: &'static str) -> Refusal {
    Refusal::with(Reason::PathAmbiguous, Detail::Fault(fault))
}

#[cfg(test)]
mod tests;
