//! What of the Admin API is served, for OpenAPI.

use serde_json::{Map, Value, json};

use super::campaigns::Campaigns;
use super::categories::Categories;
use super::collections::Collections;
use super::currencies::CURRENCIES;
use super::input;
use super::inventory_items::InventoryItems;
use super::kept::Kept;
use super::price_lists::PriceLists;
use super::price_preferences::PricePreferences;
use super::product_tags::Tags;
use super::product_types::Types;
use super::products::Products;
use super::promotions::Promotions;
use super::regions::Regions;
use super::resource::Resource;
use super::resources::{
    API_KEYS, CATEGORIES, COLLECTIONS, CUSTOMER_ADDRESSES, CUSTOMER_GROUPS, CUSTOMERS, PRODUCTS, SALES_CHANNELS, USERS,
    VARIANTS,
};
use super::shipping_options::ShippingOptions;
use super::shipping_profiles::ShippingProfiles;
use super::stock_locations::StockLocations;
use super::stores::STORES;
use super::tax_rates::TaxRates;
use super::tax_regions::TaxRegions;
use crate::api::input::object::describe;
use crate::api::openapi::{Answer, Guard, Operation, Query};
use crate::error::ApiError;

type Body = Map<String, Value>;

/// All of it.
pub(in crate::api) fn operations() -> Vec<Operation> {
    let mut all = Vec::new();
    kept::<Products>(&mut all, "products");
    let of_product = "products/{id}/variants";
    whole(&mut all, &VARIANTS, of_product, input::new_variant, input::variant_patch);
    kept::<Collections>(&mut all, "collections");
    all.push(post(&COLLECTIONS, "collections/{id}/products", input::membership));
    kept::<Categories>(&mut all, "product-categories");
    all.push(post(&CATEGORIES, "product-categories/{id}/products", input::membership));
    kept::<Tags>(&mut all, "product-tags");
    kept::<Types>(&mut all, "product-types");
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
    kept::<Promotions>(&mut all, "promotions");
    kept::<Campaigns>(&mut all, "campaigns");
    all.push(post(Campaigns::RESOURCE, "campaigns/{id}/promotions", input::membership));
    kept::<PriceLists>(&mut all, "price-lists");
    kept::<PricePreferences>(&mut all, "price-preferences");
    kept::<Regions>(&mut all, "regions");
    kept::<TaxRegions>(&mut all, "tax-regions");
    kept::<TaxRates>(&mut all, "tax-rates");
    kept::<InventoryItems>(&mut all, "inventory-items");
    kept::<StockLocations>(&mut all, "stock-locations");
    all.push(post(StockLocations::RESOURCE, "stock-locations/{id}/sales-channels", input::membership));
    all.push(post(StockLocations::RESOURCE, "stock-locations/{id}/fulfillment-providers", input::membership));
    kept::<ShippingProfiles>(&mut all, "shipping-profiles");
    kept::<ShippingOptions>(&mut all, "shipping-options");
    all.extend([list(&CURRENCIES, "currencies"), one(&CURRENCIES, "currencies/{id}")]);
    all.extend([list(&STORES, "stores"), one(&STORES, "stores/{id}")]);
    all
}

/// The routes of what merchants keep.
fn kept<K: Kept>(all: &mut Vec<Operation>, path: &str) {
    let each = format!("{path}/{{id}}");
    all.extend([list(K::RESOURCE, path), post(K::RESOURCE, path, K::new)]);
    all.extend([one(K::RESOURCE, &each), post(K::RESOURCE, &each, K::patch), delete(&each)]);
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
