//! Auth0: access tokens of people for an API.

use super::form;
use super::model::{Form, Preset, Rule, member};
use crate::config::reader::Given;
use crate::jose::{KeyUse, TokenForm};
use crate::profile::HeaderMembers;

const ISSUER: Form = Form {
    fits: |text| {
        let host = text.strip_prefix("https://").and_then(|rest| rest.strip_suffix('/'));
        host.is_some_and(|host| !host.is_empty() && !host.contains('/'))
    },
    write: "the issuer with `/` at its end, such as `https://example.eu.auth0.com/`",
    why: "each Auth0 domain has its own",
};

const AUDIENCES: Form =
    Form::audiences(form::present, "a list in `audiences` of identifiers of APIs, not of ids of applications");

pub(super) static AUTH0: Preset = Preset {
    name: "auth0",
    about: "Access tokens of people for an API, from [Auth0](providers.md#auth0). An ID token has the id of an application as \
            its audience, and the token of a client that acts for itself has `gty`: both are rejected.",
    members: &[
        member("issuer", Rule::Written(ISSUER)),
        member("audiences", Rule::Written(AUDIENCES)),
        member("algorithms", Rule::PartOf(&["RS256"])),
        member("typ", Rule::PartOf(&["JWT", "at+jwt"])),
        member("exp", Rule::Fixed(Given::Text("required"))),
        member("token", Rule::Fixed(Given::Text("access"))),
        member("forbid_claims", Rule::Adds(Given::Texts(&["gty"]))),
        member(
            "principal",
            Rule::Default(Given::Members(&[("type", Given::Text("User")), ("id", Given::Text("sub"))])),
        ),
        member(
            "facts",
            Rule::Adds(Given::Members(&[
                ("scope", Given::Text("scopes")),
                ("azp?", Given::Text("string")),
                ("permissions?", Given::Texts(&["string"])),
            ])),
        ),
    ],
    key_set: Some("{issuer}.well-known/jwks.json"),
    pinned: &[],
    form: TokenForm::JWT,
    header: HeaderMembers::Any,
    key_use: KeyUse::Signatures,
};
