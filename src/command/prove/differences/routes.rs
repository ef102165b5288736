//! Differences of routes and hosts that the proofs leave open: paths that nearly match a route are refused, and belong to a
//! broader route once the narrower one is gone.

use countersign_core::route::{Application, Router};

use super::{Difference, Effect};
use crate::prove::places::{At, hosts_meet, routes};

/// All of them.
pub fn differences(old: &Router, new: &Router) -> Vec<Difference> {
    let mut found = Vec::new();
    let (olds, news) = (routes(old), routes(new));
    let mut note = |at: &At<'_>, effect, message: String| {
        let pointer = format!("/applications/{}/routes/{}", at.application.name, at.route.name);
        found.push(Difference { effect, pointer, message });
    };
    for at in &olds {
        match with_path_of(at, &news) {
            Some(twin) => {
                let is_new = twin.route.encoded.iter().any(|spelling| !at.route.encoded.contains(spelling));
                let is_gone = at.route.encoded.iter().any(|spelling| !twin.route.encoded.contains(spelling));
                if is_new {
                    note(&twin, Effect::Wider, "accepts more spellings of its path".to_owned());
                }
                if is_gone {
                    note(&twin, Effect::Narrower, "accepts fewer spellings of its path".to_owned());
                }
            }
            None => {
                if let Some(other) = news.iter().find(|other| other.may_meet(at)) {
                    let message = format!(
                        "no route has the path `{}` any more: paths that nearly match it were refused, and may now belong to `{}/{}`",
                        at.route.path.as_str(),
                        other.application.name,
                        other.route.name
                    );
                    note(at, Effect::Unknown, message);
                }
            }
        }
    }
    for at in news.iter().filter(|at| with_path_of(at, &olds).is_none()) {
        if let Some(other) = olds.iter().find(|other| other.may_meet(at)) {
            let message = format!(
                "the path `{}` is new: paths that nearly match it are now refused where they belonged to `{}/{}`",
                at.route.path.as_str(),
                other.application.name,
                other.route.name
            );
            note(at, Effect::Narrower, message);
        }
    }
    found.extend(hosts(old, new));
    found
}

/// The route with the hosts and the path of another.
fn with_path_of<'a>(at: &At<'_>, all: &[At<'a>]) -> Option<At<'a>> {
    let same = |other: &&At<'_>| other.application.hosts == at.application.hosts && other.route.path == at.route.path;
    all.iter().find(same).copied()
}

/// Applications whose hosts changed and that share hosts with another one: which of them a request belongs to changes too.
fn hosts(old: &Router, new: &Router) -> Vec<Difference> {
    let differs = |application: &&Application, others: &Router| {
        others.applications.iter().all(|other| other.hosts != application.hosts)
    };
    let gone = old.applications.iter().filter(|application| differs(application, new));
    let added = new.applications.iter().filter(|application| differs(application, old));
    let meets = |application: &Application| {
        let all = old.applications.iter().chain(&new.applications);
        let mut others = all.filter(|other| other.name != application.name && other.hosts != application.hosts);
        others.find(|other| hosts_meet(application, other)).map(|other| other.name.clone())
    };
    gone.chain(added)
        .filter_map(|application| {
            let other = meets(application)?;
            let message = format!("its hosts changed, and some of them are hosts of `{other}` too");
            let pointer = format!("/applications/{}/hosts", application.name);
            Some(Difference { effect: Effect::Unknown, pointer, message })
        })
        .collect()
}
