//! The facts that policies read, resolved when they are loaded: where in a request, or in its evidence, each is found.

use core::ops::Range;
use std::collections::HashMap;

use super::device::DevicePath;
use crate::policy::Vocabulary;
use crate::policy::context::{self, CONTEXT_FACTS, ContextFact, ContextMember, ContextType, DEVICE_FACTS};
use crate::policy::program::expression::{Slot, SlotTable};
use crate::profile::DEVICE_RECORD;
use crate::provider::ProviderName;

/// Where a fact is found.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::policy) enum Fact {
    /// A row of [`CONTEXT_FACTS`] that is a member of `context` itself.
    Row(usize),
    /// A record of these rows: it is there if any of them is.
    Record(Range<usize>),
    /// A row in a record.
    InRecord {
        /// All rows of the record.
        record: Range<usize>,
        /// The row.
        row: usize,
    },
    /// A parameter of the path. Every request has the record that it is in.
    Parameter(String),
    /// An attribute of the route.
    Attribute {
        /// Its name.
        name: String,
        /// Its place among all attributes.
        place: usize,
    },
    /// The record of an issuer or a device provider, or what the path inside it leads to.
    Evidence {
        /// Whose.
        provider: ProviderName,
        /// From the record inwards; empty for the record itself.
        path: Vec<String>,
    },
    /// What several providers say about the device in one vocabulary.
    Device(DevicePath),
}

impl Fact {
    /// How a policy names it.
    fn named(&self) -> FactName<'_> {
        match self {
            Self::Attribute { name, .. } => FactName::Attribute(name),
            _ => FactName::InContext(self.path()),
        }
    }

    /// The path inside `context` that leads to it.
    fn path(&self) -> Vec<&str> {
        let of_row = |row: &usize| {
            let fact = CONTEXT_FACTS.get(*row);
            fact.into_iter().flat_map(|fact| fact.record.into_iter().chain([fact.name])).collect()
        };
        match self {
            Self::Row(row) | Self::InRecord { row, .. } => of_row(row),
            Self::Record(rows) => CONTEXT_FACTS.get(rows.start).and_then(|fact| fact.record).into_iter().collect(),
            Self::Parameter(name) => {
                let record = CONTEXT_FACTS.iter().position(|fact| fact.of == ContextType::PathParameters);
                record.iter().flat_map(of_row).chain([name.as_str()]).collect()
            }
            Self::Attribute { .. } => Vec::new(),
            Self::Evidence { provider, path } => {
                core::iter::once(provider.as_str()).chain(path.iter().map(String::as_str)).collect()
            }
            Self::Device(path) => path.path(),
        }
    }
}

/// How a policy names a fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::policy) enum FactName<'f> {
    /// By its path inside `context`.
    InContext(Vec<&'f str>),
    /// As an attribute of `resource`.
    Attribute(&'f str),
}

/// The facts that the policies of a configuration read, each once.
#[derive(Clone, Debug, Default)]
pub(in crate::policy) struct FactTable(Vec<Fact>);

impl FactTable {
    /// The fact in a slot.
    pub(in crate::policy) fn get(&self, Slot(place): Slot) -> Option<&Fact> {
        self.0.get(place)
    }

    /// Whether the requests of one caller mostly have the same value of the fact.
    pub(in crate::policy) fn comes_again(&self, slot: Slot) -> bool {
        let row = |row: usize| CONTEXT_FACTS.get(row).is_some_and(|fact| fact.comes_again);
        match self.get(slot) {
            Some(Fact::Row(place) | Fact::InRecord { row: place, .. }) => row(*place),
            // An issuer may declare a fact of the same name. It is then not cached either, which changes no decision.
            Some(Fact::Evidence { path, .. }) => {
                !DEVICE_FACTS.iter().any(|fact| !fact.comes_again && [fact.name] == path.as_slice())
            }
            Some(Fact::Device(path)) => path.comes_again(),
            Some(Fact::Record(_) | Fact::Attribute { .. }) => true,
            Some(Fact::Parameter(_)) | None => false,
        }
    }

    /// How policies name the facts, in the order of their slots.
    pub(in crate::policy) fn names(&self) -> impl ExactSizeIterator<Item = FactName<'_>> {
        self.0.iter().map(Fact::named)
    }
}

/// Fills the table.
pub(in crate::policy) struct FactResolver<'a> {
    vocabulary: Vocabulary<'a>,
    slots: HashMap<Fact, Slot>,
    table: FactTable,
}

impl<'a> FactResolver<'a> {
    /// An empty table of what these names can lead to.
    pub(in crate::policy) fn new(vocabulary: Vocabulary<'a>) -> Self {
        Self { vocabulary, slots: HashMap::new(), table: FactTable::default() }
    }

    fn slot_of(&mut self, fact: Fact) -> Slot {
        let facts = &mut self.table.0;
        *self.slots.entry(fact).or_insert_with_key(|fact| {
            facts.push(fact.clone());
            Slot(facts.len().saturating_sub(1))
        })
    }

    /// The table.
    pub(in crate::policy) fn finish(self) -> FactTable {
        self.table
    }
}

impl SlotTable for FactResolver<'_> {
    fn slot(&mut self, path: &[&str]) -> Option<Slot> {
        resolve(path, self.vocabulary).map(|fact| self.slot_of(fact))
    }

    fn attribute(&mut self, name: &str) -> Option<Slot> {
        let place = self.vocabulary.router.attributes.iter().position(|attribute| attribute.name == name)?;
        Some(self.slot_of(Fact::Attribute { name: name.to_owned(), place }))
    }
}

fn resolve(path: &[&str], vocabulary: Vocabulary<'_>) -> Option<Fact> {
    let (first, inner) = path.split_first()?;
    match context::member(first) {
        Some(ContextMember::Fact(fact)) => inner.is_empty().then(|| Fact::Row(row_of(fact))),
        Some(ContextMember::Record(_, facts)) => {
            let start = row_of(facts.first()?);
            let record = start..start.saturating_add(facts.len());
            let Some((name, inner)) = inner.split_first() else { return Some(Fact::Record(record)) };
            let fact = facts.iter().find(|fact| fact.name == *name)?;
            match inner {
                [] => Some(Fact::InRecord { record, row: row_of(fact) }),
                [name] if fact.of == ContextType::PathParameters => Some(Fact::Parameter((*name).to_owned())),
                _ => None,
            }
        }
        None if *first == DEVICE_RECORD => DevicePath::resolve(inner).map(Fact::Device),
        None => {
            let (provider, _) = vocabulary.records().find(|(name, _)| name.as_str() == *first)?;
            let provider = provider.clone();
            Some(Fact::Evidence { provider, path: inner.iter().map(|&name| name.to_owned()).collect() })
        }
    }
}

/// The place of a row in the table.
fn row_of(fact: &ContextFact) -> usize {
    let same = |row: &ContextFact| row.record == fact.record && row.name == fact.name;
    CONTEXT_FACTS.iter().position(same).unwrap_or(CONTEXT_FACTS.len())
}
