//! The host as Envoy provides it: the calls and callbacks of proxy-wasm, by bytes, with failures as values.
//!
//! Calls that are made for requests or in every configuration go to the host directly, and give every status as a value
//! ([`calls`]). For others
//! the SDK turns a status that it does not expect into a panic, which no caller can catch. So each of them is made only
//! in the callbacks in which it was seen to succeed, as [`Host`] says. Getters that give strings are not used at all:
//! they panic on bytes that are not UTF-8.

use std::time::Duration;

use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, BufferType, ContextType, LogLevel, MapType, MetricType};

use crate::calls::{self, REQUEST_HEADERS, REQUEST_TRAILERS};
use crate::host::{Host, MetricKind};
use crate::pairs;
use crate::root::Root;
use crate::stream::{Passage, Stream};
use countersign_core::fetch::{Conflict, Endpoint, Response, SharedMemory, Write};
use countersign_core::jose::HostSignatures;
use countersign_core::limits::MAX_KEY_SET_BYTES;
use countersign_core::reply::Answer;
use countersign_core::request::Headers;
use countersign_core::time::Moment;
use countersign_core::worker::{HostFault, Level, Seed};

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|id| -> Box<dyn RootContext> { Box::new(EnvoyRoot(Root::new(id, Envoy))) });
}}

/// The version of an entry that does not exist. The proxy accepts any version for a new entry, and for an existing one
/// only its own; an entry does not reach this one.
const NO_ENTRY: u32 = u32::MAX;

#[derive(Clone, Copy, Debug)]
struct Envoy;

impl Host for Envoy {
    fn now(&self) -> Moment {
        Moment::new(calls::current_time().unwrap_or(0))
    }

    /// By `random_get` of WASI preview 1. If Envoy does not allow the call, the standard library's hash maps need it
    /// first and trap: the context cannot be created, and Envoy rejects the configuration.
    fn random(&self) -> Option<Seed> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).ok().map(|()| Seed::new(seed))
    }

    fn log(&self, level: Level, line: &str) {
        let level = match level {
            Level::Debug => LogLevel::Debug,
            Level::Info => LogLevel::Info,
            Level::Warn => LogLevel::Warn,
            Level::Error => LogLevel::Error,
        };
        let _ = calls::log(level as u32, line);
    }

    fn define_metric(&self, kind: MetricKind, name: &str) -> Option<u32> {
        let kind = match kind {
            MetricKind::Counter => MetricType::Counter,
            MetricKind::Gauge => MetricType::Gauge,
        };
        hostcalls::define_metric(kind, name).ok()
    }

    fn add(&self, metric: u32, change: i64) {
        let _ = calls::increment_metric(metric, change);
    }

    fn set(&self, gauge: u32, value: u64) {
        let _ = hostcalls::record_metric(gauge, value);
    }

    fn property(&self, path: &[&str]) -> Option<Vec<u8>> {
        calls::property(&path.join("\0")).ok()
    }

    fn plugin_configuration(&self, bytes: usize) -> Option<Vec<u8>> {
        hostcalls::get_buffer(BufferType::PluginConfiguration, 0, bytes).ok().flatten()
    }

    fn tick_every(&self, period: Duration) {
        let _ = calls::set_tick_period(u32::try_from(period.as_millis()).unwrap_or(u32::MAX));
    }

    fn request_headers(&self) -> Result<Headers, HostFault> {
        pairs::parse(calls::map(REQUEST_HEADERS)?).ok_or(HostFault)
    }

    fn remove_request_header(&self, name: &str) -> Result<(), HostFault> {
        calls::remove_map_value(REQUEST_HEADERS, name)
    }

    fn set_request_header(&self, name: &str, value: &[u8]) -> Result<(), HostFault> {
        calls::set_map_value(REQUEST_HEADERS, name, value)
    }

    fn request_trailers(&self) -> Result<Headers, HostFault> {
        pairs::parse(calls::map(REQUEST_TRAILERS)?).ok_or(HostFault)
    }

    fn remove_request_trailer(&self, name: &str) -> Result<(), HostFault> {
        calls::remove_map_value(REQUEST_TRAILERS, name)
    }

    fn set_filter_state(&self, name: &str, value: &str) -> Result<(), HostFault> {
        calls::set_property(name, value.as_bytes())
    }

    fn send(&self, answer: &Answer) -> Result<(), HostFault> {
        let headers = answer.headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        calls::send_response(answer.status, &pairs::written(headers), &answer.body)
    }

    fn switch_to(&self, context: u32) -> Result<(), HostFault> {
        calls::set_effective_context(context)
    }

    fn resume(&self) {
        let _ = calls::resume_request();
    }

    fn fetch(&self, endpoint: &Endpoint, timeout: Duration) -> Result<u32, HostFault> {
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

    fn fetched(&self, body_bytes: usize) -> Response {
        let headers = hostcalls::get_map_bytes(MapType::HttpCallResponseHeaders).unwrap_or_default();
        let status = headers
            .iter()
            .find(|(name, _)| name == ":status")
            .and_then(|(_, status)| core::str::from_utf8(status).ok()?.parse().ok());
        let read = body_bytes.min(MAX_KEY_SET_BYTES);
        let body = hostcalls::get_buffer(BufferType::HttpCallResponseBody, 0, read).ok().flatten().unwrap_or_default();
        Response { status: status.unwrap_or(0), headers, body, body_bytes }
    }

    fn memory(&self) -> Box<dyn SharedMemory> {
        Box::new(SharedData)
    }

    fn signatures(&self) -> Box<dyn HostSignatures> {
        Box::new(VerifySignature)
    }

    fn listen(&self, queue: &str) -> Result<(), HostFault> {
        hostcalls::register_shared_queue(queue).map(|_| ()).map_err(|_| HostFault)
    }

    fn notify(&self, vm_id: &str, queue: &str) {
        if let Ok(Some(id)) = hostcalls::resolve_shared_queue(vm_id, queue) {
            let _ = hostcalls::enqueue_shared_queue(id, Some(b"keys"));
        }
    }

    fn take_message(&self, queue: u32) -> bool {
        matches!(hostcalls::dequeue_shared_queue(queue), Ok(Some(_)))
    }
}

/// Envoy's foreign function of this name, in 1.36 and later. The SDK gives every status that Envoy was seen to answer
/// with as a value: also that of an unknown function and of a call that the configuration restricts.
struct VerifySignature;

impl HostSignatures for VerifySignature {
    fn verify_signature(&self, question: &[u8]) -> Option<Vec<u8>> {
        hostcalls::call_foreign_function("verify_signature", Some(question)).ok().map(Option::unwrap_or_default)
    }
}

/// The proxy's shared data for this `vm_id`.
struct SharedData;

impl SharedMemory for SharedData {
    fn read(&self, name: &str) -> Option<(Vec<u8>, u32)> {
        match hostcalls::get_shared_data(name) {
            Ok((Some(value), version)) => Some((value, version.unwrap_or(0))),
            Ok((None, Some(version))) => Some((Vec::new(), version)),
            Ok((None, None)) | Err(_) => None,
        }
    }

    fn write(&self, name: &str, value: &[u8], how: Write) -> Result<(), Conflict> {
        let version = match how {
            Write::Always => None,
            Write::Create => Some(NO_ENTRY),
            Write::Replace(version) => Some(version),
        };
        hostcalls::set_shared_data(name, Some(value), version).map_err(|_| Conflict)
    }
}

struct EnvoyRoot(Root<Envoy>);

impl Context for EnvoyRoot {
    fn on_http_call_response(&mut self, token: u32, _fields: usize, body_bytes: usize, _trailers: usize) {
        self.0.fetch_answered(token, body_bytes);
    }
}

impl RootContext for EnvoyRoot {
    fn on_configure(&mut self, configuration_bytes: usize) -> bool {
        self.0.configure(configuration_bytes)
    }

    fn on_tick(&mut self) {
        self.0.tick();
    }

    fn on_queue_ready(&mut self, queue: u32) {
        self.0.queue_ready(queue);
    }

    fn create_http_context(&self, context_id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(EnvoyStream(self.0.stream(context_id))))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

struct EnvoyStream(Stream<Envoy>);

impl Context for EnvoyStream {}

impl HttpContext for EnvoyStream {
    fn on_http_request_headers(&mut self, _fields: usize, _end_of_stream: bool) -> Action {
        action(self.0.headers())
    }

    fn on_http_request_body(&mut self, _bytes: usize, _end_of_stream: bool) -> Action {
        action(self.0.body())
    }

    fn on_http_request_trailers(&mut self, _fields: usize) -> Action {
        action(self.0.trailers())
    }
}

fn action(passage: Passage) -> Action {
    match passage {
        Passage::Continue => Action::Continue,
        Passage::Pause => Action::Pause,
    }
}
