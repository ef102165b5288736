//! Step 6: what goes back out, for the upstream or for the client.
//!
//! A [`Reply`] is data: the host part carries it out, once. Nothing that a client sent is copied into it but names of
//! header fields to remove.

mod answer;
mod challenge;
mod forward;
mod header_value;

pub use forward::trailers_to_remove;

/// What the host must do, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Let the request go on.
    Forward(Forwarding),
    /// Answer the client.
    Answer(Answer),
}

/// Changes to the request before it goes on. Removal comes first.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Forwarding {
    /// Header names to remove, as the client spelled them but in lower case, sorted, each once.
    pub remove: Vec<String>,
    /// Headers to set, replacing any others of the name. The values are printable ASCII.
    pub set: Vec<(String, String)>,
}

/// An answer to the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status; for a gRPC call the host turns it into a grpc-status.
    pub status: u16,
    /// Header fields.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

/// The header field that carries the decision's id, to the upstream and to a client that is refused.
const DECISION_ID_HEADER: &str = "x-countersign-decision-id";
