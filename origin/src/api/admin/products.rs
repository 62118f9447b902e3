//! `/admin/products`.

use axum::Router;
use serde_json::{Map, Value};

use super::input;
use super::kept::{Kept, routes};
use super::resource::Resource;
use super::resources::PRODUCTS;
use crate::error::ApiError;
use crate::modules::WriteError;
use crate::outbox::Outbox;
use crate::state::AppState;
use crate::workflows::Done;
use crate::workflows::product::{self, NewProduct, ProductPatch};

/// Its routes.
pub(super) fn router() -> Router<AppState> {
    routes::<Products>("/products")
}

pub(super) enum Products {}

impl Kept for Products {
    const RESOURCE: &'static Resource = &PRODUCTS;
    const OBJECT: &'static str = "product";
    type New = NewProduct;
    type Patch = ProductPatch;

    fn new(body: &Map<String, Value>) -> Result<Self::New, ApiError> {
        input::new_product(body)
    }

    fn patch(body: &Map<String, Value>) -> Result<Self::Patch, ApiError> {
        input::product_patch(body)
    }

    async fn create(outbox: &Outbox, _: &str, given: Self::New) -> Result<Done<String>, WriteError> {
        product::create(outbox, given).await
    }

    async fn update(outbox: &Outbox, id: &str, patch: Self::Patch) -> Result<Done<()>, WriteError> {
        product::update(outbox, id, patch).await
    }

    async fn delete(outbox: &Outbox, id: &str) -> Result<Done<()>, WriteError> {
        product::delete(outbox, id).await
    }
}
