//! Request headers that servers trust, and that are therefore removed from every request before it is forwarded.
//!
//! With such a header another proxy tells an application who the user is, or with which host and path a request
//! arrived. If an application once ran behind that proxy, or if its framework reads the header by default, a client
//! that sends the header itself can impersonate anyone. None of these headers is evidence here.
//!
//! [`REMOVED`] is the list, [`LEFT_ALONE`] names headers that look similar and stay, and the configuration's
//! `request_headers` changes the list. The documentation's tables, the warnings of `countersign check` and the
//! removal itself are all made from these.
//!
//! No list can contain every header that some application trusts. The guarantee is: headers of this list, of
//! `request_headers.remove`, of `identity_headers` and of evidence do not arrive as the client sent them.

mod list;
mod pattern;
mod rules;
mod screen;

pub use list::{LEFT_ALONE, REMOVED};
pub use pattern::Pattern;
pub use rules::HeaderRules;
pub use screen::Screen;

use crate::text::ByteSet;

/// Headers that the same servers trust.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    /// Names in their normal form ([`normal_form`]); one that ends with `*` covers all names that begin so.
    pub names: &'static [&'static str],
    /// What a client could claim with them.
    pub says: Says,
    /// Which servers trust them.
    pub believed_by: &'static str,
}

/// What a header says about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    /// Who asks, or with which rights.
    Identity,
    /// Which certificate the client has.
    Certificate,
    /// On whose data the request works.
    Tenant,
    /// Another method, host, port, scheme or path than the ones that were decided on.
    Target,
    /// Another client address than the one that was decided on.
    Address,
    /// That a check was done already, or where to send the next request.
    Trust,
    /// What the plugin itself says.
    Ours,
    /// A credential for the proxy.
    ProxyCredential,
}

impl Says {
    /// A phrase for it that follows "says".
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Identity => "who asks, or with which rights",
            Self::Certificate => "which certificate the client has",
            Self::Tenant => "on whose data the request works",
            Self::Target => "another method, host, port, scheme or path than the ones that were judged",
            Self::Address => "another client address than the one that was judged",
            Self::Trust => "that a check was done already, or which proxy to use",
            Self::Ours => "what the plugin found out",
            Self::ProxyCredential => "a credential for the proxy, not for the application",
        }
    }

    /// Whether `request_headers.keep` may name it. The plugin's own headers and credentials for the proxy
    /// must never reach the application as the client sent them.
    #[must_use]
    pub const fn may_be_kept(self) -> bool {
        match self {
            Self::Identity | Self::Certificate | Self::Tenant | Self::Target | Self::Address | Self::Trust => true,
            Self::Ours | Self::ProxyCredential => false,
        }
    }
}

/// Headers that are forwarded unchanged, although they look like those that are removed.
#[derive(Clone, Copy, Debug)]
pub struct LeftAlone {
    /// As in [`Group`].
    pub names: &'static [&'static str],
    /// Whether other spellings of the same normal form are removed. Envoy replaces a client's `x-forwarded-proto` but
    /// not its `x_forwarded_proto`, and many applications read the second as the first.
    pub only_spelled_so: bool,
    /// Why they stay.
    pub why: &'static str,
}

/// The prefix by which grpc-gateway recognizes a header as metadata.
const GRPC_GATEWAY: &str = "grpc-metadata-";

/// A name as the most lenient reader sees it: in lower case, everything but letters and digits as `-`, and without the
/// prefix by which grpc-gateway lets a client name any metadata.
///
/// CGI, WSGI and similar interfaces turn `-` into `_` before an application sees a name, and some turn every other byte
/// into `_` too, so `x_forwarded_user` and `x.forwarded.user` arrive as `x-forwarded-user`.
#[must_use]
pub fn normal_form(name: &str) -> String {
    let mut normal = dashed(name);
    while normal.starts_with(GRPC_GATEWAY) {
        normal.drain(..GRPC_GATEWAY.len());
    }
    normal
}

/// A name in lower case, everything but letters and digits as `-`.
fn dashed(name: &str) -> String {
    // Nearly every name is spelled so.
    if DASHED.has_all(name.as_bytes()) {
        return name.to_owned();
    }
    name.bytes().map(|byte| char::from(dashed_byte(byte))).collect()
}

/// The characters of such a name.
const DASHED: ByteSet = ByteSet::ALPHANUMERIC.with(b"-").without(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ");

/// One byte of such a name.
const fn dashed_byte(byte: u8) -> u8 {
    if DASHED.has(byte) {
        byte
    } else if byte.is_ascii_uppercase() {
        byte.to_ascii_lowercase()
    } else {
        b'-'
    }
}

#[cfg(test)]
mod tests;
