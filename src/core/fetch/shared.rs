//! What the workers of one proxy tell each other about keys, in memory that they share.
//!
//! The memory may be written by others too, so what is read from it is as untrusted as what comes from the network: it is
//! checked whole, and what does not fit is as good as absent. A lost or forged entry costs a fetch, at the worst after the
//! time for which all rest. That a forged *key set*
//! costs no more is up to the host: it shares keys only where the memory is this plugin's own.
//!
//! Each feed has one slot of two entries, a [`Lease`] and a [`SharedSet`], overwritten in place: the memory is never
//! cleared, so names must not grow in number with every configuration. The name carries the format's version and the slot;
//! the entry carries the digest of the part of the configuration that it belongs to.

use core::fmt::Write as _;

use hmac_sha256::Hash;
use serde::{Deserialize, Serialize};

use crate::jose::json;
use crate::limits::{MAX_KEY_SET_BYTES, MAX_SHARED_LEASE_BYTES, SHARED_KEY_SLOTS};
use crate::time::{Seconds, UnixSeconds};

/// Clocks are read in whole seconds, and another worker may have read its own a moment later.
const CLOCK_GRAIN: Seconds = Seconds::new(1);

/// Slots that are looked at for a feed whose first one is another's.
const SLOTS_TRIED: usize = 8;

/// Memory that the workers of one proxy share.
pub trait SharedMemory {
    /// The entry of this name, and the version that a [`Write::Replace`] of it must name.
    fn read(&self, name: &str) -> Option<(Vec<u8>, u32)>;

    /// Writes an entry.
    ///
    /// # Errors
    /// [`Conflict`]: somebody else wrote it first.
    fn write(&self, name: &str, value: &[u8], how: Write) -> Result<(), Conflict>;
}

/// On what an entry may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    /// In any case.
    Always,
    /// If there is none.
    Create,
    /// If it is still of this version.
    Replace(u32),
}

/// Somebody else wrote first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conflict;

/// The place of one feed in the shared memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    /// Where it is looked for first.
    first: usize,
    /// Where it was found last.
    number: usize,
    digest: String,
}

/// Which fetch it is: a number that no other fetch of any worker has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FetchId(u64);

impl FetchId {
    /// Of no fetch: of the time before the first one.
    pub(crate) const NONE: Self = Self(0);

    /// The fetch that a worker begins with its call of this number. Workers make up numbers for themselves, and those of
    /// two could lie close together: turned, they are far apart.
    pub(crate) const fn of(owner: u64, call: u64) -> Self {
        Self(owner.rotate_left(32).wrapping_add(call))
    }
}

/// Who may fetch. Until `until` nobody else does: one fetches, or all rest after a fetch. That rest binds whoever has no
/// keys or whose keys are due. A fetch that only an unknown `kid` asks for is bound by `next_lookup` instead, and by the rest
/// after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lease {
    /// Who wrote it: a number that each worker made up.
    pub(crate) owner: u64,
    /// When it ends.
    pub(crate) until: UnixSeconds,
    /// Whether a fetch is under way.
    pub(crate) fetching: bool,
    /// Fetches in a row that brought nothing.
    pub(crate) failures: u32,
    /// The fetch that began last.
    pub(crate) fetch: FetchId,
    /// When the next fetch may begin that only an unknown `kid` asks for.
    pub(crate) next_lookup: UnixSeconds,
    /// Which fetch brought the set in the slot, and when.
    pub(crate) set: Option<(FetchId, UnixSeconds)>,
}

/// A key set that another worker fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SharedSet {
    /// Which fetch it came from.
    pub(crate) fetch: FetchId,
    /// When.
    pub(crate) fetched_at: UnixSeconds,
    /// How long it is fresh from then on.
    pub(crate) fresh_for: Seconds,
    /// As it came.
    pub(crate) text: String,
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
struct SetEntry {
    digest: String,
    fetch: u64,
    fetched_at: i64,
    fresh_for: u64,
    text: String,
}

impl Slot {
    /// The slot of a part of the configuration that is written so.
    pub(crate) fn of(part: &str) -> Self {
        let hash = Hash::hash(part.as_bytes());
        let mut digest = String::with_capacity(64);
        for byte in hash {
            // Writing into a String cannot fail.
            let _ = write!(digest, "{byte:02x}");
        }
        let first =
            hash.iter().take(2).fold(0_usize, |number, byte| number.wrapping_mul(256).wrapping_add((*byte).into()));
        let first = first % SHARED_KEY_SLOTS;
        Self { first, number: first, digest }
    }

    fn name(number: usize, entry: &str) -> String {
        format!("countersign.keys.2.{number}.{entry}")
    }

    /// The lease, if there is one of this feed, and the version of whatever stands in its place.
    ///
    /// Where another feed has the slot, that of another plugin or of another configuration, this one moves on to the next: to
    /// the one that it has already, else to a free one, else to the one whose lease ended longest ago.
    pub(crate) fn lease(&mut self, memory: &dyn SharedMemory, now: UnixSeconds) -> (Option<Lease>, Option<u32>) {
        let candidates = (0..SLOTS_TRIED).map(|step| self.first.wrapping_add(step) % SHARED_KEY_SLOTS);
        let mut vacant: Option<(i64, usize, Option<u32>)> = None;
        for number in core::iter::once(self.number).chain(candidates) {
            let found = memory.read(&Self::name(number, "lease"));
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

    /// Writes the lease in place of what [`lease`](Self::lease) found there, of this version.
    pub(crate) fn write_lease(
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
            set: lease.set.map(|(fetch, at)| (fetch.0, at.get())),
        };
        // Numbers and a hex text: there is nothing in it that JSON could not hold.
        memory.write(&Self::name(self.number, "lease"), &serde_json::to_vec(&entry).unwrap_or_default(), how)
    }

    /// The set, if there is one of this feed. Its keys are not looked at here.
    pub(crate) fn set(&self, memory: &dyn SharedMemory, now: UnixSeconds) -> Option<SharedSet> {
        let (bytes, _) = memory.read(&Self::name(self.number, "set"))?;
        // A text within JSON can be twice as long: each quote has a backslash.
        if bytes.len() > MAX_KEY_SET_BYTES.saturating_mul(2).saturating_add(MAX_SHARED_LEASE_BYTES) {
            return None;
        }
        let entry: SetEntry = serde_json::from_value(json::parse(&bytes, 2).ok()?).ok()?;
        let fetched_at = UnixSeconds::new(entry.fetched_at);
        (entry.digest == self.digest && fetched_at <= now.plus(CLOCK_GRAIN)).then_some(SharedSet {
            fetch: FetchId(entry.fetch),
            fetched_at,
            fresh_for: Seconds::new(entry.fresh_for),
            text: entry.text,
        })
    }

    /// Writes the set.
    pub(crate) fn write_set(&self, memory: &dyn SharedMemory, set: &SharedSet) {
        let entry = SetEntry {
            digest: self.digest.clone(),
            fetch: set.fetch.0,
            fetched_at: set.fetched_at.get(),
            fresh_for: set.fresh_for.get(),
            text: set.text.clone(),
        };
        // A conflict cannot be where any version may be overwritten.
        let _ = memory.write(
            &Self::name(self.number, "set"),
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

/// A lease that can have been written by now.
fn lease_of(entry: &LeaseEntry, now: UnixSeconds) -> Option<Lease> {
    let set = entry.set.map(|(fetch, at)| (FetchId(fetch), UnixSeconds::new(at)));
    set.is_none_or(|(_, at)| at <= now.plus(CLOCK_GRAIN)).then_some(Lease {
        owner: entry.owner,
        until: UnixSeconds::new(entry.until),
        fetching: entry.fetching,
        failures: entry.failures,
        fetch: FetchId(entry.fetch),
        next_lookup: UnixSeconds::new(entry.next_lookup),
        set,
    })
}
