//! Changes of one cart at once: none is lost.

use std::sync::Arc;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;
use tokio::sync::Barrier;

use crate::shop::{EUROPE, ON_SALE, PLAIN, Shop};

const AT_ONCE: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn pieces_that_are_added_at_once_are_all_there() {
    let shop = Arc::new(Shop::start().await);
    let id = shop.create(EUROPE).await;
    let barrier = Arc::new(Barrier::new(AT_ONCE));
    let add = |turn: usize| {
        let (shop, id, barrier) = (shop.clone(), id.clone(), barrier.clone());
        tokio::spawn(async move {
            barrier.wait().await;
            let variant = if turn.is_multiple_of(2) { ON_SALE } else { PLAIN };
            shop.post(&format!("carts/{id}/line-items"), json!({ "variant_id": variant, "quantity": 1 })).await
        })
    };
    let answers = join_all((0..AT_ONCE).map(add)).await;
    for answer in answers {
        answer.unwrap();
    }
    let cart = shop.cart(&id).await;
    let quantities: Vec<_> =
        cart["items"].as_array().unwrap().iter().map(|item| item["quantity"].as_u64().unwrap()).collect();
    assert_eq!(quantities, [4, 4], "one line for each variant, and no piece lost");
    // 4 · 5 + 4 · 14.5
    assert_eq!(cart["total"], 78);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_code_and_an_address_that_come_at_once_both_count() {
    let shop = Arc::new(Shop::start().await);
    for _ in 0..4 {
        let id = shop.create(EUROPE).await;
        shop.post(&format!("carts/{id}/line-items"), json!({ "variant_id": PLAIN, "quantity": 2 })).await;
        let barrier = Arc::new(Barrier::new(3));
        let bodies = [
            ("", json!({ "shipping_address": { "country_code": "dk" } })),
            ("/promotions", json!({ "promo_codes": ["TEN"] })),
            ("/line-items", json!({ "variant_id": ON_SALE, "quantity": 1 })),
        ];
        let send = |(rest, body): (&'static str, serde_json::Value)| {
            let (shop, id, barrier) = (shop.clone(), id.clone(), barrier.clone());
            tokio::spawn(async move {
                barrier.wait().await;
                shop.ask(Method::POST, &format!("carts/{id}{rest}"), Some(body)).await
            })
        };
        for answer in join_all(bodies.map(send)).await {
            let (status, answer) = answer.unwrap();
            assert_eq!(status, 200, "{answer}");
        }
        // (29 + 5) · 0.9 · 1.25
        assert_eq!(shop.cart(&id).await["total"], 38.25);
    }
}
