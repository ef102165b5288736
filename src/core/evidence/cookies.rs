//! Cookies in `Cookie` fields (RFC 6265 section 4.2.1), which HTTP/2 may split into several (RFC 9113 section 8.2.3).
//!
//! Servers read these fields in different ways: some end a cookie at a comma too, some allow white space around `=`.
//! [`occurrences`] finds the cookie in every such reading, and reports those that RFC 6265 does not have as unclear. So
//! no server behind the plugin finds a credential that the plugin overlooked, and [`Rest`] removes the same occurrences.

/// One occurrence of a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Occurrence<'a> {
    /// Its value, without the quotes that may enclose it.
    Value(&'a [u8]),
    /// Only some servers find the cookie here.
    Unclear,
}

/// Every occurrence of the cookie of this name in a field, in order. The name is compared with regard to case.
pub(super) fn occurrences<'a>(field: &'a [u8], name: &str) -> impl Iterator<Item = Occurrence<'a>> {
    field.split(is_end).filter_map(move |part| occurrence(part, name))
}

/// The occurrence in the part of a field between two semicolons. There is at most one that counts: more make it
/// unclear.
fn occurrence<'a>(part: &'a [u8], name: &str) -> Option<Occurrence<'a>> {
    let name = name.as_bytes();
    let is_named_so = |part: &[u8]| part.split(|byte| *byte == b'=').next().is_some_and(|own| own.trim_ascii() == name);
    if !part.split(|byte| *byte == b',').any(is_named_so) {
        return None;
    }
    let value = part.trim_ascii_start().strip_prefix(name).and_then(|rest| rest.strip_prefix(b"="));
    Some(value.map_or(Occurrence::Unclear, |value| Occurrence::Value(unquoted(value))))
}

const fn is_end(byte: &u8) -> bool {
    *byte == b';'
}

/// The value inside of `DQUOTE`; any other value as it is.
fn unquoted(value: &[u8]) -> &[u8] {
    value.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(value)
}

/// What is left of the `Cookie` fields of a request without some cookies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    /// All: none of the cookies is there.
    All,
    /// No cookie.
    Nothing,
    /// These cookies, byte for byte, in one field.
    Cookies(Vec<u8>),
}

impl Rest {
    /// Removes every occurrence of the cookies of these names.
    pub(crate) fn without<'a>(
        fields: impl Iterator<Item = &'a [u8]>,
        names: impl Iterator<Item = &'a str> + Clone,
    ) -> Self {
        let mut rest: Vec<u8> = Vec::new();
        let mut removed = false;
        for field in fields {
            let is_kept = |part: &&[u8]| !names.clone().any(|name| occurrence(part, name).is_some());
            let kept: Vec<&[u8]> = field.split(is_end).filter(is_kept).collect();
            removed |= kept.len() < field.split(is_end).count();
            let kept = kept.join(&b';');
            let kept = kept.trim_ascii_start();
            if !rest.is_empty() && !kept.is_empty() {
                rest.extend_from_slice(b"; ");
            }
            rest.extend_from_slice(kept);
        }
        match (removed, rest.iter().all(|byte| matches!(byte, b';' | b' ' | b'\t'))) {
            (false, _) => Self::All,
            (true, true) => Self::Nothing,
            (true, false) => Self::Cookies(rest),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Occurrence, Rest, occurrences};
    use crate::portable;

    fn found(field: &str) -> Vec<Occurrence<'_>> {
        occurrences(field.as_bytes(), "IdToken").collect()
    }

    #[portable]
    fn the_value_is_found_wherever_the_cookie_is_and_without_its_quotes() {
        for field in [
            "IdToken=a.b.c",
            "IdToken=\"a.b.c\"",
            " IdToken=a.b.c",
            "theme=dark; IdToken=a.b.c",
            "theme=dark;IdToken=a.b.c;x=1",
            "IdToken=a.b.c; IdToken2=x; XIdToken=y; idtoken=z; x=IdToken; y=\"IdToken\"",
            "=; ;;IdToken=a.b.c",
        ] {
            assert_eq!(found(field), [Occurrence::Value(b"a.b.c")], "{field}");
        }
        assert_eq!(found("IdToken="), [Occurrence::Value(b"")]);
        assert_eq!(found("IdToken=\""), [Occurrence::Value(b"\"")]);
        assert_eq!(found("IdToken=a=b"), [Occurrence::Value(b"a=b")]);
    }

    #[portable]
    fn no_other_cookie_is_taken_for_it() {
        for field in
            ["", ";", "idtoken=x", "IDTOKEN=x", "IdToken2=x", "Id-Token=x", "x=IdToken=y", "IdTokenx", "$IdToken=x"]
        {
            assert_eq!(found(field), [], "{field}");
        }
    }

    #[portable]
    fn an_occurrence_that_only_some_servers_find_is_unclear() {
        for field in [
            "IdToken",
            "IdToken =x",
            "IdToken\t=x",
            "x=1,IdToken=y",
            "x=1, IdToken=y",
            "x=\"1, IdToken=y\"",
            ",IdToken=x",
        ] {
            assert_eq!(found(field), [Occurrence::Unclear], "{field}");
        }
    }

    #[portable]
    fn every_occurrence_is_found() {
        assert_eq!(found("IdToken=x; a=b; IdToken=x").len(), 2);
        assert_eq!(found("IdToken=x; IdToken =y"), [Occurrence::Value(b"x"), Occurrence::Unclear]);
    }

    fn rest(fields: &[&str]) -> Rest {
        Rest::without(fields.iter().map(|field| field.as_bytes()), ["IdToken", "Other"].into_iter())
    }

    #[portable]
    fn other_cookies_stay_byte_for_byte() {
        for (fields, left) in [
            (&["IdToken=x; a=1"][..], "a=1"),
            (&["a=1; IdToken=x"], "a=1"),
            (&["a=1; IdToken=x; b=2"], "a=1; b=2"),
            (&["a=1;IdToken=x;b=\"2 \"; c"], "a=1;b=\"2 \"; c"),
            (&["a=1; Other=x; IdToken=y; b=2; IdToken=z"], "a=1; b=2"),
            (&["a=1", "IdToken=x", "b=2"], "a=1; b=2"),
            (&["IdToken=x", " a=1;b=2", "c=3"], "a=1;b=2; c=3"),
            (&["IdToken=x; a=1", "b=2; IdToken=y"], "a=1; b=2"),
            (&["a=1, IdToken=x; b=2"], "b=2"),
            (&["IdToken =x; b=2", "IdToken"], "b=2"),
        ] {
            assert_eq!(rest(fields), Rest::Cookies(left.as_bytes().to_vec()), "{fields:?}");
        }
        let raw = [&b"IdToken=x; a=\xff\xfe"[..]];
        assert_eq!(Rest::without(raw.into_iter(), ["IdToken"].into_iter()), Rest::Cookies(b"a=\xff\xfe".to_vec()));
    }

    #[portable]
    fn fields_without_the_cookie_are_not_changed_and_a_field_with_nothing_else_goes() {
        for fields in [&[][..], &[""], &["a=1;b=2 ;"], &["a=1", " b=2"], &["idtoken=x"]] {
            assert_eq!(rest(fields), Rest::All, "{fields:?}");
        }
        for fields in
            [&["IdToken=x"][..], &["IdToken=x;"], &["; IdToken=x; ;"], &["IdToken=x", "Other=y"], &["IdToken"]]
        {
            assert_eq!(rest(fields), Rest::Nothing, "{fields:?}");
        }
    }
}
