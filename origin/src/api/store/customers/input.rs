//! Bodies about customers (`api/store/customers/validators.js`).

use crate::api::input::field::{Email, Text};
use crate::api::input::object::Object;
use crate::modules::Patch;
use crate::workflows::customer::{CustomerPatch, NewCustomer};

/// A customer to be made (`StoreCreateCustomer`).
pub(in crate::api) fn new_customer(object: &mut Object<'_, '_>) -> NewCustomer {
    let email = object.nullish::<Email>("email").map(|email| email.0);
    let mut text = |field| object.nullish::<Text>(field).map(|text| text.0);
    let (company_name, first_name) = (text("company_name"), text("first_name"));
    let (last_name, phone) = (text("last_name"), text("phone"));
    NewCustomer { email, company_name, first_name, last_name, phone, metadata: object.nullish("metadata") }
}

/// An update by the customer, who cannot change the e-mail address (`StoreUpdateCustomer`).
pub(in crate::api) fn customer_patch(object: &mut Object<'_, '_>) -> CustomerPatch {
    let mut text = |field| object.patch_nullish::<Text>(field).map(|text| text.map(|text| text.0));
    let (company_name, first_name) = (text("company_name"), text("first_name"));
    let (last_name, phone) = (text("last_name"), text("phone"));
    let metadata = object.patch_nullish("metadata");
    CustomerPatch { email: Patch::Keep, company_name, first_name, last_name, phone, metadata }
}
