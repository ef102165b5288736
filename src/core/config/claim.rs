//! The name of a claim.

use serde_json::Value;

use super::document::Node;
use crate::jose::ClaimPath;

/// A claim's name, or a list of names from the claim set inwards.
pub(super) fn claim_path(node: &Node<'_>) -> Option<ClaimPath> {
    match node.value() {
        Value::String(_) => node.some_text().map(|name| ClaimPath(vec![name.to_owned()])),
        Value::Array(_) => {
            let names: Vec<Option<String>> =
                node.some_elements()?.iter().map(|name| name.some_text().map(str::to_owned)).collect();
            names.into_iter().collect::<Option<Vec<String>>>().map(ClaimPath)
        }
        _ => node.wrong_type("a claim's name, or a list of names"),
    }
}
