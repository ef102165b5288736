//! Requests at a bounded rate over a few connections that stay open.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

use test_harness::answer::Answer;
use test_harness::clock::Stopwatch;
use test_harness::http1::Connection;

/// When enough has been sent.
pub enum Goal<'a> {
    /// After so many requests.
    Count(usize),
    /// After this time.
    Time(Duration),
    /// Once this is set.
    Until(&'a AtomicBool),
}

impl Goal<'_> {
    fn is_reached(&self, number: usize, elapsed: Duration) -> bool {
        match self {
            Self::Count(count) => number >= *count,
            Self::Time(time) => elapsed >= *time,
            Self::Until(is_over) => is_over.load(Ordering::Relaxed),
        }
    }
}

/// What was sent.
#[derive(Debug, Default)]
pub struct Sent {
    /// The time from sending a request until its whole answer was there, in nanoseconds.
    pub latencies_ns: Vec<u64>,
    /// How many answers there were of each kind.
    pub answers: BTreeMap<String, usize>,
}

/// When the next request of a connection is due. A connection that was late does not catch up, so the rate is never
/// exceeded.
struct Pace {
    every: Duration,
    due: Duration,
}

impl Pace {
    /// The connection with this number of so many, which share a rate.
    fn new(connection: usize, connections: usize, rate: usize) -> Self {
        let one = Duration::from_secs(1).div_f64(rate.max(1) as f64);
        Self { every: one.mul_f64(connections as f64), due: one.mul_f64(connection as f64) }
    }

    /// How long to wait before the next request.
    fn wait(&mut self, elapsed: Duration) -> Duration {
        let wait = self.due.saturating_sub(elapsed);
        self.due = self.due.max(elapsed) + self.every;
        wait
    }
}

/// Sends requests at this rate until the goal is reached. `judge` names the kind of an answer, or says what is wrong with
/// it.
///
/// # Errors
/// An answer is wrong, or does not come.
pub fn send(
    address: SocketAddr,
    connections: usize,
    rate: usize,
    goal: &Goal<'_>,
    request: impl Fn(usize) -> Vec<u8> + Sync,
    judge: impl Fn(&Answer) -> Result<String, String> + Sync,
) -> io::Result<Sent> {
    let (next, began) = (AtomicUsize::new(0), Stopwatch::start());
    let (next, request, judge) = (&next, &request, &judge);
    let client = move |pace: &mut Pace| {
        let mut sent = Sent::default();
        let mut connection = Connection::open(address)?;
        loop {
            thread::sleep(pace.wait(began.elapsed()));
            let number = next.fetch_add(1, Ordering::Relaxed);
            if goal.is_reached(number, began.elapsed()) {
                return Ok(sent);
            }
            let bytes = request(number);
            let clock = Stopwatch::start();
            connection.send(&bytes)?;
            let answer = connection.answer(true)?;
            sent.latencies_ns.push(u64::try_from(clock.elapsed().as_nanos()).unwrap_or(u64::MAX));
            let kind = judge(&answer).map_err(io::Error::other)?;
            *sent.answers.entry(kind).or_default() += 1;
        }
    };
    thread::scope(|scope| {
        let clients: Vec<_> = (0..connections)
            .map(|number| {
                let mut pace = Pace::new(number, connections, rate);
                scope.spawn(move || client(&mut pace))
            })
            .collect();
        clients.into_iter().map(joined).try_fold(Sent::default(), |mut all, sent| {
            let sent = sent?;
            all.latencies_ns.extend(sent.latencies_ns);
            for (kind, count) in sent.answers {
                *all.answers.entry(kind).or_default() += count;
            }
            Ok(all)
        })
    })
}

/// What a thread came to.
///
/// # Errors
/// Its error, or that it panicked.
pub fn joined<T>(thread: ScopedJoinHandle<'_, io::Result<T>>) -> io::Result<T> {
    thread.join().unwrap_or_else(|_| Err(io::Error::other("a thread that sends requests panicked")))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Goal, Pace};

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn connections_take_turns_at_the_rate_and_do_not_catch_up() {
        // 4 connections at 1,000 a second: each has a turn every 4 ms.
        let mut pace = Pace::new(2, 4, 1_000);
        assert_eq!(pace.wait(Duration::ZERO), 2 * MS);
        assert_eq!(pace.wait(3 * MS), 3 * MS);
        assert_eq!(pace.wait(50 * MS), Duration::ZERO, "late");
        assert_eq!(pace.wait(51 * MS), 3 * MS, "and no sooner for it");
    }

    #[test]
    fn a_goal_is_a_number_of_requests_or_a_time() {
        assert!(!Goal::Count(3).is_reached(2, 9 * MS));
        assert!(Goal::Count(3).is_reached(3, Duration::ZERO));
        assert!(!Goal::Time(3 * MS).is_reached(9, 2 * MS));
        assert!(Goal::Time(3 * MS).is_reached(0, 3 * MS));
    }
}
