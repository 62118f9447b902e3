//! An origin process inside the test, and what the tests do with it.

use std::path::Path;
use std::time::Duration;

use reqwest::{Client, RequestBuilder, Response, StatusCode};
use sqlx::PgPool;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use vitrine_load_tests::stack::{TestStack, wait_until};
use vitrine_origin::config::Config;
use vitrine_origin::feed::ack::Acknowledgement;
use vitrine_origin::outbox::{self, Receipt};
use vitrine_origin::{AppState, database, serve};
use vitrine_shared::config::Source;
use vitrine_shared::epoch::Epoch;
use vitrine_shared::event::{Change, Event};
use vitrine_shared::feed::{MemberKind, Page, Renewal, Report};
use vitrine_shared::ledger::Acknowledged;

/// Longest that anything in these tests may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// An origin process inside the test.
pub(crate) struct Shop {
    pub(crate) state: AppState,
    pub(crate) public: String,
    pub(crate) internal: String,
    client: Client,
    token: String,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// For tests that are not about a pool that has run dry: connecting is slow on a busy machine, unoptimised all the more.
const ACQUIRE_TIMEOUT_MS: u64 = 15_000;

/// The configuration that is shipped, with the stack's addresses.
pub(crate) fn config(stack: &TestStack) -> Config {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/origin.toml");
    let env = stack.origin_settings().unwrap().env();
    let variable = |name: &str| env.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    Source::read(&file, variable).unwrap().parse().unwrap()
}

/// A migrated database without any process on it.
pub(crate) async fn database(stack: &TestStack) -> (Config, PgPool) {
    let mut config = config(stack);
    config.database.acquire_timeout_ms = ACQUIRE_TIMEOUT_MS;
    let pool = database::pool(&config.database).unwrap();
    database::MIGRATOR.run(&pool).await.unwrap();
    (config, pool)
}

impl Shop {
    /// Starts one on a stack; migrates first.
    pub(crate) async fn start(stack: &TestStack) -> Self {
        let (config, _) = database(stack).await;
        Self::with(config).await
    }

    /// Starts one; the schema must be there.
    pub(crate) async fn with(mut config: Config) -> Self {
        let public = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let internal = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = |listener: &TcpListener| format!("http://{}", listener.local_addr().unwrap());
        let (public_url, internal_url) = (url(&public), url(&internal));
        config.feed.advertise.clone_from(&internal_url);
        let state = AppState::new(config).unwrap();
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        let running = state.clone();
        let task = tokio::spawn(async move { serve::run_on(running, public, internal, stopped).await.unwrap() });
        Self {
            token: state.config.feed.internal_token.expose().to_owned(),
            state,
            public: public_url,
            internal: internal_url,
            client: Client::new(),
            stop,
            task,
        }
    }

    /// Stops it as SIGTERM does.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }

    /// Commits a write that purges one product.
    pub(crate) async fn write(&self, product: &str) -> Receipt {
        write(&self.state.pool, product).await
    }

    /// What the feed endpoint answers.
    pub(crate) async fn page(&self, after: Epoch, wait_ms: u64) -> Page {
        let url = format!("{}/v1/feed?after={after}&wait_ms={wait_ms}", self.internal);
        self.client.get(url).bearer_auth(&self.token).send().await.unwrap().json().await.unwrap()
    }

    /// A request to the internal port.
    pub(crate) fn internal_get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.internal)).bearer_auth(&self.token)
    }

    /// The same with a body.
    pub(crate) fn internal_post(&self, path: &str) -> RequestBuilder {
        self.client.post(format!("{}{path}", self.internal)).bearer_auth(&self.token)
    }

    /// The feed endpoint's raw answer, with a token of choice.
    pub(crate) async fn raw_page(&self, after: Epoch, token: &str) -> Response {
        let url = format!("{}/v1/feed?after={after}", self.internal);
        self.client.get(url).bearer_auth(token).send().await.unwrap()
    }

    /// An edge says where it stands.
    pub(crate) async fn report(&self, id: &str, applied: Epoch) -> Renewal {
        let report = Report::new(MemberKind::Edge, id.to_owned(), applied);
        let url = format!("{}/v1/members/{id}", self.internal);
        let response = self.client.put(url).bearer_auth(&self.token).json(&report).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        response.json().await.unwrap()
    }

    /// An edge takes its leave.
    pub(crate) async fn leave(&self, id: &str) {
        let url = format!("{}/v1/members/{id}", self.internal);
        let response = self.client.delete(url).bearer_auth(&self.token).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::NO_CONTENT);
    }

    /// Waits until the process itself has applied the epoch, and returns the newest position that it knows.
    pub(crate) async fn applied(&self, epoch: Epoch) {
        until("the process applies the epoch", async || self.state.live.applied() >= epoch).await;
    }

    /// Waits until the process holds a lease: it follows the feed.
    pub(crate) async fn follows(&self) {
        until("the process holds a lease", async || self.state.lease.holds()).await;
    }

    /// Where numbering stands.
    pub(crate) async fn position(&self) -> Epoch {
        outbox::position(&self.state.pool).await.unwrap().newest
    }
}

/// What a caller is told whose write was acknowledged.
pub(crate) fn acked(epoch: Epoch, members: usize, lapsed: &[&str]) -> Acknowledgement {
    let lapsed = lapsed.iter().map(|&name| name.to_owned()).collect();
    Acknowledgement::Acked { epoch, how: Acknowledged { members, lapsed } }
}

/// Commits a write that purges one product.
pub(crate) async fn write(pool: &PgPool, product: &str) -> Receipt {
    let mut tx = pool.begin().await.unwrap();
    let ticket = outbox::write(&mut tx, &event(product)).await.unwrap();
    tx.commit().await.unwrap();
    ticket.into()
}

/// An event that purges one product.
pub(crate) fn event(product: &str) -> Event {
    Event {
        name: "product.updated".to_owned(),
        change: Change::Product { id: product.to_owned(), before: None, after: None },
    }
}

/// The numbers in the outbox, in the order in which rows were inserted.
pub(crate) async fn numbers(pool: &PgPool) -> Vec<Option<i64>> {
    sqlx::query_scalar("SELECT seq FROM outbox ORDER BY id").fetch_all(pool).await.unwrap()
}

/// Waits for something that will come about; fails when it does not.
pub(crate) async fn until(what: &str, holds: impl AsyncFnMut() -> bool) {
    wait_until(what, PATIENCE, holds).await.unwrap();
}
