//! What a worker writes to the log about its configuration.

use super::{Deployment, Effect, Level};
use crate::config::Plan;
use crate::config_error::{ConfigError, ConfigWarning};
use crate::jose::{Algorithm, Declined, HostVerifier};

/// The configuration was accepted.
pub(super) fn configured(deployment: &Deployment, plan: &Plan, warnings: &[ConfigWarning]) -> Vec<Effect> {
    let vm_id = if deployment.vm_id.is_empty() { "absent" } else { "present" };
    let start = format!(
        "countersign {}: configured; plugin `{}`, root id `{}`, vm id {vm_id}, configuration {}, {} warnings",
        env!("CARGO_PKG_VERSION"),
        deployment.plugin_name.escape_ascii(),
        deployment.root_id.escape_ascii(),
        plan.digest,
        warnings.len(),
    );
    let mut effects = vec![Effect::Log(Level::Info, start)];
    effects.extend(warnings.iter().map(|warning| Effect::Log(Level::Warn, format!("countersign: warning: {warning}"))));
    effects
}

/// Who verifies the signatures of which of the algorithms that tokens may have.
pub(super) fn verifiers(algorithms: &[Algorithm], verifier: &HostVerifier, declined: &[Declined]) -> Effect {
    let (by_proxy, by_plugin): (Vec<Algorithm>, Vec<Algorithm>) =
        algorithms.iter().partition(|algorithm| verifier.proven().contains(algorithm));
    let names = |algorithms: &[Algorithm]| match algorithms {
        [] => "none".to_owned(),
        some => some.iter().copied().map(Algorithm::name).collect::<Vec<_>>().join(", "),
    };
    let mut line = format!(
        "countersign: signatures verified by the proxy: {}; by the plugin: {}",
        names(&by_proxy),
        names(&by_plugin)
    );
    for Declined { algorithm, why } in declined {
        line.push_str(&format!("; the proxy's verify_signature failed its test for {}: {why}", algorithm.name()));
    }
    Effect::Log(if declined.is_empty() { Level::Info } else { Level::Warn }, line)
}

/// The configuration was rejected.
pub(super) fn rejected(problems: &[ConfigError]) -> Vec<Effect> {
    let error = |line: String| Effect::Log(Level::Error, line);
    let mut effects: Vec<Effect> =
        problems.iter().map(|problem| error(format!("countersign: error: {problem}"))).collect();
    effects.push(error(format!("countersign: configuration refused, {} errors", problems.len())));
    effects
}

/// The reminder in `mode: shadow`.
pub(super) fn shadow() -> Effect {
    let line = "countersign: SHADOW MODE: refusals are recorded and NOT enforced; set `mode: enforce` to enforce them";
    Effect::Log(Level::Warn, line.to_owned())
}

/// No memory is shared.
pub(super) fn not_shared() -> Effect {
    let line = "countersign: this plugin has no vm_id, so each worker fetches keys for itself; \
                set vm_config.vm_id to a name of its own to fetch once for all";
    Effect::Log(Level::Warn, line.to_owned())
}
