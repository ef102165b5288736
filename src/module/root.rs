//! The callbacks of one plugin configuration on one worker.
//!
//! Nothing is kept in a static. An old and a new configuration, and several plugins, exist in one VM side by side, each
//! under its own root context.

use std::rc::Rc;

use crate::driver::Driver;
use crate::host::Host;
use crate::stream::Stream;
use countersign_core::worker::{Deployment, MESSAGES_AT_ONCE, Worker};

/// The root context.
#[derive(Debug)]
pub struct Root<H: Host> {
    id: u32,
    host: H,
    /// Shared with the streams of the configuration.
    driver: Rc<Driver<H>>,
}

impl<H: Host + Clone> Root<H> {
    /// A root context that has no configuration yet.
    pub fn new(id: u32, host: H) -> Self {
        let worker = Worker::unconfigured(host.random());
        Self { id, driver: Rc::new(Driver::new(id, host.clone(), worker)), host }
    }

    /// A configuration of so many bytes arrived: whether it is accepted. That depends on its bytes alone.
    pub fn configure(&mut self, bytes: usize) -> bool {
        let json = self.host.plugin_configuration(bytes).unwrap_or_default();
        let now = self.host.now();
        match Worker::configure(&json, self.deployment(), now.seconds()) {
            Ok((worker, effects)) => {
                self.driver = Rc::new(Driver::new(self.id, self.host.clone(), worker));
                self.driver.handle(now, |_| effects);
                true
            }
            Err(effects) => {
                self.driver.handle(now, |_| effects);
                false
            }
        }
    }

    fn deployment(&self) -> Deployment {
        let property = |name: &str| self.host.property(&[name]).unwrap_or_default();
        Deployment {
            plugin_name: property("plugin_name"),
            root_id: property("plugin_root_id"),
            vm_id: property("plugin_vm_id"),
            memory: self.host.memory(),
            signatures: self.host.signatures(),
            seed: self.host.random(),
        }
    }

    /// The period of ticks has passed.
    pub fn tick(&self) {
        self.driver.root_event(Worker::tick);
    }

    /// A message is in the queue.
    pub fn queue_ready(&self, queue: u32) {
        for _ in 0..MESSAGES_AT_ONCE {
            if !self.host.take_message(queue) {
                break;
            }
        }
        self.driver.root_event(Worker::message);
    }

    /// The fetch of this token was answered, with so many bytes of a body.
    pub fn fetch_answered(&self, token: u32, body_bytes: usize) {
        let response = self.host.fetched(body_bytes);
        self.driver.root_event(|worker, now| worker.answered(token, &response, now));
    }

    /// A new stream under this configuration.
    #[must_use]
    pub fn stream(&self, id: u32) -> Stream<H> {
        Stream::new(id, Rc::clone(&self.driver))
    }
}

/// The proxy deletes the context when the configuration was replaced and its last stream is gone.
impl<H: Host> Drop for Root<H> {
    fn drop(&mut self) {
        let now = self.host.now();
        let effects = self.driver.ask(|worker| worker.ended(now.seconds())).unwrap_or_default();
        if !effects.is_empty() {
            self.driver.handle(now, |_| effects);
        }
    }
}
