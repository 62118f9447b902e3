//! Product tags and types, which have a value and little else (`api/admin/product-{tags,types}/validators.js`).

use serde_json::{Map, Value};

use super::field::Name;
use super::object::read;
use crate::error::ApiError;
use crate::modules::Patch;
use crate::modules::metadata::Metadata;
use crate::workflows::product_tag::{NewProductTag, ProductTagPatch};
use crate::workflows::product_type::{NewProductType, ProductTypePatch};

/// The body of `POST /admin/product-tags`.
pub(in crate::api::admin) fn new_tag(body: &Map<String, Value>) -> Result<NewProductTag, ApiError> {
    new(body).map(|(value, external_id, metadata)| NewProductTag { value, external_id, metadata })
}

/// The body of `POST /admin/product-types`.
pub(in crate::api::admin) fn new_type(body: &Map<String, Value>) -> Result<NewProductType, ApiError> {
    new(body).map(|(value, external_id, metadata)| NewProductType { value, external_id, metadata })
}

/// The body of `POST /admin/product-tags/:id`.
pub(in crate::api::admin) fn tag_patch(body: &Map<String, Value>) -> Result<ProductTagPatch, ApiError> {
    patch(body).map(|(value, external_id, metadata)| ProductTagPatch { value, external_id, metadata })
}

/// The body of `POST /admin/product-types/:id`.
pub(in crate::api::admin) fn type_patch(body: &Map<String, Value>) -> Result<ProductTypePatch, ApiError> {
    patch(body).map(|(value, external_id, metadata)| ProductTypePatch { value, external_id, metadata })
}

fn new(body: &Map<String, Value>) -> Result<(String, Option<String>, Metadata), ApiError> {
    read(body, |object| {
        let value: Name = object.required("value");
        let external_id = object.nullish::<Name>("external_id").map(|id| id.0);
        (value.0, external_id, object.nullish("metadata"))
    })
}

type ValuePatch = (Patch<String>, Patch<Option<String>>, Patch<Metadata>);

fn patch(body: &Map<String, Value>) -> Result<ValuePatch, ApiError> {
    read(body, |object| {
        let value = object.patch::<Name>("value").map(|value| value.0);
        let external_id = object.patch_nullish::<Name>("external_id").map(|id| id.map(|id| id.0));
        (value, external_id, object.patch_nullish("metadata"))
    })
}
