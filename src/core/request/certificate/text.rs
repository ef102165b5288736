//! The text of names in certificates, and the attributes of subjects that are read.

/// An attribute of a certificate's subject that can be a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubjectAttribute {
    /// `C`
    Country,
    /// `CN`
    CommonName,
    /// `L`
    Locality,
    /// `O`
    Organization,
    /// `OU`
    OrganizationalUnit,
    /// `ST`
    State,
    /// `UID`
    UserId,
    /// `emailAddress`
    EmailAddress,
    /// `serialNumber`
    SerialNumber,
}

impl SubjectAttribute {
    /// Each with its name in text (RFC 4519, RFC 2985) and its object identifier in DER.
    const ALL: [(Self, &'static str, &'static [u8]); 9] = [
        (Self::Country, "C", &[0x55, 0x04, 0x06]),
        (Self::CommonName, "CN", &[0x55, 0x04, 0x03]),
        (Self::Locality, "L", &[0x55, 0x04, 0x07]),
        (Self::Organization, "O", &[0x55, 0x04, 0x0a]),
        (Self::OrganizationalUnit, "OU", &[0x55, 0x04, 0x0b]),
        (Self::State, "ST", &[0x55, 0x04, 0x08]),
        (Self::UserId, "UID", &[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x01]),
        (Self::EmailAddress, "emailAddress", &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01]),
        (Self::SerialNumber, "serialNumber", &[0x55, 0x04, 0x05]),
    ];

    /// All of them by name.
    pub fn names() -> impl Iterator<Item = (&'static str, Self)> {
        Self::ALL.iter().map(|(attribute, name, _)| (*name, *attribute))
    }

    /// Its name, as the configuration and Envoy write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(attribute, ..)| *attribute == self).map_or("", |(_, name, _)| name)
    }

    pub(super) fn of_name(text: &[u8]) -> Option<Self> {
        Self::ALL.iter().find(|(_, name, _)| name.as_bytes() == text).map(|(attribute, ..)| *attribute)
    }

    pub(super) fn of_identifier(bytes: &[u8]) -> Option<Self> {
        Self::ALL.iter().find(|(.., identifier)| *identifier == bytes).map(|(attribute, ..)| *attribute)
    }
}

/// A name's text; `None` if it is not plain text.
pub(super) type Text = Option<Box<str>>;

/// Text in UTF-8 without control characters: certificates with a NUL in a name have deceived comparisons before.
pub(super) fn plain(bytes: &[u8]) -> Text {
    let text = core::str::from_utf8(bytes).ok()?;
    (!text.is_empty() && !text.chars().any(char::is_control)).then(|| text.into())
}

/// Printable ASCII without spaces (RFC 3986 section 2).
pub(super) fn graphic(bytes: &[u8]) -> Text {
    if bytes.iter().all(u8::is_ascii_graphic) { plain(bytes) } else { None }
}

/// A host name (RFC 5280 section 4.2.1.6), in lower case because its case has no meaning. A name with `*` names no device.
pub(super) fn host_name(bytes: &[u8]) -> Text {
    let is_of_host = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    if bytes.iter().all(is_of_host) { plain(&bytes.to_ascii_lowercase()) } else { None }
}
