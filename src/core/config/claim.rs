//! The name of a claim.

use serde_json::Value;

use super::reader::{List, Node, Read, Shape, all};
use crate::jose::ClaimPath;

/// A claim's name, or a list of names from the claim set inwards.
pub(super) const CLAIM_PATH: Shape =
    Shape::Either(&[Shape::Text("claim"), Shape::List(List::of(&Shape::Text("name")).some())]);

/// Reads a claim's name, or a list of names from the claim set inwards.
pub(super) fn claim_path(node: &Node<'_>) -> Read<ClaimPath> {
    match node.value() {
        Value::String(_) => node.some_text().map(|name| ClaimPath(vec![name.to_owned()])),
        Value::Array(_) => {
            all(node.some_elements()?.iter().map(|name| name.some_text().map(str::to_owned))).map(ClaimPath)
        }
        _ => node.wrong_type("a claim's name, or a list of names"),
    }
}
