//! Addresses (`AddressPayload` of `api/utils/common-validators/common.js`, and what customers' addresses have besides).

use super::field::Text;
use super::object::Object;
use crate::modules::Patch;
use crate::modules::customer::{AddressPatch, NewAddress};

/// A customer's address to be made.
pub(in crate::api) fn new(object: &mut Object<'_, '_>) -> NewAddress {
    let mut text = |field| object.nullish::<Text>(field).map(|text| text.0);
    let mut address = NewAddress {
        address_name: text("address_name"),
        company: text("company"),
        first_name: text("first_name"),
        last_name: text("last_name"),
        address_1: text("address_1"),
        address_2: text("address_2"),
        city: text("city"),
        country_code: text("country_code"),
        province: text("province"),
        postal_code: text("postal_code"),
        phone: text("phone"),
        ..NewAddress::default()
    };
    address.metadata = object.nullish("metadata");
    address.is_default_shipping = object.optional("is_default_shipping").unwrap_or_default();
    address.is_default_billing = object.optional("is_default_billing").unwrap_or_default();
    address
}

/// An update of a customer's address.
pub(in crate::api) fn patch(object: &mut Object<'_, '_>) -> AddressPatch {
    let mut text =
        |field| -> Patch<Option<String>> { object.patch_nullish::<Text>(field).map(|text| text.map(|text| text.0)) };
    let mut patch = AddressPatch {
        address_name: text("address_name"),
        company: text("company"),
        first_name: text("first_name"),
        last_name: text("last_name"),
        address_1: text("address_1"),
        address_2: text("address_2"),
        city: text("city"),
        country_code: text("country_code"),
        province: text("province"),
        postal_code: text("postal_code"),
        phone: text("phone"),
        ..AddressPatch::default()
    };
    patch.metadata = object.patch_nullish("metadata");
    patch.is_default_shipping = object.patch("is_default_shipping");
    patch.is_default_billing = object.patch("is_default_billing");
    patch
}
