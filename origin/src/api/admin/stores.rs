//! `/admin/stores`.

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::routing::post;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::kept::read_routes;
use super::resource::Resource;
use super::resources::{SEARCH, texts};
use crate::api::ack::Written;
use crate::api::auth::AdminUser;
use crate::api::body::JsonBody;
use crate::api::input::columns::{Column, Form, METADATA, nullish, optional};
use crate::api::input::field::Name;
use crate::api::input::object::{Others, read};
use crate::error::ApiError;
use crate::query::graph;
use crate::state::AppState;
use crate::workflows::store::{self, Currency, StorePatch};

pub(super) static STORES: Resource = Resource {
    entity: &graph::STORE,
    fields: &[
        "id",
        "name",
        "*supported_currencies",
        "*supported_currencies.currency",
        "default_sales_channel_id",
        "default_region_id",
        "default_location_id",
        "metadata",
        "created_at",
        "updated_at",
    ],
    params: &[SEARCH, texts("id"), texts("name")],
    limit: 50,
    one: "store",
    many: "stores",
    title: "Store",
};

/// `AdminUpdateStore`.
const COLUMNS: [Column; 5] = [
    optional("name", Form::Name),
    nullish("default_sales_channel_id", Form::Name),
    nullish("default_region_id", Form::Name),
    nullish("default_location_id", Form::Name),
    METADATA,
];
/// Most currencies of a store.
const MAX_CURRENCIES: usize = 300;
/// Most locales of a store; translations are not kept yet.
const MAX_LOCALES: usize = 300;

/// Its routes.
pub(super) fn router() -> Router<AppState> {
    read_routes("/stores", &STORES).route("/stores/{id}", post(update))
}

async fn update(
    State(state): State<AppState>,
    _: AdminUser,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    JsonBody(body): JsonBody,
) -> Result<Written<Box<RawValue>>, ApiError> {
    let patch = patch(&body)?;
    let chosen = STORES.choose(query.as_deref())?;
    let done = store::update(&state.outbox, &id, patch).await?;
    STORES.written(&state, &id, &chosen, done.receipt).await
}

fn patch(body: &Map<String, Value>) -> Result<StorePatch, ApiError> {
    read(body, |object| {
        let row = object.patch_row(&COLUMNS);
        let currencies = object.objects("supported_currencies", MAX_CURRENCIES, Others::Passed, |currency| Currency {
            code: currency.required::<Name>("currency_code").0.to_lowercase(),
            is_default: currency.optional("is_default").unwrap_or_default(),
            is_tax_inclusive: currency.optional("is_tax_inclusive"),
        });
        object
            .objects("supported_locales", MAX_LOCALES, Others::Passed, |locale| locale.required::<Name>("locale_code"));
        StorePatch { row, currencies }
    })
}
