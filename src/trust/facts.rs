//! Facts: the claims that policies may read, with the types that the configuration declares for them.
//!
//! It serves step 4. Claims come here authentic and judged; what is not declared never reaches a policy, and what is
//! declared is never converted: `"900"` and `900.0` are no `long`, `1` is no `bool`, `null` is nothing's value. A text fact
//! may hold any characters, control characters among them: a policy compares it, and nobody takes it for a name.

use core::net::IpAddr;
use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::jose::ClaimSet;
use crate::limits::MAX_LIST_ELEMENTS;
use crate::refusal::{Detail, Reason, Refusal};

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
    /// `{ name: T, "name?": T }`
    Record(Vec<FactField>),
}

/// One declared fact. Its name is the claim's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactField {
    /// The claim's name, without the `?`.
    pub name: String,
    /// Whether a token without it is refused: written without `?`.
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
    /// See [`FactType::List`].
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
    /// neither: it is a wrong type), [`Reason::TokenClaimType`](crate::refusal::Reason) where a value is not of its declared type or over a cap.
    pub fn read_all(fields: &[Self], claims: &ClaimSet) -> Result<FactRecord, Refusal> {
        read_record(fields, |name| claims.get(name), &Place::Top)
    }
}

/// Where a fact stands, for the refusal: names that the configuration declares, and nothing of the token.
enum Place<'p> {
    Top,
    Member { of: &'p Place<'p>, name: &'p str },
}

impl Place<'_> {
    fn path(&self) -> String {
        match self {
            Self::Top => String::new(),
            Self::Member { of: Self::Top, name } => (*name).to_owned(),
            Self::Member { of, name } => format!("{} > {name}", of.path()),
        }
    }

    fn refused(&self, reason: Reason) -> Refusal {
        Refusal::with(reason, Detail::Claim(self.path()))
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
            None if *required => return Err(place.refused(Reason::TokenClaimMissing)),
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
        (FactType::List(of), Value::Array(elements)) if elements.len() <= MAX_LIST_ELEMENTS => {
            let elements: Result<_, _> = elements.iter().map(|element| read(of, element, place)).collect();
            Some(FactValue::List(elements?))
        }
        (FactType::Record(fields), Value::Object(members)) => {
            let members: &Map<String, Value> = members;
            Some(FactValue::Record(read_record(fields, |name| members.get(name), place)?))
        }
        _ => None,
    };
    fact.ok_or_else(|| place.refused(Reason::TokenClaimType))
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
