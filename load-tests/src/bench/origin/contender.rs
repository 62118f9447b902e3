//! Whom the bench measures, and the shop below all of them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Client;
use serde_json::{Value, json};
use sqlx::Connection as _;

use super::{ids, medusa};
use crate::bench::BenchError;
use crate::edge::{CpuTimes, memory};
use crate::stack::{Origin, OriginOptions, Service, TestStack, connect, workspace_root};

/// Ours, as it is shipped.
pub(super) const OURS: &str = "ours";
/// Ours without its read cache in Redis.
pub(super) const OURS_PG: &str = "ours_pg";
/// Medusa, one process a core.
pub(super) const MEDUSA: &str = "medusa";
/// The same with its caching flag on.
pub(super) const MEDUSA_CACHING: &str = "medusa_caching";

/// What pictures' URLs begin with, in Medusa's data set.
const MEDIA: &str = "http://localhost:9000/static";
/// The origin's own configuration but for its read cache, which a table has in one place.
const CACHE: (&str, &str) = ("[cache]\nenabled = true", "[cache]\nenabled = false");

/// One that is measured.
#[derive(Debug, Clone)]
pub(super) struct Contender {
    pub(super) name: &'static str,
    pub(super) address: SocketAddr,
    pub(super) catalog: Arc<Catalog>,
    key: String,
    token: String,
    client: Client,
    server_pid: i32,
    postgres_pid: i32,
}

/// What there is in the shop, the same for all.
#[derive(Debug)]
pub(super) struct Catalog {
    products: Vec<String>,
    variants: Vec<String>,
    pub(super) region: String,
}

/// Processor time at one moment.
#[derive(Debug)]
pub(super) struct Usage {
    server: CpuTimes,
    postgres: CpuTimes,
}

/// Processor time since then.
#[derive(Debug, Clone, Copy)]
pub(super) struct Used {
    pub(super) server: Duration,
    pub(super) postgres: Duration,
}

/// Everything that runs.
pub(super) struct Shop {
    contenders: Vec<Contender>,
    ours: Vec<Origin>,
    medusa: Vec<Service>,
    // Ends after the programs above.
    stack: TestStack,
}

// === impl Catalog ===

impl Catalog {
    /// The id of a product, in turns.
    pub(super) fn product(&self, number: usize) -> &str {
        in_turns(&self.products, number)
    }

    /// The id of a variant, in turns.
    pub(super) fn variant(&self, number: usize) -> &str {
        in_turns(&self.variants, number)
    }
}

fn in_turns(ids: &[String], number: usize) -> &str {
    ids.get(number % ids.len().max(1)).map_or("", String::as_str)
}

// === impl Contender ===

impl Contender {
    /// A GET as it goes over the wire.
    pub(super) fn head(&self, path: &str) -> Vec<u8> {
        let (address, key) = (self.address, &self.key);
        format!(
            "GET {path} HTTP/1.1\r\nhost: {address}\r\naccept: application/json\r\nx-publishable-api-key: {key}\r\n\r\n"
        )
        .into_bytes()
    }

    /// The body of a visitor's GET.
    pub(super) async fn get(&self, path: &str) -> Result<Value, BenchError> {
        self.answer(self.client.get(self.url(path)).header("x-publishable-api-key", &self.key)).await
    }

    /// The body of a visitor's POST.
    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Value, BenchError> {
        self.answer(self.client.post(self.url(path)).header("x-publishable-api-key", &self.key).json(body)).await
    }

    /// The body of a merchant's POST.
    pub(super) async fn post_as_merchant(&self, path: &str, body: &Value) -> Result<Value, BenchError> {
        self.answer(self.client.post(self.url(path)).bearer_auth(&self.token).json(body)).await
    }

    /// What its processes and Postgres have used.
    pub(super) fn usage(&self) -> Result<Usage, BenchError> {
        Ok(Usage { server: CpuTimes::of_tree(self.server_pid)?, postgres: CpuTimes::of_tree(self.postgres_pid)? })
    }

    /// Memory of its processes, in bytes.
    pub(super) fn memory(&self) -> Result<u64, BenchError> {
        Ok(memory(self.server_pid, None)?)
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Result<Value, BenchError> {
        let response = request.send().await?;
        let (status, url) = (response.status(), response.url().clone());
        let body: Value = response.json().await?;
        if status.is_success() {
            return Ok(body);
        }
        Err(BenchError::Answer(format!("{}: {status} to {url}: {body}", self.name)))
    }
}

// === impl Usage ===

impl Usage {
    /// What was used since `before`.
    pub(super) fn since(&self, before: &Self) -> Used {
        Used { server: self.server.since(&before.server), postgres: self.postgres.since(&before.postgres) }
    }
}

// === impl Shop ===

impl Shop {
    /// Makes the shop and starts all contenders; `alone` leaves Medusa out.
    pub(super) async fn start(products: u32, alone: bool) -> Result<Self, BenchError> {
        let mut stack = TestStack::start_durable().await?;
        let mut medusa = Vec::new();
        let mut told = None;
        if !alone {
            eprintln!("bench-origin: Medusa makes its shop of {products} products (two minutes) ...");
            medusa::make_shop(&mut stack, products).await?;
            let file = stack.data().root().join("ids.json");
            let ids = ids::of_medusa(&medusa::database_url(&mut stack)?).await?;
            std::fs::write(&file, ids).map_err(|source| BenchError::Write { path: file.clone(), source })?;
            told = Some(file);
        }
        eprintln!("bench-origin: our shop, of the same data ...");
        stack.make_shop(products, told.as_deref(), MEDIA).await?;
        let quiet = vec![("VITRINE_LOG".to_owned(), "warn".to_owned())];
        let shipped = OriginOptions { env: quiet.clone(), ..OriginOptions::default() };
        let straight = OriginOptions { config: Some(without_cache(&stack)?), env: quiet };
        let mut ours = vec![Origin::start(&stack, shipped).await?, Origin::start(&stack, straight).await?];
        let key = stack.secrets().publishable_key.clone();
        let login = (stack.secrets().admin_email.clone(), stack.secrets().admin_password.clone());
        let catalog = Arc::new(catalog(&stack).await?);
        let postgres_pid = pid(stack.postgres().and_then(|postgres| postgres.process().pid()))?;
        let mut contenders = Vec::new();
        for (name, origin) in [OURS, OURS_PG].into_iter().zip(&mut ours) {
            let server_pid = pid(origin.service.process().pid())?;
            let (address, key) = (origin.address(), key.clone());
            let catalog = catalog.clone();
            let of = Contender {
                name,
                address,
                catalog,
                key,
                token: String::new(),
                client: Client::new(),
                server_pid,
                postgres_pid,
            };
            contenders.push(of.signed_in(&login).await?);
        }
        if !alone {
            let key = medusa::publishable_key(&mut stack).await?;
            for (name, caching) in [(MEDUSA, false), (MEDUSA_CACHING, true)] {
                eprintln!("bench-origin: starting {name} ...");
                let (mut service, address) = medusa::start(&mut stack, name, caching).await?;
                let server_pid = pid(service.process().pid())?;
                let (catalog, key) = (catalog.clone(), key.clone());
                let of = Contender {
                    name,
                    address,
                    catalog,
                    key,
                    token: String::new(),
                    client: Client::new(),
                    server_pid,
                    postgres_pid,
                };
                contenders.push(of.signed_in(&login).await?);
                medusa.push(service);
            }
        }
        Ok(Self { contenders, ours, medusa, stack })
    }

    pub(super) fn contenders(&self) -> Vec<Contender> {
        self.contenders.clone()
    }

    /// The address of our database.
    pub(super) fn database_url(&self) -> String {
        self.stack.database_url()
    }

    /// Ends all programs in order.
    pub(super) async fn stop(&mut self) {
        for service in self.medusa.iter_mut().chain(self.ours.iter_mut().map(|origin| &mut origin.service)) {
            service.stop().await;
        }
    }
}

impl Contender {
    async fn signed_in(mut self, (email, password): &(String, String)) -> Result<Self, BenchError> {
        let answer = self.post("/auth/user/emailpass", &json!({ "email": email, "password": password })).await?;
        answer["token"].as_str().unwrap_or_default().clone_into(&mut self.token);
        Ok(self)
    }
}

fn pid(pid: Option<i32>) -> Result<i32, BenchError> {
    pid.ok_or_else(|| BenchError::Answer("a server ended".to_owned()))
}

/// The shipped configuration with the read cache off, as a file.
fn without_cache(stack: &TestStack) -> Result<String, BenchError> {
    let shipped = workspace_root()?.join("config/origin.toml");
    let text = std::fs::read_to_string(&shipped).map_err(|error| BenchError::Answer(error.to_string()))?;
    if !text.contains(CACHE.0) {
        return Err(BenchError::Answer(format!("{} has no {:?}", shipped.display(), CACHE.0)));
    }
    let path = stack.data().root().join("origin-straight.toml");
    std::fs::write(&path, text.replace(CACHE.0, CACHE.1))
        .map_err(|source| BenchError::Write { path: path.clone(), source })?;
    Ok(path.display().to_string())
}

async fn catalog(stack: &TestStack) -> Result<Catalog, BenchError> {
    let mut connection = connect(&stack.database_url()).await?;
    let products = sqlx::query_scalar("SELECT id FROM product ORDER BY id").fetch_all(&mut connection).await?;
    let variants = sqlx::query_scalar("SELECT id FROM product_variant ORDER BY id").fetch_all(&mut connection).await?;
    let region =
        sqlx::query_scalar("SELECT id FROM region WHERE currency_code = 'eur'").fetch_one(&mut connection).await?;
    connection.close().await?;
    Ok(Catalog { products, variants, region })
}
