//! What a feed does in the memory that the workers share: it follows the other workers, and ends its own fetches there.

use super::{Feed, LEASE_MARGIN, State};
use crate::fetch::SharedMemory;
use crate::fetch::payload::Payload;
use crate::fetch::shared::{FetchId, Lease, StoredDocument};
use crate::limits::LONGEST_BACK_OFF;
use crate::time::{Seconds, UnixSeconds};

/// What other workers have done.
#[derive(Debug)]
pub(crate) struct News<P: Payload> {
    /// A fetch of another worker has ended.
    pub(crate) has_ended: bool,
    /// The document that another worker shared, unless this worker has examined it before.
    pub(crate) shared: Option<SharedDocument<P>>,
}

/// A document that another worker fetched, or why it cannot be used. The caller may have further checks.
#[derive(Debug)]
pub(crate) struct SharedDocument<P: Payload> {
    pub(crate) document: Result<P::Document, P::Fault>,
    pub(crate) origin: Origin,
}

/// Where a shared document came from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    pub(super) fetch: FetchId,
    pub(super) fetched_at: UnixSeconds,
    pub(super) fresh_for: Seconds,
}

impl<P: Payload> Feed<P> {
    /// Reads what other workers have done.
    pub(crate) fn sync_from_lease(&mut self, memory: &dyn SharedMemory, now: UnixSeconds) -> News<P> {
        self.clamp_to_clock(now);
        let (lease, _) = self.locate_lease(memory, now);
        let has_ended = self.follow_lease(lease, now);
        let shared = lease.and_then(|lease| self.read_shared(lease, memory, now));
        News { has_ended, shared }
    }

    /// Whether a fetch of another worker has ended.
    fn follow_lease(&mut self, lease: Option<Lease>, now: UnixSeconds) -> bool {
        match (self.state, lease) {
            // What that worker fetches may contain what this one is looking for.
            (State::Idle { .. }, Some(lease)) if lease.fetching && now < lease.until && lease.owner != self.owner => {
                self.state = State::FetchingElsewhere(lease.until);
                false
            }
            (State::FetchingElsewhere(_), Some(lease)) if !lease.fetching => {
                self.back_off_with(lease);
                true
            }
            (State::FetchingElsewhere(_), Some(lease)) if now < lease.until => false,
            (State::FetchingElsewhere(until), None) if now < until => false,
            // The worker is gone and its lease has expired, or the lease was overwritten.
            (State::FetchingElsewhere(_), _) => {
                self.state = State::Idle { due: now, earliest: now };
                false
            }
            (State::Idle { .. } | State::Fetching { .. }, _) => false,
        }
    }

    /// A newer document that another worker has shared. Each is examined once, whether it can be used or not.
    fn read_shared(&mut self, lease: Lease, memory: &dyn SharedMemory, now: UnixSeconds) -> Option<SharedDocument<P>> {
        let (fetch, fetched_at) = lease.stored?;
        let is_older = self.held.as_ref().is_some_and(|held| fetched_at < held.fetched_at);
        if self.examined == Some(fetch) || is_older {
            return None;
        }
        self.examined = Some(fetch);
        let stored = self.slot.document(memory, P::MAX_BYTES, now).filter(|stored| stored.fetched_at >= fetched_at)?;
        let StoredDocument { fetch, fetched_at, fresh_for, text } = stored;
        let document = self.payload.parse(text.as_bytes());
        Some(SharedDocument { document, origin: Origin { fetch, fetched_at, fresh_for } })
    }

    /// To be called after the news of [`sync_from_lease`](Self::sync_from_lease) were processed: a fetch that has begun by now
    /// does not count for ids that were first sought since the previous call.
    pub(crate) fn settle_lookups(&mut self) {
        self.lookups.settle(self.latest);
    }

    /// Waits for as long as another worker's lease says.
    pub(super) fn back_off_with(&mut self, lease: Lease) {
        self.failures = lease.failures;
        self.state = State::Idle { due: lease.until, earliest: lease.until };
    }

    /// Finds this feed's slot and reads its lease. A lease that ends later than any worker would write is ignored: it is
    /// forged, or was written before the clock stepped back.
    pub(super) fn locate_lease(&mut self, memory: &dyn SharedMemory, now: UnixSeconds) -> (Option<Lease>, Option<u32>) {
        let (lease, version) = self.slot.locate_lease(memory, now);
        let interval = self.payload.schedule().refetch_interval;
        let longest = |lease: &Lease| match lease {
            Lease { fetching: true, .. } => self.lease_length(),
            Lease { failures: 0, .. } => interval,
            Lease { .. } => LONGEST_BACK_OFF,
        };
        // Another worker may have read its clock a moment later.
        let latest = |length: Seconds| now.plus(length).plus(LEASE_MARGIN);
        let lease = lease.filter(|lease| lease.until <= latest(longest(lease)));
        if let Some(lease) = lease {
            self.latest = lease.fetch;
            if lease.next_lookup <= latest(interval) {
                self.lookups.wait_until(lease.next_lookup);
            }
        }
        (lease, version)
    }

    /// Ends this worker's fetch in the shared memory, with this document or with this many consecutive failures. No worker
    /// begins a regular fetch before `until`. Returns false if the lease belongs to another worker by now: then nothing is
    /// written, and that worker is followed from the next tick on.
    pub(super) fn end_fetch(
        &mut self,
        failures: u32,
        until: UnixSeconds,
        memory: Option<&dyn SharedMemory>,
        document: Option<&StoredDocument>,
        now: UnixSeconds,
    ) -> bool {
        let Some(memory) = memory else { return true };
        let fetch = self.own;
        let (found, version) = self.locate_lease(memory, now);
        let is_ours = found.is_none_or(|found| found.owner == self.owner) && {
            // The document comes first: a worker that reads the lease must find it.
            if let Some(document) = document {
                self.slot.write_document(memory, document);
            }
            let written = document.map(|document| (document.fetch, document.fetched_at));
            let stored = written.or(found.and_then(|found| found.stored)).or(self.held_fetch());
            let next_lookup = self.lookups.next();
            let lease = Lease { owner: self.owner, until, fetching: false, failures, fetch, next_lookup, stored };
            self.slot.write_lease(memory, lease, version).is_ok()
        };
        if !is_ours {
            self.state = State::Idle { due: now, earliest: now };
        }
        is_ours
    }

    /// Gives up a fetch whose answer will never arrive: another worker may begin one at once.
    pub(crate) fn abandon(&mut self, memory: &dyn SharedMemory, now: UnixSeconds) {
        if !matches!(self.state, State::Fetching { .. }) {
            return;
        }
        self.state = State::Idle { due: now, earliest: now };
        let (found, version) = self.locate_lease(memory, now);
        if let Some(lease) = found.filter(|lease| lease.owner == self.owner && lease.fetching) {
            // If this cannot be written, the lease still expires.
            let _written = self.slot.write_lease(memory, Lease { until: now, ..lease }, version);
        }
    }

    /// Which fetch brought the document in use, and when.
    pub(super) fn held_fetch(&self) -> Option<(FetchId, UnixSeconds)> {
        self.held.as_ref().map(|held| (held.fetch, held.fetched_at))
    }
}
