//! What a path inside `context` leads to, with the names that could be in place of a wrong one.

use std::collections::BTreeSet;

use crate::policy::context::{ContextMember, ContextType};
use crate::profile::FactField;

/// What a path inside `context` leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::policy) enum Lookup<'a> {
    /// A value without members.
    Leaf,
    /// A record.
    Record,
    /// A member of `context.device` that no provider of the configuration fills.
    Unfilled,
    /// The part at this place does not exist.
    Unknown {
        /// Which part, from 0.
        place: usize,
        /// What could stand there; empty where nothing can.
        known: Vec<&'a str>,
    },
}

impl Lookup<'_> {
    pub(super) fn deeper(self) -> Self {
        match self {
            Self::Unknown { place, known } => Self::Unknown { place: place.saturating_add(1), known },
            other => other,
        }
    }
}

fn leaf<'a>(rest: &[&str]) -> Lookup<'a> {
    if rest.is_empty() { Lookup::Leaf } else { Lookup::Unknown { place: 1, known: Vec::new() } }
}

fn members<'a>(rest: &[&str], known: &[&'a str], inner: impl Fn(&[&str]) -> Lookup<'a>) -> Lookup<'a> {
    match rest.split_first() {
        None => Lookup::Record,
        Some((name, rest)) if known.contains(name) => inner(rest).deeper(),
        Some(_) => Lookup::Unknown { place: 1, known: known.to_vec() },
    }
}

/// Inside a member that does not hang on the configuration. `parameters` are the path parameters.
pub(super) fn context_member<'a>(member: ContextMember, rest: &[&str], parameters: &BTreeSet<&'a str>) -> Lookup<'a> {
    let ContextMember::Record(_, facts) = member else { return leaf(rest) };
    let known: Vec<&str> = facts.iter().map(|fact| fact.name).collect();
    let parameterized = facts.iter().find(|fact| fact.of == ContextType::PathParameters).map(|fact| fact.name);
    match rest.split_first() {
        Some((name, rest)) if Some(*name) == parameterized => {
            let known: Vec<&str> = parameters.iter().copied().collect();
            members(rest, &known, leaf).deeper()
        }
        _ => members(rest, &known, leaf),
    }
}

/// Inside the record of an issuer or device; `own` are members in addition to the declared facts.
pub(super) fn declared<'a>(fields: &'a [FactField], own: &[&'a str], rest: &[&str]) -> Lookup<'a> {
    let Some((name, rest)) = rest.split_first() else { return Lookup::Record };
    if own.contains(name) {
        return leaf(rest);
    }
    let Some(field) = fields.iter().find(|field| field.name == *name) else {
        let known = fields.iter().map(|field| field.name.as_str()).chain(own.iter().copied());
        return Lookup::Unknown { place: 0, known: known.collect() };
    };
    match field.fact_type.members() {
        Some(inner) => declared(inner, &[], rest).deeper(),
        None => leaf(rest),
    }
}
