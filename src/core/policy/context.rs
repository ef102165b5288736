//! The facts that `context` can have whatever the configuration declares: one row each, and nothing else to change for a new one.
//!
//! The schema, the names that load knows, the rule that absent facts must not lift a rule, the rule on permits for Anonymous
//! and the context of each request are made from these rows, and a test compares them with the reference. New evidence of
//! the request (a session, a workload, a proof of possession, a token's status) is a record of its own here: rows with its
//! name, and what their values are read from in [`RequestFacts`].
//!
//! The facts that issuers and devices declare go another way: their names and types are the configuration's
//! ([`FactField`](crate::profile::FactField)), under `context.<issuer>` and `context.<device>`. [`DEVICE_FACTS`] are what
//! each device's record has in addition to them.
//!
//! A fact that is absent on some routes by their nature is not `Optional`: a path parameter is there on each request of a
//! route, or on none.

use core::net::IpAddr;
use std::borrow::Cow;

use crate::identity::{DeviceFacts, SenderConstraint, Workload};
#[cfg(feature = "cedar")]
use crate::profile::DeviceProvider;
use crate::request::{Exactly, PathParameters, Request};
use crate::time::UnixSeconds;

/// The Cedar type of a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::policy) enum ContextType {
    /// `String`.
    String,
    /// `Long`.
    Long,
    /// `Bool`.
    Bool,
    /// The extension type `ipaddr`.
    Ip,
    /// A record of strings whose members are the parameters of the route.
    PathParameters,
}

/// Whether a request has a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::policy) enum Presence {
    /// Every request has it.
    Certain,
    /// A client can send the same request without it, when this is so.
    ClientMayOmit(&'static str),
    /// The same, except where the connection is certain to be that of a workload: on a route that requires the peer, and
    /// for a principal that is a workload.
    CertainOfWorkload(&'static str),
    /// The proxy may leave it out, when this is so. No client decides it, but a rule must not depend on the listener.
    ProxyMayOmit(&'static str),
}

/// Whose permits may read a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::policy) enum PermitFor {
    /// Also one for Anonymous: the fact says what is asked for, or when.
    Anyone,
    /// One for a verified principal only: the fact says where a request comes from, which is not an identity.
    Verified,
}

/// What the facts of a request are read from.
#[derive(Clone, Copy, Debug)]
pub(in crate::policy) struct RequestFacts<'r> {
    /// The request.
    pub request: &'r Request,
    /// The workload at the other end of the connection.
    pub workload: Option<&'r Workload>,
    /// The parameters of its path on the matched route.
    pub parameters: &'r PathParameters,
    /// The time of the decision.
    pub now: UnixSeconds,
    /// What the caller's token is bound by.
    pub sender_constraint: SenderConstraint,
}

/// The value of a fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::policy) enum ContextValue<'r> {
    /// Of type [`ContextType::String`].
    String(Cow<'r, str>),
    /// Of type [`ContextType::Long`].
    Long(i64),
    /// Of type [`ContextType::Bool`].
    Bool(bool),
    /// Of type [`ContextType::Ip`].
    Ip(IpAddr),
    /// Of type [`ContextType::PathParameters`].
    PathParameters(&'r PathParameters),
}

/// One row: a member of `context`, or of a record in it.
#[derive(Clone, Copy, Debug)]
pub(in crate::policy) struct ContextFact {
    /// The record that it is a member of; `None` for a member of `context` itself. The rows of a record are adjacent.
    pub record: Option<&'static str>,
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub of: ContextType,
    /// Whether a request has it.
    #[cfg_attr(not(feature = "cedar"), expect(dead_code, reason = "only validation reads it"))]
    pub presence: Presence,
    /// Whether the requests of one caller mostly have the same value. What policies answered is remembered only for such facts.
    pub comes_again: bool,
    /// Whose permits may read it.
    #[cfg_attr(not(feature = "cedar"), expect(dead_code, reason = "only validation reads it"))]
    pub permits: PermitFor,
    /// Its value for one request; `None` where it is absent.
    pub value: for<'r> fn(&RequestFacts<'r>) -> Option<ContextValue<'r>>,
}

#[cfg(feature = "cedar")]
impl ContextFact {
    /// Whether every request has it, or every one over the connection of a workload.
    pub(in crate::policy) const fn is_certain(&self, of_workload: bool) -> bool {
        match self.presence {
            Presence::Certain => true,
            Presence::CertainOfWorkload(_) => of_workload,
            Presence::ClientMayOmit(_) | Presence::ProxyMayOmit(_) => false,
        }
    }
}

/// A member of a device's record that no provider declares.
#[derive(Clone, Copy, Debug)]
pub(in crate::policy) struct DeviceFact {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    #[cfg_attr(not(feature = "cedar"), expect(dead_code, reason = "only validation reads it"))]
    pub of: ContextType,
    /// Whether every device has it, not only those whose posture has an age.
    #[cfg_attr(not(feature = "cedar"), expect(dead_code, reason = "only validation reads it"))]
    pub of_every_device: bool,
    /// As that of a [`ContextFact`].
    pub comes_again: bool,
    /// Its value; `None` where nothing says when the posture was made.
    pub value: fn(&DeviceFacts) -> Option<ContextValue<'static>>,
}

const HTTP_REQUEST: Option<&str> = Some("http_request");
const PEER: Option<&str> = Some("peer");
const CREDENTIAL: Option<&str> = Some("credential");

/// All rows. Names and types of `http_request` are those of AWS Verified Access where it has them.
pub(in crate::policy) static CONTEXT_FACTS: [ContextFact; 15] = [
    ContextFact {
        record: HTTP_REQUEST,
        name: "http_method",
        of: ContextType::String,
        comes_again: true,
        presence: Presence::Certain,
        permits: PermitFor::Anyone,
        value: |facts| Some(ContextValue::String(Cow::Borrowed(facts.request.method.name()))),
    },
    ContextFact {
        record: HTTP_REQUEST,
        name: "hostname",
        of: ContextType::String,
        comes_again: true,
        presence: Presence::Certain,
        permits: PermitFor::Anyone,
        value: |facts| Some(ContextValue::String(Cow::Borrowed(&facts.request.host))),
    },
    ContextFact {
        record: HTTP_REQUEST,
        name: "path",
        of: ContextType::String,
        comes_again: false,
        presence: Presence::Certain,
        permits: PermitFor::Anyone,
        value: |facts| Some(ContextValue::String(Cow::Borrowed(facts.request.path.as_str()))),
    },
    ContextFact {
        record: HTTP_REQUEST,
        name: "query",
        of: ContextType::String,
        comes_again: false,
        presence: Presence::Certain,
        permits: PermitFor::Anyone,
        value: |facts| Some(ContextValue::String(Cow::Borrowed(&facts.request.query))),
    },
    ContextFact {
        record: HTTP_REQUEST,
        name: "port",
        of: ContextType::Long,
        comes_again: true,
        presence: Presence::ProxyMayOmit("the proxy does not report the listener's port, as on a Unix domain socket"),
        permits: PermitFor::Verified,
        value: |facts| facts.request.destination_port.map(|port| ContextValue::Long(i64::from(port))),
    },
    ContextFact {
        record: HTTP_REQUEST,
        name: "user_agent",
        of: ContextType::String,
        comes_again: true,
        presence: Presence::ClientMayOmit("the `User-Agent` header is missing, is sent twice, or is not UTF-8"),
        permits: PermitFor::Anyone,
        value: |facts| match facts.request.headers.exactly("user-agent") {
            Exactly::One(value) => {
                core::str::from_utf8(value).ok().map(|text| ContextValue::String(Cow::Borrowed(text)))
            }
            // Two are as good as none: which one is meant is the upstream's choice.
            Exactly::None | Exactly::Many => None,
        },
    },
    ContextFact {
        record: HTTP_REQUEST,
        name: "client_ip",
        of: ContextType::String,
        comes_again: true,
        presence: ADDRESS,
        permits: PermitFor::Verified,
        value: |facts| facts.request.client_ip.map(|address| ContextValue::String(Cow::Owned(address.to_string()))),
    },
    ContextFact {
        record: HTTP_REQUEST,
        name: "source_ip",
        of: ContextType::Ip,
        comes_again: true,
        presence: ADDRESS,
        permits: PermitFor::Verified,
        value: |facts| facts.request.client_ip.map(ContextValue::Ip),
    },
    ContextFact {
        record: HTTP_REQUEST,
        name: "path_parameters",
        of: ContextType::PathParameters,
        comes_again: false,
        presence: Presence::Certain,
        permits: PermitFor::Anyone,
        value: |facts| Some(ContextValue::PathParameters(facts.parameters)),
    },
    ContextFact {
        record: None,
        name: "now",
        of: ContextType::Long,
        comes_again: false,
        presence: Presence::Certain,
        permits: PermitFor::Anyone,
        value: |facts| Some(ContextValue::Long(facts.now.get())),
    },
    ContextFact {
        record: PEER,
        name: "certificate_sha256",
        of: ContextType::String,
        comes_again: true,
        presence: Presence::ClientMayOmit(NO_CERTIFICATE),
        permits: PermitFor::Verified,
        value: |facts| {
            let digest = facts.request.peer.certificate_sha256?;
            Some(ContextValue::String(Cow::Owned(hex::encode(digest))))
        },
    },
    ContextFact {
        record: PEER,
        name: "uri",
        of: ContextType::String,
        comes_again: true,
        presence: Presence::ClientMayOmit(
            "the connection has no validated client certificate, or one without exactly one URI",
        ),
        permits: PermitFor::Verified,
        value: |facts| facts.request.peer.uri.as_deref().ok().map(|uri| ContextValue::String(Cow::Borrowed(uri))),
    },
    ContextFact {
        record: PEER,
        name: "workload",
        of: ContextType::String,
        comes_again: true,
        presence: Presence::CertainOfWorkload(NO_WORKLOAD),
        permits: PermitFor::Verified,
        value: |facts| facts.workload.map(|workload| ContextValue::String(Cow::Borrowed(workload.id()))),
    },
    ContextFact {
        record: PEER,
        name: "trust_domain",
        of: ContextType::String,
        comes_again: true,
        presence: Presence::CertainOfWorkload(NO_WORKLOAD),
        permits: PermitFor::Verified,
        value: |facts| facts.workload.map(|workload| ContextValue::String(Cow::Borrowed(workload.trust_domain()))),
    },
    // Anonymous has no credential, and so none that is bound. An absent fact would make each rule ask for it with `has`.
    ContextFact {
        record: CREDENTIAL,
        name: "bound_by",
        of: ContextType::String,
        comes_again: true,
        presence: Presence::Certain,
        permits: PermitFor::Verified,
        value: |facts| Some(ContextValue::String(Cow::Borrowed(facts.sender_constraint.bound_by()))),
    },
];

const ADDRESS: Presence = Presence::ClientMayOmit(
    "the client's address is unknown, as with an `X-Forwarded-For` that is not valid or on a Unix domain socket",
);
const NO_CERTIFICATE: &str = "the connection has no client certificate";
const NO_WORKLOAD: &str = "the connection is not that of a workload of a listed trust domain";

/// The members of each device's record in addition to the declared facts; they are there whenever the record is, but for
/// the age of posture of which nothing says when it was made.
pub(in crate::policy) const DEVICE_FACTS: [DeviceFact; 2] = [
    DeviceFact {
        name: "bound",
        of: ContextType::Bool,
        of_every_device: true,
        comes_again: true,
        value: |facts| Some(ContextValue::Bool(facts.bound)),
    },
    DeviceFact {
        name: "age",
        of: ContextType::Long,
        of_every_device: false,
        comes_again: false,
        value: |facts| Some(ContextValue::Long(i64::try_from(facts.age?.get()).unwrap_or(i64::MAX))),
    },
];

/// The members of this device's record in addition to the declared facts.
#[cfg(feature = "cedar")]
pub(in crate::policy) fn facts_of(device: &DeviceProvider) -> impl Iterator<Item = &'static DeviceFact> {
    let has_age = device.has_age();
    DEVICE_FACTS.iter().filter(move |fact| fact.of_every_device || has_age)
}

/// A member of `context` that does not hang on the configuration.
#[derive(Clone, Copy, Debug)]
pub(in crate::policy) enum ContextMember {
    /// A value.
    Fact(&'static ContextFact),
    /// A record; a request without any of its facts does not have the record either.
    Record(&'static str, &'static [ContextFact]),
}

/// The members of `context`, in order.
pub(in crate::policy) fn members() -> impl Iterator<Item = ContextMember> {
    let of_one_record = |one: &ContextFact, next: &ContextFact| one.record.is_some() && one.record == next.record;
    CONTEXT_FACTS.chunk_by(of_one_record).filter_map(|rows| {
        let first = rows.first()?;
        Some(first.record.map_or(ContextMember::Fact(first), |name| ContextMember::Record(name, rows)))
    })
}

/// The member of `context` with this name.
pub(in crate::policy) fn member(name: &str) -> Option<ContextMember> {
    members().find(|member| member.name() == name)
}

/// The row that a path inside `context` leads to or through; `None` for a record, and for what is not in the table.
#[cfg(feature = "cedar")]
pub(in crate::policy) fn fact_on(path: &[&str]) -> Option<&'static ContextFact> {
    let (first, rest) = path.split_first()?;
    match member(first)? {
        ContextMember::Fact(fact) => Some(fact),
        ContextMember::Record(_, facts) => facts.iter().find(|fact| Some(&fact.name) == rest.first()),
    }
}

impl ContextMember {
    /// Its name.
    pub(in crate::policy) const fn name(self) -> &'static str {
        match self {
            Self::Fact(fact) => fact.name,
            Self::Record(name, _) => name,
        }
    }

    /// Whether every request has it, or every one over the connection of a workload.
    #[cfg(feature = "cedar")]
    pub(in crate::policy) fn is_certain(self, of_workload: bool) -> bool {
        match self {
            Self::Fact(fact) => fact.is_certain(of_workload),
            Self::Record(_, facts) => facts.iter().any(|fact| fact.is_certain(of_workload)),
        }
    }
}
