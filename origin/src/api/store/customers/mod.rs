//! `/store/customers`: the customer who is signed in, and opening an account (`api/store/customers`).
//!
//! All of it is private, but for one answer: who says nothing of themselves at `/store/customers/me` gets the same 401 as
//! everybody, which storefronts ask for at each navigation. It says what it depends on, so that edges may keep it.

mod addresses;
mod input;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use http::{HeaderMap, HeaderValue, header};

use super::caller::Caller;
use super::own::{self, Own};
use super::shown::CUSTOMER_SHOWN;
use crate::api::auth::{Customer, Registrant, are_absent};
use crate::api::body::JsonBody;
use crate::api::input::object::read;
use crate::api::reply::Reply;
use crate::error::{ApiError, ErrorKind};
use crate::query::graph;
use crate::state::AppState;
use crate::workflows::customer;

pub(super) use addresses::ADDRESSES;
pub(in crate::api) use input::{customer_patch, new_customer};

/// Customers, as they see themselves.
pub(super) static CUSTOMERS: Own =
    Own { entity: &graph::CUSTOMER, shown: &CUSTOMER_SHOWN, params: &[], limit: 50, many: "customers" };

/// Its routes.
pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/customers", post(create))
        .route("/customers/me", get(me).post(update))
        .merge(addresses::router())
        .layer(axum::middleware::map_response(private_unless_told))
}

/// Whatever does not say that it may be kept is the customer's own.
async fn private_unless_told(mut response: Response) -> Response {
    if !response.headers().contains_key(vitrine_shared::headers::CACHE_EPOCH) {
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    }
    response
}

async fn create(
    State(state): State<AppState>,
    _: Caller,
    registrant: Registrant,
    RawQuery(query): RawQuery,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let given = read(&body, new_customer)?;
    let chosen = CUSTOMERS.choose(query.as_deref())?;
    if registrant.customer_id.is_some() {
        return Err(ApiError::invalid_data("Request already authenticated as a customer."));
    }
    let done = customer::open_account(&state.outbox, &registrant.auth_identity_id, given).await?;
    shown(&state, &done.value, &chosen).await
}

async fn me(
    State(state): State<AppState>,
    caller: Caller,
    customer: Result<Customer, ApiError>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let customer = match customer {
        Ok(customer) => customer,
        // The same for all who say nothing of themselves, as long as their key is good.
        Err(error) if error.kind() == ErrorKind::Unauthenticated && are_absent(&state, &headers) => {
            let absence = Reply::absence(caller.moment, &error).tagged(caller.tags()).until(caller.key.ends_at);
            return Ok(absence.respond(&headers));
        }
        Err(error) => return Ok(error.into_response()),
    };
    let chosen = CUSTOMERS.choose(query.as_deref())?;
    shown(&state, &customer.id, &chosen).await
}

async fn update(
    State(state): State<AppState>,
    _: Caller,
    signed_in: Customer,
    RawQuery(query): RawQuery,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let patch = read(&body, customer_patch)?;
    let chosen = CUSTOMERS.choose(query.as_deref())?;
    let done = customer::update(&state.outbox, &signed_in.id, patch).await?;
    done.ok_or_else(|| not_found(&signed_in.id))?;
    shown(&state, &signed_in.id, &chosen).await
}

/// Answers with a customer.
pub(super) async fn shown(state: &AppState, id: &str, chosen: &own::Chosen) -> Result<Response, ApiError> {
    let document = document(state, id, chosen).await?;
    Ok(own::private(format!("{{\"customer\":{document}}}")))
}

/// A customer's document.
pub(super) async fn document(state: &AppState, id: &str, chosen: &own::Chosen) -> Result<String, ApiError> {
    let found = CUSTOMERS.find(state, chosen, &own::equals(&graph::CUSTOMER, "id", id)).await?;
    found.ok_or_else(|| not_found(id))
}

fn not_found(id: &str) -> ApiError {
    ApiError::not_found(format!("Customer with id: {id} was not found"))
}
