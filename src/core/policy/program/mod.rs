//! Checked policies as programs, and their evaluation.
//!
//! Load translates what Cedar has parsed and validated into trees of plain data, and requests are decided by those: Cedar's
//! own evaluator would need an entity store and a context built for each request. What a program means is what the policy
//! means in Cedar, errors included; tests and `countersign eval --oracle` hold the two against each other.
//!
//! It knows nothing of requests: what a request has comes through the trait [`Facts`](evaluate::Facts).

pub(in crate::policy) mod datetime;
pub(in crate::policy) mod decimal;
pub(in crate::policy) mod entity;
pub(in crate::policy) mod evaluate;
pub(in crate::policy) mod expression;
pub(in crate::policy) mod footprint;
pub(in crate::policy) mod ip;
pub(in crate::policy) mod like;
#[cfg(feature = "cedar")]
pub(in crate::policy) mod translate;
pub(in crate::policy) mod value;
