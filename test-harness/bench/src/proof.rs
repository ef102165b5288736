//! Each chain proves that it does its work before it is measured.

use std::io;
use std::net::SocketAddr;

use test_harness::envoy::Envoy;
use test_harness::http1::Request;

use crate::chains::{Chain, Filters, Requests};
use crate::load::Load;
use crate::native::TokenCache;
use crate::work;

/// The request with this number is answered as expected; with damaged tokens, or without any, it is refused.
///
/// # Errors
/// It is not, and the error says what was answered.
pub fn prove(chain: &Chain, load: &Load, number: usize, address: SocketAddr) -> io::Result<()> {
    let good = ask(&load.request(number), address)?;
    if good != chain.status() {
        return Err(wrong(chain, &format!("answered {good}, and {} was expected", chain.status())));
    }
    if matches!(chain.filters, Filters::Bare | Filters::Nothing) {
        return Ok(());
    }
    let bad = match chain.requests {
        // Nobody without a token may use another path.
        Requests::Anonymous => {
            vec![Request::new("GET", work::path(0).as_bytes()).header("host", work::HOST.as_bytes())]
        }
        // It is damaged already, and was refused above.
        Requests::Damaged => Vec::new(),
        _ => load.damaged_requests(number),
    };
    for request in bad {
        let status = ask(&request, address)?;
        if !matches!(status, 401 | 403) {
            return Err(wrong(chain, &format!("answered {status} to a request that must be refused")));
        }
    }
    Ok(())
}

/// A chain of `jwt_authn` with a cache takes a token that it has seen from there, by Envoy's own count, and one without
/// a cache does not. Otherwise a cache that holds nothing would make the native filters look slow.
///
/// # Errors
/// It does not, or Envoy does not tell.
pub fn prove_cache(chain: &Chain, load: &Load, address: SocketAddr, envoy: &Envoy) -> io::Result<()> {
    let cached = match chain.filters {
        // A token that is refused is not kept.
        Filters::NativeTwo(_) if chain.requests == Requests::Damaged => return Ok(()),
        Filters::NativeOne | Filters::NativeTwo(TokenCache::On) => true,
        Filters::NativeTwo(TokenCache::Off) => false,
        _ => return Ok(()),
    };
    for number in 0..2 {
        ask(&load.request(number), address)?;
    }
    let counted = envoy.stats(&format!("^http.{}.jwt_authn.jwt_cache_hit$", chain.name))?;
    match counted.values().sum::<u64>() {
        hits if (hits > 0) == cached => Ok(()),
        hits => Err(wrong(chain, &format!("took {hits} tokens from the cache of `jwt_authn`"))),
    }
}

fn ask(request: &Request, address: SocketAddr) -> io::Result<u16> {
    request.send(address).map(|answer| answer.status)
}

fn wrong(chain: &Chain, what: &str) -> io::Error {
    io::Error::other(format!("the chain `{}` {what}; nothing of it can be measured", chain.name))
}
