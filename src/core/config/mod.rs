//! What the operator wrote, and what it means: the document becomes a [`Plan`], whole or not at all.
//!
//! The JSON value is read once by a small reader that knows each place, notes every problem and continues; the parts are
//! compiled by the modules that define them. Nothing here trusts the document beyond its being the operator's: names are
//! held to what Cedar, HTTP and DNS can carry, numbers to their ranges, and unknown members are errors everywhere, for a
//! misspelled rule is a rule that is not there. Nothing here reads a clock, a file or the network, so each worker comes to
//! the same result. No message repeats key material, or any text that is longer than a name.

mod applications;
mod attributes;
mod canonical;
mod claim;
mod compile;
mod device_certificates;
mod device_parts;
mod device_record;
mod devices;
mod facts;
mod fetched_keys;
mod headers;
mod issuer;
mod issuers;
mod json_schema;
mod keys;
mod named_peers;
mod names;
mod outline;
mod peer;
mod places;
mod plan;
mod policies;
mod prepare;
mod preset;
mod profile;
mod profiles;
mod reader;
mod reference;
mod reply;
mod request_headers;
mod resource_metadata;
mod sender;
mod settings;
mod sign_in;
mod token_kind;
mod trusted_peers;
mod wire;

#[cfg(test)]
mod tests;

pub use json_schema::json_schema;
pub use outline::Outline;
pub use plan::Plan;
pub use prepare::{Prepared, prepare};
pub use reference::{PresetTable, Row, Table, preset_device_facts, presets, reference};
