//! SQL that is typed by hand: its rows are numbered like any, once they are due.

use std::process::Command;
use std::time::Duration;

use chrono::Utc;
use serde_json::json;
use sqlx::{PgConnection, PgPool};
use vitrine_load_tests::stack::TestStack;
use vitrine_origin::{outbox, relay};
use vitrine_shared::epoch::Epoch;
use vitrine_shared::tag::Tag;

use crate::shop::{Shop, database, numbers, until};

async fn run(pool: &PgPool, sql: &'static str) {
    sqlx::raw_sql(sql).execute(pool).await.unwrap();
}

async fn number(pool: &PgPool) -> Option<Epoch> {
    let mut connection = pool.acquire().await.unwrap();
    let round = relay::number(&mut connection).await.unwrap();
    (!round.rows.is_empty()).then_some(round.newest)
}

/// How long until the next row is due.
async fn next_due(connection: &mut PgConnection) -> Option<Duration> {
    let due = relay::number(connection).await.unwrap().next_due?;
    Some((due - Utc::now()).to_std().unwrap())
}

/// What was purged by the numbered rows after this number, row by row.
async fn purged(pool: &PgPool, after: u64) -> Vec<(Vec<Tag>, bool)> {
    let (_, rows) = outbox::purges_after(pool, after).await.unwrap();
    rows.into_iter().map(|row| (row.purge.tags, row.purge.everything)).collect()
}

#[tokio::test]
async fn what_is_typed_into_psql_is_purged_by_whoever_follows_the_feed() {
    let stack = TestStack::start().await.unwrap();
    let shop = Shop::start(&stack).await;
    shop.follows().await;
    let region = "INSERT INTO region (id, name, currency_code) VALUES ('reg_1', 'North', 'nok')";
    let currency = "INSERT INTO currency (code, symbol, symbol_native, name) VALUES ('nok', 'kr', 'kr', 'Krone')";
    for sql in [currency, region, "UPDATE region SET name = 'South'"] {
        let psql = Command::new("psql").args([&stack.database_url(), "-q", "-c", sql]).status().unwrap();
        assert!(psql.success(), "{sql}");
    }
    shop.applied(Epoch::new(1, 3)).await;
    let page = shop.page(Epoch::new(1, 2), 0).await;
    let purge = &page.batches[0].purges[0];
    assert_eq!(purge.tags, [Tag::all("regions"), Tag::region("reg_1")]);
    assert_eq!(purge.event.as_deref(), Some("sql.region.update"));
    // Who may change one table may leave its events, and nothing else in the outbox.
    run(&shop.state.pool, "GRANT SELECT, UPDATE ON region TO pg_monitor; GRANT USAGE ON SCHEMA public TO pg_monitor")
        .await;
    let as_another = "BEGIN; SET LOCAL ROLE pg_monitor; UPDATE region SET name = 'West'; COMMIT";
    run(&shop.state.pool, as_another).await;
    shop.applied(Epoch::new(1, 4)).await;
    let refused = "BEGIN; SET LOCAL ROLE pg_monitor; INSERT INTO outbox (name, event) VALUES ('n', '{}'); COMMIT";
    let mut connection = shop.state.pool.acquire().await.unwrap();
    let error = sqlx::raw_sql(refused).execute(&mut *connection).await.unwrap_err().to_string();
    assert!(error.contains("permission denied"), "{error}");
    sqlx::raw_sql("ROLLBACK").execute(&mut *connection).await.unwrap();
    let borrowed = "BEGIN; SET LOCAL ROLE pg_monitor; CREATE TEMPORARY TABLE t (); CREATE TRIGGER t AFTER INSERT ON t
        FOR EACH STATEMENT EXECUTE FUNCTION outbox_tell('changes', 'SELECT 1', '{}')";
    let error = sqlx::raw_sql(borrowed).execute(&mut *connection).await.unwrap_err().to_string();
    assert!(error.contains("permission denied for function"), "{error}");
    sqlx::raw_sql("ROLLBACK").execute(&mut *connection).await.unwrap();
    drop(connection);
    shop.stop().await;
}

#[tokio::test]
async fn a_statement_over_many_rows_leaves_rows_of_bounded_size() {
    let stack = TestStack::start().await.unwrap();
    let (_, pool) = database(&stack).await;
    run(
        &pool,
        "INSERT INTO product (id, title, handle) SELECT 'prod_' || n, 'P', 'p-' || n FROM generate_series(1, 2500) n",
    )
    .await;
    let mut newest = Epoch::new(1, 0);
    while let Some(epoch) = number(&pool).await {
        newest = epoch;
    }
    assert_eq!(newest, Epoch::new(1, 3));
    let mut seen = std::collections::BTreeSet::new();
    for (tags, everything) in purged(&pool, 0).await {
        assert!(tags.len() <= 2_002 && !everything, "{}", tags.len());
        assert!(tags.contains(&Tag::products()));
        seen.extend(tags);
    }
    // Fine tags always, the coarse one besides.
    assert!((1..=2_500).all(|n| seen.contains(&Tag::product(&format!("prod_{n}")))));
    run(&pool, "UPDATE product SET title = title").await;
    assert_eq!(number(&pool).await, None, "nothing became another");
}

#[tokio::test]
async fn pages_of_many_tags_are_cut_and_lose_nothing() {
    let stack = TestStack::start().await.unwrap();
    let (_, pool) = database(&stack).await;
    run(
        &pool,
        "INSERT INTO outbox (name, event, tags) SELECT 'n', '{}', ARRAY(SELECT 't:' || m FROM generate_series(1, 9000) m)
         FROM generate_series(1, 7)",
    )
    .await;
    while number(&pool).await.is_some() {}
    let mut after = 0;
    let mut pages = Vec::new();
    loop {
        let found = purged(&pool, after).await.len();
        if found == 0 {
            break;
        }
        pages.push(found);
        after += u64::try_from(found).unwrap();
    }
    assert_eq!(pages, [3, 3, 1]);
}

#[tokio::test]
async fn truncating_and_what_cannot_be_read_purge_everything() {
    let stack = TestStack::start().await.unwrap();
    let (_, pool) = database(&stack).await;
    run(&pool, "TRUNCATE return_reason").await;
    run(&pool, "INSERT INTO outbox (name, event) VALUES ('of.later', '{\"change\": {\"entity\": \"of_later\"}}')")
        .await;
    // Who looks at an old snapshot does not know where products are.
    run(
        &pool,
        "BEGIN ISOLATION LEVEL REPEATABLE READ; INSERT INTO product (id, title, handle) VALUES ('prod_1', 'P', 'p'); COMMIT",
    )
    .await;
    while number(&pool).await.is_some() {}
    let all: Vec<bool> = purged(&pool, 0).await.into_iter().map(|(_, everything)| everything).collect();
    assert_eq!(all, [true, true, true]);
}

#[tokio::test]
async fn who_shows_a_product_and_who_puts_it_elsewhere_do_not_miss_each_other() {
    let stack = TestStack::start().await.unwrap();
    let (_, pool) = database(&stack).await;
    run(
        &pool,
        "INSERT INTO product (id, title, handle) VALUES ('prod_1', 'P', 'p');
         INSERT INTO product_tag (id, value) VALUES ('ptag_1', 'new')",
    )
    .await;
    while number(&pool).await.is_some() {}
    let known = outbox::position(&pool).await.unwrap().newest.seq;
    let mut moves = pool.begin().await.unwrap();
    sqlx::query("INSERT INTO product_tags VALUES ('prod_1', 'ptag_1')").execute(&mut *moves).await.unwrap();
    let (showing, asked) = (pool.clone(), tokio::sync::oneshot::channel());
    let shows = tokio::spawn(async move {
        let mut tx = showing.begin().await.unwrap();
        let pid: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut *tx).await.unwrap();
        asked.0.send(pid).unwrap();
        sqlx::query("UPDATE product SET status = 'published'").execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    });
    let pid = asked.1.await.unwrap();
    until("the other waits", async || {
        let waits = "SELECT count(*) = 1 FROM pg_locks WHERE pid = $1 AND NOT granted";
        sqlx::query_scalar::<_, bool>(waits).bind(pid).fetch_one(&pool).await.unwrap()
    })
    .await;
    // A page of the tag that is made from here on, before the product is published, must be purged by that.
    moves.commit().await.unwrap();
    while number(&pool).await.is_some() {}
    let between = outbox::position(&pool).await.unwrap().newest.seq;
    shows.await.unwrap();
    while number(&pool).await.is_some() {}
    let after: Vec<Tag> = purged(&pool, between.max(known)).await.into_iter().flat_map(|(tags, _)| tags).collect();
    let all: Vec<Tag> = purged(&pool, known).await.into_iter().flat_map(|(tags, _)| tags).collect();
    // Numbered in two rounds, or in one where the second was quick; the last row names the tag in both.
    let last = if after.is_empty() { all } else { after };
    assert!(last.contains(&Tag::products_of_tag("ptag_1")), "{last:?}");
}

#[tokio::test]
async fn a_dated_price_list_purges_when_it_begins_and_ends_and_no_acknowledgement_waits_for_that() {
    let stack = TestStack::start().await.unwrap();
    let (_, pool) = database(&stack).await;
    run(
        &pool,
        "INSERT INTO price_list (id, title, status, starts_at, ends_at)
         VALUES ('plist_1', 'L', 'active', now() + interval '1 day', now() + interval '2 days')",
    )
    .await;
    assert_eq!(number(&pool).await, Some(Epoch::new(1, 1)));
    assert_eq!(numbers(&pool).await.iter().filter(|number| number.is_none()).count(), 2);
    assert!(outbox::unnumbered(&pool).await.unwrap().is_empty());
    let mut connection = pool.acquire().await.unwrap();
    let due = next_due(&mut connection).await.unwrap();
    assert!(due.as_secs() > 86_000 && due.as_secs() <= 86_400, "{due:?}");

    // Other dates take the place of the old ones; those that are over are not waited for.
    run(&pool, "UPDATE price_list SET starts_at = now() - interval '1 day', ends_at = now() + interval '1 hour'").await;
    assert_eq!(number(&pool).await, Some(Epoch::new(1, 2)));
    let due = next_due(&mut connection).await.unwrap();
    assert!(due.as_secs() <= 3_601, "{due:?}");
    assert_eq!(numbers(&pool).await.iter().filter(|number| number.is_none()).count(), 1);
    run(&pool, "UPDATE outbox SET due_at = now() WHERE seq IS NULL").await;
    assert_eq!(number(&pool).await, Some(Epoch::new(1, 3)));
    let due: Vec<Tag> = purged(&pool, 2).await.into_iter().flat_map(|(tags, _)| tags).collect();
    assert!(due.contains(&Tag::price_list("plist_1")));

    // What nobody sees has no dates.
    run(&pool, "UPDATE price_list SET starts_at = now() + interval '1 day', status = 'draft'").await;
    assert_eq!(next_due(&mut connection).await, None);
    run(&pool, "UPDATE price_list SET status = 'active'").await;
    assert!(next_due(&mut connection).await.is_some());
    run(&pool, "DELETE FROM price_list").await;
    assert_eq!(next_due(&mut connection).await, None);
    run(
        &pool,
        "INSERT INTO api_key (id, token, redacted, title, type, revoked_at)
         VALUES ('apk_1', 'pk', 'pk', 'K', 'publishable', now() + interval '1 hour')",
    )
    .await;
    assert!(next_due(&mut connection).await.is_some());
}

#[tokio::test]
async fn numbering_does_not_wait_for_who_takes_a_date_back() {
    let stack = TestStack::start().await.unwrap();
    let (_, pool) = database(&stack).await;
    run(
        &pool,
        "INSERT INTO price_list (id, title, status, ends_at) VALUES ('plist_1', 'L', 'active', now() + interval '1 day');
         UPDATE outbox SET due_at = now() WHERE due_at IS NOT NULL",
    )
    .await;
    let mut tx = pool.begin().await.unwrap();
    sqlx::query("UPDATE price_list SET ends_at = NULL").execute(&mut *tx).await.unwrap();
    assert_eq!(number(&pool).await, Some(Epoch::new(1, 1)));
    assert_eq!(number(&pool).await, None);
    tx.rollback().await.unwrap();
    assert_eq!(number(&pool).await, Some(Epoch::new(1, 2)));
}

#[tokio::test]
async fn stock_is_told_always_and_availability_when_it_changes() {
    let stack = TestStack::start().await.unwrap();
    let (_, pool) = database(&stack).await;
    // Two variants share an item: the first takes 2 of it, the second 1 and 3 of another.
    run(
        &pool,
        "INSERT INTO sales_channel (id, name) VALUES ('sc', 'C');
         INSERT INTO stock_location (id, name) VALUES ('sloc', 'L'), ('sloc_2', 'M');
         INSERT INTO sales_channel_stock_location VALUES ('sc', 'sloc');
         INSERT INTO inventory_item (id) VALUES ('shared'), ('other');
         INSERT INTO inventory_level (id, inventory_item_id, location_id, stocked_quantity)
             VALUES ('l_shared', 'shared', 'sloc', 20), ('l_other', 'other', 'sloc', 60), ('l_far', 'other', 'sloc_2', 9);
         INSERT INTO product (id, title, handle) VALUES ('p', 'P', 'p');
         INSERT INTO product_variant (id, product_id, title) VALUES ('one', 'p', '1'), ('two', 'p', '2');
         INSERT INTO product_variant_inventory_item VALUES ('one', 'shared', 2), ('two', 'shared', 1), ('two', 'other', 3)",
    )
    .await;
    // A statement, then whose stock and whose availability it tells.
    let table: &[(&'static str, &[&str], &[&str])] = &[
        ("UPDATE inventory_level SET stocked_quantity = 19 WHERE id = 'l_shared'", &["one", "two"], &[]),
        // 5 of the first: few; 10 of the second.
        ("UPDATE inventory_level SET reserved_quantity = 9 WHERE id = 'l_shared'", &["one", "two"], &["one"]),
        ("UPDATE inventory_level SET stocked_quantity = 15 WHERE id = 'l_other'", &["two"], &["two"]),
        ("UPDATE inventory_level SET metadata = '{}', incoming_quantity = 4", &[], &[]),
        // Nobody sells from there.
        ("UPDATE inventory_level SET stocked_quantity = 8 WHERE id = 'l_far'", &["two"], &[]),
        ("INSERT INTO sales_channel_stock_location VALUES ('sc', 'sloc_2')", &["two"], &["two"]),
        ("DELETE FROM sales_channel_stock_location WHERE stock_location_id = 'sloc'", &["one", "two"], &["one", "two"]),
        ("INSERT INTO sales_channel_stock_location VALUES ('sc', 'sloc')", &["one", "two"], &["one", "two"]),
        (
            "UPDATE product_variant_inventory_item SET required_quantity = 1 WHERE variant_id = 'one'",
            &["one"],
            &["one"],
        ),
        (
            "UPDATE product_variant_inventory_item SET required_quantity = 2 WHERE variant_id = 'two'",
            &["two"],
            &["two"],
        ),
        ("DELETE FROM product_variant_inventory_item WHERE variant_id = 'one'", &["one"], &["one"]),
        ("DELETE FROM inventory_level WHERE id = 'l_shared'", &["two"], &["two"]),
    ];
    for (sql, stock, availability) in table {
        while number(&pool).await.is_some() {}
        let known = outbox::position(&pool).await.unwrap().newest.seq;
        run(&pool, sql).await;
        number(&pool).await;
        let told: std::collections::BTreeSet<Tag> =
            purged(&pool, known).await.into_iter().flat_map(|it| it.0).collect();
        for variant in ["one", "two"] {
            assert_eq!(told.contains(&Tag::stock(variant)), stock.contains(&variant), "{sql}: stock of {variant}");
            let is_told = told.contains(&Tag::availability(variant));
            assert_eq!(is_told, availability.contains(&variant), "{sql}: availability of {variant}: {}", json!(told));
        }
    }
}
