//! The demo shop with the samples' ids, and the origin that answers for it.

use std::path::Path;

use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use vitrine_load_tests::stack::TestDatabase;
use vitrine_origin::config::Config;
use vitrine_origin::seed::{self, SeedOptions};
use vitrine_origin::{AppState, api, database};
use vitrine_shared::config::Source;

use crate::ids::SampleIds;
use crate::samples;

/// The shop's publishable key.
pub(crate) const KEY: &str = "pk_0f04387e9d4fbbcb57aa7bbddeb42f5126ec244ab803b012eccc7d191fb26e6b";
/// The region with four countries and taxes.
pub(crate) const EUROPE: &str = "reg_01M7YPGCHADBV375G7BKAS9PEJ";
/// The region with one country and no taxes.
pub(crate) const US: &str = "reg_01M7YPGCHA2GEXG491EA1K7R96";
/// A variant on sale: 5 € instead of 10.50 €.
pub(crate) const ON_SALE: &str = "variant_01M7YPGDYYEG6KMZVPET496VTD";
/// A variant at 14.50 €.
pub(crate) const PLAIN: &str = "variant_01M7YPGDZ3J0BTNF4C9C2SK175";
/// Products of the shop: as many as carts need.
const PRODUCTS: u64 = 12;
/// Where the pictures of the samples' shop are.
const MEDIA: &str = "http://localhost:9000/static";
/// Connecting is slow on a busy machine.
const ACQUIRE_TIMEOUT_MS: u64 = 15_000;

/// The origin on a database of its own.
pub(crate) struct Shop {
    pub(crate) state: AppState,
    url: String,
    client: Client,
    _database: TestDatabase,
}

impl Shop {
    /// Loads the shop and starts to answer.
    pub(crate) async fn start() -> Self {
        let database = TestDatabase::from_template("carts", load).await.unwrap();
        let state = AppState::new(config(&database.url())).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = api::public(&state).unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { state, url, client: Client::new(), _database: database }
    }

    /// A request to any path.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    /// A request of a storefront; answers with status and JSON body.
    pub(crate) async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let mut request = self.request(method, &format!("/store/{path}")).header("x-publishable-api-key", KEY);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        let kept = response.headers().get("cache-control").cloned();
        assert_eq!(kept.unwrap(), "private, no-store", "{path} is for one visitor");
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// A `POST` that succeeds; answers with the cart.
    pub(crate) async fn post(&self, path: &str, body: Value) -> Value {
        let (status, mut answer) = self.ask(Method::POST, path, Some(body)).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer["cart"].take()
    }

    /// A cart as it is shown.
    pub(crate) async fn cart(&self, id: &str) -> Value {
        let (status, mut answer) = self.ask(Method::GET, &format!("carts/{id}"), None).await;
        assert_eq!(status, 200, "{answer}");
        answer["cart"].take()
    }

    /// Makes a cart; returns its id.
    pub(crate) async fn create(&self, region: &str) -> String {
        let cart = self.post("carts", json!({ "region_id": region })).await;
        cart["id"].as_str().unwrap().to_owned()
    }

    /// Registers a customer and signs in; returns the bearer token.
    pub(crate) async fn customer(&self, email: &str) -> String {
        let credentials = json!({ "email": email, "password": "correct horse battery staple" });
        let token = |answer: Value| answer["token"].as_str().unwrap().to_owned();
        let post = async |path: &str, body: &Value, bearer: Option<&str>| -> Value {
            let mut request = self.request(Method::POST, path).header("x-publishable-api-key", KEY).json(body);
            if let Some(bearer) = bearer {
                request = request.bearer_auth(bearer);
            }
            request.send().await.unwrap().json().await.unwrap()
        };
        let registered = token(post("/auth/customer/emailpass/register", &credentials, None).await);
        post("/store/customers", &json!({ "email": email }), Some(&registered)).await;
        token(post("/auth/customer/emailpass", &credentials, None).await)
    }

    /// Carries out SQL by hand.
    pub(crate) async fn sql(&self, statement: &'static str) {
        sqlx::raw_sql(statement).execute(&self.state.pool).await.unwrap();
    }

    /// A number that SQL gives.
    pub(crate) async fn count(&self, statement: &'static str) -> i64 {
        sqlx::query_scalar(statement).fetch_one(&self.state.pool).await.unwrap()
    }
}

async fn load(url: String) -> Result<(), Box<dyn std::error::Error>> {
    let pool = database::pool(&config(&url).database)?;
    database::MIGRATOR.run(&pool).await?;
    let options = SeedOptions {
        products: PRODUCTS,
        media_base_url: MEDIA.to_owned(),
        publishable_key: KEY.to_owned(),
        admin: None,
        created_at: seed::CREATED_AT,
    };
    seed::run(&pool, None, &SampleIds::of(&samples::load()), &options).await?;
    pool.close().await;
    Ok(())
}

/// The configuration that is shipped, without Redis; every statement counts as slow, so that statements can be counted.
fn config(url: &str) -> Config {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/origin.toml");
    let variable = |name: &str| match name {
        "DATABASE_URL" => Some(url.to_owned()),
        name if name.starts_with("S3_") || name == "JWT_SECRET" || name == "INTERNAL_TOKEN" => {
            Some("http://127.0.0.1:1".to_owned())
        }
        _ => None,
    };
    let mut config: Config = Source::read(&file, variable).unwrap().parse().unwrap();
    config.database.acquire_timeout_ms = ACQUIRE_TIMEOUT_MS;
    config.database.slow_statement_ms = 0;
    config
}
