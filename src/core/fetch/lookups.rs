//! Looking up a `kid` that no key at hand has: about which of them a provider is still to be asked, about which it was asked,
//! and when it may be asked again.
//!
//! # When a `kid` is unknown
//!
//! A token is refused for its key (401 `token-key`) only if the provider was asked about its `kid`: a set without that `kid`
//! came from a fetch that began after this worker had first seen the `kid`, in a token or in an earlier set. Clients log
//! people out on a 401, so until such a set has come the answer is another one: the request waits, or is told to come again
//! (503 `keys-unavailable`). A fetch that was under way when the `kid` was first seen does not count, because the provider may
//! have answered before it had the key.
//!
//! The order of "first seen" and "began" is not read from a clock. A `kid` that is new is compared with the fetch that began
//! last ([`settle`](Lookups::settle)): only sets of other fetches count for it from then on. So a clock that steps makes
//! nobody's key unknown.
//!
//! # What a flood of made-up `kid`s can do
//!
//! Fetches that only a `kid` asks for are counted: one may begin at once, and one more after each `refetch_interval`, over
//! all workers that share. Fetches that come due anyway are not counted, so a new key is looked up at once however short ago
//! the set was refreshed. During a flood of made-up `kid`s that allowance is used up: a `kid` that is new is answered 503 with
//! the time until the next fetch, and that fetch is made whether or not the client comes again. So a valid token with a new
//! key is allowed after one interval at the latest, and it is not told that its key does not exist. Tokens with known keys
//! never come here. Memory is flat: of ids still to be asked about and of ids asked about,
//! [`MAX_UNKNOWN_KEYS`] each are kept, as digests. A `kid` beyond that is looked up all the same, because each set is
//! compared with the token when it comes again; but while the flood lasts a token with an old key may be told 503, where it
//! would be told 401 otherwise. That is the cheaper mistake of the two.

use super::shared::FetchId;
use super::unknown_keys::{KeyIdDigest, UnknownKeys};
use crate::jose::KeySet;
use crate::limits::MAX_UNKNOWN_KEYS;
use crate::time::{Seconds, UnixSeconds};

/// What one worker knows of the ids that one provider was asked about or is to be asked about.
#[derive(Debug)]
pub(crate) struct Lookups {
    sought: Vec<Sought>,
    unknown: UnknownKeys,
    /// When the next fetch may begin that only a `kid` asks for.
    next: UnixSeconds,
}

/// An id that the provider is still to be asked about.
#[derive(Clone, Copy, Debug)]
struct Sought {
    key_id: KeyIdDigest,
    /// The fetch that had begun last when the id was new; `None` until that is known.
    after: Option<FetchId>,
}

impl Default for Lookups {
    /// Nothing was asked, and a fetch may begin at once.
    fn default() -> Self {
        Self { sought: Vec::new(), unknown: UnknownKeys::default(), next: UnixSeconds::new(i64::MIN) }
    }
}

impl Lookups {
    /// Whether the provider was asked about this id, and so recently that it is not asked again.
    pub(crate) fn is_unknown(&self, key_id: &str, now: UnixSeconds, interval: Seconds) -> bool {
        self.unknown.holds(KeyIdDigest::of(key_id), now, interval)
    }

    /// Notes that the provider is to be asked about this id.
    pub(crate) fn seek(&mut self, key_id: &str) {
        let key_id = KeyIdDigest::of(key_id);
        if self.sought.len() < MAX_UNKNOWN_KEYS && self.sought.iter().all(|sought| sought.key_id != key_id) {
            self.sought.push(Sought { key_id, after: None });
        }
    }

    /// Whether there is any id that the provider is still to be asked about.
    pub(crate) fn are_pending(&self) -> bool {
        !self.sought.is_empty()
    }

    /// Notes that no fetch up to this one is known to have begun after the ids were seen that are new.
    pub(crate) fn settle(&mut self, latest: FetchId) {
        for sought in &mut self.sought {
            sought.after.get_or_insert(latest);
        }
    }

    /// This fetch brought this set in place of the one before it.
    pub(crate) fn answered(&mut self, fetch: FetchId, set: &KeySet, before: Option<&KeySet>, now: UnixSeconds) {
        let there = digests(set);
        let is_there = |key_id| there.contains(&key_id);
        self.unknown.renew(is_there, now);
        let unknown = &mut self.unknown;
        self.sought.retain(|sought| {
            let was_asked = sought.after.is_some_and(|after| after != fetch);
            if was_asked && !is_there(sought.key_id) {
                unknown.note(sought.key_id, now);
            }
            !was_asked && !is_there(sought.key_id)
        });
        // What the provider withdrew was seen in the set before. Last, so that a flood does not push it out.
        for withdrawn in before.map(digests).unwrap_or_default().into_iter().filter(|key_id| !is_there(*key_id)) {
            unknown.note(withdrawn, now);
        }
    }

    /// When the next fetch may begin that only a `kid` asks for.
    pub(crate) const fn next(&self) -> UnixSeconds {
        self.next
    }

    /// No fetch that only a `kid` asks for may begin before this time.
    pub(crate) fn wait_until(&mut self, next: UnixSeconds) {
        self.next = self.next.max(next);
    }

    /// The next one may begin at this time at the latest: the clock may have stepped back.
    pub(crate) fn stay_within(&mut self, latest: UnixSeconds) {
        self.next = self.next.min(latest);
    }
}

fn digests(set: &KeySet) -> Vec<KeyIdDigest> {
    set.keys().iter().filter_map(|key| key.key_id()).map(KeyIdDigest::of).collect()
}

#[cfg(test)]
mod tests;
