//! Counters and gauges in the proxy, defined on first use.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::Hash;

use proxy_wasm::types::MetricType;

use crate::calls;
use countersign_core::telemetry::{Counter, Gauge};

/// The ids of the metrics in use. Bounded: a metric's name holds nothing of a request.
#[derive(Default)]
pub(crate) struct Meter {
    counters: RefCell<HashMap<Counter, u32>>,
    gauges: RefCell<HashMap<Gauge, u32>>,
}

impl Meter {
    /// Adds so many to a counter.
    pub(crate) fn count(&self, counter: Counter, times: usize) {
        let times = i64::try_from(times).unwrap_or(i64::MAX);
        if let Some(id) = id_of(&self.counters, counter, MetricType::Counter, Counter::name) {
            calls::add(id, times);
        }
    }

    /// Changes a gauge that several workers change.
    pub(crate) fn change(&self, gauge: Gauge, by: i64) {
        if let Some(id) = id_of(&self.gauges, gauge, MetricType::Gauge, Gauge::name) {
            calls::add(id, by);
        }
    }

    /// Sets a gauge that all workers set to the same.
    pub(crate) fn set(&self, gauge: Gauge, value: u64) {
        if let Some(id) = id_of(&self.gauges, gauge, MetricType::Gauge, Gauge::name) {
            calls::set(id, value);
        }
    }
}

fn id_of<M: Eq + Hash>(
    ids: &RefCell<HashMap<M, u32>>,
    metric: M,
    kind: MetricType,
    name: impl Fn(&M) -> String,
) -> Option<u32> {
    // No borrow outlives a host call: some call back into this module.
    let known = ids.try_borrow().ok().and_then(|ids| ids.get(&metric).copied());
    if known.is_some() {
        return known;
    }
    let id = calls::define_metric(kind, &name(&metric))?;
    if let Ok(mut ids) = ids.try_borrow_mut() {
        ids.insert(metric, id);
    }
    Some(id)
}
