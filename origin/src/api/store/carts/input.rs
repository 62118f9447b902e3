//! Bodies of cart routes (`api/store/carts/validators.js`).

use serde_json::{Map, Value};

use crate::api::input::field::{Email, Name, Pieces, PiecesOrNone, SmallMap, Text};
use crate::api::input::object::{Object, Others, read};
use crate::cart::{AddressFields, GivenAddress, GivenMethod, NewItem, TEXTS};
use crate::error::ApiError;
use crate::modules::Patch;
use crate::workflows::cart::{CartPatch, NewCart};

/// Most line items of a new cart.
const MAX_ITEMS: usize = 100;
/// Most promotion codes that are given at once.
const MAX_CODES: usize = 50;
/// Most shipping options that are chosen at once.
const MAX_METHODS: usize = 20;

type Body = Map<String, Value>;

/// The body of `POST /store/carts`.
pub(super) fn new_cart(body: &Body) -> Result<NewCart, ApiError> {
    read(body, |object| {
        object.nullish::<Body>("additional_data");
        NewCart {
            region_id: object.nullish::<Name>("region_id").map(|id| id.0),
            shipping_address: object.object("shipping_address", Others::Refused, address),
            billing_address: object.object("billing_address", Others::Refused, address),
            email: object.nullish::<Email>("email").map(|email| lowercase(&email)),
            currency_code: object.nullish::<Name>("currency_code").map(|code| code.0),
            items: object.objects("items", MAX_ITEMS, Others::Passed, item).unwrap_or_default(),
            sales_channel_id: object.nullish::<Name>("sales_channel_id").map(|id| id.0),
            promo_codes: codes(object.values::<Name>("promo_codes", MAX_CODES)),
            metadata: object.nullish::<SmallMap>("metadata").map(|map| map.0),
            locale: object.nullish::<Name>("locale").map(|locale| locale.0),
            customer_id: None,
        }
    })
}

/// The body of `POST /store/carts/:id`.
pub(super) fn cart_patch(body: &Body) -> Result<CartPatch, ApiError> {
    let with_id = |object: &mut Object<'_, '_>| {
        let id = object.optional::<Name>("id").map(|id| id.0);
        GivenAddress { id, ..address(object) }
    };
    read(body, |object| {
        object.nullish::<Body>("additional_data");
        CartPatch {
            region_id: object.optional::<Name>("region_id").map(|id| id.0),
            email: object.patch_nullish::<Email>("email").map(|email| email.map(|email| lowercase(&email))),
            shipping_address: object.object("shipping_address", Others::Passed, with_id),
            billing_address: object.object("billing_address", Others::Passed, with_id),
            sales_channel_id: object.nullish::<Name>("sales_channel_id").map(|id| id.0),
            metadata: object.patch_nullish::<SmallMap>("metadata").map(|map| map.map(|map| map.0)),
            promo_codes: object.values::<Name>("promo_codes", MAX_CODES).map(|codes_| codes(Some(codes_))),
            locale: object.patch_nullish::<Name>("locale").map(|locale| locale.map(|locale| locale.0)),
        }
    })
}

/// The body of `POST …/line-items`.
pub(super) fn new_item(body: &Body) -> Result<NewItem, ApiError> {
    read(body, item)
}

/// The body of `POST …/line-items/:id`: the quantity, and metadata where they are mentioned.
pub(super) fn item_patch(body: &Body) -> Result<(i32, Patch<Option<Body>>), ApiError> {
    read(body, |object| {
        let quantity: PiecesOrNone = object.required("quantity");
        (quantity.0, object.patch_nullish::<SmallMap>("metadata").map(|map| map.map(|map| map.0)))
    })
}

/// The body of `POST …/shipping-methods`: one, or a list.
pub(super) fn shipping_methods(bodies: &[Body]) -> Result<Vec<GivenMethod>, ApiError> {
    if bodies.len() > MAX_METHODS {
        return Err(ApiError::invalid_data(format!("Invalid request: At most {MAX_METHODS} shipping options at once")));
    }
    let one = |object: &mut Object<'_, '_>| {
        let option: Name = object.required("option_id");
        GivenMethod { option_id: option.0, data: object.optional::<SmallMap>("data").map(|map| map.0) }
    };
    bodies.iter().map(|body| crate::api::input::object::read_with(body, Others::Passed, one)).collect()
}

/// The body of `POST …/taxes`.
pub(super) fn taxes(body: &Body) -> Result<(), ApiError> {
    read(body, |object| {
        object.optional::<Text>("fields");
    })
}

/// The body of a route that takes none.
pub(super) fn nothing(body: &Body) -> Result<(), ApiError> {
    read(body, |_| ())
}

/// The body of `POST` and `DELETE …/promotions`.
pub(super) fn promo_codes(body: &Body) -> Result<Vec<String>, ApiError> {
    read(body, |object| codes(Some(object.required_values::<Name>("promo_codes", MAX_CODES))))
}

fn item(object: &mut Object<'_, '_>) -> NewItem {
    let variant: Name = object.required("variant_id");
    let quantity: Pieces = object.required("quantity");
    NewItem {
        variant_id: variant.0,
        quantity: quantity.0,
        metadata: object.nullish::<SmallMap>("metadata").map(|map| map.0),
    }
}

fn address(object: &mut Object<'_, '_>) -> GivenAddress {
    let mut fields = AddressFields::default();
    for name in TEXTS {
        if let Some(value) = object.patch_nullish::<Name>(name).value() {
            fields.texts.push((name, value.map(|text| text.0)));
        }
    }
    fields.metadata = object.patch_nullish::<SmallMap>("metadata").map(|map| map.map(|map| map.0));
    GivenAddress { id: None, fields }
}

fn codes(codes: Option<Vec<Name>>) -> Vec<String> {
    codes.unwrap_or_default().into_iter().map(|code| code.0).collect()
}

/// Customers are known by their address in small letters (`validateEmail`).
fn lowercase(email: &Email) -> String {
    email.0.to_lowercase()
}
