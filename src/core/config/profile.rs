//! What issuers and device providers have in common: how a token must look to be believed.

use core::ops::RangeInclusive;

use serde_json::Value;

use super::document::{Known, Member, Node};
use super::facts;
use super::issuer;
use super::keys;
use super::names::{is_reserved_provider, is_token, quoted, quoted_list};
use crate::config_error::ConfigCode;
use crate::jose::{Algorithm, ClaimPath};
use crate::keys::KeySource;
use crate::profile::{Algorithms, Audiences, EvidenceForwarding, Expiry, FactField, IssuerId, Pin, TokenProfile, Typ};
use crate::provider::ProviderName;
use crate::text::{is_identifier, nearest};
use crate::time::Seconds;

/// Tolerance between clocks where nothing is written.
const DEFAULT_CLOCK_SKEW: Seconds = Seconds::new(60);
/// A larger tolerance would keep a revoked token alive for longer than anybody expects.
const CLOCK_SKEW: RangeInclusive<Seconds> = Seconds::new(0)..=Seconds::new(300);
/// Ages and lifetimes: from one second to a leap year; longer would be no bound at all.
const AGE: RangeInclusive<Seconds> = Seconds::new(1)..=Seconds::new(366 * 86_400);

const ISSUER: Known = (
    "issuer",
    "the exact `iss` of its tokens, `{ template: \"https://login.example.com/{tenant}\", claim: tid }` where it varies by one \
     claim, or `absent` where they have none",
);
const AUDIENCES: Known =
    ("audiences", "a list of the `aud` values that are meant for this service, or `absent` where tokens have none");
const KEYS: Known = (
    "keys",
    "`{ url: ..., cluster: ... }` or `{ discovery: true, cluster: ... }` for keys that are fetched, or `{ inline: ... }` with a JWK set",
);
const ALGORITHMS: Known = ("algorithms", "a list of signature algorithms, such as `[RS256, ES256]`");
const TYP: Known = ("typ", "a list of the `typ` headers taken, such as `[JWT, at+jwt]`; `absent` stands for none");
const PINS: Known =
    ("pins", "an object of claims, each with the text, boolean or whole number that it must have, or a list of those");
const FORBID_CLAIMS: Known = ("forbid_claims", "a list of claims that its tokens must not have");
const EXP: Known = ("exp", "`required` or `absent`");
const CLOCK_SKEW_MEMBER: Known = ("clock_skew", "a length of time from `0s` to `300s`");
const MAX_AGE: Known = ("max_age", "the longest time since `iat`, such as `24h`");
const MAX_LIFETIME: Known = ("max_lifetime", "the longest time from `iat` to `exp`, such as `1h`");
const FACTS: Known = ("facts", "an object of claims and their types, such as `{ \"acr?\": string }`");
pub(super) const FORWARD: Known = ("forward", "`verified` or `never`");

/// Claims with members of their own in a profile.
const JUDGED_CLAIMS: &[(&str, &str)] =
    &[("iss", "issuer"), ("aud", "audiences"), ("exp", "exp"), ("nbf", "clock_skew"), ("iat", "max_age")];

/// The members of a profile, in the order in which [`read`] takes them.
pub(super) const MEMBERS: [Known; 12] = [
    ISSUER,
    AUDIENCES,
    KEYS,
    ALGORITHMS,
    TYP,
    PINS,
    FORBID_CLAIMS,
    EXP,
    CLOCK_SKEW_MEMBER,
    MAX_AGE,
    MAX_LIFETIME,
    FACTS,
];

/// What differs between the roles.
pub(super) struct Role<'a> {
    /// Facts that are worked out here.
    pub(super) reserved_facts: &'a [&'a str],
    /// Whether `max_age` must be written.
    pub(super) needs_max_age: bool,
    /// Claims that the role reads, beside those of the profile.
    pub(super) reads: Vec<ClaimPath>,
}

/// The name of a provider: a Cedar identifier that means nothing else.
pub(super) fn provider_name(node: &Node<'_>, name: &str) -> Option<ProviderName> {
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
    Some(ProviderName::new(name))
}

/// Reads a profile and the source of its keys from its [`MEMBERS`].
pub(super) fn read(
    node: &Node<'_>,
    name: Option<ProviderName>,
    members: [Member<'_>; MEMBERS.len()],
    role: Role<'_>,
) -> Option<(TokenProfile, KeySource)> {
    let [issuer, audiences, keys, algorithms, typ, pins, forbid_claims, exp, clock_skew, max_age, max_lifetime, facts] =
        members;
    let max_age_is_written = max_age.node().is_some();
    let max_lifetime_is_written = max_lifetime.node().is_some();

    let issuer = issuer.required(issuer::read);
    let audiences = audiences.required(read_audiences);
    let algorithms = algorithms.optional(read_algorithms);
    let keys = keys.required(|node| match &algorithms {
        Some(algorithms) => keys::read(node, algorithms.as_deref(), issuer.as_ref()),
        // Which keys fit cannot be said, and why is noted.
        None => None,
    });
    let typ = typ.required(read_typ);
    let pins = pins.or(Vec::new(), read_pins);
    let expiry =
        exp.or(Expiry::Required, |node| node.word(&[("required", Expiry::Required), ("absent", Expiry::Absent)]));
    let clock_skew = clock_skew.or(DEFAULT_CLOCK_SKEW, |node| node.duration(&CLOCK_SKEW));
    let max_age = if role.needs_max_age {
        max_age.required(|node| node.duration(&AGE)).map(Some)
    } else {
        max_age.optional(|node| node.duration(&AGE))
    };
    let max_lifetime = max_lifetime.optional(|node| node.duration(&AGE));
    let facts = facts.or(Vec::new(), |node| facts::read(node, role.reserved_facts));

    if expiry == Some(Expiry::Absent) {
        if !max_age_is_written && !role.needs_max_age {
            node.error::<()>(
                ConfigCode::MissingField,
                "with `exp: absent` nothing bounds the life of a token",
                "add `max_age`: the longest time since `iat`, such as `15m`",
            );
        }
        if max_lifetime_is_written {
            node.error::<()>(
                ConfigCode::Contradiction,
                "`max_lifetime` ends at `exp`, and `exp: absent` says that there is none",
                "remove `max_lifetime`; `max_age` bounds the token's life",
            );
        }
    }

    if let (Some(IssuerId::Template(template)), Some(pins), Some(facts)) = (&issuer, &pins, &facts) {
        issuer::bound(node, template, pins, facts);
    }

    let mut needed: Vec<&str> = Vec::new();
    match &issuer {
        Some(IssuerId::Exactly(_)) => needed.push("iss"),
        Some(IssuerId::Template(template)) => {
            needed.push("iss");
            needed.extend(template.claim.0.first().map(String::as_str));
        }
        Some(IssuerId::Absent) | None => {}
    }
    needed.extend(matches!(audiences, Some(Audiences::OneOf(_))).then_some("aud"));
    needed.extend((expiry == Some(Expiry::Required)).then_some("exp"));
    needed.extend((max_age_is_written || max_lifetime_is_written).then_some("iat"));
    needed.extend(pins.iter().flatten().map(|pin| pin.claim.as_str()));
    needed.extend(facts.iter().flatten().filter(|fact: &&FactField| fact.required).map(|fact| fact.name.as_str()));
    needed.extend(role.reads.iter().filter_map(|path| path.0.first()).map(String::as_str));
    let forbid_claims = forbid_claims.or(Vec::new(), |node| {
        Node::distinct(node.elements()?, |element| {
            let claim = element.some_text()?;
            if needed.contains(&claim) {
                return element.error(
                    ConfigCode::Contradiction,
                    format!("{} is forbidden here and needed elsewhere in this profile", quoted(claim)),
                    "remove it from `forbid_claims`, or remove what needs it",
                );
            }
            Some(claim.to_owned())
        })
    });

    let keys = keys?;
    let algorithms = algorithms?.map_or_else(|| default_algorithms(&keys), Algorithms::Listed);
    let profile = TokenProfile {
        name: name?,
        issuer: issuer?,
        audiences: audiences?,
        expiry: expiry?,
        algorithms,
        typ: typ?,
        pins: pins?,
        forbid_claims: forbid_claims?,
        clock_skew: clock_skew?,
        max_age: max_age?,
        max_lifetime: max_lifetime?,
        facts: facts?,
    };
    Some((profile, keys))
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

/// `forward`
pub(super) fn forward(member: Member<'_>, default: EvidenceForwarding) -> Option<EvidenceForwarding> {
    member.or(default, |node| {
        node.word(&[("verified", EvidenceForwarding::Verified), ("never", EvidenceForwarding::Never)])
    })
}

fn read_audiences(node: &Node<'_>) -> Option<Audiences> {
    if node.value().as_str() == Some("absent") {
        return Some(Audiences::Absent);
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
        audience => Some(audience.to_owned()),
    });
    audiences.map(Audiences::OneOf)
}

fn read_algorithms(node: &Node<'_>) -> Option<Vec<Algorithm>> {
    Node::distinct(node.some_elements()?, |element| {
        let name = element.some_text()?;
        if let Some(algorithm) = Algorithm::from_name(name) {
            return Some(algorithm);
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

fn read_typ(node: &Node<'_>) -> Option<Typ> {
    // Compared as tokens are: lower case, without `application/` (RFC 7515 section 4.1.9).
    let values = Node::distinct(node.some_elements()?, |element| {
        let text = element.some_text()?.to_ascii_lowercase();
        let value = text.strip_prefix("application/").unwrap_or(&text);
        if !value.split('/').all(is_token) {
            return element.error(ConfigCode::BadValue, "this is not a media type", node.write_wanted());
        }
        Some(value.to_owned())
    })?;
    let (absent, values): (Vec<String>, Vec<String>) = values.into_iter().partition(|value| value == "absent");
    Some(Typ { values, absent: !absent.is_empty() })
}

fn read_pins(node: &Node<'_>) -> Option<Vec<Pin>> {
    let mut pins = Vec::new();
    let mut whole = true;
    for (claim, value) in node.entries(node.wanted())? {
        match read_pin(&value, claim) {
            Some(values) => pins.push(Pin { claim: claim.to_owned(), values }),
            None => whole = false,
        }
    }
    pins.sort_by(|a, b| a.claim.cmp(&b.claim));
    whole.then_some(pins)
}

fn read_pin(node: &Node<'_>, claim: &str) -> Option<Vec<Value>> {
    if let Some((_, member)) = JUDGED_CLAIMS.iter().find(|(judged, _)| *judged == claim) {
        return node.error(
            ConfigCode::ReservedName,
            format!("`{claim}` cannot be pinned"),
            format!("the member `{member}` says what `{claim}` must be"),
        );
    }
    match node.value() {
        Value::Array(_) => Node::distinct(node.some_elements()?, |element| {
            read_pinned(element).or_else(|| element.wrong_type("a string, a boolean or a whole number"))
        }),
        _ => read_pinned(node)
            .map(|value| vec![value])
            .or_else(|| node.wrong_type("a string, a boolean or a whole number, or a list of those")),
    }
}

/// One value that a claim can be compared with; says nothing where there is none.
fn read_pinned(node: &Node<'_>) -> Option<Value> {
    let comparable = match node.value() {
        Value::String(_) | Value::Bool(_) => true,
        Value::Number(number) => number.is_i64() || number.is_u64(),
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    };
    comparable.then(|| node.value().clone())
}
