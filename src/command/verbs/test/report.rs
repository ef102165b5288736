//! The results of cases as text, TAP and JUnit XML.

use std::io::{self, Write};

use super::Tested;
use crate::wording;

/// Failed cases with what differs and why, then a summary.
///
/// # Errors
/// The output is closed.
pub fn text(output: &mut impl Write, tested: &[Tested]) -> io::Result<()> {
    for case in tested.iter().filter(|case| !case.differences.is_empty()) {
        writeln!(output, "{}:{}: FAILED: {}", case.file, case.line, one_line(&case.name))?;
        write_indented(output, &differences(case))?;
        writeln!(output)?;
    }
    let failed = tested.iter().filter(|case| !case.differences.is_empty()).count();
    let passed = tested.len().saturating_sub(failed);
    writeln!(output, "{passed} passed, {failed} failed")
}

/// Test Anything Protocol 14: one line for each case, and its differences as comments.
///
/// # Errors
/// The output is closed.
pub fn tap(output: &mut impl Write, tested: &[Tested]) -> io::Result<()> {
    writeln!(output, "TAP version 14\n1..{}", tested.len())?;
    for (case, number) in tested.iter().zip(1_usize..) {
        let word = if case.differences.is_empty() { "ok" } else { "not ok" };
        // A `#` in a description would begin a directive.
        let name = one_line(&case.name).replace('\\', "\\\\").replace('#', "\\#");
        writeln!(output, "{word} {number} - {}:{}: {name}", case.file, case.line)?;
        if !case.differences.is_empty() {
            for line in differences(case).lines() {
                writeln!(output, "# {}", one_line(line))?;
            }
        }
    }
    Ok(())
}

/// JUnit XML: a suite for each file.
///
/// # Errors
/// The output is closed.
pub fn junit(output: &mut impl Write, tested: &[Tested]) -> io::Result<()> {
    let failed = |cases: &[Tested]| cases.iter().filter(|case| !case.differences.is_empty()).count();
    writeln!(output, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(output, "<testsuites tests=\"{}\" failures=\"{}\">", tested.len(), failed(tested))?;
    for suite in tested.chunk_by(|one, next| one.file == next.file) {
        let file = suite.first().map_or_else(String::new, |case| xml(&case.file));
        let (tests, failures) = (suite.len(), failed(suite));
        writeln!(output, "  <testsuite name=\"{file}\" tests=\"{tests}\" failures=\"{failures}\">")?;
        for case in suite {
            let name = xml(&case.name);
            write!(
                output,
                "    <testcase classname=\"{file}\" name=\"{name}\" file=\"{file}\" line=\"{}\"",
                case.line
            )?;
            if case.differences.is_empty() {
                writeln!(output, "/>")?;
            } else {
                let text = xml(&differences(case));
                writeln!(output, ">\n      <failure message=\"not as expected\">{text}</failure>\n    </testcase>")?;
            }
        }
        writeln!(output, "  </testsuite>")?;
    }
    writeln!(output, "</testsuites>")
}

/// What differs, then how the policies that matter decide.
fn differences(case: &Tested) -> String {
    let mut lines = String::new();
    for difference in &case.differences {
        let member = format!("{}:", difference.member);
        lines.push_str(&format!(
            "{member:<10}expected {}\n{:<10}found    {}\n",
            difference.expected, "", difference.found
        ));
    }
    let detail = case.found.detail.as_ref().map_or_else(String::new, |detail| format!(", {detail}"));
    lines.push_str(&format!("decision: {} ({}{detail})\n", case.found.decision, case.found.reason));
    for explained in case.found.explanation.iter().flat_map(|explanation| &explanation.policies) {
        if explained.is_in_reach() {
            lines.push_str(&wording::policy(explained));
        }
    }
    lines
}

fn write_indented(output: &mut impl Write, text: &str) -> io::Result<()> {
    text.lines().try_for_each(|line| writeln!(output, "  {}", one_line(line)))
}

/// A string that stays on its line and does not change the terminal.
fn one_line(text: &str) -> String {
    wording::printable(text).replace('\n', "\u{fffd}")
}

/// A string inside XML 1.0, which cannot hold other control characters.
fn xml(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push('\n'),
            c if c.is_control() => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}
