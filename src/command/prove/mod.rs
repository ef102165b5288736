//! What a change of the configuration lets in, and what a configuration lets in: proofs over all requests, for `diff` and
//! `analyze`.
//!
//! [`proof`] asks [`solver`] about one kind of caller at one pair of [`places`]. An answer becomes an [`example`], which both
//! configurations decide before it is shown. What no proof covers is compared in [`differences`].

pub mod analysis;
pub mod case;
#[cfg(test)]
mod dice;
pub mod differences;
pub mod example;
pub mod idle;
pub mod json;
pub mod places;
pub mod proof;
pub mod recorded;
pub mod replay;
pub mod report;
pub mod solver;
pub mod text;
mod yaml;
