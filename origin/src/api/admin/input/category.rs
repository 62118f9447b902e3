//! Categories (`CreateProductCategory`, `UpdateProductCategory`).

use serde_json::{Map, Value};

use super::field::{Name, Rank, Text};
use super::object::read;
use crate::error::ApiError;
use crate::workflows::category::{CategoryPatch, NewCategory};

/// The body of `POST /admin/product-categories`.
pub(in crate::api::admin) fn new_category(body: &Map<String, Value>) -> Result<NewCategory, ApiError> {
    read(body, |object| {
        let category = NewCategory {
            name: object.required::<Name>("name").0,
            description: object.optional::<Text>("description").map(|text| text.0).unwrap_or_default(),
            handle: object.optional::<Name>("handle").map(|handle| handle.0),
            is_internal: object.optional("is_internal").unwrap_or_default(),
            is_active: object.optional("is_active").unwrap_or_default(),
            parent_category_id: object.nullish::<Name>("parent_category_id").map(|id| id.0),
            external_id: object.nullish::<Name>("external_id").map(|id| id.0),
            metadata: object.nullish("metadata"),
            rank: object.optional::<Rank>("rank").map(|rank| rank.0),
        };
        object.has("additional_data");
        category
    })
}

/// The body of `POST /admin/product-categories/:id`.
pub(in crate::api::admin) fn category_patch(body: &Map<String, Value>) -> Result<CategoryPatch, ApiError> {
    read(body, |object| {
        let patch = CategoryPatch {
            name: object.patch::<Name>("name").map(|name| name.0),
            description: object.patch::<Text>("description").map(|text| text.0),
            handle: object.patch::<Name>("handle").map(|handle| handle.0),
            is_internal: object.patch("is_internal"),
            is_active: object.patch("is_active"),
            parent_category_id: object.patch_nullish::<Name>("parent_category_id").map(|id| id.map(|id| id.0)),
            external_id: object.patch_nullish::<Name>("external_id").map(|id| id.map(|id| id.0)),
            metadata: object.patch_nullish("metadata"),
            rank: object.patch::<Rank>("rank").map(|rank| rank.0),
        };
        object.has("additional_data");
        patch
    })
}
