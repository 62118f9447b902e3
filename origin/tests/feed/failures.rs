//! What the origin does while something that it needs is gone.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::Value;
use vitrine_load_tests::stack::TestStack;
use vitrine_origin::feed::ack;
use vitrine_shared::epoch::Epoch;

use crate::shop::{PATIENCE, Shop, acked, config, database, until, write};

/// Well above the pool's acquire timeout, well below what a client would wait.
const QUICKLY: Duration = Duration::from_secs(5);

#[tokio::test]
async fn without_postgres_it_says_503_at_once_and_it_comes_back_by_itself() {
    let mut stack = TestStack::start_private().await.unwrap();
    database(&stack).await;
    let shop = Shop::with(config(&stack)).await;
    shop.follows().await;
    write(&database(&stack).await.1, "prod_1").await;
    shop.applied(Epoch::new(1, 1)).await;
    stack.postgres().unwrap().stop_hard();
    let token = shop.state.config.feed.internal_token.expose().to_owned();
    let asked = Instant::now();
    let answer = shop.raw_page(Epoch::ZERO, &token).await;
    assert!(asked.elapsed() < QUICKLY, "{:?}", asked.elapsed());
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.json::<Value>().await.unwrap()["type"], "unavailable");
    let ready = reqwest::get(format!("{}/health/ready", shop.public)).await.unwrap();
    assert_eq!(ready.status(), StatusCode::SERVICE_UNAVAILABLE);
    let live = reqwest::get(format!("{}/health/live", shop.public)).await.unwrap();
    assert_eq!(live.status(), StatusCode::OK);
    until("the own lease ends", async || !shop.state.lease.holds()).await;

    stack.postgres().unwrap().restart().await.unwrap();
    until("it is ready again", async || {
        reqwest::get(format!("{}/health/ready", shop.public)).await.unwrap().status() == StatusCode::OK
    })
    .await;
    let receipt = write(&database(&stack).await.1, "prod_2").await;
    let acknowledged = ack::wait(&shop.state, &receipt, PATIENCE).await;
    assert_eq!(acknowledged, acked(Epoch::new(1, 2), 1, &[]));
    shop.stop().await;
}

#[tokio::test]
async fn without_redis_writes_are_acknowledged_all_the_same() {
    let mut stack = TestStack::start().await.unwrap();
    let shop = Shop::start(&stack).await;
    shop.follows().await;
    stack.redis.stop_hard();
    let receipt = shop.write("prod_1").await;
    let acknowledged = ack::wait(&shop.state, &receipt, PATIENCE).await;
    assert_eq!(acknowledged, acked(Epoch::new(1, 1), 1, &[]));
    shop.stop().await;
}

#[tokio::test]
async fn metrics_are_on_the_internal_port_alone() {
    let stack = TestStack::start().await.unwrap();
    let shop = Shop::start(&stack).await;
    shop.write("prod_1").await;
    shop.applied(Epoch::new(1, 1)).await;
    let text = reqwest::get(format!("{}/metrics", shop.internal)).await.unwrap().text().await.unwrap();
    assert!(text.contains("vitrine_origin_outbox_unnumbered 0"), "{text}");
    assert!(text.contains("vitrine_origin_relay_numbered_seconds_count 1"), "{text}");
    let public = reqwest::get(format!("{}/metrics", shop.public)).await.unwrap();
    assert_eq!(public.status(), StatusCode::NOT_FOUND);
    shop.stop().await;
}
