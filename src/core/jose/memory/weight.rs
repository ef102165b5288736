//! How many bytes a remembered token takes, estimated from the sizes of types on this target and of what they hold.
//!
//! Where claims are held they take most of it: a short claim is ten times as large in memory as in a token. A test of the
//! harness compares the estimate with what an allocator hands out.

use core::mem::size_of;

use serde_json::Value;

use super::{Entry, Sample};
use crate::jose::VerifiedToken;

/// What an allocator takes for itself and for alignment with each piece of memory.
const ALLOCATION: usize = 2 * size_of::<usize>();

/// The smallest piece of memory that the allocator of WebAssembly hands out.
const SMALLEST: usize = 16;

/// Places of the list of entries that a sample has; a list begins with four.
const PLACES: usize = 4 * size_of::<usize>();

/// A member of a map: its hash, its name and its value.
const MEMBER: usize = size_of::<(usize, String, Value)>();

/// Fewest places of a map that has any member.
const FEWEST_MEMBERS: usize = 4;

/// What an entry takes whatever its token is: the token itself with the counters of its references, its place among the
/// entries, and its place in the index. The two lists grow by doubling, so half of their places again are free.
const ENTRY: usize = size_of::<VerifiedToken>()
    + 2 * size_of::<usize>()
    + half_more(size_of::<Option<Entry>>() + size_of::<(Sample, Vec<usize>)>() + 1)
    + PLACES
    + 2 * ALLOCATION;

const fn half_more(bytes: usize) -> usize {
    bytes.saturating_add(bytes / 2)
}

/// Bytes that a remembered token takes.
pub(super) fn weight(token: &VerifiedToken) -> usize {
    let claims = token.held_claims().into_iter().flat_map(|claims| claims.as_object());
    let claims = claims.map(|(name, value)| (name.as_str(), value));
    let texts = [token.text().len(), token.payload().len(), token.key_thumbprint().len()];
    let names = [token.key_id(), token.typ()].into_iter().flatten().map(str::len);
    let pieces = texts.into_iter().chain(names).map(allocated);
    let parts = [weight_of_members(claims), token.reading_bytes()];
    pieces.chain(parts).fold(ENTRY, usize::saturating_add)
}

/// Bytes beside the value itself. The nesting of claims is limited, so the recursion ends.
fn weight_of(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => allocated(text.capacity()),
        Value::Array(list) => {
            let places = allocated(list.capacity().saturating_mul(size_of::<Value>()));
            list.iter().map(weight_of).fold(places, usize::saturating_add)
        }
        Value::Object(map) => weight_of_members(map.iter().map(|(name, value)| (name.as_str(), value))),
    }
}

/// A map has a power of two of places, an eighth of them free, and a table that finds them by hash.
fn weight_of_members<'a>(members: impl Iterator<Item = (&'a str, &'a Value)>) -> usize {
    let (count, inside) = members.fold((0_usize, 0_usize), |(count, inside), (name, value)| {
        let member = allocated(name.len()).saturating_add(weight_of(value));
        (count.saturating_add(1), inside.saturating_add(member))
    });
    if count == 0 {
        return 0;
    }
    let places = count.saturating_add(count / 7).max(FEWEST_MEMBERS).checked_next_power_of_two().unwrap_or(count);
    let table = allocated(places.saturating_mul(size_of::<usize>().saturating_add(1)));
    let used = places.saturating_sub(places / 8);
    [allocated(used.saturating_mul(MEMBER)), table].into_iter().fold(inside, usize::saturating_add)
}

/// What a piece of memory of so many bytes takes; an empty one is not allocated.
pub(crate) fn allocated(bytes: usize) -> usize {
    if bytes == 0 { 0 } else { bytes.saturating_add(ALLOCATION).max(SMALLEST) }
}
