//! A part of a document that knows its place. Names are those of the protocol buffers; JSON's are read as well.

use countersign_core::text::push_token;
use serde_json::Value;

use crate::document::Document;

/// A document, and which of the files that were given holds it.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// Index of the file.
    pub file: usize,
    /// Index of the document, over all files.
    pub index: usize,
    /// The document.
    pub document: &'a Document,
}

/// A value and its place.
#[derive(Clone, Debug)]
pub struct Part<'a> {
    /// The document that it is in.
    pub source: Source<'a>,
    /// The value.
    pub value: &'a Value,
    /// Its JSON pointer in the document.
    pub pointer: String,
}

impl<'a> Part<'a> {
    /// A whole document.
    pub fn root(source: Source<'a>) -> Self {
        Self { source, value: &source.document.value, pointer: String::new() }
    }

    fn child(&self, token: &str, value: &'a Value) -> Self {
        let mut pointer = self.pointer.clone();
        push_token(&mut pointer, token);
        Self { source: self.source, value, pointer }
    }

    /// A member that is there; `null` means that it is not.
    pub fn member(&self, name: &str) -> Option<Self> {
        let named = |name: &str| Some(self.child(name, self.value.get(name)?));
        named(name).or_else(|| named(&camel_case(name))).filter(|member| !member.value.is_null())
    }

    /// A member of a member, and so on.
    pub fn path<const N: usize>(&self, names: [&str; N]) -> Option<Self> {
        names.into_iter().try_fold(self.clone(), |part, name| part.member(name))
    }

    /// The elements of a list; of anything else none.
    pub fn items(&self) -> Vec<Self> {
        let items = self.value.as_array().into_iter().flatten().enumerate();
        items.map(|(index, item)| self.child(&index.to_string(), item)).collect()
    }

    /// The elements of the list that a member is.
    pub fn list(&self, name: &str) -> Vec<Self> {
        self.member(name).map(|list| list.items()).unwrap_or_default()
    }

    /// The members of an object, with their names; of anything else none.
    pub fn members(&self) -> Vec<(&'a str, Self)> {
        let members = self.value.as_object().into_iter().flatten();
        members.map(|(name, value)| (name.as_str(), self.child(name, value))).collect()
    }

    /// The text that it is.
    pub fn text(&self) -> Option<&'a str> {
        self.value.as_str()
    }

    /// The text that a member is.
    pub fn text_of(&self, name: &str) -> Option<&'a str> {
        self.member(name)?.text()
    }

    /// Whether it is `true`.
    pub fn is_true(&self) -> bool {
        self.value == &Value::Bool(true)
    }

    /// Whether a member is `true`.
    pub fn flag(&self, name: &str) -> bool {
        self.member(name).is_some_and(|member| member.is_true())
    }

    /// Whether a member is this value of an enumeration, by name or number.
    pub fn is_value(&self, name: &str, word: &str, number: u64) -> bool {
        self.member(name).is_some_and(|member| member.text() == Some(word) || member.value.as_u64() == Some(number))
    }

    /// The message that a `google.protobuf.Any` holds and the name of its type, plainly or as a TypedStruct.
    pub fn message(&self) -> Option<(&'a str, Self)> {
        let outer = after_slash(self.value.get("@type")?.as_str()?);
        if outer.ends_with(".TypedStruct") {
            return Some((after_slash(self.text_of("type_url")?), self.member("value")?));
        }
        Some((outer, self.clone()))
    }

    /// The message of this type.
    pub fn message_of(&self, name: &str) -> Option<Self> {
        self.message().filter(|(found, _)| *found == name).map(|(_, message)| message)
    }

    /// Whether `other` is this part or inside it.
    pub fn holds(&self, other: &Self) -> bool {
        self.source.index == other.source.index
            && other
                .pointer
                .strip_prefix(self.pointer.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// This part and all inside it that are `wanted`.
    pub fn find(&self, wanted: &impl Fn(&Self) -> bool) -> Vec<Self> {
        self.find_outside(&[], wanted)
    }

    /// The same, without what is inside members of these names.
    pub fn find_outside(&self, names: &[&str], wanted: &impl Fn(&Self) -> bool) -> Vec<Self> {
        let mut found = Vec::new();
        self.collect(names, wanted, &mut found);
        found
    }

    fn collect(&self, without: &[&str], wanted: &impl Fn(&Self) -> bool, found: &mut Vec<Self>) {
        if wanted(self) {
            found.push(self.clone());
        }
        let is_left_out = |own: &str| without.iter().any(|name| own == *name || own == camel_case(name));
        let members = self.members().into_iter().filter(|(own, _)| !is_left_out(own)).map(|(_, part)| part);
        for part in self.items().into_iter().chain(members) {
            part.collect(without, wanted, found);
        }
    }

    /// Elements and members.
    pub fn children(&self) -> Vec<Self> {
        let mut children = self.items();
        children.extend(self.members().into_iter().map(|(_, part)| part));
        children
    }
}

fn after_slash(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or(url)
}

/// The name that JSON gives a field of a protocol buffer.
fn camel_case(name: &str) -> String {
    let mut camel = String::with_capacity(name.len());
    for part in name.split('_') {
        let mut characters = part.chars();
        match characters.next() {
            Some(first) if !camel.is_empty() => camel.extend(first.to_uppercase()),
            Some(first) => camel.push(first),
            None => {}
        }
        camel.push_str(characters.as_str());
    }
    camel
}
