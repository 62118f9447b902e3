//! `/admin/regions`.

use axum::Router;
use serde_json::{Map, Value};

use super::kept::{Kept, routes};
use super::resource::Resource;
use super::resources::{SEARCH, texts, times};
use crate::api::input::columns::{Column, Form, METADATA, optional, required};
use crate::api::input::field::Name;
use crate::api::input::object::{Object, read};
use crate::error::ApiError;
use crate::modules::WriteError;
use crate::modules::row::Row;
use crate::outbox::Outbox;
use crate::query::graph;
use crate::state::AppState;
use crate::workflows::Done;
use crate::workflows::region::{self, GivenRegion};

static REGIONS: Resource = Resource {
    entity: &graph::REGION,
    fields: &[
        "id",
        "name",
        "currency_code",
        "created_at",
        "updated_at",
        "deleted_at",
        "automatic_taxes",
        "metadata",
        "*countries",
    ],
    params: &[
        SEARCH,
        texts("id"),
        texts("currency_code"),
        texts("name"),
        times("created_at"),
        times("updated_at"),
        times("deleted_at"),
    ],
    limit: 50,
    one: "region",
    many: "regions",
    title: "Region",
};

/// `AdminCreateRegion`, `AdminUpdateRegion`.
const COLUMNS: [Column; 4] = [
    required("name", Form::Name),
    required("currency_code", Form::Lower),
    optional("automatic_taxes", Form::Flag),
    METADATA,
];
/// Most countries of a region: more than there are.
const MAX_COUNTRIES: usize = 300;
/// Most payment providers of a region.
const MAX_PROVIDERS: usize = 100;

/// Its routes.
pub(super) fn router() -> Router<AppState> {
    routes::<Regions>("/regions")
}

pub(super) enum Regions {}

impl Kept for Regions {
    const RESOURCE: &'static Resource = &REGIONS;
    const OBJECT: &'static str = "region";
    type New = GivenRegion;
    type Patch = GivenRegion;

    fn new(body: &Map<String, Value>) -> Result<GivenRegion, ApiError> {
        read(body, |object| {
            let row = object.new_row(&COLUMNS);
            given(object, row)
        })
    }

    fn patch(body: &Map<String, Value>) -> Result<GivenRegion, ApiError> {
        read(body, |object| {
            let row = object.patch_row(&COLUMNS);
            given(object, row)
        })
    }

    async fn create(outbox: &Outbox, _: &str, region: GivenRegion) -> Result<Done<String>, WriteError> {
        region::create(outbox, region).await
    }

    async fn update(outbox: &Outbox, id: &str, patch: GivenRegion) -> Result<Done<()>, WriteError> {
        region::update(outbox, id, patch).await
    }

    async fn delete(outbox: &Outbox, id: &str) -> Result<Done<()>, WriteError> {
        region::delete(outbox, id).await
    }
}

fn given(object: &mut Object<'_, '_>, row: Row) -> GivenRegion {
    let countries: Option<Vec<Name>> = object.values("countries", MAX_COUNTRIES);
    let providers: Option<Vec<Name>> = object.values("payment_providers", MAX_PROVIDERS);
    GivenRegion {
        row,
        countries: countries.map(|codes| codes.into_iter().map(|code| code.0.to_lowercase()).collect()),
        payment_providers: providers.map(|ids| ids.into_iter().map(|id| id.0).collect()),
        is_tax_inclusive: object.optional("is_tax_inclusive"),
    }
}
