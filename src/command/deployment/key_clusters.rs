//! The clusters that keys are fetched through. They alone authenticate the provider, because the plugin sees no certificate.
//!
//! What the cluster of an `https` URL needs is trusted authorities, a match of the certificate's names, and SNI. An `http`
//! URL, which the configuration has to call insecure, is for a provider on this machine, or behind a cluster with TLS.

mod mesh;

use countersign_core::fetch::Endpoint;

use super::cluster::{is_automatic, is_local, server_names, sockets};
use super::codes::Code;
use super::findings::Findings;
use super::json_view::Part;
use super::model::Model;
use super::plugin::Plugin;
use super::validation::{accepts_untrusted, contexts, is_checked};

/// What makes certificates of one key, or one certificate, the only ones taken; their names do not matter then.
const PINS: [&str; 2] = ["verify_certificate_spki", "verify_certificate_hash"];

/// The lists of names that certificates are held against; the second is the older one.
const MATCHERS: [&str; 2] = ["match_typed_subject_alt_names", "match_subject_alt_names"];

/// Checks the clusters of all plugins.
pub fn check(model: &Model<'_>, findings: &mut Findings) {
    for plugin in model.envoy_plugins() {
        for keys in &plugin.outline.key_endpoints {
            if !known(model, keys, findings) {
                absent(plugin, keys, findings);
            }
        }
    }
    for (_, plugin) in model.resources.iter().flat_map(|resource| &resource.plugins) {
        for keys in &plugin.outline.key_endpoints {
            if !known(model, keys, findings) {
                mesh::check(model, plugin, keys, findings);
            }
        }
    }
}

/// Checks the clusters that are here; false where there are none.
fn known(model: &Model<'_>, keys: &Endpoint, findings: &mut Findings) -> bool {
    let mut clusters = model.clusters_named(&keys.cluster).peekable();
    let any = clusters.peek().is_some();
    clusters.for_each(|cluster| transport(model, cluster, keys, findings));
    any
}

/// A cluster that is in none of the files: it can still come from elsewhere, unless the files are all there is.
fn absent(plugin: &Plugin<'_>, keys: &Endpoint, findings: &mut Findings) {
    let root = Part::root(plugin.part.source);
    let is_static =
        root.member("static_resources").is_some() && root.path(["dynamic_resources", "cds_config"]).is_none();
    let is_dump =
        !root.find(&|part| part.message().is_some_and(|(kind, _)| kind.ends_with(".ClustersConfigDump"))).is_empty();
    let what = format!(
        "keys at {} are fetched through cluster `{}`, which is in none of these files",
        keys.url.origin(),
        keys.cluster
    );
    if is_static || is_dump {
        let help = format!("write among the clusters:\n- {}", cluster_lines(keys).replace('\n', "\n  "));
        findings.add(Code::KeyClusterMissing, &plugin.part, &what, &help);
    } else {
        findings.add(Code::KeyClusterUnseen, &plugin.part, &what, "give the file with the cluster too");
    }
}

fn transport(model: &Model<'_>, cluster: &Part<'_>, keys: &Endpoint, findings: &mut Findings) {
    if !keys.url.is_https() && is_local(cluster) {
        return;
    }
    let sockets = sockets(cluster);
    let plain = sockets.iter().find(|(_, tls)| tls.is_none()).map(|(socket, _)| socket);
    if let Some(part) = plain.or(sockets.is_empty().then_some(cluster)) {
        let (what, help) = if keys.url.is_https() {
            ("has no TLS", format!("write in the cluster:\n{}", socket_lines(keys)))
        } else {
            let instead = "give its endpoints addresses of this machine (127.0.0.1, ::1, a pipe), or write an https:// URL in the \
                           plugin's configuration, without `insecure`, and in the cluster:\n";
            ("does not lead to this machine and has no TLS", format!("{instead}{}", socket_lines(keys)))
        };
        let what = format!("cluster `{}`, which leads to the keys at {}, {what}", keys.cluster, keys.url.origin());
        findings.add(Code::KeyClusterUnauthenticated, part, &what, &help);
    }
    for (_, tls) in &sockets {
        tls.iter().for_each(|tls| authentication(model, cluster, tls, keys, findings));
    }
}

/// Whether TLS tells the provider from everybody else.
fn authentication(model: &Model<'_>, cluster: &Part<'_>, tls: &Part<'_>, keys: &Endpoint, findings: &mut Findings) {
    let leads = format!("cluster `{}`, which leads to the keys at {}", keys.cluster, keys.url.origin());
    let help = || format!("write in the cluster:\n{}", socket_lines(keys));
    let contexts = contexts(model, tls);
    let all_known = contexts.iter().all(|(_, known)| *known);
    let pinned = contexts.iter().any(|(context, _)| PINS.iter().any(|pin| !context.list(pin).is_empty()));
    let matchers: Vec<Part<'_>> =
        contexts.iter().flat_map(|(context, _)| MATCHERS.iter().flat_map(|list| context.list(list))).collect();
    // It takes the place of the list.
    let by_sni = tls.flag("auto_sni_san_validation");
    let automatic = by_sni || is_automatic(cluster, "auto_san_validation");

    let trusts = contexts.iter().any(|(context, known)| !known || is_checked(context));
    let is_named = pinned || automatic || !matchers.is_empty();
    let lacks = match (trusts, is_named || !all_known) {
        (false, false) => {
            Some("accepts any certificate: it has neither `trusted_ca` nor `match_typed_subject_alt_names`")
        }
        (false, true) => Some("accepts any certificate: it has no `trusted_ca`"),
        (true, false) => Some("accepts the certificate of any host: it has no `match_typed_subject_alt_names`"),
        (true, true) => None,
    };
    if let Some(lacks) = lacks {
        findings.add(Code::KeyClusterUnauthenticated, tls, &format!("{leads}, {lacks}"), &help());
    } else if !is_named {
        let what = format!("{leads}, checks certificates by a secret that is in none of the files");
        findings.add(Code::KeyClusterUnseen, tls, &what, "give the file with the secret too");
    }
    for untrusted in contexts.iter().filter_map(|(context, _)| accepts_untrusted(context)) {
        let what = format!("{leads}, accepts any certificate: ACCEPT_UNTRUSTED");
        findings.add(Code::KeyClusterUnauthenticated, &untrusted, &what, "remove it");
    }
    server_name(cluster, tls, keys, &leads, findings);
    for matcher in matchers.iter().filter(|matcher| !pinned && !by_sni && !is_exactly(matcher, keys)) {
        let what = format!("{leads}, accepts certificates by a match other than `exact: {}`", keys.url.host_name());
        let help = format!("if this is not intended, write in the validation context:\n{}", matcher_lines(keys));
        findings.add(Code::KeyClusterName, matcher, &what, &help);
    }
}

fn server_name(cluster: &Part<'_>, tls: &Part<'_>, keys: &Endpoint, leads: &str, findings: &mut Findings) {
    let Some(names) = server_names(cluster, tls) else { return };
    if names.is_empty() && !keys.url.host_is_address() {
        let help = format!("write in the TLS context:\nsni: {}", keys.url.host_name());
        findings.add(Code::KeyClusterSni, tls, &format!("{leads}, has no `sni`"), &help);
    }
    for name in
        names.iter().filter(|name| !name.text().is_some_and(|name| name.eq_ignore_ascii_case(&keys.url.host_name())))
    {
        let help = format!("if this is not intended, write in the TLS context:\nsni: {}", keys.url.host_name());
        findings.add(Code::KeyClusterName, name, &format!("{leads}, asks for another name (SNI)"), &help);
    }
}

/// Whether an entry of a list of names is exactly the host.
fn is_exactly(entry: &Part<'_>, keys: &Endpoint) -> bool {
    let matcher = entry.member("matcher").unwrap_or_else(|| entry.clone());
    matcher.text_of("exact").is_some_and(|name| name.eq_ignore_ascii_case(&keys.url.host_name()))
}

fn matcher_lines(keys: &Endpoint) -> String {
    let kind = if keys.url.host_is_address() { "IP_ADDRESS" } else { "DNS" };
    format!(
        "match_typed_subject_alt_names:\n- {{ san_type: {kind}, matcher: {{ exact: \"{}\" }} }}",
        keys.url.host_name()
    )
}

/// The transport socket that authenticates a host.
fn socket_lines(keys: &Endpoint) -> String {
    let sni = if keys.url.host_is_address() { String::new() } else { format!("    sni: {}\n", keys.url.host_name()) };
    let matcher = matcher_lines(keys).replace('\n', "\n        ");
    format!(
        r#"transport_socket:
  name: envoy.transport_sockets.tls
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
{sni}    common_tls_context:
      validation_context:
        trusted_ca: {{ filename: /etc/ssl/certs/ca-certificates.crt }}
        {matcher}"#
    )
}

/// A whole cluster for a host.
fn cluster_lines(keys: &Endpoint) -> String {
    let (address, socket) = match keys.url.is_https() {
        true => (keys.url.host_name(), format!("\n{}", socket_lines(keys))),
        false => ("127.0.0.1".to_owned(), String::new()),
    };
    format!(
        r#"name: {cluster}
type: STRICT_DNS
connect_timeout: 5s
load_assignment:
  cluster_name: {cluster}
  endpoints:
  - lb_endpoints:
    - endpoint: {{ address: {{ socket_address: {{ address: "{address}", port_value: {port} }} }} }}{socket}"#,
        cluster = keys.cluster,
        port = keys.url.port(),
    )
}
