//! The engine: for one cacheable request, a hit, a stale object with a refresh behind it, a place in a running fill, or a fill.
//!
//! Connected (the lease holds, or there is no feed), requests share fills. Cut off, nothing is served without asking and no
//! running fill is joined (invalidation protocol, rule 11).

mod answer;
mod asked;
mod connected;
mod cut_off;
mod fetch;
mod fresh;
mod outlook;
mod range;
mod seek;
mod waiting;

use std::sync::Arc;

use http::Method;
use http::header::RANGE;
use vitrine_shared::clock::BootTime;

pub use answer::{Answer, Answered, Content};
pub(crate) use answer::{Own, has_content};
pub use asked::{Asked, InterimSender, heeded};
pub use fresh::Moment;
pub use outlook::{Next, Outlook, With};
use waiting::Waiting;

use crate::feed::connection::{Connection, State};
use crate::fill::Context;
use crate::reason::PassReason;

/// Answers cacheable requests.
#[derive(Debug)]
pub struct Engine {
    context: Arc<Context>,
    connection: Arc<Connection>,
    /// Whether responses outside the protocol's promise are labelled: without a feed there is no promise.
    labels: bool,
    waiting: Waiting,
    placing: Waiting,
}

impl Engine {
    /// An engine over a store and a way to the upstreams; `has_feed` where purges come from a feed.
    pub fn new(context: Arc<Context>, connection: Arc<Connection>, has_feed: bool) -> Self {
        Self { context, connection, labels: has_feed, waiting: Waiting::default(), placing: Waiting::default() }
    }

    /// Answers a request whose head has been read, or says that it is to be passed.
    pub async fn answer(&self, asked: &Asked<'_>) -> Answered {
        if let Some(reason) = self.passed(asked) {
            return Answered::Pass(reason);
        }
        // The clock is read here, after the head was, and never cached: a stopped process must not serve on waking (rule 9).
        match self.connection.state(BootTime::now()) {
            State::Connected => self.connected(asked).await,
            State::CutOff { since } => Box::pin(self.cut_off(asked, since)).await,
        }
    }

    /// Whether a request that is not for the whole content should go past a cache that would only throw the rest away.
    fn passed(&self, asked: &Asked<'_>) -> Option<PassReason> {
        let reason = if asked.control.only_if_cached {
            return None;
        } else if asked.method == Method::HEAD {
            PassReason::HeadOnly
        } else if asked.headers.contains_key(RANGE) {
            PassReason::Range
        } else {
            return None;
        };
        self.context.marks.holds(asked.primary().hash()).then_some(reason)
    }

    /// The store, the tag table and the way to the upstreams.
    pub fn context(&self) -> &Arc<Context> {
        &self.context
    }

    /// Whether this edge may serve without asking.
    pub fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    /// How many requests wait for the head of a fill's response.
    pub fn waiting(&self) -> usize {
        self.waiting.now()
    }

    /// Waits until that many requests have looked into the store and are about to join a fill or to start one, for tests of what
    /// is stored in between.
    pub async fn until_placing(&self, requests: usize) {
        self.placing.until(requests).await;
    }

    /// Waits until that many requests wait, for tests of what happens while they do.
    pub async fn until_waiting(&self, requests: usize) {
        self.waiting.until(requests).await;
    }
}
