//! Every order of events, up to a length: what must hold after each of them.

use super::*;
use crate::portable;

#[derive(Clone, Copy, Debug)]
enum Event {
    Soon,
    MuchLater,
    ClockBack,
    Good,
    Rotated,
    Bad,
    /// An answer to the very first request.
    Late,
    Seek,
}

const EVENTS: [Event; 8] = [
    Event::Soon,
    Event::MuchLater,
    Event::ClockBack,
    Event::Good,
    Event::Rotated,
    Event::Bad,
    Event::Late,
    Event::Seek,
];

/// One run of a sequence, with what is known from outside.
struct Run {
    worker: Worker,
    memory: Option<FakeMemory>,
    /// A request is out and not answered.
    open: bool,
    /// The set last given, and when.
    given: Option<(&'static str, UnixSeconds)>,
    last_sent: Option<UnixSeconds>,
    /// When a request was sent last without any pause after another.
    looked_up: Option<UnixSeconds>,
}

impl Run {
    fn new(shared: bool) -> Self {
        let memory = shared.then(FakeMemory::default);
        Self { worker: Worker::new(), memory, open: false, given: None, last_sent: None, looked_up: None }
    }

    fn step(&mut self, event: Event) {
        match event {
            Event::Soon => self.pass(1),
            Event::MuchLater => self.pass(700),
            Event::ClockBack => self.pass(-30),
            Event::Good => self.answer("first", &first_set()),
            Event::Rotated => self.answer("second", &second_set()),
            Event::Bad => self.answer("", &failure()),
            Event::Late if self.worker.sent.call == 1 => self.answer("second", &second_set()),
            Event::Late => {
                let first = RequestId { call: 1, ..self.worker.sent.clone() };
                let effects = self.worker.answered_to(&first, &second_set(), self.memory.as_ref());
                assert!(effects.is_empty(), "the answer to an earlier request counts: {effects:?}");
            }
            Event::Seek => {
                self.worker.seek("made-up");
                self.tick();
            }
        }
        self.check();
    }

    fn pass(&mut self, seconds: i64) {
        self.worker.now = testing::later(self.worker.now, seconds);
        if seconds < 0 {
            // The outside clock went back with it.
            self.given = self.given.map(|(name, at)| (name, at.min(self.worker.now)));
            (self.last_sent, self.looked_up) = (None, None);
        }
        self.tick();
    }

    fn tick(&mut self) {
        let effects = self.worker.tick(self.memory.as_ref());
        if failed(&effects).is_some() {
            self.open = false;
        }
        if sends(&effects) {
            assert!(!self.open, "a second request while one is open");
            if self.last_sent.is_some_and(|last| self.worker.now.since(last) < Seconds::new(1)) {
                let since = self.looked_up.map(|last| self.worker.now.since(last));
                assert!(since.is_none_or(|since| since >= Seconds::new(20)), "more than a lookup without any pause");
                self.looked_up = Some(self.worker.now);
            }
            (self.open, self.last_sent) = (true, Some(self.worker.now));
        }
    }

    fn answer(&mut self, name: &'static str, response: &Response) {
        let effects = self.worker.answered(response, self.memory.as_ref());
        assert_eq!(!effects.is_empty(), self.open, "an answer counts if and only if it was asked for");
        if self.open && !name.is_empty() {
            self.given = Some((name, self.worker.now));
        }
        self.open = false;
    }

    /// Only the set that was given last is ever used, and never beyond its time.
    fn check(&self) {
        let limit = Seconds::new(1_000 + 500);
        match (self.worker.key_ids(), self.given) {
            (Ok(ids), Some((name, at))) => {
                assert_eq!(ids, [name]);
                assert!(self.worker.now.since(at) < limit);
            }
            (Ok(ids), None) => panic!("{ids:?} out of nothing"),
            (Err(prospect), given) => {
                assert!(given.is_none_or(|(_, at)| self.worker.now.since(at) >= limit), "{given:?} is not used");
                assert_ne!(prospect, Prospect::None, "without keys there is always a prospect");
            }
        }
    }
}

#[portable]
fn in_every_order_of_events_only_good_and_timely_keys_are_used() {
    const LENGTH: u32 = 4;
    let kinds = EVENTS.len();
    for shared in [false, true] {
        for number in 0..kinds.pow(LENGTH) {
            let mut run = Run::new(shared);
            let mut rest = number;
            for _ in 0..LENGTH {
                run.step(EVENTS[rest % kinds]);
                rest /= kinds;
            }
            // Whatever came before: a provider that answers from now on is believed within the longest pause; within two
            // where the clock stepped back, for the workers' common lease and this one's own plan each end in their time.
            let recovered = (0..=61).any(|_| {
                run.step(Event::Soon);
                if run.open {
                    run.step(Event::Rotated);
                }
                run.worker.key_ids().is_ok()
            });
            assert!(recovered, "order {number} does not recover");
        }
    }
}
