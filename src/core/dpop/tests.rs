//! The figures of RFC 9449, and what section 4.3 makes of them.

use hmac_sha256::Hash;

use super::{Bound, PresentedProof};
use crate::freshness::{MemoryScope, ProofMemory};
use crate::jose::{Algorithm, Portable, UnverifiedProof, base64url};
use crate::limits::{Limits, MAX_PROOF_BYTES};
use crate::portable;
use crate::profile::{DpopRule, Scheme};
use crate::refusal::Reason;
use crate::request::{Request, RequestParts};
use crate::testing::later;
use crate::testing::rfc9449::{FIGURE_5, FIGURE_13, OPAQUE_TOKEN, THUMBPRINT};
use crate::time::{Seconds, UnixSeconds};

/// `iat` of figure 13.
const ISSUED: UnixSeconds = UnixSeconds::new(1562262618);

/// A request, and how its proof is judged.
#[derive(Clone)]
struct Case {
    method: &'static str,
    authority: &'static str,
    path: &'static str,
    proof: &'static str,
    token: &'static str,
    thumbprint: &'static str,
    rule: DpopRule,
    now: UnixSeconds,
}

/// The request of figure 13, at the time of its proof.
fn figure_13() -> Case {
    Case {
        method: "GET",
        authority: "resource.example.org",
        path: "/protectedresource",
        proof: FIGURE_13,
        token: OPAQUE_TOKEN,
        thumbprint: THUMBPRINT,
        rule: DpopRule {
            algorithms: vec![Algorithm::Es256],
            max_age: Seconds::new(60),
            external_scheme: Scheme::Https,
            nonce_required: false,
            replay: MemoryScope::Shared,
        },
        now: ISSUED,
    }
}

impl Case {
    /// The reason of the refusal, or none.
    fn refused(&self) -> Option<Reason> {
        let parts = RequestParts::for_test(self.method, self.authority, self.path, &[]);
        let request = Request::parse(parts, &Limits::default()).unwrap();
        let proof = UnverifiedProof::parse(self.proof.as_bytes(), MAX_PROOF_BYTES).unwrap();
        let token_hash = base64url::encode(&Hash::hash(self.token.as_bytes()));
        let presented = PresentedProof { proof, token_hash };
        let bound = Bound {
            request: &request,
            thumbprint: &base64url::decode(self.thumbprint.as_bytes()).unwrap(),
            rule: &self.rule,
            clock_skew: Seconds::new(5),
            memory: ProofMemory::NONE,
            now: self.now,
        };
        let judged = presented.judge(bound);
        let verified = judged.and_then(|proof| proof.verify(MemoryScope::Shared, &Portable));
        verified.err().map(|refusal| refusal.reason)
    }
}

#[portable]
fn figure_13_is_accepted_for_its_own_request() {
    assert_eq!(figure_13().refused(), None);
    for path in ["/protectedresource?x=1", "/%70rotectedresource"] {
        assert_eq!(Case { path, ..figure_13() }.refused(), None, "{path}");
    }
    for authority in ["RESOURCE.example.org:443", "resource.example.org."] {
        assert_eq!(Case { authority, ..figure_13() }.refused(), None, "{authority}");
    }
}

#[portable]
fn figure_13_is_refused_for_any_other_request_token_key_or_time() {
    let rule = figure_13().rule;
    let expected = [
        (Case { method: "POST", ..figure_13() }, Reason::ProofMethod),
        (Case { path: "/protectedresource/", ..figure_13() }, Reason::ProofTarget),
        (Case { path: "/other", ..figure_13() }, Reason::ProofTarget),
        (Case { authority: "resource.example.org:8443", ..figure_13() }, Reason::ProofTarget),
        (Case { authority: "resource.example.com", ..figure_13() }, Reason::ProofTarget),
        (Case { rule: DpopRule { external_scheme: Scheme::Http, ..rule.clone() }, ..figure_13() }, Reason::ProofTarget),
        (Case { token: "another", ..figure_13() }, Reason::ProofToken),
        (Case { thumbprint: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", ..figure_13() }, Reason::TokenBinding),
        (
            Case { rule: DpopRule { algorithms: vec![Algorithm::Rs256], ..rule.clone() }, ..figure_13() },
            Reason::ProofAlgorithm,
        ),
        (Case { rule: DpopRule { nonce_required: true, ..rule }, ..figure_13() }, Reason::ReplayStoreUnavailable),
        (Case { now: later(ISSUED, 61), ..figure_13() }, Reason::ProofTime),
        (Case { now: later(ISSUED, -6), ..figure_13() }, Reason::ProofTime),
        (Case { proof: FIGURE_5, method: "POST", ..figure_13() }, Reason::ProofMalformed),
    ];
    for (number, (case, reason)) in expected.into_iter().enumerate() {
        assert_eq!(case.refused(), Some(reason), "case {number}");
    }
}

#[portable]
fn a_proof_is_accepted_up_to_its_greatest_age_and_from_the_future_up_to_the_skew() {
    for seconds in [-5, 0, 60] {
        assert_eq!(Case { now: later(ISSUED, seconds), ..figure_13() }.refused(), None, "{seconds}");
    }
}
