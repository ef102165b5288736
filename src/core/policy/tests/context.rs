//! The table of the request's facts is what requests have, and what docs/policies.md says.

use std::net::{IpAddr, Ipv4Addr};

use super::fixture::{Setting, named, request, user, with_fields};
use crate::policy::context::{PEER_FACTS, REQUEST_FACTS};
use crate::portable;
use crate::request::{Peer, Request};

const POLICIES: &str = include_str!("../../../../docs/policies.md");

fn allowed(condition: &str, request: &Request) -> bool {
    let setting = Setting::new();
    let policies =
        setting.policies(&format!("@id(\"p\") permit (principal, action, resource) when {{ {condition} }};"));
    named(&setting.decide(&policies, &user("corp", "a", &[]), request)).0 == "allow"
}

#[portable]
fn a_fact_is_certain_where_a_bare_request_has_it() {
    let bare = request("GET", "wiki.example.com", "/a");
    let mut full = with_fields("GET", "wiki.example.com", "/a?b", &[("user-agent", b"probe")]);
    full.client_ip = Some(IpAddr::V4(Ipv4Addr::LOCALHOST));
    full.destination_port = Some(443);
    full.peer = Peer { certificate_sha256: Some([7; 32]), uri: Some("spiffe://a".to_owned()) };
    for fact in REQUEST_FACTS {
        let has = format!("context.http_request has {}", fact.name);
        assert!(allowed(&has, &full), "{}", fact.name);
        assert_eq!(allowed(&has, &bare), fact.certain, "{}", fact.name);
    }
    for name in PEER_FACTS {
        assert!(allowed(&format!("context has peer.{name}"), &full), "{name}");
        assert!(!allowed(&format!("context has peer.{name}"), &bare), "{name}");
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

#[portable]
fn the_documentation_says_which_facts_may_be_absent() {
    for fact in REQUEST_FACTS {
        let row = POLICIES
            .lines()
            .filter(|line| line.starts_with("| `http_request."))
            .find(|line| line.split('|').nth(1).is_some_and(|names| names.contains(&format!(".{}`", fact.name))))
            .unwrap_or_else(|| panic!("docs/policies.md has no row for `{}`", fact.name));
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        assert_eq!(cells.get(3).is_some_and(|there| there.starts_with("always")), fact.certain, "{row}");
        assert_eq!(cells.get(4).copied(), Some(if fact.certain { "" } else { "yes" }), "{row}");
    }
}
