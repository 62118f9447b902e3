//! Pages of products whose documents come from Redis where they may, and from Postgres where they must.
//!
//! Which products a page has, how many there are and what stock they have is asked of Postgres each time, in one
//! statement. Their documents are looked up at once; those that are missing come with a second statement and are kept.
//! Without Redis, or where caches may not be used, one statement gives all.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;
use tokio::sync::Semaphore;
use vitrine_shared::coherence::Verdict;
use vitrine_shared::tag::Tag;

use super::document::Stored;
use super::store;
use crate::api::reply::Moment;
use crate::circuit::Circuit;
use crate::error::ApiError;
use crate::pricing::VariantPrices;
use crate::query::compile::{Ask, Paging, Prices, Sight, unnamed_relation};
use crate::query::filter::{Filter, Test, Value};
use crate::query::hole::Nonce;
use crate::query::project::{full_product, is_covered, keys_of, project};
use crate::query::{Page, Row, Selection, fetch as fetch_all, graph, mention};
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

/// Answers what is asked, with documents of the cache where they serve.
pub async fn fetch(state: &AppState, moment: Moment, ask: &Ask<'_>) -> Result<Page, ApiError> {
    if !is_worthwhile(state, moment, ask) {
        return Ok(read(state, moment, ask).await?);
    }
    let keys_only = Selection::of(ask.selection.entity());
    let mut page = read(state, moment, &Ask { selection: &keys_only, prices: Prices::None, ..*ask }).await?;
    let keys: Vec<&str> = page.rows.iter().map(|row| row.key.as_str()).collect();
    let mut rows = look_up(state, ask, &keys).await;
    let missing: Vec<&str> = keys.iter().copied().filter(|key| !rows.contains_key(*key)).collect();
    if !missing.is_empty() {
        rows.extend(read_and_keep(state, moment, ask, &missing).await?);
    }
    // What was deleted between the statements is not shown, as if the second had been the first.
    page.rows = page
        .rows
        .into_iter()
        .filter_map(|row| rows.remove(&row.key).map(|full| Row { stock: row.stock, ..full }))
        .collect();
    Ok(page)
}

/// Asks a replica or the primary.
async fn read(state: &AppState, moment: Moment, ask: &Ask<'_>) -> Result<Page, sqlx::Error> {
    replicas::read(state, moment.least_of_replicas(), |pool| async move { fetch_all(&pool, ask).await }).await
}

/// Whether documents of the cache may be used here, and are likely to be cheaper.
fn is_worthwhile(state: &AppState, moment: Moment, ask: &Ask<'_>) -> bool {
    state.config.cache.enabled
        && state.redis.is_some()
        && moment.allows_caches()
        && ask.paging.limit <= MAX_LOOKUP
        && ask.selection.children().next().is_some()
        && is_covered(ask.selection)
        && state.caches.products.circuit.is_closed()
}

/// Rows whose documents are in the cache and true.
async fn look_up(state: &AppState, ask: &Ask<'_>, keys: &[&str]) -> HashMap<String, Row> {
    let (Some(redis), false) = (&state.redis, keys.is_empty()) else {
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
            Some((_, stored)) => match row(key, stored.document, stored.prices, ask) {
                Ok(row) => {
                    rows.insert((*key).to_owned(), row);
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
) -> Result<HashMap<String, Row>, ApiError> {
    let selection = full_product();
    let (_, column) = graph::PRODUCT.column("id").ok_or_else(|| ApiError::unknown(&"products have no id"))?;
    let among = Test::In(keys.iter().map(|key| Value::Text((*key).to_owned())).collect());
    // The whole document, hidden categories too: who sees what is decided when it is projected.
    let full = Ask {
        selection: &selection,
        filter: &Filter::Column(column, among),
        order: &[],
        paging: Paging { limit: i64::try_from(keys.len()).unwrap_or(i64::MAX), offset: 0 },
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
        let stored = Stored::new(tags.iter().map(Tag::hash).collect(), document, prices);
        kept.push((name(&full.key), stored.write(moment.stamp()).map_err(broken)?));
        rows.insert(full.key.clone(), row(&full.key, document, prices, ask).map_err(broken)?);
    }
    keep(state, moment, kept);
    Ok(rows)
}

/// Writes in the background, so that nobody waits for it.
fn keep(state: &AppState, moment: Moment, values: Vec<(String, Vec<u8>)>) {
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
