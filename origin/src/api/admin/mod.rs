//! Medusa's Admin API: its daily part. Each route lets in a merchant with a bearer token ([`crate::api::auth::AdminUser`]).
//!
//! Writes are workflows, and answer with what they changed, read again after the commit; their receipts let a caller wait
//! for the acknowledgement. Reads ask Postgres itself and are never cached.

mod api_keys;
mod categories;
mod collections;
mod customer_groups;
mod customers;
mod input;
mod operations;
mod product_tags;
mod product_types;
mod products;
mod resource;
mod resources;
mod sales_channels;
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

// === impl Deleted ===

impl Deleted {
    fn new(id: String, object: &'static str) -> Self {
        Self { id, object, gone: true }
    }
}
