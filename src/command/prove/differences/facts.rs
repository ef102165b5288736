//! Differences of declared facts. Whether one is required is part of the proofs; its type and claim are not.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Effect;

/// Notes each.
pub fn differences(old: &Value, new: &Value, note: &mut impl FnMut(Effect, String)) {
    let names = |of: &Value| -> Vec<String> {
        let names = of.as_object().into_iter().flatten().map(|(name, _)| name.trim_end_matches('?').to_owned());
        names.collect()
    };
    let all: BTreeSet<String> = names(old).into_iter().chain(names(new)).collect();
    for name in all {
        let declared = |of: &Value| {
            let optional = of.get(format!("{name}?")).map(|value| (value.clone(), false));
            optional.or_else(|| of.get(&name).map(|value| (value.clone(), true)))
        };
        match (declared(old), declared(new)) {
            (Some((old, _)), Some((new, _))) if old != new => {
                note(Effect::Unknown, format!("`{name}` has another type or claim"));
            }
            (Some((_, true)), Some((_, false))) => note(Effect::Proved, format!("`{name}` is no longer required")),
            (Some((_, false)), Some((_, true))) => note(Effect::Proved, format!("`{name}` is now required")),
            (None, Some(_)) => {
                note(
                    Effect::Narrower,
                    format!("`{name}` is new: a token in which it has another type is now rejected"),
                );
            }
            (Some(_), None) => {
                note(Effect::Wider, format!("`{name}` is gone: a token in which it had another type was rejected"));
            }
            _ => {}
        }
    }
}
