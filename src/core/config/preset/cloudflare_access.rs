//! Cloudflare Access: the application token that it adds to requests for a protected origin.

use super::form;
use super::model::{Form, Preset, Rule, member};
use crate::config::reader::Given;
use crate::jose::{KeyUse, TokenForm};
use crate::profile::HeaderMembers;

const TEAM: Form = Form {
    fits: form::host_label,
    write: "the name of your team, which is `<team>` in `https://<team>.cloudflareaccess.com`",
    why: "it says whose tokens and keys are meant",
};

const AUDIENCES: Form = Form::audiences(
    |text| text.len() == 64 && form::hex(text),
    "a list in `audiences` of Application Audience (AUD) tags: 64 lower-case hexadecimal digits each",
);

pub(super) static CLOUDFLARE_ACCESS: Preset = Preset {
    name: "cloudflare-access",
    about: "The application token of [Cloudflare Access](providers.md#cloudflare-access).",
    members: &[
        member("tenant", Rule::Own(TEAM)),
        member(
            "from",
            Rule::Fixed(Given::List(&[Given::Members(&[("header", Given::Text("cf-access-jwt-assertion"))])])),
        ),
        member("issuer", Rule::Fixed(Given::Text("https://{tenant}.cloudflareaccess.com"))),
        member("audiences", Rule::Written(AUDIENCES)),
        member("algorithms", Rule::PartOf(&["RS256"])),
        member("typ", Rule::PartOf(&["JWT"])),
        member("exp", Rule::Fixed(Given::Text("required"))),
        member("token", Rule::Fixed(Given::Text("access"))),
        // The token of the team's global session is of another type.
        member("pins", Rule::Adds(Given::Members(&[("type", Given::Text("app"))]))),
        // A service has an empty `sub`, which is not an id: its tokens are rejected unless `common_name` is the id.
        member(
            "principal",
            Rule::Default(Given::Members(&[("type", Given::Text("User")), ("id", Given::Text("sub"))])),
        ),
        member(
            "facts",
            Rule::Adds(Given::Members(&[("email?", Given::Text("string")), ("country?", Given::Text("string"))])),
        ),
    ],
    key_set: Some("https://{tenant}.cloudflareaccess.com/cdn-cgi/access/certs"),
    pinned: &[],
    form: TokenForm::JWT,
    header: HeaderMembers::Any,
    key_use: KeyUse::Signatures,
};
