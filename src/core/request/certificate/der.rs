//! DER, as far as certificates need it (ITU-T X.690 sections 8.1 and 10.1).

pub(super) const INTEGER: u8 = 0x02;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(super) const UTF8_STRING: u8 = 0x0c;
pub(super) const NUMERIC_STRING: u8 = 0x12;
pub(super) const PRINTABLE_STRING: u8 = 0x13;
pub(super) const IA5_STRING: u8 = 0x16;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;

/// Elements, read from the front.
pub(super) struct Der<'b>(pub(super) &'b [u8]);

impl<'b> Der<'b> {
    /// The next element, its tag and its contents; the inner `None` at the end. The outer `None` is for bytes that are
    /// not DER.
    #[expect(clippy::option_option, reason = "the end of the elements is not a fault")]
    pub(super) fn next(&mut self) -> Option<Option<(u8, &'b [u8])>> {
        let Some((tag, rest)) = self.0.split_first() else { return Some(None) };
        // A tag of several bytes: no certificate has one on this way.
        if tag & 0x1f == 0x1f {
            return None;
        }
        let (first, rest) = rest.split_first()?;
        let (length, rest) = match *first {
            short @ 0..=0x7f => (usize::from(short), rest),
            // Longer lengths than a certificate can have, and lengths that have a shorter form, are not read.
            long => {
                let (digits, rest) = rest.split_at_checked(usize::from(long & 0x7f))?;
                let length = match digits {
                    [low @ 0x80..=0xff] => usize::from(*low),
                    [high @ 1..=0xff, low] => usize::from(u16::from_be_bytes([*high, *low])),
                    _ => return None,
                };
                (length, rest)
            }
        };
        let (contents, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some(Some((*tag, contents)))
    }

    /// The contents of the next element, which has this tag if there is one.
    #[expect(clippy::option_option, reason = "the end of the elements is not a fault")]
    pub(super) fn next_with(&mut self, tag: u8) -> Option<Option<&'b [u8]>> {
        match self.next()? {
            Some((found, contents)) => (found == tag).then_some(Some(contents)),
            None => Some(None),
        }
    }

    /// The contents of the next element, which has this tag.
    pub(super) fn element(&mut self, tag: u8) -> Option<&'b [u8]> {
        self.next_with(tag)?
    }

    /// The contents of the only element, which has this tag.
    pub(super) fn only(mut self, tag: u8) -> Option<&'b [u8]> {
        let contents = self.element(tag)?;
        self.0.is_empty().then_some(contents)
    }
}
