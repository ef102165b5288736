//! Policies as their authors and the callers meet them.

mod absence;
mod absent;
mod anonymous;
mod context;
mod decide;
mod entities;
mod fixture;
mod groups;
mod load;
mod schema;
mod slices;
mod text;
mod upgrades;
mod words;
