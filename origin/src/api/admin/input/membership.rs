//! Products to put in and take out (`createLinkBody`).

use serde_json::{Map, Value};

use super::field::Name;
use super::object::{Object, read};
use crate::error::ApiError;
use crate::workflows::collection::Membership;

/// Most products that are put in, and taken out, at once.
const MAX_PRODUCTS: usize = 1_000;

/// The body of `POST /admin/collections/:id/products` and of the same route for categories.
pub(in crate::api::admin) fn membership(body: &Map<String, Value>) -> Result<Membership, ApiError> {
    read(body, |object| Membership { add: ids(object, "add"), remove: ids(object, "remove") })
}

fn ids(object: &mut Object<'_, '_>, field: &'static str) -> std::collections::BTreeSet<String> {
    let ids: Vec<Name> = object.values(field, MAX_PRODUCTS).unwrap_or_default();
    ids.into_iter().map(|id| id.0).collect()
}
