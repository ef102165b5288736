//! What a suite states, what the core found, and which differences are known.

use std::collections::{BTreeMap, BTreeSet};

use super::Exceptions;

/// What the suite states of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stated {
    /// It is to be accepted.
    Right,
    /// It is to be refused.
    Wrong,
}

/// Where the core refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// No key of the set is usable.
    Key,
    /// The token is not well formed, or names an algorithm that is not ours.
    Token,
    /// No usable key made the signature.
    Signature,
    /// The signature is good, and what the token says is not taken.
    Claims,
    /// The policy has no translation.
    Policy,
    /// The decision, a reason or an error is another one.
    Decision,
}

/// What the core made of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// It accepted.
    Accepted,
    /// It refused.
    Refused(Stage),
}

/// A kind of cases that this core has no code for. They must be refused, and at this stage, whatever the suite states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outside {
    /// The name under which the exceptions list it.
    pub kind: &'static str,
    /// Where they must be refused.
    pub stage: Stage,
}

/// One case.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its name, unique in its suite.
    pub id: String,
    /// What the suite states.
    pub stated: Stated,
    /// Of which kind it is, if it is of one that we have no code for.
    pub outside: Option<Outside>,
    /// What the core made of it.
    pub found: Found,
}

/// What came of a suite.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// All cases.
    pub cases: usize,
    /// Cases where the core agrees with the suite.
    pub agreed: usize,
    /// Cases where it differs, by the listed reason.
    pub excepted: BTreeMap<String, Vec<String>>,
    /// What must not be: differences that are not listed, and listed ones that are gone.
    pub failures: Vec<String>,
}

impl Report {
    /// Holds the cases of a suite against its exceptions.
    #[must_use]
    pub fn of(cases: &[Case], exceptions: &Exceptions) -> Self {
        let mut report = Self { cases: cases.len(), ..Self::default() };
        let mut seen = BTreeSet::new();
        let mut kinds = BTreeSet::new();
        for case in cases {
            if !seen.insert(case.id.as_str()) {
                report.failures.push(format!("{}: two cases have this id", case.id));
            }
            report.judge(case, exceptions, &mut kinds);
        }
        for id in exceptions.cases.keys().filter(|id| !seen.contains(id.as_str())) {
            report.failures.push(format!("{id}: is listed as an exception, and there is no such case"));
        }
        for kind in exceptions.outside.keys().filter(|kind| !kinds.contains(kind.as_str())) {
            report.failures.push(format!("`{kind}`: is listed, and explains no difference"));
        }
        report
    }

    /// The number of cases that are as they must be.
    #[must_use]
    pub fn passed(&self) -> usize {
        self.agreed + self.excepted_cases()
    }

    /// The number of cases that differ for a listed reason.
    #[must_use]
    pub fn excepted_cases(&self) -> usize {
        self.excepted.values().map(Vec::len).sum()
    }

    fn judge<'c>(&mut self, case: &'c Case, exceptions: &Exceptions, kinds: &mut BTreeSet<&'c str>) {
        let agrees = (case.stated == Stated::Right) == (case.found == Found::Accepted);
        if let Some(reason) = exceptions.cases.get(&case.id) {
            if agrees {
                self.failures.push(format!("{}: is listed as an exception, and agrees", case.id));
            } else {
                self.except(case, reason);
            }
            return;
        }
        let listed = case.outside.and_then(|outside| Some((outside, exceptions.outside.get(outside.kind)?)));
        match listed {
            Some((outside, _)) if case.found != Found::Refused(outside.stage) => self.failures.push(format!(
                "{}: is of the kind `{}`, refused at {:?}, and was {:?}",
                case.id, outside.kind, outside.stage, case.found
            )),
            Some((outside, reason)) if !agrees => {
                kinds.insert(outside.kind);
                self.except(case, reason);
            }
            None if !agrees => {
                self.failures.push(format!("{}: is stated to be {:?}, and was {:?}", case.id, case.stated, case.found));
            }
            _ => self.agreed += 1,
        }
    }

    fn except(&mut self, case: &Case, reason: &str) {
        self.excepted.entry(reason.to_owned()).or_default().push(case.id.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::{Case, Found, Outside, Report, Stage, Stated};
    use crate::Exceptions;

    const ACCEPTED: Found = Found::Accepted;
    const REFUSED: Found = Found::Refused(Stage::Signature);

    fn case(id: &str, stated: Stated, found: Found) -> Case {
        Case { id: id.to_owned(), stated, outside: None, found }
    }

    fn outside(id: &str, stated: Stated, found: Found) -> Case {
        Case { outside: Some(Outside { kind: "P-521", stage: Stage::Key }), ..case(id, stated, found) }
    }

    fn report(cases: &[Case], exceptions: &str) -> Report {
        let lists = Exceptions::read_all(exceptions, &["suite"]).unwrap_or_else(|fault| panic!("{fault}"));
        let list = lists.into_iter().next().map(|(_, list)| list).unwrap_or_default();
        Report::of(cases, &list)
    }

    #[test]
    fn agreement_passes_and_needs_no_exception() {
        let report = report(&[case("1", Stated::Right, ACCEPTED), case("2", Stated::Wrong, REFUSED)], "");
        assert_eq!((report.passed(), report.excepted_cases(), report.failures.len()), (2, 0, 0));
    }

    #[test]
    fn a_disagreement_that_is_not_listed_fails_either_way() {
        let report = report(&[case("1", Stated::Wrong, ACCEPTED), case("2", Stated::Right, REFUSED)], "");
        assert_eq!(
            report.failures,
            ["1: is stated to be Wrong, and was Accepted", "2: is stated to be Right, and was Refused(Signature)"]
        );
        assert_eq!(report.passed(), 0);
    }

    #[test]
    fn a_listed_disagreement_passes_with_its_reason() {
        let report = report(&[case("1", Stated::Right, REFUSED)], "[suite.cases]\n1 = \"too old\"");
        assert_eq!(report.excepted.get("too old").map(Vec::as_slice), Some(&["1".to_owned()][..]));
        assert_eq!((report.passed(), report.failures.len()), (1, 0));
    }

    #[test]
    fn an_exception_that_agrees_or_names_no_case_fails() {
        let cases = [case("1", Stated::Right, ACCEPTED)];
        assert_eq!(report(&cases, "[suite.cases]\n1 = \"x\"").failures, ["1: is listed as an exception, and agrees"]);
        assert_eq!(
            report(&cases, "[suite.cases]\n7 = \"x\"").failures,
            ["7: is listed as an exception, and there is no such case"]
        );
    }

    #[test]
    fn a_kind_that_we_have_no_code_for_is_refused_where_it_must_be_or_fails() {
        let listed = "[suite.outside]\nP-521 = \"not in the list\"";
        let at_key = Found::Refused(Stage::Key);
        let report_of = |cases: &[Case]| report(cases, listed);
        let report = report_of(&[outside("1", Stated::Right, at_key), outside("2", Stated::Wrong, at_key)]);
        assert_eq!((report.agreed, report.excepted_cases(), report.failures.len()), (1, 1, 0));
        let report = report_of(&[outside("1", Stated::Right, ACCEPTED), outside("2", Stated::Right, at_key)]);
        assert_eq!(report.failures, ["1: is of the kind `P-521`, refused at Key, and was Accepted"]);
        let report = report_of(&[outside("1", Stated::Right, REFUSED), outside("2", Stated::Right, at_key)]);
        assert_eq!(report.failures.len(), 1, "refused too late: {report:?}");
        let report = report_of(&[outside("1", Stated::Wrong, at_key)]);
        assert_eq!(report.failures, ["`P-521`: is listed, and explains no difference"]);
    }

    #[test]
    fn a_kind_that_is_not_listed_is_a_disagreement_like_any_other() {
        let report = report(&[outside("1", Stated::Right, Found::Refused(Stage::Key))], "");
        assert_eq!(report.failures, ["1: is stated to be Right, and was Refused(Key)"]);
    }

    #[test]
    fn two_cases_of_one_id_fail() {
        let cases = [case("1", Stated::Right, ACCEPTED), case("1", Stated::Right, ACCEPTED)];
        assert_eq!(report(&cases, "").failures, ["1: two cases have this id"]);
    }
}
