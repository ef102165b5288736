//! Okta: access tokens of people from a custom authorization server.

use super::form;
use super::model::{Form, Preset, Rule, member};
use crate::config::reader::Given;
use crate::jose::{KeyUse, TokenForm};
use crate::profile::HeaderMembers;

const ISSUER: Form = Form {
    fits: |text| text.starts_with("https://") && text.contains("/oauth2/"),
    write: "the issuer of a custom authorization server, such as `https://example.okta.com/oauth2/default`",
    why: "each authorization server has its own",
};

const AUDIENCES: Form = Form::audiences(form::present, "a list in `audiences` such as `[api://default]`");

pub(super) static OKTA: Preset = Preset {
    name: "okta",
    about: "Access tokens of people from a custom authorization server of [Okta](providers.md#okta). An ID token has no `cid`, \
            and the token of a client that acts for itself has no `uid`: both are rejected.",
    members: &[
        member("issuer", Rule::Written(ISSUER)),
        member("audiences", Rule::Written(AUDIENCES)),
        member("algorithms", Rule::PartOf(&["RS256"])),
        member("typ", Rule::PartOf(&["absent"])),
        member("exp", Rule::Fixed(Given::Text("required"))),
        member("token", Rule::Fixed(Given::Text("access"))),
        member("pins", Rule::Adds(Given::Members(&[("ver", Given::Number(1))]))),
        member("require_claims", Rule::Adds(Given::Texts(&["cid", "uid"]))),
        member(
            "principal",
            Rule::Default(Given::Members(&[("type", Given::Text("User")), ("id", Given::Text("uid"))])),
        ),
        member(
            "facts",
            Rule::Adds(Given::Members(&[
                ("scp", Given::Text("scopes")),
                ("cid", Given::Text("string")),
                ("sub?", Given::Text("string")),
            ])),
        ),
    ],
    key_set: Some("{issuer}/v1/keys"),
    pinned: &[],
    form: TokenForm::JWT,
    header: HeaderMembers::Any,
    key_use: KeyUse::Signatures,
};
