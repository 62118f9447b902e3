//! The feed endpoint, and leases.

use reqwest::StatusCode;
use vitrine_load_tests::stack::TestStack;
use vitrine_origin::{outbox, relay};
use vitrine_shared::epoch::Epoch;
use vitrine_shared::feed::MAX_BATCH;
use vitrine_shared::tag::Tag;

use crate::shop::{Shop, event, until};

#[tokio::test]
async fn history_is_read_in_pages_of_one_batch() {
    let stack = TestStack::start().await.unwrap();
    let shop = Shop::start(&stack).await;
    let mut tx = shop.state.pool.begin().await.unwrap();
    for number in 0..=MAX_BATCH {
        outbox::write(&mut tx, &event(&format!("prod_{number}"))).await.unwrap();
    }
    tx.commit().await.unwrap();
    let newest = Epoch::new(1, MAX_BATCH as u64 + 1);
    shop.applied(newest).await;
    let first = shop.page(Epoch::new(1, 0), 0).await;
    assert_eq!(first.position, newest);
    assert_eq!(first.batches[0].purges.len(), MAX_BATCH);
    let second = shop.page(first.batches[0].last(), 0).await;
    assert_eq!(second.batches[0].last(), newest);
    assert_eq!(second.batches[0].purges.len(), 1);
    assert!(second.batches[0].purges[0].tags.contains(&Tag::product(&format!("prod_{MAX_BATCH}"))));
    assert_eq!(shop.page(newest, 0).await.batches, []);
    shop.stop().await;
}

#[tokio::test]
async fn past_the_history_or_in_a_new_term_a_member_takes_the_position() {
    let stack = TestStack::start().await.unwrap();
    let shop = Shop::start(&stack).await;
    for product in ["prod_1", "prod_2", "prod_3"] {
        shop.write(product).await;
    }
    let newest = Epoch::new(1, 3);
    shop.applied(newest).await;
    let mut config = shop.state.config.feed.clone();
    config.history_hours = 0;
    config.history_rows = 1;
    let mut connection = shop.state.pool.acquire().await.unwrap();
    assert_eq!(relay::prune(&mut connection, &config).await.unwrap(), 2);
    let page = async |after| vitrine_origin::outbox::page(&shop.state.pool, after).await.unwrap();
    assert_eq!(page(Epoch::new(1, 1)).await.take_position, Some(newest));
    let kept = page(Epoch::new(1, 2)).await;
    assert_eq!((kept.take_position, kept.batches.len()), (None, 1));
    // Who numbered them knows them still.
    let known = shop.page(Epoch::new(1, 1), 0).await;
    assert_eq!((known.take_position, known.batches[0].purges.len()), (None, 2));

    sqlx::query("UPDATE feed_position SET term = 2").execute(&shop.state.pool).await.unwrap();
    let later = Epoch::new(2, 3);
    shop.applied(later).await;
    assert_eq!(shop.page(newest, 0).await.take_position, Some(later));
    assert_eq!(shop.state.live.floor(), later);
    let token = shop.state.config.feed.internal_token.expose().to_owned();
    let answer = shop.raw_page(Epoch::new(3, 1), &token).await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    shop.stop().await;
}

#[tokio::test]
async fn a_waiting_reader_is_answered_when_something_is_numbered() {
    let stack = TestStack::start().await.unwrap();
    let shop = Shop::start(&stack).await;
    shop.follows().await;
    let start = shop.position().await;
    let (page, _) = tokio::join!(shop.page(start, 60_000), shop.write("prod_1"));
    assert_eq!(page.batches[0].last(), Epoch::new(1, 1));
    shop.stop().await;
}

#[tokio::test]
async fn strangers_learn_nothing() {
    let stack = TestStack::start().await.unwrap();
    let shop = Shop::start(&stack).await;
    for token in ["", "wrong"] {
        assert_eq!(shop.raw_page(Epoch::ZERO, token).await.status(), StatusCode::UNAUTHORIZED);
    }
    let url = format!("{}/v1/feed", shop.public);
    assert_eq!(reqwest::get(url).await.unwrap().status(), StatusCode::NOT_FOUND);
    shop.stop().await;
}

#[tokio::test]
async fn a_lease_is_for_members_that_have_applied_all() {
    let stack = TestStack::start().await.unwrap();
    let shop = Shop::start(&stack).await;
    shop.write("prod_1").await;
    let newest = Epoch::new(1, 1);
    shop.applied(newest).await;

    let behind = shop.report("edge_1", Epoch::new(1, 0)).await;
    assert_eq!((behind.lease_ms, behind.position), (None, newest), "new and behind");
    let current = shop.report("edge_1", newest).await;
    assert_eq!(current.lease_ms, Some(shop.state.config.feed.lease_ms));

    shop.write("prod_2").await;
    shop.applied(Epoch::new(1, 2)).await;
    let lagging = shop.report("edge_1", newest).await;
    assert!(lagging.lease_ms.is_some(), "one with a lease may be behind for a while");
    shop.stop().await;
}

#[tokio::test]
async fn a_member_that_knows_what_postgres_never_numbered_begins_a_new_term() {
    let stack = TestStack::start().await.unwrap();
    let shop = Shop::start(&stack).await;
    shop.write("prod_1").await;
    shop.applied(Epoch::new(1, 1)).await;
    // Postgres was restored from a copy of its files, which tells nobody.
    shop.report("edge_1", Epoch::new(1, 9)).await;
    until("a new term begins", async || shop.position().await.term > 1).await;
    let term = shop.position().await;
    assert_eq!(term.seq, 1);
    shop.applied(term).await;
    assert_eq!(shop.page(Epoch::new(1, 9), 0).await.take_position, Some(term));
    until("the ledger stands in the new term", async || shop.state.books.trail(term).numbered_before_ms.is_some())
        .await;
    assert_eq!(shop.report("edge_1", term).await.lease_ms, Some(shop.state.config.feed.lease_ms));
    shop.stop().await;
}
