//! A configuration whose policies are prepared: for a plugin that has no parser of policies.

use serde_json::{Value, json};

use super::canonical::canonical;
use super::plan::Plan;
use crate::config_error::{ConfigError, ConfigWarning};
use crate::limits::MAX_CONFIG_JSON_DEPTH;

/// A configuration with prepared policies.
#[derive(Debug)]
pub struct Prepared {
    /// The document; its members are sorted.
    pub configuration: Value,
    /// What it compiles to.
    pub plan: Plan,
}

/// Prepares the policies of a configuration. Nothing else in it changes, and the same configuration always gives the same
/// document. The second value holds the configuration's warnings.
///
/// # Errors
/// Every problem of the configuration, as [`Plan::compile_value`] finds them; or the document that would come of it exceeds
/// the cap on bytes.
pub fn prepare(value: &Value) -> Result<(Prepared, Vec<ConfigWarning>), Vec<ConfigError>> {
    let (plan, warnings) = Plan::compile_value(value)?;
    // A document that was compiled is not nested too deeply.
    let mut configuration = canonical(value, MAX_CONFIG_JSON_DEPTH).unwrap_or_default();
    if let Some(policies) = configuration.get_mut("policies") {
        *policies = json!({ "prepared": plan.policies.prepare(plan.vocabulary()) });
    }
    let (plan, _) = Plan::compile_value(&configuration)?;
    Ok((Prepared { configuration, plan }, warnings))
}
