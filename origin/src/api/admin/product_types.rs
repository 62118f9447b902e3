//! `/admin/product-types`.

use axum::Router;
use serde_json::{Map, Value};

use super::input;
use super::kept::{Kept, routes};
use super::resource::Resource;
use super::resources::TYPES;
use crate::error::ApiError;
use crate::modules::WriteError;
use crate::outbox::Outbox;
use crate::state::AppState;
use crate::workflows::Done;
use crate::workflows::product_type::{self, NewProductType, ProductTypePatch};

/// Its routes.
pub(super) fn router() -> Router<AppState> {
    routes::<Types>("/product-types")
}

pub(super) enum Types {}

impl Kept for Types {
    const RESOURCE: &'static Resource = &TYPES;
    const OBJECT: &'static str = "product_type";
    type New = NewProductType;
    type Patch = ProductTypePatch;

    fn new(body: &Map<String, Value>) -> Result<Self::New, ApiError> {
        input::new_type(body)
    }

    fn patch(body: &Map<String, Value>) -> Result<Self::Patch, ApiError> {
        input::type_patch(body)
    }

    async fn create(outbox: &Outbox, _: &str, given: Self::New) -> Result<Done<String>, WriteError> {
        product_type::create(outbox, given).await
    }

    async fn update(outbox: &Outbox, id: &str, patch: Self::Patch) -> Result<Done<()>, WriteError> {
        product_type::update(outbox, id, patch).await
    }

    async fn delete(outbox: &Outbox, id: &str) -> Result<Done<()>, WriteError> {
        product_type::delete(outbox, id).await
    }
}
