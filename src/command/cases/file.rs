//! A file of test cases and the configuration that it names.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use countersign_core::config::Plan;
use countersign_core::config_error::TextPosition;
use serde_json::Value;

use super::expected::Expected;
use super::found::Found;
use super::given::{Given, Reader};
use super::layers::Layers;
use super::problem;
use crate::configuration::{compile, only_configuration, or_print};
use crate::document::{self, Document, DocumentCode, Problem, START};
use crate::failure::Failure;

/// A configuration that cases are decided by.
#[derive(Debug)]
pub struct Configuration {
    /// Its file.
    pub file: String,
    /// It, compiled. It enforces whatever its `mode` says, so that a denial is a denial.
    pub plan: Plan,
}

/// The configurations by their files, each compiled once.
#[derive(Debug, Default)]
pub struct Configurations {
    compiled: BTreeMap<PathBuf, Rc<Configuration>>,
    files: Vec<PathBuf>,
}

/// One case.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its name.
    pub name: String,
    /// Its place in the file.
    pub at: TextPosition,
    given: Given,
    expected: Expected,
}

/// A file of cases.
#[derive(Debug)]
pub struct CaseFile {
    /// Its name.
    pub file: String,
    /// Its configuration.
    pub configuration: Rc<Configuration>,
    /// The cases in order.
    pub cases: Vec<Case>,
}

impl Case {
    /// What the core decides.
    #[must_use]
    pub fn found(&self, plan: &Plan) -> Found {
        Found::of(plan, &self.given)
    }

    /// What it expects.
    #[must_use]
    pub const fn expected(&self) -> &Expected {
        &self.expected
    }
}

impl Configurations {
    /// The files of all configurations that were named, also of those with errors.
    pub fn into_files(self) -> Vec<PathBuf> {
        self.files
    }

    /// Reads a file of cases, and its configuration unless another file names the same. Prints every problem.
    ///
    /// # Errors
    /// A file cannot be read or has errors.
    pub fn read(&mut self, file: &str) -> Result<CaseFile, Failure> {
        let bytes = document::read(file).map_err(|fault| Failure::Usage(format!("cannot read `{file}`: {fault}")))?;
        let document = or_print(file, only_document(file, &bytes).map_err(|problem| vec![problem]))?;
        let path = or_print(file, config_of(&document).map_err(|problem| vec![problem]))?;
        let folder = Path::new(file).parent().unwrap_or(Path::new(""));
        let configuration = self.configuration(&folder.join(path))?;
        let cases = or_print(file, read_cases(&document, &configuration.plan))?;
        Ok(CaseFile { file: file.to_owned(), configuration, cases })
    }

    fn configuration(&mut self, path: &Path) -> Result<Rc<Configuration>, Failure> {
        let file = path.display().to_string();
        self.files.push(path.to_owned());
        let unreadable = |fault: std::io::Error| Failure::Usage(format!("cannot read `{file}`: {fault}"));
        let key = path.canonicalize().map_err(unreadable)?;
        if let Some(known) = self.compiled.get(&key) {
            return Ok(Rc::clone(known));
        }
        let bytes = document::read(&file).map_err(unreadable)?;
        let mut configuration = or_print(&file, only_configuration(&file, &bytes))?;
        if let Value::Object(members) = &mut configuration.value {
            members.remove("mode");
        }
        let (plan, _) = or_print(&file, compile(&configuration))?;
        let configuration = Rc::new(Configuration { file, plan });
        self.compiled.insert(key, Rc::clone(&configuration));
        Ok(configuration)
    }
}

fn only_document(file: &str, bytes: &[u8]) -> Result<Document, Problem> {
    let mut documents = document::parse(file, bytes)?.documents;
    match (documents.pop(), documents.is_empty()) {
        (Some(document), true) => Ok(document),
        _ => {
            let help = "write one document with `config` and `cases`";
            Err(problem(START, "", "the file does not hold exactly one document".to_owned(), help))
        }
    }
}

fn config_of(document: &Document) -> Result<&str, Problem> {
    let Value::Object(members) = &document.value else {
        let help = "write `config`, `cases` and, if you like, `defaults`";
        return Err(problem(START, "", "the file is not an object".to_owned(), help));
    };
    if let Some(name) = members.keys().find(|name| !["config", "defaults", "cases"].contains(&name.as_str())) {
        let pointer = format!("/{name}");
        let message = format!("a test file has no member `{name}`");
        return Err(problem(document.at(&pointer), &pointer, message, "its members are config, defaults, cases"));
    }
    members.get("config").and_then(Value::as_str).ok_or_else(|| {
        let message = "`config` does not name a file".to_owned();
        problem(document.at("/config"), "/config", message, "write the configuration's path, relative to this file")
    })
}

/// All cases, or the first problem of each.
///
/// # Errors
/// The problems.
pub fn read_cases(document: &Document, plan: &Plan) -> Result<Vec<Case>, Vec<Problem>> {
    let mut defaults = Layers::default();
    if let Some(value) = document.value.get("defaults") {
        let Value::Object(members) = value else { return Err(vec![not_an_object(document, "/defaults")]) };
        defaults.add(document, members, "/defaults", &[]).map_err(|problem| vec![problem])?;
    }
    let Some(listed) = document.value.get("cases").and_then(Value::as_array).filter(|list| !list.is_empty()) else {
        let message = "`cases` is not a list of cases".to_owned();
        return Err(vec![problem(document.at("/cases"), "/cases", message, "write at least one case")]);
    };
    let (mut cases, mut problems) = (Vec::new(), Vec::new());
    for (number, value) in listed.iter().enumerate() {
        let pointer = format!("/cases/{number}");
        match rows(document, &defaults, value, &pointer) {
            Err(problem) => problems.push(problem),
            Ok(rows) => {
                for (layers, pointer, row) in rows {
                    match case(document, plan, &layers, &pointer, row) {
                        Ok(case) => cases.push(case),
                        Err(problem) => problems.push(problem),
                    }
                }
            }
        }
    }
    let mut names = BTreeMap::new();
    for case in &cases {
        if let Some(first) = names.insert(case.name.as_str(), case.at) {
            let message = format!("two cases have the name `{}`; the first is in line {}", case.name, first.line);
            problems.push(problem(case.at, "", message, DocumentCode::DuplicateMember.help()));
        }
    }
    if problems.is_empty() { Ok(cases) } else { Err(problems) }
}

/// The members of one case with its place and, for a row of a table, its number.
type Row<'d> = (Layers<'d>, String, Option<usize>);

/// The case, or one for each row of its table.
fn rows<'d>(
    document: &Document,
    defaults: &Layers<'d>,
    value: &'d Value,
    pointer: &str,
) -> Result<Vec<Row<'d>>, Problem> {
    let Value::Object(members) = value else { return Err(not_an_object(document, pointer)) };
    let mut layers = defaults.clone();
    layers.add(document, members, pointer, &["table"])?;
    let Some(table) = members.get("table") else { return Ok(vec![(layers, pointer.to_owned(), None)]) };
    let pointer = format!("{pointer}/table");
    let help = "write the names of the columns in the first row, and in each further row a value for each of them";
    let wrong = |pointer: &str, message: &str| problem(document.at(pointer), pointer, message.to_owned(), help);
    let table: Option<Vec<&Vec<Value>>> = table.as_array().and_then(|rows| rows.iter().map(Value::as_array).collect());
    let table = table.ok_or_else(|| wrong(&pointer, "a table is not a list of rows"))?;
    let (columns, rows) = match table.split_first() {
        Some((columns, rows)) if !rows.is_empty() => (columns, rows),
        _ => return Err(wrong(&pointer, "a table has no rows below the names of its columns")),
    };
    let columns: Option<Vec<&str>> = columns.iter().map(Value::as_str).collect();
    let columns = columns.ok_or_else(|| wrong(&pointer, "the name of a column is not a string"))?;
    let mut found = Vec::new();
    for (row, number) in rows.iter().zip(1_usize..) {
        let pointer = format!("{pointer}/{number}");
        if row.len() != columns.len() {
            return Err(wrong(&pointer, &format!("the row has {} values for {} columns", row.len(), columns.len())));
        }
        let mut layers = layers.clone();
        for ((column, value), place) in columns.iter().zip(*row).zip(0_usize..) {
            layers.set(document, column, value, format!("{pointer}/{place}"))?;
        }
        found.push((layers, pointer, Some(number)));
    }
    let named = columns.contains(&"name");
    Ok(found.into_iter().map(|(layers, pointer, row)| (layers, pointer, row.filter(|_| !named))).collect())
}

fn case(
    document: &Document,
    plan: &Plan,
    layers: &Layers<'_>,
    pointer: &str,
    row: Option<usize>,
) -> Result<Case, Problem> {
    let reader = Reader { document, layers, pointer };
    let name = reader.string("name")?.ok_or_else(|| {
        reader.problem(pointer, "the case has no `name`".to_owned(), "say in `name` what the case is about")
    })?;
    let name = row.map_or_else(|| name.to_owned(), |row| format!("{name}, row {row}"));
    let given = reader.given(plan, &name)?;
    let expected = Expected::read(&reader, plan)?;
    Ok(Case { name, at: document.at(pointer), given, expected })
}

fn not_an_object(document: &Document, pointer: &str) -> Problem {
    let message = "this is not an object".to_owned();
    problem(document.at(pointer), pointer, message, "write members, such as `request` and `expect`")
}
