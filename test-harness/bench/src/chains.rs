//! Every chain that is measured: its filters, its requests, and the bare chain with the same requests.

use std::io;
use std::path::Path;
use std::sync::Arc;

use countersign_core::limits::REMEMBERED_BYTES;

use crate::countersign::Policies;
use crate::load::{Credentials, Load};
use crate::native::TokenCache;
use crate::tokens::{Keys, Kind, Pair, damaged};

/// The filters of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filters {
    /// None: the router answers.
    Bare,
    /// A wasm module that is called with the headers and does nothing.
    Nothing,
    /// `jwt_authn` and `rbac` on the user's token.
    NativeOne,
    /// `jwt_authn` and `rbac` on both tokens.
    NativeTwo(TokenCache),
    /// Countersign on the user's token.
    CountersignOne(Module),
    /// Countersign on both tokens.
    CountersignTwo {
        /// Which module.
        module: Module,
        /// Its policies.
        policies: Policies,
        /// Bytes that a worker may use to remember tokens.
        remembered_bytes: usize,
    },
    /// A script that verifies one signature.
    Lua,
    /// A service that is asked over HTTP.
    ExtAuthzHttp,
    /// A service that is asked over gRPC.
    ExtAuthzGrpc,
}

/// A module of Countersign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Module {
    /// The one that accepts policies as text.
    Full,
    /// The one that accepts prepared policies only.
    Lean,
}

/// The requests of a chain. Those of one kind have the same length, whatever their tokens are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requests {
    /// No token.
    Anonymous,
    /// A user's token, RS256.
    OneToken,
    /// A user's and a device's token, RS256.
    TwoTokens,
    /// The same, ES256.
    TwoTokensEs256,
    /// The same as `TwoTokens`, 6 KB each.
    TwoTokens12k,
    /// The same as `TwoTokens`, with the headers of a browser.
    Browser,
    /// The same as `TwoTokens`, and the policy does not permit this device.
    Risky,
    /// The same as `TwoTokens`, and the signature of the user's token is wrong.
    Damaged,
    /// Tokens that Envoy has not seen, RS256.
    Fresh,
    /// The same, ES256.
    FreshEs256,
    /// So many pairs of tokens in turn, ES256.
    Sessions(usize),
}

impl Requests {
    /// The bare chain with requests of the same length.
    #[must_use]
    pub const fn twin(self) -> &'static str {
        match self {
            Self::Anonymous => "bare_anonymous",
            Self::OneToken => "bare_one_token",
            Self::TwoTokens | Self::Risky | Self::Damaged | Self::Fresh => "bare_two_tokens",
            Self::TwoTokensEs256 | Self::FreshEs256 | Self::Sessions(_) => "bare_two_tokens_es256",
            Self::TwoTokens12k => "bare_two_tokens_12k",
            Self::Browser => "bare_browser",
        }
    }

    /// The status of every answer, where something is checked.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Risky => 403,
            Self::Damaged => 401,
            _ => 200,
        }
    }

    /// Whether no token may be sent twice.
    #[must_use]
    pub const fn are_fresh(self) -> bool {
        matches!(self, Self::Fresh | Self::FreshEs256)
    }

    /// The requests. Pools of tokens are kept in this folder; the fresh ones suffice for so many requests.
    ///
    /// # Errors
    /// A pool cannot be written.
    pub fn load(self, keys: &Keys, folder: &Path, fresh: usize) -> io::Result<Load> {
        let one = |kind| Arc::<[Pair]>::from([keys.sign(kind, 0)]);
        let credentials = match self {
            Self::Anonymous => Credentials::None,
            Self::OneToken => Credentials::User(one(Kind::RS256)),
            Self::TwoTokens | Self::Browser => Credentials::Both(one(Kind::RS256)),
            Self::TwoTokensEs256 => Credentials::Both(one(Kind::ES256)),
            Self::TwoTokens12k => Credentials::Both(one(Kind::LARGE)),
            Self::Risky => Credentials::Both(one(Kind::RISKY)),
            Self::Damaged => {
                let Pair { user, device } = keys.sign(Kind::RS256, 0);
                Credentials::Both(Arc::from([Pair { user: damaged(&user), device }]))
            }
            Self::Fresh => Credentials::Both(keys.pool(folder, Kind::RS256, fresh)?),
            Self::FreshEs256 => Credentials::Both(keys.pool(folder, Kind::ES256, fresh)?),
            Self::Sessions(count) => Credentials::Both(keys.pool(folder, Kind::ES256, count)?),
        };
        let load = Load::new(credentials);
        Ok(if self == Self::Browser { load.with_browser_headers() } else { load })
    }
}

/// A chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chain {
    /// Its name in the report, and of its listener.
    pub name: &'static str,
    /// Its filters.
    pub filters: Filters,
    /// Its requests.
    pub requests: Requests,
    /// Whether a quick run leaves it out, because it takes too long to prepare.
    pub long_only: bool,
}

impl Chain {
    const fn new(name: &'static str, filters: Filters, requests: Requests) -> Self {
        Self { name, filters, requests, long_only: false }
    }

    const fn in_long_runs_only(self) -> Self {
        Self { long_only: true, ..self }
    }

    /// The status of every answer.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self.filters {
            Filters::Bare | Filters::Nothing => 200,
            _ => self.requests.status(),
        }
    }
}

const BARE: Filters = Filters::Bare;
const NATIVE_TWO: Filters = Filters::NativeTwo(TokenCache::On);
const UNCACHED: Filters = Filters::NativeTwo(TokenCache::Off);
const COUNTERSIGN_ONE: Filters = Filters::CountersignOne(Module::Full);
const COUNTERSIGN_TWO: Filters = policies(1);
const ONE_POLICY: Policies = Policies { of_others: 0, evaluated: 1 };
const LEAN_ONE: Filters = Filters::CountersignOne(Module::Lean);
const LEAN_TWO: Filters = two_tokens(Module::Lean, ONE_POLICY, REMEMBERED_BYTES.default);

/// So many policies, of which one is evaluated for the requests.
const fn policies(policies: usize) -> Filters {
    two_tokens(Module::Full, Policies { of_others: policies - 1, evaluated: 1 }, REMEMBERED_BYTES.default)
}

/// So many policies, all of which are evaluated for every request.
const fn evaluated(policies: usize) -> Filters {
    two_tokens(Module::Full, Policies { of_others: 0, evaluated: policies }, REMEMBERED_BYTES.default)
}

/// With room for the tokens of 100,000 sessions.
const SESSIONS: Filters = two_tokens(Module::Full, ONE_POLICY, REMEMBERED_BYTES.max);

const fn two_tokens(module: Module, policies: Policies, remembered_bytes: usize) -> Filters {
    Filters::CountersignTwo { module, policies, remembered_bytes }
}

/// All chains, in the order of the report.
pub const CHAINS: &[Chain] = &[
    Chain::new("bare_anonymous", BARE, Requests::Anonymous),
    Chain::new("bare_one_token", BARE, Requests::OneToken),
    Chain::new("bare_two_tokens", BARE, Requests::TwoTokens),
    Chain::new("bare_two_tokens_es256", BARE, Requests::TwoTokensEs256),
    Chain::new("bare_two_tokens_12k", BARE, Requests::TwoTokens12k),
    Chain::new("bare_browser", BARE, Requests::Browser),
    Chain::new("wasm_nothing", Filters::Nothing, Requests::TwoTokens),
    Chain::new("native_one_token", Filters::NativeOne, Requests::OneToken),
    Chain::new("native_two_tokens", NATIVE_TWO, Requests::TwoTokens),
    Chain::new("native_two_tokens_12k", NATIVE_TWO, Requests::TwoTokens12k),
    Chain::new("native_browser", NATIVE_TWO, Requests::Browser),
    Chain::new("native_two_tokens_uncached", UNCACHED, Requests::TwoTokens),
    Chain::new("native_two_tokens_uncached_es256", UNCACHED, Requests::TwoTokensEs256),
    Chain::new("native_refused", NATIVE_TWO, Requests::Risky),
    Chain::new("native_bad_signature", NATIVE_TWO, Requests::Damaged),
    Chain::new("countersign_anonymous", COUNTERSIGN_ONE, Requests::Anonymous),
    Chain::new("countersign_one_token", COUNTERSIGN_ONE, Requests::OneToken),
    Chain::new("countersign_two_tokens", COUNTERSIGN_TWO, Requests::TwoTokens),
    Chain::new("countersign_two_tokens_es256", COUNTERSIGN_TWO, Requests::TwoTokensEs256),
    Chain::new("countersign_two_tokens_12k", COUNTERSIGN_TWO, Requests::TwoTokens12k),
    Chain::new("countersign_browser", COUNTERSIGN_TWO, Requests::Browser),
    Chain::new("countersign_cold", COUNTERSIGN_TWO, Requests::Fresh),
    Chain::new("countersign_cold_es256", COUNTERSIGN_TWO, Requests::FreshEs256),
    Chain::new("countersign_refused", COUNTERSIGN_TWO, Requests::Risky),
    Chain::new("countersign_bad_signature", COUNTERSIGN_TWO, Requests::Damaged),
    Chain::new("countersign_policies_10", policies(10), Requests::TwoTokens),
    Chain::new("countersign_policies_100", policies(100), Requests::TwoTokens),
    Chain::new("countersign_policies_1000", policies(1_000), Requests::TwoTokens),
    Chain::new("countersign_policies_10000", policies(10_000), Requests::TwoTokens).in_long_runs_only(),
    Chain::new("countersign_evaluated_10", evaluated(10), Requests::TwoTokens),
    Chain::new("countersign_evaluated_100", evaluated(100), Requests::TwoTokens),
    Chain::new("countersign_sessions_1", SESSIONS, Requests::Sessions(1)),
    Chain::new("countersign_sessions_1000", SESSIONS, Requests::Sessions(1_000)),
    Chain::new("countersign_sessions_100000", SESSIONS, Requests::Sessions(100_000)).in_long_runs_only(),
    Chain::new("lean_anonymous", LEAN_ONE, Requests::Anonymous),
    Chain::new("lean_one_token", LEAN_ONE, Requests::OneToken),
    Chain::new("lean_two_tokens", LEAN_TWO, Requests::TwoTokens),
    Chain::new("lean_two_tokens_12k", LEAN_TWO, Requests::TwoTokens12k),
    Chain::new("lean_browser", LEAN_TWO, Requests::Browser),
    Chain::new("lean_cold", LEAN_TWO, Requests::Fresh),
    Chain::new("lean_cold_es256", LEAN_TWO, Requests::FreshEs256),
    Chain::new("lua", Filters::Lua, Requests::OneToken),
    Chain::new("ext_authz_http", Filters::ExtAuthzHttp, Requests::TwoTokens),
    Chain::new("ext_authz_grpc", Filters::ExtAuthzGrpc, Requests::TwoTokens),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{CHAINS, Filters};

    #[test]
    fn every_chain_has_a_name_of_its_own_and_a_bare_twin_that_every_run_measures() {
        let names: BTreeSet<&str> = CHAINS.iter().map(|chain| chain.name).collect();
        assert_eq!(names.len(), CHAINS.len());
        for chain in CHAINS {
            let twin = CHAINS.iter().find(|twin| twin.name == chain.requests.twin()).expect("a twin");
            assert_eq!(twin.filters, Filters::Bare);
            assert!(!twin.long_only);
            if chain.filters == Filters::Bare {
                assert_eq!(twin.name, chain.name);
            }
        }
    }
}
