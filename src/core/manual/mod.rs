//! Prose: the words that are used here, what is defended against whom, and why each default has its value.
//!
//! There is no code in these modules. They are compiled so that their links to types are checked.

pub mod defaults;
pub mod terms;
pub mod threat_model;
