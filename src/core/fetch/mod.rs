//! How documents that are fetched stay fresh on all workers of a proxy. Pure: it makes no call itself.

mod endpoint;
pub(crate) mod feed;
mod jitter;
pub(crate) mod lookups;
mod request;
mod response;
pub(crate) mod shared;
mod unknown_keys;
pub mod workers;

pub use endpoint::{Endpoint, KeyUrl, KeyUrlFault};
pub use request::{FetchRequest, RequestId};
pub use response::{FetchFault, Response};
pub use shared::{Conflict, SharedMemory, Write};
