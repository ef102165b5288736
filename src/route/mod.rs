//! Step 2: applications and routes: host, then path, then method, with no falling through.
//!
//! A route is only a place that policies can name and a list of what must be presented there. It permits nothing.

use crate::provider::ProviderName;
use crate::request::{Action, Method, PathParameters, PathTemplate, Request};

/// One route of an application.
#[derive(Clone, Debug)]
pub struct Route {
    /// Its name.
    pub name: String,
    /// Its path.
    pub path: PathTemplate,
    /// The methods it takes. Never empty.
    pub methods: Vec<Method>,
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
    /// Its hosts in lower case; `None` for `any_host: true`.
    pub hosts: Option<Vec<String>>,
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
#[derive(Clone, Copy, Debug)]
pub enum NoRoute<'a> {
    /// No application has the host.
    Host,
    /// The application has no such path.
    Path(&'a Application),
    /// The route does not list the method.
    Method(&'a Application, &'a Route),
}

impl Router {
    /// Finds the route: the application of the host (named hosts before `any_host`), its most specific path, then the method
    /// (for a preflight the method that it asks about).
    ///
    /// There is no falling through: a method that the most specific path does not take is refused, though a wider path of
    /// the application may take it. No two routes are equally specific for a request: such a configuration is refused.
    ///
    /// # Errors
    /// How far it came.
    pub fn find<'a>(&'a self, request: &Request) -> Result<RouteMatch<'a>, NoRoute<'a>> {
        let application = self.application(&request.host).ok_or(NoRoute::Host)?;
        let matching = |route: &'a Route| Some((route, route.path.matches(&request.path)?));
        let (route, parameters) = application.routes.iter().find_map(matching).ok_or(NoRoute::Path(application))?;
        if !route.methods.contains(&request.preflight_for.unwrap_or(request.method)) {
            return Err(NoRoute::Method(application, route));
        }
        Ok(RouteMatch { application, route, action: route.action_of(request), parameters })
    }

    fn application(&self, host: &str) -> Option<&Application> {
        let named = |application: &&Application| {
            application.hosts.as_ref().is_some_and(|hosts| hosts.iter().any(|named| named == host))
        };
        self.applications.iter().find(named).or_else(|| self.applications.iter().find(|other| other.hosts.is_none()))
    }
}

impl Route {
    /// The Cedar action of a request on this route.
    ///
    /// A preflight and an upgrade come before the route's own action: the one carries no credential, and the other opens
    /// a connection that no later request of it passes here.
    fn action_of(&self, request: &Request) -> Action {
        if request.preflight_for.is_some() {
            Action::Preflight
        } else if request.upgrade {
            Action::Upgrade
        } else {
            self.action.unwrap_or(Action::Method(request.method))
        }
    }
}

#[cfg(test)]
mod tests;
