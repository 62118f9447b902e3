//! Committed rows get gap-free numbers, whatever the order of their commits.

use std::collections::BTreeSet;

use sqlx::PgPool;
use vitrine_load_tests::stack::TestStack;
use vitrine_origin::{outbox, relay};
use vitrine_shared::epoch::Epoch;

use crate::shop::{Shop, database, event, numbers, until, write};

async fn number(pool: &PgPool) -> Option<Epoch> {
    let mut connection = pool.acquire().await.unwrap();
    let round = relay::number(&mut connection).await.unwrap();
    (!round.rows.is_empty()).then_some(round.newest)
}

#[tokio::test]
async fn a_row_that_commits_after_a_later_one_is_numbered_and_not_lost() {
    let stack = TestStack::start().await.unwrap();
    let (_, pool) = database(&stack).await;
    let mut slow = pool.begin().await.unwrap();
    outbox::write(&mut slow, &event("prod_slow")).await.unwrap();
    write(&pool, "prod_quick").await;
    assert_eq!(number(&pool).await, Some(Epoch::new(1, 1)));
    assert_eq!(number(&pool).await, None);
    slow.commit().await.unwrap();
    assert_eq!(number(&pool).await, Some(Epoch::new(1, 2)));
    assert_eq!(numbers(&pool).await, [Some(2), Some(1)]);
}

#[tokio::test]
async fn a_transaction_that_is_rolled_back_leaves_no_event() {
    let stack = TestStack::start().await.unwrap();
    let (_, pool) = database(&stack).await;
    let mut tx = pool.begin().await.unwrap();
    outbox::write(&mut tx, &event("prod_1")).await.unwrap();
    tx.rollback().await.unwrap();
    assert_eq!(numbers(&pool).await, []);
    assert_eq!(number(&pool).await, None);
}

#[tokio::test]
async fn a_write_is_resolved_when_all_its_events_have_a_number() {
    let stack = TestStack::start().await.unwrap();
    let (_, pool) = database(&stack).await;
    let mut receipt = write(&pool, "prod_1").await;
    assert_eq!(outbox::resolve(&pool, &receipt).await.unwrap(), None);
    number(&pool).await;
    assert_eq!(outbox::resolve(&pool, &receipt).await.unwrap(), Some(Epoch::new(1, 1)));
    let second = write(&pool, "prod_2").await;
    second.tickets().iter().for_each(|&ticket| receipt.add(ticket));
    assert_eq!(outbox::resolve(&pool, &receipt).await.unwrap(), None);
}

#[tokio::test]
async fn concurrent_writers_leave_no_gap_and_each_process_applies_all() {
    const WRITERS: usize = 6;
    const WRITES: usize = 20;
    let stack = TestStack::start().await.unwrap();
    let shop = Shop::start(&stack).await;
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let pool = shop.state.pool.clone();
            tokio::spawn(async move {
                for turn in 0..WRITES {
                    write(&pool, &format!("prod_{writer}_{turn}")).await;
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let all = i64::try_from(WRITERS * WRITES).unwrap();
    shop.applied(Epoch::new(1, u64::try_from(all).unwrap())).await;
    let numbers: BTreeSet<i64> = numbers(&shop.state.pool).await.into_iter().flatten().collect();
    assert_eq!(numbers, (1..=all).collect());
    shop.stop().await;
}

#[tokio::test]
async fn two_relays_at_once_give_each_row_one_number_without_a_gap() {
    const WRITES: i64 = 60;
    let stack = TestStack::start().await.unwrap();
    let (_, pool) = database(&stack).await;
    let writers: Vec<_> = (0..WRITES)
        .map(|turn| {
            let pool = pool.clone();
            tokio::spawn(async move { write(&pool, &format!("prod_{turn}")).await })
        })
        .collect();
    let relays: Vec<_> = (0..2)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move {
                let mut connection = pool.acquire().await.unwrap();
                let mut mine = BTreeSet::new();
                while relay::number(&mut connection)
                    .await
                    .map(|round| {
                        mine.extend(round.rows.iter().map(|row| row.purge.seq));
                        round.newest.seq < WRITES.cast_unsigned()
                    })
                    .unwrap()
                {}
                mine
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let mut told = Vec::new();
    for relay in relays {
        told.extend(relay.await.unwrap());
    }
    told.sort_unstable();
    assert_eq!(told, (1..=WRITES.cast_unsigned()).collect::<Vec<_>>(), "each number is told by one relay");
    let numbers: BTreeSet<i64> = numbers(&pool).await.into_iter().flatten().collect();
    assert_eq!(numbers, (1..=WRITES).collect());
}

#[tokio::test]
async fn a_second_process_takes_over_when_the_relay_stops() {
    let stack = TestStack::start().await.unwrap();
    let first = Shop::start(&stack).await;
    until("the first process leads", async || first.state.metrics.relay.leads.get() == 1).await;
    let second = Shop::start(&stack).await;
    second.follows().await;
    assert_eq!(second.state.metrics.relay.leads.get(), 0);
    first.write("prod_1").await;
    second.applied(Epoch::new(1, 1)).await;
    first.stop().await;
    second.write("prod_2").await;
    second.applied(Epoch::new(1, 2)).await;
    assert_eq!(second.state.metrics.relay.leads.get(), 1);
    second.stop().await;
}

#[tokio::test]
async fn the_relay_leads_again_after_its_connection_was_cut() {
    let stack = TestStack::start().await.unwrap();
    let shop = Shop::start(&stack).await;
    until("the process leads", async || shop.state.metrics.relay.leads.get() == 1).await;
    let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
               WHERE application_name IN ('vitrine-relay', 'vitrine-hints') AND datname = current_database()";
    let ended: i64 = sqlx::query_scalar(cut).fetch_one(&shop.state.pool).await.unwrap();
    assert_eq!(ended, 2);
    shop.write("prod_1").await;
    shop.applied(Epoch::new(1, 1)).await;
    shop.stop().await;
}
