//! `issuers`: who makes access tokens, where these are accepted, and whom they speak of.

use super::claim::{CLAIM_PATH, claim_path};
use super::device_record::{self, DEVICE_MAPPING};
use super::names::{is_reserved_type, quoted};
use super::places::{self, FROM};
use super::preset::{Applied, ISSUER_PRESET, OF_ISSUERS, TENANT, TRUST_DOMAIN};
use super::profile::{self, Role};
use super::profiles::Profiles;
use super::reader::{Field, FreeNames, Given, Member, Node, Presence, Read, Shape, all};
use super::sender::{self, DPOP, SENDER_CONSTRAINT};
use super::token_kind::{self, TOKEN};
use crate::config_error::ConfigCode;
use crate::jose::ClaimPath;
use crate::profile::{
    CredentialPlace, EvidenceForwarding, FactField, GroupsRule, Issuer, PrincipalRule, SenderRule, Subject,
};
use crate::request::PeerSource;
use crate::spiffe::TrustDomain;
use crate::text::is_identifier;

/// `issuers`
pub(super) const ISSUERS: Field = Field {
    name: "issuers",
    presence: Presence::Optional,
    shape: Shape::Entries(FreeNames::of(
        "name",
        &ISSUER,
        "an issuer: `issuer`, `audiences`, `keys`, `typ`, `principal` and what else it needs",
    )),
    write: "an object of issuers of access tokens",
    about: "who issues access tokens; the name is the Cedar namespace",
};

const ISSUER: Shape = Shape::Named("issuer", || const { &Shape::Object(&[&ISSUER_MEMBERS, &profile::MEMBERS]) });

pub(super) static ISSUER_MEMBERS: [Field; 11] = [
    ISSUER_PRESET,
    TENANT,
    Field {
        name: TRUST_DOMAIN,
        presence: Presence::Optional,
        shape: Shape::Text("trust domain"),
        write: "the name of a SPIFFE trust domain, such as `example.org`",
        about: "with `preset: spiffe-jwt-svid`, which requires it: the trust domain of `sub`",
    },
    TOKEN,
    FROM,
    Field {
        name: "principal",
        presence: Presence::Required,
        shape: Shape::Object(&[&PRINCIPAL_MEMBERS]),
        write: "`{ id: sub }`, and `type` and `groups` where tokens have them",
        about: "whom its tokens speak of",
    },
    profile::forward(Given::Text("verified")),
    profile::max_age(
        Presence::Optional,
        "longest time since `iat`; makes `iat` required. With `exp: absent` it must be written",
    ),
    SENDER_CONSTRAINT,
    DPOP,
    DEVICE_MAPPING,
];

static PRINCIPAL_MEMBERS: [Field; 3] = [
    Field {
        name: "type",
        presence: Presence::Default(Given::Text("User")),
        shape: Shape::Text("Cedar identifier, not `Group`"),
        write: "a Cedar identifier such as `User`",
        about: "makes `<issuer>::<type>`",
    },
    Field {
        name: "id",
        presence: Presence::Required,
        shape: CLAIM_PATH,
        write: "the claim that names the principal, such as `sub`, or a list of names from the claim set inwards",
        about: "the claim that names the principal",
    },
    Field {
        name: "groups",
        presence: Presence::Optional,
        shape: Shape::Either(&[CLAIM_PATH, Shape::Object(&[&GROUPS_MEMBERS])]),
        write: "the claim that lists the principal's groups, or a list of names from the claim set inwards, or an object such as `{ claim: groups, required: true }`",
        about: "the claim that lists the groups, alone or in an object",
    },
];

static GROUPS_MEMBERS: [Field; 3] = [
    Field {
        name: "claim",
        presence: Presence::Required,
        shape: CLAIM_PATH,
        write: "the claim that lists the principal's groups, or a list of names from the claim set inwards",
        about: "the claim that lists the groups",
    },
    Field {
        name: "required",
        presence: Presence::Default(Given::False),
        shape: Shape::Boolean,
        write: "`true` to refuse a token without the claim, or `false`",
        about: "`true`: a token without the claim is rejected. Otherwise it is accepted, and its principal is in no group",
    },
    Field {
        name: "single",
        presence: Presence::Default(Given::False),
        shape: Shape::Boolean,
        write: "`true` to accept one string as a list of one group, or `false`",
        about: "`true`: a string is accepted as a list with that one element. It is never split",
    },
];

/// Reads all issuers, sorted by name.
pub(super) fn read(entries: &[(&str, Node<'_>)], profiles: &mut Profiles) -> Read<Vec<Issuer>> {
    all(entries.iter().map(|(name, entry)| read_one(entry, name, profiles)))
}

/// Compares `sender_constraint` of the issuers with `peer`.
pub(super) fn agree_on_peer(entries: &[(&str, Node<'_>)], issuers: &[Issuer], peer: PeerSource) -> Read<()> {
    let node_of = |issuer: &Issuer| entries.iter().find(|(name, _)| *name == issuer.profile.name.as_str());
    all(issuers.iter().filter_map(|issuer| {
        let (_, node) = node_of(issuer)?;
        Some(sender::agree_on_peer(node, &issuer.sender, peer))
    }))
    .map(|_: Vec<()>| ())
}

fn read_one(node: &Node<'_>, name: &str, profiles: &mut Profiles) -> Read<Issuer> {
    let name = profile::provider_name(node, name);
    let applied = OF_ISSUERS.read(node)?;
    let preset = applied.preset;
    let members = IssuerMembers::of(node, &applied)?;
    let IssuerMembers { trust_domain, token, from, principal, forward, max_age, constraint, dpop, device, profile } =
        members;
    let from = from.or_default(places::read);
    let subject = match preset.and_then(|preset| preset.own().find(|own| *own == TRUST_DOMAIN)) {
        Some(_) => trust_domain.required(read_trust_domain).map(Subject::WorkloadOf),
        None => Ok(Subject::Any),
    };
    let principal = principal.required(read_principal);
    let forward = forward.or_default(profile::read_forward);
    let sender = sender::read(node, constraint, dpop);
    let confirmation =
        sender.iter().filter(|sender| !sender.accepts_unbound()).map(|_| ClaimPath(vec!["cnf".to_owned()]));
    let reads = principal.iter().flat_map(claims_read).cloned().chain(confirmation).collect();
    let kind = token.or_default(token_kind::read);
    let max_age = max_age.optional(Node::duration);
    let role = Role { kind, reserved_facts: &[], max_age, reads, subject, preset };
    let (profile, keys) = profile::read(node, name, profile, role)?;
    profiles.add(node, &profile, keys);
    let principal = principal?;
    if let Some(groups) = &principal.groups {
        agree_on_presence(node, groups, &profile.facts)?;
    }
    let device = device_record::read(&device, &profile.facts);
    Ok(Issuer { profile, from: from?, principal, forward: forward?, sender: sender?, device: device? })
}

/// The members of an issuer, by their names. Those that its preset gives count as written.
pub(super) struct IssuerMembers<'a> {
    trust_domain: Member<'a>,
    token: Member<'a>,
    from: Member<'a>,
    principal: Member<'a>,
    forward: Member<'a>,
    max_age: Member<'a>,
    constraint: Member<'a>,
    dpop: Member<'a>,
    device: Member<'a>,
    /// Those of every profile.
    profile: profile::Members<'a>,
}

impl<'a> IssuerMembers<'a> {
    /// Reads them.
    pub(super) fn of(node: &Node<'a>, applied: &'a Applied) -> Read<Self> {
        let (own, profile) = node.members_given(&ISSUER_MEMBERS, &profile::MEMBERS, &applied.members)?;
        let [_, _, trust_domain, token, from, principal, forward, max_age, constraint, dpop, device] = own;
        let profile = profile.into();
        Ok(Self { trust_domain, token, from, principal, forward, max_age, constraint, dpop, device, profile })
    }

    /// Reads `forward`.
    pub(super) fn forward(&self) -> Read<EvidenceForwarding> {
        self.forward.or_default(profile::read_forward)
    }

    /// Reads `sender_constraint` and `dpop`.
    pub(super) fn sender(self, node: &Node<'_>) -> Read<SenderRule> {
        sender::read(node, self.constraint, self.dpop)
    }

    /// Reads `from`.
    pub(super) fn from(&self) -> Read<Vec<CredentialPlace>> {
        self.from.or_default(places::read)
    }
}

fn read_trust_domain(node: &Node<'_>) -> Read<TrustDomain> {
    let text = node.some_text()?;
    TrustDomain::parse(text).or_else(|fault| {
        let name = text.strip_prefix("spiffe://").and_then(|rest| TrustDomain::parse(rest).ok());
        let help = match name {
            Some(name) => format!("write the name alone: `{name}`"),
            None => node.write_wanted(),
        };
        node.error(ConfigCode::BadValue, format!("{} is not a trust domain: {fault}", quoted(text)), help)
    })
}

fn read_principal(node: &Node<'_>) -> Read<PrincipalRule> {
    let [entity_type, id, groups] = node.members(&PRINCIPAL_MEMBERS)?;
    let entity_type = entity_type.or_default(read_type);
    let id = id.required(claim_path);
    let groups = groups.optional(read_groups);
    Ok(PrincipalRule { entity_type: entity_type?.into(), id: id?, groups: groups? })
}

/// The claims that a principal is made of.
fn claims_read(rule: &PrincipalRule) -> impl Iterator<Item = &ClaimPath> {
    [&rule.id].into_iter().chain(rule.groups.as_ref().map(|groups| &groups.claim))
}

/// A claim alone, or an object that also says what the claim must be.
fn read_groups(node: &Node<'_>) -> Read<GroupsRule> {
    if !node.value().is_object() {
        return claim_path(node).map(|claim| GroupsRule { claim, required: false, single: false });
    }
    let [claim, required, single] = node.members(&GROUPS_MEMBERS)?;
    let claim = claim.required(claim_path);
    let required = required.or_default(|node| node.boolean());
    let single = single.or_default(|node| node.boolean());
    Ok(GroupsRule { claim: claim?, required: required?, single: single? })
}

/// Whether a token may lack the groups claim is said in one way: `required: true` and a fact with `?` contradict each other.
fn agree_on_presence(node: &Node<'_>, groups: &GroupsRule, facts: &[FactField]) -> Read<()> {
    let on_the_way = (1..=groups.claim.0.len()).filter_map(|length| groups.claim.0.get(..length));
    let declared = on_the_way.filter_map(|claim| FactField::leading_to(facts, claim)).flatten();
    match declared.into_iter().find(|field| groups.required && !field.required) {
        Some(FactField { name, .. }) => Err(node.report_inside(
            "/principal/groups/required",
            ConfigCode::Contradiction,
            format!(
                "tokens must have the groups claim, and {} in `facts` says that they may lack it",
                quoted(&format!("{name}?"))
            ),
            format!("write {} in `facts`, without `?`", quoted(name)),
        )),
        None => Ok(()),
    }
}

fn read_type(node: &Node<'_>) -> Read<String> {
    let name = node.some_text()?;
    if !is_identifier(name) {
        return node.error(
            ConfigCode::BadName,
            format!("{} is not a Cedar identifier", quoted(name)),
            "write letters, digits and `_`, not beginning with a digit, such as `User` or `Workload`",
        );
    }
    if is_reserved_type(name) {
        return node.error(
            ConfigCode::ReservedName,
            format!("`{name}` means something else in policies"),
            "choose another type, such as `User` or `Workload`",
        );
    }
    Ok(name.to_owned())
}
