//! Issuers whose `iss` varies by one claim: a provider for many tenants writes the tenant into `iss` and into another claim.
//!
//! `iss` is accepted only if it is exactly the template with the token's own tenant in it. A tenant is one path segment of
//! characters that URLs neither escape nor normalize, so it can neither extend into the rest of the template nor have two
//! spellings. The template does not restrict which tenants are accepted: a pin or the policies must do that.

use crate::fetch::HttpUrl;
use crate::jose::{ClaimPath, Claims, wrong_type};
use crate::limits::MAX_TENANT_BYTES;
use crate::refusal::{Detail, Reason, Refusal};

/// What `iss` must be (RFC 7519 section 4.1.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IssuerId {
    /// Exactly this string.
    Exactly(String),
    /// This template with the token's own tenant in it.
    Template(IssuerTemplate),
    /// Absent, as in a SPIFFE JWT-SVID.
    Absent,
}

/// An `https` URL in which one whole path segment is the tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerTemplate {
    /// The template as it was written. The `issuer` of the provider's metadata must be equal to it.
    written: String,
    /// The part before the placeholder, including the `/` at its end.
    before: String,
    /// The part after the placeholder: empty, or beginning with a `/`.
    behind: String,
    /// The claim that names the token's tenant.
    pub claim: ClaimPath,
}

/// Why a string is not a valid template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateFault {
    /// Not exactly one `{name}`.
    #[error("it does not have exactly one placeholder in braces")]
    OneHole,
    /// The name contains other characters than letters, digits, `_` and `-`.
    #[error("the name in braces has other characters than letters, digits, `_` and `-`")]
    HoleName,
    /// The placeholder is not a whole segment of the path.
    #[error("the placeholder is not a whole segment of the path")]
    NotASegment,
    /// Not an `https` URL, or one with a query.
    #[error("it is not an https:// URL without a query")]
    NotHttps,
}

impl IssuerTemplate {
    /// Reads a template whose tenant is named by this claim. The name of the placeholder has no meaning here; the provider
    /// chose it.
    ///
    /// # Errors
    /// See [`TemplateFault`].
    pub fn parse(text: &str, claim: ClaimPath) -> Result<Self, TemplateFault> {
        let braces = text.bytes().filter(|byte| matches!(byte, b'{' | b'}')).count();
        let (before, rest) = text.split_once('{').ok_or(TemplateFault::OneHole)?;
        let (name, behind) = rest.split_once('}').filter(|_| braces == 2).ok_or(TemplateFault::OneHole)?;
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')) {
            return Err(TemplateFault::HoleName);
        }
        let path = before.strip_prefix("https://").ok_or(TemplateFault::NotHttps)?;
        if text.contains('?') || HttpUrl::parse(&format!("{before}x{behind}")).is_err() {
            return Err(TemplateFault::NotHttps);
        }
        let host_ends = path.find('/').is_some_and(|end| end > 0);
        if !host_ends || !before.ends_with('/') || !(behind.is_empty() || behind.starts_with('/')) {
            return Err(TemplateFault::NotASegment);
        }
        Ok(Self { written: text.to_owned(), before: before.to_owned(), behind: behind.to_owned(), claim })
    }

    /// The template as it was written.
    #[must_use]
    pub fn as_written(&self) -> &str {
        &self.written
    }

    /// Whether the string can be the tenant of a token.
    #[must_use]
    pub fn is_tenant(text: &str) -> bool {
        let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'~' | b'-');
        (1..=MAX_TENANT_BYTES).contains(&text.len()) && text.bytes().all(is_safe) && !matches!(text, "." | "..")
    }

    /// The tenant in an `iss`, if the rest of the `iss` is equal to the template.
    fn tenant_of<'i>(&self, issuer: &'i str) -> Option<&'i str> {
        let tenant = issuer.strip_prefix(self.before.as_str())?.strip_suffix(self.behind.as_str())?;
        Self::is_tenant(tenant).then_some(tenant)
    }

    /// The token's own tenant.
    fn own_tenant<'c>(&self, claims: &'c Claims) -> Result<&'c str, Refusal> {
        match claims.at(&self.claim)? {
            None => Err(Refusal::with(Reason::TokenClaimMissing, Detail::Claim(self.claim.to_string()))),
            Some(value) => value.as_str().ok_or_else(|| wrong_type(&self.claim, value, "a string")),
        }
    }

    /// Whether one `iss` can match both templates. They are compared segment by segment: a tenant never contains a `/`, so a
    /// placeholder is exactly one segment, and the segment of the other template in its place must be a possible tenant.
    fn meets(&self, other: &Self) -> bool {
        fn segments(template: &IssuerTemplate) -> Vec<Option<&str>> {
            let mut segments: Vec<Option<&str>> = template.before.split('/').map(Some).collect();
            segments.pop();
            segments.push(None);
            segments.extend(template.behind.split('/').skip(1).map(Some));
            segments
        }
        let (own, others) = (segments(self), segments(other));
        own.len() == others.len()
            && own.iter().zip(&others).all(|pair| match pair {
                (Some(one), Some(other)) => one == other,
                (Some(fixed), None) | (None, Some(fixed)) => Self::is_tenant(fixed),
                (None, None) => true,
            })
    }
}

impl IssuerId {
    /// Whether a token with this `iss` may come from this issuer, judging by `iss` alone.
    pub(super) fn can_be(&self, issuer: Option<&str>) -> bool {
        match self {
            Self::Exactly(wanted) => issuer == Some(wanted),
            Self::Template(template) => issuer.is_some_and(|issuer| template.tenant_of(issuer).is_some()),
            Self::Absent => issuer.is_none(),
        }
    }

    /// Compares the `iss` of a token with this issuer.
    ///
    /// # Errors
    /// `token-issuer`; for a template also `token-claim-missing` and `token-claim-type` of the tenant's claim.
    pub(super) fn judge(&self, claims: &Claims) -> Result<(), Refusal> {
        let issuer = claims.string("iss")?;
        let Self::Template(template) = self else {
            return if self.can_be(issuer) { Ok(()) } else { Err(Refusal::new(Reason::TokenIssuer)) };
        };
        let Some(tenant) = issuer.and_then(|issuer| template.tenant_of(issuer)) else {
            return Err(Refusal::new(Reason::TokenIssuer));
        };
        if template.own_tenant(claims)? == tenant {
            Ok(())
        } else {
            Err(Refusal::with(Reason::TokenIssuer, Detail::Claim(template.claim.to_string())))
        }
    }

    /// Whether some `iss` is accepted by both, or both accept tokens without `iss`.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Template(one), Self::Template(other)) => one.meets(other),
            (Self::Template(template), Self::Exactly(issuer)) | (Self::Exactly(issuer), Self::Template(template)) => {
                template.tenant_of(issuer).is_some()
            }
            (Self::Exactly(one), Self::Exactly(other)) => one == other,
            (Self::Absent, Self::Absent) => true,
            (Self::Absent, Self::Exactly(_) | Self::Template(_))
            | (Self::Exactly(_) | Self::Template(_), Self::Absent) => false,
        }
    }
}

#[cfg(test)]
mod tests;
