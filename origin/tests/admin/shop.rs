//! A shop of its own for each test, and the router that answers for it.

use std::path::Path;

use jsonwebtoken::{EncodingKey, Header, encode};
use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio::net::TcpListener;
use vitrine_load_tests::stack::{S3, S3Keys, Scratch, TestDatabase};
use vitrine_origin::api::auth::{AppMetadata, Claims};
use vitrine_origin::config::{Config, Secret};
use vitrine_origin::seed::{self, Admin, SeedOptions};
use vitrine_origin::{AppState, api, database, outbox};
use vitrine_shared::config::Source;

/// Where the pictures of the samples' shop are.
const MEDIA: &str = "http://localhost:9000/static";
/// Products of the samples' shop.
const PRODUCTS: u64 = 1_000;
/// Connecting is slow on a busy machine.
const ACQUIRE_TIMEOUT_MS: u64 = 15_000;
/// The publishable key of the demo shop.
pub(crate) const KEY: &str = "pk_0123456789abcdef";
/// The channel of an empty shop.
pub(crate) const CHANNEL: &str = "sc_1";

/// The router on a database of its own.
pub(crate) struct Shop {
    pub(crate) pool: PgPool,
    pub(crate) s3: S3,
    url: String,
    client: Client,
    token: String,
    customer_token: String,
    _scratch: Scratch,
    _database: TestDatabase,
}

impl Shop {
    /// A shop with one channel and nothing else.
    pub(crate) async fn empty() -> Self {
        Self::on(TestDatabase::from_template("admin_empty", async |url| prepare_empty(&url).await).await.unwrap()).await
    }

    /// The demo shop, as large as that of the samples.
    pub(crate) async fn demo() -> Self {
        Self::on(TestDatabase::from_template("admin_demo", async |url| prepare_demo(&url).await).await.unwrap()).await
    }

    async fn on(database: TestDatabase) -> Self {
        let scratch = Scratch::new().unwrap();
        let s3 = S3::start(scratch.data(), S3Keys::generate()).unwrap();
        let mut config = config(&database.url());
        let settings = s3.settings();
        config.files.endpoint = settings.endpoint;
        config.files.bucket = settings.bucket;
        config.files.region = settings.region;
        config.files.access_key_id = Secret::new(settings.access_key);
        config.files.secret_access_key = Secret::new(settings.secret_key);
        MEDIA.clone_into(&mut config.files.base_url);
        let customer_token = token(&config, "customer", "cus_1");
        let token = token(&config, "user", "user_1");
        let state = AppState::new(config).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = api::public(&state).unwrap();
        let pool = state.pool.clone();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { pool, s3, url, client: Client::new(), token, customer_token, _scratch: scratch, _database: database }
    }

    /// A request without credentials.
    pub(crate) fn anonymous(&self, method: &str, path: &str) -> RequestBuilder {
        self.client.request(method.parse().unwrap(), format!("{}{path}", self.url))
    }

    /// A request of the merchant.
    pub(crate) fn request(&self, method: &str, path: &str) -> RequestBuilder {
        self.anonymous(method, path).bearer_auth(&self.token)
    }

    /// A token of somebody who is no merchant.
    pub(crate) fn customer_token(&self) -> &str {
        &self.customer_token
    }

    /// Sends one, and reads status and body.
    pub(crate) async fn send(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let mut request = self.request(method, path);
        if let Some(body) = body {
            request = request.json(&body);
        }
        read(request.send().await.unwrap()).await
    }

    /// Posts what must be accepted.
    pub(crate) async fn post(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.send("POST", path, Some(body)).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    /// Gets what must be there.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let (status, answer) = self.send("GET", path, None).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    /// Deletes what must be deleted.
    pub(crate) async fn delete(&self, path: &str) -> Value {
        let (status, answer) = self.send("DELETE", path, None).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    /// Posts what must be refused; returns the sentence.
    pub(crate) async fn refused(&self, path: &str, body: Value) -> String {
        let (status, answer) = self.send("POST", path, Some(body)).await;
        assert!((400..500).contains(&status), "{path}: {status} {answer}");
        answer["message"].as_str().unwrap().to_owned()
    }

    /// Makes a product with the option Size and a variant for each size; returns it.
    pub(crate) async fn product(&self, title: &str, sizes: &[&str]) -> Value {
        let variants: Vec<Value> = sizes
            .iter()
            .map(|size| {
                json!({
                    "title": size, "sku": format!("{title}-{size}"), "options": {"Size": size},
                    "prices": [{"currency_code": "eur", "amount": 10}]
                })
            })
            .collect();
        let body = json!({"title": title, "options": [{"title": "Size", "values": sizes}], "variants": variants});
        self.post("/admin/products", body).await["product"].take()
    }
}

/// Status and body of an answer; no JSON reads as null.
pub(crate) async fn read(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

/// The id of what was answered.
pub(crate) fn id(value: &Value) -> String {
    value["id"].as_str().unwrap_or_else(|| panic!("no id in {value}")).to_owned()
}

/// A token that the shop takes for its own.
fn token(config: &Config, actor_type: &str, actor_id: &str) -> String {
    let claims = Claims {
        actor_id: actor_id.to_owned(),
        actor_type: actor_type.to_owned(),
        auth_identity_id: "authid_1".to_owned(),
        auth_provider: "emailpass".to_owned(),
        mfa_enabled: false,
        mfa_challenge_completed_at: None,
        app_metadata: AppMetadata::default(),
        user_metadata: serde_json::Map::new(),
        iat: vitrine_shared::clock::unix_millis() / 1_000,
        exp: vitrine_shared::clock::unix_millis() / 1_000 + 3_600,
    };
    let key = EncodingKey::from_secret(config.auth.jwt_secret.expose().as_bytes());
    encode(&Header::default(), &claims, &key).unwrap()
}

async fn prepare_empty(url: &str) -> Result<(), Box<dyn std::error::Error>> {
    let pool = database::pool(&config(url).database)?;
    database::MIGRATOR.run(&pool).await?;
    let mut tx = pool.begin_with(outbox::BEGIN).await?;
    sqlx::query("INSERT INTO sales_channel (id, name) VALUES ($1, 'Shop')").bind(CHANNEL).execute(&mut *tx).await?;
    tx.commit().await?;
    pool.close().await;
    Ok(())
}

async fn prepare_demo(url: &str) -> Result<(), Box<dyn std::error::Error>> {
    let pool = database::pool(&config(url).database)?;
    database::MIGRATOR.run(&pool).await?;
    let options = SeedOptions {
        products: PRODUCTS,
        media_base_url: MEDIA.to_owned(),
        publishable_key: KEY.to_owned(),
        admin: Some(Admin { email: "admin@test.com".into(), password: Secret::new("supersecret") }),
        created_at: seed::CREATED_AT,
    };
    seed::run(&pool, None, &seed::FixedIds, &options).await?;
    pool.close().await;
    Ok(())
}

/// The configuration that is shipped, without Redis.
fn config(url: &str) -> Config {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/origin.toml");
    let variable = |name: &str| match name {
        "DATABASE_URL" => Some(url.to_owned()),
        "REDIS_URL" => None,
        name if name.ends_with("_LISTEN") || name.ends_with("_CORS") => None,
        _ => Some("http://127.0.0.1:1".to_owned()),
    };
    let mut config: Config = Source::read(&file, variable).unwrap().parse().unwrap();
    config.database.acquire_timeout_ms = ACQUIRE_TIMEOUT_MS;
    config
}
