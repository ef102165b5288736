//! Any policy and any request of Cedar, through the plugin's program: for Cedar's published tests, and for policies that load
//! would refuse.
//!
//! The language is that of `policy::program`: entities have no attributes here, and facts are read straight from `context`.
//! What is outside of it is reported as [`Outside`], never judged.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::BTreeSet;

use cedar_policy::{Entities, EntityUid, Policy};
use serde_json::Value as Json;

use crate::policy::program::entity::{Entity, EntityTypes};
use crate::policy::program::evaluate::{Facts, Fault};
use crate::policy::program::expression::{Slot, SlotTable, Unary, Variable};
use crate::policy::program::translate::{Translator, Untranslatable};
use crate::policy::program::value::{Set, Value};

/// A request of Cedar.
#[derive(Clone, Debug)]
pub struct AnyRequest {
    /// The principal.
    pub principal: EntityUid,
    /// The action.
    pub action: EntityUid,
    /// The resource.
    pub resource: EntityUid,
    /// The context, in Cedar's JSON form with `__entity` and `__extn`.
    pub context: Json,
}

/// What a policy answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It applies.
    Applies,
    /// It does not apply.
    DoesNotApply,
    /// It cannot be evaluated.
    Fails,
}

/// Why a policy or a request is outside of the language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Outside {
    /// The policy has a construct without a translation.
    #[error("{0}")]
    Construct(&'static str),
    /// The policy reads an attribute of an entity that is in the context.
    #[error("an attribute of an entity in `context`")]
    EntityInContext,
    /// The context has a value that is not one of the language.
    #[error("{0} in `context`")]
    Context(&'static str),
}

impl From<Untranslatable> for Outside {
    fn from(error: Untranslatable) -> Self {
        match error {
            Untranslatable::Construct(construct) => Self::Construct(construct),
            Untranslatable::UnknownType(_) => Self::Construct("an entity type that is nowhere else"),
            Untranslatable::UnknownFact(_) => Self::Construct("an unknown fact"),
        }
    }
}

/// What the program of a policy answers about a request.
///
/// # Errors
/// See [`Outside`].
pub fn verdict(policy: &Policy, request: &AnyRequest, entities: &Entities) -> Result<Verdict, Outside> {
    let body = policy.to_pst().map_err(|_| Outside::Construct("a policy without a syntax tree"))?;
    let json = policy.to_json().map_err(|_| Outside::Construct("a policy without a JSON form"))?;
    let names = type_names(request, entities, [&json, &request.context]);
    let types = EntityTypes::new(names.iter().map(String::as_str));
    let mut translator = Translator { types: &types, slots: Paths::default() };
    let rule = translator.rule(body.body())?;
    let given = Given {
        principal: with_above(&request.principal, entities, &types)?,
        action: with_above(&request.action, entities, &types)?,
        resource: with_above(&request.resource, entities, &types)?,
        context: value(&request.context, &types)?,
        paths: translator.slots,
        through_an_entity: Cell::new(false),
    };
    let answer = rule.applies(&given);
    if given.through_an_entity.get() {
        return Err(Outside::EntityInContext);
    }
    Ok(match answer {
        Ok(true) => Verdict::Applies,
        Ok(false) => Verdict::DoesNotApply,
        Err(_) => Verdict::Fails,
    })
}

/// The names of every entity type in a request, its entities and these JSON forms.
fn type_names(request: &AnyRequest, entities: &Entities, forms: [&Json; 2]) -> BTreeSet<String> {
    fn collect(form: &Json, names: &mut BTreeSet<String>) {
        match form {
            Json::Array(elements) => elements.iter().for_each(|element| collect(element, names)),
            Json::Object(members) => {
                for (name, member) in members {
                    match member {
                        Json::String(text) if name == "type" || name == "entity_type" => {
                            names.insert(text.clone());
                        }
                        _ => collect(member, names),
                    }
                }
            }
            _ => {}
        }
    }
    let own = [&request.principal, &request.action, &request.resource];
    let mut names: BTreeSet<String> = own.into_iter().map(|uid| uid.type_name().to_string()).collect();
    names.extend(entities.iter().map(|entity| entity.uid().type_name().to_string()));
    for uid in own {
        names.extend(entities.ancestors(uid).into_iter().flatten().map(|above| above.type_name().to_string()));
    }
    forms.into_iter().for_each(|form| collect(form, &mut names));
    names
}

/// Every path is a fact.
#[derive(Debug, Default)]
struct Paths(Vec<Vec<String>>);

impl SlotTable for Paths {
    /// The entities of these requests have no attributes that are read.
    fn attribute(&mut self, _: &str) -> Option<Slot> {
        None
    }

    fn slot(&mut self, path: &[&str]) -> Option<Slot> {
        self.0.push(path.iter().map(|&name| name.to_owned()).collect());
        Some(Slot(self.0.len().saturating_sub(1)))
    }
}

/// An entity and all that it is in.
struct WithAbove {
    entity: Entity<'static>,
    above: Vec<Entity<'static>>,
}

fn with_above(uid: &EntityUid, entities: &Entities, types: &EntityTypes) -> Result<WithAbove, Outside> {
    let own = entity(&uid.type_name().to_string(), uid.id().unescaped(), types)?;
    let above = entities.ancestors(uid).into_iter().flatten();
    let above = above.map(|above| entity(&above.type_name().to_string(), above.id().unescaped(), types));
    Ok(WithAbove { entity: own, above: above.collect::<Result<_, _>>()? })
}

fn entity(type_name: &str, id: &str, types: &EntityTypes) -> Result<Entity<'static>, Outside> {
    let unknown = || Untranslatable::UnknownType(type_name.to_owned());
    Ok(Entity::owned(types.id(type_name).ok_or_else(unknown)?, id))
}

/// A request with its entities.
struct Given {
    principal: WithAbove,
    action: WithAbove,
    resource: WithAbove,
    context: Value<'static>,
    paths: Paths,
    through_an_entity: Cell<bool>,
}

impl Given {
    fn of(&self, variable: Variable) -> &WithAbove {
        match variable {
            Variable::Principal => &self.principal,
            Variable::Action => &self.action,
            Variable::Resource => &self.resource,
        }
    }

    fn path(&self, Slot(place): Slot) -> Result<&[String], Fault> {
        self.paths.0.get(place).map(Vec::as_slice).ok_or(Fault::Absent)
    }

    /// How many parts of a path are there, and what the last of them is.
    fn follow(&self, path: &[String]) -> Result<(usize, &Value<'static>), Fault> {
        let mut current = &self.context;
        for (name, there) in path.iter().zip(0_usize..) {
            let Value::Record(members) = current else {
                self.through_an_entity.set(self.through_an_entity.get() || matches!(current, Value::Entity(_)));
                return Err(Fault::Type);
            };
            let Some((_, member)) = members.iter().find(|(known, _)| known == name) else {
                return Ok((there, current));
            };
            current = member;
        }
        Ok((path.len(), current))
    }
}

impl Facts for Given {
    fn entity(&self, variable: Variable) -> Entity<'_> {
        self.of(variable).entity.borrowed()
    }

    fn is_in(&self, variable: Variable, group: &Entity<'_>) -> bool {
        let WithAbove { entity, above } = self.of(variable);
        entity == group || above.iter().any(|above| above == group)
    }

    fn value(&self, slot: Slot) -> Result<Value<'_>, Fault> {
        let path = self.path(slot)?;
        match self.follow(path)? {
            (there, value) if there == path.len() => Ok(value.borrowed()),
            _ => Err(Fault::Absent),
        }
    }

    fn reach(&self, slot: Slot) -> Result<(usize, usize), Fault> {
        let path = self.path(slot)?;
        Ok((self.follow(path)?.0, path.len()))
    }
}

/// A value of Cedar's JSON form.
fn value(json: &Json, types: &EntityTypes) -> Result<Value<'static>, Outside> {
    Ok(match json {
        Json::Null => return Err(Outside::Context("null")),
        Json::Bool(truth) => Value::Bool(*truth),
        Json::Number(number) => Value::Long(number.as_i64().ok_or(Outside::Context("a number outside of 64 bits"))?),
        Json::String(text) => Value::String(Cow::Owned(text.clone())),
        Json::Array(elements) => {
            let elements: Result<_, Outside> = elements.iter().map(|element| value(element, types)).collect();
            Value::Set(Set::Listed(elements?))
        }
        Json::Object(members) => match (members.get("__entity"), members.get("__extn")) {
            (Some(uid), _) => {
                let member = |name: &str| uid.get(name).and_then(Json::as_str).ok_or(Outside::Context("an entity"));
                Value::Entity(entity(member("type")?, member("id")?, types)?)
            }
            (None, Some(call)) => extension(call)?,
            (None, None) => {
                let member = |(name, member): (&String, &Json)| Ok((Cow::Owned(name.clone()), value(member, types)?));
                let mut members: Vec<(Cow<'static, str>, Value<'static>)> =
                    members.iter().map(member).collect::<Result<_, Outside>>()?;
                members.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
                Value::Record(members)
            }
        },
    })
}

/// The value of a constructor of one string.
fn extension(call: &Json) -> Result<Value<'static>, Outside> {
    let outside = Outside::Context("a function of this kind");
    let function = match call.get("fn").and_then(Json::as_str) {
        Some("ip") => Unary::Ip,
        Some("decimal") => Unary::Decimal,
        Some("datetime") => Unary::Datetime,
        Some("duration") => Unary::Duration,
        _ => return Err(outside),
    };
    let text = call.get("arg").and_then(Json::as_str).ok_or(outside)?;
    function.of(Value::String(Cow::Borrowed(text))).map_err(|_| Outside::Context("a string that its function refuses"))
}
