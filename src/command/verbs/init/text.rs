//! A first configuration as text, with the comments that lead on.

use std::path::Path;

use countersign_core::fetch::HttpUrl;
use countersign_core::jose::Algorithm;
use serde_json::Value;

use super::metadata::{COMMON_CLAIMS, Metadata};

/// Stands for the application's host where none is given (RFC 2606).
pub const EXAMPLE_HOST: &str = "app.example.com";

/// The claim that makes a principal's groups, and not a fact.
const GROUPS: &str = "groups";

/// The cluster that the metadata is fetched through.
const CLUSTER: &str = "login";

/// The cluster of a key set that is on another host than the metadata.
const KEY_CLUSTER: &str = "login-keys";

/// Where Debian and Alpine have the authorities.
const SYSTEM_AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// What the caller says that the metadata does not.
#[derive(Debug)]
pub struct Wishes<'a> {
    /// `iss`.
    pub issuer: &'a str,
    /// `aud`.
    pub audiences: &'a [String],
    /// The application's host.
    pub host: &'a str,
    /// The authorities of the provider's certificate.
    pub ca: Option<&'a Path>,
}

/// The configuration, as YAML.
pub fn configuration(found: &Metadata, wishes: &Wishes<'_>) -> String {
    let other_host = found.keys.authority() != found.url.authority();
    let mut lines = vec![
        "# A first configuration, from the metadata of the identity provider.".to_owned(),
        "# Check it: countersign check FILE. Every member: docs/configuration.md.".to_owned(),
        "version: 1".to_owned(),
        String::new(),
        "# Everything is decided and recorded, and nothing but ambiguous requests is refused: see what would be refused in".to_owned(),
        "# the decision records (docs/record.md), then write `enforce`.".to_owned(),
        "mode: shadow".to_owned(),
        String::new(),
        "issuers:".to_owned(),
        "  corp:                                     # the name is yours: policies say corp::User and context.corp".to_owned(),
        format!("    issuer: {}", quoted(wishes.issuer)),
        format!("    audiences: [{}]", list(wishes.audiences.iter().map(|audience| quoted(audience)))),
        "    keys:".to_owned(),
        discovery(found),
        format!("      cluster: {CLUSTER}                        # the Envoy cluster below"),
    ];
    if other_host {
        lines.push(
            "      # The metadata names keys on another host. Write it only if that host is the provider's.".to_owned(),
        );
        lines.push(format!("      jwks: {{ host: {}, cluster: {KEY_CLUSTER} }}", quoted(&found.keys.authority())));
    }
    lines.extend(algorithms(found));
    lines.push(
        "    # `typ` of its access tokens: keep the one that they have. `countersign facts TOKEN` shows it.".to_owned(),
    );
    lines.push("    typ: [at+jwt, JWT]".to_owned());
    lines.extend(principal(found));
    lines.extend(facts(found));
    lines.extend(application(wishes.host));
    lines.push(String::new());
    lines.push(
        "# Add to `clusters` of Envoy. Keys are trusted because the cluster authenticates who sent them.".to_owned(),
    );
    lines.extend(cluster(CLUSTER, &found.url, wishes.ca));
    if other_host {
        lines.extend(cluster(KEY_CLUSTER, &found.keys, wishes.ca));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn discovery(found: &Metadata) -> String {
    if found.is_openid {
        return "      discovery: true                       # <issuer>/.well-known/openid-configuration".to_owned();
    }
    format!("      discovery: {}", quoted(&found.url.to_string()))
}

fn algorithms(found: &Metadata) -> [String; 2] {
    if found.algorithms.is_empty() {
        return [
            "    # The metadata announces no algorithms, so every key must name its own `alg`. Better: list those of its tokens.".to_owned(),
            "    # algorithms: [RS256]".to_owned(),
        ];
    }
    [
        "    # Those that the metadata announces and the plugin supports. Keep the ones that its tokens have."
            .to_owned(),
        format!("    algorithms: [{}]", list(found.algorithms.iter().copied().map(Algorithm::name))),
    ]
}

fn principal(found: &Metadata) -> Vec<String> {
    let mut lines = vec![
        "    principal:".to_owned(),
        "      type: User".to_owned(),
        "      id: sub                               # the claim that names the person".to_owned(),
    ];
    if found.claims.contains(&GROUPS) {
        lines.push("      groups: groups                        # a token without the claim is in no group".to_owned());
    }
    lines
}

fn facts(found: &Metadata) -> Vec<String> {
    let mut lines = vec![
        "    # Claims that policies may read; a token may lack those with `?`. The provider announces them for ID tokens, so".to_owned(),
        "    # look at an access token too. A token in which one has another type is rejected.".to_owned(),
        "    facts:".to_owned(),
        "      sub: string".to_owned(),
    ];
    let common = COMMON_CLAIMS.iter().filter(|(claim, _)| *claim != GROUPS && found.claims.contains(claim));
    lines.extend(common.map(|(claim, of)| match *of {
        // Absent scopes are the empty set.
        "scopes" => format!("      {claim}: {of}"),
        _ => format!("      \"{claim}?\": {of}"),
    }));
    lines
}

fn application(host: &str) -> Vec<String> {
    let placeholder = if host == EXAMPLE_HOST { "   # write your application's host" } else { "" };
    let text = "
applications:
  app:                                      # requests for other hosts get 403
    hosts: [HOST]
    requires: [corp]                        # a verified token, before any policy is asked
    routes:
      home: { path: /, methods: [GET, POST, PUT, PATCH, DELETE] }
      rest: { path: \"/{rest*}\", methods: [GET, POST, PUT, PATCH, DELETE] }

# What no policy permits is refused. Starter policies: envoy/policies.
policies: |
  @id(\"signed-in-read\")
  @advice(\"You may read only. Ask the owner of the application for more.\")
  permit (principal is corp::User, action in Action::\"read\", resource in Application::\"app\");";
    text.lines().map(|line| line.replace("[HOST]", &format!("[{}]{placeholder}", quoted(host)))).collect()
}

/// An Envoy cluster, as comments.
fn cluster(name: &str, url: &HttpUrl, ca: Option<&Path>) -> Vec<String> {
    let host = url.host_name();
    let (sni, kind) = if url.host_is_address() { (None, "IP_ADDRESS") } else { (Some(quoted(&host)), "DNS") };
    let authorities = ca.map_or_else(|| SYSTEM_AUTHORITIES.to_owned(), |ca| ca.display().to_string());
    let host = quoted(&host);
    let mut lines = vec![
        format!("- name: {name}"),
        "  type: STRICT_DNS".to_owned(),
        "  connect_timeout: 2s".to_owned(),
        "  load_assignment:".to_owned(),
        format!("    cluster_name: {name}"),
        "    endpoints:".to_owned(),
        "      - lb_endpoints:".to_owned(),
        format!(
            "          - endpoint: {{ address: {{ socket_address: {{ address: {host}, port_value: {} }} }} }}",
            url.port()
        ),
        "  transport_socket:".to_owned(),
        "    name: envoy.transport_sockets.tls".to_owned(),
        "    typed_config:".to_owned(),
        "      \"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext".to_owned(),
    ];
    lines.extend(sni.map(|sni| format!("      sni: {sni}")));
    lines.extend([
        "      common_tls_context:".to_owned(),
        "        validation_context:".to_owned(),
        format!("          trusted_ca: {{ filename: {} }}", quoted(&authorities)),
        format!("          match_typed_subject_alt_names: [{{ san_type: {kind}, matcher: {{ exact: {host} }} }}]"),
    ]);
    lines.into_iter().map(|line| format!("# {line}")).collect()
}

/// A JSON string, which is a YAML string too, whatever is in it.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn list(items: impl Iterator<Item = impl AsRef<str>>) -> String {
    items.map(|item| item.as_ref().to_owned()).collect::<Vec<_>>().join(", ")
}
