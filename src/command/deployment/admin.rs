//! The administration interface, where Envoy does not authenticate clients.

use std::net::IpAddr;

use super::codes::Code;
use super::findings::Findings;
use super::json_view::Part;
use super::model::Model;

/// Beginnings of paths that change nothing and reveal nothing of the configuration.
const HARMLESS_PATHS: [&str; 2] = ["/stats", "/ready"];

/// Checks the administration interfaces of proxies that have the plugin.
pub fn check(model: &Model<'_>, findings: &mut Findings) {
    if model.plugins.is_empty() {
        return;
    }
    for admin in &model.admins {
        let Some(address) = admin.path(["address", "socket_address", "address"]) else { continue };
        if !address.text().is_some_and(is_loopback) && !shows_only_numbers(admin) {
            let what = "the administration interface listens on an address that other machines can reach";
            let help = "write:\naddress: { socket_address: { address: 127.0.0.1, port_value: 9901 } }\nor a pipe; or, \
                        if your Envoy supports `allow_paths`, allow only the paths that monitoring needs:\n\
                        allow_paths: [{ exact: /ready }, { prefix: /stats }]";
            findings.add(Code::AdminExposed, &address, what, help);
        }
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

/// Whether only harmless paths can be reached.
fn shows_only_numbers(admin: &Part<'_>) -> bool {
    let paths = admin.list("allow_paths");
    let is_harmless = |path: &Part<'_>| {
        let text = ["exact", "prefix"].into_iter().find_map(|name| path.text_of(name));
        text.is_some_and(|text| HARMLESS_PATHS.iter().any(|own| text.starts_with(own)))
    };
    !paths.is_empty() && paths.iter().all(is_harmless)
}
