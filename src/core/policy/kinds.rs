//! Kinds of principals, sets of actions and resources: what the scope of a policy is about, and what requests are sorted by.

use crate::request::{Action, Method};
use crate::route::Route;

/// The Cedar entity type of a caller without credentials.
pub(in crate::policy) const ANONYMOUS_TYPE: &str = "Anonymous";
/// The only entity of that type.
pub(in crate::policy) const ANONYMOUS_ID: &str = "anonymous";
/// The Cedar entity type of a caller whom the connection proves; the ids are SPIFFE IDs.
pub(in crate::policy) const WORKLOAD_TYPE: &str = "Workload";
/// The entity type of an issuer's groups, inside its namespace.
pub(in crate::policy) const GROUP: &str = "Group";

/// A kind of principal: whose principals they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::policy) enum PrincipalKind {
    /// A caller without credentials.
    Anonymous,
    /// A caller without a token whom the connection proves.
    Workload,
    /// Principals of the issuer at this place in the vocabulary.
    Issuer(usize),
}

impl PrincipalKind {
    /// Whether these principals present a token. Others have no facts of any issuer or device.
    #[cfg(feature = "cedar")]
    pub(in crate::policy) const fn has_token(self) -> bool {
        matches!(self, Self::Issuer(_))
    }
}

/// The resource that a scope names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::policy) enum ResourceScope {
    /// Any route of the document's applications.
    Document,
    /// Any route of one application.
    Application(String),
    /// One route, by application and name.
    Route(String, String),
    /// No route.
    Nowhere,
}

/// A set of actions, one bit for each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::policy) struct Actions(u16);

impl Actions {
    const fn bit(action: Action) -> u16 {
        match action {
            Action::Method(Method::Get) => 1,
            Action::Method(Method::Head) => 1 << 1,
            Action::Method(Method::Options) => 1 << 2,
            Action::Method(Method::Post) => 1 << 3,
            Action::Method(Method::Put) => 1 << 4,
            Action::Method(Method::Patch) => 1 << 5,
            Action::Method(Method::Delete) => 1 << 6,
            Action::Read => 1 << 7,
            Action::Write => 1 << 8,
            Action::Upgrade => 1 << 9,
            Action::Preflight => 1 << 10,
        }
    }

    /// All actions that requests to a route can have.
    pub(in crate::policy) fn of_route(route: &Route) -> Self {
        let by_method = route.methods.iter().filter_map(|method| route.action_of_method(*method));
        by_method.chain([Action::Upgrade, Action::Preflight]).collect()
    }

    /// Whether the action is in it.
    pub(in crate::policy) const fn holds(self, action: Action) -> bool {
        self.0 & Self::bit(action) != 0
    }

    /// Its actions in order.
    pub(in crate::policy) fn iter(self) -> impl Iterator<Item = Action> {
        Action::all().filter(move |action| self.holds(*action))
    }
}

impl FromIterator<Action> for Actions {
    fn from_iter<I: IntoIterator<Item = Action>>(actions: I) -> Self {
        Self(actions.into_iter().fold(0, |bits, action| bits | Self::bit(action)))
    }
}
