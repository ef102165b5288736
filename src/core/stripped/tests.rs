//! The list itself, and what the configuration makes of it.

use std::collections::BTreeSet;

use super::{Group, HeaderRules, LEFT_ALONE, Pattern, REMOVED, Says, normal_form};
use crate::portable;

fn listed() -> impl Iterator<Item = &'static str> {
    REMOVED.iter().flat_map(|group| group.names).copied()
}

fn removes(rules: &HeaderRules, name: &str) -> bool {
    rules.removes(name, &normal_form(name))
}

fn patterns(texts: &[&str]) -> Vec<Pattern> {
    texts.iter().map(|text| Pattern::of(text)).collect()
}

#[portable]
fn every_name_is_in_normal_form_and_stands_in_one_group() {
    let stay = LEFT_ALONE.iter().flat_map(|left| left.names).copied();
    let all: Vec<Pattern> = listed().chain(stay).map(Pattern::of).collect();
    for (index, pattern) in all.iter().enumerate() {
        assert_eq!(&pattern.normal(), pattern);
        let overlapping: Vec<_> = all.iter().skip(index + 1).filter(|other| other.overlaps(pattern)).collect();
        assert!(overlapping.is_empty(), "{pattern} and {overlapping:?}");
    }
    for names in REMOVED.iter().map(|group| group.names).chain(LEFT_ALONE.iter().map(|left| left.names)) {
        assert!(names.is_sorted(), "{names:?}");
    }
}

#[portable]
fn every_name_of_the_list_is_removed_in_every_spelling_that_a_careless_reader_takes_for_it() {
    let rules = HeaderRules::default();
    for name in listed() {
        let name = name.replace('*', "anything");
        let dashes = |with: &str| name.replace('-', with);
        for spelling in [
            name.clone(),
            name.to_ascii_uppercase(),
            dashes("_"),
            dashes("."),
            dashes("~"),
            format!("grpc-metadata-{name}"),
            format!("Grpc_Metadata_{}", dashes("_")),
        ] {
            assert!(removes(&rules, &spelling), "{spelling}");
            assert!(rules.removes_trailer(&spelling, &normal_form(&spelling)), "{spelling}");
        }
    }
}

#[portable]
fn what_other_servers_were_seen_to_believe_is_on_the_list() {
    let rules = HeaderRules::default();
    for name in [
        "Impersonate-User",
        "Impersonate-Extra-Scopes",
        "es-security-runas-user",
        "opendistro_security_impersonate_as",
        "X-Proxy-User",
        "X-Scope-OrgID",
        "kubeflow-userid",
        "X-ProxiedEntitiesChain",
        "X-ProxiedEntityGroups",
        "X-Forwarded-Login",
        "X-Forwarded-Uuid",
        "X-Trino-User",
        "X-Forwarded-Host",
        "Forwarded",
        "X-Host",
        "X-Forwarded-Prefix",
        "X-Real-IP",
        "True-Client-IP",
        "$WSRU",
        "WL-Proxy-Client-Cert",
        "SCRIPT_NAME",
        "x-envoy-original-dst-host",
        "x-countersign",
        "x-countersign-anything",
        "x-remote-group",
        "oidc-claim-sub",
        "x-forwarded-tls-client-cert-info",
        "x-middleware-subrequest",
    ] {
        assert!(removes(&rules, name), "{name}");
    }
}

#[portable]
fn ordinary_headers_are_forwarded() {
    let rules = HeaderRules::default();
    for name in [
        "accept",
        "content-type",
        "cookie",
        "grpc-timeout",
        "host",
        "origin",
        "te",
        "traceparent",
        "x-api-key",
        "x_api_key",
        "x-grafana-org-id",
        "x-user-agent",
    ] {
        assert!(!removes(&rules, name), "{name}");
    }
}

#[portable]
fn what_is_left_alone_is_forwarded_in_its_own_spelling_and_never_as_a_trailer() {
    let rules = HeaderRules::default();
    for left in LEFT_ALONE {
        for name in left.names.iter().map(|name| name.replace('*', "on")) {
            assert!(!removes(&rules, &name), "{name}");
            let other = name.replacen('-', "_", 1);
            assert_eq!(removes(&rules, &other), left.only_spelled_so && other != name, "{other}");
            assert_eq!(rules.removes_trailer(&name, &name), left.only_spelled_so, "{name}");
        }
    }
}

#[portable]
fn an_operator_adds_names_and_beginnings_of_names() {
    let rules = HeaderRules::new(patterns(&["x-acme-user", "x-emca-*", "x-forwarded-proto"]), Vec::new());
    for name in ["x-acme-user", "X_Acme_User", "x-emca-anything", "x_emca_anything", "x-forwarded-proto", "x-user-id"] {
        assert!(removes(&rules, name), "{name}");
        assert!(rules.removes_trailer(name, &normal_form(name)), "{name}");
    }
    for name in ["x-acme-users", "x-acme", "x-emca", "x-forwarded-for"] {
        assert!(!removes(&rules, name), "{name}");
    }
    for written in ["grpc-*", "grpc-metadata-*", "grpc-metadata-acme*", "g*"] {
        let rules = HeaderRules::new(patterns(&[written]), Vec::new());
        for name in ["grpc-metadata-acme", "GRPC_Metadata_Acme", "grpc-metadata-acme-user"] {
            assert!(removes(&rules, name), "{written} {name}");
            assert!(rules.removes_trailer(name, &normal_form(name)), "{written} {name}");
        }
        assert!(!removes(&rules, "acme") && !removes(&rules, "x-request-id"), "{written}");
    }
    // What is left alone goes like anything else when an operator's beginning covers it.
    let rules = HeaderRules::new(patterns(&["x-envoy-*"]), Vec::new());
    assert!(removes(&rules, "x-envoy-external-address") && removes(&rules, "x-envoy-retry-on"));
}

#[portable]
fn a_kept_name_is_forwarded_in_one_spelling_only() {
    let rules = HeaderRules::new(Vec::new(), patterns(&["x-user-id", "opendistro_security_impersonate_as"]));
    assert!(!removes(&rules, "x-user-id"));
    assert!(!removes(&rules, "opendistro_security_impersonate_as"));
    for name in ["x_user_id", "x-user_id", "x.user.id", "grpc-metadata-x-user-id", "opendistro-security-impersonate-as"]
    {
        assert!(removes(&rules, name), "{name}");
    }
    for name in ["x-user-email", "x-user"] {
        assert!(removes(&rules, name), "{name}");
    }
    assert!(
        rules.removes_trailer("x-user-id", "x-user-id"),
        "a proxy in front that sets the header replaces no trailer"
    );
}

#[portable]
fn under_a_kept_beginning_no_two_names_are_one_to_a_careless_reader() {
    let rules = HeaderRules::new(Vec::new(), patterns(&["impersonate-*", "impersonate-extra-a.b"]));
    for name in ["impersonate-user", "impersonate-extra-scopes", "impersonate-extra-a.b"] {
        assert!(!removes(&rules, name), "{name}");
    }
    for name in ["impersonate_user", "impersonate-extra_scopes", "impersonate-extra-a-b", "impersonate-extra-c.d"] {
        assert!(removes(&rules, name), "{name}");
    }
}

#[portable]
fn a_pattern_covers_what_it_stands_for_and_no_more() {
    let covers = |own: &str, other: &str| Pattern::of(own).covers(&Pattern::of(other));
    assert!(covers("x-a-*", "x-a-b") && covers("x-a-*", "x-a-b*") && covers("x-a-*", "x-a-*") && covers("x-a", "x-a"));
    assert!(!covers("x-a-*", "x-a") && !covers("x-a-*", "x-*") && !covers("x-a", "x-a*") && !covers("x-a", "x-b"));
    let overlap = |own: &str, other: &str| Pattern::of(own).overlaps(&Pattern::of(other));
    assert!(overlap("x-*", "x-a-*") && overlap("x-a", "x-*") && !overlap("x-a-*", "x-b-*") && !overlap("x-a", "x-ab"));
}

#[portable]
fn a_name_leads_to_those_who_believe_it() {
    let group = |text: &str| Group::of(&Pattern::of(text).normal());
    assert!(group("impersonate-user").is_some_and(|group| group.believed_by.contains("Kubernetes")));
    assert!(group("impersonate-*").is_some() && group("impersonate-extra-*").is_some());
    assert!(group("x_user_id").is_some_and(|group| group.says == Says::Identity));
    for text in ["x-*", "x-user-*", "x-request-id", "x-acme-user"] {
        assert!(group(text).is_none(), "{text}");
    }
}

/// A list in words must not lead astray: each group says something of its own.
#[portable]
fn every_group_says_who_believes_it() {
    let said: BTreeSet<&str> = REMOVED.iter().map(|group| group.believed_by).collect();
    assert_eq!(said.len(), REMOVED.len());
    for text in said.into_iter().chain(LEFT_ALONE.iter().map(|left| left.why)) {
        assert!(!text.is_empty() && !text.contains(['|', '\n']) && !text.ends_with('.'), "{text}");
    }
}

#[portable]
fn the_screen_passes_every_name_that_is_removed_in_every_spelling() {
    let more = HeaderRules::new(vec![Pattern::of("x-acme-*"), Pattern::of("x-own")], vec![Pattern::of("x-tenant-id")]);
    for rules in [HeaderRules::default(), more] {
        let screen = rules.screen();
        let mut removed = 0;
        let left = LEFT_ALONE.iter().flat_map(|left| left.names).copied();
        for listed in listed().chain(left).chain(["x-acme-*", "x-own", "x-tenant-id"]) {
            let name = listed.replace('*', "any");
            let changed = ["_", ".", "~"].map(|mark| name.replace('-', mark));
            for name in [name.to_ascii_uppercase(), name].into_iter().chain(changed) {
                for name in [format!("grpc-metadata-{name}"), name] {
                    let normal = normal_form(&name);
                    let is_removed = rules.removes(&name, &normal) || rules.removes_trailer(&name, &normal);
                    assert!(!is_removed || screen.passes(&name), "{name}");
                    removed += usize::from(is_removed);
                }
            }
        }
        assert!(removed > 1_000, "{removed}");
    }
}
