//! Values that no request can have: paths, methods and hosts that a policy compares with, each with the reason and the remedy.

use std::collections::BTreeSet;

use crate::policy::load::names::method_names;
use crate::request::{Ambiguity, Path, RequestMethod, host_of};
use crate::spiffe::{SpiffeId, TrustDomain};
use crate::text::suggestion;

/// Why no path holds this text, which is at a path's beginning, its end, or inside. `encoded` are the ambiguous spellings
/// that some route accepts.
pub(super) fn path_fault(
    text: &str,
    first: bool,
    last: bool,
    encoded: &BTreeSet<Ambiguity>,
) -> Option<(&'static str, String)> {
    let segments = |wanted: &str| {
        let mut segments = text.split('/').skip(1).peekable();
        core::iter::from_fn(move || segments.next().map(|segment| (segment, segments.peek().is_none())))
            .any(|(segment, end)| segment == wanted && (!end || last))
    };
    if first && !text.starts_with('/') {
        return Some(("a path begins with `/`", format!("write `/{}`", text.escape_debug())));
    }
    if text.contains('?') {
        return Some(("it ends before the `?`", "compare the rest with `context.http_request.query`".to_owned()));
    }
    if text.contains("//") {
        return Some(("such a request is rejected as ambiguous", "write one `/`".to_owned()));
    }
    if segments(".") || segments("..") {
        return Some(("such a request is rejected as ambiguous", "write the path without dot segments".to_owned()));
    }
    if let Some(fault) = escapes_fault(text, last, encoded) {
        return Some(fault);
    }
    if text.contains(';') && !encoded.contains(&Ambiguity::Semicolon) {
        let help = "let a route accept it with `encoded: { semicolon: true }`, or remove it";
        return Some(("such a request is rejected as ambiguous", help.to_owned()));
    }
    let taken = |character: char| character.is_ascii_alphanumeric() || "-._~!$&'()*+,=:@/%;".contains(character);
    if !text.chars().all(taken) {
        return Some((
            "it has a character that a path contains only escaped, or not at all",
            "escape it, as in `%20`".to_owned(),
        ));
    }
    None
}

/// Why no path holds these escapes: a policy sees them with digits in upper case, and only where the character itself
/// cannot stand in a path.
fn escapes_fault(text: &str, last: bool, encoded: &BTreeSet<Ambiguity>) -> Option<(&'static str, String)> {
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('%') {
        let escape: String = after.chars().take(2).collect();
        if escape.len() < 2 {
            // The rest of it may be under a `*`.
            return last.then(|| ("an escape has two digits", "write the whole escape, or remove the `%`".to_owned()));
        }
        if escape.chars().any(|digit| digit.is_ascii_lowercase()) {
            let upper = format!("write `%{}`", escape.to_ascii_uppercase().escape_debug());
            return Some(("its escapes have digits in upper case", upper));
        }
        // One byte of a longer character says nothing without the others.
        if !matches!(u8::from_str_radix(&escape, 16), Ok(0x80..)) {
            let fault = escape_fault(&format!("/a%{escape}b"), encoded);
            if fault.is_some() {
                return fault;
            }
        }
        rest = after;
    }
    None
}

/// Why no path has the one escape of this short path.
fn escape_fault(path: &str, encoded: &BTreeSet<Ambiguity>) -> Option<(&'static str, String)> {
    let Ok((parsed, _)) = Path::parse(path.as_bytes(), path.len()) else {
        return Some(("such a request is rejected as ambiguous", "write the character itself".to_owned()));
    };
    if parsed.as_str() != path {
        return Some(("a policy sees the character itself there", "write the character itself".to_owned()));
    }
    let refused = parsed.ambiguities().find(|ambiguity| !encoded.contains(ambiguity))?;
    let help = format!("let a route accept it with `encoded: {{ {}: true }}`, or remove it", refused.name());
    Some(("such a request is rejected as ambiguous", help))
}

/// Why no request has this method.
pub(super) fn method_fault(text: &str) -> Option<(&'static str, String)> {
    let known = RequestMethod::from_name(text.as_bytes()).is_some();
    (!known).then(|| ("it is not a supported method", suggestion(text, method_names(), "use a supported one")))
}

/// Why no request has this host as a whole.
pub(super) fn whole_host_fault(text: &str) -> Option<(&'static str, String)> {
    let same = host_of(text.as_bytes()).is_ok_and(|host| host == text);
    (!same).then(|| ("it is a name or address alone", "write it without port and trailing dot".to_owned()))
}

/// Why no request has this host.
pub(super) fn host_fault(text: &str) -> Option<(&'static str, String)> {
    if text.chars().any(|character| character.is_ascii_uppercase()) {
        return Some(("it is in lower case", format!("write `{}`", text.to_ascii_lowercase().escape_debug())));
    }
    None
}

/// Why no workload has this id.
pub(super) fn workload_fault(text: &str, trust_domains: &[TrustDomain]) -> Option<(&'static str, String)> {
    match SpiffeId::parse(text) {
        Ok(id) => trust_domain_fault(id.trust_domain(), trust_domains),
        Err(fault) => Some(("it is not the SPIFFE ID of a workload", fault.to_string())),
    }
}

/// Why no workload is of this trust domain.
pub(super) fn trust_domain_fault(text: &str, trust_domains: &[TrustDomain]) -> Option<(&'static str, String)> {
    let known = trust_domains.iter().map(TrustDomain::as_str);
    let unknown = !known.clone().any(|known| known == text);
    let otherwise = "list the trust domain in `trust_domains` of `peer`";
    unknown.then(|| ("its trust domain is not listed", suggestion(text, known, otherwise)))
}
