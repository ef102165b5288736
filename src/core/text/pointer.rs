//! JSON pointers (RFC 6901).

/// Appends a `/` and one reference token to a JSON pointer, with the escapes of section 3.
pub fn push_token(pointer: &mut String, token: &str) {
    pointer.push('/');
    for character in token.chars() {
        match character {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            _ => pointer.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::push_token;
    use crate::portable;

    #[portable]
    fn tilde_and_slash_are_escaped_so_that_the_pointer_finds_the_member_again() {
        let document = serde_json::json!({ "a": { "m~n/o~1": { "": 7 } } });
        let mut pointer = String::new();
        for token in ["a", "m~n/o~1", ""] {
            push_token(&mut pointer, token);
        }
        assert_eq!(pointer, "/a/m~0n~1o~01/");
        assert_eq!(document.pointer(&pointer), Some(&serde_json::json!(7)));
    }
}
