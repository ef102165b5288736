//! What a kind of document must define to be fetched and kept fresh.

use core::fmt::Debug;

use super::{Endpoint, FetchFault, Response, Schedule};
use crate::time::Seconds;

/// A kind of document, and where one of them is.
pub(crate) trait Payload: Debug {
    /// A document that was read and can be used.
    type Document: Debug;

    /// Why a fetch failed.
    type Fault: From<FetchFault> + Debug;

    /// How the names of its entries in the shared memory begin. It contains a version, which changes with the format of the
    /// entries.
    const SHARED_NAME: &'static str;

    /// The maximum length of a document.
    const MAX_BYTES: usize;

    /// When it is fetched.
    fn schedule(&self) -> &Schedule;

    /// What the first call of a fetch requests.
    fn first_endpoint(&self) -> &Endpoint;

    /// The number of calls that a fetch makes if all of them succeed.
    fn calls(&self) -> u64;

    /// Reads the answer to a call. `earlier` is the number of calls that this fetch made before it.
    ///
    /// # Errors
    /// The answer leads neither to another call nor to a document that can be used.
    fn read(&self, earlier: u64, response: &Response) -> Result<Answer<Self::Document>, Self::Fault>;

    /// Reads a document that another worker fetched.
    ///
    /// # Errors
    /// It cannot be used.
    fn parse(&self, text: &[u8]) -> Result<Self::Document, Self::Fault>;

    /// The ids under which parts of a document are looked up.
    fn ids(document: &Self::Document) -> impl Iterator<Item = &str>;
}

/// What an answer leads to.
pub(crate) enum Answer<D> {
    /// Another call.
    Next(Endpoint),
    /// The document.
    Document(D),
}

/// A document that was fetched.
#[derive(Debug)]
pub(crate) struct Fetched<D> {
    /// The document.
    pub(crate) document: D,
    /// The text that it was read from.
    pub(crate) text: String,
    /// How long it is fresh according to the provider.
    pub(crate) lifetime: Option<Seconds>,
}
