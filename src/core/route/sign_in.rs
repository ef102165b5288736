//! Where people sign in to an application.

/// Where people sign in. It is the same for every request: nothing of a request is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignIn {
    /// An https URL, or a path on the same host.
    pub url: String,
    /// Whether a browser that opens a page is sent there. Otherwise the page of the refusal links to it.
    pub redirect: bool,
}
