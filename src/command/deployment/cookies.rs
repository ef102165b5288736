//! Tokens in cookies of Envoy's `oauth2` filter. The plugin decides about the cookies that `from` of an issuer names, and
//! leaves others alone.

use super::codes::Code;
use super::findings::Findings;
use super::json_view::Part;
use super::model::{HttpConnectionManager, Model};

const OAUTH2: &str = "envoy.extensions.filters.http.oauth2.v3.OAuth2";

/// The cookies in which the filter keeps its tokens: the member that turns each off, the member of `cookie_names` that
/// renames it, and its usual name.
const COOKIES: [(&str, &str, &str); 3] = [
    ("disable_access_token_set_cookie", "bearer_token", "BearerToken"),
    ("disable_id_token_set_cookie", "id_token", "IdToken"),
    ("disable_refresh_token_set_cookie", "refresh_token", "RefreshToken"),
];

const REMOVED: &str = "request_headers_to_remove";

/// Checks all connection managers that have the plugin.
pub fn check(model: &Model<'_>, findings: &mut Findings) {
    for manager in model.managers.iter().filter(|manager| manager.has_plugin()) {
        if routes_remove_cookies(manager) {
            continue;
        }
        for chain in &manager.chains {
            for (plugin_filter, plugin, _) in chain.plugins() {
                if plugin.outline.withholding_issuers.is_empty() {
                    continue;
                }
                let before =
                    chain.filters.iter().take_while(|filter| filter.part.pointer != plugin_filter.part.pointer);
                let logins = before.filter_map(|filter| filter.message.as_ref());
                for (_, login) in logins.filter(|(kind, _)| *kind == OAUTH2) {
                    let mut forwarded = stored(login);
                    forwarded.retain(|cookie| !plugin.outline.credential_cookies.contains(cookie));
                    if !forwarded.is_empty() {
                        found(login, &forwarded, &plugin.outline.withholding_issuers, findings);
                    }
                }
            }
        }
    }
}

fn found(login: &Part<'_>, cookies: &[String], issuers: &[String], findings: &mut Findings) {
    let what = format!(
        "this filter keeps tokens in the cookies `{}`, and `{}` has `forward: never`",
        cookies.join("`, `"),
        issuers.join("`, `")
    );
    let help = "turn off the cookies that you do not need (`disable_access_token_set_cookie: true` and the like); let the \
                plugin take the token from the cookie, with `from: [{ cookie: NAME }]`; write \
                `request_headers_to_remove: [cookie]` for the whole route configuration if the upstream needs no cookies; or \
                acknowledge with `forward: verified` that the upstream receives the token";
    findings.add(Code::TokenInCookie, login, &what, help);
}

/// The cookies in which the filter keeps tokens.
fn stored(message: &Part<'_>) -> Vec<String> {
    let config = message.member("config").unwrap_or_else(|| message.clone());
    let names = config.member("credentials").and_then(|credentials| credentials.member("cookie_names"));
    let name = |renamed: &str, usual: &str| {
        let renamed = names.as_ref().and_then(|names| names.member(renamed));
        renamed.and_then(|name| name.text().map(str::to_owned)).unwrap_or_else(|| usual.to_owned())
    };
    let kept = COOKIES.iter().filter(|(turned_off, ..)| !config.flag(turned_off));
    kept.map(|(_, renamed, usual)| name(renamed, usual)).collect()
}

/// Whether every request loses its cookies after the decision.
fn routes_remove_cookies(manager: &HttpConnectionManager<'_>) -> bool {
    let removes = |part: &Part<'_>| {
        let mut names = part.list(REMOVED).into_iter().filter_map(|name| name.text());
        names.any(|name| name.eq_ignore_ascii_case("cookie"))
    };
    manager.routes_elsewhere.is_none() && !manager.routes.is_empty() && manager.routes.iter().all(removes)
}
