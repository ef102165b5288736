//! Where a worker remembers proofs that were used.

use std::rc::Rc;

use super::{Seed, Sharing};
use crate::config::Plan;
use crate::config_error::{ConfigCode, ConfigError};
use crate::fetch::{LocalMemory, SharedMemory};
use crate::freshness::{MemoryScope, ProofMemory};

/// The memories of proofs.
#[derive(Default)]
pub(super) struct Proofs {
    shared: Option<Rc<dyn SharedMemory>>,
    own: LocalMemory,
    seed: [u8; 32],
}

impl Proofs {
    /// Those of a worker under this configuration.
    ///
    /// # Errors
    /// Each issuer whose proofs all workers are to remember, if there is no memory that only they share: another module
    /// could remove a proof from it, or read the secret of nonces. All workers come to the same answer.
    pub(super) fn of(plan: &Plan, sharing: Option<&Sharing>, seed: Option<&Seed>) -> Result<Self, Vec<ConfigError>> {
        let shared = sharing.map(|sharing| Rc::clone(&sharing.memory));
        let lack_it = plan.proofs().filter(|(_, rule)| shared.is_none() && rule.replay == MemoryScope::Shared);
        let problems: Vec<ConfigError> = lack_it.map(|(issuer, _)| without_vm_id(issuer.as_str())).collect();
        if !problems.is_empty() {
            return Err(problems);
        }
        // Without a seed every request is refused.
        let seed = seed.map_or([0; 32], |seed| seed.bytes("proofs"));
        Ok(Self { shared, own: LocalMemory::default(), seed })
    }

    /// The same for a decision.
    pub(super) fn memory(&self) -> ProofMemory<'_> {
        ProofMemory { shared: self.shared.as_deref(), own: Some(&self.own), seed: &self.seed }
    }
}

fn without_vm_id(issuer: &str) -> ConfigError {
    ConfigError {
        pointer: format!("/issuers/{issuer}/dpop/replay"),
        position: None,
        code: ConfigCode::Contradiction,
        message: "`replay: shared` needs data that only this plugin's workers share, and the plugin has no `vm_id`"
            .to_owned(),
        help:
            "set `vm_config.vm_id` to a unique name where the proxy allows it; otherwise write `replay: per_worker`, \
               and read what that permits in docs/bound-tokens.md"
                .to_owned(),
    }
}
