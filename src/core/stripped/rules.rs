//! Which request headers are removed: the list, and the additions and exceptions of the configuration.

use std::collections::{BTreeMap, BTreeSet};

use super::{Group, LEFT_ALONE, Pattern, REMOVED, Screen, dashed, normal_form};

/// The decision about each name, compiled.
#[derive(Clone, Debug)]
pub struct HeaderRules {
    /// Removed, in normal form.
    names: BTreeSet<String>,
    /// Beginnings of names that are removed, in normal form.
    beginnings: Vec<String>,
    /// Names in normal form, and the one spelling of each that is forwarded.
    spellings: BTreeMap<String, String>,
    /// Beginnings of names that are forwarded.
    kept_beginnings: Vec<String>,
}

impl Default for HeaderRules {
    /// The list without changes.
    fn default() -> Self {
        Self::new(Vec::new(), Vec::new())
    }
}

impl HeaderRules {
    /// The list with the names that the operator adds, and without those that the operator keeps.
    #[must_use]
    pub fn new(remove: Vec<Pattern>, keep: Vec<Pattern>) -> Self {
        let mut rules = Self {
            names: BTreeSet::new(),
            beginnings: Vec::new(),
            spellings: BTreeMap::new(),
            kept_beginnings: Vec::new(),
        };
        let listed = REMOVED.iter().flat_map(|group| group.names).map(|name| Pattern::of(name));
        for pattern in listed.chain(remove) {
            match pattern.normal() {
                Pattern::Name(name) => drop(rules.names.insert(name)),
                Pattern::Beginning(beginning) => rules.beginnings.push(beginning),
            }
        }
        for pattern in keep {
            match pattern {
                Pattern::Name(name) => drop(rules.spellings.insert(normal_form(&name), name)),
                Pattern::Beginning(beginning) => rules.kept_beginnings.push(beginning),
            }
        }
        let stay = spelled_one_way().filter(|name| !rules.is_listed(name, name));
        let stay: Vec<(String, String)> = stay.map(|name| (name.to_owned(), name.to_owned())).collect();
        rules.spellings.extend(stay);
        rules
    }

    /// A screen that passes every name that is removed, as a header field or as a trailer.
    #[must_use]
    pub fn screen(&self) -> Screen {
        let mut screen = Screen::default();
        self.names.iter().chain(self.spellings.keys()).for_each(|name| screen.add_name(name));
        spelled_one_way().for_each(|name| screen.add_name(name));
        self.beginnings.iter().for_each(|beginning| screen.add_beginning(beginning));
        screen
    }

    /// Whether a header of this name is removed; `normal` is its normal form.
    ///
    /// Of a name that is kept or left alone, only one spelling is forwarded and every other one is removed. An
    /// application that does not distinguish them would read two values, and the proxy that sets the one does not
    /// control the other.
    #[must_use]
    pub fn removes(&self, name: &str, normal: &str) -> bool {
        if let Some(spelling) = self.spellings.get(normal) {
            return name != spelling;
        }
        if self.kept_beginnings.iter().any(|beginning| name.starts_with(beginning.as_str())) && name == normal {
            return false;
        }
        self.is_listed(name, normal)
    }

    /// Whether a trailer of this name is removed; `normal` is its normal form. Names that are kept or left alone are
    /// removed too: no client has a reason to send them as trailers, and neither Envoy nor a proxy in front of it that
    /// sets the header checks trailers.
    #[must_use]
    pub fn removes_trailer(&self, name: &str, normal: &str) -> bool {
        self.is_listed(name, normal) || spelled_one_way().any(|name| name == normal)
    }

    fn is_listed(&self, name: &str, normal: &str) -> bool {
        let begins = |text: &str| self.beginnings.iter().any(|beginning| text.starts_with(beginning.as_str()));
        // A name that lost the prefix of grpc-gateway in its normal form begins with that prefix all the same.
        self.names.contains(normal) || begins(normal) || (name.len() != normal.len() && begins(&dashed(name)))
    }
}

/// Names of [`LEFT_ALONE`] whose other spellings are removed.
fn spelled_one_way() -> impl Iterator<Item = &'static str> {
    LEFT_ALONE.iter().filter(|left| left.only_spelled_so).flat_map(|left| left.names).copied()
}

impl Group {
    /// The group of the list by which every name of a pattern is removed. The pattern is in normal form.
    #[must_use]
    pub fn of(pattern: &Pattern) -> Option<&'static Self> {
        REMOVED.iter().find(|group| group.names.iter().any(|name| Pattern::of(name).covers(pattern)))
    }
}
