//! Forms of what is written beside a preset.

/// Any string.
pub(super) const fn any(_: &str) -> bool {
    true
}

/// Anything but `absent`, which would accept tokens without the claim.
pub(super) fn present(text: &str) -> bool {
    text != "absent"
}

/// A GUID as Microsoft writes it: lower-case hexadecimal digits in groups of 8, 4, 4, 4 and 12.
pub(super) fn guid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12]) && groups.into_iter().all(hex)
}

/// Lower-case hexadecimal digits.
pub(super) fn hex(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// One label of a host name: lower-case letters, digits, and `-` inside.
pub(super) fn host_label(text: &str) -> bool {
    let inside = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    (1..=63).contains(&text.len()) && text.bytes().all(inside) && !text.starts_with('-') && !text.ends_with('-')
}

/// Lower-case letters and digits.
pub(super) fn letters_and_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'z'))
}

/// Printable ASCII without spaces.
pub(super) fn one_word(text: &str) -> bool {
    !text.is_empty() && text != "absent" && text.bytes().all(|byte| byte.is_ascii_graphic())
}
