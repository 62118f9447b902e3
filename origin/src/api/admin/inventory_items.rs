//! `/admin/inventory-items`, and how much of each is where.

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use axum::routing::{get, post};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::DeletedPart;
use super::kept::{Kept, routes};
use super::resource::{Resource, equals, raw};
use super::resources::{SEARCH, flag, param, texts};
use crate::api::ack::Written;
use crate::api::auth::AdminUser;
use crate::api::body::JsonBody;
use crate::api::input::columns::{Column, Form, METADATA, nullish, optional, required};
use crate::api::input::field::Name;
use crate::api::input::object::{Object, Others, read};
use crate::api::store::params::{Form as ParamForm, Meaning};
use crate::error::ApiError;
use crate::modules::WriteError;
use crate::modules::row::Row;
use crate::outbox::Outbox;
use crate::query::graph;
use crate::state::AppState;
use crate::workflows::Done;
use crate::workflows::stock::{self, LevelBatch};

static INVENTORY_ITEMS: Resource = Resource {
    entity: &graph::INVENTORY_ITEM,
    fields: &[
        "id",
        "sku",
        "title",
        "description",
        "thumbnail",
        "origin_country",
        "hs_code",
        "requires_shipping",
        "mid_code",
        "material",
        "unit_of_measure",
        "weight",
        "length",
        "height",
        "width",
        "metadata",
        "reserved_quantity",
        "stocked_quantity",
        "created_at",
        "updated_at",
        "*location_levels",
    ],
    params: &[
        SEARCH,
        texts("id"),
        texts("sku"),
        texts("origin_country"),
        texts("mid_code"),
        texts("hs_code"),
        texts("material"),
        flag("requires_shipping"),
        param("location_levels", ParamForm::Group(&[texts("location_id")]), Meaning::Inside("location_levels")),
    ],
    limit: 20,
    one: "inventory_item",
    many: "inventory_items",
    title: "Inventory item",
};

static LEVELS: Resource = Resource {
    entity: &graph::INVENTORY_LEVEL,
    fields: &[
        "id",
        "inventory_item_id",
        "location_id",
        "stocked_quantity",
        "reserved_quantity",
        "incoming_quantity",
        "available_quantity",
        "metadata",
        "created_at",
        "updated_at",
    ],
    params: &[texts("location_id")],
    limit: 50,
    one: "inventory_level",
    many: "inventory_levels",
    title: "Inventory level",
};

/// `AdminCreateInventoryItem`, `AdminUpdateInventoryItem`.
const COLUMNS: [Column; 15] = [
    nullish("sku", Form::Name),
    nullish("hs_code", Form::Name),
    nullish("weight", Form::Number),
    nullish("length", Form::Number),
    nullish("height", Form::Number),
    nullish("width", Form::Number),
    nullish("origin_country", Form::Name),
    nullish("mid_code", Form::Name),
    nullish("material", Form::Name),
    nullish("unit_of_measure", Form::Name),
    nullish("title", Form::Name),
    nullish("description", Form::Text),
    optional("requires_shipping", Form::Flag),
    nullish("thumbnail", Form::Text),
    METADATA,
];
/// `AdminUpdateInventoryLocationLevel`.
const QUANTITIES: [Column; 2] =
    [optional("stocked_quantity", Form::Quantity), optional("incoming_quantity", Form::Quantity)];
const LOCATION: [Column; 1] = [required("location_id", Form::Name)];
const ITEM: [Column; 1] = [required("inventory_item_id", Form::Name)];
/// Most levels that are given at once.
const MAX_LEVELS: usize = 1_000;

/// Its routes.
pub(super) fn router() -> Router<AppState> {
    routes::<InventoryItems>("/inventory-items")
        .route("/inventory-items/location-levels/batch", post(change_levels))
        .route("/inventory-items/{id}/location-levels", get(levels).post(create_level))
        .route("/inventory-items/{id}/location-levels/batch", post(change_levels_of_item))
        .route("/inventory-items/{id}/location-levels/{location_id}", post(update_level).delete(delete_level))
}

pub(super) enum InventoryItems {}

impl Kept for InventoryItems {
    const RESOURCE: &'static Resource = &INVENTORY_ITEMS;
    const OBJECT: &'static str = "inventory_item";
    type New = (Row, Vec<Row>);
    type Patch = Row;

    fn new(body: &Map<String, Value>) -> Result<(Row, Vec<Row>), ApiError> {
        read(body, |object| {
            let row = object.new_row(&COLUMNS);
            let levels = object.objects("location_levels", MAX_LEVELS, Others::Refused, new_level);
            (row, levels.unwrap_or_default())
        })
    }

    fn patch(body: &Map<String, Value>) -> Result<Row, ApiError> {
        read(body, |object| object.patch_row(&COLUMNS))
    }

    async fn create(outbox: &Outbox, _: &str, (row, levels): (Row, Vec<Row>)) -> Result<Done<String>, WriteError> {
        stock::create_item(outbox, row, levels).await
    }

    async fn update(outbox: &Outbox, id: &str, patch: Row) -> Result<Done<()>, WriteError> {
        stock::update_item(outbox, id, patch).await
    }

    async fn delete(outbox: &Outbox, id: &str) -> Result<Done<()>, WriteError> {
        stock::delete_item(outbox, id).await
    }
}

fn new_level(object: &mut Object<'_, '_>) -> Row {
    object.new_row(&LOCATION).and(object.patch_row(&QUANTITIES))
}

/// `AdminBatchInventoryItemLevels`, and `AdminBatchInventoryItemsLocationLevels` of one item.
fn batch(body: &Map<String, Value>, item: Option<&str>) -> Result<LevelBatch, ApiError> {
    let level = |object: &mut Object<'_, '_>| match item {
        Some(item) => new_level(object).with("inventory_item_id", item),
        None => new_level(object).and(object.new_row(&ITEM)),
    };
    read(body, |object| LevelBatch {
        create: object.objects("create", MAX_LEVELS, Others::Refused, level).unwrap_or_default(),
        update: object
            .objects("update", MAX_LEVELS, Others::Refused, |object| {
                object.optional::<Name>("id");
                level(object)
            })
            .unwrap_or_default(),
        delete: object.values::<Name>("delete", MAX_LEVELS).unwrap_or_default().into_iter().map(|id| id.0).collect(),
        force: object.optional("force").unwrap_or_default(),
    })
}

/// Medusa's answer to a batch of levels: ids alone of those that are deleted.
#[derive(Debug, Serialize)]
struct ChangedLevels {
    created: Box<RawValue>,
    updated: Box<RawValue>,
    deleted: Vec<String>,
}

async fn levels(
    State(state): State<AppState>,
    _: AdminUser,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    LEVELS.list(&state, query.as_deref(), vec![equals(LEVELS.entity, "inventory_item_id", &id)]).await
}

async fn create_level(
    State(state): State<AppState>,
    _: AdminUser,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    JsonBody(body): JsonBody,
) -> Result<Written<Box<RawValue>>, ApiError> {
    let level = read(&body, new_level)?.with("inventory_item_id", id.as_str());
    change_one(&state, &id, query.as_deref(), LevelBatch { create: vec![level], ..LevelBatch::default() }).await
}

async fn update_level(
    State(state): State<AppState>,
    _: AdminUser,
    Path((id, location)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    JsonBody(body): JsonBody,
) -> Result<Written<Box<RawValue>>, ApiError> {
    let level = read(&body, |object| object.patch_row(&QUANTITIES))?;
    let level = level.with("inventory_item_id", id.as_str()).with("location_id", location);
    change_one(&state, &id, query.as_deref(), LevelBatch { update: vec![level], ..LevelBatch::default() }).await
}

async fn change_one(
    state: &AppState,
    id: &str,
    query: Option<&str>,
    batch: LevelBatch,
) -> Result<Written<Box<RawValue>>, ApiError> {
    let chosen = INVENTORY_ITEMS.choose(query)?;
    let done = stock::change_levels(&state.outbox, batch).await?;
    INVENTORY_ITEMS.written(state, id, &chosen, done.receipt).await
}

async fn delete_level(
    State(state): State<AppState>,
    _: AdminUser,
    Path((id, location)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Written<DeletedPart>, ApiError> {
    let chosen = INVENTORY_ITEMS.choose(query.as_deref())?;
    let done = stock::delete_level(&state.outbox, &id, &location).await?;
    let parent = raw(INVENTORY_ITEMS.document(&state, &id, &chosen).await?)?;
    Ok(Written { receipt: done.receipt, body: DeletedPart::new(done.value, "inventory-level", parent) })
}

async fn change_levels(
    State(state): State<AppState>,
    _: AdminUser,
    JsonBody(body): JsonBody,
) -> Result<Written<ChangedLevels>, ApiError> {
    change(&state, batch(&body, None)?).await
}

async fn change_levels_of_item(
    State(state): State<AppState>,
    _: AdminUser,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> Result<Written<ChangedLevels>, ApiError> {
    change(&state, batch(&body, Some(&id))?).await
}

async fn change(state: &AppState, batch: LevelBatch) -> Result<Written<ChangedLevels>, ApiError> {
    let chosen = LEVELS.choose(None)?;
    let deleted = batch.delete.clone();
    let done = stock::change_levels(&state.outbox, batch).await?;
    let created = LEVELS.documents(state, &done.value.created, &chosen).await?;
    let updated = LEVELS.documents(state, &done.value.updated, &chosen).await?;
    Ok(Written { receipt: done.receipt, body: ChangedLevels { created, updated, deleted } })
}
