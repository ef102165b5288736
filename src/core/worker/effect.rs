//! What a worker asks of its host.

use core::time::Duration;
use std::borrow::Cow;
use std::rc::Rc;

use crate::fetch::FetchRequest;
use crate::reply::{Answer, Forwarding};
use crate::telemetry::{Counter, Gauge};

/// A call to the host failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostFault;

/// How important a line of the log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Of use only when something is investigated.
    Debug,
    /// The normal course.
    Info,
    /// An operator should look at it.
    Warn,
    /// An operator must do something.
    Error,
}

/// What the host is to do. Where nothing else is written, it need not report whether it could.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Write a line to the log.
    Log(Level, String),
    /// Add so many to a counter.
    Count(Counter, usize),
    /// Change a gauge that several workers change.
    ChangeGauge(Gauge, i64),
    /// Set a gauge that all workers set to the same value.
    SetGauge(Gauge, u64),
    /// Call [`Worker::tick`](super::Worker::tick) each time this period has passed. It replaces the period before it.
    Tick(Duration),
    /// Make these changes to a request, in this order, and stop at the first that fails. Report with
    /// [`Worker::forwarded`](super::Worker::forwarded).
    Forward {
        /// The stream of the request.
        stream: u32,
        /// The changes.
        changes: Changes,
    },
    /// Answer the client: the ending call of a stream. If the host does not accept the answer, the stream stays paused
    /// until its idle timeout and nothing passes.
    Answer {
        /// The stream of the request.
        stream: u32,
        /// The decision record, to be set before the answer is sent. The answer does not depend on whether that
        /// succeeds: the record is in the log already.
        record: Option<FilterState>,
        /// The answer.
        answer: Answer,
    },
    /// Let a request pass that was paused and then forwarded. No other call may follow for this stream.
    Resume {
        /// The stream of the request.
        stream: u32,
    },
    /// Send a request. Report with [`Worker::sent`](super::Worker::sent), and later with
    /// [`Worker::answered`](super::Worker::answered).
    Fetch(FetchRequest),
    /// Create a queue of this name whose messages lead to [`Worker::message`](super::Worker::message). Report with
    /// [`Worker::listening`](super::Worker::listening) if that succeeded.
    Listen(String),
    /// Put a message into the queue of another worker.
    Notify {
        /// The VM that the queue belongs to.
        vm_id: String,
        /// The name of the queue.
        queue: String,
    },
    /// Ask about each of these streams whether it still waits ([`Worker::wanted`](super::Worker::wanted)), and if so
    /// read its request again and call [`Worker::request`](super::Worker::request), or
    /// [`Worker::lost`](super::Worker::lost) if the host no longer has the stream. Then return to the root context.
    Wake(Vec<u32>),
}

/// The changes to a request that is forwarded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes {
    /// Those of its headers.
    pub(super) headers: Forwarding,
    /// The decision record, if there is one.
    pub(super) record: Option<FilterState>,
    /// What lets the request pass.
    pub(super) guard: FilterState,
}

/// One change to a request that is forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change<'a> {
    /// Remove every header field of this name.
    RemoveHeader(&'a str),
    /// Set a header field, and remove all others of the name.
    SetHeader(&'a str, &'a [u8]),
    /// Set filter state.
    SetFilterState(&'a FilterState),
}

impl Changes {
    /// All of them, in the order in which they are to be made. The last one arms the guard.
    pub fn iter(&self) -> impl Iterator<Item = Change<'_>> {
        let removals = self.headers.remove().map(Change::RemoveHeader);
        let headers = self.headers.set().map(|(name, value)| Change::SetHeader(name, value));
        removals.chain(headers).chain(self.record.iter().chain([&self.guard]).map(Change::SetFilterState))
    }
}

/// A value that the host keeps with the stream, for filters after this one and for access logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterState {
    /// Its name.
    pub name: Rc<str>,
    /// Its value.
    pub value: Cow<'static, str>,
}
