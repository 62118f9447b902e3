//! The shop that is measured: on a disk-synced Postgres of its own, as `make run` starts it.

use reqwest::Client;
use serde::Deserialize;
use serde_json::{Value, json};

use super::BenchError;
use crate::stack::{Edge, EdgeOptions, Origin, OriginOptions, TestStack, connect};

/// A running shop, with access logs off everywhere.
pub(super) struct BenchShop {
    pub(super) origin: Origin,
    pub(super) edges: Vec<Edge>,
    pub(super) client: Client,
    pub(super) key: String,
    token: String,
    // Ends after the programs above.
    stack: TestStack,
}

/// A product, as its page is asked for.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Product {
    pub(super) id: String,
    pub(super) handle: String,
}

#[derive(Deserialize)]
struct ProductPage {
    products: Vec<Product>,
}

/// Products on a page of the whole list.
const PAGE: usize = 1_000;

impl BenchShop {
    pub(super) async fn start(edges: u32) -> Result<Self, BenchError> {
        Self::with_products(1_000, edges).await
    }

    pub(super) async fn with_products(products: u32, edges: u32) -> Result<Self, BenchError> {
        let stack = TestStack::private_with_shop(products).await?;
        let quiet = vec![("VITRINE_LOG".to_owned(), "warn".to_owned())];
        let origin = Origin::start(&stack, OriginOptions { env: quiet.clone(), ..OriginOptions::default() }).await?;
        let mut started = Vec::new();
        for index in 0..edges {
            let options = EdgeOptions { index, env: quiet.clone(), ..EdgeOptions::default() };
            started.push(Edge::start(&stack, &origin, options).await?);
        }
        let client = Client::new();
        let secrets = stack.secrets();
        let login = client
            .post(format!("{}/auth/user/emailpass", origin.url()))
            .json(&json!({ "email": secrets.admin_email, "password": secrets.admin_password }));
        let answer: Value = login.send().await?.error_for_status()?.json().await?;
        let token = text(&answer["token"], "a token")?;
        Ok(Self { origin, edges: started, client, key: secrets.publishable_key.clone(), token, stack })
    }

    /// A visitor's GET; the body of a 200.
    pub(super) async fn get(&self, base: &str, path: &str) -> Result<String, BenchError> {
        let request = self.client.get(format!("{base}{path}")).header("x-publishable-api-key", &self.key);
        Ok(request.send().await?.error_for_status()?.text().await?)
    }

    /// Whether a visitor's GET was answered from the edge's cache (RFC 9211).
    pub(super) async fn is_hit(&self, base: &str, path: &str) -> Result<bool, BenchError> {
        let request = self.client.get(format!("{base}{path}")).header("x-publishable-api-key", &self.key);
        let response = request.send().await?.error_for_status()?;
        let status = response.headers().get("cache-status").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let is_hit = status.split(';').any(|parameter| parameter.trim() == "hit");
        response.bytes().await?;
        Ok(is_hit)
    }

    /// All products.
    pub(super) async fn all_products(&self) -> Result<Vec<Product>, BenchError> {
        let mut products = Vec::new();
        loop {
            let offset = products.len();
            let path = format!("/store/products?limit={PAGE}&offset={offset}&order=id&fields=id,handle");
            let body = self.get(&self.origin.url(), &path).await?;
            let page: ProductPage =
                serde_json::from_str(&body).map_err(|error| BenchError::Answer(error.to_string()))?;
            if page.products.is_empty() {
                return Ok(products);
            }
            products.extend(page.products);
        }
    }

    /// Runs a statement with a list of ids in the database, as somebody who typed it.
    pub(super) async fn execute(&self, statement: &'static str, ids: &[&str]) -> Result<(), BenchError> {
        let mut connection = connect(&self.stack.database_url()).await?;
        sqlx::query(statement).bind(ids).execute(&mut connection).await?;
        Ok(())
    }

    /// Renames a product through the first edge; the value of `Vitrine-Ack`.
    pub(super) async fn rename(&self, id: &str, title: &str, query: &str) -> Result<String, BenchError> {
        let base = self.edges.first().map(Edge::url).unwrap_or_default();
        let request = self.client.post(format!("{base}/admin/products/{id}{query}")).bearer_auth(&self.token);
        let response = request.json(&json!({ "title": title })).send().await?.error_for_status()?;
        let ack = response.headers().get("vitrine-ack").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let ack = ack.to_owned();
        response.bytes().await?;
        Ok(ack)
    }

    /// The id of a product.
    pub(super) async fn product(&self, handle: &str) -> Result<String, BenchError> {
        let body = self.get(&self.origin.url(), &format!("/store/products?handle={handle}&fields=id")).await?;
        let answer: Value = serde_json::from_str(&body).map_err(|error| BenchError::Answer(error.to_string()))?;
        text(&answer["products"][0]["id"], "a product id")
    }
}

fn text(value: &Value, what: &str) -> Result<String, BenchError> {
    value.as_str().map(str::to_owned).ok_or_else(|| BenchError::Answer(format!("{what} was expected, not {value}")))
}
