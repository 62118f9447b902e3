//! `/admin/fulfillment-sets`, and their service zones.

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use axum::routing::{delete, get, post};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::resource::{Resource, equals, raw};
use super::{Deleted, DeletedPart};
use crate::api::ack::Written;
use crate::api::auth::AdminUser;
use crate::api::body::JsonBody;
use crate::api::input::columns::{Column, Form, METADATA, optional, required};
use crate::api::input::object::{Object, Others, read};
use crate::error::ApiError;
use crate::modules::row::Row;
use crate::query::graph;
use crate::state::AppState;
use crate::workflows::shipping::{self, GivenZone};

static FULFILLMENT_SETS: Resource = Resource {
    entity: &graph::FULFILLMENT_SET,
    fields: &[
        "id",
        "name",
        "type",
        "created_at",
        "updated_at",
        "deleted_at",
        "*service_zones",
        "*service_zones.geo_zones",
    ],
    params: &[],
    limit: 50,
    one: "fulfillment_set",
    many: "fulfillment_sets",
    title: "Fulfillment set",
};

static SERVICE_ZONES: Resource = Resource {
    entity: &graph::SERVICE_ZONE,
    fields: &["id", "name", "created_at", "updated_at", "deleted_at", "*geo_zones"],
    params: &[],
    limit: 50,
    one: "service_zone",
    many: "service_zones",
    title: "Service zone",
};

const ZONE: [Column; 1] = [required("name", Form::Name)];
/// A part of the world (`validators/geo-zone.js`).
const PLACE: [Column; 6] = [
    required("type", Form::OneOf(&["country", "province", "city", "zip"])),
    required("country_code", Form::Lower),
    optional("province_code", Form::Lower),
    optional("city", Form::Name),
    optional("postal_expression", Form::Map),
    METADATA,
];
/// Most parts of the world of a zone.
const MAX_PLACES: usize = 10_000;

/// Its routes.
pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/fulfillment-sets/{id}", delete(remove))
        .route("/fulfillment-sets/{id}/service-zones", post(create_zone))
        .route("/fulfillment-sets/{id}/service-zones/{zone_id}", get(zone).post(update_zone).delete(delete_zone))
}

fn places(object: &mut Object<'_, '_>) -> Option<Vec<Row>> {
    object.objects("geo_zones", MAX_PLACES, Others::Passed, |place| {
        let row = place.new_row(&PLACE);
        let needed: &[&str] = match row.text("type") {
            Some("province") => &["province_code"],
            Some("city") => &["province_code", "city"],
            Some("zip") => &["province_code", "city", "postal_expression"],
            _ => &[],
        };
        if let Some(missing) = needed.iter().find(|column| row.get(column).is_none()) {
            let kind = row.text("type").unwrap_or_default();
            place.refuse(format!("Missing required property {missing} for geo zone type {kind}"));
        }
        row
    })
}

fn new_zone(body: &Map<String, Value>) -> Result<GivenZone, ApiError> {
    read(body, |object| GivenZone { row: object.new_row(&ZONE), places: places(object) })
}

fn zone_patch(body: &Map<String, Value>) -> Result<GivenZone, ApiError> {
    read(body, |object| GivenZone { row: object.patch_row(&ZONE), places: places(object) })
}

async fn remove(
    State(state): State<AppState>,
    _: AdminUser,
    Path(id): Path<String>,
) -> Result<Written<Deleted>, ApiError> {
    let done = shipping::delete_set(&state.outbox, &id).await?;
    Ok(Written { receipt: done.receipt, body: Deleted::new(id, "fulfillment_set") })
}

async fn create_zone(
    State(state): State<AppState>,
    _: AdminUser,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    JsonBody(body): JsonBody,
) -> Result<Written<Box<RawValue>>, ApiError> {
    let given = new_zone(&body)?;
    let chosen = FULFILLMENT_SETS.choose(query.as_deref())?;
    let done = shipping::create_zone(&state.outbox, &id, given).await?;
    FULFILLMENT_SETS.written(&state, &id, &chosen, done.receipt).await
}

async fn zone(
    State(state): State<AppState>,
    _: AdminUser,
    Path((id, zone_id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let of_set = vec![equals(SERVICE_ZONES.entity, "fulfillment_set_id", &id)];
    SERVICE_ZONES.retrieve(&state, &zone_id, query.as_deref(), of_set).await
}

async fn update_zone(
    State(state): State<AppState>,
    _: AdminUser,
    Path((id, zone_id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    JsonBody(body): JsonBody,
) -> Result<Written<Box<RawValue>>, ApiError> {
    let patch = zone_patch(&body)?;
    let chosen = FULFILLMENT_SETS.choose(query.as_deref())?;
    let done = shipping::update_zone(&state.outbox, &id, &zone_id, patch).await?;
    FULFILLMENT_SETS.written(&state, &id, &chosen, done.receipt).await
}

async fn delete_zone(
    State(state): State<AppState>,
    _: AdminUser,
    Path((id, zone_id)): Path<(String, String)>,
) -> Result<Written<DeletedPart>, ApiError> {
    let done = shipping::delete_zone(&state.outbox, &id, &zone_id).await?;
    let parent = raw(FULFILLMENT_SETS.document(&state, &id, &FULFILLMENT_SETS.choose(None)?).await?)?;
    Ok(Written { receipt: done.receipt, body: DeletedPart::new(zone_id, "service_zone", parent) })
}
