//! What is recorded about each decision: an id, one JSON line, and metrics; without secrets.

mod decision_id;
mod metrics;
mod record;

pub use decision_id::DecisionId;
pub use metrics::{Counter, DecisionCounter, Gauge, Verdict};
pub(crate) use record::cedar_notation;
pub use record::{AuthenticationRecord, DecisionRecord, EvidenceRecord, EvidenceState, NearMissRecord, record_schema};
