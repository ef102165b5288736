//! A member that its object may have.

use super::field::{Field, Presence};
use super::node::Node;
use super::problems::{Read, Reported};
use crate::config_error::ConfigCode;

/// A member that its object may have.
pub(in crate::config) struct Member<'a> {
    field: &'static Field,
    parent: Node<'a>,
    node: Option<Node<'a>>,
    misspelled: Option<Reported>,
}

impl<'a> Member<'a> {
    /// `misspelled`: an unknown member, already noted, was probably meant for this one.
    pub(super) fn new(
        field: &'static Field,
        parent: Node<'a>,
        node: Option<Node<'a>>,
        misspelled: Option<Reported>,
    ) -> Self {
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
