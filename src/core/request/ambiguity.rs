//! Spellings in a path that servers read in different ways. An operator can know which way their own server reads them.

/// A spelling that is rejected unless the route accepts it, and then only inside a parameter or a tail.
///
/// Another reader of the same bytes may split the path at an escaped slash, decode an escaped percent sign twice, or
/// cut a segment at a semicolon. It would then serve another path than the one that was decided on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ambiguity {
    /// `%2F`: one name that holds a slash, as in `/projects/group%2Fapp`.
    Slash,
    /// `%25`: a name that holds a percent sign.
    Percent,
    /// An escape of a letter, a digit, `-`, `.`, `_` or `~`, which needs none (RFC 3986 section 2.3).
    Unreserved,
    /// `;`, or `%3B`: parameters of a segment (RFC 3986 section 3.3), as in `/map;level=2`.
    Semicolon,
}

impl Ambiguity {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Slash, Self::Percent, Self::Unreserved, Self::Semicolon];

    /// The name that the configuration gives it, in `encoded` of a route.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Slash => "slash",
            Self::Percent => "percent",
            Self::Unreserved => "unreserved",
            Self::Semicolon => "semicolon",
        }
    }

    /// The description in a refusal.
    #[must_use]
    pub const fn fault(self) -> &'static str {
        match self {
            Self::Slash => "an escaped slash, which the route does not accept there",
            Self::Percent => "an escaped percent sign, which the route does not accept there",
            Self::Unreserved => "an escape of a character that needs none, which the route does not accept there",
            Self::Semicolon => "a semicolon, which the route does not accept there",
        }
    }

    /// What the upstream of a route that accepts it must do, for the operator.
    #[must_use]
    pub const fn duty_of_the_upstream(self) -> &'static str {
        match self {
            Self::Slash => "the upstream must split the path before it decodes `%2F`",
            Self::Percent => "the upstream must decode the path once and not again",
            Self::Unreserved => {
                "the upstream, and any cache before it, must treat an escaped letter, digit, `-`, `.`, `_` or `~` like \
                 the character itself"
            }
            Self::Semicolon => {
                "the upstream must not cut a segment at `;`, or policies must not compare the parameter: they see it \
                 with what follows the `;`"
            }
        }
    }

    /// The ambiguity of an escape of this byte; `None` if every server reads it the same way.
    pub(super) const fn of_escaped(byte: u8) -> Option<Self> {
        match byte {
            b'/' => Some(Self::Slash),
            b'%' => Some(Self::Percent),
            b';' => Some(Self::Semicolon),
            b'-' | b'.' | b'_' | b'~' => Some(Self::Unreserved),
            _ if byte.is_ascii_alphanumeric() => Some(Self::Unreserved),
            _ => None,
        }
    }
}
