//! What `@step_up` and `@scope` can change: the conditions that read what another token could say of the user, or of its
//! scopes.
//!
//! Serves the load. A remedy that changes no condition is an error: clients would follow it in vain, again and again.

use std::collections::BTreeSet;

use cedar_policy::pst::{Clause, Effect, Expr};

use super::names::{Names, context_path};
use super::reads::{presence_path, visit};
use crate::config_error::{ConfigCode, ConfigError};
use crate::policy::annotations::Remedied;
use crate::policy::program::translate::conditions;
use crate::policy::text::lexer;
use crate::policy::text::source::{Named, Source};
use crate::profile::FactType;
use crate::remedy::{Remedy, StepUp};

/// Claims that say how the user authenticated: OpenID Connect Core section 2, RFC 8176, and `acrs` of Microsoft Entra.
const CLASS_CLAIMS: [&str; 3] = ["acr", "acrs", "amr"];

/// The claim that says when the user authenticated: OpenID Connect Core section 2, RFC 9068 section 2.2.1.
const TIME_CLAIM: &str = "auth_time";

/// Claims of scopes that may be declared as a list or as a string: RFC 9068 section 2.2.3, and `scp` of Microsoft Entra.
const SCOPE_CLAIMS: [&str; 2] = ["scope", "scp"];

/// The remedies of a policy, with the conditions that each can change.
///
/// # Errors
/// A remedy that cannot help.
pub(in crate::policy) fn remedies(
    source: Source<'_>,
    named: &Named,
    names: Names<'_>,
) -> Result<Vec<Remedied>, Vec<ConfigError>> {
    let mut errors = Vec::new();
    let mut breach = |annotation: &str, message: &str, help: &str| {
        let text = source.document.text.get(named.start..named.end).unwrap_or_default();
        let at = named.start.saturating_add(lexer::locate(text, annotation).unwrap_or(0));
        errors.push(source.problem(at, ConfigCode::InvalidAnnotation, message.to_owned(), help.to_owned()));
    };
    let conditions: Vec<BTreeSet<Vec<String>>> = conditions(&named.body).iter().map(read_by).collect();
    let reading = |fact: &dyn Fn(&[String]) -> bool| -> Vec<usize> {
        let reading = conditions.iter().enumerate().filter(|(_, paths)| paths.iter().any(|path| fact(path)));
        reading.map(|(place, _)| place).collect()
    };
    let mut remedies = Vec::new();
    if let Some(step_up) = &named.step_up {
        let by_class = reading(&|path| claim(path, names).is_some_and(|claim| CLASS_CLAIMS.contains(&claim)));
        let by_time = reading(&|path| claim(path, names) == Some(TIME_CLAIM));
        if step_up.acr_values().is_some() && by_class.is_empty() {
            breach(
                "step_up",
                "`@step_up` asks for `acr_values`, and no condition reads `acr`, `acrs` or `amr`",
                "compare one of these facts of the issuer in the policy, or remove `acr_values`",
            );
        }
        if step_up.max_age().is_some() && by_time.is_empty() {
            breach(
                "step_up",
                "`@step_up` asks for `max_age`, and no condition reads `auth_time`",
                "compare it in the policy, as in `context.now - context.corp.auth_time <= 900`, or remove `max_age`",
            );
        }
        remedies.push(step_up_of(step_up, by_class, by_time));
    }
    if let Some(scope) = &named.scope {
        let by_scope = reading(&|path| is_scope(path, names));
        if named.body.effect == Effect::Forbid {
            breach(
                "scope",
                "`@scope` is on a forbid, which a client could escape with a token of fewer scopes",
                "write a permit that needs the scope, and put `@scope` on it",
            );
        } else if by_scope.is_empty() {
            breach(
                "scope",
                "`@scope` names a scope, and no condition reads the scopes of the token",
                "ask for it in the policy, as in `context.corp.scope.contains(\"orders.write\")`, or remove `@scope`",
            );
        }
        remedies.push(Remedied { remedy: Remedy::Scope(scope.clone()), conditions: by_scope });
    }
    if errors.is_empty() { Ok(remedies) } else { Err(errors) }
}

/// A step-up, and the conditions that it changes.
fn step_up_of(step_up: &StepUp, by_class: Vec<usize>, by_time: Vec<usize>) -> Remedied {
    let by_class = by_class.into_iter().filter(|_| step_up.acr_values().is_some());
    let conditions: BTreeSet<usize> =
        by_class.chain(by_time.into_iter().filter(|_| step_up.max_age().is_some())).collect();
    Remedied { remedy: Remedy::StepUp(step_up.clone()), conditions: conditions.into_iter().collect() }
}

/// The paths inside `context` whose value or presence a condition reads.
fn read_by(condition: &Clause) -> BTreeSet<Vec<String>> {
    let (Clause::When(condition) | Clause::Unless(condition)) = condition;
    let mut paths = BTreeSet::new();
    visit(condition, &mut |expression: &Expr| {
        let value = context_path(expression).map(|path| path.into_iter().map(str::to_owned).collect());
        paths.extend(value.or_else(|| presence_path(expression)));
    });
    paths
}

/// The claim of an issuer's token at this path.
fn claim<'p>(path: &'p [String], names: Names<'_>) -> Option<&'p str> {
    let [provider, claim] = path else { return None };
    let mut issuers = names.vocabulary.issuers.iter();
    issuers.any(|issuer| issuer.profile.name.as_str() == provider).then_some(claim.as_str())
}

/// Whether the claim at this path has the scopes of a token.
fn is_scope(path: &[String], names: Names<'_>) -> bool {
    let parts: Vec<&str> = path.iter().map(String::as_str).collect();
    claim(path, names)
        .is_some_and(|claim| SCOPE_CLAIMS.contains(&claim) || names.declared_type(&parts) == Some(&FactType::Scopes))
}
