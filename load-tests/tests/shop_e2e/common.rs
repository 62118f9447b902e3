//! What the end-to-end tests share: a shop with edges, a visitor and a merchant.

use reqwest::header::HeaderMap;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use vitrine_load_tests::stack::{Edge, EdgeOptions, Origin, OriginOptions, TestStack};

/// A running shop.
pub(crate) struct Shop {
    pub(crate) stack: TestStack,
    pub(crate) origin: Origin,
    pub(crate) edges: Vec<Edge>,
    pub(crate) client: Client,
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Shop {
    /// The demo shop with 1,000 products and so many edges.
    pub(crate) async fn start(edges: u32) -> Self {
        Self::on(TestStack::with_shop(1_000).await.unwrap(), edges, Vec::new()).await
    }

    /// The same with these variables set for the origin and for each edge.
    pub(crate) async fn with(stack: TestStack, edges: u32, env: &[(&str, String)]) -> Self {
        Self::on(stack, edges, env.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()).await
    }

    /// The same on a Postgres of its own, which the test may kill.
    pub(crate) async fn private(edges: u32) -> Self {
        Self::on(TestStack::private_with_shop(50).await.unwrap(), edges, Vec::new()).await
    }

    async fn on(stack: TestStack, edges: u32, env: Vec<(String, String)>) -> Self {
        let options = OriginOptions { env: env.clone(), ..OriginOptions::default() };
        let origin = Origin::start(&stack, options).await.unwrap();
        let mut started = Vec::new();
        for index in 0..edges {
            let options = EdgeOptions { index, env: env.clone(), ..EdgeOptions::default() };
            started.push(Edge::start(&stack, &origin, options).await.unwrap());
        }
        Self { stack, origin, edges: started, client: Client::new() }
    }

    /// A visitor's GET of a path at an edge.
    pub(crate) async fn get(&self, edge: usize, path: &str) -> Answer {
        self.get_with(edge, path, &[]).await
    }

    /// The same with more request headers.
    pub(crate) async fn get_with(&self, edge: usize, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = self
            .client
            .get(format!("{}{path}", self.edges[edge].url()))
            .header("x-publishable-api-key", &self.stack.secrets().publishable_key);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer::read(request).await
    }

    /// Asks until the answer is a hit at this edge; fails when the fifth is none.
    pub(crate) async fn warm(&self, edge: usize, path: &str) -> Answer {
        for _ in 0..5 {
            let answer = self.get(edge, path).await;
            assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
            if answer.is_hit() {
                return answer;
            }
        }
        panic!("{path} does not become a hit: {:?}", self.get(edge, path).await.cache_status());
    }

    /// The merchant's token.
    pub(crate) async fn login(&self) -> String {
        let secrets = self.stack.secrets();
        let request = self
            .client
            .post(format!("{}/auth/user/emailpass", self.edges[0].url()))
            .json(&json!({ "email": secrets.admin_email, "password": secrets.admin_password }));
        let answer = Answer::read(request).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        answer.json()["token"].as_str().unwrap().to_owned()
    }

    /// A merchant's request through the first edge.
    pub(crate) async fn admin(&self, token: &str, method: Method, path: &str, body: Option<Value>) -> Answer {
        let mut request = self.client.request(method, format!("{}{path}", self.edges[0].url())).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        Answer::read(request).await
    }

    /// Renames a product and waits for the acknowledgement.
    pub(crate) async fn rename_acked(&self, token: &str, id: &str, title: &str) {
        let path = format!("/admin/products/{id}?wait=acked");
        let answer = self.admin(token, Method::POST, &path, Some(json!({ "title": title }))).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        let ack = answer.header("vitrine-ack");
        assert!(ack.starts_with("acked"), "{ack}");
    }

    /// The product under a handle, as the first edge shows it.
    pub(crate) async fn product(&self, handle: &str) -> Value {
        let path = format!("/store/products?handle={handle}&fields=id,title,handle,collection_id,*categories");
        self.get(0, &path).await.json()["products"][0].clone()
    }
}

impl Answer {
    pub(crate) async fn read(request: reqwest::RequestBuilder) -> Self {
        Self::try_read(request).await.unwrap()
    }

    pub(crate) async fn try_read(request: reqwest::RequestBuilder) -> reqwest::Result<Self> {
        let response = request.send().await?;
        Ok(Self { status: response.status(), headers: response.headers().clone(), body: response.text().await? })
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// A header as text; empty where it is absent.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn cache_status(&self) -> &str {
        self.header("cache-status")
    }

    /// Served from the cache, by Cache-Status (RFC 9211).
    pub(crate) fn is_hit(&self) -> bool {
        self.cache_status().split(';').any(|part| part.trim() == "hit")
    }
}
