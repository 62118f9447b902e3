//! `/admin/price-preferences`: whether prices of a region or currency include tax.

use axum::Router;
use serde_json::{Map, Value};

use super::kept::{Kept, routes};
use super::resource::Resource;
use super::resources::{SEARCH, texts};
use crate::api::input::columns::{Column, Form, optional, required};
use crate::api::input::object::read;
use crate::error::ApiError;
use crate::modules::WriteError;
use crate::modules::row::Row;
use crate::outbox::Outbox;
use crate::query::graph;
use crate::state::AppState;
use crate::workflows::{Done, price_preference};

static PRICE_PREFERENCES: Resource = Resource {
    entity: &graph::PRICE_PREFERENCE,
    fields: &["id", "attribute", "value", "is_tax_inclusive", "created_at", "deleted_at", "updated_at"],
    params: &[SEARCH, texts("id"), texts("attribute"), texts("value")],
    limit: 300,
    one: "price_preference",
    many: "price_preferences",
    title: "Price preference",
};

/// `AdminCreatePricePreference`, `AdminUpdatePricePreference`.
const COLUMNS: [Column; 3] =
    [required("attribute", Form::Name), required("value", Form::Name), optional("is_tax_inclusive", Form::Flag)];

/// Its routes.
pub(super) fn router() -> Router<AppState> {
    routes::<PricePreferences>("/price-preferences")
}

pub(super) enum PricePreferences {}

impl Kept for PricePreferences {
    const RESOURCE: &'static Resource = &PRICE_PREFERENCES;
    const OBJECT: &'static str = "price_preference";
    type New = Row;
    type Patch = Row;

    fn new(body: &Map<String, Value>) -> Result<Row, ApiError> {
        read(body, |object| object.new_row(&COLUMNS))
    }

    fn patch(body: &Map<String, Value>) -> Result<Row, ApiError> {
        read(body, |object| object.patch_row(&COLUMNS))
    }

    async fn create(outbox: &Outbox, _: &str, given: Row) -> Result<Done<String>, WriteError> {
        price_preference::create(outbox, given).await
    }

    async fn update(outbox: &Outbox, id: &str, patch: Row) -> Result<Done<()>, WriteError> {
        price_preference::update(outbox, id, patch).await
    }

    async fn delete(outbox: &Outbox, id: &str) -> Result<Done<()>, WriteError> {
        price_preference::delete(outbox, id).await
    }
}
