//! Step 6: the reply, which changes the request for the upstream or answers the client.
//!
//! A [`Reply`] is data, and the host carries it out once. Of the client's own bytes it contains only the names of
//! header fields to remove.

mod answer;
mod challenge;
mod facts;
mod form;
mod forwarding;
mod header_changes;
mod header_policy;
mod header_value;
mod identity_headers;
mod metadata;
mod page;

pub use answer::Hints;
pub use challenge::Schemes;
pub use form::{AnswerDetail, Form, Representation};
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
