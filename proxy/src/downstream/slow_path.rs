//! Who answers what is not answered from memory.

use async_trait::async_trait;
use pingora::protocols::http::ServerSession;
use tokio::sync::watch;

use super::h1::OwnSession;

/// Answers a request from its first byte to its last.
#[async_trait]
pub trait SlowPath: Send + Sync {
    /// Reads the request of `session` and answers it. Returns whether the connection can go on with another one.
    ///
    /// `stop` turns true when the process is to end.
    async fn answer(&self, session: ServerSession, stop: &watch::Receiver<bool>) -> bool;

    /// Answers a plain GET without Pingora, where it is cached or is to be.
    async fn answer_own(&self, session: &mut OwnSession) -> OwnAnswer;
}

/// What became of a request that may be answered without Pingora.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnAnswer {
    /// It was answered, to the end or not.
    Mine,
    /// Nothing was done: it is passed.
    NotMine,
}
