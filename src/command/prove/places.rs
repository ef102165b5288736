//! Where the same request arrives in two configurations.
//!
//! A route that both configurations have, with the same hosts, path and methods, is compared with itself: its name does not
//! matter. If routes differ, each is compared with every route of the other configuration that may have requests in common
//! with it. Then more is compared than necessary, which makes no proof wrong: an example that does not arrive where it is
//! sought is found out when both configurations decide it.

use countersign_core::policy::oracle::question::Place;
use countersign_core::request::{Action, RequestMethod};
use countersign_core::route::{Application, HostPattern, Route, Router};

/// A place in the old configuration, in the new one, or in both.
#[derive(Clone, Copy, Debug)]
pub struct Places<'a> {
    /// In the old one; `None` if no route may have these requests there.
    pub old: Option<Place<'a>>,
    /// In the new one, likewise.
    pub new: Option<Place<'a>>,
}

/// A route with its application.
#[derive(Clone, Copy, Debug)]
pub struct At<'a> {
    /// The application.
    pub application: &'a Application,
    /// The route.
    pub route: &'a Route,
}

impl At<'_> {
    /// Whether both have the same requests, as far as no other route is more specific.
    pub fn has_the_requests_of(&self, other: &At<'_>) -> bool {
        self.application.hosts == other.application.hosts
            && self.route.path == other.route.path
            && self.route.methods == other.route.methods
            && self.route.encoded == other.route.encoded
    }

    /// Whether each request of the other belongs to this one, as far as no other route is more specific.
    fn covers(&self, other: &At<'_>) -> bool {
        (self.application.hosts == other.application.hosts || self.application.hosts.is_none())
            && self.route.path.covers(&other.route.path)
            && other.route.methods.iter().all(|method| self.route.methods.contains(method))
            && other.route.encoded.iter().all(|spelling| self.route.encoded.contains(spelling))
    }

    /// Whether a request may belong to both, or belong to one and nearly match the other.
    pub fn may_meet(&self, other: &At<'_>) -> bool {
        hosts_meet(self.application, other.application) && self.route.path.may_meet(&other.route.path)
    }
}

/// All routes.
pub fn routes(router: &Router) -> Vec<At<'_>> {
    let of = |application| move |route| At { application, route };
    router.applications.iter().flat_map(|application| application.routes.iter().map(of(application))).collect()
}

/// A place as reports name it: the action and the route.
pub fn place_name(place: Place<'_>) -> String {
    format!("{} {}/{}", place.action.name(), place.application.name, place.route.name)
}

/// The places of one configuration, route by route.
pub fn places(router: &Router) -> Vec<Place<'_>> {
    routes(router).into_iter().flat_map(|at| on_route(at).collect::<Vec<_>>()).collect()
}

/// All pairs of places at which a request may arrive in both.
pub fn pairs<'a>(old: &'a Router, new: &'a Router) -> Vec<Places<'a>> {
    let (olds, news) = (routes(old), routes(new));
    let twin = |at: &At<'a>, others: &[At<'a>]| others.iter().find(|other| at.has_the_requests_of(other)).copied();
    let mut pairs = Vec::new();
    for at in &news {
        let own = twin(at, &olds);
        for other in &olds {
            let is_twin = own.is_some_and(|own| core::ptr::eq(own.route, other.route));
            let is_settled = own.is_some() && twin(other, &news).is_some();
            if is_twin || !is_settled && at.may_meet(other) {
                pairs.extend(on_both(*other, *at));
            }
        }
        if own.is_none() && !is_covered(at, &olds) {
            pairs.extend(on_route(*at).map(|new| Places { old: None, new: Some(new) }));
        }
    }
    for at in olds.iter().filter(|at| twin(at, &news).is_none() && !is_covered(at, &news)) {
        pairs.extend(on_route(*at).map(|old| Places { old: Some(old), new: None }));
    }
    pairs
}

/// Whether each request of the route certainly belongs to one of these routes: one covers it, and none takes a part of it or
/// refuses what nearly matches.
fn is_covered(at: &At<'_>, others: &[At<'_>]) -> bool {
    let mut meeting = others.iter().filter(|other| other.may_meet(at)).peekable();
    meeting.peek().is_some() && meeting.all(|other| other.covers(at))
}

/// The places of a route: one for each action that its requests have.
fn on_route<'a>(At { application, route }: At<'a>) -> impl Iterator<Item = Place<'a>> {
    let place = move |action| Place { application, route, methods: &route.methods, action };
    let mut actions: Vec<Action> = route.methods.iter().filter_map(|method| route.action_of_method(*method)).collect();
    actions.sort_unstable();
    actions.dedup();
    actions.into_iter().chain([Action::Upgrade, Action::Preflight]).map(place)
}

/// The places of a request whose method both routes have.
fn on_both<'a>(old: At<'a>, new: At<'a>) -> Vec<Places<'a>> {
    let is_shared = |method: &&RequestMethod| old.route.methods.contains(method);
    let shared: Vec<RequestMethod> = new.route.methods.iter().filter(is_shared).copied().collect();
    if shared.is_empty() {
        return Vec::new();
    }
    let actions =
        shared.iter().map(|method| (old.route.action_of_method(*method), new.route.action_of_method(*method)));
    let mut actions: Vec<(Action, Action)> = actions.filter_map(|(old, new)| Some((old?, new?))).collect();
    actions.sort_unstable();
    actions.dedup();
    let both = [Action::Upgrade, Action::Preflight].map(|action| (action, action));
    let place =
        |at: At<'a>, action| Place { application: at.application, route: at.route, methods: &at.route.methods, action };
    let pair = |(before, after)| Places { old: Some(place(old, before)), new: Some(place(new, after)) };
    actions.into_iter().chain(both).map(pair).collect()
}

/// Whether some host may belong to both.
pub fn hosts_meet(one: &Application, other: &Application) -> bool {
    match (&one.hosts, &other.hosts) {
        (Some(ones), Some(others)) => ones.iter().any(|one| others.iter().any(|other| host_meets(one, other))),
        (None, _) | (_, None) => true,
    }
}

fn host_meets(one: &HostPattern, other: &HostPattern) -> bool {
    one == other
        || match (one, other) {
            (HostPattern::Exactly(host), pattern) | (pattern, HostPattern::Exactly(host)) => pattern.covers(host),
            (HostPattern::OneLabelBefore(_), HostPattern::OneLabelBefore(_)) => false,
        }
}
