//! Pages of products whose documents come from this process or from Redis where they may, and from Postgres where they must.
//!
//! Which products a page has is known here ([`pages`]) or asked of Postgres in one statement, always where stock is shown. Documents
//! are looked up here, then in Redis at once; those that are missing come with a second statement and are kept. Where caches may not
//! be used, one statement gives all.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;
use tokio::sync::Semaphore;
use vitrine_shared::coherence::Verdict;
use vitrine_shared::epoch::Epoch;
use vitrine_shared::tag::{Tag, TagHash};

use super::document::Stored;
use super::pages::{self, Keys};
use super::rendered::Shape;
use super::store;
use crate::api::reply::Moment;
use crate::circuit::Circuit;
use crate::error::ApiError;
use crate::pricing::VariantPrices;
use crate::query::compile::{Ask, Paging, Prices, Sight, unnamed_relation};
use crate::query::filter::{Filter, Test, Value};
use crate::query::hole::Nonce;
use crate::query::project::{full_product, is_covered, keys_of, project};
use crate::query::{Page, Rendered, RenderedPage, RenderedRow, Row, Selection, fetch as fetch_all, graph, mention};
use crate::replicas;
use crate::state::AppState;

/// Pages being written to Redis at once; further ones are not written.
const WRITERS: usize = 8;
/// Most products of a page that are looked up; larger pages are asked of Postgres alone.
const MAX_LOOKUP: i64 = 200;

/// What the product cache keeps in this process.
#[derive(Debug)]
pub struct ProductCache {
    circuit: Circuit,
    writers: Arc<Semaphore>,
}

// === impl ProductCache ===

impl Default for ProductCache {
    fn default() -> Self {
        Self { circuit: Circuit::default(), writers: Arc::new(Semaphore::new(WRITERS)) }
    }
}

/// A page of a list, with keys and documents of the caches where they serve. Who is in the list, and where, changes only with
/// one of the tags of `membership`.
pub async fn list(
    state: &AppState,
    moment: Moment,
    ask: &Ask<'_>,
    membership: &BTreeSet<Tag>,
) -> Result<RenderedPage, ApiError> {
    if !is_worthwhile(state, moment, ask) {
        return render(read(state, moment, ask).await?, ask);
    }
    let keys_only = Selection::of(ask.selection.entity());
    let keys_only = Ask { selection: &keys_only, prices: Prices::None, ..*ask };
    // Stock is told beside the keys and changes more often than they do.
    let name = ask.stock_channel.is_none().then(|| pages::name(&keys_only)).flatten();
    let known = name.as_deref().and_then(|name| state.caches.pages.get(name, &state.live));
    state.metrics.cache.pages.with_label_values(&[if known.is_some() { "hit" } else { "miss" }]).inc();
    if let Some(keys) = known {
        let rows = keys.keys.iter().map(|key| (key.clone(), None)).collect();
        return with_documents(state, moment, ask, keys.total, rows).await;
    }
    let page = read(state, moment, &keys_only).await?;
    if let Some(name) = name {
        let keys: Vec<String> = page.rows.iter().map(|row| row.key.clone()).collect();
        let tags = membership.iter().cloned().chain(keys.iter().map(|key| Tag::product(key))).collect();
        let keys = Arc::new(Keys { total: page.total, keys });
        state.caches.pages.put(name, keys, moment.stamp(), &tags);
    }
    let rows = page.rows.into_iter().map(|row| (row.key, row.stock)).collect();
    with_documents(state, moment, ask, page.total, rows).await
}

/// Answers what is asked, with documents of the caches where they serve.
pub async fn fetch(state: &AppState, moment: Moment, ask: &Ask<'_>) -> Result<RenderedPage, ApiError> {
    if !is_worthwhile(state, moment, ask) {
        return render(read(state, moment, ask).await?, ask);
    }
    let keys_only = Selection::of(ask.selection.entity());
    let page = read(state, moment, &Ask { selection: &keys_only, prices: Prices::None, ..*ask }).await?;
    let rows = page.rows.into_iter().map(|row| (row.key, row.stock)).collect();
    with_documents(state, moment, ask, page.total, rows).await
}

fn render(page: Page, ask: &Ask<'_>) -> Result<RenderedPage, ApiError> {
    RenderedPage::read(page, ask.selection, ask.nonce).map_err(|error| ApiError::unknown(&error))
}

/// A page of these rows: keys with their stock. What was deleted between the statements is not shown, as if the second had been
/// the first.
async fn with_documents(
    state: &AppState,
    moment: Moment,
    ask: &Ask<'_>,
    total: i64,
    rows: Vec<(String, Option<String>)>,
) -> Result<RenderedPage, ApiError> {
    let shape = Shape::of(ask);
    let local = &state.caches.rendered;
    let mut found: HashMap<&str, Arc<Rendered>> = HashMap::with_capacity(rows.len());
    let mut missing: Vec<&str> = Vec::new();
    for (key, _) in &rows {
        match local.get(shape, key, &state.live) {
            Some(rendered) => drop(found.insert(key, rendered)),
            None => missing.push(key),
        }
    }
    state.metrics.cache.lookups.with_label_values(&["local"]).inc_by(u64::try_from(found.len()).unwrap_or(0));
    if !missing.is_empty() {
        let mut read = look_up(state, ask, &missing).await;
        let unknown: Vec<&str> = missing.iter().copied().filter(|key| !read.contains_key(*key)).collect();
        if !unknown.is_empty() {
            read.extend(read_and_keep(state, moment, ask, &unknown).await?);
        }
        for key in missing {
            let Some(Read { row, stamp, tags }) = read.remove(key) else { continue };
            let rendered = Rendered::read(row, ask.selection, ask.nonce).map_err(|error| ApiError::unknown(&error))?;
            let rendered = Arc::new(rendered);
            local.put(shape, key, rendered.clone(), stamp, tags);
            found.insert(key, rendered);
        }
    }
    let rendered: Vec<Option<Arc<Rendered>>> = rows.iter().map(|(key, _)| found.get(key.as_str()).cloned()).collect();
    let rows = rows
        .into_iter()
        .zip(rendered)
        .filter_map(|((key, stock), rendered)| rendered.map(|rendered| RenderedRow { key, rendered, stock }));
    Ok(RenderedPage { total, rows: rows.collect() })
}

/// A document that was read from Redis or Postgres.
struct Read {
    row: Row,
    stamp: Epoch,
    tags: Vec<TagHash>,
}

/// Asks a replica or the primary.
async fn read(state: &AppState, moment: Moment, ask: &Ask<'_>) -> Result<Page, sqlx::Error> {
    replicas::read(state, moment.least_of_replicas(), |pool| async move { fetch_all(&pool, ask).await }).await
}

/// Whether documents of the cache may be used here, and are likely to be cheaper.
fn is_worthwhile(state: &AppState, moment: Moment, ask: &Ask<'_>) -> bool {
    state.config.cache.enabled
        && moment.allows_caches()
        && ask.paging.limit <= MAX_LOOKUP
        && ask.selection.children().next().is_some()
        && is_covered(ask.selection)
}

/// Rows whose documents are in the cache and true.
async fn look_up(state: &AppState, ask: &Ask<'_>, keys: &[&str]) -> HashMap<String, Read> {
    let redis = state.redis.as_ref().filter(|_| state.caches.products.circuit.is_closed());
    let Some(redis) = redis else {
        return HashMap::new();
    };
    let names: Vec<String> = keys.iter().map(|key| name(key)).collect();
    let values = match store::read(redis, &names, limit(state)).await {
        Ok(values) => values,
        Err(error) => {
            failed(state, &error);
            return HashMap::new();
        }
    };
    let mut rows = HashMap::new();
    for (key, value) in keys.iter().zip(values) {
        let outcome = match value.as_deref().and_then(Stored::read) {
            None => "miss",
            Some((stamp, stored)) if state.live.verdict(stamp, &stored.tags) != Verdict::Servable => "purged",
            Some((stamp, stored)) => match row(key, stored.document, stored.prices, ask) {
                Ok(row) => {
                    rows.insert((*key).to_owned(), Read { row, stamp, tags: stored.tags });
                    "hit"
                }
                Err(_) => "miss",
            },
        };
        state.metrics.cache.lookups.with_label_values(&[outcome]).inc();
    }
    rows
}

/// Reads full documents, keeps them, and makes rows of them.
async fn read_and_keep(
    state: &AppState,
    moment: Moment,
    ask: &Ask<'_>,
    keys: &[&str],
) -> Result<HashMap<String, Read>, ApiError> {
    let selection = full_product();
    let (_, column) = graph::PRODUCT.column("id").ok_or_else(|| ApiError::unknown(&"products have no id"))?;
    let among = Test::In(keys.iter().map(|key| Value::Text((*key).to_owned())).collect());
    // The whole document, hidden categories too: who sees what is decided when it is projected.
    let full = Ask {
        selection: &selection,
        filter: &Filter::Column(column, among),
        order: &[],
        paging: Paging { limit: MAX_LOOKUP, offset: 0 },
        sight: &Sight::Everything,
        counted: false,
        prices: Prices::All,
        stock_channel: None,
        nonce: &Nonce::new(),
    };
    let page = read(state, moment, &full).await?;
    let mut rows = HashMap::new();
    let mut kept = Vec::new();
    for full in page.rows {
        let broken = |error: serde_json::Error| ApiError::unknown(&error);
        let document: &RawValue = serde_json::from_str(&full.document).map_err(broken)?;
        let prices = full.prices.as_deref().unwrap_or("[]");
        let tags = tags_of(&full, prices, &selection).map_err(broken)?;
        let prices: &RawValue = serde_json::from_str(prices).map_err(broken)?;
        let tags: Vec<TagHash> = tags.iter().map(Tag::hash).collect();
        let stored = Stored::new(tags.clone(), document, prices);
        kept.push((name(&full.key), stored.write(moment.stamp()).map_err(broken)?));
        let row = row(&full.key, document, prices, ask).map_err(broken)?;
        rows.insert(full.key.clone(), Read { row, stamp: moment.stamp(), tags });
    }
    keep(state, moment, kept);
    Ok(rows)
}

/// Writes in the background, so that nobody waits for it.
fn keep(state: &AppState, moment: Moment, values: Vec<(String, Vec<u8>)>) {
    if state.redis.is_none() || !state.caches.products.circuit.is_closed() {
        return;
    }
    let Ok(permit) = state.caches.products.writers.clone().try_acquire_owned() else {
        state.metrics.cache.writes_dropped.inc_by(u64::try_from(values.len()).unwrap_or(0));
        return;
    };
    let state = state.clone();
    tokio::spawn(async move {
        let _permit = permit;
        let life = Duration::from_secs(state.config.cache.ttl_s);
        let Some(redis) = &state.redis else {
            return;
        };
        if let Err(error) = store::write(redis, moment.stamp(), life, &values, limit(&state)).await {
            failed(&state, &error);
        }
    });
}

/// The tags of a full document: what it shows, and the price lists among its prices.
fn tags_of(row: &Row, prices: &str, selection: &Selection) -> Result<BTreeSet<Tag>, serde_json::Error> {
    let mut tags = BTreeSet::from([Tag::product(&row.key)]);
    mention::collect(&row.document, selection, &mut tags)?;
    let variants: Vec<VariantPrices> = serde_json::from_str(prices)?;
    let lists = variants.iter().flat_map(|variant| &variant.prices).filter_map(|price| price.list.as_ref());
    tags.extend(lists.map(|list| Tag::price_list(&list.id)));
    Ok(tags)
}

/// What is asked, of a full document.
fn row(key: &str, full: &RawValue, prices: &RawValue, ask: &Ask<'_>) -> Result<Row, serde_json::Error> {
    let mut text = Vec::with_capacity(full.get().len());
    project(full, ask.selection, ask.sight, ask.nonce, &mut text)?;
    let document = String::from_utf8(text).map_err(serde::de::Error::custom)?;
    let prices = (ask.prices != Prices::None).then(|| prices.get().to_owned());
    let unnamed = unnamed_relation(ask.selection).map(|relation| keys_of(full, relation)).transpose()?;
    Ok(Row { key: key.to_owned(), document, prices, stock: None, totals: None, unnamed: unnamed.unwrap_or_default() })
}

fn failed(state: &AppState, error: &store::StoreError) {
    tracing::debug!(%error, "read cache");
    state.metrics.cache.errors.inc();
    state.caches.products.circuit.open(store::PAUSE);
}

fn limit(state: &AppState) -> Duration {
    Duration::from_millis(state.config.cache.timeout_ms)
}

fn name(key: &str) -> String {
    format!("vitrine:read:product:{key}")
}
