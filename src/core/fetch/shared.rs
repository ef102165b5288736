//! What the workers of one proxy tell each other about fetched documents, in memory that they share.
//!
//! Others may write to that memory too, so its content is as untrusted as content from the network: every entry is validated,
//! and an invalid entry counts as absent. A lost or forged lease costs a fetch, at worst after the longest time that all
//! workers would wait. A forged *document* would be worse. The host prevents that: it shares only where the memory belongs to
//! this plugin alone.
//!
//! Each feed has one slot of two entries, a [`Lease`] and a [`StoredDocument`], which are overwritten in place: the memory is
//! never cleared, so the number of names must not grow with every configuration. A name contains the version of the format
//! and the number of the slot. The entry contains a digest of the part of the configuration that it belongs to.

use hmac_sha256::Hash;
use serde::{Deserialize, Serialize};

use crate::jose::json;
use crate::limits::{MAX_SHARED_LEASE_BYTES, SHARED_KEY_SLOTS};
use crate::time::{Seconds, UnixSeconds};

/// Clocks have a resolution of one second, and another worker may have read its clock a moment later.
const CLOCK_GRAIN: Seconds = Seconds::new(1);

/// How many slots a feed examines if another feed occupies its first one.
const SLOTS_TRIED: usize = 8;

/// Memory that the workers of one proxy share.
pub trait SharedMemory {
    /// The entry with this name, and the version that a [`Write::Replace`] of it must name.
    fn read(&self, name: &str) -> Option<(Vec<u8>, u32)>;

    /// Writes an entry.
    ///
    /// # Errors
    /// [`Conflict`]: another writer was faster.
    fn write(&self, name: &str, value: &[u8], how: Write) -> Result<(), Conflict>;
}

/// On which condition an entry is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    /// Unconditionally.
    Always,
    /// If it does not exist.
    Create,
    /// If it still has this version.
    Replace(u32),
}

/// Another writer was faster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conflict;

/// The place of one feed in the shared memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    /// How the names of its entries begin.
    prefix: &'static str,
    /// The slot that is examined first.
    first: usize,
    /// The slot that was used last.
    number: usize,
    digest: String,
}

/// Identifies a fetch among those of all workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FetchId(u64);

impl FetchId {
    /// No fetch: the time before the first one.
    pub(super) const NONE: Self = Self(0);

    /// The fetch that a worker begins with its call of this number. The owner numbers of two workers may be close to each
    /// other; the rotation moves them far apart.
    pub(super) const fn of(owner: u64, call: u64) -> Self {
        Self(owner.rotate_left(32).wrapping_add(call))
    }
}

/// Who may fetch. Until `until`, either its owner fetches, or no worker begins a regular fetch because the last one has just
/// ended. A fetch that begins only because of an unknown id depends on `next_lookup` instead, and on `until` after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lease {
    /// The worker that wrote it: a number that each worker chose at random.
    pub(super) owner: u64,
    /// When it ends.
    pub(super) until: UnixSeconds,
    /// Whether its owner is fetching.
    pub(super) fetching: bool,
    /// Consecutive failed fetches.
    pub(super) failures: u32,
    /// The fetch that began last.
    pub(super) fetch: FetchId,
    /// When the next fetch may begin only because of an unknown id.
    pub(super) next_lookup: UnixSeconds,
    /// Which fetch brought the document in the slot, and when.
    pub(super) stored: Option<(FetchId, UnixSeconds)>,
}

/// A document in the shared memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StoredDocument {
    /// The fetch that brought it.
    pub(super) fetch: FetchId,
    /// When it was fetched.
    pub(super) fetched_at: UnixSeconds,
    /// How long it is fresh, from then on.
    pub(super) fresh_for: Seconds,
    /// Its text, unchanged.
    pub(super) text: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LeaseEntry {
    digest: String,
    owner: u64,
    until: i64,
    fetching: bool,
    failures: u32,
    fetch: u64,
    next_lookup: i64,
    set: Option<(u64, i64)>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DocumentEntry {
    digest: String,
    fetch: u64,
    fetched_at: i64,
    fresh_for: u64,
    text: String,
}

impl Slot {
    /// The slot for this part of the configuration.
    pub(super) fn of(prefix: &'static str, description: &str) -> Self {
        let hash = Hash::hash(description.as_bytes());
        let first =
            hash.iter().take(2).fold(0_usize, |number, byte| number.wrapping_mul(256).wrapping_add((*byte).into()));
        let first = first % SHARED_KEY_SLOTS;
        Self { prefix, first, number: first, digest: hex::encode(hash) }
    }

    fn name(&self, number: usize, entry: &str) -> String {
        format!("{}.{number}.{entry}", self.prefix)
    }

    /// Finds this feed's slot. Returns its lease, if there is one, and the version of the entry that a new lease replaces.
    ///
    /// If the slot belongs to another feed, of another plugin or configuration, this one moves: to a slot that it already
    /// has, otherwise to a free one, otherwise to the one whose lease ended longest ago.
    pub(super) fn locate_lease(&mut self, memory: &dyn SharedMemory, now: UnixSeconds) -> (Option<Lease>, Option<u32>) {
        let candidates = (0..SLOTS_TRIED).map(|step| self.first.wrapping_add(step) % SHARED_KEY_SLOTS);
        let mut vacant: Option<(i64, usize, Option<u32>)> = None;
        for number in core::iter::once(self.number).chain(candidates) {
            let found = memory.read(&self.name(number, "lease"));
            let version = found.as_ref().map(|(_, version)| *version);
            let entry = found.and_then(|(bytes, _)| read_lease(&bytes));
            let ended = match entry {
                Some(entry) if entry.digest == self.digest => {
                    self.number = number;
                    return (lease_of(&entry, now), version);
                }
                Some(entry) => entry.until,
                None => i64::MIN,
            };
            if vacant.is_none_or(|(earliest, ..)| ended < earliest) {
                vacant = Some((ended, number, version));
            }
        }
        let Some((_, number, version)) = vacant else { return (None, None) };
        self.number = number;
        (None, version)
    }

    /// Writes the lease. It replaces the entry that [`locate_lease`](Self::locate_lease) found, of this version.
    pub(super) fn write_lease(
        &self,
        memory: &dyn SharedMemory,
        lease: Lease,
        version: Option<u32>,
    ) -> Result<(), Conflict> {
        let how = version.map_or(Write::Create, Write::Replace);
        let entry = LeaseEntry {
            digest: self.digest.clone(),
            owner: lease.owner,
            until: lease.until.get(),
            fetching: lease.fetching,
            failures: lease.failures,
            fetch: lease.fetch.0,
            next_lookup: lease.next_lookup.get(),
            set: lease.stored.map(|(fetch, at)| (fetch.0, at.get())),
        };
        // The entry consists of numbers and a hex string, so serialization cannot fail.
        memory.write(&self.name(self.number, "lease"), &serde_json::to_vec(&entry).unwrap_or_default(), how)
    }

    /// The document, if the slot has one of this feed. It is not parsed here.
    pub(super) fn document(
        &self,
        memory: &dyn SharedMemory,
        max_bytes: usize,
        now: UnixSeconds,
    ) -> Option<StoredDocument> {
        let (bytes, _) = memory.read(&self.name(self.number, "set"))?;
        // A JSON string can be twice as long as its text: each quote needs a backslash.
        if bytes.len() > max_bytes.saturating_mul(2).saturating_add(MAX_SHARED_LEASE_BYTES) {
            return None;
        }
        let entry: DocumentEntry = serde_json::from_value(json::parse(&bytes, 2).ok()?).ok()?;
        let fetched_at = UnixSeconds::new(entry.fetched_at);
        (entry.digest == self.digest && fetched_at <= now.plus(CLOCK_GRAIN)).then_some(StoredDocument {
            fetch: FetchId(entry.fetch),
            fetched_at,
            fresh_for: Seconds::new(entry.fresh_for),
            text: entry.text,
        })
    }

    /// Writes the document.
    pub(super) fn write_document(&self, memory: &dyn SharedMemory, document: &StoredDocument) {
        let entry = DocumentEntry {
            digest: self.digest.clone(),
            fetch: document.fetch.0,
            fetched_at: document.fetched_at.get(),
            fresh_for: document.fresh_for.get(),
            text: document.text.clone(),
        };
        // An unconditional write has no conflicts.
        let _ = memory.write(
            &self.name(self.number, "set"),
            &serde_json::to_vec(&entry).unwrap_or_default(),
            Write::Always,
        );
    }
}

fn read_lease(bytes: &[u8]) -> Option<LeaseEntry> {
    if bytes.len() > MAX_SHARED_LEASE_BYTES {
        return None;
    }
    serde_json::from_value(json::parse(bytes, 2).ok()?).ok()
}

/// The lease of an entry, unless it is from the future.
fn lease_of(entry: &LeaseEntry, now: UnixSeconds) -> Option<Lease> {
    let stored = entry.set.map(|(fetch, at)| (FetchId(fetch), UnixSeconds::new(at)));
    stored.is_none_or(|(_, at)| at <= now.plus(CLOCK_GRAIN)).then_some(Lease {
        owner: entry.owner,
        until: UnixSeconds::new(entry.until),
        fetching: entry.fetching,
        failures: entry.failures,
        fetch: FetchId(entry.fetch),
        next_lookup: UnixSeconds::new(entry.next_lookup),
        stored,
    })
}
