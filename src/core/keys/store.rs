//! The trust store: which keys are trusted now, and what must be done to keep them fresh.
//!
//! It is the only mutable value that a decision reads.

use super::by_id::{Answered, Due, KeysById};
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
    /// They are fetched one by one.
    ById(Box<KeysById>),
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
                KeySource::Fetched(source) if source.location.is_by_id() => {
                    let base = source.location.first().clone();
                    Keys::ById(Box::new(KeysById::new(base, source.schedule, profile)))
                }
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
            if other.last_keys().any(|others| shares_a_key(member, other, &keys, others)) {
                return Err(InstallFault::SharedKey(other.profile.name.clone()));
            }
        }
        member.keys = Keys::Fixed(keys);
        Ok(())
    }

    /// Whether any keys are fetched.
    #[must_use]
    pub fn fetches(&self) -> bool {
        self.members.iter().any(Member::fetches)
    }

    /// Whether the keys of this provider are fetched.
    #[must_use]
    pub fn fetches_for(&self, provider: &ProviderName) -> bool {
        self.members.iter().any(|member| member.profile.name == *provider && member.fetches())
    }

    /// Whether the keys of this provider are fetched one by one.
    #[must_use]
    pub fn fetches_by_id(&self, provider: &ProviderName) -> bool {
        let is_by_id = |member: &Member| matches!(member.keys, Keys::ById(_));
        self.members.iter().any(|member| member.profile.name == *provider && is_by_id(member))
    }

    /// The keys of a provider that may be used now. Of keys that are fetched one by one, none.
    ///
    /// # Errors
    /// There are none: whether some may become available.
    pub fn keys(&self, provider: &ProviderName, now: UnixSeconds) -> Result<&KeySet, Prospect> {
        self.keys_with(provider, None, now)
    }

    /// The keys of a provider that may be used now for a token with this `kid`: the whole set, or of keys that are fetched
    /// one by one the key with this id.
    ///
    /// # Errors
    /// There are none: whether some may become available.
    pub fn keys_with(
        &self,
        provider: &ProviderName,
        key_id: Option<&str>,
        now: UnixSeconds,
    ) -> Result<&KeySet, Prospect> {
        let member = self.members.iter().find(|member| member.profile.name == *provider).ok_or(Prospect::None)?;
        match &member.keys {
            Keys::Fixed(keys) => Ok(keys),
            Keys::Fetched(feed) => feed.current(now).map(|set| &set.keys).ok_or_else(|| feed.prospect(None, now)),
            Keys::ById(keys) => {
                let key_id = key_id.ok_or(Prospect::None)?;
                keys.current(key_id, now).ok_or_else(|| keys.prospect(key_id, now))
            }
        }
    }

    /// Whether a key with this id, or for the token with this digest, may become available in addition to the keys that the
    /// provider has.
    #[must_use]
    pub fn prospect(&self, provider: &ProviderName, sought: &str, now: UnixSeconds) -> Prospect {
        match self.position(provider).and_then(|index| self.members.get(index)).map(|member| &member.keys) {
            Some(Keys::Fetched(feed)) => feed.prospect(Some(sought), now),
            Some(Keys::ById(keys)) => keys.prospect(sought, now),
            Some(Keys::Fixed(_)) | None => Prospect::None,
        }
    }

    /// Lets a fetch begin that may bring a key, now or when the provider may be asked again.
    pub fn seek(&mut self, missing: &MissingKey, now: UnixSeconds) {
        if !missing.may_come() {
            return;
        }
        let member = self.position(&missing.provider).and_then(|index| self.members.get_mut(index));
        match (member.map(|member| &mut member.keys), missing.sought.as_deref()) {
            (Some(Keys::Fetched(feed)), sought) => feed.seek(sought, now),
            (Some(Keys::ById(keys)), Some(id)) => keys.seek(id, now),
            (Some(Keys::ById(_) | Keys::Fixed(_)) | None, _) => {}
        }
    }

    /// The age of each set that was fetched and is held.
    pub fn ages(&self, now: UnixSeconds) -> impl Iterator<Item = (&ProviderName, Seconds)> {
        self.members.iter().filter_map(move |member| {
            let age = match &member.keys {
                Keys::Fixed(_) => None,
                Keys::Fetched(feed) => feed.age(now),
                Keys::ById(keys) => keys.age(now),
            };
            Some((&member.profile.name, age?))
        })
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
            self.tick_by_id(index, now, &mut effects);
        }
        effects
    }

    /// Gives up all fetches, whose answers will never arrive: other workers may begin them at once.
    pub fn abandon(&mut self, memory: &dyn SharedMemory, now: UnixSeconds) {
        for index in 0..self.members.len() {
            if let Some((_, feed)) = self.feed_mut(index) {
                feed.abandon(memory, now);
            }
        }
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
        let Some(index) = self.position(&request.provider) else { return effects };
        match self.members.get_mut(index).map(|member| &mut member.keys) {
            Some(Keys::Fetched(feed)) => {
                let progress = feed.answered(request.call, answer, now);
                self.apply(index, progress, memory, now, &mut effects);
            }
            Some(Keys::ById(keys)) => {
                let answered = keys.answered(request.call, answer, now);
                self.apply_by_id(index, answered, now, &mut effects);
            }
            Some(Keys::Fixed(_)) | None => {}
        }
        effects
    }

    fn tick_by_id(&mut self, index: usize, now: UnixSeconds, effects: &mut Vec<Effect>) {
        let Some((provider, keys)) = self.by_id_mut(index) else { return };
        let (provider, timeout) = (provider.clone(), keys.timeout());
        for due in keys.tick(now) {
            match due {
                Due::Send(endpoint, call) => {
                    let id = RequestId { provider: provider.clone(), call };
                    effects.push(Effect::Send(FetchRequest { id, endpoint, timeout }));
                }
                Due::TimedOut(id) => {
                    let fault = FetchFault::NoAnswer.into();
                    self.apply_by_id(index, Answered::Nothing(id, fault), now, effects);
                }
            }
        }
    }

    /// Accepts or rejects one key. Other workers are not told: each fetches the keys that its own requests need.
    fn apply_by_id(&mut self, index: usize, answered: Answered, now: UnixSeconds, effects: &mut Vec<Effect>) {
        let (id, checked) = match answered {
            Answered::Ignored => return,
            Answered::Key(id, set, lifetime) => (id, self.check(index, &set, now).map(|()| (set, lifetime))),
            Answered::Nothing(id, fault) => (id, Err(fault)),
        };
        let Some((provider, keys)) = self.by_id_mut(index) else { return };
        let provider = provider.clone();
        let report = match checked {
            Ok((set, lifetime)) => {
                let changed = !keys.held().any(|held| held.has_same_keys(&set.keys));
                keys.accept(&id, set, lifetime, now);
                let keys = keys.held().count();
                Report::Taken { provider: provider.clone(), keys, skipped: Vec::new(), private_keys: 0, changed }
            }
            Err(fault) => {
                let retry_after = keys.fail(&id, &fault, now);
                Report::Failed { provider: provider.clone(), fault, retry_after }
            }
        };
        let is_accepted = matches!(report, Report::Taken { .. });
        effects.push(Effect::Report(report));
        if is_accepted {
            self.discard_from_later(index, effects);
        }
        effects.push(Effect::Wake(provider));
    }

    fn by_id_mut(&mut self, index: usize) -> Option<(&ProviderName, &mut KeysById)> {
        match self.members.get_mut(index)? {
            Member { profile, keys: Keys::ById(keys) } => Some((&profile.name, keys)),
            Member { keys: Keys::Fixed(_) | Keys::Fetched(_), .. } => None,
        }
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
            let mut keys: Vec<&KeySet> = Vec::new();
            match &other.keys {
                Keys::Fixed(fixed) => keys.push(fixed),
                Keys::Fetched(feed) if other_index < index => keys.extend(feed.current(now).map(|set| &set.keys)),
                Keys::ById(held) if other_index < index => keys.extend(held.held()),
                Keys::Fetched(_) | Keys::ById(_) => {}
            }
            if other_index != index && keys.into_iter().any(|keys| shares_a_key(offered, other, &set.keys, keys)) {
                return Err(KeyFetchFault::SharedKey(other.profile.name.clone()));
            }
        }
        Ok(())
    }

    /// Discards the sets of later providers that have a key of the set that this provider has just received.
    fn discard_from_later(&mut self, index: usize, effects: &mut Vec<Effect>) {
        let (before, after) = self.members.split_at_mut(index.saturating_add(1));
        let Some(keeper) = before.last() else { return };
        let kept: Vec<&KeySet> = keeper.last_keys().collect();
        for other in after {
            if keeper.profile.is_told_apart_from(&other.profile) {
                continue;
            }
            let is_kept = |keys: &KeySet| kept.iter().any(|kept| keys.shares_a_key_with(kept));
            let has_one = other.last_keys().any(is_kept);
            let is_discarded = match &mut other.keys {
                Keys::Fixed(_) => false,
                Keys::Fetched(feed) => {
                    if has_one {
                        feed.discard();
                    }
                    has_one
                }
                Keys::ById(keys) => keys.discard(is_kept),
            };
            if is_discarded {
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
            Member { keys: Keys::Fixed(_) | Keys::ById(_), .. } => None,
        }
    }
}

impl Member {
    fn fetches(&self) -> bool {
        !matches!(self.keys, Keys::Fixed(_))
    }

    /// The keys that were accepted last, however old they are.
    fn last_keys(&self) -> impl Iterator<Item = &KeySet> {
        let (set, by_id) = match &self.keys {
            Keys::Fixed(keys) => (Some(keys), None),
            Keys::Fetched(feed) => (feed.last().map(|set| &set.keys), None),
            Keys::ById(keys) => (None, Some(keys.held())),
        };
        set.into_iter().chain(by_id.into_iter().flatten())
    }
}

/// Whether two providers whose tokens are not told apart have a key in common.
fn shares_a_key(one: &Member, other: &Member, keys: &KeySet, others: &KeySet) -> bool {
    !one.profile.is_told_apart_from(&other.profile) && others.shares_a_key_with(keys)
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
