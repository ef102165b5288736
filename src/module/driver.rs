//! Carries out what a worker asks for, and reports back what it needs to know.

use std::cell::RefCell;
use std::time::Duration;

use crate::host::Host;
use crate::meter::Meter;
use crate::reading::read;
use countersign_core::fetch::FetchRequest;
use countersign_core::reply::Answer;
use countersign_core::request::CertificateMemory;
use countersign_core::time::{Moment, UnixSeconds};
use countersign_core::worker::{Change, Effect, FilterState, HostFault, Wanted, Worker};

/// One configuration on one worker: the worker, and the host that it runs in.
#[derive(Debug)]
pub struct Driver<H> {
    /// The root context.
    root: u32,
    host: H,
    /// No borrow outlives a call to the host that can call back. The calls for shared memory, for signatures and for the
    /// time, which are made while it is borrowed, cannot.
    worker: RefCell<Worker>,
    /// What was read of client certificates; taken out while a request is read.
    certificates: RefCell<CertificateMemory>,
    meter: Meter,
}

impl<H: Host> Driver<H> {
    /// A driver for this worker, whose root context has this id.
    pub fn new(root: u32, host: H, worker: Worker) -> Self {
        Self { root, host, worker: RefCell::new(worker), certificates: RefCell::default(), meter: Meter::default() }
    }

    /// The host.
    pub const fn host(&self) -> &H {
        &self.host
    }

    /// Asks the worker; `None` if it is being asked already. Then nothing is done, and nothing passes.
    pub fn ask<T>(&self, question: impl FnOnce(&mut Worker) -> T) -> Option<T> {
        self.worker.try_borrow_mut().ok().map(|mut worker| question(&mut worker))
    }

    /// Lets the worker handle an event of the root context, and then wake streams.
    pub fn root_event(&self, event: impl FnOnce(&mut Worker, UnixSeconds) -> Vec<Effect>) {
        let now = self.host.now();
        self.handle(now, |worker| event(worker, now.seconds()));
        self.handle(now, Worker::wake);
    }

    /// Reads the request of the current stream, and lets the worker decide about it.
    pub fn decide(&self, stream: u32, wanted: Wanted, began: Moment) {
        let mut certificates = self.certificates.take();
        let request = read(&self.host, wanted, &mut certificates);
        self.certificates.replace(certificates);
        self.handle(began, |worker| worker.request(stream, request, began, &|| self.host.now()));
    }

    /// Lets the worker handle an event, and carries out what it asks for.
    pub fn handle(&self, now: Moment, event: impl FnOnce(&mut Worker) -> Vec<Effect>) {
        for effect in self.ask(event).unwrap_or_default() {
            self.carry_out(effect, now);
        }
    }

    fn carry_out(&self, effect: Effect, now: Moment) {
        match effect {
            Effect::Log(level, line) => self.host.log(level, &line),
            Effect::Count(counter, times) => self.meter.count(&self.host, counter, times),
            Effect::ChangeGauge(gauge, by) => self.meter.change(&self.host, gauge, by),
            Effect::SetGauge(gauge, value) => self.meter.set(&self.host, gauge, value),
            Effect::Tick(period) => self.host.tick_every(period),
            Effect::Forward { stream, changes } => {
                let result = changes.iter().try_for_each(|change| self.change(change));
                self.handle(now, |worker| worker.forwarded(stream, result));
            }
            Effect::Answer { record, answer, .. } => self.answer(record, &answer),
            Effect::Resume { .. } => self.host.resume(),
            Effect::Fetch(request) => self.fetch(request, now),
            Effect::Listen(queue) => {
                if self.host.listen(&queue).is_ok() {
                    self.ask(|worker| worker.listening(queue, now.seconds()));
                }
            }
            Effect::Notify { vm_id, queue } => self.host.notify(&vm_id, &queue),
            Effect::Wake(streams) => self.wake(streams, now),
        }
    }

    fn change(&self, change: Change<'_>) -> Result<(), HostFault> {
        match change {
            Change::RemoveHeader(name) => self.host.remove_request_header(name),
            Change::SetHeader(name, value) => self.host.set_request_header(name, value),
            Change::SetFilterState(FilterState { name, value }) => self.host.set_filter_state(name, value),
        }
    }

    fn answer(&self, record: Option<FilterState>, answer: &Answer) {
        if let Some(FilterState { name, value }) = record {
            let _ = self.host.set_filter_state(&name, &value);
        }
        let _ = self.host.send(answer);
    }

    fn fetch(&self, FetchRequest { id, endpoint, timeout }: FetchRequest, now: Moment) {
        let result = self.host.fetch(&endpoint, Duration::from_secs(timeout.get()));
        self.handle(now, |worker| worker.sent(id, result, now.seconds()));
    }

    /// Decides again about waiting streams, each in its own context.
    fn wake(&self, streams: Vec<u32>, now: Moment) {
        for stream in streams {
            // A stream may have gone while those before it were woken.
            let Some(wanted) = self.ask(|worker| worker.wanted(stream)).flatten() else { continue };
            match self.host.switch_to(stream) {
                Ok(()) => self.decide(stream, wanted, now),
                // Its context no longer exists, and later calls would be about the stream before it.
                Err(HostFault) => self.handle(now, |worker| worker.lost(stream)),
            }
        }
        let _ = self.host.switch_to(self.root);
    }
}
