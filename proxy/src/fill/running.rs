//! A fill under way: what its task and the requests that wait for it share.

use std::sync::Arc;

use tokio::sync::watch;

use super::body::{Body, Reader, Writer};
use super::budget::FillBudget;
use super::exchange::ExchangeError;
use super::reply::Reply;
use crate::store::{Object, Variants};

/// A fill under way.
#[derive(Debug)]
pub struct Fill {
    outcome: watch::Receiver<Option<Outcome>>,
    body: Arc<Body>,
}

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
    pub outcome: watch::Sender<Option<Outcome>>,
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
        let (outcome, receiver) = watch::channel(None);
        let (body, writer) = Body::new(budget.reserve());
        let reader = body.reader();
        let fill = Arc::new(Self { outcome: receiver, body });
        Started { fill, reader, ends: Ends { outcome, body: writer } }
    }

    /// Attaches a reader; `None` where the body is not kept any more.
    pub fn reader(&self) -> Option<Reader> {
        self.body.reader()
    }

    /// Waits for the outcome.
    pub async fn outcome(&self) -> Outcome {
        let mut outcome = self.outcome.clone();
        match outcome.wait_for(Option::is_some).await.map(|known| known.clone()) {
            Ok(Some(outcome)) => outcome,
            // The task ended without a word: it was stopped.
            Ok(None) | Err(_) => Outcome::Failed(ExchangeError::Response("the request was given up".to_owned())),
        }
    }
}
