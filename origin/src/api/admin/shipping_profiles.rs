//! `/admin/shipping-profiles`.

use axum::Router;
use serde_json::{Map, Value};

use super::kept::{Kept, routes};
use super::resource::Resource;
use super::resources::{SEARCH, param, texts, times};
use crate::api::input::columns::{Column, Form, METADATA, required};
use crate::api::input::object::read;
use crate::api::store::params::{Form as ParamForm, Meaning};
use crate::error::ApiError;
use crate::modules::WriteError;
use crate::modules::row::Row;
use crate::outbox::Outbox;
use crate::query::graph;
use crate::state::AppState;
use crate::workflows::{Done, shipping};

static SHIPPING_PROFILES: Resource = Resource {
    entity: &graph::SHIPPING_PROFILE,
    fields: &["id", "name", "type", "metadata", "created_at", "updated_at"],
    params: &[
        SEARCH,
        texts("id"),
        param("type", ParamForm::Text, Meaning::Column("type")),
        param("name", ParamForm::Text, Meaning::Column("name")),
        times("created_at"),
        times("updated_at"),
        times("deleted_at"),
    ],
    limit: 20,
    one: "shipping_profile",
    many: "shipping_profiles",
    title: "Shipping profile",
};

/// `AdminCreateShippingProfile`, `AdminUpdateShippingProfile`.
const COLUMNS: [Column; 3] = [required("name", Form::Name), required("type", Form::Name), METADATA];

/// Its routes.
pub(super) fn router() -> Router<AppState> {
    routes::<ShippingProfiles>("/shipping-profiles")
}

pub(super) enum ShippingProfiles {}

impl Kept for ShippingProfiles {
    const RESOURCE: &'static Resource = &SHIPPING_PROFILES;
    const OBJECT: &'static str = "shipping_profile";
    type New = Row;
    type Patch = Row;

    fn new(body: &Map<String, Value>) -> Result<Row, ApiError> {
        read(body, |object| {
            let row = object.new_row(&COLUMNS);
            object.has("additional_data");
            row
        })
    }

    fn patch(body: &Map<String, Value>) -> Result<Row, ApiError> {
        read(body, |object| {
            let row = object.patch_row(&COLUMNS);
            object.has("additional_data");
            row
        })
    }

    async fn create(outbox: &Outbox, _: &str, given: Row) -> Result<Done<String>, WriteError> {
        shipping::create_profile(outbox, given).await
    }

    async fn update(outbox: &Outbox, id: &str, patch: Row) -> Result<Done<()>, WriteError> {
        shipping::update_profile(outbox, id, patch).await
    }

    async fn delete(outbox: &Outbox, id: &str) -> Result<Done<()>, WriteError> {
        shipping::delete_profile(outbox, id).await
    }
}
