//! Asks Postgres.

use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row as _};

use vitrine_shared::epoch::Epoch;

use super::compile::{Ask, Bound, compile};
use crate::outbox::epoch;
use crate::replicas::Shown;

/// What a statement gave.
#[derive(Debug, Default)]
pub struct Page {
    /// How many there are in all; 0 where it was not counted.
    pub total: i64,
    /// This page's.
    pub rows: Vec<Row>,
}

/// An entity of a page.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its key.
    pub key: String,
    /// Its document: JSON, perhaps with holes.
    pub document: String,
    /// Candidate prices: JSON for [`crate::pricing::VariantPrices`].
    pub prices: Option<String>,
    /// Quantities by variant: a JSON object.
    pub stock: Option<String>,
    /// What totals are worked out from: JSON for [`crate::totals::Cart`].
    pub totals: Option<String>,
    /// Keys of what it shows without its key.
    pub unnamed: Vec<String>,
}

/// Runs one statement.
pub async fn fetch(pool: &PgPool, ask: &Ask<'_>) -> Result<Shown<Page>, sqlx::Error> {
    let statement = compile(ask);
    let mut query = sqlx::query(sqlx::AssertSqlSafe(statement.sql)).persistent(statement.lasting);
    for value in statement.values {
        query = match value {
            Bound::Text(value) => query.bind(value),
            Bound::Integer(value) => query.bind(value),
            Bound::Texts(value) => query.bind(value),
            Bound::Booleans(value) => query.bind(value),
            Bound::Numbers(value) => query.bind(value),
            Bound::Times(value) => query.bind(value),
        };
    }
    let rows = query.fetch_all(pool).await?;
    let mut page = Page::default();
    let mut shown = Epoch::ZERO;
    for row in &rows {
        shown = epoch(row.try_get("shown_term")?, row.try_get("shown_seq")?);
        page.total = row.try_get::<Option<i64>, _>("total")?.unwrap_or(0);
        page.rows.extend(read(row)?);
    }
    Ok((shown, page))
}

fn read(row: &PgRow) -> Result<Option<Row>, sqlx::Error> {
    let (Some(key), Some(document)) = (row.try_get("key")?, row.try_get("document")?) else {
        return Ok(None);
    };
    Ok(Some(Row {
        key,
        document,
        prices: row.try_get("prices")?,
        stock: row.try_get("stock")?,
        totals: row.try_get("totals")?,
        unnamed: row.try_get::<Option<Vec<String>>, _>("unnamed")?.unwrap_or_default(),
    }))
}
