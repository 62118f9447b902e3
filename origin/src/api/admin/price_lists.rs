//! `/admin/price-lists`, and their prices.

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use axum::routing::{get, post};
use indexmap::IndexMap;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::Batched;
use super::kept::{Kept, routes};
use super::resource::{Resource, equals};
use super::resources::{SEARCH, texts, times};
use crate::api::ack::Written;
use crate::api::auth::AdminUser;
use crate::api::body::JsonBody;
use crate::api::input::columns::{Column, Form, METADATA, nullish, optional, required};
use crate::api::input::field::{Name, OneOrMany};
use crate::api::input::object::{Object, Others, read};
use crate::error::ApiError;
use crate::modules::WriteError;
use crate::modules::price_list::ListedPrice;
use crate::modules::row::Row;
use crate::outbox::Outbox;
use crate::query::graph;
use crate::state::AppState;
use crate::workflows::Done;
use crate::workflows::price_list::{self, GivenPriceList, PriceBatch};

static PRICE_LISTS: Resource = Resource {
    entity: &graph::PRICE_LIST,
    fields: &[
        "id",
        "type",
        "description",
        "title",
        "status",
        "starts_at",
        "ends_at",
        "created_at",
        "updated_at",
        "deleted_at",
        "metadata",
        "rules",
    ],
    params: &[SEARCH, texts("id"), times("starts_at"), times("ends_at"), texts("status")],
    limit: 50,
    one: "price_list",
    many: "price_lists",
    title: "Price list",
};

static PRICES: Resource = Resource {
    entity: &graph::PRICE_LIST_PRICE,
    fields: &[
        "id",
        "currency_code",
        "amount",
        "min_quantity",
        "max_quantity",
        "created_at",
        "deleted_at",
        "updated_at",
        "variant_id",
        "rules",
    ],
    params: &[],
    limit: 50,
    one: "price",
    many: "prices",
    title: "Price",
};

/// `AdminCreatePriceList`.
const NEW: [Column; 7] = [
    required("title", Form::Name),
    required("description", Form::Text),
    nullish("starts_at", Form::Time),
    nullish("ends_at", Form::Time),
    optional("status", Form::OneOf(&["active", "draft"])),
    optional("type", Form::OneOf(&["sale", "override"])),
    METADATA,
];
/// `AdminCreatePriceListPrice`, `AdminUpdatePriceListPrice`.
const PRICE: [Column; 4] = [
    required("currency_code", Form::Lower),
    required("amount", Form::Number),
    nullish("min_quantity", Form::Number),
    nullish("max_quantity", Form::Number),
];
/// Most prices that are given at once.
const MAX_PRICES: usize = 10_000;
/// Most products that are taken out at once.
const MAX_PRODUCTS: usize = 10_000;
/// Most values of a rule.
const MAX_VALUES: usize = 1_000;

/// Its routes.
pub(super) fn router() -> Router<AppState> {
    routes::<PriceLists>("/price-lists")
        .route("/price-lists/{id}/prices", get(prices))
        .route("/price-lists/{id}/prices/batch", post(change_prices))
        .route("/price-lists/{id}/products", post(remove_products))
}

pub(super) enum PriceLists {}

impl Kept for PriceLists {
    const RESOURCE: &'static Resource = &PRICE_LISTS;
    const OBJECT: &'static str = "price_list";
    type New = GivenPriceList;
    type Patch = GivenPriceList;

    fn new(body: &Map<String, Value>) -> Result<GivenPriceList, ApiError> {
        read(body, |object| {
            let row = object.new_row(&NEW);
            let prices = new_prices(object, "prices");
            GivenPriceList { row, rules: rules(object), prices }
        })
    }

    fn patch(body: &Map<String, Value>) -> Result<GivenPriceList, ApiError> {
        read(body, |object| GivenPriceList { row: object.patch_row(&NEW), rules: rules(object), prices: Vec::new() })
    }

    async fn create(outbox: &Outbox, _: &str, given: GivenPriceList) -> Result<Done<String>, WriteError> {
        price_list::create(outbox, given).await
    }

    async fn update(outbox: &Outbox, id: &str, patch: GivenPriceList) -> Result<Done<()>, WriteError> {
        price_list::update(outbox, id, patch).await
    }

    async fn delete(outbox: &Outbox, id: &str) -> Result<Done<()>, WriteError> {
        price_list::delete(outbox, id).await
    }
}

fn rules(object: &mut Object<'_, '_>) -> Option<BTreeMap<String, Vec<String>>> {
    let rules: IndexMap<String, OneOrMany<MAX_VALUES>> = object.optional("rules")?;
    Some(rules.into_iter().map(|(attribute, values)| (attribute, values.0)).collect())
}

fn new_prices(object: &mut Object<'_, '_>, name: &'static str) -> Vec<ListedPrice> {
    let prices = object.objects(name, MAX_PRICES, Others::Passed, |price| {
        let row = price.new_row(&PRICE);
        price_of(price, row)
    });
    prices.unwrap_or_default()
}

fn price_of(price: &mut Object<'_, '_>, row: Row) -> ListedPrice {
    let variant_id = price.required::<Name>("variant_id").0;
    let rules: Option<IndexMap<String, Name>> = price.optional("rules");
    let rules = rules.map(|rules| rules.into_iter().map(|(attribute, value)| (attribute, value.0)).collect());
    ListedPrice { variant_id, row, rules }
}

fn batch(body: &Map<String, Value>) -> Result<PriceBatch, ApiError> {
    read(body, |object| PriceBatch {
        create: new_prices(object, "create"),
        update: object
            .objects("update", MAX_PRICES, Others::Passed, |price| {
                let id = price.required::<Name>("id").0;
                let row = price.patch_row(&PRICE);
                (id, price_of(price, row))
            })
            .unwrap_or_default(),
        delete: ids(object, "delete", MAX_PRICES),
    })
}

fn ids(object: &mut Object<'_, '_>, name: &'static str, most: usize) -> Vec<String> {
    object.values::<Name>(name, most).unwrap_or_default().into_iter().map(|id| id.0).collect()
}

async fn prices(
    State(state): State<AppState>,
    _: AdminUser,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    PRICES.list(&state, query.as_deref(), vec![equals(PRICES.entity, "price_list_id", &id)]).await
}

async fn change_prices(
    State(state): State<AppState>,
    _: AdminUser,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> Result<Written<Batched>, ApiError> {
    let batch = batch(&body)?;
    let chosen = PRICES.choose(None)?;
    let updated: Vec<String> = batch.update.iter().map(|(id, _)| id.clone()).collect();
    let deleted = batch.delete.clone();
    let done = price_list::change_prices(&state.outbox, &id, batch).await?;
    let created = PRICES.documents(&state, &done.value, &chosen).await?;
    let updated = PRICES.documents(&state, &updated, &chosen).await?;
    Ok(Written { receipt: done.receipt, body: Batched::new(created, updated, deleted, "price") })
}

async fn remove_products(
    State(state): State<AppState>,
    _: AdminUser,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    JsonBody(body): JsonBody,
) -> Result<Written<Box<RawValue>>, ApiError> {
    let products = read(&body, |object| ids(object, "remove", MAX_PRODUCTS))?;
    if products.is_empty() {
        return Err(ApiError::invalid_data("No product ids passed to remove from price list"));
    }
    let chosen = PRICE_LISTS.choose(query.as_deref())?;
    let done = price_list::remove_products(&state.outbox, &id, &products).await?;
    PRICE_LISTS.written(&state, &id, &chosen, done.receipt).await
}
