//! Step 2: applications and routes: host, then path, then method, with no falling through.
//!
//! A route is only a place that policies can name and a list of what must be presented there. It permits nothing.
//!
//! A request whose path other servers read as one of a more specific route is refused, not given to the broader route: see
//! [`NoRoute::Ambiguous`].

mod host;

pub use host::HostPattern;

use crate::provider::ProviderName;
use crate::refusal::Detail;
use crate::request::{Action, Ambiguity, Match, Near, PathParameters, PathTemplate, Request, RequestMethod, Segment};

/// One route of an application.
#[derive(Clone, Debug)]
pub struct Route {
    /// Its name.
    pub name: String,
    /// Its path.
    pub path: PathTemplate,
    /// Spellings that servers read in different ways, and that the path's parameters may have.
    pub encoded: Vec<Ambiguity>,
    /// The methods it takes. Never empty.
    pub methods: Vec<RequestMethod>,
    /// `Action::Read` or `Action::Write` where the method does not tell.
    pub action: Option<Action>,
    /// Evidence that must be there: at most one issuer, and device providers.
    pub requires: Requires,
}

/// Evidence that must be verified and fresh before any policy is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requires {
    /// The issuer of the access token.
    pub issuer: Option<ProviderName>,
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
    /// What its routes require where they say nothing else.
    pub requires: Requires,
    /// Its routes, most specific first.
    pub routes: Vec<Route>,
}

/// All applications.
#[derive(Clone, Debug, Default)]
pub struct Router {
    /// The applications in the order of their names.
    pub applications: Vec<Application>,
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

/// How far a request came that matches no route.
#[derive(Clone, Debug)]
pub enum NoRoute<'a> {
    /// No application has the host.
    Host,
    /// The application has no such path.
    Path(&'a Application),
    /// The route does not list the method.
    Method(&'a Application, &'a Route),
    /// Servers read the path in different ways, and the route that takes one reading is not one that takes another.
    Ambiguous(Detail),
}

impl Router {
    /// Finds the route: the application of the host (exact hosts before wildcards, and `any_host` last), its most specific
    /// path, then the method (for a preflight the method that it asks about).
    ///
    /// There is no falling through: a method that the most specific path does not take is refused, though a wider path of
    /// the application may take it. No two routes are equally specific for a request: such a configuration is refused.
    ///
    /// # Errors
    /// How far it came.
    pub fn find<'a>(&'a self, request: &Request) -> Result<RouteMatch<'a>, NoRoute<'a>> {
        let found = self.application(&request.host).ok_or(NoRoute::Host).and_then(|application| {
            let (route, parameters) = application.route(request.path.segments())?;
            application.same_route_without_semicolons(request, route)?;
            Ok((application, route, parameters))
        });
        let (application, route, parameters) = match (found, request.path.ambiguities().next()) {
            // No route speaks for the spelling, so it is refused as it is everywhere else.
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

    /// Refuses a path that a server which cuts segments at semicolons would read as one of another route.
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

/// A broader route would take a path that is nearly one of this route.
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
    /// Whether it is broader than another route of which a path that it takes is nearly one.
    fn takes_from(&self, narrower: &Self, how: Near) -> bool {
        narrower.path.specificity(&self.path).is_lt()
            && !(how == Near::MissingSlash && narrower.path.goes_on_from(&self.path))
    }

    /// The Cedar action of this method on this route; `None` for a method that has none of its own, where the route names
    /// none either. The configuration refuses such routes.
    #[must_use]
    pub fn action_of_method(&self, method: RequestMethod) -> Option<Action> {
        self.action.or(method.own_action())
    }

    /// The Cedar action of a request on this route.
    ///
    /// A preflight and an upgrade come before the route's own action: the one carries no credential, and the other opens
    /// a connection that no later request of it passes here.
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
