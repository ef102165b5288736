//! What is recorded about each decision: an id, one JSON line, and metrics; without secrets.

mod decision_id;
mod metrics;
mod record;
mod sampling;
mod trace;

pub use decision_id::DecisionId;
pub use metrics::{Counter, DecidingPolicy, DecisionCounter, Gauge, Verdict};
pub(crate) use record::cedar_notation;
pub use record::{
    AuthenticationRecord, CacheOutcome, Configured, DecisionRecord, EvidenceRecord, EvidenceState, Handling,
    NearMissRecord, record_schema,
};
pub use sampling::Sampling;
