//! What issuers and device providers have in common: how a token must look to be believed.

use serde_json::Value;

use super::facts::{self, Around, FACTS};
use super::issuer::{self, ISSUER};
use super::keys::{self, Accepted, KEYS};
use super::names::{is_reserved_provider, is_token, quoted, quoted_list};
use super::preset::Preset;
use super::reader::{Field, FreeNames, Given, List, Member, Node, Presence, Read, Shape, all, share, words};
use super::token_kind;
use crate::config_error::ConfigCode;
use crate::jose::{Algorithm, ClaimPath, KeyUse, TokenForm, media_type};
use crate::keys::KeySource;
use crate::profile::{
    Algorithms, Audiences, EvidenceForwarding, Expiry, FactField, HeaderMembers, IssuerId, Pin, Subject, TokenKind,
    TokenProfile, Typ,
};
use crate::provider::ProviderName;
use crate::text::{is_identifier, nearest};
use crate::time::Seconds;

/// Ages and lifetimes: from one second to a leap year; longer would be no bound at all.
const AGE: Shape = Shape::Duration(Seconds::new(1)..=Seconds::new(366 * 86_400));

static EXPIRIES: [(&str, Expiry); 2] = [("required", Expiry::Required), ("absent", Expiry::Absent)];

static FORWARDINGS: [(&str, EvidenceForwarding); 2] =
    [("verified", EvidenceForwarding::Verified), ("never", EvidenceForwarding::Never)];

const PINNED: Shape = Shape::Either(&[Shape::AnyText("string"), Shape::Boolean, Shape::Integer]);

/// Claims with members of their own in a profile.
const JUDGED_CLAIMS: &[(&str, &str)] =
    &[("iss", "issuer"), ("aud", "audiences"), ("exp", "exp"), ("nbf", "clock_skew"), ("iat", "max_age")];

/// The members that all roles have, in the order of [`Members`].
pub(super) static MEMBERS: [Field; 12] = [
    ISSUER,
    Field {
        name: "audiences",
        presence: Presence::Required,
        shape: Shape::Either(&[
            Shape::Literal("absent"),
            Shape::List(List::of(&Shape::Text("audience")).some().distinct()),
        ]),
        write: "a list of the `aud` values that are meant for this service, or `absent` where tokens have none",
        about: "`aud` must hold one of them; `absent`: tokens must not carry `aud`",
    },
    KEYS,
    Field {
        name: "algorithms",
        presence: Presence::Otherwise("each key's `alg`"),
        shape: Shape::List(List::of(&Shape::Words(Algorithm::names)).some().distinct()),
        write: "a list of signature algorithms, such as `[RS256, ES256]`",
        about: "the algorithms accepted; without it every key must have `alg`",
    },
    Field {
        name: "typ",
        presence: Presence::Required,
        shape: Shape::List(List::of(&Shape::Text("type, or `absent`")).some().distinct()),
        write: "a list of the `typ` headers taken, such as `[JWT, at+jwt]`; `absent` stands for none",
        about: "the token's `typ`, without regard to case and to `application/`; `absent`: a token may lack it",
    },
    Field {
        name: "pins",
        presence: Presence::Optional,
        shape: Shape::Entries(FreeNames::of(
            "claim",
            &Shape::Either(&[PINNED, Shape::List(List::of(&PINNED).some().distinct())]),
            PINS_TO_WRITE,
        )),
        write: PINS_TO_WRITE,
        about: "claims that must have exactly this value, or one of these; a claim that is a list never does",
    },
    Field {
        name: "forbid_claims",
        presence: Presence::Optional,
        shape: Shape::List(List::of(&Shape::Text("claim")).distinct()),
        write: "a list of claims that its tokens must not have",
        about: "claims that tokens must not carry",
    },
    Field {
        name: "require_claims",
        presence: Presence::Optional,
        shape: Shape::List(List::of(&Shape::Text("claim")).distinct()),
        write: "a list of claims that its tokens must have, each once",
        about: "claims that tokens must carry, beside those that another member requires",
    },
    Field {
        name: "exp",
        presence: Presence::Default(Given::Text("required")),
        shape: Shape::Words(|| words(&EXPIRIES)),
        write: "`required` or `absent`",
        about: "`absent`: tokens must not carry `exp`, and `max_age` is required",
    },
    Field {
        name: "clock_skew",
        presence: Presence::Default(Given::Text("60s")),
        // A larger tolerance would keep a revoked token alive for longer than anybody expects.
        shape: Shape::Duration(Seconds::new(0)..=Seconds::new(300)),
        write: "a length of time from `0s` to `300s`",
        about: "tolerance between the two clocks, both ways",
    },
    Field {
        name: "max_lifetime",
        presence: Presence::Optional,
        shape: AGE,
        write: "the longest time from `iat` to `exp`, such as `1h`",
        about: "longest time from `iat` to `exp`; makes `iat` required",
    },
    FACTS,
];

const PINS_TO_WRITE: &str =
    "an object of claims, each with the text, boolean or whole number that it must have, or a list of those";

/// `max_age` of a role.
pub(super) const fn max_age(presence: Presence, about: &'static str) -> Field {
    Field { name: "max_age", presence, shape: AGE, write: "the longest time since `iat`, such as `24h`", about }
}

/// `forward` of a role.
pub(super) const fn forward(default: Given) -> Field {
    Field {
        name: "forward",
        presence: Presence::Default(default),
        shape: Shape::Words(|| words(&FORWARDINGS)),
        write: "`verified` or `never`",
        about: "whether a verified token is forwarded to the upstream",
    }
}

/// What differs between the roles.
pub(super) struct Role<'a> {
    /// Which kind of token it is.
    pub(super) kind: Read<TokenKind>,
    /// Facts that are worked out here.
    pub(super) reserved_facts: &'a [&'a str],
    /// Its `max_age`.
    pub(super) max_age: Read<Option<Seconds>>,
    /// Claims that the role reads, beside those of the profile.
    pub(super) reads: Vec<ClaimPath>,
    /// What `sub` must be.
    pub(super) subject: Read<Subject>,
    /// Its preset.
    pub(super) preset: Option<&'static Preset>,
}

/// The name of a provider: a Cedar identifier that means nothing else.
pub(super) fn provider_name(node: &Node<'_>, name: &str) -> Read<ProviderName> {
    if !is_identifier(name) {
        return node.error(
            ConfigCode::BadName,
            format!("{} cannot name a provider", quoted(name)),
            "write a Cedar identifier: letters, digits and `_`, not beginning with a digit; policies say `<name>::User` and `context.<name>`",
        );
    }
    if is_reserved_provider(name) {
        return node.error(
            ConfigCode::ReservedName,
            format!("`{name}` means something else in policies"),
            "choose another name, such as `corp` for an issuer or `mdm` for a device provider",
        );
    }
    Ok(ProviderName::new(name))
}

/// The members that all roles have, by their names.
pub(super) struct Members<'a> {
    pub(super) issuer: Member<'a>,
    audiences: Member<'a>,
    pub(super) keys: Member<'a>,
    algorithms: Member<'a>,
    typ: Member<'a>,
    pins: Member<'a>,
    forbid_claims: Member<'a>,
    require_claims: Member<'a>,
    exp: Member<'a>,
    clock_skew: Member<'a>,
    max_lifetime: Member<'a>,
    facts: Member<'a>,
}

impl<'a> From<[Member<'a>; MEMBERS.len()]> for Members<'a> {
    fn from(members: [Member<'a>; MEMBERS.len()]) -> Self {
        let [
            issuer,
            audiences,
            keys,
            algorithms,
            typ,
            pins,
            forbid_claims,
            require_claims,
            exp,
            clock_skew,
            max_lifetime,
            facts,
        ] = members;
        Self {
            issuer,
            audiences,
            keys,
            algorithms,
            typ,
            pins,
            forbid_claims,
            require_claims,
            exp,
            clock_skew,
            max_lifetime,
            facts,
        }
    }
}

/// Reads a profile and the source of its keys from its [`MEMBERS`].
pub(super) fn read(
    node: &Node<'_>,
    name: Read<ProviderName>,
    members: Members<'_>,
    role: Role<'_>,
) -> Read<(TokenProfile, KeySource)> {
    let Members {
        issuer,
        audiences,
        keys,
        algorithms,
        typ,
        pins,
        forbid_claims,
        require_claims,
        exp,
        clock_skew,
        max_lifetime,
        facts,
    } = members;
    let issuer = issuer.required(issuer::read);
    let audiences = audiences.required(read_audiences);
    let algorithms = algorithms.optional(read_algorithms);
    let form = role.preset.map_or(TokenForm::JWT, |preset| preset.form);
    let header = role.preset.map_or(HeaderMembers::Any, |preset| preset.header);
    let key_use = role.preset.map_or(KeyUse::Signatures, |preset| preset.key_use);
    let accepted = || Ok(Accepted { algorithms: share(&algorithms)?.as_deref(), key_use });
    let keys = keys.required(|node| keys::read(node, accepted()?, share(&issuer)));
    let typ = typ.required(read_typ);
    let pins = pins.or_empty(read_pins);
    let expiry = exp.or_default(|node| node.word(&EXPIRIES));
    let clock_skew = clock_skew.or_default(|node| node.duration());
    let max_age = role.max_age;
    let max_lifetime = max_lifetime.optional(Node::duration);
    let facts = facts.or_empty(|node| {
        let around = Around {
            worked_out: role.reserved_facts,
            of_principals: !matches!(role.kind, Ok(TokenKind::Posture)),
            read_claims: claims_read(&issuer, &pins, &role.reads),
        };
        let facts = facts::read(node, &around)?;
        Ok(facts.into_iter().map(FactField::as_registered).collect::<Vec<_>>())
    });
    let bounded = bounded_life(node, &expiry, &max_age, &max_lifetime);
    let tenants = match (&issuer, &pins, &facts) {
        (Ok(IssuerId::Template(template)), Ok(pins), Ok(facts)) => issuer::bound(node, template, pins, facts),
        _ => Ok(()),
    };

    let require_claims = require_claims
        .or_empty(|node| Node::distinct(node.elements()?, |element| element.some_text().map(str::to_owned)));

    let mut needed: Vec<&str> = Vec::new();
    needed.extend(require_claims.iter().flatten().map(String::as_str));
    needed.extend(matches!(issuer, Ok(IssuerId::Exactly(_) | IssuerId::Template(_))).then_some("iss"));
    needed.extend(matches!(audiences, Ok(Audiences::OneOf(_))).then_some("aud"));
    needed.extend(matches!(expiry, Ok(Expiry::Required)).then_some("exp"));
    needed.extend((is_bounded(&max_age) || is_bounded(&max_lifetime)).then_some("iat"));
    needed.extend(claims_read(&issuer, &pins, &role.reads));
    needed.extend(
        facts
            .iter()
            .flatten()
            .filter(|fact: &&FactField| fact.required)
            .filter_map(|fact| fact.claim.0.first())
            .map(String::as_str),
    );
    let forbid_claims = forbid_claims.or_empty(|node| {
        Node::distinct(node.elements()?, |element| {
            let claim = element.some_text()?;
            if needed.contains(&claim) {
                return element.error(
                    ConfigCode::Contradiction,
                    format!("{} is forbidden here and needed elsewhere in this profile", quoted(claim)),
                    "remove it from `forbid_claims`, or remove what needs it",
                );
            }
            Ok(claim.to_owned())
        })
    });

    let fits_kind = match (role.kind, &typ) {
        (Ok(kind), Ok(typ)) => token_kind::agrees(node, kind, typ, &needed),
        _ => Ok(()),
    };

    let named = match (&keys, &algorithms) {
        (Ok(KeySource::Fetched(keys)), Ok(None)) if keys.location.is_by_id() => node.error(
            ConfigCode::MissingField,
            "`algorithms` is missing: a key in PEM does not say for which algorithm it is",
            "add `algorithms` with the one that the provider signs with, such as `[ES256]`",
        ),
        _ => Ok(()),
    };
    let pinned = all_pinned(node, role.preset, &pins);
    bounded?;
    named?;
    pinned?;
    tenants?;
    fits_kind?;
    let keys = keys?;
    let algorithms = algorithms?.map_or_else(|| default_algorithms(&keys), Algorithms::Listed);
    let profile = TokenProfile {
        name: name?,
        kind: role.kind?,
        form,
        header,
        issuer: issuer?,
        subject: role.subject?,
        audiences: audiences?,
        expiry: expiry?,
        algorithms,
        key_use,
        typ: typ?,
        pins: pins?,
        forbid_claims: forbid_claims?,
        require_claims: require_claims?,
        clock_skew: clock_skew?,
        max_age: max_age?,
        max_lifetime: max_lifetime?,
        facts: facts?,
    };
    Ok((profile, keys))
}

/// Whether the claims are pinned that alone tell this service's tokens from those of others who have the same keys.
fn all_pinned(node: &Node<'_>, preset: Option<&Preset>, pins: &Read<Vec<Pin>>) -> Read<()> {
    let (Some(preset), Ok(pins)) = (preset, pins) else { return Ok(()) };
    let missing = |claim: &&&str| !pins.iter().any(|pin| pin.claim == ***claim);
    match preset.pinned.iter().find(missing) {
        Some(claim) => node.error(
            ConfigCode::MissingField,
            format!(
                "`pins` has no {}, which the preset `{}` requires: its keys are the same for all customers, so this claim \
                 tells your tokens from theirs",
                quoted(claim),
                preset.name
            ),
            format!("add {} to `pins` with the value that your own tokens have", quoted(claim)),
        ),
        None => Ok(()),
    }
}

/// The outermost names of the claims that a profile reads, beside those with members of their own.
fn claims_read<'a>(issuer: &'a Read<IssuerId>, pins: &'a Read<Vec<Pin>>, reads: &'a [ClaimPath]) -> Vec<&'a str> {
    let tenant = match issuer {
        Ok(IssuerId::Template(template)) => Some(&template.claim),
        Ok(IssuerId::Exactly(_) | IssuerId::Absent) | Err(_) => None,
    };
    let paths = tenant.into_iter().chain(reads).filter_map(|path| path.0.first()).map(String::as_str);
    paths.chain(pins.iter().flatten().map(|pin| pin.claim.as_str())).collect()
}

/// Whether a bound is written; one with an error is.
fn is_bounded(bound: &Read<Option<Seconds>>) -> bool {
    !matches!(bound, Ok(None))
}

/// A token without `exp` is bounded by its age alone.
fn bounded_life(
    node: &Node<'_>,
    expiry: &Read<Expiry>,
    max_age: &Read<Option<Seconds>>,
    max_lifetime: &Read<Option<Seconds>>,
) -> Read<()> {
    if !matches!(expiry, Ok(Expiry::Absent)) {
        return Ok(());
    }
    let mut bounded = Ok(());
    if !is_bounded(max_age) {
        bounded = node.error(
            ConfigCode::MissingField,
            "with `exp: absent` nothing bounds the life of a token",
            "add `max_age`: the longest time since `iat`, such as `15m`",
        );
    }
    if is_bounded(max_lifetime) {
        bounded = node.error(
            ConfigCode::Contradiction,
            "`max_lifetime` ends at `exp`, and `exp: absent` says that there is none",
            "remove `max_lifetime`; `max_age` bounds the token's life",
        );
    }
    bounded
}

/// The algorithms of a profile that lists none: those of the keys in the configuration. Keys that are fetched are not known
/// yet; each of them names its own.
fn default_algorithms(keys: &KeySource) -> Algorithms {
    match keys {
        KeySource::Inline(keys) => {
            let mut of_keys: Vec<Algorithm> = keys.keys().iter().map(|key| key.algorithm()).collect();
            of_keys.sort_unstable();
            of_keys.dedup();
            Algorithms::Listed(of_keys)
        }
        KeySource::Fetched(_) => Algorithms::NamedByEachKey,
    }
}

/// Reads `forward`.
pub(super) fn read_forward(node: &Node<'_>) -> Read<EvidenceForwarding> {
    node.word(&FORWARDINGS)
}

fn read_audiences(node: &Node<'_>) -> Read<Audiences> {
    if node.value().as_str() == Some("absent") {
        return Ok(Audiences::Absent);
    }
    if !node.value().is_array() {
        return node.wrong_type("a list, or `absent`");
    }
    let audiences = Node::distinct(node.some_elements()?, |element| match element.some_text()? {
        "absent" => element.error(
            ConfigCode::BadValue,
            "`absent` is in a list of audiences",
            "write `audiences: absent` for tokens without `aud`; one profile takes either",
        ),
        audience => Ok(audience.to_owned()),
    });
    audiences.map(Audiences::OneOf)
}

/// Reads a list of algorithms.
pub(super) fn read_algorithms(node: &Node<'_>) -> Read<Vec<Algorithm>> {
    Node::distinct(node.some_elements()?, |element| {
        let name = element.some_text()?;
        if let Some(algorithm) = Algorithm::from_name(name) {
            return Ok(algorithm);
        }
        let all = || Algorithm::ALL.iter().map(|algorithm| algorithm.name());
        let help = match nearest(name, all()) {
            Some(near) if !name.starts_with("HS") => format!("did you mean `{near}`?"),
            _ => format!("write some of {}; keys shared with the issuer are not supported", quoted_list(all())),
        };
        element.error(
            ConfigCode::BadValue,
            format!("{} is not a signature algorithm that is verified here", quoted(name)),
            help,
        )
    })
}

fn read_typ(node: &Node<'_>) -> Read<Typ> {
    let values = Node::distinct(node.some_elements()?, |element| {
        let text = element.some_text()?;
        if text.eq_ignore_ascii_case("absent") {
            return Ok(None);
        }
        // In the form in which tokens are compared.
        let value = media_type(text);
        if value.split('/').count() > 2 || !value.split('/').all(is_token) {
            return element.error(ConfigCode::BadValue, "this is not a media type", node.write_wanted());
        }
        Ok(Some(value))
    })?;
    let absent = values.contains(&None);
    Ok(Typ { values: values.into_iter().flatten().collect(), absent })
}

fn read_pins(node: &Node<'_>) -> Read<Vec<Pin>> {
    let mut pins = all(node
        .entries()?
        .into_iter()
        .map(|(claim, value)| read_pin(&value, claim).map(|values| Pin { claim: claim.to_owned(), values })))?;
    pins.sort_by(|a, b| a.claim.cmp(&b.claim));
    Ok(pins)
}

fn read_pin(node: &Node<'_>, claim: &str) -> Read<Vec<Value>> {
    if let Some((_, member)) = JUDGED_CLAIMS.iter().find(|(judged, _)| *judged == claim) {
        return node.error(
            ConfigCode::ReservedName,
            format!("`{claim}` cannot be pinned"),
            format!("the member `{member}` says what `{claim}` must be"),
        );
    }
    match node.value() {
        Value::Array(_) => Node::distinct(node.some_elements()?, |element| match pinned(element.value()) {
            Some(value) => Ok(value),
            None => element.wrong_type("a string, a boolean or a whole number"),
        }),
        value => match pinned(value) {
            Some(value) => Ok(vec![value]),
            None => node.wrong_type("a string, a boolean or a whole number, or a list of those"),
        },
    }
}

/// A value that a claim can be compared with.
fn pinned(value: &Value) -> Option<Value> {
    let comparable = match value {
        Value::String(_) | Value::Bool(_) => true,
        Value::Number(number) => number.is_i64() || number.is_u64(),
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    };
    comparable.then(|| value.clone())
}
