//! The lists of known differences, as they are checked in.

use std::collections::BTreeMap;

use toml::{Table, Value};

/// The differences of one suite that are known and right.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exceptions {
    /// Kinds of cases that this core has no code for, with the reason.
    pub outside: BTreeMap<String, String>,
    /// Single cases, with the reason.
    pub cases: BTreeMap<String, String>,
}

impl Exceptions {
    /// Reads a list: for each suite a table with the tables `outside` and `cases`, in which each entry is a name and a
    /// reason in words.
    ///
    /// # Errors
    /// What is wrong with it: a table that no suite has, a reason that is none.
    pub fn read_all(text: &str, suites: &[&str]) -> Result<Vec<(String, Self)>, String> {
        let table: Table = text.parse().map_err(|fault| format!("it is not TOML: {fault}"))?;
        let mut lists = Vec::new();
        for (suite, value) in table {
            if !suites.contains(&suite.as_str()) {
                return Err(format!("there is no suite `{suite}`"));
            }
            let mut list = Self::default();
            for (part, entries) in as_table(&suite, value)? {
                let reasons = match part.as_str() {
                    "outside" => &mut list.outside,
                    "cases" => &mut list.cases,
                    _ => return Err(format!("`{suite}` has the part `{part}`; write `outside` or `cases`")),
                };
                for (name, reason) in as_table(&part, entries)? {
                    match reason {
                        Value::String(reason) if !reason.trim().is_empty() => reasons.insert(name, reason),
                        _ => return Err(format!("`{suite}.{part}.{name}` has no reason in words")),
                    };
                }
            }
            lists.push((suite, list));
        }
        Ok(lists)
    }
}

fn as_table(name: &str, value: Value) -> Result<Table, String> {
    match value {
        Value::Table(table) => Ok(table),
        _ => Err(format!("`{name}` is not a table")),
    }
}

#[cfg(test)]
mod tests {
    use super::Exceptions;

    #[test]
    fn an_exception_needs_a_suite_that_is_run_and_a_reason_in_words() {
        for (text, fault) in [
            ("[other.cases]\n1 = \"x\"", "there is no suite `other`"),
            ("[suite.cases]\n1 = \" \"", "`suite.cases.1` has no reason in words"),
            ("[suite.cases]\n1 = true", "`suite.cases.1` has no reason in words"),
            ("[suite.case]\n1 = \"x\"", "`suite` has the part `case`; write `outside` or `cases`"),
            ("suite = 1", "`suite` is not a table"),
        ] {
            assert_eq!(Exceptions::read_all(text, &["suite"]), Err(fault.to_owned()), "{text}");
        }
        let twice = "[suite.cases]\n1 = \"x\"\n1 = \"y\"";
        assert!(Exceptions::read_all(twice, &["suite"]).is_err());
    }
}
