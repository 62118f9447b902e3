//! `/admin/stock-locations`, who sells from them, and how goods leave them.

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::routing::post;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::input;
use super::kept::{Kept, routes};
use super::resource::Resource;
use super::resources::{SEARCH, related, texts, times};
use crate::api::ack::Written;
use crate::api::auth::AdminUser;
use crate::api::body::JsonBody;
use crate::api::input::columns::{Column, Form, METADATA, nullish, required};
use crate::api::input::object::{Object, Others, read};
use crate::error::ApiError;
use crate::modules::WriteError;
use crate::modules::row::Row;
use crate::outbox::Outbox;
use crate::query::graph;
use crate::state::AppState;
use crate::workflows::Done;
use crate::workflows::stock_location::{self, GivenLocation};

static STOCK_LOCATIONS: Resource = Resource {
    entity: &graph::STOCK_LOCATION,
    fields: &[
        "id",
        "name",
        "metadata",
        "created_at",
        "updated_at",
        "address.id",
        "address.address_1",
        "address.address_2",
        "address.city",
        "address.country_code",
        "address.phone",
        "address.province",
        "address.postal_code",
        "address.metadata",
    ],
    params: &[
        SEARCH,
        texts("id"),
        texts("name"),
        texts("address_id"),
        times("created_at"),
        times("updated_at"),
        times("deleted_at"),
        related("sales_channel_id", "sales_channels"),
    ],
    limit: 20,
    one: "stock_location",
    many: "stock_locations",
    title: "Stock location",
};

/// `AdminCreateStockLocation`, `AdminUpdateStockLocation`.
const COLUMNS: [Column; 3] = [required("name", Form::Name), nullish("address_id", Form::Name), METADATA];
/// `AdminUpsertStockLocationAddress`.
const ADDRESS: [Column; 9] = [
    required("address_1", Form::Name),
    nullish("address_2", Form::Name),
    nullish("company", Form::Name),
    nullish("city", Form::Name),
    required("country_code", Form::Name),
    nullish("phone", Form::Name),
    nullish("postal_code", Form::Name),
    nullish("province", Form::Name),
    METADATA,
];
/// `AdminCreateStockLocationFulfillmentSet`.
const FULFILLMENT_SET: [Column; 2] = [required("name", Form::Name), required("type", Form::Name)];

/// Its routes.
pub(super) fn router() -> Router<AppState> {
    routes::<StockLocations>("/stock-locations")
        .route("/stock-locations/{id}/sales-channels", post(set_channels))
        .route("/stock-locations/{id}/fulfillment-providers", post(set_providers))
        .route("/stock-locations/{id}/fulfillment-sets", post(add_fulfillment_set))
}

pub(super) enum StockLocations {}

impl Kept for StockLocations {
    const RESOURCE: &'static Resource = &STOCK_LOCATIONS;
    const OBJECT: &'static str = "stock_location";
    type New = GivenLocation;
    type Patch = GivenLocation;

    fn new(body: &Map<String, Value>) -> Result<GivenLocation, ApiError> {
        read(body, |object| {
            let row = object.new_row(&COLUMNS);
            given(object, row)
        })
    }

    fn patch(body: &Map<String, Value>) -> Result<GivenLocation, ApiError> {
        read(body, |object| {
            let row = object.patch_row(&COLUMNS);
            given(object, row)
        })
    }

    async fn create(outbox: &Outbox, _: &str, given: GivenLocation) -> Result<Done<String>, WriteError> {
        stock_location::create(outbox, given).await
    }

    async fn update(outbox: &Outbox, id: &str, patch: GivenLocation) -> Result<Done<()>, WriteError> {
        stock_location::update(outbox, id, patch).await
    }

    async fn delete(outbox: &Outbox, id: &str) -> Result<Done<()>, WriteError> {
        stock_location::delete(outbox, id).await
    }
}

fn given(object: &mut Object<'_, '_>, mut row: Row) -> GivenLocation {
    if let Some(name) = row.text("name").map(|name| name.trim().to_owned()) {
        row.set("name", name);
    }
    let address = object.nested("address", Others::Passed, |address| address.new_row(&ADDRESS));
    object.has("additional_data");
    GivenLocation { row, address }
}

async fn set_channels(
    State(state): State<AppState>,
    _: AdminUser,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    JsonBody(body): JsonBody,
) -> Result<Written<Box<RawValue>>, ApiError> {
    let given = input::membership(&body)?;
    let chosen = STOCK_LOCATIONS.choose(query.as_deref())?;
    let done = stock_location::set_channels(&state.outbox, &id, given).await?;
    STOCK_LOCATIONS.written(&state, &id, &chosen, done.receipt).await
}

async fn set_providers(
    State(state): State<AppState>,
    _: AdminUser,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    JsonBody(body): JsonBody,
) -> Result<Written<Box<RawValue>>, ApiError> {
    let given = input::membership(&body)?;
    let chosen = STOCK_LOCATIONS.choose(query.as_deref())?;
    let done = stock_location::set_providers(&state.outbox, &id, given).await?;
    STOCK_LOCATIONS.written(&state, &id, &chosen, done.receipt).await
}

async fn add_fulfillment_set(
    State(state): State<AppState>,
    _: AdminUser,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    JsonBody(body): JsonBody,
) -> Result<Written<Box<RawValue>>, ApiError> {
    let given = read(&body, |object| object.new_row(&FULFILLMENT_SET))?;
    let chosen = STOCK_LOCATIONS.choose(query.as_deref())?;
    let done = stock_location::add_fulfillment_set(&state.outbox, &id, given).await?;
    STOCK_LOCATIONS.written(&state, &id, &chosen, done.receipt).await
}
