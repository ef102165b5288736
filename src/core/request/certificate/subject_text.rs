//! A subject as the host writes it: RFC 2253, with every byte outside of printable ASCII escaped.

use super::text::{SubjectAttribute, Text, plain};

/// The attributes that can be facts; `None` if the text is not in that form. An attribute inside the value of another one
/// is escaped, so it is never taken for one.
pub(super) fn attributes(text: &[u8]) -> Option<Vec<(SubjectAttribute, Text)>> {
    let mut found = Vec::new();
    let mut rest = Some(text).filter(|text| !text.is_empty());
    while let Some(pair) = rest {
        let name = pair.split(|byte| *byte == b'=').next()?;
        let is_type = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
        if name.is_empty() || !name.iter().all(is_type) {
            return None;
        }
        let (value, after) = value(pair.strip_prefix(name)?.strip_prefix(b"=")?)?;
        found.extend(SubjectAttribute::of_name(name).map(|attribute| (attribute, value)));
        rest = after;
    }
    Some(found)
}

/// The value at the beginning, and what follows the separator after it.
fn value(text: &[u8]) -> Option<(Text, Option<&[u8]>)> {
    // A value of another type than text is written in hex, as its DER.
    let is_text = text.first() != Some(&b'#');
    let mut bytes = Vec::new();
    let mut rest = text;
    let after = loop {
        let Some((byte, after)) = rest.split_first() else { break None };
        rest = after;
        match byte {
            b',' | b'+' => break Some(rest),
            b'\\' => {
                let (byte, after) = unescaped(rest)?;
                bytes.push(byte);
                rest = after;
            }
            b'"' | b'<' | b'>' | b';' => return None,
            b' '..=b'~' => bytes.push(*byte),
            _ => return None,
        }
    };
    Some((if is_text { plain(&bytes) } else { None }, after))
}

/// The byte that the characters after a backslash stand for, and what follows them.
fn unescaped(text: &[u8]) -> Option<(u8, &[u8])> {
    match text.split_first()? {
        (byte @ (b',' | b'=' | b'+' | b'<' | b'>' | b'#' | b';' | b'"' | b'\\' | b' '), after) => Some((*byte, after)),
        _ => {
            let (digits, after) = text.split_at_checked(2)?;
            let mut byte = [0];
            hex::decode_to_slice(digits, &mut byte).ok()?;
            let [byte] = byte;
            Some((byte, after))
        }
    }
}

#[cfg(test)]
mod tests;
