//! Calls to the host, by bytes, with failures as values.
//!
//! The SDK turns a status that it does not expect into a panic, which no caller can catch. Each function here says in which
//! callbacks its call was seen to succeed; it is made in those only. Getters that give text are not used at all: they
//! panic on bytes that are not UTF-8.

use std::time::{Duration, UNIX_EPOCH};

use proxy_wasm::hostcalls;
use proxy_wasm::types::{BufferType, LogLevel, MapType, MetricType};

use crate::reply::Answer;
use crate::time::UnixSeconds;

/// The host refused a call.
#[derive(Clone, Copy, Debug)]
pub(super) struct HostFault;

/// All request header fields, pseudo-headers among them. In the request headers callback only.
pub(super) fn request_headers() -> Result<Vec<(String, Vec<u8>)>, HostFault> {
    hostcalls::get_map_bytes(MapType::HttpRequestHeaders).map_err(|_| HostFault)
}

/// Removes every request header field of this name; none is no fault. In the request headers callback only.
pub(super) fn remove_request_header(name: &str) -> Result<(), HostFault> {
    hostcalls::remove_map_value(MapType::HttpRequestHeaders, name).map_err(|_| HostFault)
}

/// Sets a request header field and drops any others of the name. In the request headers callback only.
pub(super) fn set_request_header(name: &str, value: &str) -> Result<(), HostFault> {
    hostcalls::set_map_value_bytes(MapType::HttpRequestHeaders, name, Some(value.as_bytes())).map_err(|_| HostFault)
}

/// All request trailer fields. In the request trailers callback only.
pub(super) fn request_trailers() -> Result<Vec<(String, Vec<u8>)>, HostFault> {
    hostcalls::get_map_bytes(MapType::HttpRequestTrailers).map_err(|_| HostFault)
}

/// Removes every request trailer field of this name. In the request trailers callback only.
pub(super) fn remove_request_trailer(name: &str) -> Result<(), HostFault> {
    hostcalls::remove_map_value(MapType::HttpRequestTrailers, name).map_err(|_| HostFault)
}

/// A property (an attribute or filter state); `None` where it is not there. In any callback.
pub(super) fn property(path: &[&str]) -> Option<Vec<u8>> {
    hostcalls::get_property(path.to_vec()).ok().flatten()
}

/// Sets filter state: Envoy keeps it under `wasm.<name>`. In the callbacks of a stream.
pub(super) fn set_filter_state(name: &str, value: &str) -> Result<(), HostFault> {
    hostcalls::set_property(vec![name], Some(value.as_bytes())).map_err(|_| HostFault)
}

/// Answers the client. The one ending call of a stream; in the request headers callback only.
pub(super) fn send(answer: &Answer) -> Result<(), HostFault> {
    let headers = answer.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    hostcalls::send_http_response(u32::from(answer.status), headers, Some(answer.body.as_bytes()))
        .map_err(|_| HostFault)
}

/// The host's clock; the epoch where it does not say, which no decision is made by.
pub(super) fn now() -> UnixSeconds {
    let since_epoch = hostcalls::get_current_time().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    UnixSeconds::new(since_epoch.and_then(|length| i64::try_from(length.as_secs()).ok()).unwrap_or(0))
}

/// The plugin's configuration, of so many bytes. In the configuration callback only.
pub(super) fn plugin_configuration(bytes: usize) -> Option<Vec<u8>> {
    hostcalls::get_buffer(BufferType::PluginConfiguration, 0, bytes).ok().flatten()
}

/// Asks for ticks, the first one after this long.
pub(super) fn tick_every(period: Duration) {
    // Without ticks nothing is lost but the repetition of a warning.
    let _ = hostcalls::set_tick_period(period);
}

/// Writes to the proxy's log.
pub(super) fn log(level: LogLevel, message: &str) {
    // There is nobody to tell that a message could not be told.
    let _ = hostcalls::log(level, message);
}

/// The id of a counter, made on first use.
pub(super) fn define_counter(name: &str) -> Option<u32> {
    hostcalls::define_metric(MetricType::Counter, name).ok()
}

/// Adds one to a counter.
pub(super) fn count(counter: u32) {
    // A lost count must not cost a request.
    let _ = hostcalls::increment_metric(counter, 1);
}
