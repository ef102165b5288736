//! The answer to a refused client: a problem document (RFC 9457), a page for a browser, or for a gRPC call one line of text.

use serde::Serialize;

use super::challenge::{Schemes, challenge};
use super::facts::Facts;
use super::form::{AnswerDetail, Form, Representation};
use super::{Answer, DECISION_ID_HEADER, page};
use crate::evidence::Scheme;
use crate::refusal::{Detail, Reason, Refusal, RefusalKind};
use crate::route::SignIn;
use crate::telemetry::DecisionId;

const WWW_AUTHENTICATE: &str = "www-authenticate";

/// The header of a nonce for the next proof (RFC 9449 section 8.2).
const NONCE_HEADER: &str = "dpop-nonce";

/// The members of a problem document, in this order.
///
/// `type` is `about:blank`: the status says which kind of problem it is, and `code` which one.
#[derive(Serialize)]
struct Problem<'a> {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'static str>,
    code: &'static str,
    decision_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<&'a str>,
}

/// What a refused client learns beside the refusal.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hints<'a> {
    /// The advice of a policy, for a verified principal only.
    pub advice: Option<&'a str>,
    /// The URL of the route's or the application's metadata (RFC 9728), for challenges.
    pub resource_metadata: Option<&'a str>,
    /// Where people sign in to the application.
    pub sign_in: Option<&'a SignIn>,
}

impl Answer {
    /// The answer to a refused request. It holds the refusal's code and sentence, the decision's id and the hints, a
    /// challenge where another token may succeed, and `Retry-After` where no decision could be reached. It holds nothing of
    /// what the client presented.
    ///
    /// A browser that opens a page is sent to where people sign in, if the application says so and signing in can help.
    #[must_use]
    pub fn to(refusal: &Refusal, hints: Hints<'_>, form: Form, decision_id: &DecisionId) -> Self {
        let Hints { advice, resource_metadata, sign_in } = hints;
        let kind = refusal.reason.kind();
        let sign_in = sign_in.filter(|_| signing_in_can_help(refusal.reason));
        if let Some(sign_in) = sign_in.filter(|sign_in| sign_in.redirect && form.is_navigation) {
            return Self::sign_in(&sign_in.url, decision_id);
        }
        let is_full = form.detail == AnswerDetail::Full;
        let facts = Facts {
            title: title(kind),
            status: kind.status(),
            sentence: is_full.then_some(refusal.reason.sentence()),
            code: refusal.reason.code(),
            decision_id: decision_id.as_str(),
            advice: advice.filter(|_| is_full),
        };
        let mut headers = Vec::new();
        let mut header = |name: &str, value: String| headers.push((name.to_owned(), value));
        let body = match form.representation {
            Representation::Problem => {
                header("content-type", "application/problem+json".to_owned());
                problem(&facts)
            }
            Representation::Page => {
                page::headers().into_iter().for_each(|(name, value)| header(name, value));
                page::page(&facts, sign_in.map(|sign_in| sign_in.url.as_str()))
            }
            Representation::GrpcMessage => {
                header("content-type", "text/plain".to_owned());
                message(&facts)
            }
        };
        header("cache-control", "no-store".to_owned());
        header(DECISION_ID_HEADER, decision_id.to_string());
        if let Some(challenge) = challenge(refusal, resource_metadata) {
            header(WWW_AUTHENTICATE, challenge);
        }
        if kind == RefusalKind::Undecidable {
            let pause = match refusal.detail {
                Detail::RetryAfter(pause) => pause.get(),
                _ => 1,
            };
            header("retry-after", pause.to_string());
        }
        Self { status: kind.status(), headers, body }
    }

    /// The answer that sends a browser to where people sign in (RFC 9110 section 15.4.4).
    fn sign_in(url: &str, decision_id: &DecisionId) -> Self {
        let headers = [("location", url), ("cache-control", "no-store"), (DECISION_ID_HEADER, decision_id.as_str())];
        let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self { status: 303, headers, body: String::new() }
    }

    /// The same with a challenge for each scheme that is accepted, and with a nonce for the next proof. `presented` is the
    /// scheme of the request.
    #[must_use]
    pub fn challenging(
        mut self,
        (refusal, resource_metadata): (&Refusal, Option<&str>),
        schemes: &Schemes,
        presented: Option<Scheme>,
        nonce: Option<String>,
    ) -> Self {
        if schemes.accept_proofs() && self.headers.iter().any(|(name, _)| name == WWW_AUTHENTICATE) {
            self.headers.retain(|(name, _)| name != WWW_AUTHENTICATE);
            let challenges = schemes.challenges(refusal, resource_metadata, presented);
            self.headers.extend(challenges.into_iter().map(|challenge| (WWW_AUTHENTICATE.to_owned(), challenge)));
        }
        self.headers.extend(nonce.map(|nonce| (NONCE_HEADER.to_owned(), nonce)));
        self
    }
}

fn problem(facts: &Facts<'_>) -> String {
    let Facts { title, status, sentence, code, decision_id, advice } = *facts;
    let problem = Problem { r#type: "about:blank", title, status, detail: sentence, code, decision_id, advice };
    // Strings and a number: serialization cannot fail.
    serde_json::to_string(&problem).unwrap_or_default()
}

fn message(facts: &Facts<'_>) -> String {
    let mut message = facts.code.to_owned();
    let texts: Vec<&str> = [facts.sentence, facts.advice].into_iter().flatten().collect();
    if !texts.is_empty() {
        message.push_str(": ");
        message.push_str(&texts.join(" "));
    }
    message.extend([" [", facts.decision_id, "]"]);
    message
}

/// Whether the same person can succeed by signing in again, as far as the refusal says. After any other refusal a browser
/// would be sent back and forth.
const fn signing_in_can_help(reason: Reason) -> bool {
    matches!(reason, Reason::CredentialMissing | Reason::TokenExpired | Reason::TokenTooOld)
}

/// The status's own phrase, as RFC 9457 section 4.2.1 recommends with `about:blank`.
const fn title(kind: RefusalKind) -> &'static str {
    match kind {
        RefusalKind::Ambiguous => "Bad Request",
        RefusalKind::Unauthenticated => "Unauthorized",
        RefusalKind::Forbidden => "Forbidden",
        RefusalKind::Undecidable => "Service Unavailable",
    }
}

#[cfg(test)]
mod tests {
    use crate::portable;
    use crate::refusal::{Detail, Reason, Refusal};
    use crate::reply::{Answer, AnswerDetail, Form, Hints, Representation};
    use crate::route::SignIn;
    use crate::telemetry::DecisionId;
    use crate::time::UnixSeconds;

    fn id() -> DecisionId {
        DecisionId::derive(&[7; 32], 1, UnixSeconds::new(1_800_000_000))
    }

    fn to(reason: Reason, advice: Option<&str>, grpc: bool) -> Answer {
        let representation = if grpc { Representation::GrpcMessage } else { Representation::Problem };
        in_form(reason, advice, Form { representation, ..Form::default() })
    }

    fn in_form(reason: Reason, advice: Option<&str>, form: Form) -> Answer {
        let sign_in = SignIn { url: "/login".to_owned(), redirect: true };
        let hints = Hints { advice, resource_metadata: None, sign_in: Some(&sign_in) };
        Answer::to(&Refusal::with(reason, Detail::Fault("for the record alone")), hints, form, &id())
    }

    fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
        answer.headers.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    #[portable]
    fn a_client_reads_a_problem_document() {
        let answer = to(Reason::NotPermitted, Some("Ask \"them\"."), false);
        let expected = format!(
            concat!(
                r#"{{"type":"about:blank","title":"Forbidden","status":403,"detail":"No policy permits this.","#,
                r#""code":"not-permitted","decision_id":"{}","advice":"Ask \"them\"."}}"#
            ),
            id()
        );
        assert_eq!(answer.body, expected);
        assert_eq!(answer.status, 403);
        assert_eq!(header(&answer, "content-type"), Some("application/problem+json"));
        assert_eq!(header(&answer, "cache-control"), Some("no-store"));
        assert_eq!(header(&answer, "x-countersign-decision-id"), Some(id().as_str()));
        assert_eq!(header(&answer, "www-authenticate"), None);
        assert_eq!(header(&answer, "retry-after"), None);
    }

    #[portable]
    fn a_grpc_client_reads_one_line() {
        let answer = to(Reason::TokenExpired, None, true);
        assert_eq!(answer.body, format!("token-expired: The token has expired. [{}]", id()));
        assert_eq!(header(&answer, "content-type"), Some("text/plain"));
        assert!(header(&answer, "www-authenticate").is_some());
        let answer = to(Reason::NotPermitted, Some("Ask them."), true);
        assert_eq!(answer.body, format!("not-permitted: No policy permits this. Ask them. [{}]", id()));
    }

    const PAGE: Form = Form { representation: Representation::Page, detail: AnswerDetail::Full, is_navigation: false };

    #[portable]
    fn a_person_reads_a_page_with_the_same_facts() {
        let answer = in_form(Reason::NotPermitted, Some("Ask your manager."), PAGE);
        assert_eq!(answer.status, 403);
        assert_eq!(header(&answer, "content-type"), Some("text/html; charset=utf-8"));
        assert_eq!(header(&answer, "cache-control"), Some("no-store"));
        assert_eq!(header(&answer, "x-countersign-decision-id"), Some(id().as_str()));
        for text in
            ["<h1>Forbidden</h1>", "No policy permits this.", "Ask your manager.", "not-permitted", id().as_str()]
        {
            assert!(answer.body.contains(text), "{text}: {}", answer.body);
        }
        assert!(!answer.body.contains("href"), "signing in again does not help: {}", answer.body);
    }

    #[portable]
    fn a_page_links_to_where_people_sign_in_if_that_can_help() {
        for reason in Reason::ALL {
            let answer = in_form(*reason, None, PAGE);
            let helps = matches!(reason, Reason::CredentialMissing | Reason::TokenExpired | Reason::TokenTooOld);
            assert_eq!(answer.body.contains("<a href=\"/login\">"), helps, "{reason:?}");
            assert_eq!(answer.status, reason.kind().status());
        }
    }

    #[portable]
    fn only_a_navigation_is_sent_to_where_people_sign_in() {
        let navigation = Form { is_navigation: true, ..PAGE };
        let answer = in_form(Reason::CredentialMissing, None, navigation);
        assert_eq!((answer.status, answer.body.as_str()), (303, ""));
        assert_eq!(header(&answer, "location"), Some("/login"));
        assert_eq!(header(&answer, "cache-control"), Some("no-store"));
        assert_eq!(header(&answer, "x-countersign-decision-id"), Some(id().as_str()));
        assert_eq!(in_form(Reason::TokenSignature, None, navigation).status, 401);
    }

    #[portable]
    fn an_answer_can_be_reduced_to_its_code() {
        for representation in [Representation::Problem, Representation::Page, Representation::GrpcMessage] {
            let form = Form { representation, detail: AnswerDetail::Code, is_navigation: false };
            let answer = in_form(Reason::NotPermitted, Some("Ask your manager."), form);
            assert!(!answer.body.contains("No policy") && !answer.body.contains("manager"), "{}", answer.body);
            assert!(answer.body.contains("not-permitted") && answer.body.contains(id().as_str()), "{}", answer.body);
        }
    }

    #[portable]
    fn a_client_may_retry_where_no_decision_was_reached() {
        assert_eq!(header(&to(Reason::PolicyError, None, false), "retry-after"), Some("1"));
    }

    /// Every answer that a client can get, whole.
    #[cfg(not(target_arch = "wasm32"))]
    #[test]
    fn an_answer_of_each_reason() {
        let shown = |answer: &Answer| {
            let fields: Vec<_> = answer.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
            format!("{}\n{}\n\n{}\n", answer.status, fields.join("\n"), answer.body)
        };
        for reason in Reason::ALL {
            assert_answer(reason.code(), &shown(&to(*reason, None, false)));
        }
        assert_answer("with-advice", &shown(&to(Reason::NotPermitted, Some("Ask your manager."), false)));
        assert_answer("grpc", &shown(&to(Reason::NotPermitted, Some("Ask your manager."), true)));
        assert_answer("page", &shown(&in_form(Reason::TokenExpired, Some("Ask your manager."), PAGE)));
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn assert_answer(name: &str, shown: &str) {
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(format!("answer_{name}"), shown);
        });
    }

    #[portable]
    fn the_detail_is_not_for_the_client() {
        for reason in Reason::ALL {
            for grpc in [false, true] {
                let answer = to(*reason, None, grpc);
                assert!(!format!("{answer:?}").contains("for the record alone"), "{answer:?}");
            }
        }
    }
}
