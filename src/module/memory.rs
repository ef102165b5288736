//! The proxy's shared data as the memory of this plugin's workers.
//!
//! The proxy keeps one such memory for each `vm_id`, and one for all modules that have none: who has no `vm_id` of their own
//! shares it with strangers, who could plant a key there. So it is used only under a `vm_id`.

use crate::calls;
use countersign_core::fetch::{Conflict, SharedMemory, Write};

/// The version of an entry that is not there, for all that a writer may say: the proxy takes any version for a new entry,
/// and for one that is there none but its own.
const NOT_THERE: u32 = u32::MAX;

/// The memory of all VMs with this `vm_id`.
pub(crate) struct Memory {
    pub(crate) vm_id: String,
}

impl Memory {
    /// That of this plugin, if it has a `vm_id`.
    pub(crate) fn of_this_vm() -> Option<Self> {
        let vm_id = String::from_utf8(calls::property(&["plugin_vm_id"])?).ok()?;
        (!vm_id.is_empty()).then_some(Self { vm_id })
    }
}

impl SharedMemory for Memory {
    fn read(&self, name: &str) -> Option<(Vec<u8>, u32)> {
        calls::shared_data(name)
    }

    fn write(&self, name: &str, value: &[u8], how: Write) -> Result<(), Conflict> {
        let version = match how {
            Write::Always => None,
            Write::Create => Some(NOT_THERE),
            Write::Replace(version) => Some(version),
        };
        calls::set_shared_data(name, value, version).map_err(|_| Conflict)
    }
}
