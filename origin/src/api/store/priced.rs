//! Prices and stock of the variants that an answer shows.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::Value;
use vitrine_shared::clock::unix_millis;
use vitrine_shared::tag::Tag;

use super::caller::Caller;
use super::params::Input;
use crate::api::auth::Customer;
use crate::error::ApiError;
use crate::modules::customer::group;
use crate::pricing::{Context, VariantPrices, calculate, next_boundary, tax, write_price};
use crate::query::RenderedRow;
use crate::query::market::{self, Market, Place};
use crate::replicas;
use crate::state::AppState;

/// For whom prices are worked out.
#[derive(Debug)]
pub struct Pricing {
    market: Arc<Market>,
    context: Context,
}

/// What filling holes found out.
#[derive(Debug, Default)]
pub struct Found {
    /// Price lists and stock that were looked at.
    pub tags: BTreeSet<Tag>,
    /// When the next of the price lists begins or ends, in Unix milliseconds.
    pub boundary: Option<i64>,
}

// === impl Pricing ===

impl Pricing {
    /// The pricing of the place that the request names, or of the store's default region, for whoever is signed in: a
    /// customer's groups are asked for each time, so that a change of them shows in the next answer.
    pub async fn find(
        state: &AppState,
        caller: &Caller,
        customer: Option<&Customer>,
        input: &Input,
    ) -> Result<Self, ApiError> {
        let place = Place {
            region_id: input.context("region_id").filter(|id| !id.is_empty()),
            country_code: input.context("country_code").filter(|code| !code.is_empty()),
            province: input.context("province").filter(|code| !code.is_empty()),
        };
        let market = find_market(state, caller, place).await?;
        let market = market.ok_or_else(|| match place.region_id {
            Some(id) => {
                ApiError::invalid_data(format!("Region with id {id} not found when populating the pricing context"))
            }
            None => ApiError::invalid_data("Missing required pricing context to calculate prices - region_id"),
        })?;
        let customer_groups = match customer {
            Some(customer) => group::of_customer(&state.pool, &customer.id).await?,
            None => Vec::new(),
        };
        let context = Context {
            currency_code: market.currency_code.clone(),
            region_id: Some(market.region_id.clone()),
            customer_groups,
            quantity: None,
            now: i64::try_from(unix_millis()).unwrap_or(i64::MAX),
            preferences: market.preferences.clone(),
        };
        Ok(Self { market, context })
    }

    /// The currency of its prices.
    pub fn currency(&self) -> &str {
        &self.market.currency_code
    }

    /// The tags of whatever shows its prices.
    pub fn tags(&self) -> Vec<Tag> {
        market_tags(&self.market)
    }

    fn write(&self, variant: &VariantPrices, out: &mut Vec<u8>) {
        let Some(price) = calculate(&variant.prices, &self.context) else {
            out.extend_from_slice(b"null");
            return;
        };
        let rates = self.market.rates.as_ref().filter(|_| self.market.automatic_taxes);
        let taxes = rates.map(|rates| {
            let percent = rates.total(&variant.product, variant.product_type.as_deref());
            let original = price.original.map(|it| tax(it.amount, percent, price.original_tax_inclusive));
            (tax(price.calculated.amount, percent, price.calculated_tax_inclusive), original)
        });
        write_price(&variant.set, &price, taxes, out);
    }
}

/// Appends a row's document, its holes filled.
pub fn fill(
    row: &RenderedRow,
    pricing: Option<&Pricing>,
    found: &mut Found,
    out: &mut Vec<u8>,
) -> Result<(), ApiError> {
    let stock: Option<HashMap<String, Value>> =
        row.stock.as_deref().map(serde_json::from_str).transpose().map_err(|error| ApiError::unknown(&error))?;
    let stock = stock.unwrap_or_default();
    let prices = &row.rendered.prices;
    if let Some(pricing) = pricing {
        let candidates = || prices.iter().flat_map(|variant| &variant.prices);
        let lists = candidates().filter_map(|price| price.list.as_ref());
        found.tags.extend(lists.map(|list| Tag::price_list(&list.id)));
        found.boundary = [found.boundary, next_boundary(candidates(), pricing.context.now)].into_iter().flatten().min();
    }
    found.tags.extend(stock.keys().map(|variant| Tag::stock(variant)));
    row.rendered.document.fill(out, |key, out| {
        if let Some(pricing) = pricing {
            out.extend_from_slice(b"\"calculated_price\":");
            // A product has few variants, and their order is often the same.
            match prices.iter().find(|variant| variant.variant == key) {
                Some(variant) => pricing.write(variant, out),
                None => out.extend_from_slice(b"null"),
            }
        }
        if let Some(quantity) = stock.get(key) {
            let comma = if pricing.is_some() { "," } else { "" };
            out.extend_from_slice(format!("{comma}\"inventory_quantity\":{quantity}").as_bytes());
        }
    });
    Ok(())
}

async fn find_market(state: &AppState, caller: &Caller, place: Place<'_>) -> Result<Option<Arc<Market>>, ApiError> {
    let key = serde_json::json!([place.region_id, place.country_code, place.province]).to_string();
    if caller.moment.allows_caches()
        && let Some(market) = state.caches.markets.get(&key, &state.live)
    {
        return Ok(Some(market));
    }
    let least = caller.moment.least_of_replicas();
    let asked = replicas::read(state, least, |pool| async move { market::find(&pool, place).await });
    let found = asked.await.map_err(|error| match error {
        market::MarketError::Database(error) => ApiError::from(error),
        error @ market::MarketError::Json(_) => ApiError::unknown(&error),
    })?;
    let Some(market) = found.map(Arc::new) else {
        return Ok(None);
    };
    state.caches.markets.put(&key, market.clone(), caller.moment.stamp(), market_tags(&market));
    Ok(Some(market))
}

/// A region's own, and the small sets that have no finer tag.
fn market_tags(market: &Market) -> Vec<Tag> {
    vec![Tag::region(&market.region_id), Tag::all("price-preferences"), Tag::all("tax-rates"), Tag::all("stores")]
}
