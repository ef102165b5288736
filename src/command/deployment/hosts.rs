//! Compares the domains of virtual hosts with the hosts of the applications.

use countersign_core::route::HostPattern;

use super::codes::Code;
use super::findings::Findings;
use super::json_view::Part;
use super::model::{HttpConnectionManager, Model};

/// Checks all connection managers that have the plugin and whose routes are all here.
pub fn check(model: &Model<'_>, findings: &mut Findings) {
    let with_routes = |manager: &&HttpConnectionManager<'_>| !manager.routes.is_empty();
    for manager in model.managers.iter().filter(with_routes) {
        for plugin in manager.plugins() {
            let Some(hosts) = &plugin.outline.hosts else { continue };
            let virtual_hosts = manager.routes.iter().flat_map(|routes| routes.list("virtual_hosts"));
            let domains: Vec<Part<'_>> = virtual_hosts.flat_map(|host| host.list("domains")).collect();
            for domain in &domains {
                let text = domain.text().unwrap_or_default();
                if !hosts.iter().any(|host| matches(text, host)) {
                    let what = format!("no application of the plugin has a host that matches `{text}`");
                    let help = "add it to `hosts` of an application, or remove it here";
                    findings.add(Code::HostsDiffer, domain, &what, help);
                }
            }
            if manager.routes_elsewhere.is_some() {
                continue;
            }
            let unserved = hosts
                .iter()
                .filter(|host| !domains.iter().any(|domain| domain.text().is_some_and(|domain| matches(domain, host))));
            for host in unserved {
                let what = format!("`{host}` is a host of an application, but no virtual host has it as a domain");
                let help = format!("write among the `domains` of a virtual host:\n- {host}");
                findings.add(Code::HostsDiffer, &plugin.part, &what, &help);
            }
        }
    }
}

/// Whether requests for a host of an application come to a domain as Envoy reads them: exact, `*.suffix`, `prefix.*` or
/// `*`, with or without a port. A wildcard host does where some of its hosts do.
fn matches(domain: &str, host: &HostPattern) -> bool {
    let domain = domain.to_ascii_lowercase();
    let port =
        |(_, port): &(&str, &str)| *port == "*" || (!port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()));
    let domain = domain.rsplit_once(':').filter(port).map_or(domain.as_str(), |(name, _)| name);
    let (before, after) = match domain.split_once('*') {
        None => return host.to_string() == domain || host.covers(domain),
        Some(parts) => parts,
    };
    let host = host.to_string();
    let rest = host.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
    rest.is_some_and(|rest| domain == "*" || !rest.is_empty())
}
