//! Workers of one proxy, with one memory.

use super::*;
use crate::limits::SHARED_KEY_SLOTS;
use crate::portable;

fn workers(count: u64) -> Vec<Worker> {
    (1..=count).map(|seed| Worker::with(source(), seed)).collect()
}

/// All tick; the indexes of those that sent a request.
fn tick_all(workers: &mut [Worker], memory: &FakeMemory) -> Vec<usize> {
    let ticked = workers.iter_mut().enumerate().map(|(index, worker)| (index, sends(&worker.tick(Some(memory)))));
    ticked.filter(|(_, sent)| *sent).map(|(index, _)| index).collect()
}

fn later(workers: &mut [Worker], seconds: i64) {
    for worker in workers {
        worker.now = testing::later(worker.now, seconds);
    }
}

#[portable]
fn one_worker_fetches_for_all() {
    for count in [1, 2, 4, 9] {
        let (mut all, memory) = (workers(count), FakeMemory::default());
        assert_eq!(tick_all(&mut all, &memory), [0], "one of {count} fetches");
        assert_eq!(tick_all(&mut all, &memory), [] as [usize; 0]);
        assert!(all.iter().all(|worker| worker.key_ids() == Err(Prospect::Coming)));
        let effects = all[0].answered(&first_set(), Some(&memory));
        assert!(effects.contains(&Effect::TellWorkers));
        for worker in &mut all[1..] {
            let effects = worker.tick(Some(&memory));
            assert!(wakes(&effects), "who waits there is woken");
        }
        assert!(all.iter().all(|worker| worker.key_ids() == Ok(vec!["first"])));
    }
}

#[portable]
fn over_a_day_there_is_one_fetch_in_each_life_of_a_set() {
    let (mut all, memory) = (workers(4), FakeMemory::default());
    let mut fetches = 0;
    for _ in 0..86_400 / 10 {
        for index in tick_all(&mut all, &memory) {
            fetches += 1;
            all[index].answered(&first_set(), Some(&memory));
        }
        later(&mut all, 10);
    }
    // A life of 1,000 s, renewed after 700 to 800 of them by whoever comes first.
    assert!((86_400 / 810..=86_400 / 700 + 1).contains(&fetches), "{fetches}");
}

#[portable]
fn a_worker_that_dies_with_the_lease_does_not_block_the_others() {
    let (mut all, memory) = (workers(3), FakeMemory::default());
    assert_eq!(tick_all(&mut all, &memory), [0]);
    all.remove(0);
    later(&mut all, 6);
    assert_eq!(tick_all(&mut all, &memory), [] as [usize; 0], "it may still come");
    later(&mut all, 1);
    assert_eq!(tick_all(&mut all, &memory).len() + tick_all(&mut all, &memory).len(), 1);
}

#[portable]
fn a_worker_that_gives_up_its_fetch_leaves_it_to_the_others_at_once() {
    let (mut all, memory) = (workers(3), FakeMemory::default());
    assert_eq!(tick_all(&mut all, &memory), [0]);
    assert_eq!(tick_all(&mut all, &memory), [] as [usize; 0], "it may still come");
    let mut ended = all.remove(0);
    ended.store.abandon(&memory, ended.now);
    assert_eq!(tick_all(&mut all, &memory), [0], "one of the others fetches");
    assert!(all.iter().all(|worker| worker.key_ids() == Err(Prospect::Coming)), "who waits goes on waiting");
    all[0].answered(&first_set(), Some(&memory));
    ended.store.abandon(&memory, ended.now);
    tick_all(&mut all, &memory);
    assert!(all.iter().all(|worker| worker.key_ids() == Ok(vec!["first"])), "a second time changes nothing");
}

#[portable]
fn a_failure_of_one_is_known_to_all_and_backed_off_together() {
    let (mut all, memory) = (workers(3), FakeMemory::default());
    let mut pauses = Vec::new();
    for _ in 0..6 {
        let fetching = (0..60).find_map(|_| {
            let sent = tick_all(&mut all, &memory);
            if sent.is_empty() {
                later(&mut all, 1);
            }
            sent.first().copied()
        });
        let (_, pause) = failed(&all[fetching.unwrap()].answered(&failure(), Some(&memory))).unwrap();
        pauses.push(pause);
        for worker in &mut all {
            worker.tick(Some(&memory));
            assert!(matches!(worker.key_ids(), Err(Prospect::Later(_))), "{:?}", worker.key_ids());
        }
    }
    assert!(pauses.windows(2).all(|pair| pair[0] <= pair[1]) && pauses[5] >= 15, "{pauses:?}");
}

#[portable]
fn a_flood_of_unknown_key_ids_at_all_workers_costs_one_fetch_in_an_interval() {
    let (mut all, memory) = (workers(4), FakeMemory::default());
    let mut fetches = 0;
    for second in 0..100 {
        for (index, worker) in all.iter_mut().enumerate() {
            for request in 0..5 {
                worker.seek(&format!("made-up-{index}-{second}-{request}"));
            }
        }
        for index in tick_all(&mut all, &memory) {
            fetches += 1;
            all[index].answered(&first_set(), Some(&memory));
        }
        later(&mut all, 1);
    }
    assert_eq!(fetches, 1 + 100 / 20, "the first fetch, and one lookup in an interval");
}

#[portable]
fn a_rotation_reaches_all_workers() {
    let (mut all, memory) = (workers(3), FakeMemory::default());
    let first = tick_all(&mut all, &memory)[0];
    all[first].answered(&first_set(), Some(&memory));
    tick_all(&mut all, &memory);
    later(&mut all, 20);
    assert_eq!(all[2].seek("second"), Prospect::Coming);
    assert_eq!(tick_all(&mut all, &memory), [2]);
    all[2].answered(&second_set(), Some(&memory));
    tick_all(&mut all, &memory);
    assert!(all.iter().all(|worker| worker.key_ids() == Ok(vec!["second"])));
}

/// So many workers with the first set, each of which may look something up.
fn with_first_set(count: u64) -> (Vec<Worker>, FakeMemory) {
    let (mut all, memory) = (workers(count), FakeMemory::default());
    let first = tick_all(&mut all, &memory)[0];
    all[first].answered(&first_set(), Some(&memory));
    tick_all(&mut all, &memory);
    (all, memory)
}

#[portable]
fn a_key_that_is_published_right_after_a_fetch_reaches_all_workers_in_the_same_second() {
    let (mut all, memory) = with_first_set(3);
    assert_eq!(all[1].seek("second"), Prospect::Coming);
    assert_eq!(tick_all(&mut all, &memory), [1]);
    assert_eq!(all[2].seek("second"), Prospect::Coming, "another worker's fetch may bring it");
    all[1].answered(&second_set(), Some(&memory));
    tick_all(&mut all, &memory);
    assert!(all.iter().all(|worker| worker.key_ids() == Ok(vec!["second"])));
    for worker in &mut all {
        assert_eq!(worker.seek("first"), Prospect::None, "it was in the set before");
    }
}

#[portable]
fn one_lookup_in_an_interval_is_for_all_workers() {
    let (mut all, memory) = with_first_set(3);
    all[0].seek("made-up");
    assert_eq!(tick_all(&mut all, &memory), [0]);
    all[0].answered(&first_set(), Some(&memory));
    tick_all(&mut all, &memory);
    assert_eq!(all[0].seek("made-up"), Prospect::None);
    // The others were not asked for it when that fetch began.
    for worker in &mut all[1..] {
        assert_eq!(worker.seek("made-up"), Prospect::Queued(Seconds::new(20)));
        assert_eq!(worker.seek("second"), Prospect::Queued(Seconds::new(20)));
    }
    for second in 1..=20 {
        later(&mut all, 1);
        let sent = tick_all(&mut all, &memory);
        assert_eq!(sent.len(), usize::from(second == 20), "{second}");
        for index in sent {
            all[index].answered(&first_set(), Some(&memory));
        }
    }
    tick_all(&mut all, &memory);
    for worker in &mut all[1..] {
        assert_eq!(worker.seek("second"), Prospect::None, "one fetch was about the ids of all workers");
    }
}

#[portable]
fn a_fetch_of_another_worker_that_is_under_way_does_not_make_a_key_unknown() {
    let (mut all, memory) = with_first_set(2);
    all[0].seek("made-up");
    assert_eq!(tick_all(&mut all, &memory), [0]);
    // Each order of what comes next at the other worker: its tick, the key, the answer.
    assert_eq!(all[1].seek("second"), Prospect::Coming);
    all[0].answered(&first_set(), Some(&memory));
    tick_all(&mut all, &memory);
    assert_eq!(all[1].seek("second"), Prospect::Queued(Seconds::new(20)));
    later(&mut all, 20);
    assert_eq!(tick_all(&mut all, &memory), [1]);
    assert_eq!(all[0].seek("second"), Prospect::Coming);
    all[1].answered(&second_set(), Some(&memory));
    tick_all(&mut all, &memory);
    assert!(all.iter().all(|worker| worker.key_ids() == Ok(vec!["second"])));
}

#[portable]
fn a_lookup_that_fails_is_backed_off_by_all_and_tried_again_for_all() {
    let (mut all, memory) = with_first_set(2);
    all[0].seek("second");
    assert_eq!(tick_all(&mut all, &memory), [0]);
    all[1].seek("second");
    let pause = failed(&all[0].answered(&failure(), Some(&memory))).unwrap().1;
    assert!(wakes(&all[1].tick(Some(&memory))), "who waits there is told");
    assert_eq!(all[1].seek("second"), Prospect::Later(Seconds::new(pause)));
    later(&mut all, i64::try_from(pause).unwrap());
    let again = tick_all(&mut all, &memory);
    assert_eq!(again.len(), 1);
    all[again[0]].answered(&first_set(), Some(&memory));
    tick_all(&mut all, &memory);
    for worker in &mut all {
        assert_eq!(worker.seek("second"), Prospect::None);
    }
}

#[portable]
fn a_lease_from_before_the_clock_stepped_back_or_a_forged_one_does_not_stop_lookups() {
    let (mut all, memory) = with_first_set(2);
    let name = memory.names().into_iter().find(|name| name.ends_with(".lease")).unwrap();
    let mut lease: serde_json::Value = serde_json::from_slice(&memory.read(&name).unwrap().0).unwrap();
    lease["next_lookup"] = json!(i64::MAX);
    memory.plant(&name, lease.to_string().as_bytes());
    assert_eq!(all[0].seek("second"), Prospect::Coming);
    assert_eq!(tick_all(&mut all, &memory), [0]);
    all[0].answered(&first_set(), Some(&memory));
    later(&mut all, -86_400);
    all[1].seek("second");
    let sent = (0..=20).any(|_| {
        later(&mut all, 1);
        !tick_all(&mut all, &memory).is_empty()
    });
    assert!(sent);
}

#[portable]
fn another_configuration_finds_nothing_and_needs_no_new_names() {
    let memory = FakeMemory::default();
    let mut names = std::collections::BTreeSet::new();
    for generation in 0..50_u64 {
        let source = stale_for(generation);
        let mut worker = Worker::with(source, 1);
        assert!(sends(&worker.tick(Some(&memory))), "configuration {generation} took what another had left");
        worker.answered(&first_set(), Some(&memory));
        names.extend(memory.names());
    }
    let slots: std::collections::BTreeSet<&str> = names.iter().filter_map(|name| name.split('.').nth(3)).collect();
    assert!(slots.iter().all(|slot| slot.parse::<usize>().unwrap() < SHARED_KEY_SLOTS), "{slots:?}");
    assert!(names.iter().all(|name| name.starts_with("countersign.keys.2.")), "{names:?}");
}

#[portable]
fn the_same_configuration_finds_the_keys_at_once() {
    let memory = FakeMemory::default();
    let mut before = Worker::new();
    before.tick(Some(&memory));
    before.answered(&first_set(), Some(&memory));
    let mut after = Worker::with(source(), 7);
    assert!(!sends(&after.tick(Some(&memory))));
    assert_eq!(after.key_ids(), Ok(vec!["first"]));
}

/// What another module may have written in place of our entries.
fn garbage() -> Vec<Vec<u8>> {
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000)).into_bytes();
    let huge = vec![b' '; 3 * 1024 * 1024];
    let other =
        br#"{"digest":"00","owner":1,"until":0,"fetching":false,"failures":0,"fetch":1,"next_lookup":0,"set":[1,0]}"#;
    vec![Vec::new(), b"{".to_vec(), vec![0xff; 100], b"null".to_vec(), b"[]".to_vec(), deep, huge, other.to_vec()]
}

#[portable]
fn entries_that_somebody_overwrote_or_cut_cost_a_fetch_and_nothing_else() {
    let untouched = FakeMemory::default();
    let mut author = Worker::new();
    author.tick(Some(&untouched));
    author.answered(&first_set(), Some(&untouched));
    for name in untouched.names() {
        let (whole, _) = untouched.read(&name).unwrap();
        let cuts = (0..whole.len()).step_by(7).map(|length| whole[..length].to_vec());
        for value in garbage().into_iter().chain(cuts) {
            let memory = FakeMemory::default();
            for other in untouched.names() {
                memory.plant(&other, &untouched.read(&other).unwrap().0);
            }
            memory.plant(&name, &value);
            let mut worker = Worker::with(source(), 3);
            let fetched = (0..40).any(|_| {
                let sent = sends(&worker.tick(Some(&memory)));
                worker.now = testing::later(worker.now, 1);
                sent
            });
            if fetched {
                worker.answered(&first_set(), Some(&memory));
            }
            assert_eq!(
                worker.key_ids(),
                Ok(vec!["first"]),
                "{name}: {:?}",
                String::from_utf8_lossy(&value[..value.len().min(80)])
            );
        }
    }
}

#[portable]
fn a_forged_lease_cannot_keep_the_workers_from_fetching() {
    let memory = FakeMemory::default();
    let mut author = Worker::new();
    author.tick(Some(&memory));
    author.answered(&failure(), Some(&memory));
    let name = memory.names().into_iter().find(|name| name.ends_with(".lease")).unwrap();
    let mut lease: serde_json::Value = serde_json::from_slice(&memory.read(&name).unwrap().0).unwrap();
    for fetching in [false, true] {
        lease["until"] = json!(i64::MAX);
        lease["fetching"] = json!(fetching);
        memory.plant(&name, lease.to_string().as_bytes());
        assert!(sends(&Worker::with(source(), 5).tick(Some(&memory))));
    }
}

#[portable]
fn a_shared_set_passes_every_check_again() {
    let memory = FakeMemory::default();
    let inline = KeySource::Inline(testing::key_set(&key(Algorithm::Es256), Some("inline")));
    let (machines, profile) = (profile("machines"), profile("corp"));
    let mut author = TrustStore::new([(&machines, &inline), (&profile, &fetched())], 1);
    let sent = author.tick(Some(&memory), NOW);
    let id = sent_to(&sent, &profile.name).unwrap();
    author.answered(&id, Ok(&second_set()), Some(&memory), NOW);
    // Somebody puts a key of the other profile into the shared set.
    let name = memory.names().into_iter().find(|name| name.ends_with(".set")).unwrap();
    let mut entry: serde_json::Value = serde_json::from_slice(&memory.read(&name).unwrap().0).unwrap();
    entry["text"] = json!(String::from_utf8(first_set().body).unwrap());
    memory.plant(&name, entry.to_string().as_bytes());
    let mut store = TrustStore::new([(&machines, &inline), (&profile, &fetched())], 2);
    let effects = store.tick(Some(&memory), NOW);
    assert!(
        effects.iter().any(|effect| matches!(
            effect,
            Effect::Report(Report::NotAdopted { fault: KeyFetchFault::SharedKey(_), .. })
        )),
        "{effects:?}"
    );
    assert!(store.keys(&profile.name, NOW).is_err());
    let again = store.tick(Some(&memory), NOW);
    assert!(again.iter().all(|effect| !matches!(effect, Effect::Report(_))), "it is told once: {again:?}");
}

#[portable]
fn a_worker_that_cannot_take_a_shared_set_does_not_ask_again_and_again() {
    let memory = FakeMemory::default();
    let mut author = Worker::new();
    author.tick(Some(&memory));
    author.answered(&first_set(), Some(&memory));
    let set = memory.names().into_iter().find(|name| name.ends_with(".set")).unwrap();
    memory.plant(&set, b"overwritten");
    let mut worker = Worker::with(source(), 2);
    assert!(wakes(&worker.tick(Some(&memory))), "who waits hears that it takes long");
    assert_eq!(worker.key_ids(), Err(Prospect::Later(Seconds::new(20))));
    worker.seek("any");
    assert!(worker.tick(Some(&memory)).is_empty(), "nothing more happens before the rest is over");
    worker.now = testing::later(worker.now, 20);
    assert_eq!(worker.key_ids(), Err(Prospect::Coming));
    assert!(sends(&worker.tick(Some(&memory))));
}

#[portable]
fn an_answer_that_comes_after_another_worker_took_over_changes_nothing() {
    let memory = FakeMemory::default();
    let mut all = workers(3);
    assert_eq!(tick_all(&mut all, &memory), [0]);
    later(&mut all, 8);
    assert!(sends(&all[1].tick(Some(&memory))), "the lease has run out");
    all[1].answered(&second_set(), Some(&memory));
    later(&mut all, 1);
    // The first worker's thread was blocked: its answer comes before its tick.
    all[0].answered(&first_set(), Some(&memory));
    tick_all(&mut all, &memory);
    assert!(all.iter().all(|worker| worker.key_ids() == Ok(vec!["second"])));
}

#[portable]
fn a_failure_that_comes_late_does_not_hide_a_newer_set() {
    let memory = FakeMemory::default();
    let mut all = workers(3);
    let first = tick_all(&mut all, &memory)[0];
    all[first].answered(&first_set(), Some(&memory));
    tick_all(&mut all, &memory);
    later(&mut all, 801);
    assert!(sends(&all[0].tick(Some(&memory))));
    later(&mut all, 8);
    assert!(sends(&all[1].tick(Some(&memory))));
    all[1].answered(&second_set(), Some(&memory));
    all[0].answered(&failure(), Some(&memory));
    tick_all(&mut all, &memory);
    assert!(all.iter().all(|worker| worker.key_ids() == Ok(vec!["second"])));
}

#[portable]
fn a_worker_whose_clock_is_a_second_behind_sees_the_others_lease() {
    let memory = FakeMemory::default();
    let mut all = workers(2);
    all[1].now = testing::later(NOW, -1);
    assert_eq!(tick_all(&mut all, &memory), [0]);
    all[0].answered(&first_set(), Some(&memory));
    all[1].tick(Some(&memory));
    assert_eq!(all[1].key_ids(), Ok(vec!["first"]));
}

#[portable]
fn feeds_that_meet_in_a_slot_do_not_disturb_each_other() {
    // Two configurations whose first slot is the same, found by trial.
    let with = |generation: u64| stale_for(generation);
    let slot_of = |generation: u64| {
        let memory = FakeMemory::default();
        Worker::with(with(generation), 1).tick(Some(&memory));
        memory.names()
    };
    let mut seen = std::collections::BTreeMap::new();
    let (one, other) =
        (0..).find_map(|generation| Some((seen.insert(slot_of(generation), generation)?, generation))).unwrap();
    let memory = FakeMemory::default();
    let mut all: Vec<Worker> = [one, other]
        .into_iter()
        .flat_map(|generation| [1, 2].map(|seed| Worker::with(with(generation), seed)))
        .collect();
    let mut fetches = 0;
    for _ in 0..3 {
        for index in tick_all(&mut all, &memory) {
            fetches += 1;
            all[index].answered(&first_set(), Some(&memory));
        }
    }
    assert_eq!(fetches, 2, "one for each configuration");
    assert!(all.iter().all(|worker| worker.key_ids() == Ok(vec!["first"])));
}
