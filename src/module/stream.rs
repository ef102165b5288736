//! The callbacks of one HTTP stream.

use std::rc::Rc;

use crate::driver::Driver;
use crate::host::Host;

/// What the host is to do with what arrived of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passage {
    /// Let it pass, with all that was held back before.
    Continue,
    /// Hold it back.
    Pause,
}

/// The context of one HTTP stream.
///
/// It has no response callbacks: our own answer passes them too, and must not be held back by itself.
#[derive(Debug)]
pub struct Stream<H: Host> {
    id: u32,
    driver: Rc<Driver<H>>,
}

impl<H: Host> Stream<H> {
    /// A stream under the configuration of this driver.
    pub fn new(id: u32, driver: Rc<Driver<H>>) -> Self {
        Self { id, driver }
    }

    /// The request's headers arrived.
    pub fn headers(&self) -> Passage {
        match self.driver.ask(|worker| worker.open(self.id)).flatten() {
            Some(wanted) => {
                let now = self.driver.host().now();
                self.driver.decide(self.id, wanted, now);
                self.passage()
            }
            None => Passage::Pause,
        }
    }

    /// A part of the request's body arrived.
    pub fn body(&self) -> Passage {
        self.passage()
    }

    /// The request's trailers arrived.
    pub fn trailers(&self) -> Passage {
        if self.passage() == Passage::Pause {
            return Passage::Pause;
        }
        let host = self.driver.host();
        let trailers = host.request_trailers();
        let Some(removed) = self.driver.ask(|worker| worker.trailers(self.id, trailers)).flatten() else {
            return Passage::Pause;
        };
        match removed.iter().try_for_each(|name| host.remove_request_trailer(name)) {
            Ok(()) => self.passage(),
            Err(_) => Passage::Pause,
        }
    }

    fn passage(&self) -> Passage {
        match self.driver.ask(|worker| worker.passes(self.id)) {
            Some(true) => Passage::Continue,
            Some(false) | None => Passage::Pause,
        }
    }
}

/// A client that went away while its request waited leaves nothing behind.
impl<H: Host> Drop for Stream<H> {
    fn drop(&mut self) {
        let effects = self.driver.ask(|worker| worker.gone(self.id)).unwrap_or_default();
        if !effects.is_empty() {
            let now = self.driver.host().now();
            self.driver.handle(now, |_| effects);
        }
    }
}
