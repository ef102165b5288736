//! The answers to a client that asks for metadata of a protected resource (RFC 9728).
//!
//! The document is public and the same for every client, so any website may read it, and caches may keep it.

use super::Answer;

/// How long clients and caches may keep the document, and browsers the answer to a preflight, in seconds.
const MAX_AGE: u32 = 3600;

impl Answer {
    /// The document. The proxy leaves the body out if the method is HEAD.
    #[must_use]
    pub fn metadata(document: &str) -> Self {
        let headers = [
            ("content-type", "application/json".to_owned()),
            ("cache-control", format!("public, max-age={MAX_AGE}")),
            ("access-control-allow-origin", "*".to_owned()),
        ];
        Self { status: 200, headers: owned(headers), body: document.to_owned() }
    }

    /// The answer to a browser that asks whether it may read the document with header fields of its own: it may.
    #[must_use]
    pub fn metadata_preflight() -> Self {
        let headers = [
            ("access-control-allow-origin", "*".to_owned()),
            ("access-control-allow-methods", "GET, HEAD".to_owned()),
            ("access-control-allow-headers", "*".to_owned()),
            ("access-control-max-age", MAX_AGE.to_string()),
        ];
        Self { status: 204, headers: owned(headers), body: String::new() }
    }
}

fn owned<const N: usize>(headers: [(&str, String); N]) -> Vec<(String, String)> {
    headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
