//! What of the Admin API is served, for OpenAPI.

use serde_json::{Map, Value, json};

use super::input;
use super::resource::Resource;
use super::resources::{
    API_KEYS, CATEGORIES, COLLECTIONS, CUSTOMER_ADDRESSES, CUSTOMER_GROUPS, CUSTOMERS, PRODUCTS, SALES_CHANNELS, TAGS,
    TYPES, USERS, VARIANTS,
};
use crate::api::input::object::describe;
use crate::api::openapi::{Answer, Guard, Operation, Query};
use crate::error::ApiError;

type Body = Map<String, Value>;

/// All of it.
pub(in crate::api) fn operations() -> Vec<Operation> {
    let mut all = Vec::new();
    whole(&mut all, &PRODUCTS, "products", input::new_product, input::product_patch);
    let of_product = "products/{id}/variants";
    whole(&mut all, &VARIANTS, of_product, input::new_variant, input::variant_patch);
    whole(&mut all, &COLLECTIONS, "collections", input::new_collection, input::collection_patch);
    all.push(post(&COLLECTIONS, "collections/{id}/products", input::membership));
    whole(&mut all, &CATEGORIES, "product-categories", input::new_category, input::category_patch);
    all.push(post(&CATEGORIES, "product-categories/{id}/products", input::membership));
    whole(&mut all, &TAGS, "product-tags", input::new_tag, input::tag_patch);
    whole(&mut all, &TYPES, "product-types", input::new_type, input::type_patch);
    all.extend([list(&SALES_CHANNELS, "sales-channels"), one(&SALES_CHANNELS, "sales-channels/{id}")]);
    whole(&mut all, &CUSTOMERS, "customers", input::new_customer, input::customer_patch);
    all.push(post(&CUSTOMERS, "customers/{id}/customer-groups", input::links));
    all.extend(of_addresses());
    whole(&mut all, &CUSTOMER_GROUPS, "customer-groups", input::new_group, input::group_patch);
    all.push(post(&CUSTOMER_GROUPS, "customer-groups/{id}/customers", input::links));
    whole(&mut all, &API_KEYS, "api-keys", input::new_api_key, input::api_key_patch);
    all.push(post(&API_KEYS, "api-keys/{id}/revoke", input::revocation));
    all.push(post(&API_KEYS, "api-keys/{id}/sales-channels", input::links));
    all.extend(of_users());
    all
}

/// List, retrieval, creation, update and deletion.
fn whole<New, Patch>(
    all: &mut Vec<Operation>,
    resource: &'static Resource,
    path: &str,
    new: impl FnOnce(&Body) -> Result<New, ApiError>,
    patch: impl FnOnce(&Body) -> Result<Patch, ApiError>,
) {
    // A part of something is answered with the whole.
    let nested = path.contains('{');
    let answered = if nested { &PRODUCTS } else { resource };
    let key = if nested { "{variant_id}" } else { "{id}" };
    let each = format!("{path}/{key}");
    all.extend([list(resource, path), post(answered, path, new)]);
    all.extend([one(resource, &each), post(answered, &each, patch), delete(&each)]);
}

fn of(method: &'static str, path: &str, query: Query, answer: Answer) -> Operation {
    let refusals: &[u16] = match method {
        "GET" => &[404],
        _ => &[400, 404, 422],
    };
    let path = format!("/admin/{path}");
    Operation { method, path, guard: Guard::Merchant, query, body: None, answer, refusals }
}

fn list(resource: &'static Resource, path: &str) -> Operation {
    let query = Query::List(resource.params, resource.limit);
    of("GET", path, query, Answer::List(resource.many, resource.entity))
}

fn one(resource: &'static Resource, path: &str) -> Operation {
    of("GET", path, Query::One(&[]), Answer::One(resource.one, resource.entity))
}

fn post<T>(resource: &'static Resource, path: &str, body: impl FnOnce(&Body) -> Result<T, ApiError>) -> Operation {
    let operation = of("POST", path, Query::One(&[]), Answer::One(resource.one, resource.entity));
    Operation { body: Some(describe(body)), ..operation }
}

fn delete(path: &str) -> Operation {
    of("DELETE", path, Query::Ignored, Answer::Deleted)
}

fn of_addresses() -> [Operation; 5] {
    let (all, each) = ("customers/{id}/addresses", "customers/{id}/addresses/{address_id}");
    [
        list(&CUSTOMER_ADDRESSES, all),
        post(&CUSTOMERS, all, input::new_address),
        one(&CUSTOMER_ADDRESSES, each),
        post(&CUSTOMERS, each, input::address_patch),
        Operation { query: Query::One(&[]), ..delete(each) },
    ]
}

fn of_users() -> [Operation; 7] {
    let object = |name: &str, schema: Value| {
        Answer::Json(200, json!({ "type": "object", "properties": { name: schema }, "required": [name] }))
    };
    let text = json!({ "type": "string" });
    let providers = object("providers", json!({ "type": "array", "items": text }));
    [
        list(&USERS, "users"),
        one(&USERS, "users/me"),
        one(&USERS, "users/{id}"),
        post(&USERS, "users/{id}", input::user_patch),
        delete("users/{id}"),
        of("GET", "users/{id}/auth-providers", Query::Ignored, providers),
        of("POST", "users/{id}/reset-password", Query::Ignored, object("token", text)),
    ]
}
