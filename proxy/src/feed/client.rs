//! The sequencer's internal port (our origin's, or the one of a proxy that numbers purges): feed pages, lease renewals and taking leave;
//! operators' purges, and waiting until they are acknowledged.
//!
//! Where a shop runs several origin processes, the one that answered last is asked; after a failure the next one.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use reqwest::{Client, RequestBuilder, StatusCode, Url};
use vitrine_shared::ack::AckAnswer;
use vitrine_shared::epoch::Epoch;
use vitrine_shared::event_trail::EventTrail;
use vitrine_shared::feed::{Order, Ordered, Page, Renewal, Report};
use vitrine_shared::ledger::Trail;

/// Time for a connection to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(500);
/// Time for a lease to be renewed: a lost answer must leave time to ask another process before the lease ends.
const RENEWAL_TIMEOUT: Duration = Duration::from_secs(1);
/// Time for an answer, beyond the time that the origin was allowed to wait.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);
/// Time for an order to be numbered durably.
const ORDER_TIMEOUT: Duration = Duration::from_secs(5);
/// Pause after an acknowledgement could not be asked for.
const ACK_PAUSE: Duration = Duration::from_millis(200);
/// Time for events to be looked for.
const TRAIL_TIMEOUT: Duration = Duration::from_secs(10);
/// Largest answer that is read, in bytes: a page of purges is far smaller.
const MAX_ANSWER: usize = 32 << 20;

/// Asks the origin's internal port.
#[derive(Clone, Debug)]
pub struct FeedClient {
    http: Client,
    bases: Arc<[Url]>,
    /// Which of them is asked; it only grows, and counts around.
    turn: Arc<AtomicUsize>,
    token: String,
    member: String,
}

/// Why the internal port gave no usable answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Not reached, timed out, or an HTTP error status.
    #[error("the feed endpoint: {0}")]
    Http(#[from] reqwest::Error),
    /// Not the message that was expected.
    #[error("the feed endpoint's answer: {0}")]
    Form(#[from] serde_json::Error),
    /// More than [`MAX_ANSWER`].
    #[error("the feed endpoint's answer is longer than {MAX_ANSWER} bytes")]
    TooLong,
    /// No address is configured, or it cannot carry a path.
    #[error("the feed address cannot be a base")]
    Address,
}

/// An order that was not taken.
#[derive(Debug, thiserror::Error)]
pub enum OrderFailed {
    /// Its key came with another order before.
    #[error("the key came with another purge before")]
    KeyReused,
    /// Nobody answered who takes orders; whether one was taken is not known.
    #[error("{0}")]
    NotTaken(#[from] ClientError),
}

// === impl FeedClient ===

impl FeedClient {
    /// A client for the internal ports at `bases` (scheme, host and port each), under the member id `member`.
    pub fn new(bases: Vec<Url>, token: String, member: String) -> Result<Self, ClientError> {
        let http = Client::builder().connect_timeout(CONNECT_TIMEOUT).no_proxy().build()?;
        Ok(Self { http, bases: bases.into(), turn: Arc::default(), token, member })
    }

    /// What follows `after`; the origin may hold the request for `wait`.
    pub async fn page(&self, after: Epoch, wait: Duration) -> Result<Page, ClientError> {
        let (turn, mut url) = self.at(&["v1", "feed"])?;
        url.query_pairs_mut()
            .append_pair("after", &after.to_string())
            .append_pair("wait_ms", &wait.as_millis().to_string());
        let request = self.http.get(url).bearer_auth(&self.token).timeout(wait + ANSWER_TIMEOUT);
        self.told(turn, read(request).await)
    }

    /// Reports where this edge stands and asks for its lease.
    pub async fn renew(&self, report: &Report) -> Result<Renewal, ClientError> {
        let (turn, url) = self.at(&["v1", "members", &self.member])?;
        let request = self.http.put(url).bearer_auth(&self.token).timeout(RENEWAL_TIMEOUT).json(report);
        self.told(turn, read(request).await)
    }

    /// Asks what became of events: `query` is that of `GET /v1/trail`.
    pub async fn events(&self, query: &[(&str, &str)]) -> Result<EventTrail, ClientError> {
        let (_, url) = self.at(&["v1", "trail"])?;
        // Whose turn it is is the feed's to say: people's questions change nothing of it.
        read(self.http.get(url).query(query).bearer_auth(&self.token).timeout(TRAIL_TIMEOUT)).await
    }

    /// Takes leave, so that no acknowledgement waits for this edge.
    pub async fn leave(&self) -> Result<(), ClientError> {
        let (_, url) = self.at(&["v1", "members", &self.member])?;
        self.http.delete(url).bearer_auth(&self.token).timeout(ANSWER_TIMEOUT).send().await?.error_for_status()?;
        Ok(())
    }

    /// Hands an order on; each process is asked once. An order that was taken without an answer is numbered once all the same, by its key.
    pub async fn order(&self, order: &Order) -> Result<Epoch, OrderFailed> {
        let mut last = Err(ClientError::Address.into());
        for _ in 0..self.bases.len() {
            let (turn, url) = self.at(&["v1", "purges"])?;
            let request = self.http.post(url).bearer_auth(&self.token).timeout(ORDER_TIMEOUT).json(order);
            match read::<Ordered>(request).await {
                Err(ClientError::Http(error)) if error.status() == Some(StatusCode::UNPROCESSABLE_ENTITY) => {
                    return Err(OrderFailed::KeyReused);
                }
                answer => match self.told(turn, answer) {
                    Ok(ordered) => return Ok(ordered.epoch),
                    Err(error) => last = Err(error.into()),
                },
            }
        }
        last
    }

    /// Waits until an epoch is acknowledged, or `limit` is over. Who cannot be asked is asked again until then.
    pub async fn acknowledged(&self, epoch: Epoch, limit: Duration) -> AckAnswer {
        let ends = Instant::now() + limit;
        let mut found = AckAnswer::default();
        loop {
            let left = ends.saturating_duration_since(Instant::now());
            match self.ask_whether_acknowledged(epoch, left).await {
                Ok(answer) => found = answer,
                Err(error) => tracing::debug!(%error, %epoch, "waiting for an acknowledgement"),
            }
            if found.acknowledged.is_some() || Instant::now() >= ends {
                return found;
            }
            // Also where it was answered early, since no more are held open there.
            tokio::time::sleep(ACK_PAUSE.min(left)).await;
        }
    }

    async fn ask_whether_acknowledged(&self, epoch: Epoch, wait: Duration) -> Result<AckAnswer, ClientError> {
        let (turn, mut url) = self.at(&["v1", "acks", &epoch.to_string()])?;
        url.query_pairs_mut().append_pair("wait_ms", &wait.as_millis().to_string());
        let request = self.http.get(url).bearer_auth(&self.token).timeout(wait + RENEWAL_TIMEOUT);
        self.told(turn, read(request).await)
    }

    /// What became of an epoch, node by node.
    pub async fn trail(&self, epoch: Epoch) -> Result<Trail, ClientError> {
        let (turn, url) = self.at(&["v1", "acks", &epoch.to_string(), "trail"])?;
        let request = self.http.get(url).bearer_auth(&self.token).timeout(RENEWAL_TIMEOUT);
        self.told(turn, read(request).await)
    }

    /// A path at the process whose turn it is.
    fn at(&self, path: &[&str]) -> Result<(usize, Url), ClientError> {
        let turn = self.turn.load(Ordering::Relaxed);
        let base = turn.checked_rem(self.bases.len()).and_then(|index| self.bases.get(index));
        let mut url = base.ok_or(ClientError::Address)?.clone();
        url.path_segments_mut().map_err(|()| ClientError::Address)?.pop_if_empty().extend(path);
        Ok((turn, url))
    }

    /// After a failure it is the next one's turn, once for all requests that failed there.
    fn told<T>(&self, turn: usize, answer: Result<T, ClientError>) -> Result<T, ClientError> {
        if answer.is_err() {
            let _ = self.turn.compare_exchange(turn, turn.wrapping_add(1), Ordering::Relaxed, Ordering::Relaxed);
        }
        answer
    }
}

async fn read<T: serde::de::DeserializeOwned>(request: RequestBuilder) -> Result<T, ClientError> {
    let mut response = request.send().await?.error_for_status()?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(ClientError::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(serde_json::from_slice(&body)?)
}
