//! The calls that the plugin makes to the proxy.
//!
//! Failures are values. Each method says in which callbacks the call was seen to succeed in Envoy; it is made in those
//! only. "In a stream" means in the callback of that stream, or in a root callback after [`Host::switch_to`] that
//! stream.

use std::time::Duration;

use countersign_core::fetch::{Endpoint, Response, SharedMemory};
use countersign_core::jose::HostSignatures;
use countersign_core::reply::Answer;
use countersign_core::request::Headers;
use countersign_core::time::Moment;
use countersign_core::worker::{HostFault, Level, Seed};

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// It only grows.
    Counter,
    /// It is set, or changed both ways.
    Gauge,
}

/// The proxy, as the plugin sees it.
pub trait Host {
    /// The clock; the epoch if the host does not give the time, and no decision is made by that. It can be read in any
    /// callback, and causes no callback.
    fn now(&self) -> Moment;

    /// 32 random bytes; `None` if the host does not provide any.
    fn random(&self) -> Option<Seed>;

    /// Writes to the proxy's log. Nothing useful can be done if that fails.
    fn log(&self, level: Level, line: &str);

    /// The id of a metric, which is created on first use.
    fn define_metric(&self, kind: MetricKind, name: &str) -> Option<u32>;

    /// Adds to a counter or gauge; a counter accepts no negative number. A lost count must not cost a request.
    fn add(&self, metric: u32, change: i64);

    /// Sets a gauge.
    fn set(&self, gauge: u32, value: u64);

    /// A property (an attribute or filter state); `None` if there is none or it cannot be read. In any callback.
    fn property(&self, path: &[&str]) -> Option<Vec<u8>>;

    /// The plugin's configuration, of so many bytes. In the configuration callback only.
    fn plugin_configuration(&self, bytes: usize) -> Option<Vec<u8>>;

    /// Asks for ticks, the first one after this period; a later call replaces an earlier one. In any callback.
    fn tick_every(&self, period: Duration);

    /// All request header fields, pseudo-headers among them. In the headers callback, or for a stream that is paused
    /// there and was switched to; so with the two methods after this one.
    ///
    /// # Errors
    /// The host does not give them.
    fn request_headers(&self) -> Result<Headers, HostFault>;

    /// Removes every request header field of this name. That there is none is not a failure.
    ///
    /// # Errors
    /// The host does not remove them.
    fn remove_request_header(&self, name: &str) -> Result<(), HostFault>;

    /// Sets a request header field, and removes all others of the name.
    ///
    /// # Errors
    /// The host does not set it.
    fn set_request_header(&self, name: &str, value: &[u8]) -> Result<(), HostFault>;

    /// All request trailer fields. In the trailers callback only; so with the method after this one.
    ///
    /// # Errors
    /// The host does not give them.
    fn request_trailers(&self) -> Result<Headers, HostFault>;

    /// Removes every request trailer field of this name.
    ///
    /// # Errors
    /// The host does not remove them.
    fn remove_request_trailer(&self, name: &str) -> Result<(), HostFault>;

    /// Sets filter state: Envoy keeps it under `wasm.<name>`. In a stream.
    ///
    /// # Errors
    /// The host does not set it.
    fn set_filter_state(&self, name: &str, value: &str) -> Result<(), HostFault>;

    /// Answers the client. The one ending call of a stream; in the headers callback, or for a stream that was switched
    /// to.
    ///
    /// # Errors
    /// The host does not accept the answer.
    fn send(&self, answer: &Answer) -> Result<(), HostFault>;

    /// Switches to another context, which later calls are about: a stream in a root callback, and the root itself after
    /// that.
    ///
    /// # Errors
    /// The context no longer exists, and later calls would still be about the one before.
    fn switch_to(&self, context: u32) -> Result<(), HostFault>;

    /// Lets the paused request of the stream that was switched to pass. In root callbacks only, and never after
    /// [`send`](Self::send). If the host does not do it, the request stays paused until its idle timeout.
    fn resume(&self);

    /// Sends a GET request. The answer comes to the root, under the token that is returned.
    ///
    /// # Errors
    /// The host has no such cluster, or the cluster has no endpoint.
    fn fetch(&self, endpoint: &Endpoint, timeout: Duration) -> Result<u32, HostFault>;

    /// The answer to such a request, its body up to the cap. In the callback for it only.
    fn fetched(&self, body_bytes: usize) -> Response;

    /// The memory that this `vm_id`'s workers share. It can be used in any callback, and causes no callback.
    fn memory(&self) -> Box<dyn SharedMemory>;

    /// The function that verifies signatures. It can be used in any callback, and causes no callback. A proxy without
    /// the function, or one that restricts the call, is not a failure.
    fn signatures(&self) -> Box<dyn HostSignatures>;

    /// Creates a queue whose messages wake this root context.
    ///
    /// # Errors
    /// The host does not create it.
    fn listen(&self, queue: &str) -> Result<(), HostFault>;

    /// Puts a message into another worker's queue. All it means is that there is something to look at.
    fn notify(&self, vm_id: &str, queue: &str);

    /// Takes a message out of a queue; false if there is none.
    fn take_message(&self, queue: u32) -> bool;
}
