//! Methods that are served, and the Cedar action that each becomes.

/// A request method.
///
/// | method | action | in |
/// |---|---|---|
/// | `GET`, `HEAD`, `OPTIONS` | `Action::"GET"`, ... | `Action::"read"` |
/// | `POST`, `PUT`, `PATCH`, `DELETE` | `Action::"POST"`, ... | `Action::"write"` |
/// | any with an `Upgrade` header | `Action::"upgrade"` | neither |
/// | `OPTIONS` that is a CORS preflight | `Action::"preflight"` | neither |
/// | `CONNECT`, `TRACE`, any other, lower case | refused, `method-unsupported` | |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Method {
    /// `GET`
    Get,
    /// `HEAD`
    Head,
    /// `OPTIONS`
    Options,
    /// `POST`
    Post,
    /// `PUT`
    Put,
    /// `PATCH`
    Patch,
    /// `DELETE`
    Delete,
}

impl Method {
    /// All of them.
    pub const ALL: &'static [Self] =
        &[Self::Get, Self::Head, Self::Options, Self::Post, Self::Put, Self::Patch, Self::Delete];

    /// The method of exactly this name.
    #[must_use]
    pub fn from_name(name: &[u8]) -> Option<Self> {
        Self::ALL.iter().copied().find(|method| method.name().as_bytes() == name)
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Options => "OPTIONS",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// The Cedar action of a request: `Action::"<name>"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// By the method.
    Method(Method),
    /// `Action::"read"` itself, where the route says so.
    Read,
    /// `Action::"write"` itself, where the route says so.
    Write,
    /// `Action::"upgrade"`
    Upgrade,
    /// `Action::"preflight"`
    Preflight,
}

impl Action {
    /// The id of the action entity.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Method(method) => method.name(),
            Self::Read => "read",
            Self::Write => "write",
            Self::Upgrade => "upgrade",
            Self::Preflight => "preflight",
        }
    }

    /// The group it is in, if any; `read` and `write` are the groups themselves.
    #[must_use]
    pub const fn group(self) -> Option<&'static str> {
        match self {
            Self::Method(Method::Get | Method::Head | Method::Options) => Some("read"),
            Self::Method(Method::Post | Method::Put | Method::Patch | Method::Delete) => Some("write"),
            Self::Read | Self::Write | Self::Upgrade | Self::Preflight => None,
        }
    }

    /// Every action there is.
    pub fn all() -> impl Iterator<Item = Self> {
        Method::ALL.iter().copied().map(Self::Method).chain([Self::Read, Self::Write, Self::Upgrade, Self::Preflight])
    }
}
