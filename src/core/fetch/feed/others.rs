//! What a feed does in the memory that the workers share: it follows the others, and ends its own fetches there.

use super::{Feed, LEASE_MARGIN, Turn};
use crate::fetch::shared::{FetchId, Lease, SharedSet};
use crate::fetch::{FetchFault, SharedMemory};
use crate::keys::FetchedSet;
use crate::limits::LONGEST_BACK_OFF;
use crate::time::{Seconds, UnixSeconds};

/// What another worker's work brings.
#[derive(Debug, Default)]
pub(crate) struct News {
    /// Its fetch has ended.
    pub(crate) ended: bool,
    /// The set that it shared, unless this worker has looked at it before.
    pub(crate) set: Option<OthersSet>,
}

/// A set that another worker fetched, not yet checked against other profiles.
#[derive(Debug)]
pub(crate) struct OthersSet {
    pub(crate) set: Result<FetchedSet, FetchFault>,
    pub(crate) fetch: FetchId,
    pub(crate) fetched_at: UnixSeconds,
}

impl Feed {
    /// Notes what other workers do, and what one of them has shared.
    pub(crate) fn follow(&mut self, memory: &dyn SharedMemory, now: UnixSeconds) -> News {
        self.stay_within(now);
        let (lease, _) = self.lease(memory, now);
        let ended = self.follow_lease(lease, now);
        let set = lease.and_then(|lease| self.others_set(lease, memory, now));
        News { ended, set }
    }

    /// Whether another worker's fetch has ended.
    fn follow_lease(&mut self, lease: Option<Lease>, now: UnixSeconds) -> bool {
        match (self.turn, lease) {
            // What it fetches may be what is looked for here.
            (Turn::Due { .. }, Some(lease)) if lease.fetching && now < lease.until && lease.owner != self.owner => {
                self.turn = Turn::Elsewhere(lease.until);
                false
            }
            (Turn::Elsewhere(_), Some(lease)) if !lease.fetching => {
                self.rest_as(lease);
                true
            }
            (Turn::Elsewhere(_), Some(lease)) if now < lease.until => false,
            (Turn::Elsewhere(until), None) if now < until => false,
            // It is gone with its lease, or somebody overwrote that.
            (Turn::Elsewhere(_), _) => {
                self.turn = Turn::Due { at: now, earliest: now };
                false
            }
            (Turn::Due { .. } | Turn::Fetching { .. }, _) => false,
        }
    }

    /// A newer set that another worker has shared. Whether it can be used or not, it is looked at once.
    fn others_set(&mut self, lease: Lease, memory: &dyn SharedMemory, now: UnixSeconds) -> Option<OthersSet> {
        let (fetch, fetched_at) = lease.set?;
        let is_older = self.held.as_ref().is_some_and(|held| fetched_at < held.fetched_at);
        if self.seen == Some(fetch) || is_older {
            return None;
        }
        self.seen = Some(fetch);
        let shared = self.slot.set(memory, now).filter(|shared| shared.fetched_at >= fetched_at)?;
        let parsed = FetchedSet::parse(shared.text.as_bytes(), self.source.algorithms.as_deref());
        let set = parsed.map(|parsed| FetchedSet { lifetime: Some(shared.fresh_for), ..parsed });
        Some(OthersSet { set, fetch: shared.fetch, fetched_at: shared.fetched_at })
    }

    /// To be called after what [`follow`](Self::follow) brought was taken: the fetch that has begun by now does not count for
    /// the keys that are looked for here since a moment ago.
    pub(crate) fn settle(&mut self) {
        self.lookups.settle(self.latest);
    }

    /// Rests as another worker's lease says.
    pub(crate) fn rest_as(&mut self, lease: Lease) {
        self.failures = lease.failures;
        self.turn = Turn::Due { at: lease.until, earliest: lease.until };
    }

    /// The lease in the slot. Nobody of us writes one that ends later than what it is for can take: such a one is forged, or
    /// from before the clock stepped back.
    pub(crate) fn lease(&mut self, memory: &dyn SharedMemory, now: UnixSeconds) -> (Option<Lease>, Option<u32>) {
        let (lease, version) = self.slot.lease(memory, now);
        let longest = |lease: &Lease| match lease {
            Lease { fetching: true, .. } => self.lease_length(),
            Lease { failures: 0, .. } => self.source.refetch_interval,
            Lease { .. } => LONGEST_BACK_OFF,
        };
        // Another worker may have read its clock a moment later.
        let latest = |length: Seconds| now.plus(length).plus(LEASE_MARGIN);
        let lease = lease.filter(|lease| lease.until <= latest(longest(lease)));
        if let Some(lease) = lease {
            self.latest = lease.fetch;
            if lease.next_lookup <= latest(self.source.refetch_interval) {
                self.lookups.wait_until(lease.next_lookup);
            }
        }
        (lease, version)
    }

    /// Ends this worker's fetch in the shared memory, with this set or with so many failures in a row; all rest until then.
    /// False where the lease is another worker's by now: nothing is written, and that one is followed from the next tick on.
    pub(crate) fn end_fetch(
        &mut self,
        failures: u32,
        until: UnixSeconds,
        memory: Option<&dyn SharedMemory>,
        set: Option<&SharedSet>,
        now: UnixSeconds,
    ) -> bool {
        let Some(memory) = memory else { return true };
        let fetch = self.own;
        let (found, version) = self.lease(memory, now);
        let ours = found.is_none_or(|found| found.owner == self.owner) && {
            // The set first: whoever reads the lease must find it.
            if let Some(set) = set {
                self.slot.write_set(memory, set);
            }
            let in_slot = set.map(|set| (set.fetch, set.fetched_at));
            let set = in_slot.or(found.and_then(|found| found.set)).or(self.held_set());
            let next_lookup = self.lookups.next();
            let lease = Lease { owner: self.owner, until, fetching: false, failures, fetch, next_lookup, set };
            self.slot.write_lease(memory, lease, version).is_ok()
        };
        if !ours {
            self.turn = Turn::Due { at: now, earliest: now };
        }
        ours
    }

    /// The set that is held here: which fetch brought it, and when.
    pub(crate) fn held_set(&self) -> Option<(FetchId, UnixSeconds)> {
        self.held.as_ref().map(|held| (held.fetch, held.fetched_at))
    }
}
