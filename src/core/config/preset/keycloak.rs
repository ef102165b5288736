//! Keycloak: access tokens of one realm.

use super::form;
use super::model::{Form, Preset, Rule, member};
use crate::config::reader::Given;
use crate::jose::{KeyUse, TokenForm};
use crate::profile::HeaderMembers;

const ISSUER: Form = Form {
    fits: |text| {
        let realm = text.strip_prefix("https://").and_then(|rest| rest.split_once("/realms/"));
        realm.is_some_and(|(host, realm)| !host.is_empty() && !realm.is_empty() && !realm.contains('/'))
    },
    write: "the issuer of the realm, such as `https://login.example.com/realms/shop`",
    why: "each realm has its own",
};

const AUDIENCES: Form = Form::audiences(
    form::present,
    "a list in `audiences` such as `[orders]`, which an audience mapper adds to tokens for this service",
);

pub(super) static KEYCLOAK: Preset = Preset {
    name: "keycloak",
    about: "Access tokens of one realm of [Keycloak](providers.md#keycloak). All tokens of a realm are signed by the same keys, \
            and its ID tokens have the same `typ` in the header: the claim `typ` tells them apart.",
    members: &[
        member("issuer", Rule::Written(ISSUER)),
        member("audiences", Rule::Written(AUDIENCES)),
        member(
            "algorithms",
            Rule::PartOf(&["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "Ed25519"]),
        ),
        member("typ", Rule::PartOf(&["JWT", "at+jwt"])),
        member("exp", Rule::Fixed(Given::Text("required"))),
        member("token", Rule::Fixed(Given::Text("access"))),
        member("pins", Rule::Adds(Given::Members(&[("typ", Given::Text("Bearer"))]))),
        member(
            "principal",
            Rule::Default(Given::Members(&[("type", Given::Text("User")), ("id", Given::Text("sub"))])),
        ),
        member(
            "facts",
            Rule::Adds(Given::Members(&[
                ("scope", Given::Text("scopes")),
                ("azp?", Given::Text("string")),
                ("acr?", Given::Text("string")),
                ("realm_access?", Given::Members(&[("roles?", Given::Texts(&["string"]))])),
            ])),
        ),
    ],
    key_set: Some("{issuer}/protocol/openid-connect/certs"),
    pinned: &[],
    form: TokenForm::JWT,
    header: HeaderMembers::Any,
    key_use: KeyUse::Signatures,
};
