//! Facts: the claims that policies may read, with the types that the configuration declares for them.
//!
//! It serves step 4. Claims come here authentic and judged; what is not declared never reaches a policy, and what is
//! declared is never converted unless its declaration says how: `"900"` and `900.0` are no `long`, `1` is no `bool`, `null`
//! is nothing's value. A text fact may hold any characters, control characters among them: a policy compares it, and nobody
//! takes it for a name.

mod elsewhere;
mod written;

use core::fmt;
use core::net::IpAddr;
use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::jose::{ClaimSet, wrong_type};
use crate::limits::MAX_LIST_ELEMENTS;
use crate::refusal::{Detail, Reason, Refusal};

pub use elsewhere::refuse_if_kept;

/// The type of a fact, as the configuration writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FactType {
    /// `string`
    String,
    /// `long`: a whole number that fits 64 bits.
    Long,
    /// `bool`
    Bool,
    /// `ip`: text that is one IPv4 or IPv6 address or range; Cedar's `ipaddr`. Refused are a zone, an IPv4-mapped IPv6
    /// address (Cedar never finds it in the IPv4 range that it means), and whatever Cedar's `ip()` does not take.
    Ip,
    /// `[T]`: a list without order; Cedar's set. At most [`MAX_LIST_ELEMENTS`].
    List(Box<FactType>),
    /// `{ type: [T], single: true }`: the same, and an element without a list around it is the list of that one. It is never
    /// split. An element is one value, neither a list nor a record.
    ListOrSingle(Box<FactType>),
    /// `{ type: bool, text: true }`: the same as `bool`, and the strings `true` and `false`, in no other spelling.
    BoolOrText,
    /// `{ type: long, text: true }`: the same as `long`, and a string that is exactly the number in decimal digits: no `+`, no
    /// zeros in front, no `-0`.
    LongOrText,
    /// `scopes`: the words of one string, separated by spaces (RFC 8693 section 4.2, RFC 9068 section 2.2.3), or a list of such
    /// words; Cedar's set of strings. At most [`MAX_LIST_ELEMENTS`] words, each a `scope-token` of RFC 6749 section 3.3. Without
    /// the claim it is the empty set: a token that says nothing of scopes has none.
    Scopes,
    /// `{ name: T, "name?": T }`
    Record(Vec<FactField>),
}

/// One declared fact. Its name is the claim's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactField {
    /// The claim's name, without the `?`.
    pub name: String,
    /// Whether it is there for certain, because a token without it is refused: written without `?`. Always so for
    /// [`FactType::Scopes`], which an absent claim makes the empty set.
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
    /// See [`FactType::Record`].
    Record(FactRecord),
}

/// Verified values by name; optional ones that were absent are not in it.
pub type FactRecord = BTreeMap<String, FactValue>;

impl FactField {
    /// Reads the declared facts out of a verified claim set.
    ///
    /// # Errors
    /// [`Reason::TokenClaimMissing`](crate::refusal::Reason) where a required one is absent (JSON `null` is absent for
    /// neither: it is a wrong type), [`Reason::TokenClaimType`](crate::refusal::Reason) where a value is not of its declared type or over a cap,
    /// [`Reason::TokenGroupOverage`](crate::refusal::Reason) where the token says that a claim of scopes is kept elsewhere.
    pub fn read_all(fields: &[Self], claims: &ClaimSet) -> Result<FactRecord, Refusal> {
        // Such a claim is left out of the token, and its absence would be taken for the empty set.
        for field in fields.iter().filter(|field| field.fact_type.has_scopes()) {
            elsewhere::refuse_if_kept([field.name.as_str()], claims)?;
        }
        read_record(fields, |name| claims.get(name), &Place::Top)
    }
}

impl FactType {
    /// Whether it is, or has a member that is, [`FactType::Scopes`].
    fn has_scopes(&self) -> bool {
        match self {
            Self::Scopes => true,
            Self::Record(fields) => fields.iter().any(|field| field.fact_type.has_scopes()),
            _ => false,
        }
    }
}

/// As a refusal tells an operator what is wanted.
impl fmt::Display for FactType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::String => f.write_str("string"),
            Self::Long => f.write_str("long"),
            Self::Bool => f.write_str("bool"),
            Self::Ip => f.write_str("ip"),
            Self::List(of) => write!(f, "[{of}]"),
            Self::ListOrSingle(of) => write!(f, "[{of}] or a single {of}"),
            Self::BoolOrText => f.write_str("bool, also as text"),
            Self::LongOrText => f.write_str("long, also as text"),
            Self::Scopes => f.write_str("scopes"),
            Self::Record(_) => f.write_str("an object"),
        }
    }
}

/// Where a fact stands, for the refusal: names that the configuration declares, and nothing of the token.
enum Place<'p> {
    Top,
    Member { of: &'p Place<'p>, name: &'p str },
    Element { of: &'p Place<'p> },
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Top => Ok(()),
            Self::Member { of: Self::Top, name } => f.write_str(name),
            Self::Member { of, name } => write!(f, "{of} > {name}"),
            Self::Element { of } => write!(f, "{of}[]"),
        }
    }
}

fn read_record<'v>(
    fields: &[FactField],
    value_of: impl Fn(&str) -> Option<&'v Value>,
    place: &Place<'_>,
) -> Result<FactRecord, Refusal> {
    let mut record = FactRecord::new();
    for FactField { name, required, fact_type } in fields {
        let place = Place::Member { of: place, name };
        match value_of(name) {
            Some(value) => {
                record.insert(name.clone(), read(fact_type, value, &place)?);
            }
            None if *fact_type == FactType::Scopes => {
                record.insert(name.clone(), FactValue::List(Vec::new()));
            }
            None if *required => {
                return Err(Refusal::with(Reason::TokenClaimMissing, Detail::Claim(place.to_string())));
            }
            None => {}
        }
    }
    Ok(record)
}

fn read(fact_type: &FactType, value: &Value, place: &Place<'_>) -> Result<FactValue, Refusal> {
    let fact = match (fact_type, value) {
        (FactType::String, Value::String(text)) => Some(FactValue::String(text.clone())),
        (FactType::Long, Value::Number(number)) => number.as_i64().map(FactValue::Long),
        (FactType::Bool, Value::Bool(truth)) => Some(FactValue::Bool(*truth)),
        (FactType::Ip, Value::String(text)) if is_ip(text) => Some(FactValue::Ip(text.clone())),
        (FactType::BoolOrText, value) => written::boolean(value).map(FactValue::Bool),
        (FactType::LongOrText, value) => written::long(value).map(FactValue::Long),
        (FactType::List(of) | FactType::ListOrSingle(of), Value::Array(elements))
            if elements.len() <= MAX_LIST_ELEMENTS =>
        {
            let place = Place::Element { of: place };
            let elements: Result<_, _> = elements.iter().map(|element| read(of, element, &place)).collect();
            Some(FactValue::List(elements?))
        }
        (FactType::ListOrSingle(of), single) if !single.is_array() => match read(of, single, place) {
            Ok(element) => Some(FactValue::List(vec![element])),
            Err(_) => None,
        },
        (FactType::Scopes, value) => Some(FactValue::List(written::scopes(value, place)?)),
        (FactType::Record(fields), Value::Object(members)) => {
            let members: &Map<String, Value> = members;
            Some(FactValue::Record(read_record(fields, |name| members.get(name), place)?))
        }
        _ => None,
    };
    fact.ok_or_else(|| wrong_type(place, value, fact_type))
}

/// Whether Cedar's `ip()` takes the text and it has one meaning.
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
