//! Applications and routes: selected by host, then path, then method, without fallback.
//!
//! A route is a name for policies and a list of the evidence that is required there. It permits nothing.
//!
//! If other servers may read the path of a request as a path of a more specific route, the request is refused. It does
//! not fall to the broader route: see [`NoRoute::Ambiguous`].

mod attribute;
mod host;
mod metadata;
mod sign_in;

pub use attribute::{Attribute, AttributeType, AttributeValue};
pub use host::HostPattern;
pub use metadata::{ResourceMetadata, ServedMetadata};
pub use sign_in::SignIn;

use crate::provider::ProviderName;
use crate::refusal::Detail;
use crate::request::{Action, Ambiguity, Match, Near, PathParameters, PathTemplate, Request, RequestMethod, Segment};

/// The word in `requires` for a workload at the other end of the connection. No provider can have this name.
pub const PEER_EVIDENCE: &str = "peer";

/// One route of an application.
#[derive(Clone, Debug)]
pub struct Route {
    /// Its name.
    pub name: String,
    /// Its path.
    pub path: PathTemplate,
    /// Spellings that servers read in different ways, and that are accepted in the path's parameters.
    pub encoded: Vec<Ambiguity>,
    /// The methods that it allows. Never empty.
    pub methods: Vec<RequestMethod>,
    /// `Action::Read` or `Action::Write` if the method does not say.
    pub action: Option<Action>,
    /// Evidence that is required: of at most one issuer, of the connection, and of device providers.
    pub requires: Requires,
    /// Where clients learn who issues tokens for it, in place of the application's metadata.
    pub resource_metadata: Option<ResourceMetadata>,
    /// Its attributes, in the order of [`Router::attributes`]: a value for each.
    pub attributes: Vec<AttributeValue>,
}

/// Evidence that must be verified and fresh before policies are evaluated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requires {
    /// The issuer of the access token.
    pub issuer: Option<ProviderName>,
    /// Whether the connection must be that of a workload.
    pub peer: bool,
    /// The device providers.
    pub devices: Vec<ProviderName>,
}

/// One application.
#[derive(Clone, Debug)]
pub struct Application {
    /// Its name.
    pub name: String,
    /// Its hosts; `None` for `any_host: true`.
    pub hosts: Option<Vec<HostPattern>>,
    /// The default of its routes for `requires`.
    pub requires: Requires,
    /// Where clients learn who issues tokens for it, on routes that have no metadata of their own.
    pub resource_metadata: Option<ResourceMetadata>,
    /// Where people sign in to it.
    pub sign_in: Option<SignIn>,
    /// Its routes, most specific first.
    pub routes: Vec<Route>,
}

/// All applications.
#[derive(Clone, Debug, Default)]
pub struct Router {
    /// The applications in the order of their names.
    pub applications: Vec<Application>,
    /// The attributes of all routes, in the order of their names.
    pub attributes: Vec<Attribute>,
}

/// Where a request belongs.
#[derive(Clone, Debug)]
pub struct RouteMatch<'a> {
    /// The application.
    pub application: &'a Application,
    /// The route.
    pub route: &'a Route,
    /// The Cedar action of the request on this route.
    pub action: Action,
    /// The path's parameters.
    pub parameters: PathParameters,
}

impl RouteMatch<'_> {
    /// The metadata that challenges name: the route's, or the application's if the route has none.
    #[must_use]
    pub fn resource_metadata(&self) -> Option<&ResourceMetadata> {
        self.route.resource_metadata.as_ref().or(self.application.resource_metadata.as_ref())
    }
}

/// Why a request matches no route.
#[derive(Clone, Debug)]
pub enum NoRoute<'a> {
    /// No application has the host.
    Host,
    /// The application has no such path.
    Path(&'a Application),
    /// The route does not list the method.
    Method(&'a Application, &'a Route),
    /// Servers read the path in different ways, and the readings belong to different routes or to none.
    Ambiguous(Detail),
}

impl Router {
    /// Finds the route: the application of the host (exact hosts before wildcards, and `any_host` last), its most
    /// specific path, then the method (for a preflight the method that it asks about).
    ///
    /// There is no fallback: if the most specific route does not allow the method, the request is refused, even if a
    /// broader route of the application allows it. No two routes are equally specific for a request: such a
    /// configuration is rejected at load time.
    ///
    /// # Errors
    /// Why no route matches.
    pub fn find<'a>(&'a self, request: &Request) -> Result<RouteMatch<'a>, NoRoute<'a>> {
        let found = self.application(&request.host).ok_or(NoRoute::Host).and_then(|application| {
            let (route, parameters) = application.route(request.path.segments())?;
            application.same_route_without_semicolons(request, route)?;
            Ok((application, route, parameters))
        });
        let (application, route, parameters) = match (found, request.path.ambiguities().next()) {
            // No route accepts the spelling, so it is refused as it is by default.
            (Err(NoRoute::Host | NoRoute::Path(_)), Some(ambiguity)) => {
                return Err(NoRoute::Ambiguous(Detail::Fault(ambiguity.fault())));
            }
            (found, _) => found?,
        };
        let method = request.preflight_for.unwrap_or(request.method);
        match route.action_of(request) {
            Some(action) if route.methods.contains(&method) => {
                Ok(RouteMatch { application, route, action, parameters })
            }
            _ => Err(NoRoute::Method(application, route)),
        }
    }

    /// The application and the document of it or of one of its routes, if the request is for the path at which the plugin serves it. The path comes before
    /// all routes, and with any method: it belongs to the plugin.
    #[must_use]
    pub fn metadata(&self, request: &Request) -> Option<(&Application, &ServedMetadata)> {
        let application = self.application(&request.host)?;
        let of_routes = application.routes.iter().filter_map(|route| route.resource_metadata.as_ref());
        let mut documents = application.resource_metadata.iter().chain(of_routes);
        let served = documents
            .find_map(|metadata| metadata.served.as_ref().filter(|served| request.path.as_str() == served.path))?;
        request.path.ambiguities().next().is_none().then_some((application, served))
    }

    fn application(&self, host: &str) -> Option<&Application> {
        let with = |matches: &dyn Fn(&HostPattern) -> bool| {
            self.applications.iter().find(|application| application.hosts.iter().flatten().any(matches))
        };
        with(&|pattern| pattern.is_exactly(host))
            .or_else(|| with(&|pattern| pattern.covers(host)))
            .or_else(|| self.applications.iter().find(|application| application.hosts.is_none()))
    }
}

impl Application {
    /// The most specific route of a path.
    fn route(&self, path: &[Segment]) -> Result<(&Route, PathParameters), NoRoute<'_>> {
        let mut nearly = Vec::new();
        for route in &self.routes {
            match route.path.matches(path, &route.encoded) {
                Match::No => {}
                Match::Nearly(how) => nearly.push((route, how)),
                Match::Ambiguous(fault) => return Err(NoRoute::Ambiguous(Detail::Fault(fault))),
                Match::Yes(parameters) => {
                    return match nearly.into_iter().find(|(narrower, how)| route.takes_from(narrower, *how)) {
                        None => Ok((route, parameters)),
                        Some((narrower, how)) => Err(taken_from(narrower, how)),
                    };
                }
            }
        }
        Err(NoRoute::Path(self))
    }

    /// Refuses a path that belongs to another route for servers that cut segments at semicolons.
    fn same_route_without_semicolons(&self, request: &Request, route: &Route) -> Result<(), NoRoute<'_>> {
        let Some(cut) = request.path.cut_at_semicolons() else { return Ok(()) };
        match self.route(&cut) {
            Ok((other, _)) if other.name == route.name => Ok(()),
            Ok((other, _)) => Err(NoRoute::Ambiguous(Detail::NearRoute {
                route: other.name.clone(),
                how: "without what follows its semicolons",
            })),
            Err(_) => Err(NoRoute::Ambiguous(Detail::Fault(Ambiguity::Semicolon.fault()))),
        }
    }
}

/// The refusal of a path that nearly matches this route and would fall to a broader one.
fn taken_from(route: &Route, how: Near) -> NoRoute<'static> {
    let how = match how {
        Near::TrailingSlash => "without its last slash",
        Near::MissingSlash => "with a slash at its end",
        Near::LetterCase => "with its letters in another case",
        Near::EmptyTail => "with something behind its last slash",
        Near::EmptyParameter => "with something in the place of its parameter",
    };
    NoRoute::Ambiguous(Detail::NearRoute { route: route.name.clone(), how })
}

impl Route {
    /// Whether it is broader than `narrower`, which the path nearly matches, so that it must not serve the path.
    fn takes_from(&self, narrower: &Self, how: Near) -> bool {
        narrower.path.specificity(&self.path).is_lt()
            && !(how == Near::MissingSlash && narrower.path.goes_on_from(&self.path))
    }

    /// The Cedar action of this method on this route; `None` if neither the method nor the route determines one. Such
    /// routes are rejected at load time.
    #[must_use]
    pub fn action_of_method(&self, method: RequestMethod) -> Option<Action> {
        self.action.or(method.own_action())
    }

    /// The Cedar action of a request on this route.
    ///
    /// A preflight and an upgrade take precedence over the route's own action: a preflight carries no credential, and
    /// an upgrade opens a connection whose later traffic is not checked here.
    fn action_of(&self, request: &Request) -> Option<Action> {
        if request.preflight_for.is_some() {
            Some(Action::Preflight)
        } else if request.upgrade {
            Some(Action::Upgrade)
        } else {
            self.action_of_method(request.method)
        }
    }
}

#[cfg(test)]
mod tests;
