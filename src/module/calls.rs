//! Calls to the host, by bytes, with failures as values.
//!
//! The SDK turns a status that it does not expect into a panic, which no caller can catch. Each function here says in which
//! callbacks its call was seen to succeed; it is made in those only. Getters that give text are not used at all: they
//! panic on bytes that are not UTF-8.

use std::time::{Duration, UNIX_EPOCH};

use proxy_wasm::hostcalls;
use proxy_wasm::types::{BufferType, LogLevel, MapType, MetricType};

use countersign_core::fetch::{Endpoint, Response};
use countersign_core::limits::MAX_KEY_SET_BYTES;
use countersign_core::reply::Answer;
use countersign_core::time::UnixSeconds;

/// The host refused a call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HostFault;

/// All request header fields, pseudo-headers among them. In the request headers callback, or for a stream that was entered
/// while it is paused there; so with the two calls after this one.
pub(crate) fn request_headers() -> Result<Vec<(String, Vec<u8>)>, HostFault> {
    hostcalls::get_map_bytes(MapType::HttpRequestHeaders).map_err(|_| HostFault)
}

/// Removes every request header field of this name; none is no fault.
pub(crate) fn remove_request_header(name: &str) -> Result<(), HostFault> {
    hostcalls::remove_map_value(MapType::HttpRequestHeaders, name).map_err(|_| HostFault)
}

/// Sets a request header field and drops any others of the name.
pub(crate) fn set_request_header(name: &str, value: &str) -> Result<(), HostFault> {
    hostcalls::set_map_value_bytes(MapType::HttpRequestHeaders, name, Some(value.as_bytes())).map_err(|_| HostFault)
}

/// All request trailer fields. In the request trailers callback only.
pub(crate) fn request_trailers() -> Result<Vec<(String, Vec<u8>)>, HostFault> {
    hostcalls::get_map_bytes(MapType::HttpRequestTrailers).map_err(|_| HostFault)
}

/// Removes every request trailer field of this name. In the request trailers callback only.
pub(crate) fn remove_request_trailer(name: &str) -> Result<(), HostFault> {
    hostcalls::remove_map_value(MapType::HttpRequestTrailers, name).map_err(|_| HostFault)
}

/// A property (an attribute or filter state); `None` where it is not there. In any callback.
pub(crate) fn property(path: &[&str]) -> Option<Vec<u8>> {
    hostcalls::get_property(path.to_vec()).ok().flatten()
}

/// Sets filter state: Envoy keeps it under `wasm.<name>`. In the callbacks of a stream.
pub(crate) fn set_filter_state(name: &str, value: &str) -> Result<(), HostFault> {
    hostcalls::set_property(vec![name], Some(value.as_bytes())).map_err(|_| HostFault)
}

/// Answers the client. The one ending call of a stream; in the request headers callback, or for a stream that was entered.
pub(crate) fn send(answer: &Answer) -> Result<(), HostFault> {
    let headers = answer.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    hostcalls::send_http_response(u32::from(answer.status), headers, Some(answer.body.as_bytes()))
        .map_err(|_| HostFault)
}

/// The host's clock; the epoch where it does not say, which no decision is made by.
pub(crate) fn now() -> UnixSeconds {
    let since_epoch = hostcalls::get_current_time().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    UnixSeconds::new(since_epoch.and_then(|length| i64::try_from(length.as_secs()).ok()).unwrap_or(0))
}

/// The plugin's configuration, of so many bytes. In the configuration callback only.
pub(crate) fn plugin_configuration(bytes: usize) -> Option<Vec<u8>> {
    hostcalls::get_buffer(BufferType::PluginConfiguration, 0, bytes).ok().flatten()
}

/// Asks for ticks, the first one after this long; a later call replaces an earlier one. In any callback.
pub(crate) fn tick_every(period: Duration) {
    let _ = hostcalls::set_tick_period(period);
}

/// Writes to the proxy's log.
pub(crate) fn log(level: LogLevel, message: &str) {
    // There is nobody to tell that a message could not be told.
    let _ = hostcalls::log(level, message);
}

/// The id of a metric, made on first use.
pub(crate) fn define_metric(kind: MetricType, name: &str) -> Option<u32> {
    hostcalls::define_metric(kind, name).ok()
}

/// Adds to a counter or gauge; a counter takes no negative number.
pub(crate) fn add(metric: u32, change: i64) {
    // A lost count must not cost a request.
    let _ = hostcalls::increment_metric(metric, change);
}

/// Sets a gauge.
pub(crate) fn set(gauge: u32, value: u64) {
    let _ = hostcalls::record_metric(gauge, value);
}

/// Makes the following calls be about this context: a stream in a root callback, and the root itself after that. Where it
/// fails the stream is gone, and the calls would still be about the one before.
pub(crate) fn enter(context_id: u32) -> Result<(), HostFault> {
    hostcalls::set_effective_context(context_id).map_err(|_| HostFault)
}

/// Lets the request of the stream that was entered go on. In root callbacks only, and never after [`send`].
pub(crate) fn resume() {
    let _ = hostcalls::resume_http_request();
}

/// Sends a GET request. The answer comes to the root; the token tells which.
pub(crate) fn fetch(endpoint: &Endpoint, timeout: Duration) -> Result<u32, HostFault> {
    let (authority, path) = (endpoint.url.authority(), endpoint.url.path());
    let headers = vec![
        (":method", "GET"),
        (":scheme", endpoint.url.scheme()),
        (":authority", authority.as_str()),
        (":path", path.as_str()),
        ("accept", "application/json"),
        ("user-agent", "countersign"),
    ];
    hostcalls::dispatch_http_call(&endpoint.cluster, headers, None, Vec::new(), timeout).map_err(|_| HostFault)
}

/// The answer to such a request, its body up to the cap. In the callback for it only.
pub(crate) fn fetched(body_bytes: usize) -> Response {
    let headers = hostcalls::get_map_bytes(MapType::HttpCallResponseHeaders).unwrap_or_default();
    let status = headers
        .iter()
        .find(|(name, _)| name == ":status")
        .and_then(|(_, status)| core::str::from_utf8(status).ok()?.parse().ok());
    let read = body_bytes.min(MAX_KEY_SET_BYTES);
    let body = hostcalls::get_buffer(BufferType::HttpCallResponseBody, 0, read).ok().flatten().unwrap_or_default();
    Response { status: status.unwrap_or(0), headers, body, body_bytes }
}

/// An entry of the memory that this `vm_id`'s workers share, with its version. In any callback.
pub(crate) fn shared_data(name: &str) -> Option<(Vec<u8>, u32)> {
    match hostcalls::get_shared_data(name) {
        Ok((Some(value), version)) => Some((value, version.unwrap_or(0))),
        Ok((None, Some(version))) => Some((Vec::new(), version)),
        Ok((None, None)) | Err(_) => None,
    }
}

/// Writes such an entry; with a version only if it is still of that one.
pub(crate) fn set_shared_data(name: &str, value: &[u8], version: Option<u32>) -> Result<(), HostFault> {
    hostcalls::set_shared_data(name, Some(value), version).map_err(|_| HostFault)
}

/// Makes a queue whose messages wake this root context.
pub(crate) fn listen(queue: &str) -> Option<u32> {
    hostcalls::register_shared_queue(queue).ok()
}

/// Puts a message into another worker's queue. What it says is that there is something to look at.
pub(crate) fn tell(vm_id: &str, queue: &str) {
    if let Ok(Some(id)) = hostcalls::resolve_shared_queue(vm_id, queue) {
        let _ = hostcalls::enqueue_shared_queue(id, Some(b"keys"));
    }
}

/// Takes a message out of a queue; false where there is none.
pub(crate) fn take_message(queue: u32) -> bool {
    matches!(hostcalls::dequeue_shared_queue(queue), Ok(Some(_)))
}
