//! A member that its object may have.

use serde_json::{Map, Value};

use super::field::{Field, Presence};
use super::node::Node;
use super::problems::{Read, Reported};
use crate::config::names::{quoted, quoted_list};
use crate::config_error::ConfigCode;
use crate::text::nearest;

/// A member that its object may have.
pub(in crate::config) struct Member<'a> {
    field: &'static Field,
    parent: Node<'a>,
    node: Option<Node<'a>>,
    misspelled: Option<Reported>,
}

impl<'a> Member<'a> {
    /// `misspelled`: an unknown member, already noted, was probably meant for this one.
    fn new(field: &'static Field, parent: Node<'a>, node: Option<Node<'a>>, misspelled: Option<Reported>) -> Self {
        Self { field, parent, node, misspelled }
    }

    /// Its value. `None`: it is absent, and no unknown member was meant for it.
    pub(in crate::config) fn written(&self) -> Read<Option<&Node<'a>>> {
        match (&self.node, self.misspelled) {
            (None, Some(reported)) => Err(reported),
            (node, _) => Ok(node.as_ref()),
        }
    }

    /// The error that an unknown member was probably meant for this one.
    pub(in crate::config) fn misspelled(&self) -> Option<Reported> {
        self.misspelled
    }

    /// Reads a member that must be there.
    pub(in crate::config) fn required<T>(&self, read: impl FnOnce(&Node<'a>) -> Read<T>) -> Read<T> {
        match self.written()? {
            Some(node) => read(node),
            None => self.parent.error(
                ConfigCode::MissingField,
                format!("`{}` is missing", self.field.name),
                format!("add `{}`: {}", self.field.name, self.field.write),
            ),
        }
    }

    /// Reads a member that may be absent.
    pub(in crate::config) fn optional<T>(&self, read: impl FnOnce(&Node<'a>) -> Read<T>) -> Read<Option<T>> {
        self.written()?.map(read).transpose()
    }

    /// Reads a member that may be absent, which means the same as one that is empty.
    pub(in crate::config) fn or_empty<T: Default>(&self, read: impl FnOnce(&Node<'a>) -> Read<T>) -> Read<T> {
        self.optional(read).map(Option::unwrap_or_default)
    }

    /// Reads a member that has a default in its [`Field`]: the default is read as if it were written.
    pub(in crate::config) fn or_default<T>(&self, read: impl FnOnce(&Node<'_>) -> Read<T>) -> Read<T> {
        match (self.written()?, &self.field.presence) {
            (Some(node), _) => read(node),
            (None, Presence::Default(given)) => read(&self.parent.child(self.field, &given.value())),
            (None, _) => self.required(read),
        }
    }
}

impl<'a> Node<'a> {
    /// The members of an object that may have these and no other.
    pub(in crate::config) fn members<const N: usize>(&self, fields: &'static [Field; N]) -> Read<[Member<'a>; N]> {
        let object = self.object_of(&[fields])?;
        Ok(fields.each_ref().map(|field| self.member(field, &object)))
    }

    /// The members of an object that may have these of its own, these that others of its kind have too, and no other.
    pub(in crate::config) fn members_beside<const OWN: usize, const SHARED: usize>(
        &self,
        own: &'static [Field; OWN],
        shared: &'static [Field; SHARED],
    ) -> Read<([Member<'a>; OWN], [Member<'a>; SHARED])> {
        let object = self.object_of(&[own, shared])?;
        let own = own.each_ref().map(|field| self.member(field, &object));
        Ok((own, shared.each_ref().map(|field| self.member(field, &object))))
    }

    /// The same, where these values count in place of those that the object has, or beside them.
    pub(in crate::config) fn members_given<'b, const OWN: usize, const SHARED: usize>(
        &self,
        own: &'static [Field; OWN],
        shared: &'static [Field; SHARED],
        given: &'b Map<String, Value>,
    ) -> Read<([Member<'b>; OWN], [Member<'b>; SHARED])>
    where
        'a: 'b,
    {
        let object = Object { given: Some(given), ..self.object_of(&[own, shared])? };
        let own = own.each_ref().map(|field| self.member(field, &object));
        Ok((own, shared.each_ref().map(|field| self.member(field, &object))))
    }

    /// One member of an object, by its name. The other members are not looked at.
    pub(in crate::config) fn member_alone(&self, field: &'static Field) -> Read<Member<'a>> {
        let Value::Object(map) = self.value() else { return self.wrong_type("an object") };
        Ok(self.member(field, &Object { map, given: None, misspelled: Vec::new() }))
    }

    /// The object, and what its unknown members were meant to be.
    fn object_of(&self, fields: &[&'static [Field]]) -> Read<Object<'a>> {
        let Value::Object(map) = self.value() else { return self.wrong_type("an object") };
        let names: Vec<&'static str> = fields.iter().copied().flatten().map(|field| field.name).collect();
        let mut misspelled = Vec::new();
        for (name, value) in map.iter().filter(|(name, _)| !names.contains(&name.as_str())) {
            let near = nearest(name, names.iter().copied().filter(|known| !map.contains_key(*known)));
            let help = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("remove it; known members: {}", quoted_list(names.iter().copied())),
            };
            let reported = self.unknown(name, value).report(
                ConfigCode::UnknownField,
                format!("{} is not a known member here", quoted(name)),
                help,
            );
            misspelled.extend(near.map(|near| (near, reported)));
        }
        Ok(Object { map, given: None, misspelled })
    }

    fn member<'b>(&self, field: &'static Field, object: &Object<'b>) -> Member<'b>
    where
        'a: 'b,
    {
        let given = object.given.and_then(|given| given.get(field.name));
        let node = given.or_else(|| object.map.get(field.name)).map(|value| self.child(field, value));
        let misspelled = object.misspelled.iter().find(|(name, _)| *name == field.name);
        Member::new(field, self.clone(), node, misspelled.map(|(_, reported)| *reported))
    }
}

/// An object, values that count in place of its members or beside them, and its unknown members that were probably meant
/// to be known ones, each with the error that says so.
struct Object<'a> {
    map: &'a Map<String, Value>,
    given: Option<&'a Map<String, Value>>,
    misspelled: Vec<(&'static str, Reported)>,
}
