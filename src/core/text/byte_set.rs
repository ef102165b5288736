//! Sets of ASCII characters, made when the program is compiled.

/// A set of ASCII characters. No other byte is ever in it.
#[derive(Clone, Copy, Debug)]
pub struct ByteSet {
    /// 0 to 63, one bit each.
    low: u64,
    /// 64 to 127.
    high: u64,
}

impl ByteSet {
    /// The characters that are visible, from `!` to `~`.
    pub const VISIBLE: Self = Self { low: !0 << b'!', high: !0 >> 1 };

    /// The letters and the digits.
    pub const ALPHANUMERIC: Self =
        Self { low: 0, high: 0 }.with(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    /// The set with these characters too.
    #[must_use]
    pub const fn with(mut self, characters: &[u8]) -> Self {
        let mut rest = characters;
        while let Some((character, after)) = rest.split_first() {
            match *character {
                low @ 0..64 => self.low |= 1 << low,
                high @ 64..128 => self.high |= 1 << (high & 63),
                128.. => {}
            }
            rest = after;
        }
        self
    }

    /// The set without these characters.
    #[must_use]
    pub const fn without(self, characters: &[u8]) -> Self {
        let others = Self { low: 0, high: 0 }.with(characters);
        Self { low: self.low & !others.low, high: self.high & !others.high }
    }

    /// Whether the byte is in it.
    #[must_use]
    #[inline]
    pub const fn has(self, byte: u8) -> bool {
        let word = if byte < 64 { self.low } else { self.high };
        byte < 128 && word & (1 << (byte & 63)) != 0
    }

    /// Whether all bytes are in it.
    #[must_use]
    pub fn has_all(self, bytes: &[u8]) -> bool {
        // A plain loop: without optimization for speed, an iterator's `all` takes several times as long.
        for byte in bytes {
            if !self.has(*byte) {
                return false;
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::ByteSet;
    use crate::portable;

    #[portable]
    fn a_set_has_its_characters_and_no_other_byte() {
        for byte in 0..=u8::MAX {
            assert_eq!(ByteSet::VISIBLE.has(byte), byte.is_ascii_graphic(), "{byte}");
            assert_eq!(ByteSet::ALPHANUMERIC.has(byte), byte.is_ascii_alphanumeric(), "{byte}");
            let changed = ByteSet::VISIBLE.with(b" \xff").without(b"%~!");
            let expected = (byte == b' ' || byte.is_ascii_graphic()) && !b"%~!".contains(&byte);
            assert_eq!(changed.has(byte), expected, "{byte}");
        }
    }

    #[portable]
    fn one_other_byte_at_any_place_is_found() {
        assert!(ByteSet::VISIBLE.has_all(b"") && ByteSet::VISIBLE.has_all(b"abc"));
        for text in [b" bc", b"a\xffc", b"ab\0"] {
            assert!(!ByteSet::VISIBLE.has_all(text));
        }
    }
}
