//! The table of the request's facts is what requests have, and what docs/policies.md says.

use std::net::{IpAddr, Ipv4Addr};

use super::fixture::{Setting, named, request, user, with_fields};
use crate::identity::{Identity, Workload};
use crate::policy::context::{CONTEXT_FACTS, ContextFact, ContextType, DEVICE_FACTS};
use crate::portable;
use crate::request::{Peer, Request};

const POLICIES: &str = include_str!("../../../../docs/policies.md");

fn allowed_to(identity: &Identity, condition: &str, request: &Request) -> bool {
    let setting = Setting::new();
    let policies =
        setting.policies(&format!("@id(\"p\") permit (principal, action, resource) when {{ {condition} }};"));
    named(&setting.decide(&policies, identity, request)).0 == "allow"
}

fn allowed(condition: &str, request: &Request) -> bool {
    allowed_to(&user("corp", "a", &[]), condition, request)
}

fn path(fact: &ContextFact) -> String {
    fact.record.map_or(fact.name.to_owned(), |record| format!("{record}.{}", fact.name))
}

fn presence(fact: &ContextFact) -> String {
    format!("context has {}", path(fact))
}

#[portable]
fn a_fact_is_certain_where_a_bare_request_has_it() {
    let bare = request("GET", "wiki.example.com", "/a");
    let mut full = with_fields("GET", "wiki.example.com", "/a?b", &[("user-agent", b"probe")]);
    full.client_ip = Some(IpAddr::V4(Ipv4Addr::LOCALHOST));
    full.destination_port = Some(443);
    full.peer = Peer::of_validated_certificate([7; 32], Some(b"spiffe://example.org/a"), None);
    let over_a_connection = user("corp", "a", &[]).over(Workload::for_test("spiffe://example.org/a"));
    for fact in &CONTEXT_FACTS {
        let has = presence(fact);
        assert!(allowed_to(&over_a_connection, &has, &full), "{has}");
        assert_eq!(allowed(&has, &bare), fact.is_certain(false), "{has}");
        assert_eq!(allowed_to(&over_a_connection, &has, &bare), fact.is_certain(true), "{has}");
    }
}

#[portable]
fn a_user_agent_that_is_sent_twice_or_is_not_text_is_absent() {
    let fields: [&[(&str, &[u8])]; 3] = [
        &[("user-agent", b"a"), ("user-agent", b"b")],
        &[("user-agent", b"a"), ("user-agent", b"a")],
        &[("user-agent", b"\xff")],
    ];
    for fields in fields {
        let asked = with_fields("GET", "wiki.example.com", "/a", fields);
        assert!(!allowed("context.http_request has user_agent", &asked), "{fields:?}");
    }
    assert!(allowed(
        "context.http_request has user_agent",
        &with_fields("GET", "wiki.example.com", "/a", &[("user-agent", b"")])
    ));
}

const fn type_name(of: ContextType) -> &'static str {
    match of {
        ContextType::String | ContextType::PathParameters => "String",
        ContextType::Long => "Long",
        ContextType::Bool => "Bool",
        ContextType::Ip => "ipaddr",
    }
}

#[portable]
fn the_documentation_says_which_facts_there_are_their_types_and_which_may_be_absent() {
    let rows: Vec<Vec<&str>> = POLICIES
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| line.split('|').map(str::trim).collect())
        .collect();
    // `a.b`, `.c` in one cell are two members of `a`.
    let row = |record: Option<&str>, name: &str| {
        let found = rows.iter().find(|row| {
            row.get(1).is_some_and(|names| match record {
                None => *names == format!("`{name}`"),
                Some(record) => {
                    names.starts_with(&format!("`{record}."))
                        && names.split([',', '`']).any(|one| {
                            one.rsplit('.').next() == Some(name) || one.ends_with(&format!(".{name}.<name>"))
                        })
                }
            })
        });
        found.unwrap_or_else(|| panic!("docs/policies.md has no row for {record:?} `{name}`"))
    };
    for fact in &CONTEXT_FACTS {
        let cells = row(fact.record, fact.name);
        assert_eq!(cells.get(2).copied(), Some(type_name(fact.of)), "{cells:?}");
        if fact.of != ContextType::PathParameters {
            assert_eq!(
                cells.get(3).is_some_and(|there| there.starts_with("always")),
                fact.is_certain(false),
                "{cells:?}"
            );
            assert_eq!(cells.get(4).copied(), Some(if fact.is_certain(false) { "" } else { "yes" }), "{cells:?}");
        }
    }
    for fact in DEVICE_FACTS {
        assert_eq!(row(Some("<device>"), fact.name).get(2).copied(), Some(type_name(fact.of)));
    }
}
