//! Collections (`CreateCollection`, `UpdateCollection`).

use serde_json::{Map, Value};

use super::field::Name;
use super::object::read;
use crate::error::ApiError;
use crate::workflows::collection::{CollectionPatch, NewCollection};

/// The body of `POST /admin/collections`.
pub(in crate::api::admin) fn new_collection(body: &Map<String, Value>) -> Result<NewCollection, ApiError> {
    read(body, |object| {
        let collection = NewCollection {
            title: object.required::<Name>("title").0,
            handle: object.optional::<Name>("handle").map(|handle| handle.0),
            external_id: object.nullish::<Name>("external_id").map(|id| id.0),
            metadata: object.nullish("metadata"),
        };
        object.has("additional_data");
        collection
    })
}

/// The body of `POST /admin/collections/:id`.
pub(in crate::api::admin) fn collection_patch(body: &Map<String, Value>) -> Result<CollectionPatch, ApiError> {
    read(body, |object| {
        let patch = CollectionPatch {
            title: object.patch::<Name>("title").map(|title| title.0),
            handle: object.patch::<Name>("handle").map(|handle| handle.0),
            external_id: object.patch_nullish::<Name>("external_id").map(|id| id.map(|id| id.0)),
            metadata: object.patch_nullish("metadata"),
        };
        object.has("additional_data");
        patch
    })
}
