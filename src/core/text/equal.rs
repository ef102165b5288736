//! Comparing long strings of bytes.

/// Whether two strings of bytes are equal. It takes eight bytes at a time, where WebAssembly's C library takes one.
///
/// Not for secrets: the time depends on where they differ.
#[must_use]
pub fn are_equal(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    let ((words, rest), (others, other_rest)) = (one.as_chunks(), other.as_chunks());
    for (word, other) in words.iter().zip(others) {
        if u64::from_le_bytes(*word) != u64::from_le_bytes(*other) {
            return false;
        }
    }
    rest == other_rest
}

#[cfg(test)]
mod tests {
    use super::are_equal;
    use crate::portable;

    #[portable]
    fn bytes_are_equal_only_if_each_of_them_is() {
        let all: Vec<u8> = (0..=40).collect();
        for length in 0..all.len() {
            let one = &all[..length];
            assert!(are_equal(one, one.to_vec().as_slice()), "{length}");
            assert!(!are_equal(one, &all[..length + 1]) && !are_equal(&all[..length + 1], one), "{length}");
            for place in 0..length {
                let mut other = one.to_vec();
                other[place] ^= 0x80;
                assert!(!are_equal(one, &other), "{length} {place}");
            }
        }
    }
}
