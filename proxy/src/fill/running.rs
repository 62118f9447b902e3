//! A fill under way: what its task and the requests that wait for it share.

use std::sync::{Arc, OnceLock};

use tokio::sync::Notify;

use super::body::{Body, Reader, Writer};
use super::budget::FillBudget;
use super::exchange::ExchangeError;
use super::reply::Reply;
use crate::store::{Object, Variants};

/// A fill under way.
#[derive(Debug)]
pub struct Fill {
    outcome: OnceLock<Outcome>,
    /// Wakes who waits for the outcome.
    told: Notify,
    body: Arc<Body>,
}

/// Tells a fill's outcome, once. Dropped without a word, the task was stopped, and the fill has failed.
#[derive(Debug)]
pub struct Teller(Arc<Fill>);

/// What a fill's task needs to run; without it the fill fails for all who wait.
#[derive(Debug)]
pub struct Started {
    /// The fill, to wait for.
    pub fill: Arc<Fill>,
    /// The first reader, attached before anything can be missed.
    pub reader: Option<Reader>,
    /// The task's own end.
    pub ends: Ends,
}

/// The end of a fill that its task holds.
#[derive(Debug)]
pub struct Ends {
    /// Tells the outcome.
    pub outcome: Teller,
    /// Appends to the body.
    pub body: Writer,
}

/// What is known once the head of the response has arrived, or will not arrive.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// A response, whose body comes through the fill's readers.
    Reply(Arc<Reply>),
    /// A 304: the stored object with a new stamp and freshness.
    Freshened(Object),
    /// What the disk held, to be judged as what memory holds; the upstream was not asked.
    Recalled(Object),
    /// The disk knows by what the responses differ; the upstream was not asked.
    Varies(Arc<Variants>),
    /// The upstream gave no response.
    Failed(ExchangeError),
}

impl Fill {
    /// A fill that is about to start.
    pub fn start(budget: &FillBudget) -> Started {
        let (body, writer) = Body::new(budget.reserve());
        let reader = body.reader();
        let fill = Arc::new(Self { outcome: OnceLock::new(), told: Notify::new(), body });
        let outcome = Teller(fill.clone());
        Started { fill, reader, ends: Ends { outcome, body: writer } }
    }

    /// Attaches a reader; `None` where the body is not kept any more.
    pub fn reader(&self) -> Option<Reader> {
        self.body.reader()
    }

    /// Waits for the outcome.
    pub async fn outcome(&self) -> Outcome {
        loop {
            // Registered before the outcome is looked at, so that no word between the two is missed.
            let mut told = std::pin::pin!(self.told.notified());
            told.as_mut().enable();
            if let Some(outcome) = self.outcome.get() {
                return outcome.clone();
            }
            told.await;
        }
    }

    fn tell(&self, outcome: Outcome) {
        if self.outcome.set(outcome).is_ok() {
            self.told.notify_waiters();
        }
    }
}

// === impl Teller ===

impl Teller {
    /// Tells it.
    pub fn tell(&self, outcome: Outcome) {
        self.0.tell(outcome);
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        if self.0.outcome.get().is_none() {
            self.0.tell(Outcome::Failed(ExchangeError::Response("the request was given up".to_owned())));
        }
    }
}
