//! Whether profiles are told apart: a token of one role must never serve another (RFC 8725 section 3.12).
//!
//! Two profiles that accept the same `iss` (a template accepts every one that it can represent), or that have a public key in
//! common, must differ in pins, `typ` or audiences so that no token is accepted by both, see
//! [`TokenProfile::is_told_apart_from`]. Otherwise both signature and issuer would fit a token of either. The trust store
//! compares keys that are fetched when they come.

use std::collections::BTreeMap;

use super::reader::{Node, Problems, Read, all};
use crate::config_error::{ConfigCode, ConfigError};
use crate::keys::KeySource;
use crate::profile::{IssuerId, TokenKind, TokenProfile};
use crate::provider::ProviderName;

/// The profiles that could be read so far.
#[derive(Default)]
pub(super) struct Profiles(Vec<Entry>);

struct Entry {
    pointer: String,
    profile: TokenProfile,
    keys: KeySource,
}

impl Profiles {
    /// Adds one.
    pub(super) fn add(&mut self, node: &Node<'_>, profile: &TokenProfile, keys: KeySource) {
        self.0.push(Entry { pointer: node.pointer().to_owned(), profile: profile.clone(), keys });
    }

    /// The sources of keys, by provider.
    pub(super) fn into_key_sources(self) -> BTreeMap<ProviderName, KeySource> {
        self.0.into_iter().map(|Entry { profile, keys, .. }| (profile.name, keys)).collect()
    }

    /// Reports every pair that a token could not tell apart, at the later one.
    pub(super) fn tell_apart(&self, problems: &Problems) -> Read<()> {
        let pairs = self.0.iter().enumerate().flat_map(|(index, later)| {
            self.0.iter().take(index).map(move |earlier| match alike(earlier, later) {
                Some(error) => Err(problems.error(error)),
                None => Ok(()),
            })
        });
        all(pairs).map(drop)
    }
}

fn alike(earlier: &Entry, later: &Entry) -> Option<ConfigError> {
    if earlier.profile.is_told_apart_from(&later.profile) {
        return None;
    }
    let (code, common) = if earlier.profile.issuer.overlaps(&later.profile.issuer) {
        let common = match (&earlier.profile.issuer, &later.profile.issuer) {
            (IssuerId::Absent, _) | (_, IssuerId::Absent) => "both take tokens without `iss`",
            (IssuerId::Exactly(_), IssuerId::Exactly(_)) => "take the same `issuer`",
            (IssuerId::Template(_), _) | (_, IssuerId::Template(_)) => "can take the same `iss`",
        };
        (ConfigCode::ProfilesAlike, common)
    } else if have_a_key_in_common(&later.keys, &earlier.keys) {
        (ConfigCode::SharedKey, "have a public key in common")
    } else {
        return None;
    };
    Some(ConfigError {
        pointer: later.pointer.clone(),
        position: None,
        code,
        message: format!(
            "`{}` and `{}` {common}, so a token of one could serve as a token of the other",
            earlier.profile.name, later.profile.name
        ),
        help: help(&earlier.profile, &later.profile).to_owned(),
    })
}

fn help(one: &TokenProfile, other: &TokenProfile) -> &'static str {
    if [one, other].iter().any(|profile| profile.kind == TokenKind::Posture) {
        "give them `typ` lists without a common value, or add `pins` to both: the same claim with different values, such as \
         `pins: { azp: shop-web }`; if they are lists, no value may be in both"
    } else {
        "give them `typ` lists or `audiences` without a common value, or add `pins` to both: the same claim with different \
         values, such as `pins: { azp: shop-web }`; if they are lists, no value may be in both"
    }
}

/// Of keys that are fetched only what is fetched is known.
fn have_a_key_in_common(one: &KeySource, other: &KeySource) -> bool {
    match (one, other) {
        (KeySource::Inline(one), KeySource::Inline(other)) => one.shares_a_key_with(other),
        (KeySource::Fetched(one), KeySource::Fetched(other)) => one.location.first().url == other.location.first().url,
        (KeySource::Inline(_), KeySource::Fetched(_)) | (KeySource::Fetched(_), KeySource::Inline(_)) => false,
    }
}
