//! Who answers what is not answered from memory.

use async_trait::async_trait;
use pingora::protocols::http::ServerSession;
use tokio::sync::watch;

/// Answers a request from its first byte to its last.
#[async_trait]
pub trait SlowPath: Send + Sync {
    /// Reads the request of `session` and answers it. Returns whether the connection can go on with another one.
    ///
    /// `stop` turns true when the process is to end.
    async fn answer(&self, session: ServerSession, stop: &watch::Receiver<bool>) -> bool;
}
