//! Policy text as policies: cut, measured, parsed one by one, named.
//!
//! Each statement is parsed alone, so that one mistake does not hide the next, and a byte offset is a place in the
//! document. It trusts nothing in the text.

use std::collections::BTreeSet;

use cedar_policy::ffi::DetailedError;
use cedar_policy::pst;

use super::lexer::{self, Token, TokenKind};
use super::nesting::Nesting;
use crate::config_error::{ConfigCode, ConfigError, TextPosition};
use crate::limits::{MAX_ALARM_BYTES, MAX_POLICY_BRACKET_DEPTH, MAX_POLICY_EXPRESSION_DEPTH};
use crate::policy::{Alarm, MissingFacts, PolicyDocument, PolicyId};
use crate::remedy::{Scope, StepUp};
use crate::text::suggestion;

/// Bytes of an `@id`: it is a label in metrics and records.
const MAX_ID_BYTES: usize = 64;

/// The annotations that mean something here.
const ANNOTATIONS: [&str; 7] = ["id", "advice", "step_up", "scope", "alarm", "mode", "missing"];

/// One statement of a document: up to and with its `;`.
#[derive(Clone, Debug)]
pub(in crate::policy) struct Statement {
    /// Where its first token begins in the document, in bytes.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// It nests deeper than allowed, or holds a template's slot: never handed to the parser.
    pub fault: Option<StatementFault>,
}

/// Why a statement is not parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::policy) enum StatementFault {
    /// Too many open brackets, first at this byte.
    Brackets(usize),
    /// Too deep an expression.
    Depth(usize),
    /// A `?principal` or the like at this byte.
    Slot(usize),
}

/// Cuts a document at each `;`.
pub(in crate::policy) fn statements(text: &str) -> Vec<Statement> {
    let mut found = Vec::new();
    let mut current: Option<(Statement, Nesting)> = None;
    for token in lexer::tokens(text) {
        let (statement, nesting) = current
            .get_or_insert_with(|| (Statement { start: token.start, end: token.start, fault: None }, Nesting::new()));
        nesting.take(&token);
        statement.end = token.start.saturating_add(token.text.len());
        if statement.fault.is_none() {
            statement.fault = fault_at(&token, nesting);
        }
        // No expression holds a `;`, so an unclosed bracket spoils its own statement only.
        if token.text == ";" {
            let depth = nesting.depth();
            if let Some((statement, _)) = current.take() {
                found.push(measured(statement, depth));
            }
        }
    }
    if let Some((statement, nesting)) = current {
        found.push(measured(statement, nesting.depth()));
    }
    found
}

fn fault_at(token: &Token<'_>, nesting: &Nesting) -> Option<StatementFault> {
    if nesting.brackets() > MAX_POLICY_BRACKET_DEPTH {
        return Some(StatementFault::Brackets(token.start));
    }
    (token.kind == TokenKind::Mark && token.text == "?").then_some(StatementFault::Slot(token.start))
}

fn measured(mut statement: Statement, depth: usize) -> Statement {
    if statement.fault.is_none() && depth > MAX_POLICY_EXPRESSION_DEPTH {
        statement.fault = Some(StatementFault::Depth(depth));
    }
    statement
}

/// Where the lines of a text begin, in bytes.
pub(in crate::policy) fn line_starts(text: &str) -> Vec<usize> {
    core::iter::once(0).chain(text.match_indices('\n').map(|(newline, _)| newline.saturating_add(1))).collect()
}

/// A document with the means to point into it.
#[derive(Clone, Copy)]
pub(in crate::policy) struct Source<'a> {
    /// The document.
    pub document: &'a PolicyDocument,
    /// Where its lines begin.
    pub lines: &'a [usize],
}

impl<'a> Source<'a> {
    /// Line and column of a byte.
    pub(in crate::policy) fn position(self, byte: usize) -> TextPosition {
        let line = self.lines.partition_point(|start| *start <= byte);
        let start = self.lines.get(line.saturating_sub(1)).copied().unwrap_or(0);
        let column = self.document.text.get(start..byte).map_or(0, |before| before.chars().count());
        TextPosition { line, column: column.saturating_add(1) }
    }

    /// A problem at a byte.
    pub(in crate::policy) fn problem(
        self,
        byte: usize,
        code: ConfigCode,
        message: String,
        help: String,
    ) -> ConfigError {
        ConfigError { pointer: self.document.pointer.clone(), position: Some(self.position(byte)), code, message, help }
    }

    /// The text of a statement.
    pub(in crate::policy) fn text_of(self, statement: &Statement) -> &'a str {
        self.document.text.get(statement.start..statement.end).unwrap_or("")
    }
}

/// A policy that was parsed and has a name of its own.
#[derive(Clone, Debug)]
pub(in crate::policy) struct Named {
    /// As reported.
    pub id: PolicyId,
    /// `@advice`.
    pub advice: Option<String>,
    /// `@step_up`.
    pub step_up: Option<StepUp>,
    /// `@scope`.
    pub scope: Option<Scope>,
    /// `@alarm`.
    pub alarm: Option<Alarm>,
    /// `@mode("shadow")`: it is only rehearsed.
    pub is_rehearsed: bool,
    /// `@missing("ignore")`: absent facts may lift this rule.
    pub missing_ignored: bool,
    /// It has no `@id` and is named by its place in the document.
    pub is_numbered: bool,
    /// Where it begins in the document, in bytes.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// For Cedar.
    pub policy: cedar_policy::Policy,
    /// For us.
    pub body: pst::Template,
}

/// Parses the statements of one document; `number` is the first policy's number among all documents.
pub(in crate::policy) fn parse(
    source: Source<'_>,
    statements: &[Statement],
    number: usize,
) -> (Vec<Named>, Vec<ConfigError>) {
    let mut named = Vec::new();
    let mut errors = Vec::new();
    let mut ids = BTreeSet::new();
    for ((statement, number), place) in statements.iter().zip(number..).zip(1..) {
        match parse_one(source, statement, number, place) {
            Ok((id, policy)) => {
                if ids.insert(id.clone()) {
                    named.push(policy);
                } else {
                    errors.push(source.problem(
                        statement.start,
                        ConfigCode::DuplicateId,
                        format!("two policies of this document have the id `{id}`"),
                        "give each policy an id of its own: records and metrics name policies by it".to_owned(),
                    ));
                }
            }
            Err(mut found) => errors.append(&mut found),
        }
    }
    (named, errors)
}

/// `number` is the policy's among all documents, and `place` its place in its own, from 1.
fn parse_one(
    source: Source<'_>,
    statement: &Statement,
    number: usize,
    place: usize,
) -> Result<(String, Named), Vec<ConfigError>> {
    if let Some(fault) = statement.fault {
        return Err(vec![refused(source, statement, fault)]);
    }
    let text = source.text_of(statement);
    let cedar_id = cedar_policy::PolicyId::new(number.to_string());
    let policy = cedar_policy::Policy::parse(Some(cedar_id), text).map_err(|errors| {
        errors.iter().map(|error| syntax_error(source, statement, &DetailedError::from(error))).collect::<Vec<_>>()
    })?;
    let body = policy.to_pst().map_err(|error| vec![syntax_error(source, statement, &DetailedError::from(&error))])?;
    let mut errors = Vec::new();
    for (key, _) in policy.annotations().filter(|(key, _)| !ANNOTATIONS.contains(key)) {
        errors.push(source.problem(
            at_word(source, statement, key),
            ConfigCode::UnknownAnnotation,
            format!("`@{key}` is not a known annotation"),
            suggestion(
                key,
                ANNOTATIONS,
                "use `@id`, `@advice`, `@step_up`, `@scope`, `@alarm`, `@mode` and `@missing` only",
            ),
        ));
    }
    let written = policy.annotation("id");
    // Policies that were written for AWS Verified Access have no ids.
    let is_numbered = written.is_none() && source.document.missing_facts == MissingFacts::Implied;
    let id = if is_numbered { place.to_string() } else { written.unwrap_or_default().to_owned() };
    if !is_numbered {
        errors.extend(id_fault(source, statement, written));
    }
    let missing = policy.annotation("missing");
    if missing.is_some_and(|value| value != "ignore") {
        errors.push(source.problem(
            at_word(source, statement, "missing"),
            ConfigCode::InvalidMissing,
            "`@missing` has a value other than `ignore`".to_owned(),
            "write `@missing(\"ignore\")` if absent evidence may lift this rule; otherwise remove it".to_owned(),
        ));
    }
    let mut invalid = |name: &str, message: String, help: &str| {
        let at = at_word(source, statement, name);
        errors.push(source.problem(at, ConfigCode::InvalidAnnotation, message, help.to_owned()));
    };
    let step_up = policy.annotation("step_up").map(StepUp::parse).transpose().unwrap_or_else(|fault| {
        let help = "write `@step_up(\"acr_values=urn:example:mfa, max_age=900\")`, or one of the two parts alone";
        invalid("step_up", format!("the value of `@step_up` is not valid: {fault}"), help);
        None
    });
    let scope = policy.annotation("scope").map(Scope::parse).transpose().unwrap_or_else(|fault| {
        let help = "write `@scope(\"orders.write\")`, or several scopes with one space between each two";
        invalid("scope", format!("the value of `@scope` is not valid: {fault}"), help);
        None
    });
    let alarm = policy.annotation("alarm").map(Alarm::parse);
    if alarm == Some(None) {
        let help = format!("write lower-case letters, digits and `-`, at most {MAX_ALARM_BYTES} bytes");
        invalid("alarm", "the value of `@alarm` is not the name of an alarm".to_owned(), &help);
    }
    let mode = policy.annotation("mode");
    if mode.is_some_and(|value| value != "shadow") {
        let help = "write `@mode(\"shadow\")` on a policy that is only rehearsed; otherwise remove it";
        invalid("mode", "`@mode` has a value other than `shadow`".to_owned(), help);
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let reported = match &source.document.name {
        Some(document) => format!("{document}/{id}"),
        None => id.clone(),
    };
    let named = Named {
        id: PolicyId::new(&reported),
        advice: policy.annotation("advice").map(str::to_owned),
        step_up,
        scope,
        alarm: alarm.flatten(),
        is_rehearsed: mode.is_some(),
        missing_ignored: missing.is_some(),
        is_numbered,
        start: statement.start,
        end: statement.end,
        body: body.body().clone(),
        policy,
    };
    Ok((id, named))
}

fn at_word(source: Source<'_>, statement: &Statement, word: &str) -> usize {
    statement.start.saturating_add(lexer::locate(source.text_of(statement), word).unwrap_or(0))
}

fn id_fault(source: Source<'_>, statement: &Statement, id: Option<&str>) -> Option<ConfigError> {
    let help = format!(
        "write `@id(\"...\")` before the policy: letters, digits, `.`, `_` and `-`, at most {MAX_ID_BYTES} bytes"
    );
    let Some(id) = id else {
        return Some(source.problem(
            statement.start,
            ConfigCode::MissingId,
            "the policy has no `@id`".to_owned(),
            help,
        ));
    };
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let fine = !id.is_empty() && id.len() <= MAX_ID_BYTES && id.bytes().all(legal);
    (!fine).then(|| {
        let message = format!("`{}` is not a policy id", id.escape_debug());
        source.problem(at_word(source, statement, "id"), ConfigCode::InvalidId, message, help)
    })
}

fn refused(source: Source<'_>, statement: &Statement, fault: StatementFault) -> ConfigError {
    match fault {
        StatementFault::Brackets(at) => source.problem(
            at,
            ConfigCode::PolicyNesting,
            format!("more than {MAX_POLICY_BRACKET_DEPTH} brackets are open here"),
            "split the policy, or write its condition with fewer brackets".to_owned(),
        ),
        StatementFault::Depth(depth) => source.problem(
            statement.start,
            ConfigCode::PolicyDepth,
            format!("the policy is {depth} operators deep; at most {MAX_POLICY_EXPRESSION_DEPTH} are accepted"),
            "split the policy, or compare with a set: `[\"a\", \"b\"].contains(...)`".to_owned(),
        ),
        StatementFault::Slot(at) => source.problem(
            at,
            ConfigCode::PolicyTemplate,
            "templates are not supported".to_owned(),
            "write the entity in place of the slot".to_owned(),
        ),
    }
}

fn syntax_error(source: Source<'_>, statement: &Statement, error: &DetailedError) -> ConfigError {
    let offset = error.source_locations.first().map_or(0, |label| label.loc.start);
    let expected = error.source_locations.first().and_then(|label| label.label.clone());
    let help = error
        .help
        .clone()
        .or(expected)
        .unwrap_or_else(|| "see the Cedar language's documentation for the syntax of policies".to_owned());
    source.problem(statement.start.saturating_add(offset), ConfigCode::PolicySyntax, error.message.clone(), help)
}
