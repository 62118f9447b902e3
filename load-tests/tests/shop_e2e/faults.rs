//! Killing the origin, Redis or Postgres while requests run: what the rules' `on_disconnect` says happens, it recovers by
//! itself, and no purge is lost.

use std::time::Duration;

use crate::common::{Answer, Shop};
use reqwest::{Method, StatusCode};
use serde_json::json;
use vitrine_load_tests::stack::wait_until;

const SOON: Duration = Duration::from_secs(30);
const PAGE: &str = "/store/products?handle=product-4&fields=id,title";
const PICTURE: &str = "/static/p4.png";

/// The label of an object that is served beyond the promise, by the rule's `serve_for`.
fn is_labelled(answer: &Answer) -> bool {
    answer.status == StatusCode::OK && answer.cache_status().contains("serve_for")
}

async fn until(shop: &Shop, what: &str, path: &str, condition: impl Fn(&Answer) -> bool) {
    let outcome = wait_until(what, SOON, async || condition(&shop.get(0, path).await)).await;
    let now = shop.get(0, path).await;
    assert!(outcome.is_ok(), "never: {what}; now {now:?}");
}

/// A visitor who keeps asking while the closure runs, and never may see anything but these statuses.
async fn while_visited(shop: &Shop, path: &str, allowed: &[StatusCode], work: impl Future<Output = ()>) {
    tokio::pin!(work);
    let mut asked = 0;
    loop {
        tokio::select! {
            biased;
            () = &mut work => break,
            answer = shop.get(0, path) => {
                asked += 1;
                assert!(allowed.contains(&answer.status), "{path}: {answer:?}");
            }
        }
    }
    assert!(asked > 0, "no request ran beside");
}

fn assert_clear_unavailable(answer: &Answer) {
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{answer:?}");
    let error = answer.json();
    assert!(error["type"].is_string() && error["message"].as_str().unwrap().len() > 10, "{error}");
    assert!(!answer.header("retry-after").is_empty(), "{answer:?}");
}

#[tokio::test]
async fn with_the_origin_killed_the_catalog_is_served_labelled_and_media_go_on() {
    let mut shop = Shop::start(1).await;
    shop.warm(0, PAGE).await;
    shop.warm(0, PICTURE).await;
    shop.origin.service.stop_hard();

    while_visited(&shop, PAGE, &[StatusCode::OK], until(&shop, "a labelled page", PAGE, is_labelled)).await;
    let picture = shop.get(0, PICTURE).await;
    assert!(picture.is_hit() && !is_labelled(&picture), "{}", picture.cache_status());
    assert_clear_unavailable(&shop.get(0, "/store/products?handle=product-5&fields=id").await);
    let cart = shop.get(0, "/store/carts/cart_1").await;
    assert!(cart.status.is_server_error(), "{cart:?}");

    shop.origin.service.restart().await.unwrap();
    until(&shop, "an ordinary hit", PAGE, |answer| answer.is_hit() && !is_labelled(answer)).await;
    let token = shop.login().await;
    let id = shop.product("product-4").await["id"].as_str().unwrap().to_owned();
    shop.rename_acked(&token, &id, "After the origin came back").await;
    assert!(shop.get(0, PAGE).await.body.contains("After the origin came back"));
}

#[tokio::test]
async fn a_write_whose_origin_is_killed_right_after_the_reply_is_still_purged() {
    let mut shop = Shop::start(1).await;
    let token = shop.login().await;
    let id = shop.product("product-4").await["id"].as_str().unwrap().to_owned();
    for round in 0..3 {
        shop.warm(0, PAGE).await;
        let title = format!("Killed {round}");
        let path = format!("/admin/products/{id}");
        let answer = shop.admin(&token, Method::POST, &path, Some(json!({ "title": title }))).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        shop.origin.service.stop_hard();
        shop.origin.service.restart().await.unwrap();
        until(&shop, "the committed title", PAGE, |answer| answer.body.contains(&title)).await;
    }
}

#[tokio::test]
async fn with_redis_killed_everything_goes_on_and_no_purge_is_lost() {
    let mut shop = Shop::start(1).await;
    let token = shop.login().await;
    let id = shop.product("product-4").await["id"].as_str().unwrap().to_owned();
    shop.warm(0, PAGE).await;
    shop.stack.redis.stop_hard();

    for round in 0..3 {
        let title = format!("Without Redis {round}");
        shop.rename_acked(&token, &id, &title).await;
        assert!(shop.get(0, PAGE).await.body.contains(&title));
        shop.warm(0, PAGE).await;
    }
    // Committed while it is down, not waited for, and Redis comes back empty.
    let body = Some(json!({ "title": "Committed while Redis was down" }));
    shop.admin(&token, Method::POST, &format!("/admin/products/{id}"), body).await;
    shop.stack.redis.restart().await.unwrap();
    until(&shop, "the committed title", PAGE, |answer| answer.body.contains("while Redis was down")).await;
    for round in 0..3 {
        shop.warm(0, PAGE).await;
        let title = format!("With Redis again {round}");
        shop.rename_acked(&token, &id, &title).await;
        assert!(shop.get(0, PAGE).await.body.contains(&title));
    }
}

#[tokio::test]
async fn with_postgres_killed_the_catalog_is_served_labelled_and_errors_are_clear() {
    let mut shop = Shop::private(1).await;
    let token = shop.login().await;
    let id = shop.product("product-4").await["id"].as_str().unwrap().to_owned();
    shop.warm(0, PAGE).await;
    shop.warm(0, PICTURE).await;
    shop.stack.postgres().unwrap().stop_hard();

    while_visited(&shop, PAGE, &[StatusCode::OK], until(&shop, "a labelled page", PAGE, is_labelled)).await;
    let picture = shop.get(0, PICTURE).await;
    assert!(picture.is_hit(), "{}", picture.cache_status());
    assert_clear_unavailable(&shop.get(0, "/store/products?handle=product-5&fields=id").await);
    let body = Some(json!({ "title": "Lost" }));
    let refused = shop.admin(&token, Method::POST, &format!("/admin/products/{id}"), body).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE, "{refused:?}");

    shop.stack.postgres().unwrap().restart().await.unwrap();
    until(&shop, "an ordinary hit", PAGE, |answer| answer.is_hit() && !is_labelled(answer)).await;
    wait_until("a write that is acknowledged", SOON, async || {
        let body = Some(json!({ "title": "After Postgres came back" }));
        let answer = shop.admin(&token, Method::POST, &format!("/admin/products/{id}?wait=acked"), body).await;
        answer.status == StatusCode::OK && answer.header("vitrine-ack").starts_with("acked")
    })
    .await
    .unwrap();
    assert!(shop.get(0, PAGE).await.body.contains("After Postgres came back"));
}

#[tokio::test]
async fn an_edge_that_slept_through_a_purge_does_not_serve_the_old_on_waking() {
    let shop = Shop::start(2).await;
    let token = shop.login().await;
    let id = shop.product("product-4").await["id"].as_str().unwrap().to_owned();
    shop.warm(1, PAGE).await;
    shop.edges[1].service.pause();
    // It is a member until it has been silent for longer than its lease; only then is the write acknowledged without it.
    let path = format!("/admin/products/{id}?wait=acked");
    wait_until("an acknowledgement without the sleeping edge", SOON, async || {
        let answer = shop.admin(&token, Method::POST, &path, Some(json!({ "title": "While it slept" }))).await;
        answer.header("vitrine-ack").starts_with("acked")
    })
    .await
    .unwrap();
    shop.edges[1].service.resume();
    let woken = shop.get(1, PAGE).await;
    assert!(woken.body.contains("While it slept"), "{woken:?}");
}
