//! Entities by type and id, and the table of the types that one configuration has.

use std::borrow::Cow;

/// The place of an entity type in the [`EntityTypes`] of a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::policy) struct TypeId(usize);

/// An entity. Entities are in Cedar's order: by type, then by id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::policy) struct Entity<'v> {
    /// Its type.
    pub of: TypeId,
    /// Its id.
    pub id: Cow<'v, str>,
}

impl TypeId {
    /// Its place in the table.
    pub(in crate::policy) const fn place(self) -> usize {
        self.0
    }
}

impl<'v> Entity<'v> {
    /// The entity of this type and id.
    pub(in crate::policy) const fn new(of: TypeId, id: &'v str) -> Self {
        Self { of, id: Cow::Borrowed(id) }
    }

    /// The entity with an id of its own.
    #[cfg(feature = "cedar")]
    pub(in crate::policy) fn owned(of: TypeId, id: &str) -> Entity<'static> {
        Entity { of, id: Cow::Owned(id.to_owned()) }
    }

    /// The same entity without a copy of its id.
    pub(in crate::policy) fn borrowed(&self) -> Entity<'_> {
        Entity { of: self.of, id: Cow::Borrowed(&self.id) }
    }
}

/// The name of a type. Names are in Cedar's order: by the last part, then by the namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct TypeName {
    last: String,
    namespace: Vec<String>,
}

impl TypeName {
    fn parse(text: &str) -> Self {
        let mut parts: Vec<String> = text.split("::").map(str::to_owned).collect();
        let last = parts.pop().unwrap_or_default();
        Self { last, namespace: parts }
    }
}

/// The entity types of a configuration.
#[derive(Clone, Debug, Default)]
pub(in crate::policy) struct EntityTypes(Vec<TypeName>);

impl EntityTypes {
    /// The table of these types, each by its full name, such as `corp::User`.
    pub(in crate::policy) fn new<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        let mut types: Vec<TypeName> = names.into_iter().map(TypeName::parse).collect();
        types.sort_unstable();
        types.dedup();
        Self(types)
    }

    /// The type of this full name.
    pub(in crate::policy) fn id(&self, name: &str) -> Option<TypeId> {
        self.0.binary_search(&TypeName::parse(name)).ok().map(TypeId)
    }

    /// The full names in the order of the table.
    pub(in crate::policy) fn names(&self) -> impl ExactSizeIterator<Item = String> {
        self.0.iter().map(|name| {
            let parts = name.namespace.iter().chain([&name.last]).map(String::as_str);
            parts.collect::<Vec<&str>>().join("::")
        })
    }

    /// The last part of a type's name, such as `User`.
    pub(in crate::policy) fn last_part(&self, TypeId(place): TypeId) -> Option<&str> {
        self.0.get(place).map(|name| name.last.as_str())
    }
}
