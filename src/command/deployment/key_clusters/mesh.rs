//! The way to keys where a control plane writes the clusters: Istio's ServiceEntry and DestinationRule, and an
//! EnvoyPatchPolicy of Envoy Gateway's, whose clusters are judged like any other.
//!
//! Of Istio's clusters the TLS comes from a DestinationRule alone: without one the proxy writes plain bytes to port 443.

use countersign_core::fetch::Endpoint;

use super::super::codes::Code;
use super::super::findings::Findings;
use super::super::json_view::Part;
use super::super::model::Model;
use super::super::plugin::Plugin;
use super::cluster_lines;

/// Modes of TLS in which the proxy checks the certificate that it sees.
const CHECKING: [&str; 3] = ["SIMPLE", "MUTUAL", "ISTIO_MUTUAL"];

/// Checks a cluster that is in none of the files as such.
pub fn check(model: &Model<'_>, plugin: &Plugin<'_>, keys: &Endpoint, findings: &mut Findings) {
    let cluster = &keys.cluster;
    let Some((port, service)) = outbound(cluster) else {
        let what = format!(
            "keys at {} are fetched through cluster `{cluster}`, which is in none of these files",
            keys.url.origin()
        );
        let lines = cluster_lines(keys).replace('\n', "\n  ");
        let help = format!(
            "give the file with it too. In Istio a ServiceEntry makes the cluster `outbound|<port>||<host>`, and a DestinationRule \
             its TLS; for Envoy Gateway write an EnvoyPatchPolicy that adds (op: add, path: \"\") this value of type \
             type.googleapis.com/envoy.config.cluster.v3.Cluster:\n  {lines}"
        );
        return findings.add(Code::KeyClusterUnseen, &plugin.part, &what, &help);
    };
    let entries: Vec<Part<'_>> = model.resources_of("ServiceEntry").map(|entry| entry.spec.clone()).collect();
    let names = |entry: &&Part<'_>| entry.list("hosts").iter().any(|name| name.text() == Some(service));
    let entry = entries.iter().find(names);
    if let Some(entry) = entry.filter(|entry| !entry.list("ports").iter().any(|own| has_port(own, port))) {
        let what = format!("keys are fetched through `{cluster}`, but this ServiceEntry has no port {port}");
        findings.add(Code::KeyClusterMissing, entry, &what, &format!("add the port, or name another in `{cluster}`"));
    }
    let rules: Vec<Part<'_>> = model.resources_of("DestinationRule").map(|rule| rule.spec.clone()).collect();
    let rule = rules.iter().find(|rule| rule.text_of("host") == Some(service));
    let what = match (entry, rule) {
        (_, Some(rule)) => {
            tls(rule, port, keys, findings);
            if entry.is_some() || is_of_cluster(service) {
                return;
            }
            format!("keys are fetched through `{cluster}`, but these files have no ServiceEntry for `{service}`")
        }
        (_, None) => {
            format!("keys are fetched through `{cluster}`, but these files have no DestinationRule for `{service}`")
        }
    };
    let help = format!("give their files too, or write:\n{}", lines(keys, port, service));
    findings.add(Code::KeyClusterUnseen, &plugin.part, &what, &help);
}

/// Port and host of a cluster that Istio names: `outbound|<port>||<host>`.
fn outbound(cluster: &str) -> Option<(u64, &str)> {
    let (port, service) = cluster.strip_prefix("outbound|")?.split_once("||")?;
    Some((port.parse().ok()?, service))
}

fn has_port(part: &Part<'_>, port: u64) -> bool {
    part.member("number").is_some_and(|number| number.value.as_u64() == Some(port))
}

/// A Service of Kubernetes needs no ServiceEntry.
fn is_of_cluster(service: &str) -> bool {
    service.contains(".svc.") || service.ends_with(".svc")
}

/// What a DestinationRule makes of connections to the port.
fn tls(rule: &Part<'_>, port: u64, keys: &Endpoint, findings: &mut Findings) {
    let policy = rule.member("trafficPolicy");
    let by_port = policy.as_ref().map(|policy| policy.list("portLevelSettings")).unwrap_or_default();
    let by_port = by_port.into_iter().find(|own| own.member("port").is_some_and(|own| has_port(&own, port)));
    let tls = by_port.or(policy).and_then(|policy| policy.member("tls"));
    let leads = format!("`{}`, which leads to the keys at {}", keys.cluster, keys.url.origin());
    let help = format!("write for the port:\n{}", tls_lines(keys));
    let mode = tls.as_ref().and_then(|tls| tls.text_of("mode")).unwrap_or("DISABLE");
    let Some(tls) = tls.filter(|_| CHECKING.contains(&mode)) else {
        let what = format!("this rule gives no TLS to {leads}");
        return findings.add(Code::KeyClusterUnauthenticated, rule, &what, &help);
    };
    // The mesh knows the names of its own.
    if mode == "ISTIO_MUTUAL" {
        return;
    }
    let names = tls.list("subjectAltNames");
    let trusts = ["caCertificates", "credentialName"].iter().any(|name| tls.text_of(name).is_some());
    let lacks = match (trusts && !tls.flag("insecureSkipVerify"), !names.is_empty()) {
        (true, true) => None,
        (true, false) => Some("the certificate of any host is accepted: there are no `subjectAltNames`"),
        (false, _) if tls.flag("insecureSkipVerify") => Some("any certificate is accepted: `insecureSkipVerify`"),
        (false, _) => {
            Some("the release of Istio decides whether certificates are checked: there are no `caCertificates`")
        }
    };
    if let Some(lacks) = lacks {
        findings.add(Code::KeyClusterUnauthenticated, &tls, &format!("for {leads}, {lacks}"), &help);
    }
    let is_host = |name: &Part<'_>| name.text().is_some_and(|name| name.eq_ignore_ascii_case(&keys.url.host_name()));
    match tls.member("sni") {
        None if !keys.url.host_is_address() => {
            findings.add(Code::KeyClusterSni, &tls, &format!("{leads}, has no `sni`"), &help);
        }
        sni => {
            for name in sni.iter().chain(&names).filter(|name| !is_host(name)) {
                let what = format!("{leads}, has a different name here");
                let help = format!("if this is not intended, write:\n{}", keys.url.host_name());
                findings.add(Code::KeyClusterName, name, &what, &help);
            }
        }
    }
}

fn tls_lines(keys: &Endpoint) -> String {
    let name = keys.url.host_name();
    format!("tls: {{ mode: SIMPLE, sni: {name}, subjectAltNames: [{name}], caCertificates: system }}")
}

/// Both resources for a host outside the mesh.
fn lines(keys: &Endpoint, port: u64, service: &str) -> String {
    let target = keys.url.port();
    let tls = tls_lines(keys);
    let (name, protocol) = if port == 443 { ("https", "HTTPS") } else { ("http", "HTTP") };
    format!(
        "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nspec:\n  hosts: [{service}]\n  location: MESH_EXTERNAL\n  \
         resolution: DNS\n  ports: [{{ number: {port}, name: {name}, protocol: {protocol}, targetPort: {target} }}]\n---\napiVersion: \
         networking.istio.io/v1\nkind: DestinationRule\nspec:\n  host: {service}\n  trafficPolicy:\n    portLevelSettings:\n    - \
         port: {{ number: {port} }}\n      {tls}"
    )
}
