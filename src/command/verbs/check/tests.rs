//! Reports, as they are printed.

mod cases;

use super::{Report, check, parse};
use crate::document::Level;

fn printed(name: &str, text: &str) -> (Report, String) {
    printed_bytes(name, text.as_bytes())
}

fn printed_bytes(name: &str, bytes: &[u8]) -> (Report, String) {
    let (documents, report) = parse(name, bytes);
    let mut reports = [report];
    check(&[documents], &mut reports);
    let [report] = reports;
    let mut output = Vec::new();
    report.print(name, &mut output).unwrap();
    (report, String::from_utf8(output).unwrap())
}

#[test]
fn every_problem_is_told_with_its_line() {
    let (report, output) = printed("c.yaml", "version: 1\nissuers:\n  corp:\n    isuer: x\nzzz: 1\n");
    assert_eq!(report.configurations, 1);
    assert!(output.contains("c.yaml:4:5: error[unknown-field] at /issuers/corp/isuer: "), "{output}");
    assert!(output.contains("c.yaml:5:1: error[unknown-field] at /zzz: "), "{output}");
}

#[test]
fn documents_of_other_kinds_are_named_and_skipped() {
    let (report, output) =
        printed("k.yaml", "---\napiVersion: v1\nkind: Service\n---\nfoo: 1\n---\nadmin: {}\nstatic_resources: {}\n");
    assert_eq!((report.configurations, report.count(Level::Error), report.count(Level::Note)), (0, 0, 3));
    assert!(output.contains("k.yaml:2:1: note[skipped]: this document is a Kubernetes `Service`\n"), "{output}");
    assert!(output.ends_with("k.yaml: 0 configurations, 0 errors, 0 warnings\n"), "{output}");
}

#[test]
fn what_is_no_yaml_is_an_error_with_its_place() {
    let (report, output) = printed("c.yaml", "version: 1\nissuers: {\n");
    assert_eq!(report.count(Level::Error), 1);
    assert!(output.starts_with("c.yaml:2:10: error[yaml-syntax]"), "{output}");
}
