//! A control plane that hands one extension to Envoy by ECDS over gRPC, and remembers what Envoy said of each version.
//!
//! The stream is that of xDS in its simplest form (state of the world, one resource): Envoy asks, is sent the newest version,
//! and accepts or rejects it in its next request.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http_body_util::BodyExt;
use http_body_util::channel::{Channel, Sender};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use prost_types::value::Kind;
use prost_types::{Any, ListValue, Struct};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::port::Port;

/// The type of the resource, an extension with its name.
const EXTENSION: &str = "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig";
/// A message of any type, written as JSON is: so that no other message of Envoy's has to be known here.
const TYPED_STRUCT: &str = "type.googleapis.com/xds.type.v3.TypedStruct";
/// Bytes before a message of gRPC: a flag, and its length.
const PREFIX: usize = 5;

/// `envoy.service.discovery.v3.DiscoveryRequest`, as far as it is read.
#[derive(Clone, PartialEq, Message)]
struct DiscoveryRequest {
    #[prost(string, tag = "5")]
    response_nonce: String,
    #[prost(message, optional, tag = "6")]
    error_detail: Option<Status>,
}

/// `google.rpc.Status`
#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(string, tag = "2")]
    message: String,
}

/// `envoy.service.discovery.v3.DiscoveryResponse`
#[derive(Clone, PartialEq, Message)]
struct DiscoveryResponse {
    #[prost(string, tag = "1")]
    version_info: String,
    #[prost(message, repeated, tag = "2")]
    resources: Vec<Any>,
    #[prost(string, tag = "4")]
    type_url: String,
    #[prost(string, tag = "5")]
    nonce: String,
}

/// `envoy.config.core.v3.TypedExtensionConfig`
#[derive(Clone, PartialEq, Message)]
struct TypedExtensionConfig {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, optional, tag = "2")]
    typed_config: Option<Any>,
}

/// `xds.type.v3.TypedStruct`
#[derive(Clone, PartialEq, Message)]
struct TypedStruct {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(message, optional, tag = "2")]
    value: Option<Struct>,
}

/// What Envoy says of a version; `Err` with its reason if it rejects it.
pub type Verdict = Result<(), String>;

/// The control plane; it ends when it is dropped.
pub struct ControlPlane {
    port: Port,
    desk: Arc<Desk>,
}

/// What all streams share.
#[derive(Default)]
struct Desk {
    newest: watch::Sender<Option<(u64, Any)>>,
    verdicts: Mutex<BTreeMap<u64, Verdict>>,
}

impl ControlPlane {
    /// Starts, with nothing to hand over as yet; in a runtime.
    ///
    /// # Errors
    /// The port is in use.
    pub fn start(address: SocketAddr) -> io::Result<Self> {
        let mut control_plane = Self { port: Port::reserve(address)?, desk: Arc::default() };
        let desk = Arc::clone(&control_plane.desk);
        control_plane.port.open(move |stream| serve(stream, Arc::clone(&desk)))?;
        Ok(control_plane)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// Hands over an extension, written as JSON; gives its version.
    pub fn push(&self, extension: &Value) -> u64 {
        let resource = Any { type_url: EXTENSION.to_owned(), value: message(extension).encode_to_vec() };
        let mut version = 1;
        self.desk.newest.send_modify(|newest| {
            version = newest.as_ref().map_or(1, |(version, _)| version + 1);
            *newest = Some((version, resource));
        });
        version
    }

    /// What Envoy said of this version, if it has said it.
    #[must_use]
    pub fn verdict(&self, version: u64) -> Option<Verdict> {
        locked(&self.desk.verdicts).get(&version).cloned()
    }

    /// Ends all streams and refuses new ones.
    pub fn close(&mut self) {
        self.port.close();
    }
}

impl Desk {
    /// Envoy accepts or rejects the version that it names.
    fn note(&self, request: DiscoveryRequest) {
        if let Ok(version) = request.response_nonce.parse() {
            let verdict = request.error_detail.map_or(Ok(()), |status| Err(status.message));
            locked(&self.verdicts).insert(version, verdict);
        }
    }
}

async fn serve(stream: TcpStream, desk: Arc<Desk>) {
    let service = service_fn(|request: Request<Incoming>| {
        let (sender, body) = Channel::new(1);
        tokio::spawn(talk(request.into_body(), sender, Arc::clone(&desk)));
        let mut response = Response::new(body);
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        async move { Ok::<_, Infallible>(response) }
    });
    let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    let _ended = builder.serve_connection(TokioIo::new(stream), service).await;
}

/// One stream, until either end leaves it.
async fn talk(mut requests: Incoming, mut sender: Sender<Bytes>, desk: Arc<Desk>) {
    let mut newest = desk.newest.subscribe();
    newest.mark_changed();
    let (mut received, mut asked) = (Vec::new(), false);
    loop {
        tokio::select! {
            frame = requests.frame() => {
                let Some(Ok(frame)) = frame else { return };
                received.extend_from_slice(frame.data_ref().map(Bytes::as_ref).unwrap_or_default());
                while let Some(request) = take_message(&mut received) {
                    asked = true;
                    desk.note(request);
                }
            }
            Ok(()) = newest.changed(), if asked => {
                let Some((version, resource)) = newest.borrow_and_update().clone() else { continue };
                if sender.send_data(response(version, resource)).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// The first message, if it is there whole.
fn take_message(received: &mut Vec<u8>) -> Option<DiscoveryRequest> {
    let length = received.get(1..PREFIX)?.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
    let end = PREFIX + length;
    let request = DiscoveryRequest::decode(received.get(PREFIX..end)?).unwrap_or_default();
    received.drain(..end);
    Some(request)
}

fn response(version: u64, resource: Any) -> Bytes {
    let version = version.to_string();
    let response = DiscoveryResponse {
        version_info: version.clone(),
        resources: vec![resource],
        type_url: EXTENSION.to_owned(),
        nonce: version,
    };
    let length = u32::try_from(response.encoded_len()).unwrap_or(u32::MAX);
    Bytes::from([&[0], length.to_be_bytes().as_slice(), &response.encode_to_vec()].concat())
}

/// The extension as a message: its name, and what its `typed_config` says besides its type.
fn message(extension: &Value) -> TypedExtensionConfig {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut content = extension["typed_config"].clone();
    let type_url = content.as_object_mut().and_then(|content| content.remove("@type")).unwrap_or_default();
    let content = match kind(&content) {
        Kind::StructValue(content) => Some(content),
        _ => None,
    };
    let typed = TypedStruct { type_url: text(&type_url), value: content };
    let typed_config = Any { type_url: TYPED_STRUCT.to_owned(), value: typed.encode_to_vec() };
    TypedExtensionConfig { name: text(&extension["name"]), typed_config: Some(typed_config) }
}

/// JSON as a message has it.
fn kind(value: &Value) -> Kind {
    let wrapped = |value: &Value| prost_types::Value { kind: Some(kind(value)) };
    match value {
        Value::Null => Kind::NullValue(0),
        Value::Bool(flag) => Kind::BoolValue(*flag),
        Value::Number(number) => Kind::NumberValue(number.as_f64().unwrap_or_default()),
        Value::String(text) => Kind::StringValue(text.clone()),
        Value::Array(elements) => Kind::ListValue(ListValue { values: elements.iter().map(wrapped).collect() }),
        Value::Object(members) => {
            let fields = members.iter().map(|(name, value)| (name.clone(), wrapped(value)));
            Kind::StructValue(Struct { fields: fields.collect() })
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
