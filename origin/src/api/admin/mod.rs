//! Medusa's Admin API: its daily part. Each route lets in a merchant with a bearer token ([`crate::api::auth::AdminUser`]).
//!
//! Writes are workflows, and answer with what they changed, read again after the commit; their receipts let a caller wait
//! for the acknowledgement. Reads ask Postgres itself and are never cached.

mod api_keys;
mod campaigns;
mod categories;
mod collections;
mod currencies;
mod customer_groups;
mod customers;
mod fulfillment_sets;
mod input;
mod inventory_items;
mod kept;
mod operations;
mod price_lists;
mod price_preferences;
mod product_tags;
mod product_types;
mod products;
mod promotions;
mod regions;
mod resource;
mod resources;
mod sales_channels;
mod shipping_options;
mod shipping_profiles;
mod stock_locations;
mod stores;
mod tax_rates;
mod tax_regions;
mod uploads;
mod users;
mod variants;

pub(super) use operations::operations;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use http::{HeaderValue, header};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::state::AppState;

/// Routes under `/admin`.
pub fn router(state: &AppState) -> Router<AppState> {
    Router::new()
        .merge(users::router())
        .merge(products::router())
        .merge(variants::router())
        .merge(collections::router())
        .merge(categories::router())
        .merge(product_tags::router())
        .merge(product_types::router())
        .merge(sales_channels::router())
        .merge(customers::router())
        .merge(customer_groups::router())
        .merge(api_keys::router())
        .merge(inventory_items::router())
        .merge(stock_locations::router())
        .merge(fulfillment_sets::router())
        .merge(shipping_profiles::router())
        .merge(shipping_options::router())
        .merge(price_lists::router())
        .merge(price_preferences::router())
        .merge(promotions::router())
        .merge(campaigns::router())
        .merge(regions::router())
        .merge(tax_regions::router())
        .merge(tax_rates::router())
        .merge(stores::router())
        .merge(currencies::router())
        .merge(uploads::router(state))
        .layer(from_fn(no_store))
}

/// What a merchant sees is for nobody else.
async fn no_store(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    response
}

/// Medusa's answer to a deletion.
#[derive(Debug, Serialize)]
struct Deleted {
    id: String,
    object: &'static str,
    #[serde(rename = "deleted")]
    gone: bool,
}

/// Medusa's answer to a batch.
#[derive(Debug, Serialize)]
struct Batched {
    created: Box<RawValue>,
    updated: Box<RawValue>,
    deleted: DeletedMany,
}

/// What a batch deleted.
#[derive(Debug, Serialize)]
struct DeletedMany {
    ids: Vec<String>,
    object: &'static str,
    #[serde(rename = "deleted")]
    gone: bool,
}

// === impl Batched ===

impl Batched {
    fn new(created: Box<RawValue>, updated: Box<RawValue>, deleted: Vec<String>, object: &'static str) -> Self {
        Self { created, updated, deleted: DeletedMany { ids: deleted, object, gone: true } }
    }
}

/// Medusa's answer to the deletion of a part: with what it was a part of.
#[derive(Debug, Serialize)]
struct DeletedPart {
    #[serde(flatten)]
    part: Deleted,
    parent: Box<RawValue>,
}

// === impl DeletedPart ===

impl DeletedPart {
    fn new(id: String, object: &'static str, parent: Box<RawValue>) -> Self {
        Self { part: Deleted::new(id, object), parent }
    }
}

// === impl Deleted ===

impl Deleted {
    fn new(id: String, object: &'static str) -> Self {
        Self { id, object, gone: true }
    }
}
