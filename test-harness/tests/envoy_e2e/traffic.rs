//! Clients that keep asking while something changes behind Envoy or in it.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use test_harness::answer::Answer;
use test_harness::clock::Deadline;
use test_harness::http1::Connection;
use test_harness::services::Received;

use crate::bench::{Ask, Bench};

/// What the clients are told and tell.
#[derive(Default)]
pub struct Traffic {
    done: AtomicBool,
    answers: AtomicUsize,
}

impl Traffic {
    /// Waits for so many more answers.
    pub fn flows(&self, answers: usize) -> io::Result<()> {
        let enough = self.answers.load(Ordering::SeqCst) + answers;
        let flows = Deadline::after(Duration::from_secs(30))
            .poll(|| (self.answers.load(Ordering::SeqCst) >= enough).then_some(()));
        flows.ok_or_else(|| io::Error::other("the clients get no answers"))
    }

    /// Lets the clients end.
    pub fn end(&self) {
        self.done.store(true, Ordering::SeqCst);
    }

    /// One client: asks until it is told to end, and at least so often; so many times on each connection, which Envoy may close
    /// earlier, but has to say so. Each answer is judged, with what the upstream got.
    pub fn client<T>(
        &self,
        bench: &Bench,
        address: SocketAddr,
        (fewest, per_connection): (usize, usize),
        ask: impl Fn() -> Ask,
        judge: impl Fn(&Answer, Option<Received>) -> io::Result<T>,
    ) -> io::Result<Vec<T>> {
        let mut connection = Connection::open(address)?;
        let mut seen = Vec::new();
        while !self.done.load(Ordering::SeqCst) || seen.len() < fewest {
            let (mut request, test_id) = bench.prepare(&ask());
            request.headers.retain(|(name, _)| name != "connection");
            connection.send(&request.head())?;
            let answer = connection.answer(true)?;
            seen.push(judge(&answer, bench.upstream.received(&test_id))?);
            self.answers.fetch_add(1, Ordering::SeqCst);
            if answer.header("connection") == Some("close") || seen.len() % per_connection == 0 {
                connection = Connection::open(address)?;
            }
        }
        Ok(seen)
    }
}

/// An answer that none of the answers is that may be.
pub fn wrong(answer: &Answer) -> io::Error {
    io::Error::other(format!("an answer that cannot be: {} {}", answer.status, answer.text()))
}
