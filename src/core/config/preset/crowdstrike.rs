//! CrowdStrike Falcon: Zero Trust Assessment of a device.

use super::form;
use super::model::{Form, Preset, Rule, member};
use crate::config::reader::Given;
use crate::jose::{KeyUse, TokenForm};
use crate::profile::HeaderMembers;

const CID: Form = Form {
    fits: form::letters_and_digits,
    write: "your customer id (CID) as tokens have it: in lower case, and without `-` and the checksum at its end; the CID \
            `ABCD123456789EFG-1X` is `abcd123456789efg`",
    why: "the keys are the same for all customers of CrowdStrike, and only the CID tells their devices apart",
};

pub(super) static CROWDSTRIKE: Preset = Preset {
    name: "crowdstrike",
    about: "Zero Trust Assessments of [CrowdStrike Falcon](providers.md#crowdstrike).",
    members: &[
        member("tenant", Rule::Own(CID)),
        member("issuer", Rule::Fixed(Given::Text("absent"))),
        member("audiences", Rule::Fixed(Given::Text("absent"))),
        member("algorithms", Rule::PartOf(&["RS256"])),
        member("typ", Rule::PartOf(&["crowdstrike-zta+jwt", "JWT", "absent"])),
        member("exp", Rule::Fixed(Given::Text("required"))),
        member("pins", Rule::Adds(Given::Members(&[("cid", Given::Text("{tenant}"))]))),
        member(
            "facts",
            Rule::Adds(Given::Members(&[
                (
                    "assessment",
                    Given::Members(&[
                        ("overall", Given::Text("long")),
                        ("os?", Given::Text("long")),
                        ("sensor_config?", Given::Text("long")),
                        ("version?", Given::Text("string")),
                    ]),
                ),
                ("platform?", Given::Text("string")),
                ("serial_number?", Given::Text("string")),
                ("sub?", Given::Text("string")),
            ])),
        ),
        member(
            "device",
            Rule::Members(Given::Members(&[
                ("serial", Given::Text("serial_number")),
                ("os", Given::Members(&[("type", Given::Text("platform"))])),
                ("score", Given::Text("assessment.overall")),
            ])),
        ),
    ],
    key_set: Some("https://assets-public.falcon.crowdstrike.com/zta/jwk.json"),
    pinned: &[],
    form: TokenForm::JWT,
    header: HeaderMembers::Any,
    key_use: KeyUse::Signatures,
};
