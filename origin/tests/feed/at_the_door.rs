//! What every request passes: CORS, limits, request ids, unknown routes.

use reqwest::{Client, StatusCode};
use serde_json::Value;
use vitrine_load_tests::stack::TestStack;

use crate::shop::Shop;

#[tokio::test]
async fn browsers_of_known_sites_may_call_and_others_may_not() {
    let stack = TestStack::start().await.unwrap();
    let shop = Shop::start(&stack).await;
    let preflight = async |path: &str, origin: &str| {
        Client::new()
            .request(reqwest::Method::OPTIONS, format!("{}{path}", shop.public))
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "content-type,x-publishable-api-key")
            .send()
            .await
            .unwrap()
    };
    let storefront = preflight("/auth/user/emailpass", "http://localhost:8000").await;
    assert_eq!(storefront.headers()["access-control-allow-origin"], "http://localhost:8000");
    assert_eq!(storefront.headers()["access-control-allow-credentials"], "true");
    assert_eq!(storefront.headers()["access-control-allow-headers"], "content-type,x-publishable-api-key");
    let dashboard = preflight("/auth/user/emailpass", "http://localhost:5173").await;
    assert_eq!(dashboard.headers()["access-control-allow-origin"], "http://localhost:5173");
    let stranger = preflight("/auth/user/emailpass", "http://evil.example").await;
    assert!(!stranger.headers().contains_key("access-control-allow-origin"));
    shop.stop().await;
}

#[tokio::test]
async fn an_unknown_route_is_answered_as_express_does() {
    let stack = TestStack::start().await.unwrap();
    let shop = Shop::start(&stack).await;
    let answer = Client::new()
        .get(format!("{}/nope/<script>", shop.public))
        .header("x-request-id", "from-the-edge")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    assert_eq!(answer.headers()["content-type"], "text/html; charset=utf-8");
    assert_eq!(answer.headers()["x-request-id"], "from-the-edge");
    let html = answer.text().await.unwrap();
    assert!(html.contains("<pre>Cannot GET /nope/"), "{html}");
    assert!(!html.contains("<script>"), "{html}");
    shop.stop().await;
}

#[tokio::test]
async fn a_body_that_is_too_long_is_refused() {
    let stack = TestStack::start().await.unwrap();
    let shop = Shop::start(&stack).await;
    let body = "x".repeat(shop.state.config.http.max_body_bytes + 1);
    let answer = Client::new().post(format!("{}/auth/user/emailpass", shop.public)).body(body).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(answer.json::<Value>().await.unwrap()["type"], "payload_too_large");
    shop.stop().await;
}
