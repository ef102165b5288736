//! `reply`: what refused clients learn.

use super::reader::{Field, Given, Node, Presence, Read, Shape, words};
use crate::reply::AnswerDetail;

static DETAILS: [(&str, AnswerDetail); 2] = [("full", AnswerDetail::Full), ("code", AnswerDetail::Code)];

/// `reply`
pub(super) const REPLY: Field = Field {
    name: "reply",
    presence: Presence::Default(Given::NoMembers),
    shape: Shape::Object(&[&MEMBERS]),
    write: "`{ detail: full }` or `{ detail: code }`",
    about: "what refused clients learn, see [Answers](decision.md#answers)",
};

static MEMBERS: [Field; 1] = [Field {
    name: "detail",
    presence: Presence::Default(Given::Text("full")),
    shape: Shape::Words(|| words(&DETAILS)),
    write: "`full` or `code`",
    about: "`full`: the code, a sentence about it, and a policy's advice; `code`: the code alone",
}];

/// Reads it.
pub(super) fn read(node: &Node<'_>) -> Read<AnswerDetail> {
    let [detail] = node.members(&MEMBERS)?;
    detail.or_default(|node| node.word(&DETAILS))
}
