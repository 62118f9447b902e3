//! Cart routes, for `OpenAPI`.

use serde_json::{Value, json};

use super::input;
use crate::api::input::object::describe;
use crate::api::openapi::{Answer, Guard, Operation, Query};
use crate::query::graph::CART;

/// All of them.
pub(in crate::api::store) fn operations() -> Vec<Operation> {
    let of = |method, rest: &str, body: Option<Value>| Operation {
        method,
        path: format!("/store/carts{rest}"),
        guard: Guard::Storefront,
        query: Query::One(&[]),
        body,
        answer: Answer::One("cart", &CART),
        refusals: &[400, 404],
    };
    let codes = || Some(describe(input::promo_codes));
    let method = describe(|body| input::shipping_methods(std::slice::from_ref(body)));
    let methods = json!({ "anyOf": [method, { "type": "array", "items": method }] });
    let deleted = json!({
        "type": "object",
        "properties": {
            "id": { "type": "string" },
            "object": { "const": "line-item" },
            "deleted": { "const": true },
            "parent": { "$ref": "#/components/schemas/cart" }
        },
        "required": ["id", "object", "deleted", "parent"]
    });
    let transfer = of("POST", "/{id}/customer", Some(describe(input::nothing)));
    let delete = of("DELETE", "/{id}/line-items/{line_id}", None);
    vec![
        of("POST", "", Some(describe(input::new_cart))),
        of("GET", "/{id}", None),
        of("POST", "/{id}", Some(describe(input::cart_patch))),
        of("POST", "/{id}/line-items", Some(describe(input::new_item))),
        of("POST", "/{id}/line-items/{line_id}", Some(describe(input::item_patch))),
        Operation { answer: Answer::Json(200, deleted), ..delete },
        of("POST", "/{id}/shipping-methods", Some(methods)),
        of("POST", "/{id}/taxes", Some(describe(input::taxes))),
        Operation { guard: Guard::Customer, ..transfer },
        of("POST", "/{id}/promotions", codes()),
        of("DELETE", "/{id}/promotions", codes()),
    ]
}
