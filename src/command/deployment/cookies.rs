//! Tokens in cookies of Envoy's `oauth2` filter. The plugin removes a token from `Authorization`, and leaves cookies alone.

use super::codes::Code;
use super::findings::Findings;
use super::json_view::Part;
use super::model::{HttpConnectionManager, Model};

const OAUTH2: &str = "envoy.extensions.filters.http.oauth2.v3.OAuth2";

/// The members by which the filter stores no token in a cookie, one for each of its tokens.
const WITHOUT_COOKIES: [&str; 3] =
    ["disable_access_token_set_cookie", "disable_id_token_set_cookie", "disable_refresh_token_set_cookie"];

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
                for (_, login) in logins.filter(|(kind, message)| *kind == OAUTH2 && stores_tokens(message)) {
                    stored(login, &plugin.outline.withholding_issuers, findings);
                }
            }
        }
    }
}

fn stored(login: &Part<'_>, issuers: &[String], findings: &mut Findings) {
    let what = format!(
        "this filter keeps tokens in the cookies `BearerToken`, `IdToken` and `RefreshToken`, and `{}` has `forward: never`",
        issuers.join("`, `")
    );
    let help = "write `request_headers_to_remove: [cookie]` for the whole route configuration if the upstream needs no \
                cookies; or acknowledge with `forward: verified` that the upstream receives the token";
    findings.add(Code::TokenInCookie, login, &what, help);
}

/// Whether the filter keeps a token in a cookie.
fn stores_tokens(message: &Part<'_>) -> bool {
    let config = message.member("config").unwrap_or_else(|| message.clone());
    !WITHOUT_COOKIES.iter().all(|member| config.flag(member))
}

/// Whether every request loses its cookies after the decision.
fn routes_remove_cookies(manager: &HttpConnectionManager<'_>) -> bool {
    let removes = |part: &Part<'_>| {
        let mut names = part.list(REMOVED).into_iter().filter_map(|name| name.text());
        names.any(|name| name.eq_ignore_ascii_case("cookie"))
    };
    manager.routes_elsewhere.is_none() && !manager.routes.is_empty() && manager.routes.iter().all(removes)
}
