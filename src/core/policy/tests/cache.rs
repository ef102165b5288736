//! The decision cache: the same decisions, with and without it, and what it is used for.

#![expect(clippy::arithmetic_side_effects, reason = "small numbers of a test")]

use super::fixture::{NOW, Setting, facts, mdm, named, request, user, user_with};
use crate::identity::{DeviceEvidence, Identity};
use crate::limits::{MAX_DECISION_CACHE_BYTES, MAX_DECISION_KEY_BYTES, MIN_CACHED_POLICIES};
use crate::policy::{CacheTally, Decision, PolicySet};
use crate::portable;
use crate::profile::FactValue;
use crate::provider::ProviderName;
use crate::time::UnixSeconds;

const PAGE: (&str, &str) = ("wiki.example.com", "/a");
const OTHER_PAGE: (&str, &str) = ("wiki.example.com", "/b");
const ORDER: (&str, &str) = ("shop.example.com", "/api/orders/7");

/// So many permits with one scope, of which only the last can apply.
fn permits(count: usize, last: &str) -> String {
    let scope = "permit (principal is corp::User, action, resource)";
    let others = (1..count).map(|number| {
        format!("@id(\"p{number}\") {scope} when {{ context has mdm && context.mdm.score == {} }};\n", 900 + number)
    });
    others.chain([format!("@id(\"last\") {scope} when {{ {last} }};\n")]).collect()
}

struct Asking {
    setting: Setting,
    policies: PolicySet,
}

impl Asking {
    fn new(text: &str) -> Self {
        let setting = Setting::new();
        let policies = setting.policies(text);
        Self { setting, policies }
    }

    /// The decision with the cache, which must be that without it, and what it was used for.
    fn at(&self, identity: &Identity, (host, path): (&str, &str), now: UnixSeconds) -> (Decision, Lookups) {
        let asked = request("GET", host, path);
        let route = self.setting.router.find(&asked).expect("a route");
        let decision = self.policies.decide(identity, &asked, &route, now);
        assert_eq!(decision, self.policies.decide_uncached(identity, &asked, &route, now));
        let CacheTally { misses, .. } = self.policies.take_tally();
        (decision, if misses > 0 { Lookups::Missed } else { Lookups::NoMiss })
    }

    fn outcome(&self, identity: &Identity) -> (&'static str, Lookups) {
        let (decision, lookups) = self.at(identity, PAGE, NOW);
        (named(&decision).0, lookups)
    }
}

/// What a request did with the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lookups {
    Missed,
    NoMiss,
}
use Lookups::{Missed, NoMiss};

fn on_device(id: &str, groups: &[&str], device: (ProviderName, DeviceEvidence)) -> Identity {
    user_with("corp", id, groups, &[("email", FactValue::String(format!("{id}@example.com")))], &[device])
}

#[portable]
fn equal_facts_are_a_hit_and_each_changed_fact_is_decided_anew() {
    let last =
        "principal in corp::Group::\"staff\" && context has mdm && context.mdm.managed && context.mdm.score >= 50";
    let asking = Asking::new(&permits(MIN_CACHED_POLICIES, last));
    let alice = |groups: &[&str], managed, score| on_device("alice", groups, mdm(managed, score));
    assert_eq!(asking.outcome(&alice(&["staff"], true, 60)), ("allow", Missed));
    assert_eq!(asking.outcome(&alice(&["staff"], true, 60)), ("allow", NoMiss));
    assert_eq!(asking.outcome(&alice(&[], true, 60)), ("not permitted", Missed), "another group");
    assert_eq!(asking.outcome(&alice(&["staff"], false, 60)), ("not permitted", Missed), "another fact of the device");
    assert_eq!(asking.outcome(&alice(&["staff"], true, 40)), ("not permitted", Missed), "another score");
    assert_eq!(asking.outcome(&user("corp", "alice", &["staff"])), ("not permitted", Missed), "no device");
    assert_eq!(asking.outcome(&alice(&["staff"], true, 60)), ("allow", NoMiss), "still known");
    let bob = on_device("bob", &["staff", "others"], mdm(true, 60));
    assert_eq!(asking.outcome(&bob), ("allow", NoMiss), "no policy reads what differs");
    assert_eq!(asking.at(&bob, OTHER_PAGE, NOW).1, NoMiss, "no policy reads the path");
}

#[portable]
fn a_stale_device_is_not_the_one_that_was_permitted() {
    let asking = Asking::new(&permits(MIN_CACHED_POLICIES, "context has mdm && context.mdm.managed"));
    let device = || mdm(true, 60);
    assert_eq!(asking.outcome(&on_device("alice", &[], device())), ("allow", Missed));
    let stale = (device().0, DeviceEvidence::Stale { age: crate::time::Seconds::new(90_000) });
    assert_eq!(asking.outcome(&on_device("alice", &[], stale)), ("not permitted", Missed));
}

#[portable]
fn fewer_policies_are_evaluated_each_time() {
    let few = Asking::new(&permits(MIN_CACHED_POLICIES - 1, "principal in corp::Group::\"staff\""));
    let staff = user("corp", "alice", &["staff"]);
    for _ in 0..3 {
        assert_eq!(few.outcome(&staff), ("allow", NoMiss));
    }
    assert_eq!(few.policies.take_tally(), CacheTally::default(), "no look-up");
}

#[portable]
fn hits_and_misses_are_told_once() {
    let asking = Asking::new(&permits(MIN_CACHED_POLICIES, "principal in corp::Group::\"staff\""));
    let decide = |groups: &[&str]| {
        let identity = user("corp", "alice", groups);
        let decision = asking.setting.decide(&asking.policies, &identity, &request("GET", PAGE.0, PAGE.1));
        (named(&decision).0, asking.policies.take_tally())
    };
    assert_eq!(decide(&["staff"]), ("allow", CacheTally { hits: 0, misses: 1 }));
    assert_eq!(decide(&["staff"]), ("allow", CacheTally { hits: 1, misses: 0 }));
    assert_eq!(decide(&[]), ("not permitted", CacheTally { hits: 0, misses: 1 }));
    assert_eq!(asking.policies.take_tally(), CacheTally::default());
}

#[portable]
fn a_policy_that_reads_the_time_or_the_path_is_evaluated_each_time() {
    let many = permits(MIN_CACHED_POLICIES, "principal in corp::Group::\"staff\"");
    let now = NOW.get();
    let late = format!(
        "@id(\"late\") forbid (principal is corp::User, action, resource) when {{ context.now > {now} }};
        @id(\"b\") forbid (principal is corp::User, action, resource) when {{ context.http_request.path like \"/b*\" }};"
    );
    let asking = Asking::new(&format!("{many}{late}"));
    let staff = user("corp", "alice", &["staff"]);
    let asked = |page, now| {
        let (decision, lookups) = asking.at(&staff, page, now);
        (named(&decision).0, lookups)
    };
    assert_eq!(asked(PAGE, NOW), ("allow", Missed));
    assert_eq!(asked(PAGE, UnixSeconds::new(now + 1)), ("forbidden", NoMiss));
    assert_eq!(asked(OTHER_PAGE, NOW), ("forbidden", NoMiss));
    assert_eq!(asked(PAGE, NOW), ("allow", NoMiss));
}

#[portable]
fn the_attributes_of_another_route_are_other_facts() {
    let setting = Setting::new().with_attributes();
    let policies = setting.policies(&permits(MIN_CACHED_POLICIES, "resource.sensitivity == \"secret\""));
    let asking = Asking { setting, policies };
    let alice = user("corp", "alice", &[]);
    for lookups in [Missed, NoMiss] {
        for (place, wanted) in [(ORDER, "allow"), (PAGE, "not permitted")] {
            let (decision, used) = asking.at(&alice, place, NOW);
            assert_eq!((named(&decision).0, used), (wanted, lookups));
        }
    }
}

fn with_email(length: usize, number: usize) -> Identity {
    let email = format!("{number:0>length$}");
    user_with("corp", "alice", &[], &[("email", FactValue::String(email))], &[])
}

#[portable]
fn a_fact_over_the_cap_is_not_kept_and_is_decided_all_the_same() {
    let asking = Asking::new(&permits(MIN_CACHED_POLICIES, "context.corp.email like \"0*\""));
    // The shortest email that is over the cap has one byte more than the longest that is not.
    let is_kept = |length: usize| asking.outcome(&with_email(length, 1)) == ("allow", Missed);
    let longest = (0..MAX_DECISION_KEY_BYTES).rev().find(|length| is_kept(*length)).expect("one that is kept");
    assert!(longest > MAX_DECISION_KEY_BYTES - 100);
    assert_eq!(asking.outcome(&with_email(longest + 1, 2)), ("allow", NoMiss));
    assert_eq!(asking.outcome(&with_email(longest, 2)), ("allow", Missed));
    assert_eq!(asking.outcome(&with_email(longest, 2)), ("allow", NoMiss));
}

#[portable]
fn the_cache_is_bounded_and_keeps_what_is_used() {
    let asking = Asking::new(&permits(MIN_CACHED_POLICIES, "context.corp.email like \"0*\""));
    let often = with_email(10, 0);
    assert_eq!(asking.outcome(&often), ("allow", Missed));
    let (mut most, users) = (0, 3 * MAX_DECISION_CACHE_BYTES / 1_000);
    for number in 1..=users {
        assert_eq!(asking.outcome(&with_email(1_000, number)), ("allow", Missed));
        assert_eq!(asking.outcome(&often), ("allow", NoMiss), "after {number} others");
        most = most.max(asking.policies.cached_bytes());
    }
    assert!(most <= MAX_DECISION_CACHE_BYTES, "{most}");
    assert!(most > MAX_DECISION_CACHE_BYTES * 9 / 10, "{most}");
    assert_eq!(asking.outcome(&with_email(1_000, 1)), ("allow", Missed), "the first one is forgotten");
}

#[portable]
fn cached_facts_are_told_apart_by_their_whole_values() {
    // Two strings whose bytes in a row are the same, and absent ones.
    let condition = "context.corp.email == \"ab\" && context.corp has department && context.corp.department == \"c\"";
    let asking = Asking::new(&permits(MIN_CACHED_POLICIES, condition));
    let person = |email: &str, department: Option<&str>| {
        let text = |text: &str| FactValue::String(text.to_owned());
        let mut own = vec![("email", text(email))];
        own.extend(department.map(|department| ("department", text(department))));
        assert_eq!(facts(&own).len(), own.len());
        user_with("corp", "alice", &[], &own, &[])
    };
    assert_eq!(asking.outcome(&person("ab", Some("c"))), ("allow", Missed));
    assert_eq!(asking.outcome(&person("a", Some("bc"))), ("not permitted", Missed));
    assert_eq!(asking.outcome(&person("abc", None)), ("not permitted", Missed));
    assert_eq!(asking.outcome(&person("abc", Some(""))), ("not permitted", Missed));
    assert_eq!(asking.outcome(&person("ab", Some("c"))), ("allow", NoMiss));
}
