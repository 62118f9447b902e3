//! Products (`CreateProduct`, `UpdateProduct`).

use std::collections::BTreeSet;

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::field::{Flag, Name, Text};
use super::object::{Object, Others, read};
use super::variant;
use crate::error::ApiError;
use crate::modules::Patch;
use crate::modules::product::image::GivenImage;
use crate::modules::product::option::NewOption;
use crate::modules::product::{Physical, PhysicalPatch};
use crate::workflows::product::{NewProduct, ProductPatch};

/// Most variants of a product.
const MAX_VARIANTS: usize = 1_000;
/// Most options of a product.
const MAX_OPTIONS: usize = 50;
/// Most values of an option.
const MAX_VALUES: usize = 1_000;
/// Most images of a product.
const MAX_IMAGES: usize = 250;
/// Most tags, categories or channels of a product.
const MAX_LINKS: usize = 500;

/// The body of `POST /admin/products`.
pub(in crate::api::admin) fn new_product(body: &Map<String, Value>) -> Result<NewProduct, ApiError> {
    read(body, |object| {
        let product = NewProduct {
            title: object.required::<Name>("title").0,
            subtitle: text(object, "subtitle"),
            description: text(object, "description"),
            is_giftcard: object.optional::<Flag>("is_giftcard").is_some_and(|flag| flag.0),
            discountable: object.optional::<Flag>("discountable").is_none_or(|flag| flag.0),
            images: object
                .objects("images", MAX_IMAGES, Others::Passed, |image| image.required::<Text>("url").0)
                .unwrap_or_default(),
            thumbnail: text(object, "thumbnail"),
            handle: object.optional::<Name>("handle").map(|handle| handle.0),
            status: object.nullish("status").unwrap_or_default(),
            external_id: name(object, "external_id"),
            type_id: name(object, "type_id"),
            collection_id: name(object, "collection_id"),
            categories: ids(object, "categories").unwrap_or_default(),
            tags: ids(object, "tags").unwrap_or_default(),
            options: object.objects("options", MAX_OPTIONS, Others::Refused, new_option).unwrap_or_default(),
            variants: object.objects("variants", MAX_VARIANTS, Others::Refused, variant::new).unwrap_or_default(),
            sales_channels: ids(object, "sales_channels").unwrap_or_default(),
            shipping_profile_id: object.optional::<Name>("shipping_profile_id").map(|id| id.0),
            physical: physical(object),
            metadata: object.nullish("metadata"),
        };
        object.has("additional_data");
        product
    })
}

/// The body of `POST /admin/products/:id`.
pub(in crate::api::admin) fn product_patch(body: &Map<String, Value>) -> Result<ProductPatch, ApiError> {
    read(body, |object| {
        let patch = ProductPatch {
            title: object.patch::<Name>("title").map(|title| title.0),
            discountable: object.patch::<Flag>("discountable").map(|flag| flag.0),
            is_giftcard: object.patch::<Flag>("is_giftcard").map(|flag| flag.0),
            variants: object.objects("variants", MAX_VARIANTS, Others::Refused, variant::given).into(),
            status: object.patch("status"),
            subtitle: text_patch(object, "subtitle"),
            description: text_patch(object, "description"),
            images: object.objects("images", MAX_IMAGES, Others::Passed, given_image).into(),
            thumbnail: text_patch(object, "thumbnail"),
            handle: object.patch::<Name>("handle").map(|handle| handle.0),
            type_id: name_patch(object, "type_id"),
            external_id: name_patch(object, "external_id"),
            collection_id: name_patch(object, "collection_id"),
            categories: ids(object, "categories").into(),
            tags: ids(object, "tags").into(),
            sales_channels: ids(object, "sales_channels").into(),
            shipping_profile_id: name_patch(object, "shipping_profile_id"),
            physical: physical_patch(object),
            metadata: object.patch_nullish("metadata"),
        };
        if object.has("options") {
            object.refuse(
                "The 'options' property was removed in version 2.16.0. Please remove it from your request payload.",
            );
        }
        object.has("additional_data");
        patch
    })
}

/// Measures and customs codes.
pub(super) fn physical(object: &mut Object<'_, '_>) -> Physical {
    Physical {
        weight: object.nullish("weight"),
        length: object.nullish("length"),
        height: object.nullish("height"),
        width: object.nullish("width"),
        origin_country: name(object, "origin_country"),
        hs_code: name(object, "hs_code"),
        mid_code: name(object, "mid_code"),
        material: name(object, "material"),
    }
}

/// An update of measures and customs codes.
pub(super) fn physical_patch(object: &mut Object<'_, '_>) -> PhysicalPatch {
    PhysicalPatch {
        weight: object.patch_nullish("weight"),
        length: object.patch_nullish("length"),
        height: object.patch_nullish("height"),
        width: object.patch_nullish("width"),
        origin_country: name_patch(object, "origin_country"),
        hs_code: name_patch(object, "hs_code"),
        mid_code: name_patch(object, "mid_code"),
        material: name_patch(object, "material"),
    }
}

/// A new option (`AdminCreateProductOption`); options that are shared between products are not supported.
fn new_option(option: &mut Object<'_, '_>) -> NewOption {
    let title: Name = option.required("title");
    let values: Vec<Name> = option.required_values("values", MAX_VALUES);
    let ranks: IndexMap<String, i32> = option.optional("ranks").unwrap_or_default();
    if let Some(unknown) = ranks.keys().find(|ranked| values.iter().all(|value| value.0 != **ranked)) {
        let message = format!("Value \"{unknown}\" is assigned a rank but is not defined in the list of values.");
        option.refuse(message);
    }
    let with_rank = |value: Name| {
        let rank = ranks.get(&value.0).copied();
        (value.0, rank)
    };
    NewOption {
        title: title.0,
        values: values.into_iter().map(with_rank).collect(),
        is_exclusive: option.optional("is_exclusive").unwrap_or(true),
        metadata: option.nullish("metadata"),
    }
}

fn given_image(image: &mut Object<'_, '_>) -> GivenImage {
    GivenImage { id: image.optional::<Name>("id").map(|id| id.0), url: image.required::<Text>("url").0 }
}

/// A list of `{"id": …}`.
fn ids(object: &mut Object<'_, '_>, field: &'static str) -> Option<BTreeSet<String>> {
    let ids = object.objects(field, MAX_LINKS, Others::Passed, |link| link.required::<Name>("id").0)?;
    Some(ids.into_iter().collect())
}

fn text(object: &mut Object<'_, '_>, field: &'static str) -> Option<String> {
    object.nullish::<Text>(field).map(|text| text.0)
}

fn name(object: &mut Object<'_, '_>, field: &'static str) -> Option<String> {
    object.nullish::<Name>(field).map(|name| name.0)
}

fn text_patch(object: &mut Object<'_, '_>, field: &'static str) -> Patch<Option<String>> {
    object.patch_nullish::<Text>(field).map(|text| text.map(|text| text.0))
}

fn name_patch(object: &mut Object<'_, '_>, field: &'static str) -> Patch<Option<String>> {
    object.patch_nullish::<Name>(field).map(|name| name.map(|name| name.0))
}
