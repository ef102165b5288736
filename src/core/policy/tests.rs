//! Policies as their authors and the callers meet them.

mod absence;
mod absent;
#[cfg(not(target_arch = "wasm32"))]
mod agreement;
mod anonymous;
mod attributes;
mod cache;
mod context;
mod decide;
mod device;
mod documents;
mod entities;
mod explanation;
mod fixture;
mod groups;
mod implied;
mod load;
mod prepared;
mod rehearsal;
mod remedies;
mod schema;
mod slices;
mod text;
mod upgrades;
mod versions;
mod words;
mod workloads;
