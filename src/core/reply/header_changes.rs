//! Names of headers to remove and headers to set: in one buffer, because they are made for every request.

use core::ops::Range;

use crate::evidence::COOKIE;

/// Bytes that the buffer is given at first: for the plugin's own headers and a few more.
const USUAL_BYTES: usize = 512;

/// Fields that are set in most requests: five of the plugin's own, and some that the operator chose.
const USUAL_FIELDS: usize = 12;

/// Changes to the header fields of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HeaderChanges {
    text: String,
    removed: Vec<Range<usize>>,
    set: Vec<(Range<usize>, Range<usize>)>,
    cookies: Option<Vec<u8>>,
}

impl HeaderChanges {
    /// Nothing is set, and these names are removed.
    pub(super) fn removing<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        let mut text = String::with_capacity(USUAL_BYTES);
        let removed = names.into_iter().map(|name| append(&mut text, name)).collect();
        Self { text, removed, set: Vec::with_capacity(USUAL_FIELDS), cookies: None }
    }

    /// Sets a header to the value that is written behind the text, unless there is none.
    pub(super) fn set(&mut self, name: &str, write: impl FnOnce(&mut String) -> Option<()>) {
        let name = append(&mut self.text, name);
        match write(&mut self.text) {
            Some(()) => self.set.push((name.clone(), name.end..self.text.len())),
            None => self.text.truncate(name.start),
        }
    }

    /// Sets `Cookie` to these of the client's own bytes.
    pub(super) fn set_cookies(&mut self, cookies: Vec<u8>) {
        self.cookies = Some(cookies);
    }

    /// The names to remove.
    pub(super) fn removed(&self) -> impl Iterator<Item = &str> {
        self.removed.iter().map(|name| self.at(name))
    }

    /// The headers to set: names and values.
    pub(super) fn all_set(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let set = self.set.iter().map(|(name, value)| (self.at(name), self.at(value).as_bytes()));
        set.chain(self.cookies.as_deref().map(|cookies| (COOKIE, cookies)))
    }

    /// Every place was made by appending whole strings.
    fn at(&self, place: &Range<usize>) -> &str {
        self.text.get(place.clone()).unwrap_or_default()
    }
}

fn append(text: &mut String, part: &str) -> Range<usize> {
    let start = text.len();
    text.push_str(part);
    start..text.len()
}

#[cfg(test)]
mod tests {
    use super::HeaderChanges;
    use crate::portable;

    #[portable]
    fn what_was_put_in_comes_out_and_a_header_without_a_value_is_not_set() {
        let mut changes = HeaderChanges::removing(["a", "é"]);
        let write = |value: &'static str| {
            move |text: &mut String| {
                text.push_str(value);
                Some(())
            }
        };
        changes.set("x", write("1"));
        changes.set("y", |text| {
            text.push_str("half");
            None
        });
        changes.set("z", write(""));
        assert_eq!(changes.removed().collect::<Vec<_>>(), ["a", "é"]);
        assert_eq!(changes.all_set().collect::<Vec<_>>(), [("x", &b"1"[..]), ("z", b"")]);
    }
}
