//! Key sets as documents that are kept fresh.

use super::{FetchedKeys, FetchedSet, KeyFetchFault, KeyLocation, key_endpoint};
use crate::fetch::payload::{Answer, Payload};
use crate::fetch::{Endpoint, Response, Schedule};
use crate::jose::KeyUse;
use crate::limits::MAX_KEY_SET_BYTES;
use crate::profile::{Algorithms, TokenProfile};

/// The key set of one provider.
#[derive(Debug)]
pub(super) struct ProviderKeys {
    source: FetchedKeys,
    algorithms: Algorithms,
    key_use: KeyUse,
}

impl ProviderKeys {
    pub(super) fn new(source: FetchedKeys, profile: &TokenProfile) -> Self {
        Self { source, algorithms: profile.algorithms.clone(), key_use: profile.key_use }
    }
}

impl Payload for ProviderKeys {
    type Document = FetchedSet;
    type Fault = KeyFetchFault;

    const SHARED_NAME: &'static str = "countersign.keys.2";
    const MAX_BYTES: usize = MAX_KEY_SET_BYTES;

    fn schedule(&self) -> &Schedule {
        &self.source.schedule
    }

    fn first_endpoint(&self) -> &Endpoint {
        self.source.location.first()
    }

    fn calls(&self) -> u64 {
        match self.source.location {
            KeyLocation::KeySet(_) | KeyLocation::ById(_) => 1,
            KeyLocation::Metadata { .. } => 2,
        }
    }

    fn read(&self, earlier: u64, response: &Response) -> Result<Answer<FetchedSet>, KeyFetchFault> {
        match (&self.source.location, earlier) {
            (KeyLocation::Metadata { metadata, issuer, key_host }, 0) => {
                key_endpoint(response, metadata, issuer, key_host.as_ref()).map(Answer::Next)
            }
            _ => FetchedSet::read(response, self.algorithms.listed(), self.key_use).map(Answer::Document),
        }
    }

    fn parse(&self, text: &[u8]) -> Result<FetchedSet, KeyFetchFault> {
        FetchedSet::parse(text, self.algorithms.listed(), self.key_use)
    }

    fn ids(set: &FetchedSet) -> impl Iterator<Item = &str> {
        set.keys.keys().iter().filter_map(|key| key.key_id())
    }
}
