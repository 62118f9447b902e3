//! The Admin API, by each of its ways in: the origins, and the edges before them.

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::{Client, Method, StatusCode};
use serde_json::Value;

use super::super::history::Reply;

/// Longer than the origin itself gives a request and its wait.
const LIMIT: Duration = Duration::from_secs(20);

/// A merchant who is logged in.
#[derive(Debug, Clone)]
pub(in crate::prove) struct Admin {
    client: Client,
    token: String,
    ways: Vec<SocketAddr>,
}

/// What came back.
#[derive(Debug, Clone)]
pub(in crate::prove) enum Answered {
    /// Done; the value of `Vitrine-Ack`, and the body.
    Done(String, Value),
    /// Refused for what was asked.
    Refused(String),
    /// No answer, or one that leaves it open.
    Unknown,
}

impl Answered {
    pub(in crate::prove) fn reply(&self) -> Reply {
        match self {
            Self::Done(ack, _) if ack.starts_with("acked") => Reply::Acked,
            Self::Done(..) => Reply::Committed,
            Self::Refused(_) | Self::Unknown => Reply::Unknown,
        }
    }

    pub(in crate::prove) fn body(&self) -> Option<&Value> {
        match self {
            Self::Done(_, body) => Some(body),
            Self::Refused(_) | Self::Unknown => None,
        }
    }
}

impl Admin {
    pub(in crate::prove) fn new(token: String, ways: Vec<SocketAddr>) -> Result<Self, reqwest::Error> {
        Ok(Self { client: Client::builder().timeout(LIMIT).build()?, token, ways })
    }

    /// How many ways in there are.
    pub(in crate::prove) fn ways(&self) -> usize {
        self.ways.len()
    }

    /// Sends a write by one of the ways.
    pub(in crate::prove) async fn send(
        &self,
        way: usize,
        method: Method,
        path: &str,
        body: Option<&Value>,
        wait: bool,
    ) -> Answered {
        let query = if wait { "?fields=id&wait=acked" } else { "?fields=id" };
        let url = format!("http://{}{path}{query}", self.ways[way]);
        let mut request = self.client.request(method, url).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let Ok(response) = request.send().await else { return Answered::Unknown };
        let status = response.status();
        let ack = response.headers().get("vitrine-ack").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let ack = ack.to_owned();
        let Ok(text) = response.text().await else { return Answered::Unknown };
        match status {
            _ if status.is_success() => Answered::Done(ack, serde_json::from_str(&text).unwrap_or_default()),
            // The product may be gone already, by a deletion whose reply was lost; the next look tells.
            StatusCode::NOT_FOUND | StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS => Answered::Unknown,
            _ if status.is_client_error() => Answered::Refused(format!("{path} {status}: {text}")),
            _ => Answered::Unknown,
        }
    }

    /// The product under a handle; `None` where nobody can tell.
    pub(in crate::prove) async fn find(&self, handle: &str) -> Option<Option<String>> {
        for way in &self.ways {
            let url = format!("http://{way}/admin/products?handle={handle}&fields=id");
            let answer = self.client.get(url).bearer_auth(&self.token).timeout(Duration::from_secs(3)).send().await;
            if let Ok(response) = answer
                && response.status() == StatusCode::OK
                && let Ok(body) = response.json::<Value>().await
            {
                return Some(body.pointer("/products/0/id").and_then(Value::as_str).map(str::to_owned));
            }
        }
        None
    }
}
