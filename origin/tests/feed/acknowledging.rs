//! A write is acknowledged when every member that may serve from its cache has applied it.

use std::time::Duration;

use vitrine_load_tests::stack::TestStack;
use vitrine_origin::feed::ReportError;
use vitrine_origin::feed::ack::{self, Acknowledgement};
use vitrine_origin::outbox::{self, Receipt};
use vitrine_origin::{AppState, relay};
use vitrine_shared::epoch::Epoch;
use vitrine_shared::feed::{MemberKind, Report};
use vitrine_shared::ledger::Refusal;

use crate::shop::{PATIENCE, Shop, acked, database, until, write};

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
    assert!(
        matches!(&early, Acknowledgement::Pending { epoch: Some(at), waiting_for }
            if *at == epoch && waiting_for.len() == 1 && waiting_for[0].id == "edge_1"),
        "{early:?}"
    );
    let (acknowledged, _) = tokio::join!(ack::wait(&shop.state, &receipt, PATIENCE), shop.report("edge_1", epoch));
    assert_eq!(acknowledged, acked(epoch, 2, &[]));
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
    assert_eq!(acknowledged, acked(Epoch::new(1, 1), 1, &["edge_gone"]));
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
    assert_eq!(acknowledged, acked(epoch, 3, &[]));
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
async fn who_was_replaced_without_knowing_records_nobody() {
    let stack = TestStack::start().await.unwrap();
    let shop = Shop::start(&stack).await;
    shop.follows().await;
    // Another process takes the lead in this moment: it has read the members, and has not committed yet.
    let mut takeover = shop.state.pool.begin().await.unwrap();
    sqlx::query("UPDATE feed_leader SET incarnation = incarnation + 1").execute(&mut *takeover).await.unwrap();
    let report = Report::new(MemberKind::Edge, "edge_1".into(), shop.position().await);
    let finishing = async {
        until_blocked(&shop, "INSERT INTO member").await;
        takeover.commit().await.unwrap();
    };
    let (reported, ()) = tokio::join!(shop.state.books.report(&shop.state.pool, "edge_1", &report), finishing);
    assert!(matches!(reported, Err(ReportError::Refused(Refusal::NotLeading))), "{reported:?}");
    let recorded = "SELECT count(*) FROM member WHERE id = 'edge_1'";
    assert_eq!(sqlx::query_scalar::<_, i64>(recorded).fetch_one(&shop.state.pool).await.unwrap(), 0);
    shop.stop().await;
}

#[tokio::test]
async fn the_next_to_lead_waits_for_those_to_whom_the_last_gave_leases() {
    let stack = TestStack::start().await.unwrap();
    let first = Shop::start(&stack).await;
    first.follows().await;
    first.report("edge_1", first.position().await).await;
    let second = Shop::start(&stack).await;
    second.follows().await;
    assert!(first.state.books.leads() && !second.state.books.leads());
    first.stop().await;
    until("the other leads", async || second.state.books.leads()).await;
    let receipt = second.write("prod_1").await;
    let early = ack::wait(&second.state, &receipt, SHORT).await;
    assert!(
        matches!(&early, Acknowledgement::Pending { waiting_for, .. } if waiting_for.iter().any(|w| w.id == "edge_1")),
        "{early:?}"
    );
    let epoch = Epoch::new(1, 1);
    let (acknowledged, _) = tokio::join!(ack::wait(&second.state, &receipt, PATIENCE), second.report("edge_1", epoch));
    assert_eq!(acknowledged, acked(epoch, 2, &[]));
    second.stop().await;
}

#[tokio::test]
async fn a_lost_session_holds_nothing_up_where_nobody_led_in_between() {
    let stack = TestStack::start().await.unwrap();
    let shop = Shop::start(&stack).await;
    shop.follows().await;
    let kill = "SELECT count(*) FROM (SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND application_name = 'vitrine-relay') AS ended";
    let ended: i64 = sqlx::query_scalar(kill).fetch_one(&shop.state.pool).await.unwrap();
    assert_eq!(ended, 1);
    let receipt = shop.write("prod_1").await;
    // A leader that knew nothing of the leases before would have to wait for 6.5 seconds.
    let acknowledged = ack::wait(&shop.state, &receipt, Duration::from_secs(5)).await;
    assert_eq!(acknowledged, acked(Epoch::new(1, 1), 1, &[]));
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
    assert!(matches!(&early, Acknowledgement::Pending { epoch: Some(at), .. } if *at == epoch), "{early:?}");
    let acknowledged = ack::wait(&shop.state, &receipt, PATIENCE).await;
    assert_eq!(acknowledged, acked(epoch, 1, &[]));
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
    let waiting_for = Vec::new();
    let pending = |epoch| Acknowledgement::Pending { epoch, waiting_for: waiting_for.clone() };
    assert_eq!(ack::wait(&state, &nothing, SHORT).await, pending(None));
    relay::number(&mut pool.acquire().await.unwrap()).await.unwrap();
    let epoch = Epoch::new(1, 1);
    assert_eq!(ack::wait(&state, &nothing, SHORT).await, pending(Some(epoch)));
    // What was pruned had a number, though nobody can tell which.
    sqlx::query("DELETE FROM outbox").execute(&pool).await.unwrap();
    assert_eq!(outbox::resolve(&pool, &other).await.unwrap(), Some(epoch));
}
