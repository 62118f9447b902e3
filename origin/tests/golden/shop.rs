//! The demo shop with the samples' ids, and the router that answers for it.

use std::path::Path;

use reqwest::{Client, Response};
use tokio::net::TcpListener;
use vitrine_load_tests::stack::TestDatabase;
use vitrine_origin::config::Config;
use vitrine_origin::seed::{self, SeedOptions};
use vitrine_origin::{AppState, api, database};
use vitrine_shared::config::Source;

use crate::ids::SampleIds;
use crate::samples::Sample;

/// Products of the shop that the samples were taken from.
const PRODUCTS: u64 = 1_000;
/// Where the pictures of that shop are.
const MEDIA: &str = "http://localhost:9000/static";
/// Connecting is slow on a busy machine.
const ACQUIRE_TIMEOUT_MS: u64 = 15_000;

/// The router on a database of its own.
pub(crate) struct Shop {
    url: String,
    client: Client,
    _database: TestDatabase,
}

impl Shop {
    /// Loads the shop and starts to answer.
    pub(crate) async fn start(samples: &[Sample]) -> Self {
        let ids = SampleIds::of(samples);
        let key = key_of(samples);
        let database =
            TestDatabase::from_template("golden_store", async |url| load(&url, &ids, &key).await).await.unwrap();
        let state = AppState::new(config(&database.url())).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = api::public(&state).unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, client: Client::new(), _database: database }
    }

    /// Sends a sample's request as it was sent.
    pub(crate) async fn replay(&self, sample: &Sample) -> Response {
        let mut request = self.client.get(format!("{}{}{}", self.url, sample.path, sample.query));
        for (name, value) in &sample.request_headers {
            request = request.header(name, value);
        }
        request.send().await.unwrap()
    }
}

fn key_of(samples: &[Sample]) -> String {
    let mut headers = samples.iter().flat_map(|sample| &sample.request_headers);
    headers.find(|(name, value)| name == "x-publishable-api-key" && value.len() > 10).unwrap().1.clone()
}

async fn load(url: &str, ids: &SampleIds, key: &str) -> Result<(), Box<dyn std::error::Error>> {
    let pool = database::pool(&config(url).database)?;
    database::MIGRATOR.run(&pool).await?;
    let options = SeedOptions {
        products: PRODUCTS,
        media_base_url: MEDIA.to_owned(),
        publishable_key: key.to_owned(),
        admin: None,
        created_at: seed::CREATED_AT,
    };
    seed::run(&pool, None, ids, &options).await?;
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
