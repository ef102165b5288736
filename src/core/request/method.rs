//! Supported methods, and the Cedar action of each.

/// A request method that has a Cedar action of its own.
///
/// | method | action | in |
/// |---|---|---|
/// | `GET`, `HEAD`, `OPTIONS` | `Action::"GET"`, ... | `Action::"read"` |
/// | `POST`, `PUT`, `PATCH`, `DELETE` | `Action::"POST"`, ... | `Action::"write"` |
/// | a registered one of another name, see [`RequestMethod`] | the route's `action` | |
/// | any with an `Upgrade` header | `Action::"upgrade"` | neither |
/// | `OPTIONS` that is a CORS preflight | `Action::"preflight"` | neither |
/// | `CONNECT`, `TRACE`, one that is not registered, lower case | refused, `method-unsupported` | |
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

/// A request method that is allowed if a route lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RequestMethod {
    /// One that has a Cedar action of its own.
    Common(Method),
    /// Another method of IANA's registry, by its name. The route says whether it reads or writes.
    Registered(&'static str),
}

/// The names in IANA's HTTP method registry (RFC 9110 section 16.1.1) in addition to [`Method`]: those of WebDAV and
/// its extensions (RFC 3253, 3648, 3744, 4437, 4791, 4918, 5323, 5842) and of RFC 2068. `CONNECT` and `PRI` are not
/// supported because they do not begin an ordinary request, and `TRACE` because it returns the request with its
/// credential.
const REGISTERED: &[&str] = &[
    "ACL",
    "BASELINE-CONTROL",
    "BIND",
    "CHECKIN",
    "CHECKOUT",
    "COPY",
    "LABEL",
    "LINK",
    "LOCK",
    "MERGE",
    "MKACTIVITY",
    "MKCALENDAR",
    "MKCOL",
    "MKREDIRECTREF",
    "MKWORKSPACE",
    "MOVE",
    "ORDERPATCH",
    "PROPFIND",
    "PROPPATCH",
    "REBIND",
    "REPORT",
    "SEARCH",
    "UNBIND",
    "UNCHECKOUT",
    "UNLINK",
    "UNLOCK",
    "UPDATE",
    "UPDATEREDIRECTREF",
    "VERSION-CONTROL",
];

impl RequestMethod {
    /// All of them, those with an action of their own first.
    pub fn all() -> impl Iterator<Item = Self> + Clone {
        let common = Method::ALL.iter().copied().map(Self::Common);
        common.chain(REGISTERED.iter().copied().map(Self::Registered))
    }

    /// The method of exactly this name; names are case-sensitive (RFC 9110 section 9.1).
    #[must_use]
    pub fn from_name(name: &[u8]) -> Option<Self> {
        Self::all().find(|method| method.name().as_bytes() == name)
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Common(method) => method.name(),
            Self::Registered(name) => name,
        }
    }

    /// The Cedar action that it has by itself; `None` if only a route can name one.
    #[must_use]
    pub const fn own_action(self) -> Option<Action> {
        match self {
            Self::Common(method) => Some(Action::Method(method)),
            Self::Registered(_) => None,
        }
    }
}

/// The Cedar action of a request: `Action::"<name>"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// By the method.
    Method(Method),
    /// `Action::"read"` itself, if the route says so.
    Read,
    /// `Action::"write"` itself, if the route says so.
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

    /// The group that contains it, if any; `read` and `write` are the groups themselves.
    #[must_use]
    pub const fn group(self) -> Option<&'static str> {
        match self {
            Self::Method(Method::Get | Method::Head | Method::Options) => Some("read"),
            Self::Method(Method::Post | Method::Put | Method::Patch | Method::Delete) => Some("write"),
            Self::Read | Self::Write | Self::Upgrade | Self::Preflight => None,
        }
    }

    /// All actions.
    pub fn all() -> impl Iterator<Item = Self> {
        Method::ALL.iter().copied().map(Self::Method).chain([Self::Read, Self::Write, Self::Upgrade, Self::Preflight])
    }
}
