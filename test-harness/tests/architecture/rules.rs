//! The rules. Each returns one line for each place that breaks it: where, what, and what to do.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{Crate, Module};

/// A path that a crate may not name, and what to write in its place.
pub struct Forbidden {
    /// Its first segments.
    pub prefix: &'static [&'static str],
    /// What to do.
    pub instead: &'static str,
}

/// Each module uses only modules that the root declares above it.
pub fn order(sources: &Crate) -> Vec<String> {
    let Some(root) = sources.modules.iter().find(|module| module.path.is_empty()) else {
        return vec!["the crate has no root file, so nothing was checked".to_owned()];
    };
    let place = |name: &str| root.children.iter().position(|child| child == name);
    let mut problems = Vec::new();
    for module in &sources.modules {
        let Some(own) = module.path.first() else { continue };
        for path in &module.names {
            let Some(used) = module.resolve(&path.segments).and_then(|path| path.first().cloned()) else { continue };
            let fault = match (place(own), place(&used)) {
                (Some(_), None) => {
                    format!("`{used}` is not a module of {}; name the module that defines it", root.file)
                }
                (Some(own_place), Some(used_place)) if used_place > own_place => format!(
                    "uses `{used}`, which {} declares below `{own}`; move what both need into a module above them",
                    root.file
                ),
                (None, _) => format!("{} does not declare `{own}`; declare it or delete the file", root.file),
                _ => continue,
            };
            problems.push(format!("{}:{}: {fault}", module.file, path.line));
        }
    }
    problems
}

/// Modules that one module declares do not use each other in a circle. A module and its own children may.
pub fn circles(sources: &Crate) -> Vec<String> {
    let mut problems = Vec::new();
    for parent in &sources.modules {
        let uses = uses_between_children(sources, parent);
        let mut reported = BTreeSet::new();
        for child in &parent.children {
            let circle: BTreeSet<&String> = parent
                .children
                .iter()
                .filter(|other| reaches(&uses, child, other) && reaches(&uses, other, child))
                .collect();
            if circle.is_empty() || !reported.insert(circle.clone()) {
                continue;
            }
            let lines = uses.iter().filter(|((from, to), _)| circle.contains(from) && circle.contains(to));
            let lines: Vec<String> =
                lines.map(|((from, to), place)| format!("  {place}: `{from}` uses `{to}`")).collect();
            problems.push(format!(
                "{}: modules that it declares use each other in a circle; move what they share into a module of its own\n{}",
                parent.file,
                lines.join("\n")
            ));
        }
    }
    problems
}

/// Pairs of children of which the first uses the second, and the first place where it does.
fn uses_between_children(sources: &Crate, parent: &Module) -> BTreeMap<(String, String), String> {
    let mut uses = BTreeMap::new();
    let depth = parent.path.len();
    for module in sources.modules.iter().filter(|module| module.path.starts_with(&parent.path)) {
        let Some(from) = module.path.get(depth) else { continue };
        for path in &module.names {
            let Some(used) = module.resolve(&path.segments) else { continue };
            let Some(name) = used.strip_prefix(parent.path.as_slice()).and_then(<[String]>::first) else { continue };
            let Some(to) = child_of(parent, name) else { continue };
            if to != *from {
                uses.entry((from.clone(), to)).or_insert_with(|| format!("{}:{}", module.file, path.line));
            }
        }
    }
    uses
}

/// The child that a name in a module means: the child itself, or the one from which the module takes the name.
fn child_of(parent: &Module, name: &str) -> Option<String> {
    if parent.children.iter().any(|child| child == name) {
        return Some(name.to_owned());
    }
    parent.names.iter().filter(|path| path.segments.last().is_some_and(|last| last == name)).find_map(|path| {
        let absolute = parent.resolve(&path.segments)?;
        let child = absolute.strip_prefix(parent.path.as_slice())?.first()?;
        parent.children.contains(child).then(|| child.clone())
    })
}

fn reaches(uses: &BTreeMap<(String, String), String>, from: &str, to: &str) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![from];
    while let Some(next) = open.pop() {
        for (_, used) in uses.keys().filter(|(user, _)| user == next) {
            if used == to {
                return true;
            }
            if seen.insert(used) {
                open.push(used);
            }
        }
    }
    false
}

/// The crate names none of these paths.
pub fn forbidden(sources: &Crate, forbidden: &[Forbidden]) -> Vec<String> {
    let mut problems = Vec::new();
    for Forbidden { prefix, instead } in forbidden {
        for (module, line) in places(sources, prefix) {
            problems.push(format!("{}:{line}: names `{}`; {instead}", module.file, prefix.join("::")));
        }
    }
    problems
}

/// Exactly one file names paths with this beginning.
pub fn only_one_file_names(sources: &Crate, prefix: &[&str]) -> Vec<String> {
    let name = prefix.join("::");
    let found: Vec<_> = places(sources, prefix).collect();
    let Some((first, _)) = found.first() else {
        return vec![format!(
            "no file names `{name}`, so nothing was checked; give the check the name that is used now"
        )];
    };
    let others = found.iter().filter(|(module, _)| module.file != first.file);
    others
        .map(|(module, line)| format!("{}:{line}: names `{name}`, as {} does; call that file", module.file, first.file))
        .collect()
}

/// Where a crate names paths with this beginning.
fn places<'c>(sources: &'c Crate, prefix: &[&str]) -> impl Iterator<Item = (&'c Module, usize)> {
    sources.modules.iter().flat_map(move |module| {
        let named = module.names.iter().filter(move |path| {
            path.segments.len() >= prefix.len() && path.segments.iter().zip(prefix).all(|(own, wanted)| own == wanted)
        });
        named.map(move |path| (module, path.line))
    })
}
