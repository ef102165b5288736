//! "Did you mean": the known name nearest to an unknown one.

/// Longest word that is compared: a longer one is not a typing error, and comparing costs the product of both lengths.
const MAX_CHARACTERS: usize = 64;

/// The candidate nearest to `word`, if it is near enough to be what was meant.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = word.chars().count();
    if length > MAX_CHARACTERS {
        return None;
    }
    let allowed = length.div_euclid(3).max(1);
    candidates
        .into_iter()
        // Each difference of length is an edit.
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= allowed)
        .map(|candidate| (strsim::damerau_levenshtein(&word.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Help for an unknown name: the nearest known name, or a list of all known names if it is short, or `otherwise`.
#[cfg(feature = "cedar")]
pub(crate) fn suggestion<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>, otherwise: &str) -> String {
    const SHOWN: usize = 12;
    let mut all: Vec<&str> = candidates.into_iter().collect();
    all.sort_unstable();
    all.dedup();
    if let Some(near) = nearest(word, all.iter().copied()) {
        return format!("did you mean `{near}`?");
    }
    if all.is_empty() || all.len() > SHOWN {
        return otherwise.to_owned();
    }
    let listed: Vec<String> = all.iter().map(|name| format!("`{name}`")).collect();
    format!("known here: {}", listed.join(", "))
}

#[cfg(test)]
mod tests {
    use super::{nearest, suggestion};
    use crate::portable;

    #[portable]
    fn a_slip_is_recognised_and_another_word_is_not() {
        assert_eq!(nearest("scor", ["score", "managed"]), Some("score"));
        assert_eq!(nearest("Managed", ["score", "managed"]), Some("managed"));
        assert_eq!(nearest("wholly", ["score", "managed"]), None);
    }

    #[portable]
    fn a_word_that_is_longer_than_any_name_is_not_compared() {
        let (at_cap, past_it) = ("a".repeat(64), "a".repeat(65));
        assert_eq!(nearest(&at_cap, [at_cap.as_str()]), Some(at_cap.as_str()));
        assert_eq!(nearest(&past_it, [past_it.as_str()]), None);
        let huge = "a".repeat(500_000);
        assert_eq!(nearest(&huge, [huge.as_str()]), None);
        assert_eq!(nearest(&at_cap, [huge.as_str()]), None);
    }

    #[portable]
    fn without_a_near_name_the_known_ones_are_listed() {
        assert_eq!(suggestion("wholly", ["b", "a"], "none"), "known here: `a`, `b`");
        assert_eq!(suggestion("wholly", [], "none"), "none");
    }
}
