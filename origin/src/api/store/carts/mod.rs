//! `/store/carts`: one visitor's, so nothing of it is kept by anybody.

mod answer;
mod input;
mod operations;
mod shown;

use axum::extract::{Path, RawQuery, State};
use axum::middleware::from_fn;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;
use serde_json::json;

use super::caller::Caller;
use super::own::private;
use crate::api::auth::{Customer, MaybeCustomer};
use crate::api::body::{JsonBodies, JsonBody};
use crate::api::middleware::no_store;
use crate::cart::Codes;
use crate::error::ApiError;
use crate::state::AppState;
use crate::workflows::cart::{self, NewCart, Shop};
use answer::{choose, document};

pub(super) use operations::operations;

/// Its routes.
pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/carts", post(create))
        .route("/carts/{id}", get(retrieve).post(update))
        .route("/carts/{id}/line-items", post(add_item))
        .route("/carts/{id}/line-items/{line}", post(update_item).delete(delete_item))
        .route("/carts/{id}/shipping-methods", post(add_shipping_methods))
        .route("/carts/{id}/taxes", post(calculate_taxes))
        .route("/carts/{id}/customer", post(transfer))
        .route("/carts/{id}/promotions", post(add_promotions).delete(remove_promotions))
        .layer(from_fn(no_store))
}

fn shop(state: &AppState) -> Shop<'_> {
    Shop { pool: &state.pool, config: &state.config.carts }
}

async fn answer(state: &AppState, chosen: &answer::Chosen, id: &str) -> Result<Response, ApiError> {
    Ok(private(format!("{{\"cart\":{}}}", document(state, chosen, id).await?)))
}

async fn retrieve(
    State(state): State<AppState>,
    _: Caller,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    answer(&state, &choose(query.as_deref())?, &id).await
}

async fn create(
    State(state): State<AppState>,
    caller: Caller,
    MaybeCustomer(customer): MaybeCustomer,
    RawQuery(query): RawQuery,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let mut given = input::new_cart(&body)?;
    let chosen = choose(query.as_deref())?;
    if let Err(error) = set_channel(&mut given, &caller.key.channels) {
        let message = "Provided request body contains errors. Please check the data and retry the request";
        return Ok((StatusCode::BAD_REQUEST, Json(json!({ "errors": [error], "message": message }))).into_response());
    }
    given.customer_id = customer.map(|customer| customer.id);
    let id = cart::create(shop(&state), given).await?;
    answer(&state, &chosen, &id).await
}

/// A cart is sold in one of the key's channels (`ensurePublishableKeyAndSalesChannelMatch`).
fn set_channel(given: &mut NewCart, channels: &[String]) -> Result<(), String> {
    match (&given.sales_channel_id, channels) {
        (_, []) => {}
        (Some(channel), channels) if !channels.contains(channel) => {
            return Err(format!(
                "Sales channel ID in payload {channel} is not associated with the Publishable API Key in the header."
            ));
        }
        (Some(_), _) => {}
        (None, [only]) => given.sales_channel_id = Some(only.clone()),
        (None, _) => {
            return Err("Cannot assign sales channel to cart. The Publishable API Key in the header has multiple \
                        associated sales channels. Please provide a sales channel ID in the request body."
                .to_owned());
        }
    }
    Ok(())
}

async fn update(
    State(state): State<AppState>,
    _: Caller,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let patch = input::cart_patch(&body)?;
    let chosen = choose(query.as_deref())?;
    cart::update(shop(&state), &id, patch).await?;
    answer(&state, &chosen, &id).await
}

async fn add_item(
    State(state): State<AppState>,
    _: Caller,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let item = input::new_item(&body)?;
    let chosen = choose(query.as_deref())?;
    cart::add_item(shop(&state), &id, item).await?;
    answer(&state, &chosen, &id).await
}

async fn update_item(
    State(state): State<AppState>,
    _: Caller,
    Path((id, line)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let (quantity, metadata) = input::item_patch(&body)?;
    let chosen = choose(query.as_deref())?;
    cart::update_item(shop(&state), &id, &line, quantity, metadata).await?;
    answer(&state, &chosen, &id).await
}

async fn delete_item(
    State(state): State<AppState>,
    _: Caller,
    Path((id, line)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let chosen = choose(query.as_deref())?;
    cart::delete_item(shop(&state), &id, &line).await?;
    let parent = document(&state, &chosen, &id).await?;
    let line = serde_json::Value::String(line);
    Ok(private(format!("{{\"id\":{line},\"object\":\"line-item\",\"deleted\":true,\"parent\":{parent}}}")))
}

async fn add_shipping_methods(
    State(state): State<AppState>,
    _: Caller,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    JsonBodies(bodies): JsonBodies,
) -> Result<Response, ApiError> {
    let given = input::shipping_methods(&bodies)?;
    let chosen = choose(query.as_deref())?;
    cart::add_shipping_methods(shop(&state), &id, &given).await?;
    answer(&state, &chosen, &id).await
}

async fn calculate_taxes(
    State(state): State<AppState>,
    _: Caller,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    input::taxes(&body)?;
    let chosen = choose(query.as_deref())?;
    cart::calculate_taxes(shop(&state), &id).await?;
    answer(&state, &chosen, &id).await
}

async fn transfer(
    State(state): State<AppState>,
    _: Caller,
    customer: Customer,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    input::nothing(&body)?;
    let chosen = choose(query.as_deref())?;
    cart::transfer(shop(&state), &id, &customer.id).await?;
    answer(&state, &chosen, &id).await
}

async fn add_promotions(
    State(state): State<AppState>,
    _: Caller,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let codes = input::promo_codes(&body)?;
    let chosen = choose(query.as_deref())?;
    // No code at all takes those away that are there.
    let codes = if codes.is_empty() { Codes::These(codes) } else { Codes::Add(codes) };
    cart::set_promotions(shop(&state), &id, codes).await?;
    answer(&state, &chosen, &id).await
}

async fn remove_promotions(
    State(state): State<AppState>,
    _: Caller,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let codes = input::promo_codes(&body)?;
    let chosen = choose(query.as_deref())?;
    cart::set_promotions(shop(&state), &id, Codes::Without(codes)).await?;
    answer(&state, &chosen, &id).await
}
