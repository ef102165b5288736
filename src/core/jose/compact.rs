//! The compact form of a JWS (RFC 7515 section 7.1): three parts, two dots, nothing else.
//!
//! The bytes come from the client and are not trusted. Only `alg`, `kid` and `typ` of a token's header are used, and the
//! members that its [form](TokenForm) names as claims, which count no more than the payload until a key has verified both. `jku`,
//! `x5u`, `x5c` and `x5t` are never read, and `jwk` only of a [proof](super::UnverifiedProof), so that a token can supply
//! neither a key nor the address of one (RFC 8725 section 3.10).

use core::cell::OnceCell;
use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{Algorithm, Claims, TokenForm, UnverifiedClaims, base64url, json};
use crate::limits::{MAX_JOSE_HEADER_BYTES, MAX_TOKEN_JSON_DEPTH};
use crate::refusal::{Detail, Reason, Refusal};

/// Registered signature algorithms that are not supported (RFC 7518 section 3.1, RFC 8812, RFC 9864).
const UNSUPPORTED: [&str; 7] = ["none", "HS256", "HS384", "HS512", "ES512", "ES256K", "Ed448"];

/// A token as presented: well formed, and not verified. Its claims cannot be read from this type.
#[derive(Clone, PartialEq)]
pub struct UnverifiedToken {
    /// The algorithm that the header names; a supported one.
    pub(crate) algorithm: Algorithm,
    /// `kid`.
    pub(crate) key_id: Option<String>,
    /// `typ` in lower case, without `application/`.
    pub(crate) typ: Option<String>,
    /// The form in which it was read.
    pub(crate) form: TokenForm,
    /// The members of the header that this form names as claims.
    header_claims: Map<String, Value>,
    /// Whether the header has other members than `alg`, `kid` and `typ`.
    pub(super) has_other_members: bool,
    /// The compact form.
    pub(super) text: Vec<u8>,
    /// How many of its bytes are signed.
    signed: usize,
    /// The decoded payload.
    pub(crate) payload: Vec<u8>,
    /// The decoded signature.
    pub(crate) signature: Vec<u8>,
    /// The payload as a claim set, once it was asked for.
    claims: OnceCell<Result<Claims, Refusal>>,
}

impl UnverifiedToken {
    /// Reads the compact form. The payload is decoded and not parsed.
    ///
    /// The header must be one strict JSON object of at most [`MAX_JOSE_HEADER_BYTES`]. A header with `crit` is rejected
    /// because no extension is supported, and one with `b64` because that changes which bytes are signed (RFC 7797). A
    /// header with `enc` is rejected because it marks an encrypted token (RFC 7516). Header and signature must not be
    /// empty: an unsecured JWS has an empty signature (RFC 7515 appendix A.5). An empty payload is legal in a JWS; it
    /// is rejected later because it is not a claim set.
    ///
    /// # Errors
    /// `token-too-large`, `token-malformed`, `token-critical`, `token-algorithm`.
    pub fn parse(text: &[u8], max_bytes: usize) -> Result<Self, Refusal> {
        Self::parse_as(TokenForm::JWT, text, max_bytes)
    }

    /// The same for a token of this form.
    ///
    /// # Errors
    /// Those of [`parse`](Self::parse).
    pub fn parse_as(form: TokenForm, text: &[u8], max_bytes: usize) -> Result<Self, Refusal> {
        Self::parse_with_header(form, text, max_bytes).map(|(token, _)| token)
    }

    /// The same, with the whole header.
    pub(super) fn parse_with_header(
        form: TokenForm,
        text: &[u8],
        max_bytes: usize,
    ) -> Result<(Self, Map<String, Value>), Refusal> {
        at_most(text.len(), max_bytes)?;
        let mut parts = text.split(|&byte| byte == b'.');
        let (Some(header_text), Some(payload_text), Some(signature_text), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(malformed(match text.split(|&byte| byte == b'.').count() {
                1 => "the token is opaque, without dots: only signed JWTs are accepted, three parts separated by dots",
                5 => "the token is encrypted, five parts: only signed JWTs are accepted, three parts separated by dots",
                _ => "the token is not three parts separated by dots",
            }));
        };
        if header_text.is_empty() || signature_text.is_empty() {
            return Err(malformed("the token's header or signature is empty"));
        }
        let header = decode(form, header_text)?;
        let payload = decode(form, payload_text)?;
        let signature = decode(form, signature_text)?;
        at_most(header.len(), MAX_JOSE_HEADER_BYTES)?;
        let Ok(Value::Object(mut header)) = json::parse(&header, MAX_TOKEN_JSON_DEPTH) else {
            return Err(malformed("the token's header is not a strict JSON object"));
        };
        if header.contains_key("enc") {
            return Err(malformed("the token is encrypted"));
        }
        for name in ["crit", "b64"] {
            if header.contains_key(name) {
                return Err(Refusal::with(Reason::TokenCritical, Detail::Claim(name.to_owned())));
            }
        }
        let named = header.get("alg").and_then(Value::as_str);
        let algorithm = named.and_then(Algorithm::from_name).ok_or_else(|| unsupported(named))?;
        let key_id = text_member(&header, "kid", "`kid` of the token is not a string")?.map(str::to_owned);
        let typ = text_member(&header, "typ", "`typ` of the token is not a string")?.map(media_type);
        let has_other_members = header.keys().any(|name| !["alg", "kid", "typ"].contains(&name.as_str()));
        let signed = header_text.len().saturating_add(1).saturating_add(payload_text.len());
        let token = Self {
            algorithm,
            key_id,
            typ,
            form,
            header_claims: form.take_from(&mut header),
            has_other_members,
            text: text.to_vec(),
            signed,
            payload,
            signature,
            claims: OnceCell::new(),
        };
        Ok((token, header))
    }

    /// The signed bytes: header and payload with the dot between.
    pub(crate) fn signing_input(&self) -> &[u8] {
        self.text.get(..self.signed).unwrap_or_default()
    }

    /// What may be known of the token before its signature is verified.
    ///
    /// # Errors
    /// `token-malformed`, `token-claim-type` where `iss` is not a string.
    pub fn peek(&self) -> Result<UnverifiedClaims<'_>, Refusal> {
        UnverifiedClaims::of(Cow::Borrowed(self.claims()?))
    }

    /// The claim set, parsed once.
    ///
    /// # Errors
    /// `token-malformed`
    pub(super) fn claims(&self) -> Result<&Claims, Refusal> {
        self.claims.get_or_init(|| self.parse_claims()).as_ref().map_err(Clone::clone)
    }

    /// The same, taken out.
    pub(super) fn take_claims(&mut self) -> Result<Claims, Refusal> {
        self.claims.take().unwrap_or_else(|| self.parse_claims())
    }

    fn parse_claims(&self) -> Result<Claims, Refusal> {
        Claims::parse(&self.payload).map(|claims| claims.with(self.form, self.header_claims.clone()))
    }
}

fn malformed(what: &'static str) -> Refusal {
    Refusal::with(Reason::TokenMalformed, Detail::Fault(what))
}

/// The refusal of a token with an `alg` that is not supported. Only a registered name is repeated.
fn unsupported(named: Option<&str>) -> Refusal {
    let registered = UNSUPPORTED.iter().find(|name| named == Some(**name)).copied();
    if named.is_some() && registered.is_none() {
        let fault = "`alg` of the token is not a registered signature algorithm";
        return Refusal::with(Reason::TokenAlgorithm, Detail::Fault(fault));
    }
    let supported = Algorithm::ALL.iter().map(|algorithm| algorithm.name());
    Refusal::mismatch(Reason::TokenAlgorithm, "alg", registered, supported)
}

fn at_most(found: usize, max: usize) -> Result<(), Refusal> {
    if found > max { Err(Refusal::with(Reason::TokenTooLarge, Detail::Size { found, max })) } else { Ok(()) }
}

fn decode(form: TokenForm, part: &[u8]) -> Result<Vec<u8>, Refusal> {
    let decoded = if form.padded { base64url::decode_padded(part) } else { base64url::decode(part) };
    let fault = if form.padded {
        "a part of the token is not canonical base64url with padding"
    } else {
        "a part of the token is not canonical base64url"
    };
    decoded.ok_or_else(|| malformed(fault))
}

fn text_member<'h>(
    header: &'h Map<String, Value>,
    name: &str,
    otherwise: &'static str,
) -> Result<Option<&'h str>, Refusal> {
    match header.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(malformed(otherwise)),
    }
}

/// A `typ` in the form that is compared: media types are case-insensitive, and `application/` may be omitted if no
/// other slash follows (RFC 7515 section 4.1.9).
pub(crate) fn media_type(typ: &str) -> String {
    let lower = typ.to_ascii_lowercase();
    match lower.strip_prefix("application/") {
        Some(subtype) if !subtype.contains('/') => subtype.to_owned(),
        _ => lower,
    }
}

#[cfg(test)]
mod tests;
