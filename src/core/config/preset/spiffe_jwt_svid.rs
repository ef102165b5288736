//! JWT-SVIDs of one SPIFFE trust domain, as SPIRE issues them.
//!
//! A trust domain is known by its name, which is in `sub`, and a JWT-SVID need not have `iss`. Without `issuer` a token must not
//! have one, so that no token can be of this issuer and of one with an `iss`; SPIRE writes one if `jwt_issuer` is set.

use super::TRUST_DOMAIN;
use super::form;
use super::model::{Form, Preset, Rule, member};
use crate::config::reader::Given;
use crate::jose::{KeyUse, TokenForm};
use crate::profile::HeaderMembers;

const DOMAIN: Form = Form {
    fits: form::any,
    write: "the name of a SPIFFE trust domain, such as `example.org`",
    why: "it says whose workloads are meant",
};

// JWT-SVID section 3.2.
const AUDIENCES: Form = Form::audiences(form::present, "a list in `audiences`");

pub(super) static SPIFFE_JWT_SVID: Preset = Preset {
    name: "spiffe-jwt-svid",
    about: "JWT-SVIDs of one SPIFFE trust domain. `sub` must be the SPIFFE ID of a workload of exactly `trust_domain`, the \
            header must have no other members than `alg`, `kid` and `typ`, and of the keys only those with `use: jwt-svid` \
            count.",
    members: &[
        member(TRUST_DOMAIN, Rule::Own(DOMAIN)),
        member("audiences", Rule::Written(AUDIENCES)),
        member("issuer", Rule::OrText(Given::Text("absent"))),
        // JWT-SVID section 2.1, without `ES512`, which is not supported.
        member("algorithms", Rule::PartOf(&["RS256", "RS384", "RS512", "ES256", "ES384", "PS256", "PS384", "PS512"])),
        // JWT-SVID section 2.3.
        member("typ", Rule::PartOf(&["absent", "JWT", "JOSE"])),
        // JWT-SVID section 3.3.
        member("exp", Rule::Fixed(Given::Text("required"))),
        member("token", Rule::Fixed(Given::Text("access"))),
        // JWT-SVID section 3.1.
        member(
            "principal",
            Rule::Fixed(Given::Members(&[("type", Given::Text("Workload")), ("id", Given::Text("sub"))])),
        ),
    ],
    key_set: None,
    pinned: &[],
    form: TokenForm::JWT,
    header: HeaderMembers::AlgKidTyp,
    key_use: KeyUse::JwtSvid,
};
