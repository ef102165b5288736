//! The trace that a request belongs to (W3C Trace Context).

use crate::request::{Exactly, Headers};

/// The trace id in `traceparent` (section 3.2.2.3): 32 lower-case hex digits, not all zero. `None` if the field is missing,
/// is there twice, or is not valid.
pub(super) fn trace_id(headers: &Headers) -> Option<&str> {
    let Exactly::One(value) = headers.exactly("traceparent") else { return None };
    let value = str::from_utf8(value).ok()?;
    let mut parts = value.split('-');
    let (version, trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    // Later versions may add parts (section 3.2.4); the present one has none.
    let is_whole = parts.next().is_none() || version != "00";
    let is_valid = is_hex(version, 2)
        && version != "ff"
        && is_hex(trace, 32)
        && is_hex(parent, 16)
        && is_hex(flags, 2)
        && trace.bytes().any(|digit| digit != b'0')
        && parent.bytes().any(|digit| digit != b'0');
    (is_whole && is_valid).then_some(trace)
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::trace_id;
    use crate::portable;
    use crate::request::Headers;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    fn found(values: &[&str]) -> Option<String> {
        let headers: Headers = values.iter().map(|value| ("traceparent", *value)).collect();
        trace_id(&headers).map(str::to_owned)
    }

    #[portable]
    fn the_trace_of_a_valid_field_is_found() {
        let valid = format!("00-{TRACE}-00f067aa0ba902b7-01");
        assert_eq!(found(&[&valid]).as_deref(), Some(TRACE));
        assert_eq!(found(&[&valid.replacen("00", "01", 1)]).as_deref(), Some(TRACE));
        assert_eq!(found(&[&format!("{}-more", valid.replacen("00", "cc", 1))]).as_deref(), Some(TRACE));
        assert_eq!(found(&[&valid, &valid]), None);
        assert_eq!(found(&[]), None);
    }

    #[portable]
    fn any_other_text_is_not_a_trace() {
        let zeros = "0".repeat(32);
        for value in [
            String::new(),
            TRACE.to_owned(),
            format!("00-{TRACE}-00f067aa0ba902b7"),
            format!("00-{TRACE}-00f067aa0ba902b7-01-more"),
            format!("ff-{TRACE}-00f067aa0ba902b7-01"),
            format!("00-{}-00f067aa0ba902b7-01", TRACE.to_uppercase()),
            format!("00-{zeros}-00f067aa0ba902b7-01"),
            format!("00-{TRACE}-0000000000000000-01"),
            format!("00-{TRACE}0-00f067aa0ba902b7-01"),
            format!("00-{TRACE}-00f067aa0ba902b7-1"),
        ] {
            assert_eq!(found(&[&value]), None, "{value}");
        }
    }
}
