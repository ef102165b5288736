//! Which workers are there to be told that keys came: a list in the memory that they share.
//!
//! Each worker listens on a queue of its own and keeps its name in the list alive. A queue of a worker that is gone still
//! takes messages, which nobody would ever take out; so a name that was not renewed for a while is not written to, and goes.

use serde::{Deserialize, Serialize};

use super::{SharedMemory, Write};
use crate::jose::json;
use crate::limits::MAX_TOLD_WORKERS;
use crate::time::{Seconds, UnixSeconds};

const NAME: &str = "countersign.keys.1.workers";

/// A name is renewed when it is older than this.
const RENEWED_AFTER: Seconds = Seconds::new(10);

/// A name that is older than this is a worker's that is gone.
const GONE_AFTER: Seconds = Seconds::new(30);

/// Bytes of the list: of its cap of names, with room to spare.
const MAX_LIST_BYTES: usize = 32 * 1024;

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Worker {
    queue: String,
    seen: i64,
}

/// Keeps this worker's queue in the list. Where the list is full or another worker writes it just now, nothing is done: it
/// is tried again at the next tick, and until then this worker sees new keys at its ticks.
pub fn announce(memory: &dyn SharedMemory, queue: &str, now: UnixSeconds) {
    let (mut workers, version) = read(memory, now);
    let is_full = workers.len() >= MAX_TOLD_WORKERS;
    let known = workers.iter().position(|worker| worker.queue == queue);
    match known.and_then(|index| workers.get_mut(index)) {
        Some(worker) if now.since(UnixSeconds::new(worker.seen)) < RENEWED_AFTER => return,
        Some(worker) => worker.seen = now.get(),
        None if is_full => return,
        None => workers.push(Worker { queue: queue.to_owned(), seen: now.get() }),
    }
    let bytes = serde_json::to_vec(&workers).unwrap_or_default();
    let _ = memory.write(NAME, &bytes, version.map_or(Write::Create, Write::Replace));
}

/// The queues of all other workers.
pub fn others(memory: &dyn SharedMemory, queue: &str, now: UnixSeconds) -> Vec<String> {
    let (workers, _) = read(memory, now);
    workers.into_iter().map(|worker| worker.queue).filter(|other| other != queue).collect()
}

/// Those that are there, and the version of whatever stands in the list's place.
fn read(memory: &dyn SharedMemory, now: UnixSeconds) -> (Vec<Worker>, Option<u32>) {
    let Some((bytes, version)) = memory.read(NAME) else { return (Vec::new(), None) };
    let whole = Some(bytes).filter(|bytes| bytes.len() <= MAX_LIST_BYTES);
    let list = whole.and_then(|bytes| json::parse(&bytes, 3).ok());
    let mut workers: Vec<Worker> = list.and_then(|list| serde_json::from_value(list).ok()).unwrap_or_default();
    workers.retain(|worker| {
        let seen = UnixSeconds::new(worker.seen);
        seen <= now && now.since(seen) < GONE_AFTER
    });
    workers.truncate(MAX_TOLD_WORKERS);
    (workers, Some(version))
}

#[cfg(test)]
mod tests {
    use super::{announce, others};
    use crate::limits::MAX_TOLD_WORKERS;
    use crate::portable;
    use crate::testing::FakeMemory;
    use crate::time::UnixSeconds;

    const NOW: UnixSeconds = UnixSeconds::new(1_800_000_000);

    fn later(seconds: i64) -> UnixSeconds {
        crate::testing::later(NOW, seconds)
    }

    #[portable]
    fn workers_find_each_other_and_not_themselves() {
        let memory = FakeMemory::default();
        announce(&memory, "a", NOW);
        announce(&memory, "b", NOW);
        assert_eq!(others(&memory, "a", NOW), ["b"]);
        assert_eq!(others(&memory, "c", NOW), ["a", "b"]);
    }

    #[portable]
    fn a_worker_that_renews_its_name_stays_and_one_that_does_not_goes() {
        let memory = FakeMemory::default();
        announce(&memory, "gone", NOW);
        announce(&memory, "there", NOW);
        for seconds in [9, 20, 29] {
            announce(&memory, "there", later(seconds));
        }
        assert_eq!(others(&memory, "me", later(29)), ["gone", "there"]);
        assert_eq!(others(&memory, "me", later(30)), ["there"]);
    }

    #[portable]
    fn a_list_that_somebody_overwrote_is_begun_anew() {
        for garbage in [&b""[..], b"[", b"{}", b"[[\"a\"]]", b"[{\"queue\":\"a\",\"seen\":9223372036854775807}]"] {
            let memory = FakeMemory::default();
            memory.plant("countersign.keys.1.workers", garbage);
            assert!(others(&memory, "me", NOW).is_empty());
            announce(&memory, "a", NOW);
            assert_eq!(others(&memory, "me", NOW), ["a"]);
        }
    }

    #[portable]
    fn at_the_cap_nobody_else_is_added() {
        let memory = FakeMemory::default();
        for index in 0..=MAX_TOLD_WORKERS {
            announce(&memory, &index.to_string(), NOW);
        }
        assert_eq!(others(&memory, "me", NOW).len(), MAX_TOLD_WORKERS);
    }
}
