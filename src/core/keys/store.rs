//! The trust store: which keys are trusted now, and what must be done to keep them fresh.
//!
//! It is the only mutable value that a decision reads.

use super::payload::ProviderKeys;
use super::{Effect, FetchedSet, KeyFetchFault, KeySource, MissingKey, Report};
use crate::fetch::feed::{Feed, News, Progress, SharedDocument};
use crate::fetch::{FetchFault, FetchRequest, Prospect, RequestId, Response, SharedMemory};
use crate::jose::{KeySet, VerificationKey};
use crate::profile::TokenProfile;
use crate::provider::ProviderName;
use crate::time::{Seconds, UnixSeconds};

/// The keys of all providers of one configuration, on one worker. An empty store verifies no token.
#[derive(Debug, Default)]
pub struct TrustStore {
    members: Vec<Member>,
}

/// One provider.
#[derive(Debug)]
struct Member {
    /// What its tokens must look like.
    profile: TokenProfile,
    keys: Keys,
}

#[derive(Debug)]
enum Keys {
    /// They do not change.
    Fixed(KeySet),
    /// They are fetched.
    Fetched(Box<Feed<ProviderKeys>>),
}

/// Why keys cannot be installed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InstallFault {
    /// The store has no provider of this name.
    #[error("no issuer or device provider of the configuration has this name")]
    UnknownProvider,
    /// A key of the set is also a key of this provider, and nothing tells tokens of the two apart.
    #[error("{}", KeyFetchFault::SharedKey(.0.clone()))]
    SharedKey(ProviderName),
}

impl TrustStore {
    /// A store with the keys that the configuration contains. Keys that are fetched are requested at the first tick. If two
    /// providers have the same key, the first of them in this order keeps it. `seed` makes this worker differ from others.
    pub fn new<'p>(sources: impl IntoIterator<Item = (&'p TokenProfile, &'p KeySource)>, seed: u64) -> Self {
        let sources: Vec<(&TokenProfile, &KeySource)> = sources.into_iter().collect();
        // Everything that decides whether a set is accepted. It is the same for all workers under one configuration, and for
        // later configurations that differ only in other parts, such as policies.
        let all: String = sources.iter().map(|(profile, source)| describe(profile, source)).collect();
        let member = |(index, (profile, source)): (usize, (&TokenProfile, &KeySource))| Member {
            profile: (*profile).clone(),
            keys: match source {
                KeySource::Inline(keys) => Keys::Fixed(keys.clone()),
                KeySource::Fetched(source) => {
                    let keys = ProviderKeys::new((**source).clone(), profile);
                    let description = format!("{}\n{all}", profile.name);
                    Keys::Fetched(Box::new(Feed::new(keys, &description, seed.wrapping_add(index as u64))))
                }
            },
        };
        Self { members: sources.into_iter().enumerate().map(member).collect() }
    }

    /// Replaces the keys of a provider by these, which then do not change.
    ///
    /// # Errors
    /// See [`InstallFault`].
    pub fn install(&mut self, provider: &ProviderName, keys: KeySet) -> Result<(), InstallFault> {
        let index = self.position(provider).ok_or(InstallFault::UnknownProvider)?;
        let (before, rest) = self.members.split_at_mut(index);
        let (member, after) = rest.split_first_mut().ok_or(InstallFault::UnknownProvider)?;
        for other in before.iter().chain(after.iter()) {
            if shares_a_key(member, other, &keys, other.last_keys()) {
                return Err(InstallFault::SharedKey(other.profile.name.clone()));
            }
        }
        member.keys = Keys::Fixed(keys);
        Ok(())
    }

    /// Whether any keys are fetched.
    #[must_use]
    pub fn fetches(&self) -> bool {
        self.feeds().next().is_some()
    }

    /// Whether the keys of this provider are fetched.
    #[must_use]
    pub fn fetches_for(&self, provider: &ProviderName) -> bool {
        self.feeds().any(|(name, _)| name == provider)
    }

    /// The keys of a provider that may be used now.
    ///
    /// # Errors
    /// There are none: whether some may become available.
    pub fn keys(&self, provider: &ProviderName, now: UnixSeconds) -> Result<&KeySet, Prospect> {
        let member = self.members.iter().find(|member| member.profile.name == *provider).ok_or(Prospect::None)?;
        match &member.keys {
            Keys::Fixed(keys) => Ok(keys),
            Keys::Fetched(feed) => feed.current(now).map(|set| &set.keys).ok_or_else(|| feed.prospect(None, now)),
        }
    }

    /// Whether a key with this id, or for the token with this digest, may become available in addition to the keys that the
    /// provider has.
    #[must_use]
    pub fn prospect(&self, provider: &ProviderName, sought: &str, now: UnixSeconds) -> Prospect {
        let feed = self.feeds().find(|(name, _)| *name == provider);
        feed.map_or(Prospect::None, |(_, feed)| feed.prospect(Some(sought), now))
    }

    /// Lets a fetch begin that may bring a key, now or when the provider may be asked again.
    pub fn seek(&mut self, missing: &MissingKey, now: UnixSeconds) {
        if missing.may_come()
            && let Some((_, feed)) = self.position(&missing.provider).and_then(|index| self.feed_mut(index))
        {
            feed.seek(missing.sought.as_deref(), now);
        }
    }

    /// The age of each set that was fetched and is held.
    pub fn ages(&self, now: UnixSeconds) -> impl Iterator<Item = (&ProviderName, Seconds)> {
        self.feeds().filter_map(move |(name, feed)| Some((name, feed.age(now)?)))
    }

    /// Does what is due by now, and reads what other workers have done.
    pub fn tick(&mut self, memory: Option<&dyn SharedMemory>, now: UnixSeconds) -> Vec<Effect> {
        let mut effects = Vec::new();
        for index in 0..self.members.len() {
            if let Some(memory) = memory {
                self.sync_from_workers(index, memory, now, &mut effects);
            }
            let progress = self.feed_mut(index).and_then(|(_, feed)| feed.tick(memory, now));
            if let Some(progress) = progress {
                self.apply(index, progress, memory, now, &mut effects);
            }
        }
        effects
    }

    /// Processes the answer to a request; `Err` if the request was not sent.
    pub fn answered(
        &mut self,
        request: &RequestId,
        answer: Result<&Response, FetchFault>,
        memory: Option<&dyn SharedMemory>,
        now: UnixSeconds,
    ) -> Vec<Effect> {
        let mut effects = Vec::new();
        if let Some(index) = self.position(&request.provider)
            && let Some((_, feed)) = self.feed_mut(index)
        {
            let progress = feed.answered(request.call, answer, now);
            self.apply(index, progress, memory, now, &mut effects);
        }
        effects
    }

    /// Accepts or rejects the set that another worker shared.
    fn sync_from_workers(
        &mut self,
        index: usize,
        memory: &dyn SharedMemory,
        now: UnixSeconds,
        effects: &mut Vec<Effect>,
    ) {
        let Some((_, feed)) = self.feed_mut(index) else { return };
        let News { has_ended, shared } = feed.sync_from_lease(memory, now);
        let mut is_news = has_ended;
        if let Some(SharedDocument { document, origin }) = shared {
            let checked = document.and_then(|set| self.check(index, &set, now).map(|()| set));
            let Some((name, feed)) = self.feed_mut(index) else { return };
            match checked {
                Ok(set) => {
                    feed.accept_shared(set, origin);
                    self.discard_from_later(index, effects);
                    is_news = true;
                }
                Err(fault) => effects.push(Effect::Report(Report::NotAdopted { provider: name.clone(), fault })),
            }
        }
        let Some((name, feed)) = self.feed_mut(index) else { return };
        feed.settle_lookups();
        if is_news {
            effects.push(Effect::Wake(name.clone()));
        }
    }

    fn apply(
        &mut self,
        index: usize,
        progress: Progress<ProviderKeys>,
        memory: Option<&dyn SharedMemory>,
        now: UnixSeconds,
        effects: &mut Vec<Effect>,
    ) {
        let checked = match progress {
            Progress::Ignored => return,
            Progress::Deferred => {
                effects.extend(self.feed_mut(index).map(|(name, _)| Effect::Wake(name.clone())));
                return;
            }
            Progress::Send(endpoint, call) => {
                if let Some((name, feed)) = self.feed_mut(index) {
                    let id = RequestId { provider: name.clone(), call };
                    effects.push(Effect::Send(FetchRequest { id, endpoint, timeout: feed.timeout() }));
                }
                return;
            }
            Progress::Received(fetched) => self.check(index, &fetched.document, now).map(|()| fetched),
            Progress::Failed(fault) => Err(fault),
        };
        let Some((name, feed)) = self.feed_mut(index) else { return };
        let provider = name.clone();
        let report = match checked {
            Ok(fetched) => {
                let FetchedSet { keys, skipped } = &fetched.document;
                let accepted = Report::Taken {
                    provider: provider.clone(),
                    keys: keys.keys().len(),
                    skipped: skipped.clone(),
                    private_keys: fetched.document.private_keys(),
                    changed: !feed.last().is_some_and(|before| before.keys.has_same_keys(keys)),
                };
                feed.accept_fetched(fetched, memory, now).then_some(accepted)
            }
            Err(fault) => feed.fail(memory, now).map(|retry_after| Report::Failed {
                provider: provider.clone(),
                fault,
                retry_after,
            }),
        };
        // Without a report, another worker has taken over. Its result is read from the shared memory.
        let Some(report) = report else { return };
        let is_accepted = matches!(report, Report::Taken { .. });
        effects.push(Effect::Report(report));
        if is_accepted {
            self.discard_from_later(index, effects);
        }
        effects.push(Effect::Wake(provider));
        if memory.is_some() {
            effects.push(Effect::TellWorkers);
        }
    }

    /// Rejects a set with a key that another provider keeps.
    ///
    /// Two providers must not have the same key unless pins, `typ` or audiences tell their tokens apart (RFC 8725 section
    /// 3.12). Keys that do not change stay with their provider; of two providers whose keys are fetched, the earlier one
    /// keeps the key and the later one loses its set. All workers therefore come to the same result, whichever answer comes first, and no provider
    /// can displace an earlier one by publishing its keys.
    fn check(&self, index: usize, set: &FetchedSet, now: UnixSeconds) -> Result<(), KeyFetchFault> {
        let Some(offered) = self.members.get(index) else { return Ok(()) };
        for (other_index, other) in self.members.iter().enumerate() {
            let keys = match &other.keys {
                Keys::Fixed(keys) => Some(keys),
                Keys::Fetched(feed) if other_index < index => feed.current(now).map(|set| &set.keys),
                Keys::Fetched(_) => None,
            };
            if other_index != index && shares_a_key(offered, other, &set.keys, keys) {
                return Err(KeyFetchFault::SharedKey(other.profile.name.clone()));
            }
        }
        Ok(())
    }

    /// Discards the sets of later providers that have a key of the set that this provider has just received.
    fn discard_from_later(&mut self, index: usize, effects: &mut Vec<Effect>) {
        let (before, after) = self.members.split_at_mut(index.saturating_add(1));
        let Some(keeper) = before.last() else { return };
        let Some(keys) = keeper.last_keys() else { return };
        for other in after {
            let has_one = shares_a_key(keeper, other, keys, other.last_keys());
            if let Keys::Fetched(feed) = &mut other.keys
                && has_one
            {
                feed.discard();
                let provider = other.profile.name.clone();
                effects.push(Effect::Report(Report::LetGo { provider, keeper: keeper.profile.name.clone() }));
            }
        }
    }

    fn position(&self, provider: &ProviderName) -> Option<usize> {
        self.members.iter().position(|member| member.profile.name == *provider)
    }

    fn feed_mut(&mut self, index: usize) -> Option<(&ProviderName, &mut Feed<ProviderKeys>)> {
        match self.members.get_mut(index)? {
            Member { profile, keys: Keys::Fetched(feed) } => Some((&profile.name, feed)),
            Member { keys: Keys::Fixed(_), .. } => None,
        }
    }

    fn feeds(&self) -> impl Iterator<Item = (&ProviderName, &Feed<ProviderKeys>)> {
        self.members.iter().filter_map(|member| Some((&member.profile.name, member.feed()?)))
    }
}

impl Member {
    fn feed(&self) -> Option<&Feed<ProviderKeys>> {
        match &self.keys {
            Keys::Fixed(_) => None,
            Keys::Fetched(feed) => Some(feed),
        }
    }

    /// The keys that were accepted last, however old they are.
    fn last_keys(&self) -> Option<&KeySet> {
        match &self.keys {
            Keys::Fixed(keys) => Some(keys),
            Keys::Fetched(feed) => feed.last().map(|set| &set.keys),
        }
    }
}

/// Whether two providers whose tokens are not told apart have a key in common.
fn shares_a_key(one: &Member, other: &Member, keys: &KeySet, others: Option<&KeySet>) -> bool {
    !one.profile.is_told_apart_from(&other.profile) && others.is_some_and(|others| others.shares_a_key_with(keys))
}

/// Everything about a provider that decides which keys it may have.
fn describe(profile: &TokenProfile, source: &KeySource) -> String {
    let TokenProfile { name, kind, issuer, subject, audiences, typ, pins, algorithms, key_use, .. } = profile;
    let apart = format!("{name} {kind:?} {issuer:?} {subject:?} {audiences:?} {typ:?} {pins:?}");
    match source {
        KeySource::Inline(keys) => {
            let thumbprints: Vec<&str> = keys.keys().iter().map(VerificationKey::thumbprint).collect();
            format!("{apart} {thumbprints:?}\n")
        }
        KeySource::Fetched(source) => format!("{apart} {algorithms:?} {key_use:?} {source:?}\n"),
    }
}

#[cfg(test)]
mod tests;
