//! Patterns of `like`.

/// A pattern: the strings between its `*`s. One without `*` is one string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::policy) struct Pattern(Vec<String>);

impl Pattern {
    /// The pattern of these elements, where `None` is a `*`.
    #[cfg(feature = "cedar")]
    pub(in crate::policy) fn new(elements: impl IntoIterator<Item = Option<char>>) -> Self {
        let mut runs = vec![String::new()];
        for element in elements {
            match (element, runs.last_mut()) {
                (Some(character), Some(run)) => run.push(character),
                _ => runs.push(String::new()),
            }
        }
        Self(runs)
    }

    /// The pattern of these strings, with a `*` between each two; `None` if there are none.
    pub(in crate::policy) fn of_runs(runs: Vec<String>) -> Option<Self> {
        (!runs.is_empty()).then_some(Self(runs))
    }

    /// The strings between its `*`s.
    pub(in crate::policy) fn runs(&self) -> &[String] {
        &self.0
    }

    /// Whether all of the text matches. Takes each string where it first occurs, which finds a match wherever there is one.
    pub(in crate::policy) fn matches(&self, text: &str) -> bool {
        let Some((first, rest)) = self.0.split_first() else { return false };
        let Some((last, middle)) = rest.split_last() else { return text == first };
        let Some(text) = text.strip_prefix(first.as_str()) else { return false };
        let Some(mut text) = text.strip_suffix(last.as_str()) else { return false };
        for run in middle {
            match text.split_once(run.as_str()) {
                Some((_, behind)) => text = behind,
                None => return false,
            }
        }
        true
    }
}
