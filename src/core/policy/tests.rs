//! Policies as their authors and the callers meet them.

mod absence;
mod absent;
mod context;
mod decide;
mod entities;
mod fixture;
mod groups;
mod load;
mod schema;
mod slices;
mod upgrades;
mod words;
