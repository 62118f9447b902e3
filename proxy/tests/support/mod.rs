//! What the tests of the proxy share: the proxy itself in this process, and an upstream that does what the test says.
#![allow(dead_code, unused_imports, clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub)]

pub mod automatic;
pub mod echo;
pub mod frames;
pub mod origin_feed;
pub mod program;
pub mod raw;
pub mod strict;
pub mod tls;
pub mod upstream;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::HeaderMap;
use tokio::net::TcpStream;
use tokio::sync::watch;
use vitrine_load_tests::stack::{free_port, wait_until};
use vitrine_proxy::config::Config;
use vitrine_proxy::engine::Engine;
use vitrine_proxy::feed::connection::State;
use vitrine_proxy::feed::status::Status;
use vitrine_proxy::reload::Current;
use vitrine_proxy::service::{Server, Stop};
use vitrine_shared::clock::BootTime;
use vitrine_shared::config::Source;
use vitrine_shared::epoch::Epoch;
use vitrine_shared::feed::{Batch, Mode, Purge};
use vitrine_shared::tag::Tag;

pub use upstream::{Upstream, response};

/// How long anything may take that is waited for.
pub const LIMIT: Duration = Duration::from_secs(20);

/// A rule by which what lies under `/pass` is passed.
pub const PASS: &str = "[[rules]]\nname = \"pass\"\naction = \"pass\"\npaths = [\"/pass/**\"]\n";

/// A proxy in this process, in front of one upstream.
pub struct Proxy {
    pub http: SocketAddr,
    pub https: Option<SocketAddr>,
    pub ops: SocketAddr,
    pub engine: Arc<Engine>,
    pub current: Current,
    pub feed: Option<Arc<Status>>,
    client: reqwest::Client,
    stop: watch::Sender<bool>,
    running: Option<std::thread::JoinHandle<()>>,
}

/// A response as the tests look at it.
#[derive(Debug)]
pub struct Got {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

/// One rule that caches everything, with further keys.
pub fn cache_all(keys: &str) -> String {
    format!(
        "[[rules]]\nname = \"all\"\naction = \"cache\"\npaths = [\"/**\"]\nmethods = [\"GET\", \"HEAD\"]\n\
         edge_ttl = \"respect\"\nbrowser_ttl = \"respect\"\n{keys}\n"
    )
}

impl Proxy {
    /// Without a feed; `rules` is TOML.
    pub async fn start(upstream: SocketAddr, rules: &str) -> Self {
        Self::with(upstream, "", "", rules).await
    }

    /// Without a token for operators.
    pub async fn without_token(upstream: SocketAddr, rules: &str) -> Self {
        Self::listening(upstream, "", "", "", rules).await
    }

    /// With further keys of the upstream, and further tables (cache, feed).
    pub async fn with(upstream: SocketAddr, upstream_keys: &str, tables: &str, rules: &str) -> Self {
        Self::listening(upstream, "ops_token = \"ops-secret\"", upstream_keys, tables, rules).await
    }

    /// With all kinds of further keys.
    pub async fn listening(
        upstream: SocketAddr,
        listen_keys: &str,
        upstream_keys: &str,
        tables: &str,
        rules: &str,
    ) -> Self {
        let patience = if upstream_keys.contains("read_timeout") { "" } else { "read_timeout = \"10s\"" };
        let text = format!(
            "edge = \"test\"\ndefault_upstream = \"origin\"\n[listen]\nhttp = \"127.0.0.1:0\"\nops = \"127.0.0.1:0\"\n\
             {listen_keys}\nthreads = 2\n{tables}\n\
             [upstreams.origin]\naddresses = [\"{upstream}\"]\n{patience}\n{upstream_keys}\n{rules}"
        );
        let source = Source::of(Path::new("test.toml"), &text, |_| None).unwrap();
        let config = Config::of_source(&source).unwrap_or_else(|errors| panic!("{errors:?}\n{text}"));
        let server = Server::build(&config).unwrap();
        let (http, ops) = server.addresses();
        let https = server.https();
        let (engine, feed) = (server.engine().clone(), server.feed().cloned());
        let current = server.current().clone();
        let (stop, stopped) = watch::channel(false);
        let running = Some(std::thread::spawn(move || server.run(Stop::When(stopped))));
        wait_until("the proxy listens", LIMIT, async || TcpStream::connect(http).await.is_ok()).await.unwrap();
        let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        Self { http, https, ops, engine, current, feed, client: client.build().unwrap(), stop, running }
    }

    pub fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("http://{}{path}", self.http))
    }

    pub fn get(&self, path: &str) -> reqwest::RequestBuilder {
        self.request(reqwest::Method::GET, path)
    }

    /// Gets a path in a task of its own, so that the test can go on to answer it.
    pub fn getting(&self, path: &str) -> tokio::task::JoinHandle<reqwest::Result<Got>> {
        tokio::spawn(fetch(self.get(path)))
    }

    /// The lines of the metrics.
    pub async fn metrics(&self) -> Vec<String> {
        let text = reqwest::get(format!("http://{}/metrics", self.ops)).await.unwrap().text().await.unwrap();
        text.lines().map(str::to_owned).collect()
    }

    /// Waits until the metrics have this line.
    pub async fn counted(&self, line: &str) {
        let counted = async || self.metrics().await.iter().any(|found| found == line);
        wait_until(line, LIMIT, counted).await.unwrap();
    }

    /// Tells it to end, as a signal would.
    pub fn stop(&self) {
        let _ = self.stop.send(true);
    }

    /// Purges tags as the feed would, and returns when they are purged.
    pub fn purge(&self, mode: Mode, tags: &[&str]) {
        let live = &self.engine.context().live;
        let applied = live.applied();
        let tags = tags.iter().map(|tag| Tag::parse(tag).unwrap()).collect();
        let purge = Purge { seq: applied.seq + 1, mode, tags, everything: false, event: None };
        live.apply(&Batch::new(applied.term, applied, vec![purge]).unwrap()).unwrap();
    }

    /// Ends it as a signal does, and waits until it has ended.
    pub async fn stopped(mut self) {
        self.stop.send(true).unwrap();
        let running = self.running.take().unwrap();
        wait_until("the proxy ends", LIMIT, async || running.is_finished()).await.unwrap();
    }

    /// Waits until it has a lease.
    pub async fn connected(&self) {
        let connection = self.engine.connection().clone();
        let is_connected = async || connection.state(BootTime::now()) == State::Connected;
        wait_until("it has a lease", LIMIT, is_connected).await.unwrap();
    }

    /// Waits until it has applied every purge up to this.
    pub async fn applied(&self, epoch: Epoch) {
        let live = &self.engine.context().live;
        wait_until("the purges are applied", LIMIT, async || live.applied() >= epoch).await.unwrap();
    }

    /// Waits until no fill is under way, so that what was to be stored is stored, and until nobody reads from one.
    pub async fn settled(&self) {
        let context = self.engine.context();
        let settled = async || context.inflight.is_empty() && context.budget.used() == 0;
        wait_until("the fills end", LIMIT, settled).await.unwrap();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
    }
}

/// Sends a request and reads the whole response.
pub async fn fetch(request: reqwest::RequestBuilder) -> reqwest::Result<Got> {
    let response = request.timeout(LIMIT).send().await?;
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    Ok(Got { status, headers, body: response.text().await? })
}

impl Got {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// This cache's part of Cache-Status.
    pub fn cache_status(&self) -> &str {
        self.header("cache-status")
    }

    pub fn is_hit(&self) -> bool {
        self.cache_status().contains("vitrine; hit")
    }
}

pub fn local() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], free_port().unwrap()))
}
