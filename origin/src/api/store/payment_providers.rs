//! `/store/payment-providers`: how a region can be paid in.

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::middleware::from_fn;
use axum::response::Response;
use axum::routing::get;
use serde_json::json;

use super::caller::Caller;
use super::own::private;
use super::params::{self, Common, Form, Meaning, Param};
use crate::api::middleware::no_store;
use crate::api::openapi::{Answer, Guard, Operation, Query};
use crate::error::ApiError;
use crate::query::graph::PAYMENT_PROVIDER;
use crate::state::AppState;

/// The default of `limit`.
const LIMIT: i64 = 20;
const PARAMS: &[Param] = &[Param { name: "region_id", form: Form::Text, meaning: Meaning::Context, tag: None }];

/// Its route.
pub(super) fn router() -> Router<AppState> {
    Router::new().route("/payment-providers", get(list)).layer(from_fn(no_store))
}

/// Its route, for `OpenAPI`.
pub(super) fn operation() -> Operation {
    Operation {
        method: "GET",
        path: "/store/payment-providers".to_owned(),
        guard: Guard::Storefront,
        query: Query::List(PARAMS, LIMIT),
        body: None,
        answer: Answer::List("payment_providers", &PAYMENT_PROVIDER),
        refusals: &[400],
    }
}

async fn list(State(state): State<AppState>, _: Caller, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let common = Common { limit: Some(LIMIT), logic: false };
    let input = params::read(query.as_deref().unwrap_or_default(), &PAYMENT_PROVIDER, PARAMS, common)?;
    let region = input
        .context("region_id")
        .ok_or_else(|| ApiError::invalid_data("Invalid request: Field 'region_id' is required"))?;
    if region.is_empty() {
        return Err(ApiError::not_allowed("You must provide the region_id to list payment providers"));
    }
    let ids: Vec<String> = sqlx::query_scalar(
        "SELECT payment_provider_id FROM region_payment_provider WHERE region_id = $1 ORDER BY payment_provider_id",
    )
    .bind(region)
    .fetch_all(&state.pool)
    .await?;
    let part = |number: i64| usize::try_from(number).unwrap_or(usize::MAX);
    let shown: Vec<_> = ids
        .iter()
        .skip(part(input.offset))
        .take(part(input.limit))
        .map(|id| json!({ "id": id, "is_enabled": true }))
        .collect();
    let body = json!({
        "payment_providers": shown, "count": ids.len(), "offset": input.offset, "limit": input.limit,
    });
    Ok(private(body.to_string()))
}
