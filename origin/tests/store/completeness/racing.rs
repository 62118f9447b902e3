//! Writers at once, whose transactions overlap: what was answered meanwhile is as it is at the end, or was purged after it
//! was asked. A change that each of two writers believes to be harmless, since neither sees the other's, would be found here.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use rand::seq::IndexedRandom as _;
use sqlx::AssertSqlSafe;
use vitrine_origin::{outbox, relay};
use vitrine_shared::tag::Tag;

use super::{Answer, Shop, mutations, requests};

/// Transactions that run at once.
const WRITERS: usize = 4;
/// How long they write.
const SECONDS: u64 = 3;

/// An answer that an edge would keep.
struct Kept {
    ask: usize,
    /// The number up to which purges were applied before it was asked.
    stamp: u64,
    answer: Answer,
}

/// The rows that decide who sees which product where: the others purge the one product that they are of.
fn is_of_interest(sql: &str) -> bool {
    const TABLES: [&str; 13] = [
        "product ",
        "product_tags ",
        "product_category_product ",
        "product_sales_channel ",
        "product_category ",
        "product_collection ",
        "product_type ",
        "product_tag ",
        "sales_channel ",
        "publishable_api_key_sales_channel ",
        "product_option_value ",
        "price_list ",
        "product_variant ",
    ];
    TABLES.iter().any(|table| ["UPDATE", "INTO", "FROM"].iter().any(|verb| sql.contains(&format!("{verb} {table}"))))
        && ["status", "deleted_at", "_id", "is_internal", "is_active", "handle"]
            .iter()
            .any(|column| sql.contains(column))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_that_do_not_see_each_other_hide_nothing() {
    let shop = Shop::start().await;
    let asks = requests::all();
    let statements: Vec<String> = mutations::all(&shop.owner)
        .await
        .into_iter()
        .flatten()
        .flat_map(|mutation| [mutation.sql, mutation.undo])
        .filter(|sql| is_of_interest(sql))
        .collect();
    let seconds = std::env::var("VITRINE_RACE_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(SECONDS);
    let end = Instant::now() + Duration::from_secs(seconds);
    let writers: Vec<_> = (0..WRITERS)
        .map(|_| {
            let (pool, statements) = (shop.owner.clone(), statements.clone());
            tokio::spawn(async move {
                let mut commits = 0;
                while Instant::now() < end {
                    let mut tx = pool.begin().await.unwrap();
                    let mut refused = false;
                    for _ in 0..2 {
                        let sql = statements.choose(&mut rand::rng()).unwrap().clone();
                        // Refused where another writer was first, or in a circle with it.
                        refused |= sqlx::query(AssertSqlSafe(sql)).execute(&mut *tx).await.is_err();
                        if refused {
                            break;
                        }
                    }
                    commits += u64::from(!refused && tx.commit().await.is_ok());
                }
                commits
            })
        })
        .collect();
    let mut connection = shop.owner.acquire().await.unwrap();
    let mut kept = Vec::new();
    while Instant::now() < end {
        while relay::number(&mut connection).await.unwrap().is_some() {}
        let stamp = outbox::position(&shop.owner).await.unwrap().newest.seq;
        let some: Vec<usize> = (0..12).map(|_| rand::random_range(0..asks.len())).collect();
        let asked: Vec<requests::Ask> = some.iter().map(|ask| asks[*ask].clone()).collect();
        let answers = shop.answers(&asked).await;
        kept.extend(some.into_iter().zip(answers).map(|(ask, answer)| Kept { ask, stamp, answer }));
    }
    let mut commits = 0;
    for writer in writers {
        commits += writer.await.unwrap();
    }
    while relay::number(&mut connection).await.unwrap().is_some() {}
    let mut purges: Vec<(u64, BTreeSet<Tag>, bool)> = Vec::new();
    loop {
        let after = purges.last().map_or(0, |(seq, _, _)| *seq);
        let (_, rows) = outbox::purges_after(&shop.owner, after).await.unwrap();
        if rows.is_empty() {
            break;
        }
        purges.extend(
            rows.into_iter().map(|row| (row.epoch.seq, row.purge.tags.into_iter().collect(), row.purge.everything)),
        );
    }
    let last = shop.answers(&asks).await;
    let (mut stale, mut changed) = (Vec::new(), 0);
    for Kept { ask, stamp, answer } in &kept {
        let now = &last[*ask];
        if (answer.status, &answer.body) == (now.status, &now.body) || answer.tags.is_empty() {
            continue;
        }
        changed += 1;
        let later = purges.iter().rev().take_while(|(seq, _, _)| seq > stamp);
        if !later.clone().any(|(_, tags, everything)| *everything || !tags.is_disjoint(&answer.tags)) {
            let text = format!(
                "{} ({}) of {stamp}: {:?}\n  was {}\n  is {}",
                asks[*ask].path, asks[*ask].key, answer.tags, answer.body, now.body
            );
            stale.push(text);
        }
    }
    println!(
        "{commits} transactions, {} purges, {} answers kept, {changed} of them changed later",
        purges.len(),
        kept.len()
    );
    let end = format!("DROP OWNED BY {0}; DROP ROLE {0}", shop.role);
    sqlx::raw_sql(AssertSqlSafe(end)).execute(&shop.owner).await.unwrap();
    assert!(stale.is_empty(), "{} stale answers:\n{}", stale.len(), stale.join("\n"));
    assert!(commits > 0 && changed > 0, "it proves nothing");
}
