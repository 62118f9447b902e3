//! Medusa's Store API.

pub mod answer;
pub mod caller;
mod carts;
pub(in crate::api) mod customers;
mod locales;
mod operations;
pub(in crate::api) mod operators;
mod own;
pub mod params;
mod payment_providers;
pub mod priced;
pub mod routes;
mod shipping_options;
mod shown;
pub mod tree;

pub use caller::{Caller, KEY_HEADER};
pub(super) use operations::operations;

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::routing::{MethodRouter, get};
use http::HeaderMap;

use crate::api::auth::{Customer, MaybeCustomer};
use crate::error::ApiError;
use crate::state::AppState;
use answer::Request;
use routes::Route;

/// Routes under `/store`.
pub fn router() -> Router<AppState> {
    let others = Router::new()
        .merge(customers::router())
        .merge(carts::router())
        .merge(shipping_options::router())
        .merge(payment_providers::router())
        .route("/locales", get(locales::absent));
    lists().into_iter().fold(others, |router, (name, route)| {
        router.route(&format!("/{name}"), list(route)).route(&format!("/{name}/{{key}}"), retrieve(route))
    })
}

/// Lists of the catalogue, each with its retrievals, by the name of their path.
fn lists() -> [(&'static str, &'static Route); 10] {
    [
        ("products", &routes::PRODUCTS),
        ("product-variants", &routes::VARIANTS),
        ("product-categories", &routes::CATEGORIES),
        ("collections", &routes::COLLECTIONS),
        ("product-tags", &routes::TAGS),
        ("product-types", &routes::TYPES),
        ("product-options", &routes::OPTIONS),
        ("regions", &routes::REGIONS),
        ("currencies", &routes::CURRENCIES),
        ("return-reasons", &routes::RETURN_REASONS),
    ]
}

/// Who is signed in, as far as it is known: while sessions cannot be looked up, the catalogue is still shown, as to anybody.
/// Edges pass what carries a session, and keep nothing of it.
fn known(customer: Result<MaybeCustomer, ApiError>) -> Option<Customer> {
    customer.ok().and_then(|customer| customer.0)
}

fn list(route: &'static Route) -> MethodRouter<AppState> {
    get(
        async move |State(state): State<AppState>,
                    caller: Caller,
                    customer: Result<MaybeCustomer, ApiError>,
                    headers: HeaderMap,
                    RawQuery(query): RawQuery| {
            let request = Request { caller, customer: known(customer), headers, query: query.unwrap_or_default() };
            answer::list(&state, route, request).await
        },
    )
}

fn retrieve(route: &'static Route) -> MethodRouter<AppState> {
    get(
        async move |State(state): State<AppState>,
                    caller: Caller,
                    customer: Result<MaybeCustomer, ApiError>,
                    Path(key): Path<String>,
                    headers: HeaderMap,
                    RawQuery(query): RawQuery| {
            let request = Request { caller, customer: known(customer), headers, query: query.unwrap_or_default() };
            answer::retrieve(&state, route, &key, request).await
        },
    )
}
