//! Google's Identity-Aware Proxy: the assertion that it adds to requests for a protected backend.

use super::model::{Form, Preset, Rule, member};
use crate::config::reader::Given;
use crate::jose::{KeyUse, TokenForm};
use crate::profile::HeaderMembers;

// One key set signs for all projects of all customers: only the audience tells whose backend a token is for.
const AUDIENCES: Form = Form::audiences(
    |text| text.starts_with("/projects/"),
    "a list in `audiences` of what the console shows for the backend, such as \
     `/projects/123456789/global/backendServices/987654321`",
);

pub(super) static GOOGLE_IAP: Preset = Preset {
    name: "google-iap",
    about: "The signed header of Google's [Identity-Aware Proxy](providers.md#google-identity-aware-proxy).",
    members: &[
        member(
            "from",
            Rule::Fixed(Given::List(&[Given::Members(&[("header", Given::Text("x-goog-iap-jwt-assertion"))])])),
        ),
        member("issuer", Rule::Fixed(Given::Text("https://cloud.google.com/iap"))),
        member("audiences", Rule::Written(AUDIENCES)),
        member("algorithms", Rule::PartOf(&["ES256"])),
        member("typ", Rule::PartOf(&["JWT", "absent"])),
        member("exp", Rule::Fixed(Given::Text("required"))),
        // 10 minutes, and twice the 30 seconds by which clocks may differ.
        member("max_lifetime", Rule::AtMost("11m")),
        member("token", Rule::Fixed(Given::Text("access"))),
        member(
            "principal",
            Rule::Default(Given::Members(&[("type", Given::Text("User")), ("id", Given::Text("sub"))])),
        ),
        member(
            "facts",
            Rule::Adds(Given::Members(&[
                ("email?", Given::Text("string")),
                ("hd?", Given::Text("string")),
                ("google?", Given::Members(&[("access_levels?", Given::Texts(&["string"]))])),
            ])),
        ),
    ],
    key_set: Some("https://www.gstatic.com/iap/verify/public_key-jwk"),
    pinned: &[],
    form: TokenForm::JWT,
    header: HeaderMembers::Any,
    key_use: KeyUse::Signatures,
};
