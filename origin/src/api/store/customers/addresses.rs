//! `/store/customers/me/addresses`.

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use axum::routing::get;

use super::{CUSTOMERS, document, shown};
use crate::api::auth::Customer;
use crate::api::body::JsonBody;
use crate::api::input::address;
use crate::api::input::object::read;
use crate::api::store::caller::Caller;
use crate::api::store::own::{Own, equals, private};
use crate::api::store::params::{Form, Meaning, Param};
use crate::api::store::shown::CUSTOMER_ADDRESS_SHOWN;
use crate::error::ApiError;
use crate::query::{Filter, graph};
use crate::state::AppState;
use crate::workflows::customer_address;

const fn texts(name: &'static str) -> Param {
    Param { name, form: Form::Texts, meaning: Meaning::Column(name), tag: None }
}

/// Addresses of a customer.
pub(in crate::api::store) static ADDRESSES: Own = Own {
    entity: &graph::CUSTOMER_ADDRESS,
    shown: &CUSTOMER_ADDRESS_SHOWN,
    params: &[
        Param { name: "q", form: Form::Text, meaning: Meaning::Search, tag: None },
        texts("city"),
        texts("country_code"),
        texts("postal_code"),
    ],
    limit: 50,
    many: "addresses",
};

/// Its routes.
pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/customers/me/addresses", get(list).post(create))
        .route("/customers/me/addresses/{id}", get(retrieve).post(update).delete(delete))
}

fn of(customer: &Customer) -> Filter {
    equals(&graph::CUSTOMER_ADDRESS, "customer_id", &customer.id)
}

fn not_found(id: &str) -> ApiError {
    ApiError::not_found(format!("Address with id: {id} was not found"))
}

async fn list(
    State(state): State<AppState>,
    _: Caller,
    customer: Customer,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    ADDRESSES.list(&state, query.as_deref(), of(&customer)).await
}

async fn retrieve(
    State(state): State<AppState>,
    _: Caller,
    customer: Customer,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let chosen = ADDRESSES.choose(query.as_deref())?;
    let filter = Filter::All(vec![equals(&graph::CUSTOMER_ADDRESS, "id", &id), of(&customer)]);
    let document = ADDRESSES.find(&state, &chosen, &filter).await?.ok_or_else(|| not_found(&id))?;
    Ok(private(format!("{{\"address\":{document}}}")))
}

async fn create(
    State(state): State<AppState>,
    _: Caller,
    customer: Customer,
    RawQuery(query): RawQuery,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let given = read(&body, address::new)?;
    let chosen = CUSTOMERS.choose(query.as_deref())?;
    customer_address::create(&state.outbox, &customer.id, given).await?;
    shown(&state, &customer.id, &chosen).await
}

async fn update(
    State(state): State<AppState>,
    _: Caller,
    customer: Customer,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let patch = read(&body, address::patch)?;
    let chosen = CUSTOMERS.choose(query.as_deref())?;
    let done = customer_address::update(&state.outbox, &customer.id, clean(&id)?, patch).await?;
    done.ok_or_else(|| not_found(&id))?;
    shown(&state, &customer.id, &chosen).await
}

async fn delete(
    State(state): State<AppState>,
    _: Caller,
    customer: Customer,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let chosen = CUSTOMERS.choose(query.as_deref())?;
    let done = customer_address::delete(&state.outbox, &customer.id, clean(&id)?).await?;
    if !done.value {
        return Err(not_found(&id));
    }
    let parent = document(&state, &customer.id, &chosen).await?;
    // Medusa names the customer here, not the address.
    let id = &customer.id;
    Ok(private(format!("{{\"id\":\"{id}\",\"object\":\"address\",\"deleted\":true,\"parent\":{parent}}}")))
}

/// An id that can be asked for: Postgres can hold no NUL.
fn clean(id: &str) -> Result<&str, ApiError> {
    if id.contains('\0') { Err(not_found(&id.replace('\0', ""))) } else { Ok(id) }
}
