//! Memory that behaves like the one that workers share, and that belongs to one worker, one run or one test.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::{Conflict, SharedMemory, Write};

/// Entries with versions, in this process. It is not bounded: whoever writes bounds the names and the sizes.
#[derive(Default)]
pub struct LocalMemory(RefCell<BTreeMap<String, (Vec<u8>, u32)>>);

impl LocalMemory {
    /// The names of all entries, sorted.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.0.borrow().keys().cloned().collect()
    }
}

impl SharedMemory for LocalMemory {
    fn read(&self, name: &str) -> Option<(Vec<u8>, u32)> {
        self.0.borrow().get(name).cloned()
    }

    fn write(&self, name: &str, value: &[u8], how: Write) -> Result<(), Conflict> {
        let mut entries = self.0.borrow_mut();
        let version = entries.get(name).map(|(_, version)| *version);
        match (how, version) {
            (Write::Create, Some(_)) => Err(Conflict),
            (Write::Replace(wanted), Some(version)) if wanted != version => Err(Conflict),
            _ => {
                entries.insert(name.to_owned(), (value.to_vec(), version.unwrap_or(0).saturating_add(1)));
                Ok(())
            }
        }
    }
}
