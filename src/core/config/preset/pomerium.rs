//! Pomerium: the assertion that it adds to requests for a protected upstream.

use super::form;
use super::model::{Form, Preset, Rule, member};
use crate::config::reader::Given;
use crate::jose::{KeyUse, TokenForm};
use crate::profile::HeaderMembers;

const ISSUER: Form = Form {
    fits: form::present,
    write: "the host of the route, such as `shop.example.com`, or its URL if Pomerium's `jwt_issuer_format` is `uri`",
    why: "each route has its own",
};

const AUDIENCES: Form =
    Form::audiences(form::present, "a list in `audiences` of the hosts of routes, such as `[shop.example.com]`");

pub(super) static POMERIUM: Preset = Preset {
    name: "pomerium",
    about: "The attestation of [Pomerium](providers.md#pomerium).",
    members: &[
        member(
            "from",
            Rule::Fixed(Given::List(&[Given::Members(&[("header", Given::Text("x-pomerium-jwt-assertion"))])])),
        ),
        member("issuer", Rule::Written(ISSUER)),
        member("audiences", Rule::Written(AUDIENCES)),
        member("algorithms", Rule::PartOf(&["ES256"])),
        member("typ", Rule::PartOf(&["JWT", "absent"])),
        member("exp", Rule::Fixed(Given::Text("required"))),
        member("token", Rule::Fixed(Given::Text("access"))),
        member(
            "principal",
            Rule::Default(Given::Members(&[
                ("type", Given::Text("User")),
                ("id", Given::Text("sub")),
                ("groups", Given::Text("groups")),
            ])),
        ),
        member(
            "facts",
            Rule::Adds(Given::Members(&[("email?", Given::Text("string")), ("name?", Given::Text("string"))])),
        ),
    ],
    key_set: None,
    pinned: &[],
    form: TokenForm::JWT,
    header: HeaderMembers::Any,
    key_use: KeyUse::Signatures,
};
