//! A request that an answer named and that cannot arrive, so that the next answer is another one.

use std::collections::BTreeSet;
use std::sync::Arc;

use cedar_policy::EntityUid;
use cedar_policy::pst::{BinaryOp, EntityUID, Expr, UnaryOp, Var};
use serde_json::Value;

use super::terms::{all, has, literal, long, not, string, truth};
use crate::policy::load::implied::member;

/// A request of an answer.
#[derive(Clone, Copy, Debug)]
pub struct Found<'f> {
    /// Its principal.
    pub principal: &'f EntityUid,
    /// The groups of its principal.
    pub groups: &'f [EntityUid],
    /// Its context, in Cedar's JSON form.
    pub context: &'f Value,
}

/// Requests that are not looked for again: those like one that was found.
#[derive(Clone, Debug)]
pub struct Excluded(Arc<Expr>);

impl Excluded {
    /// Like this one, by these facts and entities.
    pub(super) fn of(found: &Found<'_>, facts: &BTreeSet<Vec<String>>, entities: &[EntityUID]) -> Option<Self> {
        let facts = facts.iter().filter_map(|path| fact(found.context, path));
        let entities = entities.iter().map(|entity| {
            let is_met = |known: &EntityUid| EntityUID::from(known.clone()) == *entity;
            let is_group = entity.ty.to_string() != found.principal.type_name().to_string();
            let op = if is_group { BinaryOp::In } else { BinaryOp::Eq };
            let (left, right) = (Arc::new(Expr::Var(Var::Principal)), literal(entity.clone()));
            let condition = Arc::new(Expr::BinaryOp { op, left, right });
            if is_met(found.principal) || found.groups.iter().any(is_met) { condition } else { not(condition) }
        });
        let conditions: Vec<Arc<Expr>> = facts.chain(entities).collect();
        (!conditions.is_empty()).then(|| Self(all(conditions)))
    }

    pub(super) fn condition(&self) -> Arc<Expr> {
        Arc::clone(&self.0)
    }
}

/// That the fact has the same value, or is absent as it is; `None` for a value that cannot be written.
fn fact(context: &Value, path: &[String]) -> Option<Arc<Expr>> {
    let steps = (0..path.len()).filter_map(|place| path.split_at_checked(place));
    let there = steps.filter_map(|(base, rest)| Some(has(base, rest.first()?)));
    let there: Vec<Arc<Expr>> = there.collect();
    let Some(value) = path.iter().try_fold(context, |of, name| of.get(name)) else { return Some(not(all(there))) };
    let right = match value {
        Value::Bool(value) => truth(*value),
        Value::String(text) => string(text),
        Value::Number(number) => long(number.as_i64()?),
        Value::Object(members) => match members.get("__extn") {
            Some(call) => {
                let op = (call.get("fn").and_then(Value::as_str) == Some("ip")).then_some(UnaryOp::Ip)?;
                Arc::new(Expr::UnaryOp { op, expr: string(call.get("arg")?.as_str()?) })
            }
            None => return Some(all(there)),
        },
        Value::Array(_) | Value::Null => return Some(all(there)),
    };
    let left: Arc<Expr> = member(path);
    let equal = Arc::new(Expr::BinaryOp { op: BinaryOp::Eq, left, right });
    Some(all(there.into_iter().chain([equal])))
}
