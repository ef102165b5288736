//! `preset` of a provider: members that are the same at everyone who uses one kind of token, given by the name of the kind.
//!
//! A preset is a value: a row for each member that it says something about. A member that it gives counts as if it were
//! written, and the reader of the member checks it. What decides whether a token is accepted can only be made stricter, so a
//! token that is not of its kind is never accepted. To add one, add its file and name it in [`OF_ISSUERS`] or [`OF_DEVICES`].

mod auth0;
mod aws;
mod cloudflare_access;
mod crowdstrike;
mod entra;
mod form;
mod given;
mod google_iap;
mod jamf;
mod jumpcloud;
mod jwt;
mod keycloak;
mod model;
mod okta;
mod pomerium;
mod spiffe_jwt_svid;

use serde_json::{Map, Value};

use super::names::{quoted, quoted_list};
use super::reader::{Field, Node, Presence, Read, Reported, Shape};
use crate::config_error::ConfigCode;

pub(super) use self::given::PUBLISHED;
use self::model::Rule;
pub(super) use self::model::{Preset, PresetMember};

/// The presets of issuers.
pub(super) static OF_ISSUERS: Presets = Presets {
    field: &ISSUER_PRESET,
    all: &[
        &spiffe_jwt_svid::SPIFFE_JWT_SVID,
        &google_iap::GOOGLE_IAP,
        &cloudflare_access::CLOUDFLARE_ACCESS,
        &pomerium::POMERIUM,
        &entra::ENTRA,
        &entra::ENTRA_V1,
        &okta::OKTA,
        &auth0::AUTH0,
        &keycloak::KEYCLOAK,
        &aws::AWS_ALB,
        &aws::AWS_VERIFIED_ACCESS,
    ],
};

/// The presets of device providers.
pub(super) static OF_DEVICES: Presets =
    Presets { field: &DEVICE_PRESET, all: &[&crowdstrike::CROWDSTRIKE, &jamf::JAMF, &jumpcloud::JUMPCLOUD, &jwt::JWT] };

/// The presets of one role.
pub(super) struct Presets {
    field: &'static Field,
    /// All of them, in the order of the documentation.
    pub(super) all: &'static [&'static Preset],
}

pub(super) const PRESET: &str = "preset";
const ABOUT: &str = "the kind of tokens, which gives members of its own, see [Presets](#presets)";

/// `preset` of an issuer
pub(super) const ISSUER_PRESET: Field = Field {
    name: PRESET,
    presence: Presence::Optional,
    shape: Shape::Words(|| OF_ISSUERS.names()),
    write: "`spiffe-jwt-svid`, `google-iap`, `cloudflare-access`, `pomerium`, `entra`, `entra-v1`, `okta`, `auth0`, \
            `keycloak`, `aws-alb` or `aws-verified-access`",
    about: ABOUT,
};

/// `preset` of a device provider
pub(super) const DEVICE_PRESET: Field = Field {
    name: PRESET,
    presence: Presence::Optional,
    shape: Shape::Words(|| OF_DEVICES.names()),
    write: "`crowdstrike`, `jamf`, `jumpcloud` or `jwt`",
    about: ABOUT,
};

/// `tenant`
pub(super) const TENANT: Field = Field {
    name: "tenant",
    presence: Presence::Optional,
    shape: Shape::Text("the customer's id"),
    write: "the id that the provider gave you",
    about: "with a preset that requires it: which of the provider's customers you are. Tokens of another customer are \
            rejected",
};

/// A provider's preset, if it has one, and the members that it makes.
#[derive(Default)]
pub(super) struct Applied {
    /// The preset.
    pub(super) preset: Option<&'static Preset>,
    /// The members that count in place of those that are written, or beside them.
    pub(super) members: Map<String, Value>,
}

impl Presets {
    fn names(&self) -> Vec<&'static str> {
        self.all.iter().map(|preset| preset.name).collect()
    }

    /// The presets of the object that has these members.
    pub(super) fn of(tables: &[&[Field]]) -> &'static [&'static Preset] {
        let field = tables.iter().copied().flatten().find(|field| field.name == PRESET);
        let names = field.map(|field| field.write);
        [&OF_ISSUERS, &OF_DEVICES]
            .into_iter()
            .find(|presets| names == Some(presets.field.write))
            .map_or(&[], |it| it.all)
    }

    /// The preset of a provider, and what it makes of its members. Reports every member that the preset does not allow, or
    /// that must be written because of it.
    pub(super) fn read(&self, provider: &Node<'_>) -> Read<Applied> {
        let Value::Object(written) = provider.value() else { return Ok(Applied::default()) };
        let names: Vec<(&str, &'static Preset)> = self.all.iter().map(|preset| (preset.name, *preset)).collect();
        let preset = match written.get(PRESET) {
            Some(name) => Some(provider.at(self.field, name, |node| node.word(&names))?),
            None => None,
        };
        let mut allowed = Ok(());
        for (preset, member) in
            preset.into_iter().flat_map(|preset| preset.members.iter().map(move |row| (preset, row)))
        {
            match (written.get(member.name), member.rule.form()) {
                (Some(value), _) if !member.rule.allows(value) => {
                    allowed = Err(contradicts(provider, preset, member, value));
                }
                (None, Some(form)) => {
                    allowed = Err(provider.report(
                        ConfigCode::MissingField,
                        format!(
                            "`{}` is missing, which the preset `{}` requires: {}",
                            member.name, preset.name, form.why
                        ),
                        format!("add `{}`: {}", member.name, form.write),
                    ));
                }
                _ => {}
            }
        }
        if let Err(reported) = self.only_of_presets(provider, written, preset) {
            allowed = Err(reported);
        }
        allowed?;
        let members = preset.map_or(Ok(Map::new()), |preset| given::members(preset, provider, written))?;
        Ok(Applied { preset, members })
    }

    /// Reports members that only another preset has.
    fn only_of_presets(&self, provider: &Node<'_>, written: &Map<String, Value>, preset: Option<&Preset>) -> Read<()> {
        let mut allowed = Ok(());
        let has = |own: &str| preset.is_some_and(|preset| preset.own().any(|name| name == own));
        for own in [TRUST_DOMAIN, TENANT.name].into_iter().filter(|own| written.contains_key(*own) && !has(own)) {
            let with: Vec<&str> = self
                .all
                .iter()
                .filter(|preset| preset.own().any(|name| name == own))
                .map(|preset| preset.name)
                .collect();
            let help = match (with.as_slice(), preset) {
                ([], _) | (_, Some(_)) => format!("remove `{own}`"),
                ([one], None) => format!("add `preset: {one}`, or remove `{own}`"),
                (several, None) => {
                    format!("add `preset` with one of {}, or remove `{own}`", quoted_list(several.iter().copied()))
                }
            };
            allowed = Err(provider.report_inside(
                &format!("/{own}"),
                ConfigCode::Contradiction,
                format!("`{own}` is a member of the presets {}", quoted_list(with)),
                help,
            ));
        }
        allowed
    }
}

/// The member of [`spiffe_jwt_svid`].
pub(super) const TRUST_DOMAIN: &str = "trust_domain";

fn contradicts(provider: &Node<'_>, preset: &Preset, member: &PresetMember, value: &Value) -> Reported {
    let name = preset.name;
    let help = match &member.rule {
        Rule::PartOf(list) => {
            format!("remove `{}`, or list some of {}", member.name, quoted_list(list.iter().copied()))
        }
        Rule::OrText(_) => format!("remove `{}`, or write an exact string", member.name),
        Rule::AtMost(length) => format!("remove `{}`, or write at most `{length}`", member.name),
        Rule::Written(form) | Rule::Own(form) => format!("write {}", form.write),
        Rule::Fixed(_) | Rule::Default(_) | Rule::Adds(_) | Rule::Members(_) => {
            format!("remove `{}`: the preset gives it", member.name)
        }
    };
    let found = value.as_str().map(|text| format!(" as {}", quoted(text))).unwrap_or_default();
    provider.report_inside(
        &format!("/{}", member.name),
        ConfigCode::Contradiction,
        format!("the preset `{name}` does not allow `{}`{found}", member.name),
        help,
    )
}
