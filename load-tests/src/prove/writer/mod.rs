//! Who writes: one writer for each entity, so that its versions have an order.
//!
//! Most writes wait for their acknowledgement, some do not. A version is known before it is sent; a reply that is lost, or that
//! says that something failed, leaves it open whether the version comes into being.

mod admin;
mod sql;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use reqwest::Method;
use serde_json::json;
use tokio::task::JoinSet;

pub(super) use self::admin::{Admin, Answered};
use self::sql::Typed;
use super::cast::{Cast, How, mark};
use super::history::{History, Reply, is_absence};
use super::setup::{PUBLISHED, product};
use super::tally::Tally;
use crate::stack::S3Bucket;

/// Of a hundred writes, those that do not wait.
const NOT_WAITING: u32 = 15;
/// After a write that failed.
const PAUSE: Duration = Duration::from_millis(300);

/// What writers share.
pub(super) struct Writing {
    pub(super) cast: Cast,
    pub(super) history: Arc<History>,
    pub(super) tally: Arc<Tally>,
    pub(super) admin: Admin,
    pub(super) bucket: S3Bucket,
    pub(super) database_url: String,
    /// Whether SQL typed into the database purges: its triggers are there.
    pub(super) triggers: bool,
    /// Between two writes of an entity, on average.
    pub(super) every: Duration,
    /// While it is set nothing new is written.
    pub(super) rest: AtomicBool,
    /// What refused a write in a way that a run should not meet.
    pub(super) refused: Mutex<Vec<String>>,
}

/// Starts all writers; they end when the set is dropped.
pub(super) fn start(writing: &Arc<Writing>, seed: u64) -> JoinSet<()> {
    let mut writers = JoinSet::new();
    for entity in 0..writing.cast.entities.len() {
        let writer = Writer {
            entity,
            random: StdRng::seed_from_u64(seed.wrapping_mul(31).wrapping_add(entity as u64)),
            typed: Typed::new(writing.database_url.clone()),
            product: None,
            writing: writing.clone(),
        };
        if writing.triggers || !matches!(writing.cast.entities[entity], How::Sql { .. }) {
            writers.spawn(writer.run());
        }
    }
    writers
}

struct Writer {
    entity: usize,
    random: StdRng,
    typed: Typed,
    /// The product that stands under the handle, where it is known.
    product: Option<String>,
    writing: Arc<Writing>,
}

impl Writer {
    async fn run(mut self) {
        loop {
            let every = self.writing.every.as_secs_f64();
            tokio::time::sleep(Duration::from_secs_f64(every * self.random.random_range(0.3..1.7))).await;
            if self.writing.rest.load(Ordering::Relaxed) {
                continue;
            }
            let version = self.writing.history.send(self.entity);
            let wait = self.random.random_range(0..100) >= NOT_WAITING;
            let reply = self.write(version, wait).await;
            self.writing.history.replied(self.entity, version, reply);
            self.writing.tally.wrote(reply);
            if reply == Reply::Unknown {
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    async fn write(&mut self, version: u64, wait: bool) -> Reply {
        let how = self.writing.cast.entities[self.entity].clone();
        let title = mark(self.entity, version);
        match how {
            How::Title { product } => {
                self.post(&format!("/admin/products/{product}"), &json!({ "title": title }), wait).await
            }
            How::Variant { product, variant } => {
                self.post(&format!("/admin/products/{product}/variants/{variant}"), &json!({ "title": title }), wait)
                    .await
            }
            How::Price { product, variant } => {
                let prices = json!([{ "currency_code": "usd", "amount": version }, { "currency_code": "eur", "amount": version }]);
                self.post(&format!("/admin/products/{product}/variants/{variant}"), &json!({ "prices": prices }), wait)
                    .await
            }
            How::Category { id } => {
                self.post(&format!("/admin/product-categories/{id}"), &json!({ "name": title }), wait).await
            }
            How::Collection { id } => {
                self.post(&format!("/admin/collections/{id}"), &json!({ "title": title }), wait).await
            }
            How::Status { product } => {
                let status = if is_absence(version) { "draft" } else { PUBLISHED };
                let body = json!({ "status": status, "title": title });
                self.post(&format!("/admin/products/{product}"), &body, wait).await
            }
            How::Handle { handle } => self.come_or_go(&handle, version, wait).await,
            How::Sql { product } => {
                if !self.typed.rename(&product, &title).await {
                    return Reply::Unknown;
                }
                self.await_committed(wait).await
            }
            How::ComingFile { key } if is_absence(version) => {
                self.send(Method::DELETE, &format!("/admin/uploads/{key}"), None, wait).await.reply()
            }
            How::File { key } | How::ComingFile { key } => self.replace(&key, title, wait).await,
        }
    }

    async fn post(&mut self, path: &str, body: &serde_json::Value, wait: bool) -> Reply {
        self.send(Method::POST, path, Some(body), wait).await.reply()
    }

    async fn send(&mut self, method: Method, path: &str, body: Option<&serde_json::Value>, wait: bool) -> Answered {
        let way = self.random.random_range(0..self.writing.admin.ways());
        let answered = self.writing.admin.send(way, method, path, body, wait).await;
        if let Answered::Refused(words) = &answered {
            self.writing.refused.lock().push(words.clone());
        }
        answered
    }

    /// A new file under the old name, and its purge typed into the database.
    async fn replace(&mut self, key: &str, content: String, wait: bool) -> Reply {
        if self.writing.bucket.put(key, content.into_bytes()).await.is_err() {
            return Reply::Unknown;
        }
        if !self.typed.purge_file(key).await {
            return Reply::Unknown;
        }
        self.await_committed(wait).await
    }

    /// What was typed is acknowledged when a write that changes nothing is: it waits for all that was committed before.
    async fn await_committed(&mut self, wait: bool) -> Reply {
        if !wait {
            return Reply::Committed;
        }
        let path = format!("/admin/products/{}", self.writing.cast.still);
        match self.send(Method::POST, &path, Some(&json!({ "status": PUBLISHED })), true).await.reply() {
            Reply::Acked => Reply::Acked,
            Reply::Committed | Reply::Unknown => Reply::Committed,
        }
    }

    /// Makes a product under the handle, or deletes the one that is there.
    async fn come_or_go(&mut self, handle: &str, version: u64, wait: bool) -> Reply {
        let found = match self.product.take() {
            Some(product) => Some(product),
            None => match self.writing.admin.find(handle).await {
                Some(found) => found,
                None => return Reply::Unknown,
            },
        };
        if let Some(product) = found {
            let path = format!("/admin/products/{product}");
            let deleted = self.send(Method::DELETE, &path, None, wait).await.reply();
            if is_absence(version) || deleted == Reply::Unknown {
                return deleted;
            }
        } else if is_absence(version) {
            return self.await_committed(wait).await;
        }
        let body = product(handle, &mark(self.entity, version), &self.writing.cast.place);
        let made = self.send(Method::POST, "/admin/products", Some(&body), wait).await;
        self.product = made.body().and_then(|body| body.pointer("/product/id")?.as_str().map(str::to_owned));
        made.reply()
    }
}
