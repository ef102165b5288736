//! Jamf: the risk of a device.

use super::form;
use super::model::{Form, Preset, Rule, member};
use crate::config::reader::Given;
use crate::jose::{KeyUse, TokenForm};
use crate::profile::HeaderMembers;

const CUSTOMER: Form = Form {
    fits: form::one_word,
    write: "your customer id at Jamf, exactly as it is in `iss` of the tokens",
    why: "Jamf does not publish whether customers have keys of their own, and `iss` tells their devices apart",
};

const ALGORITHMS: Form = Form {
    fits: form::any,
    write: "a list in `algorithms` of the one in the header of your tokens, such as `[RS256]`",
    why: "Jamf does not publish which algorithm signs",
};

const TYP: Form = Form {
    fits: form::any,
    write: "a list in `typ` of the one in the header of your tokens, or `[absent]` if it has none",
    why: "Jamf does not publish the header of its tokens",
};

pub(super) static JAMF: Preset = Preset {
    name: "jamf",
    about: "Device risk of [Jamf](providers.md#jamf).",
    members: &[
        member("tenant", Rule::Own(CUSTOMER)),
        member("issuer", Rule::Fixed(Given::Text("{tenant}"))),
        member("audiences", Rule::Default(Given::Text("absent"))),
        member("algorithms", Rule::Written(ALGORITHMS)),
        member("typ", Rule::Written(TYP)),
        member("exp", Rule::Fixed(Given::Text("required"))),
        member(
            "facts",
            Rule::Adds(Given::Members(&[
                ("risk", Given::Text("string")),
                ("groups?", Given::Texts(&["string"])),
                ("osv?", Given::Text("string")),
                ("sub?", Given::Text("string")),
            ])),
        ),
        member("device", Rule::Members(Given::Members(&[("id", Given::Text("sub")), ("risk", Given::Text("risk"))]))),
    ],
    key_set: None,
    pinned: &[],
    form: TokenForm::JWT,
    header: HeaderMembers::Any,
    key_use: KeyUse::Signatures,
};
