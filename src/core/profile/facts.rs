//! Facts: the claims that policies may read, with the types that the configuration declares for them.
//!
//! The claims that come here are authentic, and the token has been accepted. A claim that is not declared never reaches a
//! policy. A declared claim is never converted, unless its declaration or a standard says how: `"900"` and `900.0` are not valid for `long`,
//! `1` is not valid for `bool`, and `null` is not valid for any type. A string fact may contain any characters, including
//! control characters: policies only compare it, and it is never used as a name.

mod actor;
mod elsewhere;
mod numeric_date;
mod version;
mod written;

use core::fmt;
use core::net::IpAddr;
use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::jose::{ClaimPath, Claims, Rounding, whole_seconds, wrong_type};
use crate::limits::MAX_LIST_ELEMENTS;
use crate::refusal::{Detail, Reason, Refusal};

pub use actor::ACTOR_CLAIM;
pub use elsewhere::refuse_if_kept;
pub(super) use version::parts as version_parts;

/// The type of a fact, as the configuration writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FactType {
    /// `string`
    String,
    /// `long`: a whole number that fits 64 bits.
    Long,
    /// `long`, where a standard registers the claim as a `NumericDate`: a number of seconds that may have a fraction. It is
    /// rounded to the stricter side, see [`FactField::as_registered`].
    NumericDate(Rounding),
    /// `bool`
    Bool,
    /// `ip`: a string that is one IPv4 or IPv6 address or range; Cedar's `ipaddr`. Zones and IPv4-mapped IPv6 addresses are
    /// rejected (Cedar never finds the latter in the IPv4 range that they mean), and so is every other string that Cedar's
    /// `ip()` does not accept.
    Ip,
    /// `[T]`: a list whose order does not matter; Cedar's set. At most [`MAX_LIST_ELEMENTS`].
    List(Box<FactType>),
    /// `{ type: [T], single: true }`: the same, but a single element is also accepted in place of the list. It means the list
    /// with that one element and is never split. An element is neither a list nor a record.
    ListOrSingle(Box<FactType>),
    /// `{ type: bool, text: true }`: `bool`, or exactly one of the strings `true` and `false`.
    BoolOrText,
    /// `{ type: long, text: true }`: `long`, or a string that is exactly the number in decimal digits: without `+`, without
    /// leading zeros, not `-0`.
    LongOrText,
    /// `scopes`: the words of one string, separated by spaces (RFC 8693 section 4.2, RFC 9068 section 2.2.3), or a list of such
    /// words; Cedar's set of strings. At most [`MAX_LIST_ELEMENTS`] words, each a `scope-token` of RFC 6749 section 3.3. If
    /// the claim is absent, the value is the empty set: the token has no scopes.
    Scopes,
    /// `{ name: T, "name?": T }`
    Record(Vec<FactField>),
    /// `actor`: who acts for the token's subject, see [`FactType::actor`]. The fields of one actor.
    Actor(Vec<FactField>),
    /// `version`: a string such as `14.10`, one to four numbers with a dot between them, see [`FactType::version`]. The fields
    /// are the parts.
    Version(Vec<FactField>),
}

/// One declared fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactField {
    /// Its name in policies, without the `?`.
    pub name: String,
    /// The claim that it is read from, as names from the object inwards that the record of facts describes.
    pub claim: ClaimPath,
    /// Whether the fact always has a value: the name is declared without `?`, and a token without the claim is rejected. Always
    /// true for [`FactType::Scopes`], because an absent claim means the empty set.
    pub required: bool,
    /// The declared type.
    pub fact_type: FactType,
}

/// A verified value of a declared type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FactValue {
    /// See [`FactType::String`].
    String(String),
    /// See [`FactType::Long`].
    Long(i64),
    /// See [`FactType::Bool`].
    Bool(bool),
    /// See [`FactType::Ip`]; checked, in the text form that Cedar's `ip()` takes.
    Ip(String),
    /// See [`FactType::List`], [`FactType::ListOrSingle`] and [`FactType::Scopes`].
    List(Vec<FactValue>),
    /// See [`FactType::Record`] and [`FactType::Version`].
    Record(FactRecord),
}

/// Verified values by name. Optional facts whose claims are absent are not contained.
pub type FactRecord = BTreeMap<String, FactValue>;

impl FactField {
    /// Reads the declared facts out of a verified claim set.
    ///
    /// # Errors
    /// `token-claim-missing` if a required fact is absent; `token-claim-type` if a value does not have its declared type or
    /// exceeds a cap (JSON `null` has the wrong type, it does not count as absent); `token-group-overage` if the token says
    /// that a claim of scopes is kept elsewhere.
    pub fn read_all(fields: &[Self], claims: &Claims) -> Result<FactRecord, Refusal> {
        // Such a claim is left out of the token. Its absence must not be taken for the empty set.
        for field in fields.iter().filter(|field| field.fact_type.has_scopes()) {
            elsewhere::refuse_if_kept(field.claim.0.first().map(String::as_str), claims)?;
        }
        read_record(fields, claims.as_object(), &ClaimPosition::Top)
    }

    /// The facts that lead to exactly this claim, from the outermost record inwards. Two facts never have one claim.
    #[must_use]
    pub fn leading_to<'f>(fields: &'f [Self], claim: &[String]) -> Option<Vec<&'f Self>> {
        fields.iter().find_map(|field| {
            let rest = claim.strip_prefix(field.claim.0.as_slice())?;
            if rest.is_empty() {
                return Some(vec![field]);
            }
            let inner = Self::leading_to(field.fact_type.members()?, rest)?;
            Some(core::iter::once(field).chain(inner).collect())
        })
    }
}

impl FactType {
    /// The facts inside, if it is a record.
    #[must_use]
    pub fn members(&self) -> Option<&[FactField]> {
        match self {
            Self::Record(fields) | Self::Actor(fields) | Self::Version(fields) => Some(fields),
            _ => None,
        }
    }

    /// Whether it is, or has a member that is, [`FactType::Scopes`].
    fn has_scopes(&self) -> bool {
        match self {
            Self::Scopes => true,
            other => other.members().is_some_and(|fields| fields.iter().any(|field| field.fact_type.has_scopes())),
        }
    }
}

/// The type as a refusal describes it to an operator.
impl fmt::Display for FactType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::String => f.write_str("string"),
            Self::Long => f.write_str("long"),
            Self::NumericDate(_) => f.write_str("long, a number of seconds"),
            Self::Bool => f.write_str("bool"),
            Self::Ip => f.write_str("ip"),
            Self::List(of) => write!(f, "[{of}]"),
            Self::ListOrSingle(of) => write!(f, "[{of}] or a single {of}"),
            Self::BoolOrText => f.write_str("bool, also as text"),
            Self::LongOrText => f.write_str("long, also as text"),
            Self::Scopes => f.write_str("scopes"),
            Self::Record(_) | Self::Actor(_) => f.write_str("an object"),
            Self::Version(_) => f.write_str("version, one to four numbers with dots, such as `14.10`"),
        }
    }
}

/// The position of a fact, for the refusal. It consists of names that the configuration declares; nothing of it comes from
/// the token.
enum ClaimPosition<'p> {
    Top,
    Member { of: &'p ClaimPosition<'p>, claim: &'p ClaimPath },
    Element { of: &'p ClaimPosition<'p> },
}

impl fmt::Display for ClaimPosition<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Top => Ok(()),
            Self::Member { of: Self::Top, claim } => claim.fmt(f),
            Self::Member { of, claim } => write!(f, "{of} > {claim}"),
            Self::Element { of } => write!(f, "{of}[]"),
        }
    }
}

fn read_record(
    fields: &[FactField],
    object: &Map<String, Value>,
    of: &ClaimPosition<'_>,
) -> Result<FactRecord, Refusal> {
    let mut record = FactRecord::new();
    for FactField { name, claim, required, fact_type } in fields {
        let position = ClaimPosition::Member { of, claim };
        let value = claim.find(object).map_err(|(length, other)| {
            let claim = &ClaimPath(claim.0.iter().take(length).cloned().collect());
            wrong_type(ClaimPosition::Member { of, claim }, other, "an object")
        })?;
        match value {
            Some(value) => {
                record.insert(name.clone(), read(fact_type, value, &position)?);
            }
            None if *fact_type == FactType::Scopes => {
                record.insert(name.clone(), FactValue::List(Vec::new()));
            }
            None if *required => {
                return Err(Refusal::with(Reason::TokenClaimMissing, Detail::Claim(position.to_string())));
            }
            None => {}
        }
    }
    Ok(record)
}

fn read(fact_type: &FactType, value: &Value, position: &ClaimPosition<'_>) -> Result<FactValue, Refusal> {
    let fact = match (fact_type, value) {
        (FactType::String, Value::String(text)) => Some(FactValue::String(text.clone())),
        (FactType::Long, Value::Number(number)) => number.as_i64().map(FactValue::Long),
        (FactType::NumericDate(rounding), Value::Number(_)) => whole_seconds(value, *rounding).map(FactValue::Long),
        (FactType::Bool, Value::Bool(truth)) => Some(FactValue::Bool(*truth)),
        (FactType::Ip, Value::String(text)) if is_ip(text) => Some(FactValue::Ip(text.clone())),
        (FactType::BoolOrText, value) => written::boolean(value).map(FactValue::Bool),
        (FactType::LongOrText, value) => written::long(value).map(FactValue::Long),
        (FactType::List(of) | FactType::ListOrSingle(of), Value::Array(elements))
            if elements.len() <= MAX_LIST_ELEMENTS =>
        {
            let position = ClaimPosition::Element { of: position };
            let elements: Result<_, _> = elements.iter().map(|element| read(of, element, &position)).collect();
            Some(FactValue::List(elements?))
        }
        (FactType::ListOrSingle(of), single) if !single.is_array() => match read(of, single, position) {
            Ok(element) => Some(FactValue::List(vec![element])),
            Err(_) => None,
        },
        (FactType::Scopes, value) => Some(FactValue::List(written::scopes(value, position)?)),
        (FactType::Version(_), Value::String(text)) => version::read(text).map(FactValue::Record),
        (FactType::Actor(fields), Value::Object(members)) => {
            actor::check(fields, members, position)?;
            Some(FactValue::Record(read_record(fields, members, position)?))
        }
        (FactType::Record(fields), Value::Object(members)) => {
            Some(FactValue::Record(read_record(fields, members, position)?))
        }
        _ => None,
    };
    fact.ok_or_else(|| wrong_type(position, value, fact_type))
}

/// Whether Cedar's `ip()` accepts the string, and it has one meaning only.
fn is_ip(text: &str) -> bool {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let bits = match address.parse() {
        Ok(IpAddr::V4(_)) => 32,
        // Cedar does not read the dotted form inside IPv6.
        Ok(IpAddr::V6(address)) if address.to_ipv4_mapped().is_none() && !text.contains('.') => 128,
        _ => return false,
    };
    prefix.is_none_or(|prefix| {
        let canonical = prefix == "0" || (!prefix.starts_with('0') && prefix.bytes().all(|byte| byte.is_ascii_digit()));
        canonical && prefix.parse::<u8>().is_ok_and(|prefix| prefix <= bits)
    })
}

#[cfg(test)]
mod tests;
