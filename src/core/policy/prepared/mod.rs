//! Prepared policies: what load has made of policy text, as one string that a plugin without Cedar can read.
//!
//! The string has four parts with dots between them: the number of the format, the digest of what the policies were validated
//! against, the digest of the policies, and the policies. The last three are base64url without padding.
//!
//! | file | what |
//! |---|---|
//! | `context` | the digest of what policies are validated against |
//! | `bytes` | numbers, strings and lists as bytes, with caps on nesting and on memory |
//! | `annotations`, `rule`, `program` | what a policy says, when it applies, and all policies, as bytes |
//!
//! The same policies in the same configuration always give the same string. A plugin accepts a string only with the rest of
//! the configuration that it was prepared with: another type of a fact, or a route that no longer requires a device, could
//! change what a policy means.

pub(in crate::policy) mod context;

mod annotations;
mod bytes;
mod program;
mod rule;

#[cfg(test)]
mod tests;

use hmac_sha256::Hash;

use self::bytes::Malformed;
use self::context::ContextDigest;
use super::Vocabulary;
use super::decide::Program;
use crate::jose::base64url;

/// The number of the format. Every change of what the bytes mean gives another one.
const FORMAT: &str = "3";

/// Why a string is not accepted as prepared policies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::policy) enum PreparedFault {
    /// It is in another format.
    Format,
    /// It was prepared with another configuration.
    Context,
    /// It is not what was prepared: cut or changed.
    Damaged(&'static str),
}

/// The string of a program.
pub(in crate::policy) fn prepare(program: &Program, vocabulary: Vocabulary<'_>, context: &ContextDigest) -> String {
    let bytes = program::encode(program, vocabulary);
    let [context, digest, policies] = [context.as_slice(), &Hash::hash(&bytes), &bytes].map(base64url::encode);
    format!("{FORMAT}.{context}.{digest}.{policies}")
}

/// The program of a string.
///
/// # Errors
/// See [`PreparedFault`].
pub(in crate::policy) fn load(
    text: &str,
    vocabulary: Vocabulary<'_>,
    context: &ContextDigest,
) -> Result<Program, PreparedFault> {
    let mut parts = text.split('.');
    let format = parts.next().filter(|format| is_number(format)).ok_or(NOT_PREPARED)?;
    if format != FORMAT {
        return Err(PreparedFault::Format);
    }
    let [Some(prepared_with), Some(digest), Some(policies), None] = core::array::from_fn(|_| parts.next()) else {
        return Err(NOT_PREPARED);
    };
    let part = |text: &str| base64url::decode(text.as_bytes()).ok_or(NOT_PREPARED);
    let (prepared_with, digest, bytes) = (part(prepared_with)?, part(digest)?, part(policies)?);
    if digest != Hash::hash(&bytes) {
        return Err(PreparedFault::Damaged("the policies do not have the digest that is written before them"));
    }
    if prepared_with != context {
        return Err(PreparedFault::Context);
    }
    program::decode(&bytes, vocabulary).map_err(|Malformed(what)| PreparedFault::Damaged(what))
}

const NOT_PREPARED: PreparedFault =
    PreparedFault::Damaged("it does not have the four parts that `countersign prepare` writes");

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
