//! Counters and gauges in the proxy, defined on first use.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::Hash;

use crate::host::{Host, MetricKind};
use countersign_core::telemetry::{Counter, Gauge};

/// The ids of the metrics in use. Bounded: no part of a request is in a metric's name.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    counters: RefCell<HashMap<Counter, u32>>,
    gauges: RefCell<HashMap<Gauge, u32>>,
}

impl Meter {
    /// Adds so many to a counter.
    pub(crate) fn count(&self, host: &impl Host, counter: Counter, times: usize) {
        let times = i64::try_from(times).unwrap_or(i64::MAX);
        if let Some(id) = id_of(host, &self.counters, counter, MetricKind::Counter, Counter::name) {
            host.add(id, times);
        }
    }

    /// Changes a gauge that several workers change.
    pub(crate) fn change(&self, host: &impl Host, gauge: Gauge, by: i64) {
        if let Some(id) = id_of(host, &self.gauges, gauge, MetricKind::Gauge, Gauge::name) {
            host.add(id, by);
        }
    }

    /// Sets a gauge that all workers set to the same value.
    pub(crate) fn set(&self, host: &impl Host, gauge: Gauge, value: u64) {
        if let Some(id) = id_of(host, &self.gauges, gauge, MetricKind::Gauge, Gauge::name) {
            host.set(id, value);
        }
    }
}

fn id_of<M: Eq + Hash>(
    host: &impl Host,
    ids: &RefCell<HashMap<M, u32>>,
    metric: M,
    kind: MetricKind,
    name: impl Fn(&M) -> String,
) -> Option<u32> {
    // No borrow outlives a host call: some call back into this module.
    let known = ids.try_borrow().ok().and_then(|ids| ids.get(&metric).copied());
    if known.is_some() {
        return known;
    }
    let id = host.define_metric(kind, &name(&metric))?;
    if let Ok(mut ids) = ids.try_borrow_mut() {
        ids.insert(metric, id);
    }
    Some(id)
}
