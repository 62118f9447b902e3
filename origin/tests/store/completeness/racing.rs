//! Two writers whose transactions overlap: what is answered after the first commit and before the second is purged by the
//! second, where that changes it. A change that each of them believes to be harmless, since neither sees the other's, would
//! be found here. By barriers: no order is left to chance.

use std::time::Duration;

use sqlx::{AssertSqlSafe, PgConnection, PgPool};
use tokio::sync::oneshot;
use vitrine_load_tests::stack::wait_until;

use super::mutations::{self, Mutation};
use super::requests::{self, Ask};
use super::{Purged, Shop, Tally};

/// One pair in so many is tried where not all are.
const SAMPLE: usize = 31;
/// Longest that a statement may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// What decides who sees the first product where: beginnings of the statements.
const DECIDING: [&str; 12] = [
    "UPDATE product SET status = 'draft'",
    "UPDATE product SET deleted_at = now()",
    "UPDATE product SET type_id = NULL",
    "UPDATE product SET collection_id = NULL",
    "DELETE FROM product_tags ",
    "DELETE FROM product_category_product ",
    "DELETE FROM product_sales_channel ",
    "UPDATE product_type SET deleted_at = now()",
    "UPDATE product_tag SET deleted_at = now()",
    "UPDATE product_category SET deleted_at = now()",
    "UPDATE sales_channel SET deleted_at = now()",
    "DELETE FROM publishable_api_key_sales_channel ",
];

/// A statement, and what comes before and after it so that all is as it was.
struct Step<'m> {
    prepare: Option<&'m str>,
    sql: &'m str,
    tidy: Option<&'m str>,
}

fn steps(mutation: &Mutation) -> [Step<'_>; 2] {
    let (sql, undo) = (mutation.sql.as_str(), mutation.undo.as_str());
    [Step { prepare: None, sql, tidy: Some(undo) }, Step { prepare: Some(sql), sql: undo, tidy: None }]
}

async fn execute(connection: &mut PgConnection, sql: &str) {
    if let Err(error) = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(connection).await {
        panic!("{sql}: {error}");
    }
}

/// A transaction that has done its statement, or waits for another's end to do it. It commits when it is told.
async fn begin(pool: &PgPool, sql: &str) -> (oneshot::Sender<()>, tokio::task::JoinHandle<()>) {
    let ((commit, told), (started, pid)) = (oneshot::channel(), oneshot::channel());
    let (owner, sql) = (pool.clone(), sql.to_owned());
    let task = tokio::spawn(async move {
        let mut tx = owner.begin().await.unwrap();
        let pid: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut *tx).await.unwrap();
        started.send(pid).unwrap();
        execute(&mut tx, &sql).await;
        told.await.unwrap();
        tx.commit().await.unwrap();
    });
    let pid = pid.await.unwrap();
    // Idle within its transaction, and past its first statement: the statement is done.
    let stands = "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE pid = $1 AND NOT granted) OR EXISTS (SELECT 1 FROM
        pg_stat_activity WHERE pid = $1 AND state = 'idle in transaction' AND query NOT LIKE 'SELECT pg_backend_pid%')";
    let holds = async || sqlx::query_scalar::<_, bool>(stands).bind(pid).fetch_one(pool).await.unwrap();
    wait_until("the statement is done, or waits", PATIENCE, holds).await.unwrap();
    (commit, task)
}

async fn race(shop: &Shop, asks: &[Ask], first: &Step<'_>, second: &Step<'_>, tally: &mut Tally) {
    let mut connection = shop.owner.acquire().await.unwrap();
    for sql in [first.prepare, second.prepare].into_iter().flatten() {
        execute(&mut connection, sql).await;
    }
    let (commit_first, ends_first) = begin(&shop.owner, first.sql).await;
    let (commit_second, ends_second) = begin(&shop.owner, second.sql).await;
    commit_first.send(()).unwrap();
    ends_first.await.unwrap();
    // Numbered and applied: what is answered from here on is purged by the second's events alone.
    let known: Vec<i64> = sqlx::query_scalar("SELECT id FROM outbox").fetch_all(&shop.owner).await.unwrap();
    let between = shop.answers(asks).await;
    commit_second.send(()).unwrap();
    ends_second.await.unwrap();
    let after = shop.answers(asks).await;
    let purged = shop.purged_but(&known).await;
    tally.add(&format!("{}\n  then {}", first.sql, second.sql), asks, &between, &after, &purged);
    for sql in [second.tidy, first.tidy].into_iter().flatten() {
        execute(&mut connection, sql).await;
    }
}

#[tokio::test]
async fn writers_that_do_not_see_each_other_hide_nothing() {
    let shop = Shop::start().await;
    let lists = |ask: &Ask| ask.path.starts_with("products") || ask.path.contains("*products");
    let asks: Vec<Ask> = requests::all().into_iter().filter(lists).collect();
    let wanted = std::env::var("VITRINE_ALL_TAGS").ok();
    let all: Vec<Mutation> = mutations::all(&shop.owner).await.into_iter().flatten().collect();
    // The first of each beginning is that of the first product, or of what that one is in.
    let deciding = DECIDING.map(|begins| all.iter().find(|mutation| mutation.sql.starts_with(begins)).expect(begins));
    let mut tally = Tally::default();
    let (mut index, mut raced) = (0, 0);
    for one in deciding {
        for other in deciding.iter().filter(|other| !std::ptr::eq(**other, one)) {
            for (first, second) in steps(one).iter().flat_map(|first| steps(other).map(|second| (first, second))) {
                index += 1;
                let is_tried = wanted
                    .as_ref()
                    .map_or(index % SAMPLE == 0, |text| text == "all" || first.sql.contains(text.as_str()));
                if is_tried {
                    raced += 1;
                    race(&shop, &asks, first, &second, &mut tally).await;
                }
            }
        }
    }
    println!("{raced} of {index} pairs: {} answers changed, {} were purged", tally.changed, tally.purged);
    shop.end().await;
    assert!(tally.holes.is_empty(), "{} holes:\n{}", tally.holes.len(), tally.holes.join("\n"));
    assert!(tally.changed > 0, "it proves nothing");
}

impl Shop {
    /// What rows purge that are not among these.
    async fn purged_but(&self, known: &[i64]) -> Purged {
        self.purged("SELECT event, everything FROM outbox WHERE due_at IS NULL AND NOT id = ANY($1)", known).await
    }
}
