//! Second passes: Envoy itself sends a request again, and the plugin decides it with the evidence that is left.

use super::codes::Code;
use super::findings::Findings;
use super::json_view::Part;
use super::model::Model;

const REDIRECT_POLICY: &str = "envoy.extensions.http.custom_response.redirect_policy.v3.RedirectPolicy";

/// Checks all connection managers that have the plugin.
pub fn check(model: &Model<'_>, findings: &mut Findings) {
    for manager in model.managers.iter().filter(|manager| manager.has_plugin()) {
        let filters = manager.chains.iter().flat_map(|chain| &chain.filters);
        let messages = filters.filter_map(|filter| filter.message.as_ref()).map(|(_, message)| message);
        for part in manager.routes.iter().chain([&manager.part]).chain(messages) {
            for policy in part.find(&|part| part.message_of(REDIRECT_POLICY).is_some()) {
                let what = "this custom response is a redirect";
                findings.add(Code::CustomResponseRedirect, &policy, what, "answer with a local response policy");
            }
        }
    }
}

/// Checks a route configuration, or a part of one.
pub fn internal(routes: &Part<'_>, findings: &mut Findings) {
    let is_internal = |part: &Part<'_>| {
        part.member("internal_redirect_policy").is_some()
            || part.is_value("internal_redirect_action", "HANDLE_INTERNAL_REDIRECT", 1)
    };
    for action in routes.find(&is_internal) {
        let named = ["internal_redirect_policy", "internal_redirect_action"].map(|name| action.member(name));
        for redirect in named.into_iter().flatten() {
            let what = "Envoy follows redirects of the upstream here";
            findings.add(
                Code::InternalRedirect,
                &redirect,
                what,
                "remove it; the client then follows the redirect itself",
            );
        }
    }
}
