//! One decision, and what follows from it beside its record: tokens to remember, and counts.

use core::mem;

use super::{Effect, HostFault, Worker};
use crate::config::Plan;
use crate::enforcement::{Outcome, decide, decide_without_plan};
use crate::identity::VerifiedTokens;
use crate::jose::Tally;
use crate::keys::Verification;
use crate::limits::CACHE_HITS_PER_COUNT;
use crate::policy::CacheTally;
use crate::refusal::{Reason, Refusal};
use crate::reply::{Answer, AnswerDetail, Form, Hints, Reply};
use crate::request::RequestParts;
use crate::telemetry::{CacheOutcome, Counter, DecisionId, DecisionRecord};
use crate::time::UnixSeconds;

/// A decision that nothing was done about yet.
pub(super) struct Judgement {
    pub outcome: Outcome,
    pub decision_id: DecisionId,
    /// The client's address as the host gave it; parsed only if the request has to wait.
    pub source_address: Option<String>,
    /// By how many the remembered tokens became more, or fewer.
    pub newly_remembered: i64,
    /// Whether the signatures of its tokens were known.
    pub tokens: Option<CacheOutcome>,
}

impl Worker {
    /// Decides about a request.
    pub(super) fn judge(&mut self, read: Result<RequestParts, HostFault>, now: UnixSeconds) -> Judgement {
        let number = self.decisions;
        self.decisions = self.decisions.wrapping_add(1);
        let source_address = read.as_ref().ok().and_then(|parts| parts.source_address.clone());
        let (mut newly_remembered, mut tokens) = (0, None);
        let (decision_id, outcome) = match (&self.seed, &self.plan, read) {
            (Some(seed), Some(plan), Ok(parts)) => {
                let decision_id = seed.decision_id(number, now);
                let verifier = self.forgeries.before(&self.verifier, now);
                let verification = Verification {
                    trust: &self.trust,
                    verifier: &verifier,
                    memory: Some(&self.tokens),
                    proofs: self.proofs.memory(),
                };
                let mut outcome = decide(plan, verification, parts, now, &decision_id);
                let before = self.tokens.len();
                let VerifiedTokens { new, remembered } = mem::take(&mut outcome.tokens);
                tokens = CacheOutcome::of(remembered, new.len());
                for token in new {
                    self.tokens.keep(token, now);
                }
                newly_remembered = difference(self.tokens.len(), before);
                for forgery in verifier.into_found() {
                    self.forgeries.keep(forgery, now);
                }
                (decision_id, outcome)
            }
            (Some(seed), None, Ok(parts)) => {
                let decision_id = seed.decision_id(number, now);
                let outcome = decide_without_plan(&parts, now, &decision_id);
                (decision_id, outcome)
            }
            (seed, plan, read) => {
                let detail = plan.as_ref().map_or_else(AnswerDetail::default, |plan| plan.answer_detail);
                let unread = Form { detail, ..Form::default() };
                let form = read.map_or(unread, |parts| Form::of(&parts, detail));
                // An id that can be guessed tells how many requests this worker refused, and nothing else.
                let decision_id = match seed {
                    Some(seed) => seed.decision_id(number, now),
                    None => DecisionId::derive(&[0; 32], number, now),
                };
                let outcome = host_failure(plan.as_ref(), form, now, &decision_id);
                (decision_id, outcome)
            }
        };
        Judgement { outcome, decision_id, source_address, newly_remembered, tokens }
    }

    /// What a decision adds to the counters of the decision cache. A few hits are not worth a call to the host.
    pub(super) fn count_lookups(
        &mut self,
        CacheTally { hits, misses }: CacheTally,
    ) -> impl Iterator<Item = Effect> + use<> {
        let hits = self.uncounted_hits.saturating_add(hits);
        let is_due = misses > 0 || hits >= CACHE_HITS_PER_COUNT;
        self.uncounted_hits = if is_due { 0 } else { hits };
        let counts = [(true, hits), (false, misses)].into_iter().filter(move |(_, times)| is_due && *times > 0);
        counts.map(|(hit, times)| Effect::Count(Counter::CacheLookups { hit }, times))
    }
}

fn difference(now: usize, before: usize) -> i64 {
    let signed = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    signed(now).saturating_sub(signed(before))
}

/// What a decision adds to the counters of signatures.
pub(super) fn signature_counts(tally: Tally) -> impl Iterator<Item = Effect> {
    let Tally { by_host, by_plugin, host_failures } = tally;
    [
        (Counter::SignaturesByProxy, by_host),
        (Counter::SignaturesByPlugin, by_plugin),
        (Counter::SignatureFailures, host_failures),
    ]
    .into_iter()
    .filter(|(_, times)| *times > 0)
    .map(|(counter, times)| Effect::Count(counter, times))
}

/// The outcome for a request that the host could not read.
fn host_failure(plan: Option<&Plan>, form: Form, now: UnixSeconds, decision_id: &DecisionId) -> Outcome {
    let mut record = DecisionRecord::begin(decision_id, now);
    if let Some(plan) = plan {
        record.configured(plan.recorded());
    }
    let answer = failure_answer(&mut record, form, decision_id);
    Outcome { reply: Reply::Answer(answer), record, form, missing_key: None, tokens: VerifiedTokens::default() }
}

/// Makes a record that of a request for which the host did not do what it must.
pub(super) fn failure_answer(record: &mut DecisionRecord, form: Form, decision_id: &DecisionId) -> Answer {
    let refusal = Refusal::new(Reason::HostFailure);
    let answer = Answer::to(&refusal, Hints::default(), form, decision_id);
    record.refused(&refusal, answer.status);
    answer
}
