//! Variants (`CreateProductVariant`, `UpdateProductVariant`).

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::field::{Flag, Name, Text};
use super::object::{Object, Others, read};
use super::price::{new_prices, prices_patch};
use super::product::{physical, physical_patch};
use crate::error::ApiError;
use crate::modules::Patch;
use crate::modules::inventory::RequiredItem;
use crate::workflows::variant::{GivenVariant, NewVariant, VariantPatch};

/// Most inventory items that a variant takes from.
const MAX_ITEMS: usize = 100;

/// The body of `POST /admin/products/:id/variants`.
pub(in crate::api::admin) fn new_variant(body: &Map<String, Value>) -> Result<NewVariant, ApiError> {
    read(body, |object| {
        let variant = new(object);
        object.has("additional_data");
        variant
    })
}

/// The body of `POST /admin/products/:id/variants/:variant_id`.
pub(in crate::api::admin) fn variant_patch(body: &Map<String, Value>) -> Result<VariantPatch, ApiError> {
    read(body, |object| {
        let variant = given(object);
        object.has("additional_data");
        variant.patch
    })
}

/// A variant to be made.
pub(super) fn new(object: &mut Object<'_, '_>) -> NewVariant {
    NewVariant {
        title: object.required::<Name>("title").0,
        sku: name(object, "sku"),
        ean: name(object, "ean"),
        upc: name(object, "upc"),
        barcode: name(object, "barcode"),
        allow_backorder: object.optional::<Flag>("allow_backorder").is_some_and(|flag| flag.0),
        manage_inventory: object.optional::<Flag>("manage_inventory").is_none_or(|flag| flag.0),
        variant_rank: object.optional("variant_rank"),
        physical: physical(object),
        thumbnail: None,
        metadata: object.nullish("metadata"),
        prices: new_prices(object),
        options: options(object).unwrap_or_default(),
        inventory_items: object
            .objects("inventory_items", MAX_ITEMS, Others::Passed, |item| RequiredItem {
                inventory_item_id: item.required::<Name>("inventory_item_id").0,
                required_quantity: item.required("required_quantity"),
            })
            .unwrap_or_default(),
    }
}

/// A variant as an update gives it, of its own or of its product.
pub(super) fn given(object: &mut Object<'_, '_>) -> GivenVariant {
    let id = object.optional::<Name>("id").map(|id| id.0);
    let patch = VariantPatch {
        title: object.patch::<Name>("title").map(|title| title.0),
        prices: prices_patch(object),
        sku: name_patch(object, "sku"),
        ean: name_patch(object, "ean"),
        upc: name_patch(object, "upc"),
        barcode: name_patch(object, "barcode"),
        thumbnail: object.patch_nullish::<Text>("thumbnail").map(|url| url.map(|url| url.0)),
        allow_backorder: object.patch::<Flag>("allow_backorder").map(|flag| flag.0),
        manage_inventory: object.patch::<Flag>("manage_inventory").map(|flag| flag.0),
        variant_rank: object.patch("variant_rank"),
        physical: physical_patch(object),
        metadata: object.patch_nullish("metadata"),
        options: options(object).into(),
    };
    GivenVariant { id, patch }
}

fn options(object: &mut Object<'_, '_>) -> Option<IndexMap<String, String>> {
    let options: IndexMap<String, Name> = object.optional("options")?;
    Some(options.into_iter().map(|(title, value)| (title, value.0)).collect())
}

fn name(object: &mut Object<'_, '_>, field: &'static str) -> Option<String> {
    object.nullish::<Name>(field).map(|name| name.0)
}

fn name_patch(object: &mut Object<'_, '_>, field: &'static str) -> Patch<Option<String>> {
    object.patch_nullish::<Name>(field).map(|name| name.map(|name| name.0))
}
