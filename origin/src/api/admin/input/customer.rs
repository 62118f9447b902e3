//! Customers and their groups (`api/admin/{customers,customer-groups}/validators.js`).

use serde_json::{Map, Value};

use super::field::{Email, Name};
use super::object::{Object, read};
use crate::api::input::address;
use crate::api::store::customers as store;
use crate::error::ApiError;
use crate::modules::customer::{AddressPatch, NewAddress};
use crate::workflows::customer::{CustomerPatch, Membership, NewCustomer};
use crate::workflows::customer_group::{CustomerGroupPatch, NewCustomerGroup};

/// Most customers or groups that are put in, and taken out, at once.
const MAX_LINKS: usize = 1_000;

/// The body of `POST /admin/customers`.
pub(in crate::api::admin) fn new_customer(body: &Map<String, Value>) -> Result<NewCustomer, ApiError> {
    read(body, |object| {
        let given = store::new_customer(object);
        object.has("additional_data");
        given
    })
}

/// The body of `POST /admin/customers/:id`.
pub(in crate::api::admin) fn customer_patch(body: &Map<String, Value>) -> Result<CustomerPatch, ApiError> {
    read(body, |object| {
        let email = object.patch_nullish::<Email>("email").map(|email| email.map(|email| email.0));
        let given = CustomerPatch { email, ..store::customer_patch(object) };
        object.has("additional_data");
        given
    })
}

/// The body of `POST /admin/customers/:id/addresses`.
pub(in crate::api::admin) fn new_address(body: &Map<String, Value>) -> Result<NewAddress, ApiError> {
    read(body, |object| {
        let given = address::new(object);
        object.has("additional_data");
        given
    })
}

/// The body of `POST /admin/customers/:id/addresses/:address_id`.
pub(in crate::api::admin) fn address_patch(body: &Map<String, Value>) -> Result<AddressPatch, ApiError> {
    read(body, |object| {
        let given = address::patch(object);
        object.has("additional_data");
        given
    })
}

/// The body of `POST /admin/customer-groups`.
pub(in crate::api::admin) fn new_group(body: &Map<String, Value>) -> Result<NewCustomerGroup, ApiError> {
    read(body, |object| NewCustomerGroup {
        name: object.required::<Name>("name").0,
        metadata: object.nullish("metadata"),
    })
}

/// The body of `POST /admin/customer-groups/:id`.
pub(in crate::api::admin) fn group_patch(body: &Map<String, Value>) -> Result<CustomerGroupPatch, ApiError> {
    read(body, |object| CustomerGroupPatch {
        name: object.patch::<Name>("name").map(|name| name.0),
        metadata: object.patch_nullish("metadata"),
    })
}

/// Groups of a customer or customers of a group, to put in and take out (`createLinkBody`); a channel of a key too.
pub(in crate::api::admin) fn links(body: &Map<String, Value>) -> Result<Membership, ApiError> {
    read(body, |object| Membership { add: ids(object, "add"), remove: ids(object, "remove") })
}

fn ids(object: &mut Object<'_, '_>, field: &'static str) -> Vec<String> {
    let ids: Vec<Name> = object.values(field, MAX_LINKS).unwrap_or_default();
    let ids: std::collections::BTreeSet<String> = ids.into_iter().map(|id| id.0).collect();
    ids.into_iter().collect()
}
