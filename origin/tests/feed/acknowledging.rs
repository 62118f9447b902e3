//! A write is acknowledged when every member that may serve from its cache has applied it.

use std::time::Duration;

use vitrine_load_tests::stack::TestStack;
use vitrine_origin::feed::ack::{self, Acknowledgement};
use vitrine_origin::outbox::{self, Receipt};
use vitrine_origin::{AppState, relay};
use vitrine_shared::epoch::Epoch;

use crate::shop::{PATIENCE, Shop, database, until, write};

/// Long enough for everything but the report that the test holds back.
const SHORT: Duration = Duration::from_millis(400);

#[tokio::test]
async fn it_comes_after_the_last_member_has_reported_and_not_before() {
    let stack = TestStack::start().await.unwrap();
    let shop = Shop::start(&stack).await;
    shop.follows().await;
    assert!(shop.report("edge_1", shop.position().await).await.lease_ms.is_some());
    let receipt = shop.write("prod_1").await;
    let epoch = Epoch::new(1, 1);
    let early = ack::wait(&shop.state, &receipt, SHORT).await;
    assert_eq!(early, Acknowledgement::Pending { epoch: Some(epoch) });
    let (acknowledged, _) = tokio::join!(ack::wait(&shop.state, &receipt, PATIENCE), shop.report("edge_1", epoch));
    assert_eq!(acknowledged, Acknowledgement::Acked { epoch, members: 2 });
    shop.stop().await;
}

#[tokio::test]
async fn it_does_not_wait_for_members_that_left_or_whose_lease_ran_out() {
    let stack = TestStack::start().await.unwrap();
    let shop = Shop::start(&stack).await;
    shop.follows().await;
    let start = shop.position().await;
    shop.report("edge_left", start).await;
    shop.report("edge_gone", start).await;
    shop.leave("edge_left").await;
    let receipt = shop.write("prod_1").await;
    assert!(matches!(ack::wait(&shop.state, &receipt, SHORT).await, Acknowledgement::Pending { .. }));
    // Its own lease runs out, and the write is acknowledged without a word from it.
    let acknowledged = ack::wait(&shop.state, &receipt, PATIENCE).await;
    assert_eq!(acknowledged, Acknowledgement::Acked { epoch: Epoch::new(1, 1), members: 1 });
    assert_eq!(shop.report("edge_gone", start).await.lease_ms, None);
    shop.stop().await;
}

#[tokio::test]
async fn members_that_report_to_another_process_count() {
    let stack = TestStack::start().await.unwrap();
    let one = Shop::start(&stack).await;
    let other = Shop::start(&stack).await;
    one.follows().await;
    other.follows().await;
    other.report("edge_1", other.position().await).await;
    let receipt = one.write("prod_1").await;
    let epoch = Epoch::new(1, 1);
    let (acknowledged, _) = tokio::join!(ack::wait(&one.state, &receipt, PATIENCE), other.report("edge_1", epoch));
    assert_eq!(acknowledged, Acknowledgement::Acked { epoch, members: 3 });
    other.stop().await;
    one.stop().await;
}

/// Waits until a statement with these words waits for a row's lock in this database.
async fn until_blocked(shop: &Shop, words: &str) {
    let blocked = "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database()
                   AND wait_event_type = 'Lock' AND query LIKE '%' || $1 || '%')";
    until(words, async || sqlx::query_scalar(blocked).bind(words).fetch_one(&shop.state.pool).await.unwrap()).await;
}

#[tokio::test]
async fn a_renewal_under_way_counts_although_the_lease_seemed_to_have_run_out() {
    let stack = TestStack::start().await.unwrap();
    let shop = Shop::start(&stack).await;
    shop.follows().await;
    shop.report("edge_1", shop.position().await).await;
    let receipt = shop.write("prod_1").await;
    let epoch = Epoch::new(1, 1);
    shop.applied(epoch).await;
    let lapse = "UPDATE member SET seen_at = seen_at - interval '1 minute' WHERE id = 'edge_1'";
    sqlx::query(lapse).execute(&shop.state.pool).await.unwrap();
    let mut renewal = shop.state.pool.begin().await.unwrap();
    let renew = "UPDATE member SET seen_at = clock_timestamp() + interval '1 minute' WHERE id = 'edge_1'";
    sqlx::query(renew).execute(&mut *renewal).await.unwrap();
    let waiting = ack::wait(&shop.state, &receipt, PATIENCE);
    let renewing = async {
        until_blocked(&shop, "FOR SHARE").await;
        renewal.commit().await.unwrap();
        shop.report("edge_1", epoch).await
    };
    let (acknowledged, _) = tokio::join!(waiting, renewing);
    assert_eq!(acknowledged, Acknowledgement::Acked { epoch, members: 2 });
    shop.stop().await;
}

#[tokio::test]
async fn a_new_member_gets_no_lease_for_a_position_that_is_just_being_left() {
    let stack = TestStack::start().await.unwrap();
    let shop = Shop::start(&stack).await;
    shop.follows().await;
    let start = shop.position().await;
    let mut numbering = shop.state.pool.begin().await.unwrap();
    sqlx::query("UPDATE feed_position SET seq = seq + 1").execute(&mut *numbering).await.unwrap();
    let finishing = async {
        until_blocked(&shop, "FROM feed_position FOR SHARE").await;
        numbering.commit().await.unwrap();
    };
    let (renewal, ()) = tokio::join!(shop.report("edge_1", start), finishing);
    assert_eq!((renewal.lease_ms, renewal.position), (None, Epoch::new(1, 1)));
    shop.stop().await;
}

#[tokio::test]
async fn in_a_new_term_nothing_is_acknowledged_until_the_leases_of_the_old_one_have_run_out() {
    let stack = TestStack::start().await.unwrap();
    let shop = Shop::start(&stack).await;
    shop.follows().await;
    sqlx::query("UPDATE feed_position SET term = 2").execute(&shop.state.pool).await.unwrap();
    let receipt = shop.write("prod_1").await;
    let epoch = Epoch::new(2, 1);
    shop.applied(epoch).await;
    let early = ack::wait(&shop.state, &receipt, SHORT).await;
    assert_eq!(early, Acknowledgement::Pending { epoch: Some(epoch) });
    let acknowledged = ack::wait(&shop.state, &receipt, PATIENCE).await;
    assert_eq!(acknowledged, Acknowledgement::Acked { epoch, members: 1 });
    shop.stop().await;
}

#[tokio::test]
async fn a_write_that_changed_nothing_waits_for_what_others_had_committed() {
    let stack = TestStack::start().await.unwrap();
    let (config, pool) = database(&stack).await;
    // Without its tasks this process hears of nothing, and no relay runs.
    let state = AppState::new(config).unwrap();
    let other = write(&pool, "prod_1").await;
    let nothing = Receipt::default();
    assert_eq!(ack::wait(&state, &nothing, SHORT).await, Acknowledgement::Pending { epoch: None });
    relay::number(&mut pool.acquire().await.unwrap()).await.unwrap().unwrap();
    let epoch = Epoch::new(1, 1);
    assert_eq!(ack::wait(&state, &nothing, PATIENCE).await, Acknowledgement::Acked { epoch, members: 0 });
    // What was pruned had a number, though nobody can tell which.
    sqlx::query("DELETE FROM outbox").execute(&pool).await.unwrap();
    assert_eq!(outbox::resolve(&pool, &other).await.unwrap(), Some(epoch));
}
