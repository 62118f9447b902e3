//! What of the Store API is served, for OpenAPI.

use serde_json::json;

use super::customers::{self, ADDRESSES, CUSTOMERS};
use super::{carts, lists, payment_providers, shipping_options};
use crate::api::input::address;
use crate::api::input::object::{describe, read};
use crate::api::openapi::{Answer, Guard, Operation, Query};
use crate::query::graph;

/// All of it.
pub(in crate::api) fn operations() -> Vec<Operation> {
    let mut all: Vec<Operation> = Vec::new();
    for (name, route) in lists() {
        let get = |path: String, query, answer, refusals| Operation {
            method: "GET",
            path,
            guard: Guard::Storefront,
            query,
            body: None,
            answer,
            refusals,
        };
        let (list, one) = (Query::List(route.params, route.limit), Query::One(route.retrieve_params));
        all.push(get(format!("/store/{name}"), list, Answer::List(route.many, route.entity), &[]));
        all.push(get(format!("/store/{name}/{{key}}"), one, Answer::One(route.one, route.entity), &[404]));
    }
    all.push(Operation {
        method: "GET",
        path: "/store/locales".into(),
        guard: Guard::Storefront,
        query: Query::Ignored,
        body: None,
        answer: Answer::Text(404, "text/html"),
        refusals: &[],
    });
    all.extend(of_customers());
    all.extend(carts::operations());
    all.extend(shipping_options::operations());
    all.push(payment_providers::operation());
    all
}

fn of_customers() -> [Operation; 8] {
    let customer = || Answer::One("customer", CUSTOMERS.entity);
    let (me, addresses) = ("/store/customers/me", "/store/customers/me/addresses");
    let one_address = || format!("{addresses}/{{id}}");
    let of = |method, path: String, answer, refusals| Operation {
        method,
        path,
        guard: Guard::Customer,
        query: Query::One(&[]),
        body: None,
        answer,
        refusals,
    };
    let create = describe(|body| read(body, customers::new_customer));
    let update = describe(|body| read(body, customers::customer_patch));
    let new_address = describe(|body| read(body, address::new));
    let address_patch = describe(|body| read(body, address::patch));
    let deleted = json!({
        "type": "object",
        "properties": {
            "id": { "type": "string" },
            "object": { "const": "address" },
            "deleted": { "const": true },
            "parent": { "$ref": "#/components/schemas/customer" }
        },
        "required": ["id", "object", "deleted", "parent"]
    });
    let list = Query::List(ADDRESSES.params, ADDRESSES.limit);
    [
        Operation { body: Some(create), ..of("POST", "/store/customers".into(), customer(), &[404, 422]) },
        of("GET", me.into(), customer(), &[404]),
        Operation { body: Some(update), ..of("POST", me.into(), customer(), &[404]) },
        Operation { query: list, ..of("GET", addresses.into(), Answer::List(ADDRESSES.many, ADDRESSES.entity), &[]) },
        Operation { body: Some(new_address), ..of("POST", addresses.into(), customer(), &[404]) },
        of("GET", one_address(), Answer::One("address", &graph::CUSTOMER_ADDRESS), &[404]),
        Operation { body: Some(address_patch), ..of("POST", one_address(), customer(), &[404]) },
        of("DELETE", one_address(), Answer::Json(200, deleted), &[404]),
    ]
}
