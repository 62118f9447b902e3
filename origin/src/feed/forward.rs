//! Asking the process that leads: it alone holds the ledger.

use std::collections::BTreeSet;
use std::time::Duration;

use http::{HeaderName, StatusCode};
use parking_lot::RwLock;
use reqwest::{Client, RequestBuilder};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use vitrine_shared::ack::AckAnswer;
use vitrine_shared::epoch::Epoch;
use vitrine_shared::feed::{Page, Renewal, Report};
use vitrine_shared::ledger::{MemberView, Trail};

use super::record::{self, Leader};
use crate::outbox::{Receipt, Ticket};

/// Marks what was handed on, so that two processes that take each other for the leader do not play ball.
pub const FORWARDED: HeaderName = HeaderName::from_static("vitrine-forwarded");
/// Time for the leader to answer, beyond what it was allowed to wait.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);
/// Time for a connection to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(500);

/// Asks the process that leads.
#[derive(Debug)]
pub struct Forward {
    http: Client,
    token: String,
    leader: RwLock<Option<Leader>>,
}

/// The leader gave no usable answer.
#[derive(Debug, thiserror::Error)]
pub enum ForwardError {
    /// Nobody leads, or this process should and does not.
    #[error("no other process is known to lead the feed")]
    NoLeader,
    /// Not reached, or not in time.
    #[error("the leading process: {0}")]
    Http(#[from] reqwest::Error),
    /// It refuses.
    #[error("the leading process answers {0}")]
    Status(StatusCode),
}

/// What the leader is told of a write.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Write {
    /// Its rows of the outbox; none where nobody waits for them.
    #[serde(default)]
    pub tickets: BTreeSet<Ticket>,
    /// How long to wait for its acknowledgement, in milliseconds.
    #[serde(default)]
    pub wait_ms: u64,
}

/// What the leader says to one that waits for a write.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrittenAnswer {
    /// The write's epoch, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<Epoch>,
    /// How far that is.
    #[serde(flatten)]
    pub answer: AckAnswer,
}

// === impl Forward ===

impl Forward {
    /// One that knows no leader yet. `token` is the internal port's, which all processes of a shop share.
    pub fn new(token: String) -> Result<Self, reqwest::Error> {
        let http = Client::builder().connect_timeout(CONNECT_TIMEOUT).no_proxy().build()?;
        Ok(Self { http, token, leader: RwLock::default() })
    }

    /// Reads from the record who leads.
    pub async fn look(&self, pool: &PgPool) -> Result<(), sqlx::Error> {
        let leader = record::leader(pool).await?;
        *self.leader.write() = leader;
        Ok(())
    }

    /// Hands a member's report on.
    pub async fn report(&self, own: &str, id: &str, report: &Report) -> Result<Renewal, ForwardError> {
        let url = format!("{}/v1/members/{id}", self.leader_but(own)?);
        Ok(self.send(self.http.put(url).json(report), Duration::ZERO).await?.json().await?)
    }

    /// Hands a member's leave on.
    pub async fn leave(&self, own: &str, id: &str) -> Result<(), ForwardError> {
        let url = format!("{}/v1/members/{id}", self.leader_but(own)?);
        self.send(self.http.delete(url), Duration::ZERO).await.map(drop)
    }

    /// Asks whether an epoch is acknowledged; the leader waits for that up to `wait`.
    pub async fn acknowledged(&self, own: &str, epoch: Epoch, wait: Duration) -> Result<AckAnswer, ForwardError> {
        let url = format!("{}/v1/acks/{epoch}?wait_ms={}", self.leader_but(own)?, wait.as_millis());
        Ok(self.send(self.http.get(url), wait).await?.json().await?)
    }

    /// Tells of rows that were committed.
    pub async fn committed(&self, own: &str) -> Result<(), ForwardError> {
        self.write(own, &Write::default()).await.map(drop)
    }

    /// Asks whether a write is acknowledged; the leader numbers it first, and waits for all of that up to `wait`.
    pub async fn written(&self, own: &str, receipt: &Receipt, wait: Duration) -> Result<WrittenAnswer, ForwardError> {
        let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        self.write(own, &Write { tickets: receipt.tickets().clone(), wait_ms }).await
    }

    async fn write(&self, own: &str, write: &Write) -> Result<WrittenAnswer, ForwardError> {
        let url = format!("{}/v1/writes", self.leader_but(own)?);
        let wait = Duration::from_millis(write.wait_ms);
        Ok(self.send(self.http.post(url).json(write), wait).await?.json().await?)
    }

    /// Asks for what follows an epoch; the leader waits for something new up to `wait`.
    pub async fn page(&self, own: &str, after: Epoch, wait: Duration) -> Result<Page, ForwardError> {
        let url = format!("{}/v1/feed?after={after}&wait_ms={}", self.leader_but(own)?, wait.as_millis());
        Ok(self.send(self.http.get(url), wait).await?.json().await?)
    }

    /// Asks for the members.
    pub async fn members(&self, own: &str) -> Result<Vec<MemberView>, ForwardError> {
        let url = format!("{}/v1/members", self.leader_but(own)?);
        Ok(self.send(self.http.get(url), Duration::ZERO).await?.json().await?)
    }

    /// Asks for an epoch's trail.
    pub async fn trail(&self, own: &str, epoch: Epoch) -> Result<Trail, ForwardError> {
        let url = format!("{}/v1/acks/{epoch}/trail", self.leader_but(own)?);
        Ok(self.send(self.http.get(url), Duration::ZERO).await?.json().await?)
    }

    /// The leader's address, where that is not this process itself.
    fn leader_but(&self, own: &str) -> Result<String, ForwardError> {
        let leader = self.leader.read();
        let other = leader.as_ref().filter(|leader| leader.member_id != own && !leader.url.is_empty());
        other.map(|leader| leader.url.clone()).ok_or(ForwardError::NoLeader)
    }

    async fn send(&self, request: RequestBuilder, wait: Duration) -> Result<reqwest::Response, ForwardError> {
        let request = request.bearer_auth(&self.token).header(FORWARDED, "1").timeout(wait + ANSWER_TIMEOUT);
        let response = request.send().await?;
        let status = response.status();
        if status.is_success() { Ok(response) } else { Err(ForwardError::Status(status)) }
    }
}
