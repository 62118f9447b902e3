//! An origin with the demo shop inside the test.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use reqwest::{Client, RequestBuilder, Response};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use vitrine_load_tests::stack::{Redis, Scratch, TestDatabase, wait_until};
use vitrine_origin::config::{self, Config, Secret};
use vitrine_origin::outbox;
use vitrine_origin::seed::{self, FixedIds, Ids, Kind, SeedOptions};
use vitrine_origin::{AppState, database, serve};
use vitrine_shared::config::Source;
use vitrine_shared::event::{Change, Event, ProductFacets};
use vitrine_shared::headers;
use vitrine_shared::tag::Tag;

/// The shop's publishable key.
pub(crate) const KEY: &str = "pk_test_of_the_store";
const EMAIL: &str = "merchant@shop.test";
const PASSWORD: &str = "correct horse battery staple";
/// Products of the shop.
pub(crate) const PRODUCTS: u64 = 60;
/// Longest that anything may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// Connecting is slow on a busy machine.
const ACQUIRE_TIMEOUT_MS: u64 = 15_000;

/// A running origin.
pub(crate) struct Shop {
    pub(crate) state: AppState,
    /// Redis, to mishandle.
    pub(crate) redis: Redis,
    url: String,
    client: Client,
    stop: CancellationToken,
    task: JoinHandle<()>,
    _scratch: Scratch,
    _database: TestDatabase,
}

impl Shop {
    /// Starts one and waits until it may use its caches.
    pub(crate) async fn start() -> Self {
        Self::remembering(config::Cache::default().local_mib).await
    }

    /// The same with so much memory for documents, in MiB; with none they all come from Redis.
    pub(crate) async fn remembering(local_mib: u64) -> Self {
        let database = TestDatabase::from_template("store_reads", load).await.unwrap();
        let scratch = Scratch::new().unwrap();
        let redis = Redis::start(scratch.data()).await.unwrap();
        let mut config = config(&database.url());
        config.redis.url = Some(redis.url().parse().unwrap());
        // A busy machine is no failure of Redis.
        config.cache.timeout_ms = 5_000;
        config.cache.local_mib = local_mib;
        let state = AppState::new(config).unwrap();
        let public = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let internal = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", public.local_addr().unwrap());
        let stop = CancellationToken::new();
        let (running, stopped) = (state.clone(), stop.clone().cancelled_owned());
        let task = tokio::spawn(async move { serve::run_on(running, public, internal, stopped).await.unwrap() });
        let shop =
            Self { state, redis, url, client: Client::new(), stop, task, _scratch: scratch, _database: database };
        shop.until("the origin holds a lease", async || shop.state.lease.holds()).await;
        shop
    }

    /// Ends it.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }

    /// A request with the key.
    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}/store/{path}", self.url)).header("x-publishable-api-key", KEY)
    }

    /// Signs the merchant in and gives a bearer token.
    pub(crate) async fn sign_in(&self) -> String {
        let credentials = serde_json::json!({ "email": EMAIL, "password": PASSWORD });
        let request = self.client.post(format!("{}/auth/user/emailpass", self.url)).json(&credentials);
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        answer["token"].as_str().unwrap().to_owned()
    }

    /// A request to the Admin API.
    pub(crate) fn admin(&self, method: reqwest::Method, path: &str, token: &str) -> RequestBuilder {
        self.client.request(method, format!("{}/admin/{path}", self.url)).bearer_auth(token)
    }

    /// The body of an answer that is JSON, whatever its status.
    pub(crate) async fn json(&self, path: &str) -> Value {
        self.get(path).send().await.unwrap().json().await.unwrap()
    }

    /// The body of an answer, byte for byte.
    pub(crate) async fn text(&self, path: &str) -> String {
        self.get(path).send().await.unwrap().text().await.unwrap()
    }

    /// Commits a statement together with an event, and waits until this origin has applied it.
    pub(crate) async fn change(&self, statement: &'static str, change: Change) {
        let mut tx = self.state.pool.begin().await.unwrap();
        sqlx::query(statement).execute(&mut *tx).await.unwrap();
        let event = Event { name: "test.updated".to_owned(), change };
        let ticket = outbox::write(&mut tx, &event).await.unwrap();
        tx.commit().await.unwrap();
        let receipt = ticket.into();
        self.until("the origin applies the write", async || {
            let epoch = outbox::resolve(&self.state.pool, &receipt).await.unwrap();
            epoch.is_some_and(|epoch| self.state.live.applied() >= epoch)
        })
        .await;
    }

    /// How many look-ups of the read cache ended so.
    pub(crate) fn lookups(&self, outcome: &str) -> u64 {
        self.state.metrics.cache.lookups.with_label_values(&[outcome]).get()
    }

    /// How many pages of lists were known.
    pub(crate) fn pages(&self) -> u64 {
        self.state.metrics.cache.pages.with_label_values(&["hit"]).get()
    }

    /// How many documents were taken from the read cache.
    pub(crate) fn hits(&self) -> u64 {
        self.lookups("hit") + self.lookups("local")
    }

    /// Waits until something holds.
    pub(crate) async fn until(&self, what: &str, holds: impl AsyncFn() -> bool) {
        wait_until(what, PATIENCE, holds).await.unwrap();
    }
}

/// The id of an entity of the shop.
pub(crate) fn id(kind: Kind, number: u64) -> String {
    FixedIds.id(kind, number, format_args!(""))
}

/// A change of one product that stays where it is.
pub(crate) fn product_changed(number: u64) -> Change {
    let facets = ProductFacets { handle: format!("product-{number}"), ..ProductFacets::default() };
    Change::Product { id: id(Kind::Product, number), before: Some(facets.clone()), after: Some(facets) }
}

/// The tags of an answer.
pub(crate) fn tags(response: &Response) -> BTreeSet<Tag> {
    headers::tags(response.headers()).unwrap().into_iter().collect()
}

/// Fills the template of these tests.
pub(crate) async fn load(url: String) -> Result<(), Box<dyn std::error::Error>> {
    let pool = database::pool(&config(&url).database)?;
    database::MIGRATOR.run(&pool).await?;
    let options = SeedOptions {
        products: PRODUCTS,
        media_base_url: "http://media.test".to_owned(),
        publishable_key: KEY.to_owned(),
        admin: Some(seed::Admin { email: EMAIL.to_owned(), password: Secret::new(PASSWORD) }),
        created_at: seed::CREATED_AT,
    };
    seed::run(&pool, None, &FixedIds, &options).await?;
    pool.close().await;
    Ok(())
}

/// The configuration that is shipped, without Redis.
pub(crate) fn config(url: &str) -> Config {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/origin.toml");
    let variable = |name: &str| match name {
        "DATABASE_URL" => Some(url.to_owned()),
        name if name.ends_with("_LISTEN") || name.ends_with("_CORS") || name == "REDIS_URL" => None,
        _ => Some("http://127.0.0.1:1".to_owned()),
    };
    let mut config: Config = Source::read(&file, variable).unwrap().parse().unwrap();
    config.database.acquire_timeout_ms = ACQUIRE_TIMEOUT_MS;
    config
}
