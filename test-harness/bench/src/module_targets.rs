//! What the project aims at for the size, the load and the memory of the module.

use crate::flavour::Cost;

/// The flavour that takes policies as text.
pub const FULL: &str = "countersign";
/// The flavour that takes prepared policies only.
pub const LEAN: &str = "countersign-lean";
/// The other build that load and memory are compared with.
pub const BEFORE: &str = "before";

/// A target, and the value of this run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ModuleTarget {
    /// The flavour.
    pub flavour: &'static str,
    /// What is measured.
    pub what: &'static str,
    /// The value.
    pub value: f64,
    /// The most that it should be.
    pub target: f64,
}

/// The targets of the flavours that were measured. Those in comparison need the other build.
#[must_use]
pub fn module_targets(flavours: &[(&'static str, Cost)]) -> Vec<ModuleTarget> {
    let find = |name| flavours.iter().find(|(flavour, _)| *flavour == name).map(|(_, cost)| *cost);
    let mut targets = Vec::new();
    let mut add = |flavour, what, value, target| targets.push(ModuleTarget { flavour, what, value, target });
    if let Some(full) = find(FULL) {
        add(FULL, "MB", megabytes(full.bytes), 4.2);
        add(FULL, "more/worker MiB", full.rss_more_per_worker_mib, 5.0);
    }
    if let Some(lean) = find(LEAN) {
        add(LEAN, "MB", megabytes(lean.bytes), 2.1);
        add(LEAN, "MB after gzip -9", megabytes(lean.gzip_bytes), 0.65);
        add(LEAN, "more/worker MiB", lean.rss_more_per_worker_mib, 5.0);
        if let Some(before) = find(BEFORE) {
            add(LEAN, "load CPU, to before", lean.load_cpu_s / before.load_cpu_s, 0.45);
            add(LEAN, "load wall, to before", lean.load_wall_s / before.load_wall_s, 0.45);
            add(LEAN, "RSS over bare, to before", lean.rss_over_bare_mib / before.rss_over_bare_mib, 0.55);
        }
    }
    targets
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::{BEFORE, FULL, LEAN, module_targets};
    use crate::flavour::Cost;

    const COST: Cost = Cost {
        bytes: 4_000_000,
        gzip_bytes: 1_000_000,
        load_cpu_s: 6.0,
        load_wall_s: 3.0,
        rss_over_bare_mib: 120.0,
        rss_more_per_worker_mib: 4.0,
        bare_rss_more_per_worker_mib: 1.0,
    };

    #[test]
    fn the_lean_module_is_compared_with_the_other_build_where_there_is_one() {
        let lean = Cost { load_cpu_s: 3.0, load_wall_s: 1.5, rss_over_bare_mib: 60.0, ..COST };
        let values = |flavours: &[_]| {
            let compared = module_targets(flavours).into_iter().filter(|target| target.what.ends_with("to before"));
            compared.map(|target| (target.flavour, target.value)).collect::<Vec<_>>()
        };
        assert_eq!(values(&[(FULL, COST), (LEAN, lean), (BEFORE, COST)]), [(LEAN, 0.5); 3]);
        assert_eq!(values(&[(FULL, COST), (LEAN, lean)]), []);
    }

    #[test]
    fn each_flavour_has_targets_of_its_own() {
        let of = |flavour| {
            module_targets(&[(flavour, COST)]).iter().map(|target| (target.what, target.target)).collect::<Vec<_>>()
        };
        assert_eq!(of(FULL), [("MB", 4.2), ("more/worker MiB", 5.0)]);
        assert_eq!(of(LEAN), [("MB", 2.1), ("MB after gzip -9", 0.65), ("more/worker MiB", 5.0)]);
        assert_eq!(of(BEFORE), []);
    }
}
