//! `/admin/product-tags`.

use axum::Router;
use serde_json::{Map, Value};

use super::input;
use super::kept::{Kept, routes};
use super::resource::Resource;
use super::resources::TAGS;
use crate::error::ApiError;
use crate::modules::WriteError;
use crate::outbox::Outbox;
use crate::state::AppState;
use crate::workflows::Done;
use crate::workflows::product_tag::{self, NewProductTag, ProductTagPatch};

/// Its routes.
pub(super) fn router() -> Router<AppState> {
    routes::<Tags>("/product-tags")
}

pub(super) enum Tags {}

impl Kept for Tags {
    const RESOURCE: &'static Resource = &TAGS;
    const OBJECT: &'static str = "product_tag";
    type New = NewProductTag;
    type Patch = ProductTagPatch;

    fn new(body: &Map<String, Value>) -> Result<Self::New, ApiError> {
        input::new_tag(body)
    }

    fn patch(body: &Map<String, Value>) -> Result<Self::Patch, ApiError> {
        input::tag_patch(body)
    }

    async fn create(outbox: &Outbox, _: &str, given: Self::New) -> Result<Done<String>, WriteError> {
        product_tag::create(outbox, given).await
    }

    async fn update(outbox: &Outbox, id: &str, patch: Self::Patch) -> Result<Done<()>, WriteError> {
        product_tag::update(outbox, id, patch).await
    }

    async fn delete(outbox: &Outbox, id: &str) -> Result<Done<()>, WriteError> {
        product_tag::delete(outbox, id).await
    }
}
