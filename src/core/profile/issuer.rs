//! Issuers that vary by one claim: a provider for many tenants writes the tenant into `iss`, and says it in a claim too.
//!
//! `iss` is believed only if it is exactly the template with the token's own tenant in it. A tenant is one path segment of
//! characters that no URL escapes or normalizes, so it can neither reach into the rest of the template nor be spelled in two
//! ways. The template says nothing of which tenants may come: a pin or the policies do.

use core::fmt;

use super::IssuerId;
use crate::fetch::KeyUrl;
use crate::jose::{ClaimPath, ClaimSet, wrong_type};
use crate::limits::MAX_TENANT_BYTES;
use crate::refusal::{Detail, Reason, Refusal};

/// An `https` URL in which one whole path segment is the tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerTemplate {
    /// As it was written, which is what the `issuer` of the provider's metadata must be.
    written: String,
    /// Before the hole, with the `/` that ends it.
    before: String,
    /// Behind the hole: nothing, or what begins with a `/`.
    behind: String,
    /// Where the token says its tenant.
    pub claim: ClaimPath,
}

/// Why a text is no template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemplateFault {
    /// Not exactly one `{name}`.
    OneHole,
    /// The name in the hole is not of letters, digits, `_` and `-`.
    HoleName,
    /// The hole is not a whole segment of the path.
    NotASegment,
    /// Not an `https` URL, or one with a query.
    NotHttps,
}

impl fmt::Display for TemplateFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OneHole => "it does not have exactly one hole in braces",
            Self::HoleName => "the name in braces is not of letters, digits, `_` and `-`",
            Self::NotASegment => "the hole is not a whole segment of the path",
            Self::NotHttps => "it is not an https:// URL without query",
        })
    }
}

impl IssuerTemplate {
    /// Reads a template whose tenant stands in this claim. The name in the hole means nothing: it is the provider's.
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
        if text.contains('?') || KeyUrl::parse(&format!("{before}x{behind}")).is_err() {
            return Err(TemplateFault::NotHttps);
        }
        let host_ends = path.find('/').is_some_and(|end| end > 0);
        if !host_ends || !before.ends_with('/') || !(behind.is_empty() || behind.starts_with('/')) {
            return Err(TemplateFault::NotASegment);
        }
        Ok(Self { written: text.to_owned(), before: before.to_owned(), behind: behind.to_owned(), claim })
    }

    /// As it was written.
    #[must_use]
    pub fn as_written(&self) -> &str {
        &self.written
    }

    /// Whether the text can be the tenant of a token.
    #[must_use]
    pub fn is_tenant(text: &str) -> bool {
        let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'~' | b'-');
        (1..=MAX_TENANT_BYTES).contains(&text.len()) && text.bytes().all(is_safe) && !matches!(text, "." | "..")
    }

    /// What stands in an `iss` where the tenant does, if the rest is as the template says.
    fn tenant_of<'i>(&self, issuer: &'i str) -> Option<&'i str> {
        let tenant = issuer.strip_prefix(self.before.as_str())?.strip_suffix(self.behind.as_str())?;
        Self::is_tenant(tenant).then_some(tenant)
    }

    /// The token's own tenant.
    fn own_tenant<'c>(&self, claims: &'c ClaimSet) -> Result<&'c str, Refusal> {
        match claims.at(&self.claim)? {
            None => Err(Refusal::with(Reason::TokenClaimMissing, Detail::Claim(self.claim.to_string()))),
            Some(value) => value.as_str().ok_or_else(|| wrong_type(&self.claim, value, "a string")),
        }
    }

    /// Whether an `iss` fits both. Segment by segment: a tenant never holds a `/`, so the holes of two templates are each
    /// one segment, and what stands in the other's place must be one that a tenant can be.
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
    /// Whether a token with this `iss` can be one of this issuer, as far as `iss` alone tells.
    pub(super) fn can_be(&self, issuer: Option<&str>) -> bool {
        match self {
            Self::Exactly(wanted) => issuer == Some(wanted),
            Self::Template(template) => issuer.is_some_and(|issuer| template.tenant_of(issuer).is_some()),
            Self::Absent => issuer.is_none(),
        }
    }

    /// Holds `iss` of a token against the profile's.
    ///
    /// # Errors
    /// `token-issuer`; for a template also `token-claim-missing` and `token-claim-type` of the tenant's claim.
    pub(super) fn judge(&self, claims: &ClaimSet) -> Result<(), Refusal> {
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

    /// Whether there is an `iss` that both take, or both take tokens without one.
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
