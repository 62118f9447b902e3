//! The origin's internal port, as small as it can be: it speaks `shared::feed` and does as the test says.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, put};
use axum::{Json, Router};
use parking_lot::Mutex;
use tokio::sync::watch;
use vitrine_shared::epoch::Epoch;
use vitrine_shared::feed::{Batch, Mode, Page, Purge, Renewal, Report, VERSION};
use vitrine_shared::tag::Tag;

/// Short, so that tests of its end do not take long.
const LEASE_MS: u64 = 1_000;
pub const TOKEN: &str = "feed-secret";

#[derive(Clone)]
pub struct OriginFeed {
    pub addr: SocketAddr,
    state: Arc<Shared>,
}

struct Shared {
    inner: Mutex<Inner>,
    changed: watch::Sender<u64>,
}

struct Inner {
    term: u32,
    /// Everything that was numbered; `held_after` is what is still held.
    history: Vec<Purge>,
    first: u64,
    held_after: u64,
    /// Whether leases are granted, and whether anything is answered.
    grants: bool,
    up: bool,
    members: HashMap<String, Report>,
    pages: usize,
}

impl OriginFeed {
    /// At position `1.position`, with no history.
    pub async fn start(position: u64) -> Self {
        let inner = Inner {
            term: 1,
            history: Vec::new(),
            first: position + 1,
            held_after: position,
            grants: true,
            up: true,
            members: HashMap::new(),
            pages: 0,
        };
        let state = Arc::new(Shared { inner: Mutex::new(inner), changed: watch::Sender::new(0) });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let routes = Router::new()
            .route("/v1/feed", get(page))
            .route("/v1/members/{id}", put(renew).delete(leave))
            .with_state(state.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { addr, state }
    }

    /// The `[feed]` table of an edge that reads it.
    pub fn table(&self, redis: &str) -> String {
        format!("[feed]\nurl = \"http://{}\"\ntoken = \"{TOKEN}\"\nredis = \"{redis}\"\n", self.addr)
    }

    /// Numbers a purge, as a commit of the relay does; tells nobody but who asks.
    pub fn commit(&self, tags: &[&str]) -> Batch {
        let mut inner = self.state.inner.lock();
        let position = inner.position();
        let tags = tags.iter().map(|tag| Tag::parse(tag).unwrap()).collect();
        let purge = Purge { seq: position.seq + 1, mode: Mode::Hard, tags, everything: false, event: None };
        inner.history.push(purge.clone());
        drop(inner);
        self.state.changed.send_modify(|count| *count += 1);
        Batch::new(position.term, position, vec![purge]).unwrap()
    }

    /// Forgets the history, as retention does.
    pub fn forget(&self) {
        let mut inner = self.state.inner.lock();
        inner.held_after = inner.position().seq;
    }

    /// Stands at an earlier position of the same term, with no history: what it gave since is lost, and will be given again.
    pub fn rewind(&self, position: u64) {
        let mut inner = self.state.inner.lock();
        inner.history.clear();
        inner.first = position + 1;
        inner.held_after = position;
    }

    /// Grants leases, or refuses them.
    pub fn grant(&self, grants: bool) {
        self.state.inner.lock().grants = grants;
    }

    /// Answers, or answers nothing but 503.
    pub fn up(&self, up: bool) {
        self.state.inner.lock().up = up;
        self.state.changed.send_modify(|count| *count += 1);
    }

    pub fn position(&self) -> Epoch {
        self.state.inner.lock().position()
    }

    /// How many pages were asked for.
    pub fn pages(&self) -> usize {
        self.state.inner.lock().pages
    }

    /// What members have reported, by id.
    pub fn members(&self) -> HashMap<String, Report> {
        self.state.inner.lock().members.clone()
    }
}

impl Inner {
    fn position(&self) -> Epoch {
        Epoch::new(self.term, self.first + self.history.len() as u64 - 1)
    }

    fn page(&self, after: Epoch) -> Page {
        let position = self.position();
        if after.term != self.term || after.seq < self.held_after {
            return Page { v: VERSION, position, take_position: Some(position), batches: Vec::new() };
        }
        let purges: Vec<Purge> = self.history.iter().filter(|purge| purge.seq > after.seq).cloned().collect();
        let batches = if purges.is_empty() { Vec::new() } else { vec![Batch::new(self.term, after, purges).unwrap()] };
        Page { v: VERSION, position, take_position: None, batches }
    }
}

fn allowed(headers: &HeaderMap) -> Result<(), StatusCode> {
    let given = headers.get("authorization").and_then(|value| value.to_str().ok());
    if given == Some(&format!("Bearer {TOKEN}")) { Ok(()) } else { Err(StatusCode::UNAUTHORIZED) }
}

async fn page(
    State(state): State<Arc<Shared>>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Result<Json<Page>, StatusCode> {
    allowed(&headers)?;
    let after: Epoch = query["after"].parse().unwrap();
    let wait = std::time::Duration::from_millis(query["wait_ms"].parse().unwrap());
    let mut changed = state.changed.subscribe();
    let answer = || {
        let mut inner = state.inner.lock();
        inner.pages += 1;
        if inner.up { Ok(Json(inner.page(after))) } else { Err(StatusCode::SERVICE_UNAVAILABLE) }
    };
    let first = answer()?;
    if !wait.is_zero() && first.batches.is_empty() && first.take_position.is_none() {
        let _ = tokio::time::timeout(wait, changed.changed()).await;
        return answer();
    }
    Ok(first)
}

async fn renew(
    State(state): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(report): Json<Report>,
) -> Result<Json<Renewal>, StatusCode> {
    allowed(&headers)?;
    let mut inner = state.inner.lock();
    if !inner.up {
        return Err(StatusCode::SERVICE_UNAVAILABLE);
    }
    let position = inner.position();
    let lease_ms = (inner.grants && report.applied >= position).then_some(LEASE_MS);
    inner.members.insert(id, report);
    Ok(Json(Renewal { v: VERSION, position, lease_ms }))
}

async fn leave(State(state): State<Arc<Shared>>, Path(id): Path<String>, headers: HeaderMap) -> StatusCode {
    if allowed(&headers).is_err() {
        return StatusCode::UNAUTHORIZED;
    }
    state.inner.lock().members.remove(&id);
    StatusCode::NO_CONTENT
}
