//! The Redis stream holds what was numbered, in order, whatever happens to the relay or to Redis.

use redis::AsyncCommands as _;
use redis::streams::StreamRangeReply;
use sqlx::PgPool;
use vitrine_load_tests::stack::TestStack;
use vitrine_origin::metrics::Metrics;
use vitrine_origin::{AppState, relay};
use vitrine_shared::epoch::Epoch;
use vitrine_shared::feed::{Batch, STREAM_FIELD, STREAM_KEY};

use crate::shop::{Shop, database, until, write};

/// The stream's batches, oldest first.
async fn batches(state: &AppState) -> Vec<Batch> {
    let mut redis = state.redis.clone().unwrap();
    let reply: StreamRangeReply = redis.xrange_all(STREAM_KEY).await.unwrap();
    let entries = reply.ids.iter().map(|entry| (entry.id.clone(), entry.get::<String>(STREAM_FIELD).unwrap()));
    entries
        .map(|(id, json)| {
            let batch: Batch = serde_json::from_str(&json).unwrap();
            assert_eq!(batch.stream_id(), id);
            batch
        })
        .collect()
}

async fn number(pool: &PgPool) {
    let mut connection = pool.acquire().await.unwrap();
    assert!(!relay::number(&mut connection).await.unwrap().rows.is_empty());
}

async fn publish(state: &AppState) -> Option<Epoch> {
    let mut redis = state.redis.clone().unwrap();
    relay::publish(&state.pool, &state.recent, &mut redis, None, 1_000, &Metrics::new().unwrap().relay).await.unwrap()
}

#[tokio::test]
async fn what_a_killed_relay_numbered_the_next_one_publishes() {
    let stack = TestStack::start().await.unwrap();
    let (config, pool) = database(&stack).await;
    let state = AppState::new(config).unwrap();
    write(&pool, "prod_1").await;
    number(&pool).await;
    assert_eq!(publish(&state).await, Some(Epoch::new(1, 1)));
    // The relay is killed here: two more are numbered and not published.
    write(&pool, "prod_2").await;
    number(&pool).await;
    write(&pool, "prod_3").await;
    number(&pool).await;
    assert_eq!(publish(&state).await, Some(Epoch::new(1, 3)));
    // Published again by a relay that did not hear Redis's reply: nothing is added.
    assert_eq!(publish(&state).await, Some(Epoch::new(1, 3)));
    let found = batches(&state).await;
    let ends: Vec<(u64, Epoch)> = found.iter().map(|batch| (batch.first, batch.last())).collect();
    assert_eq!(ends, [(1, Epoch::new(1, 1)), (2, Epoch::new(1, 3))]);
}

#[tokio::test]
async fn a_wiped_redis_gets_a_new_stream_and_the_endpoint_has_the_rest() {
    let stack = TestStack::start().await.unwrap();
    let shop = Shop::start(&stack).await;
    for product in ["prod_1", "prod_2"] {
        shop.write(product).await;
    }
    until("both are published", async || batches(&shop.state).await.last().is_some_and(|last| last.last().seq == 2))
        .await;
    let mut redis = shop.state.redis.clone().unwrap();
    let _: () = redis::cmd("FLUSHALL").query_async(&mut redis).await.unwrap();
    shop.write("prod_3").await;
    until("the stream begins anew", async || {
        batches(&shop.state).await.last().is_some_and(|last| last.last().seq == 3)
    })
    .await;
    let first = batches(&shop.state).await.remove(0);
    assert_eq!(first.prev, Epoch::new(1, first.first - 1), "a reader sees what it missed");
    let page = shop.page(Epoch::new(1, 0), 0).await;
    assert_eq!(page.take_position, None);
    assert_eq!(page.batches.iter().flat_map(|batch| &batch.purges).count(), 3);
    shop.stop().await;
}

#[tokio::test]
async fn a_stream_from_another_database_is_replaced() {
    let stack = TestStack::start().await.unwrap();
    let (config, pool) = database(&stack).await;
    let state = AppState::new(config).unwrap();
    let mut redis = state.redis.clone().unwrap();
    let _: Option<String> = redis.xadd(STREAM_KEY, "1-500", &[(STREAM_FIELD, "foreign")]).await.unwrap();
    write(&pool, "prod_1").await;
    number(&pool).await;
    assert_eq!(publish(&state).await, Some(Epoch::new(1, 1)));
    assert_eq!(batches(&state).await.len(), 1);
}

#[tokio::test]
async fn without_redis_numbering_and_following_go_on_and_the_stream_is_filled_later() {
    let mut stack = TestStack::start().await.unwrap();
    stack.redis.stop_hard();
    let shop = Shop::start(&stack).await;
    shop.write("prod_1").await;
    shop.write("prod_2").await;
    shop.applied(Epoch::new(1, 2)).await;
    stack.redis.restart().await.unwrap();
    let mut redis = shop.state.redis.clone().unwrap();
    until("the newest purge is published", async || {
        let reply: Result<StreamRangeReply, _> = redis.xrevrange_count(STREAM_KEY, "+", "-", 1).await;
        reply.is_ok_and(|reply| reply.ids.first().is_some_and(|entry| entry.id == "1-2"))
    })
    .await;
    shop.stop().await;
}
