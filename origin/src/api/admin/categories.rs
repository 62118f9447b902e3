//! `/admin/product-categories`.

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::routing::post;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::input;
use super::kept::{Kept, routes};
use super::resource::Resource;
use super::resources::CATEGORIES;
use crate::api::ack::Written;
use crate::api::auth::AdminUser;
use crate::api::body::JsonBody;
use crate::error::ApiError;
use crate::modules::WriteError;
use crate::outbox::Outbox;
use crate::state::AppState;
use crate::workflows::Done;
use crate::workflows::category::{self, CategoryPatch, NewCategory};

/// Its routes.
pub(super) fn router() -> Router<AppState> {
    routes::<Categories>("/product-categories").route("/product-categories/{id}/products", post(set_products))
}

pub(super) enum Categories {}

impl Kept for Categories {
    const RESOURCE: &'static Resource = &CATEGORIES;
    const OBJECT: &'static str = "product_category";
    type New = NewCategory;
    type Patch = CategoryPatch;

    fn new(body: &Map<String, Value>) -> Result<Self::New, ApiError> {
        input::new_category(body)
    }

    fn patch(body: &Map<String, Value>) -> Result<Self::Patch, ApiError> {
        input::category_patch(body)
    }

    async fn create(outbox: &Outbox, _: &str, given: Self::New) -> Result<Done<String>, WriteError> {
        category::create(outbox, given).await
    }

    async fn update(outbox: &Outbox, id: &str, patch: Self::Patch) -> Result<Done<()>, WriteError> {
        category::update(outbox, id, patch).await
    }

    async fn delete(outbox: &Outbox, id: &str) -> Result<Done<()>, WriteError> {
        category::delete(outbox, id).await
    }
}

async fn set_products(
    State(state): State<AppState>,
    _: AdminUser,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    JsonBody(body): JsonBody,
) -> Result<Written<Box<RawValue>>, ApiError> {
    let given = input::membership(&body)?;
    let chosen = CATEGORIES.choose(query.as_deref())?;
    let done = category::set_products(&state.outbox, &id, given).await?;
    CATEGORIES.written(&state, &id, &chosen, done.receipt).await
}
