//! The members of one case: the file's defaults, then the case's own, then those of its row in a table.

use std::collections::BTreeMap;

use countersign_core::text::push_token;
use serde_json::{Map, Value};

use super::problem;
use crate::document::{Document, Problem};

/// The members of a case that have a value.
pub const VALUES: [&str; 15] = [
    "name",
    "principal",
    "groups",
    "bound_by",
    "workload",
    "request",
    "host",
    "client_address",
    "port",
    "time",
    "expect",
    "policies",
    "reason",
    "status",
    "advice",
];

/// The members of a case whose own members are merged one by one, and how deep.
pub const RECORDS: [(&str, usize); 3] = [("facts", 1), ("headers", 1), ("devices", 2)];

/// The members that are about the principal.
const OF_PRINCIPAL: [&str; 3] = ["groups", "bound_by", "facts"];

/// A value with its place in the file.
#[derive(Clone, Debug)]
pub struct Placed<'d> {
    /// The value.
    pub value: &'d Value,
    /// Its JSON pointer.
    pub pointer: String,
}

/// The members by their paths, such as `facts`, `acr`. A device has an entry of its own, `devices`, `mdm`, before its facts.
#[derive(Clone, Debug, Default)]
pub struct Layers<'d>(BTreeMap<Vec<String>, Placed<'d>>);

impl<'d> Layers<'d> {
    /// Adds the members of an object over those that are already there. `null` removes a member.
    ///
    /// # Errors
    /// An unknown member, or a record that is not an object.
    pub fn add(
        &mut self,
        document: &Document,
        members: &'d Map<String, Value>,
        pointer: &str,
        ignored: &[&str],
    ) -> Result<(), Problem> {
        let members = members.iter().filter(|(name, _)| !ignored.contains(&name.as_str()));
        // What is removed goes first, so that the order of the members does not matter.
        let (removed, set): (Vec<_>, Vec<_>) = members.partition(|(_, value)| value.is_null());
        for (name, value) in removed.into_iter().chain(set) {
            let mut pointer = pointer.to_owned();
            push_token(&mut pointer, name);
            self.set(document, name, value, pointer)?;
        }
        Ok(())
    }

    /// Sets one member by its name, which for a member of a record is written with dots: `facts.acr`, `devices.mdm.score`.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn set(&mut self, document: &Document, name: &str, value: &'d Value, pointer: String) -> Result<(), Problem> {
        let (first, rest) = name.split_once('.').map_or((name, None), |(first, rest)| (first, Some(rest)));
        let depth = RECORDS.iter().find(|(record, _)| *record == first).map(|(_, depth)| *depth);
        let (path, depth) = match (depth, rest) {
            (None, None) if VALUES.contains(&name) => (vec![name.to_owned()], 0),
            (Some(depth), None) => (vec![first.to_owned()], depth),
            (Some(depth), Some(rest)) => {
                let parts: Vec<String> = rest.splitn(depth, '.').map(str::to_owned).collect();
                let left = depth.saturating_sub(parts.len());
                (core::iter::once(first.to_owned()).chain(parts).collect(), left)
            }
            _ => {
                let records = RECORDS.map(|(record, _)| record);
                let known = VALUES.iter().chain(&records).copied().collect::<Vec<_>>().join(", ");
                let message = format!("a case has no member `{name}`");
                return Err(problem(document.at(&pointer), &pointer, message, format!("its members are {known}")));
            }
        };
        self.put(document, path, value, pointer, depth)
    }

    fn put(
        &mut self,
        document: &Document,
        path: Vec<String>,
        value: &'d Value,
        pointer: String,
        depth: usize,
    ) -> Result<(), Problem> {
        if value.is_null() {
            // Without a principal there is nothing that its members could be about.
            let with_it = if path == ["principal"] { &OF_PRINCIPAL[..] } else { &[] };
            let is_removed = |known: &[String]| {
                known.starts_with(&path) || known.first().is_some_and(|first| with_it.contains(&first.as_str()))
            };
            self.0.retain(|known, _| !is_removed(known));
            return Ok(());
        }
        let Some(deeper) = depth.checked_sub(1) else {
            if let [record, provider, _] = path.as_slice() {
                let device = vec![record.clone(), provider.clone()];
                self.0.entry(device).or_insert_with(|| Placed { value, pointer: pointer.clone() });
            }
            self.0.insert(path, Placed { value, pointer });
            return Ok(());
        };
        let Value::Object(members) = value else {
            let message = format!("`{}` is not an object", path.join("."));
            return Err(problem(document.at(&pointer), &pointer, message, "write its members, each with a value"));
        };
        if path.len() > 1 {
            self.0.insert(path.clone(), Placed { value, pointer: pointer.clone() });
        }
        for (name, value) in members {
            let path = path.iter().chain([name]).cloned().collect();
            let mut pointer = pointer.clone();
            push_token(&mut pointer, name);
            self.put(document, path, value, pointer, deeper)?;
        }
        Ok(())
    }

    /// A member with a value.
    pub fn get(&self, name: &str) -> Option<&Placed<'d>> {
        self.0.get(&vec![name.to_owned()])
    }

    /// The members of a record at this path, one level below it.
    pub fn inside(&self, path: &[&str]) -> impl Iterator<Item = (&str, &Placed<'d>)> {
        let length = path.len();
        let is_inside = move |known: &[String]| {
            known.len() == length.saturating_add(1) && known.iter().zip(path).all(|(known, wanted)| known == wanted)
        };
        let inside = self.0.iter().filter(move |(known, _)| is_inside(known));
        inside.filter_map(|(known, placed)| Some((known.last()?.as_str(), placed)))
    }
}
