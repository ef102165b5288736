//! Keeping fetched documents fresh, for all workers of one proxy together.
//!
//! This module does not know what a document means: a `Payload` says where a document is, how an answer
//! is read, and under which ids its parts are looked up. A `Feed` does the rest: it holds the document, decides
//! when the next fetch is due, backs off after failures, and shares leases and documents with the other workers. It makes no
//! call itself: time, the shared memory and the provider's answers are arguments, and requests to send are results.

mod endpoint;
pub(crate) mod feed;
mod jitter;
mod local;
mod lookups;
pub(crate) mod payload;
mod prospect;
mod request;
mod response;
mod schedule;
mod shared;
mod unknown_ids;
pub mod workers;

pub use endpoint::{Endpoint, HttpUrl, HttpUrlFault};
pub use local::LocalMemory;
pub use prospect::Prospect;
pub use request::{FetchRequest, RequestId};
pub use response::{FetchFault, Response};
pub use schedule::Schedule;
pub use shared::{Conflict, SharedMemory, Write};
