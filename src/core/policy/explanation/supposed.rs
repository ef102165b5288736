//! The decision that follows from supposed answers of the policies, for programs that know the answers and not the facts.

use crate::policy::PolicyId;
use crate::policy::decide::decision::Rehearsed;
use crate::policy::decide::slice::DocumentScope;
use crate::policy::decide::{Answers, Program, Say};
use crate::policy::program::evaluate::Fault;

/// What a policy answers about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyAnswer {
    /// It applies.
    Applies,
    /// It does not apply.
    DoesNotApply,
    /// It cannot be evaluated.
    Fails,
}

impl Program {
    /// See [`PolicySet::suppose`](crate::policy::PolicySet::suppose).
    pub(in crate::policy) fn suppose(
        &self,
        application: &str,
        answer: impl Fn(&PolicyId) -> PolicyAnswer,
    ) -> Rehearsed {
        let mut answers = Answers::default();
        for (slice, policy) in self.all().filter(|(_, policy)| Say::Enforced.has(&policy.annotations)) {
            let result = match answer(&policy.annotations.id) {
                PolicyAnswer::Applies => Ok(true),
                PolicyAnswer::DoesNotApply => Ok(false),
                PolicyAnswer::Fails => Err(Fault::Type),
            };
            answers.add(slice.asked.document, policy, result);
        }
        match answers.combined(self.must_permit(application)) {
            Ok(decision) => Rehearsed::of(decision),
            Err(_) => Rehearsed { allows: false, policies: Vec::new() },
        }
    }

    /// The documents without whose permit no request to this application is permitted, by number.
    pub(in crate::policy) fn must_permit<'d>(&'d self, application: &'d str) -> impl Iterator<Item = usize> + 'd {
        DocumentScope::must_permit(self.slices.documents(), application)
    }
}
