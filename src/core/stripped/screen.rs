//! A quick look at a header's name: most names are on no list, and need no normal form.

use super::{GRPC_GATEWAY, dashed_byte};

/// Bits of each map.
const BITS: u32 = 1 << 13;

/// Passes every name that a list can have, and few others: a pair of Bloom filters with one hash each.
///
/// A client can find other names that pass. They cost it a look at the lists, and nothing is decided here.
#[derive(Clone, Debug)]
pub struct Screen {
    names: Bits,
    beginnings: Bits,
}

/// A set of hashes.
#[derive(Clone, Debug)]
struct Bits(Box<[u64]>);

impl Default for Screen {
    /// It passes the names that have another normal form with grpc-gateway's prefix than without.
    fn default() -> Self {
        let mut screen = Self { names: Bits::none(), beginnings: Bits::none() };
        screen.add_beginning(GRPC_GATEWAY);
        screen
    }
}

impl Screen {
    /// Passes the names with this normal form.
    pub fn add_name(&mut self, normal: &str) {
        self.names.insert(normal.bytes().fold(EMPTY, extended));
    }

    /// Passes the names whose normal form begins so.
    pub(super) fn add_beginning(&mut self, normal: &str) {
        self.beginnings.insert(normal.bytes().fold(EMPTY, extended));
    }

    /// False only if a name's normal form is none of the names, and begins with none of the beginnings. The name is in
    /// any spelling.
    #[must_use]
    pub fn passes(&self, name: &str) -> bool {
        let mut hash = EMPTY;
        for byte in name.bytes() {
            hash = extended(hash, dashed_byte(byte));
            if self.beginnings.contains(hash) {
                return true;
            }
        }
        self.names.contains(hash)
    }
}

/// The hash of no bytes (FNV-1a).
const EMPTY: u32 = 0x811c_9dc5;

/// The hash of one byte more.
const fn extended(hash: u32, byte: u8) -> u32 {
    (hash ^ byte as u32).wrapping_mul(0x0100_0193)
}

impl Bits {
    fn none() -> Self {
        Self(vec![0; (BITS / u64::BITS) as usize].into())
    }

    fn insert(&mut self, hash: u32) {
        let (word, bit) = place(hash);
        if let Some(word) = self.0.get_mut(word) {
            *word |= bit;
        }
    }

    fn contains(&self, hash: u32) -> bool {
        let (word, bit) = place(hash);
        // A word that does not exist is taken for one that has the bit.
        self.0.get(word).is_none_or(|word| word & bit != 0)
    }
}

/// The word and the bit of a hash. The low bits of FNV-1a alone are poor.
const fn place(hash: u32) -> (usize, u64) {
    let place = (hash ^ (hash >> 16)) & (BITS - 1);
    ((place >> 6) as usize, 1 << (place & 63))
}

#[cfg(test)]
mod tests {
    use super::Screen;
    use crate::portable;

    fn screen() -> Screen {
        let mut screen = Screen::default();
        screen.add_name("x-user");
        screen.add_beginning("x-acme-");
        screen
    }

    #[portable]
    fn a_listed_name_passes_in_any_spelling() {
        for name in
            ["x-user", "X_User", "x.user", "x-acme-", "x-acme-a", "x_acme~b", "grpc-metadata-x-user", "GRPC_metadata_x"]
        {
            assert!(screen().passes(name), "{name}");
        }
    }

    #[portable]
    fn few_others_pass() {
        let passed = (0..1_000).filter(|number| screen().passes(&format!("header-{number}"))).count();
        assert!(passed < 20, "{passed}");
        assert!(!screen().passes("") && !screen().passes("x-use") && !screen().passes("x-acme"));
    }
}
