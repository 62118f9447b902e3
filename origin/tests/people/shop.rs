//! The demo shop in little, with the router that answers for it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio::net::TcpListener;
use vitrine_load_tests::stack::{Redis, Scratch, TestDatabase, wait_until};
use vitrine_origin::config::{Config, Secret};
use vitrine_origin::seed::{self, Admin, FixedIds, SeedOptions};
use vitrine_origin::{AppState, api, database};
use vitrine_shared::config::Source;

/// The shop's publishable key.
pub(crate) const KEY: &str = "pk_0f04387e9d4fbbcb57aa7bbddeb42f5126ec244ab803b012eccc7d191fb26e6b";
/// The password of whoever a test registers.
pub(crate) const PASSWORD: &str = "pw12345678";
/// Connecting is slow on a busy machine.
const ACQUIRE_TIMEOUT_MS: u64 = 15_000;
/// Longest that anything may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// The router on a database of its own.
pub(crate) struct Shop {
    pub(crate) pool: PgPool,
    pub(crate) state: AppState,
    url: String,
    client: Client,
    notifications: PathBuf,
    _scratch: Scratch,
    _database: TestDatabase,
}

/// What a request came to.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) text: String,
    pub(crate) body: Value,
}

impl Shop {
    /// One without Redis.
    pub(crate) async fn start() -> Self {
        Self::with(None, |_| {}).await
    }

    /// One with this Redis, or none, and a configuration that differs.
    pub(crate) async fn with(redis: Option<&Redis>, change: impl FnOnce(&mut Config)) -> Self {
        let database = TestDatabase::from_template("people", async |url| prepare(&url).await).await.unwrap();
        let scratch = Scratch::new().unwrap();
        let notifications = scratch.path().join("notifications.jsonl");
        let mut config = config(&database.url());
        config.redis.url = redis.map(|redis| redis.url().parse().unwrap());
        config.notifications.file.clone_from(&notifications);
        change(&mut config);
        let state = AppState::new(config).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = api::public(&state).unwrap();
        let pool = state.pool.clone();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { pool, state, url, client: Client::new(), notifications, _scratch: scratch, _database: database }
    }

    /// A request of a storefront.
    pub(crate) fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let request = self.client.request(method.parse().unwrap(), format!("{}{path}", self.url));
        if path.starts_with("/store") { request.header("x-publishable-api-key", KEY) } else { request }
    }

    /// Sends a body without credentials.
    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        read(self.request("POST", path).json(&body).send().await.unwrap()).await
    }

    /// Sends a request with a bearer token.
    pub(crate) async fn send(&self, token: &str, method: &str, path: &str, body: Option<Value>) -> Answer {
        let mut request = self.request(method, path).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        read(request.send().await.unwrap()).await
    }

    /// Registers somebody and opens the account; returns a token of the customer, and the customer.
    pub(crate) async fn customer(&self, email: &str) -> (String, Value) {
        let credentials = json!({"email": email, "password": PASSWORD});
        let registered = self.post("/auth/customer/emailpass/register", credentials.clone()).await;
        let customer = self.send(registered.token(), "POST", "/store/customers", Some(json!({"email": email}))).await;
        assert_eq!(customer.status, 200, "{customer:?}");
        let signed_in = self.post("/auth/customer/emailpass", credentials).await;
        (signed_in.token().to_owned(), customer.body["customer"].clone())
    }

    /// The merchant's token.
    pub(crate) async fn merchant(&self) -> String {
        let body = json!({"email": "admin@test.com", "password": "supersecret"});
        self.post("/auth/user/emailpass", body).await.token().to_owned()
    }

    /// Waits for the next message for somebody, the `number`th from 1 on.
    pub(crate) async fn notification(&self, number: usize) -> Value {
        wait_until("a notification is written", PATIENCE, async || self.notifications().len() >= number).await.unwrap();
        self.notifications()[number - 1].clone()
    }

    /// All messages so far.
    pub(crate) fn notifications(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.notifications).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Answer {
    /// The token in it.
    pub(crate) fn token(&self) -> &str {
        self.body["token"].as_str().unwrap_or_else(|| panic!("no token in {self:?}"))
    }

    /// The sentence of an error.
    pub(crate) fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or_else(|| panic!("no message in {self:?}"))
    }

    /// The session cookie that it sets, as a browser would send it.
    pub(crate) fn cookie(&self) -> String {
        let cookie = self.headers["set-cookie"].to_str().unwrap();
        cookie.split(';').next().unwrap().to_owned()
    }
}

/// Reads an answer; what is no JSON is a string.
pub(crate) async fn read(response: Response) -> Answer {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.unwrap();
    let body = serde_json::from_str(&text).unwrap_or_else(|_| Value::String(text.clone()));
    Answer { status, headers, text, body }
}

async fn prepare(url: &str) -> Result<(), Box<dyn std::error::Error>> {
    let pool = database::pool(&config(url).database)?;
    database::MIGRATOR.run(&pool).await?;
    let options = SeedOptions {
        products: 1,
        media_base_url: "http://media.test".to_owned(),
        publishable_key: KEY.to_owned(),
        admin: Some(Admin { email: "admin@test.com".into(), password: Secret::new("supersecret") }),
        created_at: seed::CREATED_AT,
    };
    seed::run(&pool, None, &FixedIds, &options).await?;
    pool.close().await;
    Ok(())
}

/// The configuration that is shipped, without Redis.
fn config(url: &str) -> Config {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/origin.toml");
    let variable = |name: &str| match name {
        "DATABASE_URL" => Some(url.to_owned()),
        "REDIS_URL" => None,
        name if name.ends_with("_LISTEN") || name.ends_with("_CORS") || name.starts_with("NOTIFICATIONS") => None,
        _ => Some("http://127.0.0.1:1".to_owned()),
    };
    let mut config: Config = Source::read(&file, variable).unwrap().parse().unwrap();
    config.database.acquire_timeout_ms = ACQUIRE_TIMEOUT_MS;
    config
}
