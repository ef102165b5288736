//! JumpCloud: whether a device is managed.

use super::form;
use super::model::{Form, Preset, Rule, member};
use crate::config::reader::Given;
use crate::jose::{KeyUse, TokenForm};
use crate::profile::HeaderMembers;

const ORGANIZATION: Form = Form {
    fits: form::letters_and_digits,
    write: "the id of your organization at JumpCloud, exactly as it is in `org_id` of the tokens",
    why: "`iss` is the same for all customers of JumpCloud, and only `org_id` tells their devices apart",
};

const ALGORITHMS: Form = Form {
    fits: form::any,
    write: "a list in `algorithms` of the one in the header of your tokens, such as `[RS256]`",
    why: "JumpCloud does not publish which algorithm signs",
};

const TYP: Form = Form {
    fits: form::any,
    write: "a list in `typ` of the one in the header of your tokens, or `[absent]` if it has none",
    why: "JumpCloud does not publish the header of its tokens",
};

pub(super) static JUMPCLOUD: Preset = Preset {
    name: "jumpcloud",
    about: "Device trust of [JumpCloud](providers.md#jumpcloud).",
    members: &[
        member("tenant", Rule::Own(ORGANIZATION)),
        member("issuer", Rule::Fixed(Given::Text("go.jumpcloud.com"))),
        member("audiences", Rule::Default(Given::Text("absent"))),
        member("algorithms", Rule::Written(ALGORITHMS)),
        member("typ", Rule::Written(TYP)),
        member("exp", Rule::Fixed(Given::Text("required"))),
        member("pins", Rule::Adds(Given::Members(&[("org_id", Given::Text("{tenant}"))]))),
        member(
            "facts",
            Rule::Adds(Given::Members(&[
                ("device", Given::Members(&[("is_managed", Given::Text("bool"))])),
                ("system?", Given::Text("string")),
                ("durt_id?", Given::Text("string")),
                ("sub?", Given::Text("string")),
            ])),
        ),
        member(
            "device",
            Rule::Members(Given::Members(&[
                ("id", Given::Text("system")),
                ("managed", Given::Text("device.is_managed")),
            ])),
        ),
    ],
    key_set: None,
    pinned: &[],
    form: TokenForm::JWT,
    header: HeaderMembers::Any,
    key_use: KeyUse::Signatures,
};
