//! Step 6: what goes back out, for the upstream or for the client.
//!
//! A [`Reply`] is data: the host part carries it out, once. Nothing that a client sent is copied into it but names of
//! header fields to remove.

mod answer;
mod challenge;
mod forwarding;
mod header_policy;
mod header_value;
mod identity_headers;

pub use forwarding::{Forwarding, Grounds, Rehearsal};
pub use header_policy::HeaderPolicy;

/// What the host must do, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Forward the request.
    Forward(Forwarding),
    /// Answer the client.
    Answer(Answer),
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
