//! Microsoft Entra ID: access tokens of people for an API of one tenant, in both versions.

use super::form;
use super::model::{Form, Preset, PresetMember, Rule, member};
use crate::config::reader::Given;
use crate::jose::{KeyUse, TokenForm};
use crate::profile::HeaderMembers;

const TENANT: Form = Form {
    fits: form::guid,
    write: "the tenant's id, a GUID in lower case, and not one of its domains",
    why: "everybody can have a tenant, and all tenants have the same keys",
};

const AUDIENCES_V2: Form =
    Form::audiences(form::guid, "a list in `audiences` of application ids of APIs, each a GUID in lower case");

const AUDIENCES_V1: Form = Form::audiences(
    form::present,
    "a list in `audiences` of application ids of APIs, or of their Application ID URIs such as `api://orders`",
);

const fn text(name: &'static str, text: &'static str) -> (&'static str, Given) {
    (name, Given::Text(text))
}

const fn texts(name: &'static str) -> (&'static str, Given) {
    (name, Given::Texts(&["string"]))
}

const ALGORITHMS: PresetMember = member("algorithms", Rule::PartOf(&["RS256"]));
const TYP: PresetMember = member("typ", Rule::PartOf(&["JWT"]));
const EXP: PresetMember = member("exp", Rule::Fixed(Given::Text("required")));
const TOKEN: PresetMember = member("token", Rule::Fixed(Given::Text("access")));
// `sub` is another one for each application, and names can change hands.
const PRINCIPAL: PresetMember = member(
    "principal",
    Rule::Default(Given::Members(&[text("type", "User"), text("id", "oid"), text("groups", "groups")])),
);

pub(super) static ENTRA: Preset = Preset {
    name: "entra",
    about: "Access tokens of version 2.0 for people, from [Microsoft Entra ID](providers.md#microsoft-entra-id). An ID token \
            has no `azp`, and the token of an application that acts for itself has no `scp`: both are rejected.",
    members: &[
        member("tenant", Rule::Own(TENANT)),
        member("issuer", Rule::Fixed(Given::Text("https://login.microsoftonline.com/{tenant}/v2.0"))),
        member("audiences", Rule::Written(AUDIENCES_V2)),
        ALGORITHMS,
        TYP,
        EXP,
        TOKEN,
        member("pins", Rule::Adds(Given::Members(&[text("tid", "{tenant}"), text("ver", "2.0")]))),
        member("require_claims", Rule::Adds(Given::Texts(&["azp", "scp"]))),
        PRINCIPAL,
        member(
            "facts",
            Rule::Adds(Given::Members(&[
                text("scp", "scopes"),
                text("azp", "string"),
                texts("roles?"),
                texts("acrs?"),
            ])),
        ),
    ],
    key_set: Some("https://login.microsoftonline.com/{tenant}/discovery/v2.0/keys"),
    pinned: &[],
    form: TokenForm::JWT,
    header: HeaderMembers::Any,
    key_use: KeyUse::Signatures,
};

pub(super) static ENTRA_V1: Preset = Preset {
    name: "entra-v1",
    about: "The same in version 1.0. An ID token has no `appid`, and is rejected.",
    members: &[
        member("tenant", Rule::Own(TENANT)),
        member("issuer", Rule::Fixed(Given::Text("https://sts.windows.net/{tenant}/"))),
        member("audiences", Rule::Written(AUDIENCES_V1)),
        ALGORITHMS,
        TYP,
        EXP,
        TOKEN,
        member("pins", Rule::Adds(Given::Members(&[text("tid", "{tenant}"), text("ver", "1.0")]))),
        member("require_claims", Rule::Adds(Given::Texts(&["appid", "scp"]))),
        PRINCIPAL,
        member(
            "facts",
            Rule::Adds(Given::Members(&[
                text("scp", "scopes"),
                text("appid", "string"),
                texts("roles?"),
                texts("acrs?"),
            ])),
        ),
    ],
    key_set: Some("https://login.microsoftonline.com/{tenant}/discovery/keys"),
    pinned: &[],
    form: TokenForm::JWT,
    header: HeaderMembers::Any,
    key_use: KeyUse::Signatures,
};
