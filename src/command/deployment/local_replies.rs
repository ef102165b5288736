//! Answers of the plugin that Envoy gives another status, body or header on their way to the client.

use countersign_core::refusal::Reason;

use super::codes::Code;
use super::findings::Findings;
use super::json_view::Part;
use super::model::Model;

const LOCAL_POLICY: &str = "envoy.extensions.http.custom_response.local_response_policy.v3.LocalResponsePolicy";

/// What inputs of matchers are called that look at the status of an answer: the first at all of it, the second at its
/// class.
const STATUS_INPUT: &str = "envoy.type.matcher.v3.HttpResponseStatusCodeMatchInput";
const CLASS_INPUT: &str = "envoy.type.matcher.v3.HttpResponseStatusCodeClassMatchInput";

/// The operator for the original body in a format.
const BODY: &str = "%LOCAL_REPLY_BODY";

/// Header fields of the plugin's answers; what begins like the first is its own.
const HEADERS: [&str; 5] = ["x-countersign-", "content-type", "cache-control", "www-authenticate", "retry-after"];

/// Checks all connection managers that have the plugin.
pub fn check(model: &Model<'_>, findings: &mut Findings) {
    for manager in model.managers.iter().filter(|manager| manager.has_plugin()) {
        of_manager(&manager.part, findings);
        let filters = manager.chains.iter().flat_map(|chain| &chain.filters);
        let messages = filters.filter_map(|filter| filter.message.as_ref()).map(|(_, message)| message);
        for part in manager.routes.iter().chain(messages) {
            custom_responses(part, findings);
        }
    }
}

/// Checks the `local_reply_config` of a connection manager, or of a patch for one.
pub fn of_manager(part: &Part<'_>, findings: &mut Findings) {
    for config in part.find(&|part| part.member("local_reply_config").is_some()) {
        let Some(config) = config.member("local_reply_config") else { continue };
        if let Some(format) = config.member("body_format").filter(hides_body) {
            let help = "write `%LOCAL_REPLY_BODY%` into the format, where the plugin's answer belongs";
            findings.add(Code::AnswerReplaced, &format, "this format omits the body of each answer", help);
        }
        for mapper in config.list("mappers") {
            let reaches = |status: &u16| mapper.member("filter").is_none_or(|filter| can_match(&filter, *status));
            if let Some(status) = statuses().find(reaches) {
                mapped(&mapper, &["status_code", "body"], "body_format_override", status, findings);
            }
        }
    }
}

/// What replaces the plugin's answer of this status.
fn mapped(mapper: &Part<'_>, replaced: &[&str], format: &str, status: u16, findings: &mut Findings) {
    let members = replaced.iter().filter_map(|name| mapper.member(name));
    let format = mapper.member(format).filter(hides_body);
    let headers = ["headers_to_add", "response_headers_to_add"].into_iter().flat_map(|name| mapper.list(name));
    let is_own = |header: &Part<'_>| {
        let name = header.path(["header", "key"]).and_then(|key| key.text()).map(str::to_ascii_lowercase);
        name.is_some_and(|name| HEADERS.iter().any(|own| name.starts_with(own)))
    };
    for part in members.chain(format).chain(headers.filter(is_own)) {
        let what = format!("this changes answers with status {status}, which the plugin sends too");
        let help = "remove it; or write a `filter` that the plugin's answers do not match: they have no response flag, so \
                    `response_flag_filter` never matches them";
        findings.add(Code::AnswerReplaced, &part, &what, help);
    }
}

/// The statuses of refusals.
fn statuses() -> impl Iterator<Item = u16> {
    Reason::ALL.iter().map(|reason| reason.kind().status())
}

fn hides_body(format: &Part<'_>) -> bool {
    format.find(&|part| part.text().is_some_and(|text| text.contains(BODY))).is_empty()
}

/// Whether a filter of a mapper can take the plugin's answers of this status. What only a running Envoy knows, it can.
fn can_match(filter: &Part<'_>, status: u16) -> bool {
    let all = |name| filter.path([name, "filters"]).map(|filters| filters.items());
    if let Some(filters) = all("and_filter") {
        return filters.iter().all(|filter| can_match(filter, status));
    }
    if let Some(filters) = all("or_filter") {
        return filters.iter().any(|filter| can_match(filter, status));
    }
    if let Some(comparison) = filter.path(["status_code_filter", "comparison"]) {
        let value = comparison.path(["value", "default_value"]).and_then(|value| value.value.as_u64()).unwrap_or(0);
        let status = u64::from(status);
        let is = |word, number| comparison.is_value("op", word, number);
        return match (is("GE", 1), is("LE", 2), is("NE", 3)) {
            (true, _, _) => status >= value,
            (_, true, _) => status <= value,
            (_, _, true) => status != value,
            _ => status == value,
        };
    }
    // Flags are set for faults of Envoy's own; an answer of a filter has none.
    filter.member("response_flag_filter").is_none()
}

/// Policies of the filter `custom_response` that write an answer themselves.
fn custom_responses(part: &Part<'_>, findings: &mut Findings) {
    let policies = part.find(&|part| part.message_of(LOCAL_POLICY).is_some());
    let others: Vec<Part<'_>> =
        part.find(&|part| part.member("on_match").is_some()).iter().filter_map(for_other_statuses).collect();
    for policy in policies.iter().filter(|policy| !others.iter().any(|other| other.holds(policy))) {
        if let (Some(policy), Some(status)) = (policy.message_of(LOCAL_POLICY), statuses().next()) {
            mapped(&policy, &["status_code", "body"], "body_format", status, findings);
        }
    }
}

/// What a matcher does with answers of one status, if the plugin gives none of that.
fn for_other_statuses<'a>(matcher: &Part<'a>) -> Option<Part<'a>> {
    let predicate = matcher.path(["predicate", "single_predicate"])?;
    let input = predicate.path(["input", "typed_config"])?;
    let (kind, _) = input.message()?;
    let wanted = predicate.path(["value_match", "exact"])?;
    let fits = |status: u16| match kind {
        STATUS_INPUT => wanted.text() == Some(&status.to_string()),
        CLASS_INPUT => wanted.text() == Some(&format!("{}xx", status / 100)),
        _ => true,
    };
    if statuses().any(fits) { None } else { matcher.member("on_match") }
}
