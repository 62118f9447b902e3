//! What prices of a region depend on besides the prices: its currency, preferences and tax rates, in one statement.

use sqlx::PgPool;

use crate::outbox::epoch;
use crate::pricing::{Preference, TaxRates};
use crate::replicas::Shown;

/// A region as pricing sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Market {
    /// The region.
    pub region_id: String,
    /// Its currency.
    pub currency_code: String,
    /// Whether prices of it are shown with taxes, where the country is known.
    pub automatic_taxes: bool,
    /// What regions and currencies prefer.
    pub preferences: Vec<Preference>,
    /// Rates of the place; none where no country was named.
    pub rates: Option<TaxRates>,
}

/// Where a customer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place<'p> {
    /// The region; none: the store's default.
    pub region_id: Option<&'p str>,
    /// The country, in two letters.
    pub country_code: Option<&'p str>,
    /// The province.
    pub province: Option<&'p str>,
}

const MARKET: &str = "SELECT shown.term, shown.seq, r.id, r.currency_code, r.automatic_taxes, \
    (SELECT coalesce(json_agg(json_build_object('attribute', p.attribute, 'value', p.value, \
     'is_tax_inclusive', p.is_tax_inclusive)), '[]') FROM price_preference p WHERE p.deleted_at IS NULL AND \
     ((p.attribute = 'region_id' AND p.value = r.id) OR (p.attribute = 'currency_code' AND p.value = r.currency_code)))::text, \
    (SELECT coalesce(json_agg(json_build_object('rate', x.rate::text, 'region', g.id, 'parent', g.parent_id, \
     'is_province', g.province_code IS NOT NULL, 'is_default', x.is_default, 'is_combinable', x.is_combinable, \
     'rules', coalesce((SELECT json_agg(json_build_object('reference', u.reference, 'reference_id', u.reference_id)) \
     FROM tax_rate_rule u WHERE u.tax_rate_id = x.id AND u.deleted_at IS NULL), '[]')) ORDER BY x.id), '[]') \
     FROM tax_region g JOIN tax_rate x ON x.tax_region_id = g.id AND x.deleted_at IS NULL \
     WHERE g.deleted_at IS NULL AND g.country_code = $2 AND (g.province_code IS NULL OR g.province_code = $3) \
     AND EXISTS (SELECT 1 FROM tax_region whole WHERE whole.country_code = $2 AND whole.province_code IS NULL \
     AND whole.deleted_at IS NULL))::text \
    FROM feed_position shown LEFT JOIN region r ON r.deleted_at IS NULL \
    AND r.id = coalesce($1, (SELECT s.default_region_id FROM store s WHERE s.deleted_at IS NULL ORDER BY s.id LIMIT 1))";

/// A market could not be read.
#[derive(Debug, thiserror::Error)]
pub enum MarketError {
    /// Postgres failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// What Postgres wrote was not what this version reads.
    #[error("a region's preferences or tax rates cannot be read: {0}")]
    Json(#[from] serde_json::Error),
}

type Row = (i32, i64, Option<String>, Option<String>, Option<bool>, String, String);

/// Reads it; `None` where there is no such region.
pub async fn find(pool: &PgPool, place: Place<'_>) -> Result<Shown<Option<Market>>, MarketError> {
    let country = place.country_code.map(str::to_lowercase);
    let row: Row = sqlx::query_as(MARKET)
        .bind(place.region_id)
        .bind(country.as_deref())
        .bind(place.province.map(str::to_lowercase))
        .fetch_one(pool)
        .await?;
    let (term, seq, region_id, currency_code, automatic_taxes, preferences, rates) = row;
    let shown = epoch(term, seq);
    let (Some(region_id), Some(currency_code), Some(automatic_taxes)) = (region_id, currency_code, automatic_taxes)
    else {
        return Ok((shown, None));
    };
    let market = Market {
        region_id,
        currency_code,
        automatic_taxes,
        preferences: serde_json::from_str(&preferences)?,
        rates: country.map(|_| serde_json::from_str(&rates)).transpose()?,
    };
    Ok((shown, Some(market)))
}
