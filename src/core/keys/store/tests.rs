//! Workers with one provider and one memory, in every order of events.

mod feed;
mod lookups;
mod orders;
mod sharing;

use serde_json::json;

use super::{Effect, Report, TrustStore};
use crate::fetch::{Endpoint, FetchFault, FetchRequest, HttpUrl, RequestId, Response, Schedule, SharedMemory};
use crate::jose::Algorithm;
use crate::keys::{FetchedKeys, KeyFetchFault, KeyLocation, KeySource, MissingKey, Prospect};
use crate::mint::SigningKey;
use crate::profile::{Algorithms, TokenProfile};
use crate::provider::ProviderName;
use crate::testing::{self, FakeMemory, NOW, key, other_key};
use crate::time::{Seconds, UnixSeconds};

/// How the profile of these tests fetches: fresh for 100 to 1,000 s, stale for 500 more, one lookup in 20 s.
fn source() -> FetchedKeys {
    let url = HttpUrl::parse("https://issuer.example/keys").unwrap();
    FetchedKeys {
        location: KeyLocation::KeySet(Endpoint { url, cluster: "issuer".to_owned() }),
        schedule: Schedule {
            refresh_min: Seconds::new(100),
            refresh_max: Seconds::new(1_000),
            refetch_interval: Seconds::new(20),
            max_stale: Seconds::new(500),
            timeout: Seconds::new(5),
        },
    }
}

/// [`source`], with another time for which a stale set is used.
fn stale_for(max_stale: u64) -> FetchedKeys {
    let schedule = Schedule { max_stale: Seconds::new(max_stale), ..source().schedule };
    FetchedKeys { schedule, ..source() }
}

fn fetched() -> KeySource {
    KeySource::Fetched(Box::new(source()))
}

/// The profile of these tests. Its keys may be for any algorithm.
fn profile(name: &str) -> TokenProfile {
    TokenProfile { algorithms: Algorithms::NamedByEachKey, ..testing::profile(name) }
}

fn answer(body: &str, cache_control: Option<&str>) -> Response {
    let mut headers = vec![("content-type".to_owned(), b"application/json".to_vec())];
    headers.extend(cache_control.map(|value| ("cache-control".to_owned(), value.as_bytes().to_vec())));
    Response { status: 200, headers, body: body.as_bytes().to_vec(), body_bytes: body.len() }
}

/// A set of keys under these names.
fn set(keys: &[(&str, SigningKey)]) -> Response {
    let keys: Vec<_> = keys.iter().map(|(kid, key)| key.public_jwk(Some(kid))).collect();
    answer(&json!({ "keys": keys }).to_string(), None)
}

fn first_set() -> Response {
    set(&[("first", key(Algorithm::Es256))])
}

fn second_set() -> Response {
    set(&[("second", other_key())])
}

fn failure() -> Response {
    Response { status: 500, ..answer("", None) }
}

/// One worker.
struct Worker {
    store: TrustStore,
    profile: TokenProfile,
    now: UnixSeconds,
    /// The request that was sent last.
    sent: RequestId,
}

impl Worker {
    fn with(source: FetchedKeys, seed: u64) -> Self {
        let profile = profile("corp");
        let sent = RequestId { provider: profile.name.clone(), call: 0 };
        Self {
            store: TrustStore::new([(&profile, &KeySource::Fetched(Box::new(source)))], seed),
            profile,
            now: NOW,
            sent,
        }
    }

    fn new() -> Self {
        Self::with(source(), 1)
    }

    fn tick(&mut self, memory: Option<&FakeMemory>) -> Vec<Effect> {
        let effects = self.store.tick(memory.map(|memory| memory as &dyn SharedMemory), self.now);
        self.remember(&effects);
        effects
    }

    /// The answer to the request that was sent last.
    fn answered(&mut self, response: &Response, memory: Option<&FakeMemory>) -> Vec<Effect> {
        self.answered_to(&self.sent.clone(), response, memory)
    }

    fn answered_to(&mut self, id: &RequestId, response: &Response, memory: Option<&FakeMemory>) -> Vec<Effect> {
        let memory = memory.map(|memory| memory as &dyn SharedMemory);
        let effects = self.store.answered(id, Ok(response), memory, self.now);
        self.remember(&effects);
        effects
    }

    fn remember(&mut self, effects: &[Effect]) {
        if let Some(id) = sent_to(effects, &self.profile.name) {
            self.sent = id;
        }
    }

    /// Later by so many seconds; a tick each. Whether one of them sent a request.
    fn wait(&mut self, seconds: i64) -> bool {
        let mut sent = false;
        for _ in 0..seconds {
            self.now = self.now.plus(Seconds::new(1));
            sent |= sends(&self.tick(None));
        }
        sent
    }

    /// Fetches now and gets this answer.
    fn fetch(&mut self, response: &Response) -> Vec<Effect> {
        assert!(sends(&self.tick(None)), "nothing is sent at {}", self.now.get());
        self.answered(response, None)
    }

    fn key_ids(&self) -> Result<Vec<&str>, Prospect> {
        self.store
            .keys(&self.profile.name, self.now)
            .map(|keys| keys.keys().iter().filter_map(|key| key.key_id()).collect())
    }

    /// A request needs this key.
    fn seek(&mut self, key_id: &str) -> Prospect {
        let prospect = self.store.prospect(&self.profile.name, key_id, self.now);
        let provider = self.profile.name.clone();
        self.store.seek(&MissingKey { provider, sought: Some(key_id.to_owned()), prospect }, self.now);
        prospect
    }
}

/// The request to this provider.
fn sent_to(effects: &[Effect], provider: &ProviderName) -> Option<RequestId> {
    effects.iter().find_map(|effect| match effect {
        Effect::Send(request) if request.id.provider == *provider => Some(request.id.clone()),
        _ => None,
    })
}

/// The effects of the answer to the request that these effects sent to a provider.
fn answer_to(store: &mut TrustStore, sent: &[Effect], profile: &TokenProfile, response: &Response) -> Vec<Effect> {
    store.answered(&sent_to(sent, &profile.name).unwrap(), Ok(response), None, NOW)
}

fn sends(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::Send(_)))
}

fn wakes(effects: &[Effect]) -> bool {
    effects.contains(&Effect::Wake(ProviderName::new("corp")))
}

fn failed(effects: &[Effect]) -> Option<(&'static str, u64)> {
    effects.iter().find_map(|effect| match effect {
        Effect::Report(Report::Failed { fault, retry_after, .. }) => Some((fault.outcome(), retry_after.get())),
        _ => None,
    })
}
