//! A row as answers show it, read once: its text, where computed values stand in it, what they are worked out from, and
//! what it mentions.

use std::collections::BTreeSet;
use std::sync::Arc;

use vitrine_shared::tag::Tag;

use super::compile::unnamed_relation;
use super::hole::{HoleError, Holed, Nonce};
use super::mention;
use super::run::{Page, Row};
use super::selection::Selection;
use crate::pricing::VariantPrices;

/// A row that was read.
#[derive(Debug)]
pub struct Rendered {
    /// Its JSON, with the places of computed values.
    pub document: Holed,
    /// Candidate prices of its variants, where they came along.
    pub prices: Vec<VariantPrices>,
    /// Tags of what it shows, but for its own, and of what it hides ([`unnamed_relation`]).
    pub mentioned: Vec<Tag>,
}

/// A row of a page.
#[derive(Debug)]
pub struct RenderedRow {
    /// Its key.
    pub key: String,
    /// What it shows.
    pub rendered: Arc<Rendered>,
    /// Quantities by variant: a JSON object.
    pub stock: Option<String>,
}

/// A page whose rows were read.
#[derive(Debug)]
pub struct RenderedPage {
    /// How many there are in all; 0 where it was not counted.
    pub total: i64,
    /// This page's.
    pub rows: Vec<RenderedRow>,
}

/// A row is not what a compiled statement gives.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// Its JSON.
    #[error("a document cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    /// Its places of computed values.
    #[error(transparent)]
    Hole(#[from] HoleError),
}

/// What a price takes in memory with its rules and list, about.
const PRICE_BYTES: usize = 256;

// === impl Rendered ===

impl Rendered {
    /// Reads a row that `selection` gave.
    pub fn read(row: Row, selection: &Selection, nonce: &Nonce) -> Result<Self, RenderError> {
        let mut mentioned = BTreeSet::new();
        mention::collect(&row.document, selection, &mut mentioned)?;
        if let Some(tag) = unnamed_relation(selection).and_then(|relation| relation.target.tag) {
            mentioned.extend(row.unnamed.iter().map(|key| tag(key)));
        }
        let prices = row.prices.as_deref().map(serde_json::from_str).transpose()?.unwrap_or_default();
        Ok(Self { document: nonce.holed(row.document)?, prices, mentioned: mentioned.into_iter().collect() })
    }

    /// What it takes in memory, in bytes, about.
    pub fn weight(&self) -> usize {
        let tags: usize = self.mentioned.iter().map(|tag| tag.as_str().len() + size_of::<Tag>()).sum();
        let prices: usize = self.prices.iter().map(|variant| variant.prices.len() * PRICE_BYTES).sum();
        self.document.text().len() + tags + prices
    }
}

impl RenderedPage {
    /// Reads a page that `selection` gave.
    pub fn read(page: Page, selection: &Selection, nonce: &Nonce) -> Result<Self, RenderError> {
        let read = |mut row: Row| {
            let (key, stock) = (std::mem::take(&mut row.key), row.stock.take());
            Ok(RenderedRow { key, rendered: Arc::new(Rendered::read(row, selection, nonce)?), stock })
        };
        let rows = page.rows.into_iter().map(read).collect::<Result<_, RenderError>>()?;
        Ok(Self { total: page.total, rows })
    }
}
