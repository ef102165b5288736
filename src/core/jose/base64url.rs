//! base64url (RFC 4648 section 5), canonical only: without padding as in JOSE (RFC 7515 appendix C), and with it for the
//! tokens of a signer that writes it.
//!
//! Every byte string has exactly one encoding here. Encodings that a lenient decoder would also accept (padding, the
//! other alphabet, white space, trailing bits that are not zero) are rejected: with two encodings of one token, a check
//! for tokens that were seen before could be evaded.

use ct_codecs::{Base64UrlSafe, Base64UrlSafeNoPadding, Decoder as _, Encoder as _};

/// Decodes; `None` for padding, any other byte, an impossible length, or trailing bits that are not zero.
#[must_use]
pub fn decode(text: &[u8]) -> Option<Vec<u8>> {
    Base64UrlSafeNoPadding::decode_to_vec(text, None).ok()
}

/// Decodes text with padding (RFC 4648 section 3.2); `None` if a part of the padding is missing or any is too much, for any
/// other byte, an impossible length, or trailing bits that are not zero.
#[must_use]
pub fn decode_padded(text: &[u8]) -> Option<Vec<u8>> {
    Base64UrlSafe::decode_to_vec(text, None).ok()
}

/// Encodes without padding.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    // The one error is a length that `usize` cannot hold. No slice is that long: its bytes are at most `isize::MAX`.
    Base64UrlSafeNoPadding::encode_to_string(bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{decode, decode_padded, encode};
    use crate::portable;

    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

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
    fn only_the_64_characters_are_accepted() {
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
    fn with_padding_only_the_padded_canonical_text_is_accepted() {
        for (bytes, text) in [(&b""[..], ""), (b"f", "Zg=="), (b"fo", "Zm8="), (b"foo", "Zm9v"), (b"\xfb\xff", "-_8=")]
        {
            assert_eq!(decode_padded(text.as_bytes()).as_deref(), Some(bytes), "{text}");
        }
        for text in [
            "Zg", "Zg=", "Zg===", "Zm8", "Zm8==", "Zm9v=", "Zm9v====", "=", "====", "Zh==", "Zm9=", "+_8=", "-/8=",
            "Zg==\n", "Zg= =", "Z=g=", "=Zg=", "A", "AAAAA===",
        ] {
            assert_eq!(decode_padded(text.as_bytes()), None, "{text:?}");
        }
        for byte in 0..=u8::MAX {
            for length in 1..=4 {
                let bytes = vec![byte; length];
                let mut text = encode(&bytes);
                while !text.len().is_multiple_of(4) {
                    text.push('=');
                }
                assert_eq!(decode_padded(text.as_bytes()), Some(bytes), "{text}");
            }
        }
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
        ALPHABET
            .iter()
            .filter(|&&last| {
                let mut text = start.to_vec();
                text.push(last);
                decode(&text).is_some()
            })
            .count()
    }
}
