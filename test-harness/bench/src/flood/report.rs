//! What came of a flood, as a table and as JSON.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::statistics::{median, quantile};
use crate::table::table;

/// The share of the samples at the beginning and at the end whose medians are compared.
const END_SHARE: usize = 10;

/// Times until good requests were answered.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Latencies {
    /// How many requests.
    pub requests: usize,
    /// Half were answered within this time.
    pub p50_us: f64,
    /// 99 of 100 were.
    pub p99_us: f64,
}

impl Latencies {
    /// Of these, in nanoseconds.
    #[must_use]
    pub fn of(mut nanoseconds: Vec<u64>) -> Self {
        nanoseconds.sort_unstable();
        let sorted: Vec<f64> = nanoseconds.iter().map(|latency| *latency as f64 / 1e3).collect();
        let at = |share| quantile(&sorted, share).unwrap_or_default();
        Self { requests: sorted.len(), p50_us: at(0.5), p99_us: at(0.99) }
    }
}

/// One flood.
#[derive(Debug)]
pub struct Flood {
    /// The tokens.
    pub name: &'static str,
    /// Bytes of one.
    pub token_bytes: usize,
    /// How many bad ones were sent.
    pub sent: usize,
    /// In what time.
    pub seconds: f64,
    /// How each sort was answered.
    pub answers: Vec<(&'static str, BTreeMap<String, usize>)>,
    /// Good requests before, during and after the flood.
    pub good: [Latencies; 3],
    /// Processors that Envoy used meanwhile, good requests included.
    pub cpu_share: f64,
    /// Envoy's resident memory before the flood.
    pub rss_before_kib: u64,
    /// The same twice a second during the flood.
    pub rss_kib: Vec<u64>,
    /// The same after it.
    pub rss_after_kib: u64,
}

impl Flood {
    /// How much more memory Envoy held at the end of the flood than at its beginning.
    fn growth_kib(&self) -> f64 {
        let share = self.rss_kib.len().div_ceil(END_SHARE);
        let middle = |samples: &[u64]| median(&samples.iter().map(|kib| *kib as f64).collect::<Vec<_>>());
        let first = self.rss_kib.get(..share).and_then(middle);
        let last = self.rss_kib.get(self.rss_kib.len() - share..).and_then(middle);
        last.unwrap_or_default() - first.unwrap_or_default()
    }

    fn most_kib(&self) -> u64 {
        self.rss_kib.iter().copied().max().unwrap_or(self.rss_before_kib)
    }

    fn json(&self) -> Value {
        let [before, during, after] =
            self.good.map(|good| json!({ "requests": good.requests, "p50_us": good.p50_us, "p99_us": good.p99_us }));
        json!({
            "tokens": self.name, "token_bytes": self.token_bytes, "sent": self.sent, "seconds": self.seconds,
            "answers": self.answers.iter().map(|(sort, answers)| ((*sort).to_owned(), json!(answers))).collect::<serde_json::Map<_, _>>(),
            "good": { "before": before, "during": during, "after": after },
            "envoy_cpu_share": self.cpu_share,
            "rss_kib": {
                "before": self.rss_before_kib, "most": self.most_kib(), "after": self.rss_after_kib,
                "growth": self.growth_kib(), "samples": self.rss_kib,
            },
        })
    }
}

/// All floods, with the rate that was asked for.
#[must_use]
pub fn json(rate: usize, floods: &[Flood]) -> Value {
    json!({ "rate": rate, "floods": floods.iter().map(Flood::json).collect::<Vec<_>>() })
}

/// Prints one row for each flood, and how the bad tokens were answered.
pub fn print(floods: &[Flood]) {
    let mut rows = table([
        "bad tokens",
        "sent",
        "a second",
        "Envoy's CPUs",
        "good p50 us",
        "during",
        "after",
        "good p99 us",
        "during",
        "after",
        "RSS MiB",
        "most",
        "after",
        "growth",
    ]);
    for flood in floods {
        let mib = |kib: f64| format!("{:.1}", kib / 1024.0);
        let mut row = vec![
            flood.name.to_owned(),
            flood.sent.to_string(),
            format!("{:.0}", flood.sent as f64 / flood.seconds),
            format!("{:.2}", flood.cpu_share),
        ];
        row.extend(flood.good.map(|good| format!("{:.0}", good.p50_us)));
        row.extend(flood.good.map(|good| format!("{:.0}", good.p99_us)));
        row.extend([flood.rss_before_kib, flood.most_kib(), flood.rss_after_kib].map(|kib| mib(kib as f64)));
        row.push(mib(flood.growth_kib()));
        rows.add_row(row);
    }
    println!("{rows}");
    for flood in floods {
        for (sort, answers) in &flood.answers {
            let answers: Vec<String> = answers.iter().map(|(code, count)| format!("{count} {code}")).collect();
            println!("{}, {sort}: {}", flood.name, answers.join(", "));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Flood, Latencies};

    fn flood(rss_kib: Vec<u64>) -> Flood {
        Flood {
            name: "",
            token_bytes: 1,
            sent: 1,
            seconds: 1.0,
            answers: Vec::new(),
            good: [Latencies::default(); 3],
            cpu_share: 0.5,
            rss_before_kib: 7,
            rss_kib,
            rss_after_kib: 7,
        }
    }

    #[test]
    fn growth_is_between_the_first_and_the_last_tenth_whatever_peaks_are_between() {
        let mut samples = vec![100; 40];
        assert_eq!((flood(samples.clone()).growth_kib(), flood(samples.clone()).most_kib()), (0.0, 100));
        samples[20] = 9_000;
        samples.splice(36.., [150, 150, 150, 150]);
        assert_eq!((flood(samples.clone()).growth_kib(), flood(samples).most_kib()), (50.0, 9_000));
        assert_eq!((flood(vec![5]).growth_kib(), flood(Vec::new()).growth_kib()), (0.0, 0.0));
        assert_eq!(flood(Vec::new()).most_kib(), 7);
    }

    #[test]
    fn latencies_are_in_microseconds() {
        let latencies = Latencies::of((1..=101).rev().map(|us| us * 1_000).collect());
        assert_eq!(latencies, Latencies { requests: 101, p50_us: 51.0, p99_us: 100.0 });
    }
}
