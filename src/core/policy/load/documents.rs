//! What the permits of a document decide beside a document that must permit.

use crate::config_error::{ConfigCode, ConfigWarning};
use crate::policy::PolicyDocument;

/// A warning for each document whose permits decide nothing in some application. `permits` are the documents that have a
/// permit in force, by number.
///
/// Where a document must permit, its permit is needed and suffices. Whoever writes a condition as such a document, beside
/// one that grants access, has opened the application to everybody who fulfils the condition.
pub(in crate::policy) fn idle_permits(documents: &[PolicyDocument], permits: &[bool]) -> Vec<ConfigWarning> {
    let with_permits = documents.iter().zip(permits).filter(|(document, permits)| **permits && !document.must_permit);
    let warned = with_permits.filter_map(|(document, _)| {
        let must_permit = |application: &&String| {
            documents.iter().find(|other| other.must_permit && other.applies_to.contains(*application))
        };
        let (application, other) =
            document.applies_to.iter().find_map(|application| Some((application, must_permit(&application)?)))?;
        let other = other.name.as_deref().unwrap_or_default();
        Some(ConfigWarning {
            pointer: document.pointer.clone(),
            code: ConfigCode::IdlePermit,
            message: format!(
                "its permits decide nothing in `{application}`: `{other}` has `must_permit`, and a permit of `{other}` alone \
                 grants access there; write `must_permit: true` here too if both have to permit"
            ),
        })
    });
    warned.collect()
}
