//! The two front doors of AWS. Their tokens have `iss`, `exp` and what names their signer in the JOSE header, and no `aud`.
//!
//! The keys of a region are the same for all customers, so the pinned members of the header alone say whose tokens they are.

use super::model::{Preset, Rule, member};
use crate::config::reader::Given;
use crate::jose::{KeyUse, TokenForm};
use crate::profile::HeaderMembers;

pub(super) static AWS_ALB: Preset = Preset {
    name: "aws-alb",
    about: "The user claims that an AWS Application Load Balancer adds, in base64url with padding. `iss`, `exp`, `signer` and \
            `client` are read from the JOSE header only. `pins` must have `signer` (the ARN of the load balancer) and \
            `client`. See [doors.md](doors.md#aws-application-load-balancer).",
    members: &[
        member("from", Rule::Fixed(Given::List(&[Given::Members(&[("header", Given::Text("x-amzn-oidc-data"))])]))),
        member("audiences", Rule::Fixed(Given::Text("absent"))),
        member("algorithms", Rule::PartOf(&["ES256"])),
        member("typ", Rule::PartOf(&["JWT"])),
        member("exp", Rule::Fixed(Given::Text("required"))),
        member("token", Rule::Fixed(Given::Text("access"))),
    ],
    key_set: None,
    pinned: &["signer", "client"],
    form: TokenForm { padded: true, header_claims: &["iss", "exp", "signer", "client"] },
    header: HeaderMembers::Any,
    key_use: KeyUse::Signatures,
};

pub(super) static AWS_VERIFIED_ACCESS: Preset = Preset {
    name: "aws-verified-access",
    about: "The user claims that AWS Verified Access adds. `iss`, `exp` and `signer` are read from the JOSE header only. \
            `pins` must have `signer`, the ARN of the Verified Access instance. See \
            [doors.md](doors.md#aws-verified-access).",
    members: &[
        member(
            "from",
            Rule::Fixed(Given::List(&[Given::Members(&[("header", Given::Text("x-amzn-ava-user-context"))])])),
        ),
        member("audiences", Rule::Fixed(Given::Text("absent"))),
        member("algorithms", Rule::PartOf(&["ES384"])),
        member("typ", Rule::PartOf(&["absent"])),
        member("exp", Rule::Fixed(Given::Text("required"))),
        member("token", Rule::Fixed(Given::Text("access"))),
    ],
    key_set: None,
    pinned: &["signer"],
    form: TokenForm { padded: false, header_claims: &["iss", "exp", "signer"] },
    header: HeaderMembers::Any,
    key_use: KeyUse::Signatures,
};
