//! The shop that is measured: on a disk-synced Postgres of its own, as `make run` starts it.

use reqwest::Client;
use serde_json::{Value, json};

use super::BenchError;
use crate::stack::{Edge, EdgeOptions, Origin, OriginOptions, TestStack};

/// A running shop, with access logs off everywhere.
pub(super) struct BenchShop {
    pub(super) origin: Origin,
    pub(super) edges: Vec<Edge>,
    pub(super) client: Client,
    pub(super) key: String,
    token: String,
    // Ends after the programs above.
    _stack: TestStack,
}

impl BenchShop {
    pub(super) async fn start(edges: u32) -> Result<Self, BenchError> {
        let stack = TestStack::private_with_shop(1_000).await?;
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
        Ok(Self { origin, edges: started, client, key: secrets.publishable_key.clone(), token, _stack: stack })
    }

    /// A visitor's GET; the body of a 200.
    pub(super) async fn get(&self, base: &str, path: &str) -> Result<String, BenchError> {
        let request = self.client.get(format!("{base}{path}")).header("x-publishable-api-key", &self.key);
        Ok(request.send().await?.error_for_status()?.text().await?)
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
