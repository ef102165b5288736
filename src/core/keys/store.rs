//! The trust store: which keys are believed now, and what is to be done to keep them fresh.
//!
//! It is the only mutable thing that a decision reads. It holds a feed for each profile whose keys are fetched; profiles
//! with keys in the configuration need none.

use core::fmt;

use super::{FetchedSet, KeySource, MissingKey, Prospect};
use crate::fetch::feed::{Feed, News, OthersSet, Progress};
use crate::fetch::shared::Slot;
use crate::fetch::{FetchFault, FetchRequest, RequestId, Response, SharedMemory};
use crate::jose::{KeySet, SkippedKey, SkippedKeys, VerificationKey};
use crate::profile::TokenProfile;
use crate::provider::ProviderName;
use crate::time::{Seconds, UnixSeconds};

/// The keys of all profiles of one configuration, on one worker.
#[derive(Debug, Default)]
pub struct TrustStore {
    members: Vec<Member>,
}

#[derive(Debug)]
struct Member {
    profile: TokenProfile,
    /// None where the keys stand in the configuration.
    feed: Option<Feed>,
}

/// What the host is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Send this, and bring the answer back with [`TrustStore::answered`].
    Send(FetchRequest),
    /// Decide anew about the requests that wait for keys of this provider.
    Wake(ProviderName),
    /// Tell the other workers that the shared memory has news for them.
    TellWorkers,
    /// Tell the operator.
    Report(Report),
}

/// What became of a fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// A set was taken.
    Taken {
        /// Whose.
        provider: ProviderName,
        /// Usable keys in it.
        keys: usize,
        /// Keys that are left out.
        skipped: Vec<SkippedKey>,
        /// How many of those came with members of a private key.
        private_keys: usize,
        /// Whether it differs from the set before it.
        changed: bool,
    },
    /// Nothing was taken; what is held stays.
    Failed {
        /// Whose.
        provider: ProviderName,
        /// Why.
        fault: FetchFault,
        /// The time until the next try.
        retry_after: Seconds,
    },
    /// An earlier profile has got hold of a key of this one's set, so the set is not used any more.
    LetGo {
        /// Whose set it was.
        provider: ProviderName,
        /// Whose key it is now.
        keeper: ProviderName,
    },
    /// Another worker shared a set that is not taken here.
    NotAdopted {
        /// Whose.
        provider: ProviderName,
        /// Why.
        fault: FetchFault,
    },
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken { provider, keys, skipped, .. } => {
                write!(f, "keys of `{provider}`: {keys} taken, {} left out{}", skipped.len(), SkippedKeys(skipped))
            }
            Self::Failed { provider, fault, retry_after } => {
                write!(f, "keys of `{provider}` could not be fetched: {fault}; next try in {retry_after}")
            }
            Self::LetGo { provider, keeper } => write!(
                f,
                "keys of `{provider}` are not used any more: one of them is a key of `{keeper}` too, so a token of one could \
                 serve as a token of the other; add `pins` to both"
            ),
            Self::NotAdopted { provider, fault } => {
                write!(f, "keys of `{provider}` that another worker shared are not taken: {fault}")
            }
        }
    }
}

impl TrustStore {
    /// A store that holds no fetched keys yet, and will fetch at its first tick. Where two profiles get hold of one key, the
    /// first of them in this order keeps it. `seed` makes this worker differ from others.
    pub fn new<'p>(profiles: impl IntoIterator<Item = &'p TokenProfile>, seed: u64) -> Self {
        let profiles: Vec<&TokenProfile> = profiles.into_iter().collect();
        // What decides whether a set is taken: the same for all workers under one configuration, and for later configurations
        // that say the same of providers, whatever their policies.
        let all: String = profiles.iter().map(|profile| described(profile)).collect();
        let mut members: Vec<Member> = Vec::new();
        for (index, profile) in profiles.into_iter().enumerate() {
            let feed = match &profile.keys {
                KeySource::Inline(_) => None,
                KeySource::Fetched(source) => Some(Feed::new(
                    (**source).clone(),
                    Slot::of(&format!("{}\n{all}", profile.name)),
                    seed.wrapping_add(index as u64),
                )),
            };
            members.push(Member { profile: profile.clone(), feed });
        }
        Self { members }
    }

    /// Whether any keys are fetched at all.
    #[must_use]
    pub fn fetches(&self) -> bool {
        self.feeds().next().is_some()
    }

    /// The keys of a profile that may be used now.
    ///
    /// # Errors
    /// There are none: whether some may come.
    pub fn keys<'s>(&'s self, profile: &'s TokenProfile, now: UnixSeconds) -> Result<&'s KeySet, Prospect> {
        match &profile.keys {
            KeySource::Inline(keys) => Ok(keys),
            KeySource::Fetched(_) => {
                let feed = self.feed(&profile.name).ok_or(Prospect::None)?;
                feed.keys(now).ok_or_else(|| feed.prospect(None, now))
            }
        }
    }

    /// Whether a key with this id may come to the keys that the profile has.
    #[must_use]
    pub fn prospect(&self, profile: &TokenProfile, key_id: &str, now: UnixSeconds) -> Prospect {
        self.feed(&profile.name).map_or(Prospect::None, |feed| feed.prospect(Some(key_id), now))
    }

    /// Lets the fetch begin that may bring a key, now or when the provider may be asked again.
    pub fn seek(&mut self, missing: &MissingKey, now: UnixSeconds) {
        if missing.may_come()
            && let Some((_, feed)) = self.position(&missing.provider).and_then(|index| self.member(index))
        {
            feed.seek(missing.key_id.as_deref(), now);
        }
    }

    /// The age of each set that is held.
    pub fn ages(&self, now: UnixSeconds) -> impl Iterator<Item = (&ProviderName, Seconds)> {
        self.feeds().filter_map(move |(name, feed)| Some((name, feed.age(now)?)))
    }

    /// What time, and the other workers, bring.
    pub fn tick(&mut self, memory: Option<&dyn SharedMemory>, now: UnixSeconds) -> Vec<Effect> {
        let mut effects = Vec::new();
        for index in 0..self.members.len() {
            if let Some(memory) = memory {
                self.follow(index, memory, now, &mut effects);
            }
            let progress = self.member(index).and_then(|(_, feed)| feed.tick(memory, now));
            if let Some(progress) = progress {
                self.go_on(index, progress, memory, now, &mut effects);
            }
        }
        effects
    }

    /// What the answer to a request brings; `Err` where it was not even sent.
    pub fn answered(
        &mut self,
        request: &RequestId,
        answer: Result<&Response, FetchFault>,
        memory: Option<&dyn SharedMemory>,
        now: UnixSeconds,
    ) -> Vec<Effect> {
        let mut effects = Vec::new();
        if let Some(index) = self.position(&request.provider)
            && let Some((_, feed)) = self.member(index)
        {
            let progress = feed.answered(request.call, answer, now);
            self.go_on(index, progress, memory, now, &mut effects);
        }
        effects
    }

    fn follow(&mut self, index: usize, memory: &dyn SharedMemory, now: UnixSeconds, effects: &mut Vec<Effect>) {
        let Some((_, feed)) = self.member(index) else { return };
        let News { ended, set } = feed.follow(memory, now);
        let mut is_news = ended;
        if let Some(OthersSet { set, fetch, fetched_at }) = set {
            let checked = set.and_then(|set| self.check(index, set, now));
            let Some((name, feed)) = self.member(index) else { return };
            match checked {
                Ok(set) => {
                    feed.adopt(set, fetch, fetched_at);
                    self.take_from_others(index, effects);
                    is_news = true;
                }
                Err(fault) => effects.push(Effect::Report(Report::NotAdopted { provider: name.clone(), fault })),
            }
        }
        let Some((name, feed)) = self.member(index) else { return };
        feed.settle();
        if is_news {
            effects.push(Effect::Wake(name.clone()));
        }
    }

    fn go_on(
        &mut self,
        index: usize,
        progress: Progress,
        memory: Option<&dyn SharedMemory>,
        now: UnixSeconds,
        effects: &mut Vec<Effect>,
    ) {
        let taken = match progress {
            Progress::Late => return,
            Progress::Rest => {
                effects.extend(self.member(index).map(|(name, _)| Effect::Wake(name.clone())));
                return;
            }
            Progress::Ask(endpoint, call) => {
                if let Some((name, feed)) = self.member(index) {
                    let id = RequestId { provider: name.clone(), call };
                    effects.push(Effect::Send(FetchRequest { id, endpoint, timeout: feed.timeout() }));
                }
                return;
            }
            Progress::Offer(set) => self.check(index, set, now),
            Progress::Failed(fault) => Err(fault),
        };
        let Some((name, feed)) = self.member(index) else { return };
        let provider = name.clone();
        let report = match taken {
            Ok(set) => {
                let changed = !feed.last_keys().is_some_and(|before| before.has_same_keys(&set.keys));
                let (keys, private_keys) = (set.keys.keys().len(), set.private_keys());
                let skipped = set.skipped.clone();
                feed.take(set, memory, now).then(|| Report::Taken {
                    provider: provider.clone(),
                    keys,
                    skipped,
                    private_keys,
                    changed,
                })
            }
            Err(fault) => feed.fail(memory, now).map(|retry_after| Report::Failed {
                provider: provider.clone(),
                fault,
                retry_after,
            }),
        };
        // Without a report another worker has taken over, whose news is on its way.
        let Some(report) = report else { return };
        let was_taken = matches!(report, Report::Taken { .. });
        effects.push(Effect::Report(report));
        if was_taken {
            self.take_from_others(index, effects);
        }
        effects.push(Effect::Wake(provider));
        if memory.is_some() {
            effects.push(Effect::TellWorkers);
        }
    }

    /// A set must not have a key of another profile that no pin tells apart (RFC 8725 section 3.12), unless this profile
    /// comes first: then the other loses it. So all workers come to the same, whichever answer comes first, and nobody
    /// can take the place of an earlier profile by publishing its keys. Keys that stand in the configuration come first.
    fn check(&self, index: usize, set: FetchedSet, now: UnixSeconds) -> Result<FetchedSet, FetchFault> {
        let Some(offered) = self.members.get(index) else { return Ok(set) };
        for (other_index, other) in self.members.iter().enumerate() {
            let keys = match (&other.profile.keys, &other.feed) {
                (KeySource::Inline(keys), _) => Some(keys),
                (KeySource::Fetched(_), Some(feed)) if other_index < index => feed.keys(now),
                (KeySource::Fetched(_), _) => None,
            };
            if other_index != index && shares_a_key(&offered.profile, &other.profile, &set.keys, keys) {
                return Err(FetchFault::SharedKey(other.profile.name.clone()));
            }
        }
        Ok(set)
    }

    /// Later profiles let go of sets that have a key of the one that this profile took.
    fn take_from_others(&mut self, index: usize, effects: &mut Vec<Effect>) {
        let (before, after) = self.members.split_at_mut(index.saturating_add(1));
        let Some(Member { profile, feed: Some(feed) }) = before.last() else { return };
        let Some(taken) = feed.last_keys() else { return };
        for other in after {
            if let Some(others) = &mut other.feed
                && shares_a_key(profile, &other.profile, taken, others.last_keys())
            {
                others.let_go();
                let provider = other.profile.name.clone();
                effects.push(Effect::Report(Report::LetGo { provider, keeper: profile.name.clone() }));
            }
        }
    }

    fn position(&self, provider: &ProviderName) -> Option<usize> {
        self.members.iter().position(|member| member.profile.name == *provider)
    }

    fn member(&mut self, index: usize) -> Option<(&ProviderName, &mut Feed)> {
        let Member { profile, feed } = self.members.get_mut(index)?;
        Some((&profile.name, feed.as_mut()?))
    }

    fn feed(&self, provider: &ProviderName) -> Option<&Feed> {
        self.feeds().find(|(name, _)| *name == provider).map(|(_, feed)| feed)
    }

    fn feeds(&self) -> impl Iterator<Item = (&ProviderName, &Feed)> {
        self.members.iter().filter_map(|member| Some((&member.profile.name, member.feed.as_ref()?)))
    }
}

/// Whether two profiles that no pin tells apart have a key in common.
fn shares_a_key(one: &TokenProfile, other: &TokenProfile, keys: &KeySet, others: Option<&KeySet>) -> bool {
    !one.is_pinned_apart_from(other) && others.is_some_and(|others| others.shares_a_key_with(keys))
}

/// All of a profile that decides which keys it takes.
fn described(profile: &TokenProfile) -> String {
    let TokenProfile { name, issuer, pins, keys, .. } = profile;
    match keys {
        KeySource::Inline(keys) => {
            let thumbprints: Vec<&str> = keys.keys().iter().map(VerificationKey::thumbprint).collect();
            format!("{name} {issuer:?} {pins:?} {thumbprints:?}\n")
        }
        KeySource::Fetched(source) => format!("{name} {issuer:?} {pins:?} {source:?}\n"),
    }
}

#[cfg(test)]
mod tests;
