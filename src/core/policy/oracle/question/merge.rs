//! The facts of two configurations as one type of `context`.
//!
//! A fact that both require of each request is required; any other may be absent. What one configuration requires
//! beyond that is a guard of its conditions: it denies a request without the fact before any policy is asked.

use std::sync::Arc;

use cedar_policy::pst::Expr;
use serde_json::{Map, Value};

use super::NoQuestion;
use super::terms::{all, has, truth};

/// The facts that one configuration requires where the common type does not.
#[derive(Debug)]
pub(super) struct Guards {
    own: Value,
    common: Value,
}

impl Guards {
    /// Of a configuration's own type and the common one.
    pub(super) fn of(own: &Value, common: &Value) -> Self {
        Self { own: own.clone(), common: common.clone() }
    }

    /// That the record at this path, which is there, has all facts that the configuration requires of it and of the records
    /// inside of it.
    pub(super) fn inside(&self, path: &[String]) -> Vec<Arc<Expr>> {
        let at = |of: &Value| path.iter().try_fold(of.clone(), |of, name| of.get("attributes")?.get(name).cloned());
        match (at(&self.own), at(&self.common)) {
            (Some(own), Some(common)) => demands(&own, &common, path),
            _ => Vec::new(),
        }
    }
}

fn demands(own: &Value, common: &Value, path: &[String]) -> Vec<Arc<Expr>> {
    let mut found = Vec::new();
    for (name, member) in attributes(own) {
        let shared = attributes(common).find(|(known, _)| *known == name).map_or(member, |(_, shared)| shared);
        let there: Vec<String> = path.iter().chain([name]).cloned().collect();
        let inner = demands(member, shared, &there);
        match (is_required(member), is_required(shared)) {
            (true, required) => {
                found.extend((!required).then(|| has(path, name)));
                found.extend(inner);
            }
            (false, _) if inner.is_empty() => {}
            (false, _) => {
                let (cond, else_expr) = (has(path, name), truth(true));
                found.push(Arc::new(Expr::IfThenElse { cond, then_expr: all(inner), else_expr }));
            }
        }
    }
    found
}

/// The common type.
///
/// # Errors
/// A fact has two types.
pub(super) fn merged(one: &Value, other: &Value) -> Result<Value, NoQuestion> {
    merged_at(one, other, &mut Vec::new())
}

fn merged_at(one: &Value, other: &Value, path: &mut Vec<String>) -> Result<Value, NoQuestion> {
    let is_record = |of: &Value| of.get("type").and_then(Value::as_str) == Some("Record");
    let mut common = match (one, other) {
        (Value::Object(common), Value::Object(_)) if is_record(one) && is_record(other) => {
            let mut common = common.clone();
            common.insert("attributes".to_owned(), Value::Object(merged_members(one, other, path)?));
            common
        }
        (Value::Object(common), Value::Object(_)) if without_presence(one) == without_presence(other) => common.clone(),
        _ => return Err(NoQuestion::FactType(path.join("."))),
    };
    // `context` itself is always there, and Cedar wants it without the word.
    if !path.is_empty() {
        common.insert("required".to_owned(), Value::Bool(is_required(one) && is_required(other)));
    }
    Ok(Value::Object(common))
}

fn merged_members(one: &Value, other: &Value, path: &mut Vec<String>) -> Result<Map<String, Value>, NoQuestion> {
    let mut members = Map::new();
    for (name, member) in attributes(one).chain(attributes(other)) {
        if members.contains_key(name) {
            continue;
        }
        let theirs = attributes(other).find(|(known, _)| *known == name).map(|(_, member)| member);
        let ours = attributes(one).find(|(known, _)| *known == name).map(|(_, member)| member);
        path.push(name.clone());
        let common = match (ours, theirs) {
            (Some(ours), Some(theirs)) => merged_at(ours, theirs, path)?,
            _ => optional(member),
        };
        path.pop();
        members.insert(name.clone(), common);
    }
    Ok(members)
}

fn attributes(of: &Value) -> impl Iterator<Item = (&String, &Value)> {
    of.get("attributes").and_then(Value::as_object).into_iter().flatten()
}

/// Cedar's default is `true`.
fn is_required(member: &Value) -> bool {
    member.get("required").and_then(Value::as_bool).unwrap_or(true)
}

fn optional(member: &Value) -> Value {
    let mut member = member.clone();
    if let Value::Object(members) = &mut member {
        members.insert("required".to_owned(), Value::Bool(false));
    }
    member
}

/// The type alone. Inside the elements of a set each member says whether it is there, so that is part of the type.
fn without_presence(member: &Value) -> Option<Map<String, Value>> {
    let mut members = member.as_object()?.clone();
    members.remove("required");
    Some(members)
}
