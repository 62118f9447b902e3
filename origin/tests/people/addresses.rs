//! Customers' own data: what may be asked for, whose it is, and which address is the default.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::Barrier;

use crate::shop::Shop;

#[tokio::test]
async fn at_most_one_address_is_the_default_for_each_purpose() {
    let shop = Shop::start().await;
    let (token, _) = shop.customer("a@test.com").await;
    let path = "/store/customers/me/addresses";
    let defaults = |customer: &Value| -> Vec<(bool, bool)> {
        let addresses = customer["customer"]["addresses"].as_array().unwrap();
        let flag = |address: &Value, name: &str| address[name].as_bool().unwrap();
        addresses.iter().map(|it| (flag(it, "is_default_shipping"), flag(it, "is_default_billing"))).collect()
    };
    let add = async |body: Value| shop.send(&token, "POST", path, Some(body)).await.body;
    add(json!({"city": "one", "is_default_shipping": true, "is_default_billing": true})).await;
    let two = add(json!({"city": "two", "is_default_shipping": true})).await;
    assert_eq!(defaults(&two), [(false, true), (true, false)]);
    let three = add(json!({"city": "three"})).await;
    assert_eq!(defaults(&three), [(false, true), (true, false), (false, false)]);
    let id = three["customer"]["addresses"][2]["id"].as_str().unwrap();
    let change = async |body: Value| shop.send(&token, "POST", &format!("{path}/{id}"), Some(body)).await.body;
    let changed = change(json!({"is_default_billing": true, "city": null})).await;
    assert_eq!(defaults(&changed), [(false, false), (true, false), (false, true)]);
    assert_eq!(changed["customer"]["addresses"][2]["city"], Value::Null);
    let changed = change(json!({"is_default_billing": false})).await;
    assert_eq!(defaults(&changed), [(false, false), (true, false), (false, false)]);
    let listed = shop.send(&token, "GET", &format!("{path}?city[]=one&city[]=two&order=-city&fields=city"), None).await;
    let cities: Vec<&Value> = listed.body["addresses"].as_array().unwrap().iter().map(|it| &it["city"]).collect();
    assert_eq!((cities, &listed.body["count"]), (vec![&json!("two"), &json!("one")], &json!(2)));
}

#[tokio::test]
async fn two_new_defaults_at_once_leave_one() {
    let shop = Arc::new(Shop::start().await);
    let (token, _) = shop.customer("a@test.com").await;
    let barrier = Arc::new(Barrier::new(4));
    let tasks: Vec<_> = (0..4)
        .map(|n| {
            let (shop, token, barrier) = (shop.clone(), token.clone(), barrier.clone());
            tokio::spawn(async move {
                barrier.wait().await;
                let body = json!({"city": n.to_string(), "is_default_shipping": true, "is_default_billing": true});
                shop.send(&token, "POST", "/store/customers/me/addresses", Some(body)).await.status
            })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), 200);
    }
    let me = shop.send(&token, "GET", "/store/customers/me", None).await;
    let addresses = me.body["customer"]["addresses"].as_array().unwrap();
    for name in ["is_default_shipping", "is_default_billing"] {
        assert_eq!(addresses.iter().filter(|it| it[name] == true).count(), 1, "{name}");
    }
    assert_eq!(addresses.len(), 4);
}

#[tokio::test]
async fn what_is_anothers_is_not_there() {
    let shop = Shop::start().await;
    let (owner, _) = shop.customer("a@test.com").await;
    let (other, _) = shop.customer("b@test.com").await;
    let path = "/store/customers/me/addresses";
    let made = shop.send(&owner, "POST", path, Some(json!({"city": "Aarhus"}))).await;
    let id = made.body["customer"]["addresses"][0]["id"].as_str().unwrap().to_owned();
    let one = format!("{path}/{id}");
    let expected = json!({"type": "not_found", "message": format!("Address with id: {id} was not found")});
    for (method, body) in [("GET", None), ("POST", Some(json!({"city": "x"}))), ("DELETE", None)] {
        let answer = shop.send(&other, method, &one, body).await;
        assert_eq!((answer.status, answer.body), (404, expected.clone()), "{method}");
    }
    let unchanged = shop.send(&owner, "GET", &one, None).await;
    assert_eq!((unchanged.status, &unchanged.body["address"]["city"]), (200, &json!("Aarhus")));
    assert_eq!(shop.send(&other, "GET", path, None).await.body["count"], 0);
    assert_eq!(shop.send(&owner, "DELETE", &format!("{path}/a%00b"), None).await.status, 404);
}

#[tokio::test]
async fn bad_requests_are_refused_and_change_nothing() {
    let shop = Shop::start().await;
    let (token, before) = shop.customer("a@test.com").await;
    let table = [
        ("POST", "/store/customers/me", json!({"email": "x@test.com"}), "Unrecognized fields: 'email'"),
        ("POST", "/store/customers/me", json!({"phone": 1}), "Expected type: 'string' for field 'phone', got: '1'"),
        (
            "POST",
            "/store/customers/me",
            json!({"metadata": []}),
            "Expected type: 'record' for field 'metadata', got: ''",
        ),
        ("POST", "/store/customers/me", json!({"phone": "a\u{0}"}), "Text cannot hold a NUL character"),
        (
            "POST",
            "/store/customers/me/addresses",
            json!({"is_default_billing": "yes"}),
            "Expected type: 'boolean' for field 'is_default_billing', got: 'yes'",
        ),
        ("POST", "/store/customers/me/addresses", json!({"street": "x"}), "Unrecognized fields: 'street'"),
        ("POST", "/store/customers/me?limit=1", json!({}), "Unrecognized fields: 'limit'"),
    ];
    for (method, path, body, message) in table {
        let answer = shop.send(&token, method, path, Some(body)).await;
        assert_eq!((answer.status, answer.message()), (400, format!("Invalid request: {message}").as_str()), "{path}");
    }
    let lists = [
        ("?foo=1", "Invalid request: Unrecognized fields: 'foo'"),
        ("?order=customer", "Order field customer is not valid"),
        ("?limit=x", "Invalid request: Expected type: 'number' for field 'limit', got: 'x'"),
    ];
    for (query, message) in lists {
        let answer = shop.send(&token, "GET", &format!("/store/customers/me/addresses{query}"), None).await;
        assert_eq!((answer.status, answer.message()), (400, message), "{query}");
    }
    let after = shop.send(&token, "GET", "/store/customers/me", None).await;
    assert_eq!(after.body["customer"], before);
    let mut headers = http::HeaderMap::new();
    headers.insert("x-publishable-api-key", "pk_of_nobody".parse().unwrap());
    let keyless = shop.request("GET", "/store/customers/me").headers(headers).bearer_auth(&token);
    assert_eq!(keyless.send().await.unwrap().status(), 400);
}

#[tokio::test]
async fn fields_choose_what_is_shown_and_nothing_else_can_be() {
    let shop = Shop::start().await;
    let (token, _) = shop.customer("a@test.com").await;
    let shown = async |fields: &str| {
        let answer = shop.send(&token, "GET", &format!("/store/customers/me?fields={fields}"), None).await;
        answer.body["customer"].as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(",")
    };
    assert_eq!(shown("email,groups.name,created_by,addresses.city").await, "id,email,addresses");
    assert_eq!(shown("id").await, "id");
    assert!(shown("-addresses").await.ends_with("deleted_at"));
}

#[tokio::test]
async fn metadata_is_merged_and_an_update_of_nothing_is_one() {
    let shop = Shop::start().await;
    let (token, _) = shop.customer("a@test.com").await;
    let update = async |body: Value| {
        let answer = shop.send(&token, "POST", "/store/customers/me", Some(body)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body["customer"]["metadata"].clone()
    };
    assert_eq!(update(json!({"metadata": {"a": 1, "b": 2}})).await, json!({"a": 1, "b": 2}));
    assert_eq!(update(json!({"metadata": {"a": ""}})).await, json!({"b": 2}));
    assert_eq!(update(json!({})).await, json!({"b": 2}));
    assert_eq!(update(json!({"metadata": null})).await, Value::Null);
}
