//! The answer to a refused client: a problem document (RFC 9457), or for a gRPC call one line of text.

use serde::Serialize;

use super::challenge::{Schemes, challenge};
use super::{Answer, DECISION_ID_HEADER};
use crate::evidence::Scheme;
use crate::refusal::{Detail, Refusal, RefusalKind};
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
    detail: &'static str,
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
    /// The URL of the application's metadata (RFC 9728), for challenges.
    pub resource_metadata: Option<&'a str>,
}

impl Answer {
    /// The answer to a refused request. It holds the refusal's code and sentence, the decision's id and the hints, a
    /// challenge where another token may succeed, and `Retry-After` where no decision could be reached. It holds nothing of
    /// what the client presented.
    ///
    /// `grpc` is for a gRPC call, where the host turns the status into a grpc-status and the body into its message.
    #[must_use]
    pub fn to(refusal: &Refusal, hints: Hints<'_>, grpc: bool, decision_id: &DecisionId) -> Self {
        let Hints { advice, resource_metadata } = hints;
        let kind = refusal.reason.kind();
        let (code, sentence) = (refusal.reason.code(), refusal.reason.sentence());
        let (content_type, body) = if grpc {
            let advice = advice.map(|advice| format!(" {advice}")).unwrap_or_default();
            ("text/plain", format!("{code}: {sentence}{advice} [{decision_id}]"))
        } else {
            let problem = Problem {
                r#type: "about:blank",
                title: title(kind),
                status: kind.status(),
                detail: sentence,
                code,
                decision_id: decision_id.as_str(),
                advice,
            };
            // Strings and a number: serialization cannot fail.
            ("application/problem+json", serde_json::to_string(&problem).unwrap_or_default())
        };
        let mut headers = vec![
            ("content-type".to_owned(), content_type.to_owned()),
            ("cache-control".to_owned(), "no-store".to_owned()),
            (DECISION_ID_HEADER.to_owned(), decision_id.to_string()),
        ];
        if let Some(challenge) = challenge(refusal, resource_metadata) {
            headers.push((WWW_AUTHENTICATE.to_owned(), challenge));
        }
        if kind == RefusalKind::Undecidable {
            let pause = match refusal.detail {
                Detail::RetryAfter(pause) => pause.get(),
                _ => 1,
            };
            headers.push(("retry-after".to_owned(), pause.to_string()));
        }
        Self { status: kind.status(), headers, body }
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
        if schemes.accept_proofs() {
            self.headers.retain(|(name, _)| name != WWW_AUTHENTICATE);
            let challenges = schemes.challenges(refusal, resource_metadata, presented);
            self.headers.extend(challenges.into_iter().map(|challenge| (WWW_AUTHENTICATE.to_owned(), challenge)));
        }
        self.headers.extend(nonce.map(|nonce| (NONCE_HEADER.to_owned(), nonce)));
        self
    }
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
    use crate::reply::{Answer, Hints};
    use crate::telemetry::DecisionId;
    use crate::time::UnixSeconds;

    fn id() -> DecisionId {
        DecisionId::derive(&[7; 32], 1, UnixSeconds::new(1_800_000_000))
    }

    fn to(reason: Reason, advice: Option<&str>, grpc: bool) -> Answer {
        let hints = Hints { advice, resource_metadata: None };
        Answer::to(&Refusal::with(reason, Detail::Fault("for the record alone")), hints, grpc, &id())
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
