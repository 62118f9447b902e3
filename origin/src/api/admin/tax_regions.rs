//! `/admin/tax-regions`.

use axum::Router;
use serde_json::{Map, Value};

use super::kept::{Kept, routes};
use super::resource::Resource;
use super::resources::{SEARCH, texts, times};
use super::tax_rates::DEFAULT_RATE;
use crate::api::input::columns::{Column, Form, METADATA, nullish, optional, required};
use crate::api::input::object::{Others, read};
use crate::error::ApiError;
use crate::modules::WriteError;
use crate::modules::row::Row;
use crate::outbox::Outbox;
use crate::query::graph;
use crate::state::AppState;
use crate::workflows::Done;
use crate::workflows::tax::{self, NewTaxRegion};

static TAX_REGIONS: Resource = Resource {
    entity: &graph::TAX_REGION,
    fields: &[
        "id",
        "country_code",
        "province_code",
        "parent_id",
        "provider_id",
        "created_by",
        "created_at",
        "updated_at",
        "deleted_at",
        "metadata",
        "*children",
        "*children.tax_rates",
        "*children.tax_rates.rules",
        "*parent",
        "*tax_rates",
        "*tax_rates.rules",
    ],
    params: &[
        SEARCH,
        texts("id"),
        texts("country_code"),
        texts("province_code"),
        texts("parent_id"),
        texts("created_by"),
        times("created_at"),
        times("updated_at"),
        times("deleted_at"),
    ],
    limit: 20,
    one: "tax_region",
    many: "tax_regions",
    title: "TaxRegion",
};

/// `CreateTaxRegion`.
const NEW: [Column; 5] = [
    required("country_code", Form::Lower),
    nullish("provider_id", Form::Name),
    nullish("province_code", Form::Lower),
    nullish("parent_id", Form::Name),
    METADATA,
];
/// `AdminUpdateTaxRegion`.
const PATCH: [Column; 3] = [nullish("province_code", Form::Lower), optional("provider_id", Form::Name), METADATA];

/// Its routes.
pub(super) fn router() -> Router<AppState> {
    routes::<TaxRegions>("/tax-regions")
}

pub(super) enum TaxRegions {}

impl Kept for TaxRegions {
    const RESOURCE: &'static Resource = &TAX_REGIONS;
    const OBJECT: &'static str = "tax_region";
    type New = NewTaxRegion;
    type Patch = Row;

    fn new(body: &Map<String, Value>) -> Result<NewTaxRegion, ApiError> {
        read(body, |object| {
            let row = object.new_row(&NEW);
            let default_rate = object.nested("default_tax_rate", Others::Passed, |rate| rate.new_row(&DEFAULT_RATE));
            object.has("additional_data");
            if row.text("parent_id").is_none() && row.text("provider_id").is_none() {
                object.refuse("Provider is required when creating a non-province tax region.");
            }
            NewTaxRegion { row, default_rate }
        })
    }

    fn patch(body: &Map<String, Value>) -> Result<Row, ApiError> {
        read(body, |object| object.patch_row(&PATCH))
    }

    async fn create(outbox: &Outbox, user: &str, given: NewTaxRegion) -> Result<Done<String>, WriteError> {
        tax::create_region(outbox, user, given).await
    }

    async fn update(outbox: &Outbox, id: &str, patch: Row) -> Result<Done<()>, WriteError> {
        tax::update_region(outbox, id, patch).await
    }

    async fn delete(outbox: &Outbox, id: &str) -> Result<Done<()>, WriteError> {
        tax::delete_region(outbox, id).await
    }
}
