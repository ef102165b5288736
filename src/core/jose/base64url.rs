//! base64url without padding (RFC 7515 appendix C, RFC 4648 section 5), canonical only.
//!
//! Every byte string has exactly one text here. A text that a lenient decoder would also take (padding, the other
//! alphabet, white space, trailing bits that are not zero) is refused: two texts for one token are two answers to
//! "have I seen this token?".

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Decodes; `None` for padding, any other byte, an impossible length, or trailing bits that are not zero.
#[must_use]
pub fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len().div_ceil(4).saturating_mul(3));
    for chunk in text.chunks(4) {
        let mut group: u32 = 0;
        for &byte in chunk {
            group = (group << 6) | sextet(byte)?;
        }
        // The bytes that the chunk stands for are the last ones of the big-endian group, once the spare bits are gone.
        let (spare_bits, skip) = match chunk.len() {
            4 => (0, 1),
            3 => (2, 2),
            2 => (4, 3),
            _ => return None,
        };
        if group & !(u32::MAX << spare_bits) != 0 {
            return None;
        }
        bytes.extend_from_slice((group >> spare_bits).to_be_bytes().get(skip..)?);
    }
    Some(bytes)
}

/// Encodes without padding.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3).saturating_mul(4));
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0_u32, |bits, &byte| (bits << 8) | u32::from(byte));
        // Spare bits are filled with zeros up to a whole number of characters.
        let (group, shifts): (u32, &[u32]) = match chunk.len() {
            1 => (bits << 4, &[6, 0]),
            2 => (bits << 2, &[12, 6, 0]),
            _ => (bits, &[18, 12, 6, 0]),
        };
        text.extend(shifts.iter().filter_map(|shift| character(group >> shift)));
    }
    text
}

/// The six bits that this character stands for.
fn sextet(byte: u8) -> Option<u32> {
    let value = match byte {
        b'A'..=b'Z' => byte.wrapping_sub(b'A'),
        b'a'..=b'z' => byte.wrapping_sub(b'a').wrapping_add(26),
        b'0'..=b'9' => byte.wrapping_sub(b'0').wrapping_add(52),
        b'-' => 62,
        b'_' => 63,
        _ => return None,
    };
    Some(u32::from(value))
}

/// The character for the lowest six bits.
fn character(bits: u32) -> Option<char> {
    usize::try_from(bits & 0b11_1111).ok().and_then(|index| ALPHABET.get(index)).copied().map(char::from)
}

#[cfg(test)]
mod tests {
    use super::{decode, encode};
    use crate::portable;

    #[portable]
    fn the_examples_of_the_rfc_decode_and_encode() {
        let pairs: [(&[u8], &str); 8] = [
            (b"", ""),
            (b"f", "Zg"),
            (b"fo", "Zm8"),
            (b"foo", "Zm9v"),
            (b"foob", "Zm9vYg"),
            (b"fooba", "Zm9vYmE"),
            (b"foobar", "Zm9vYmFy"),
            (&[3, 236, 255, 224, 193], "A-z_4ME"),
        ];
        for (bytes, text) in pairs {
            assert_eq!(encode(bytes), text);
            assert_eq!(decode(text.as_bytes()).as_deref(), Some(bytes), "{text}");
        }
    }

    #[portable]
    fn every_byte_survives_at_every_place_of_a_group() {
        for byte in 0..=u8::MAX {
            for length in 1..=4 {
                let bytes = vec![byte; length];
                assert_eq!(decode(encode(&bytes).as_bytes()), Some(bytes));
            }
        }
    }

    #[portable]
    fn only_the_64_characters_are_taken() {
        for byte in 0..=u8::MAX {
            let known = byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
            for place in 0..4 {
                let mut text = *b"AAAA";
                text[place] = byte;
                assert_eq!(decode(&text).is_some(), known, "byte {byte} at {place}");
            }
        }
    }

    #[portable]
    fn padding_white_space_and_the_other_alphabet_are_refused() {
        for text in
            ["Zg==", "Zg=", "Zm8=", "=", "Zm9v\n", "Zm9v ", " Zm9v", "Zm\r\n9v", "A+z/", "Zm9v\0", "Zm9é", "%5A"]
        {
            assert_eq!(decode(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(decode(b"Zm9\xff"), None);
    }

    #[portable]
    fn a_length_that_no_bytes_have_is_refused() {
        for text in ["A", "AAAAA", "AAAAAAAAA"] {
            assert_eq!(decode(text.as_bytes()), None, "{text}");
        }
    }

    #[portable]
    fn trailing_bits_must_be_zero() {
        let last_of_two = decode_count(b"A");
        let last_of_three = decode_count(b"AA");
        assert_eq!((last_of_two, last_of_three), (4, 16));
        assert_eq!(decode(b"Zh"), None);
        assert_eq!(decode(b"Zm9"), None);
    }

    /// How many of the 64 characters may end a text that begins so.
    fn decode_count(start: &[u8]) -> usize {
        super::ALPHABET
            .iter()
            .filter(|&&last| {
                let mut text = start.to_vec();
                text.push(last);
                decode(&text).is_some()
            })
            .count()
    }
}
