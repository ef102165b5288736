//! Looking up ids that the current document does not contain: which ids the provider must still be asked for, which ids it
//! was asked for, and when it may be asked again. For key sets an id is a `kid`, or the digest of a token that names no key.
//! No document contains such a digest. It counts as asked for once a fetch that began later has brought a set.
//!
//! # When an id is unknown
//!
//! A token is refused because of its key (401 `token-key`) only if the provider was asked for its `kid`: a document without
//! that id came from a fetch that began after this worker had first seen the id, in a token or in an earlier document.
//! Clients log users out on a 401. Until such a document has come, the request therefore waits or gets a 503
//! (`keys-unavailable`), which asks the client to retry. A fetch that was already under way when the id was first seen does
//! not count, because the provider may have answered before it had the key.
//!
//! The order of "first seen" and "began" does not depend on a clock. A new id is compared with the fetch that began last
//! ([`settle`](Lookups::settle)); from then on only documents of other fetches count for it. A clock that steps therefore
//! cannot make a key unknown.
//!
//! # What a flood of made-up ids can do
//!
//! Fetches that begin only because of an unknown id are limited: one may begin at once, and one more after each
//! `refetch_interval`, over all workers that share memory. Fetches that are due anyway are not counted, so a new key is looked
//! up at once even if the document was refreshed a moment ago. A flood of made-up ids uses up that allowance. A new id then
//! gets 503 with the time until the next fetch, and that fetch happens whether or not the client retries. A valid token with
//! a new key is therefore accepted after one interval at the latest, and its client is never told that the key does not
//! exist. Tokens with known keys are not affected. Memory is bounded: at most [`MAX_UNKNOWN_KEYS`] ids that must still be
//! asked for and as many ids that were asked for are kept, as digests. Ids beyond that are looked up nevertheless, because
//! every new document is compared with the token when the client retries. While the flood lasts, a token with a withdrawn key
//! may get 503 instead of 401, which is the less harmful mistake.

use super::shared::FetchId;
use super::unknown_ids::{IdDigest, UnknownIds};
use crate::limits::MAX_UNKNOWN_KEYS;
use crate::time::{Seconds, UnixSeconds};

/// The ids that one worker knows to be looked up at one provider.
#[derive(Debug)]
pub(super) struct Lookups {
    sought: Vec<Sought>,
    unknown: UnknownIds,
    /// When the next fetch may begin only because of an unknown id.
    next: UnixSeconds,
}

/// An id that the provider must still be asked for.
#[derive(Clone, Copy, Debug)]
struct Sought {
    id: IdDigest,
    /// The fetch that had begun last when the id was first seen; `None` until that is known.
    after: Option<FetchId>,
}

impl Default for Lookups {
    /// No id was sought yet, and a fetch may begin at once.
    fn default() -> Self {
        Self { sought: Vec::new(), unknown: UnknownIds::default(), next: UnixSeconds::new(i64::MIN) }
    }
}

impl Lookups {
    /// Whether the provider was asked for this id so recently that it is not asked again.
    pub(super) fn is_unknown(&self, id: &str, now: UnixSeconds, interval: Seconds) -> bool {
        self.unknown.holds(IdDigest::of(id), now, interval)
    }

    /// Notes that the provider must be asked for this id.
    pub(super) fn seek(&mut self, id: &str) {
        let id = IdDigest::of(id);
        if self.sought.len() < MAX_UNKNOWN_KEYS && self.sought.iter().all(|sought| sought.id != id) {
            self.sought.push(Sought { id, after: None });
        }
    }

    /// Whether the provider must still be asked for any id.
    pub(super) fn are_pending(&self) -> bool {
        !self.sought.is_empty()
    }

    /// Notes for all new ids that this fetch may have begun before they were first seen.
    pub(super) fn settle(&mut self, latest: FetchId) {
        for sought in &mut self.sought {
            sought.after.get_or_insert(latest);
        }
    }

    /// Notes that this fetch brought a document with these ids. `before` are the ids of the document that it replaces.
    pub(super) fn answered<'d>(
        &mut self,
        fetch: FetchId,
        ids: impl IntoIterator<Item = &'d str>,
        before: impl IntoIterator<Item = &'d str>,
        now: UnixSeconds,
    ) {
        let present: Vec<IdDigest> = ids.into_iter().map(IdDigest::of).collect();
        let is_present = |id| present.contains(&id);
        self.unknown.renew(is_present, now);
        let unknown = &mut self.unknown;
        self.sought.retain(|sought| {
            let was_asked = sought.after.is_some_and(|after| after != fetch);
            if was_asked && !is_present(sought.id) {
                unknown.note(sought.id, now);
            }
            !was_asked && !is_present(sought.id)
        });
        // Ids that the provider withdrew were seen in the document before. They are noted last, so that a flood of other ids
        // does not push them out.
        for withdrawn in before.into_iter().map(IdDigest::of).filter(|id| !is_present(*id)) {
            unknown.note(withdrawn, now);
        }
    }

    /// When the next fetch may begin only because of an unknown id.
    pub(super) const fn next(&self) -> UnixSeconds {
        self.next
    }

    /// Lets no fetch begin only because of an unknown id before this time.
    pub(super) fn wait_until(&mut self, next: UnixSeconds) {
        self.next = self.next.max(next);
    }

    /// Lets the next one begin at this time at the latest, because the clock may have stepped back.
    pub(super) fn clamp(&mut self, latest: UnixSeconds) {
        self.next = self.next.min(latest);
    }
}

#[cfg(test)]
mod tests;
