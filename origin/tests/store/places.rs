//! Lists that are kept ready (`migrations/0040`): whatever is done to the tables by whomever, they are what the tables say.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use sqlx::PgPool;
use vitrine_origin::outbox;
use vitrine_origin::seed::Kind;

use crate::shop::{PRODUCTS, Shop, id};

/// Rows that one has and the other has not, and lists whose length is not the number of their rows.
const WRONG: &str = "WITH wanted AS (SELECT * FROM product_places(ARRAY(SELECT id FROM product))),
    lengths AS (SELECT sales_channel_id, place, sum(products) AS products FROM product_place_count GROUP BY 1, 2 HAVING sum(products) <> 0)
    SELECT (SELECT count(*) FROM (SELECT * FROM wanted EXCEPT SELECT * FROM product_place) missing)
        + (SELECT count(*) FROM (SELECT * FROM product_place EXCEPT SELECT * FROM wanted) extra)
        + (SELECT count(*) FROM (
            SELECT sales_channel_id, place, count(*) FROM wanted GROUP BY 1, 2 EXCEPT SELECT * FROM lengths) shorter)
        + (SELECT count(*) FROM (
            SELECT * FROM lengths EXCEPT SELECT sales_channel_id, place, count(*) FROM wanted GROUP BY 1, 2) longer)";

async fn wrong(pool: &PgPool) -> i64 {
    sqlx::query_scalar(WRONG).fetch_one(pool).await.unwrap()
}

/// What a hand may type. `$1` and `$2` are products, `$3` a category, `$4` a tag, `$5` a collection.
const STATEMENTS: [&str; 15] = [
    "UPDATE product SET status = 'draft' WHERE id IN ($1, $2) AND $3 || $4 || $5 <> ''",
    "UPDATE product SET status = 'published' WHERE id IN ($1, $2) AND $3 || $4 || $5 <> ''",
    "UPDATE product SET status = 'published' WHERE $1 || $2 || $3 || $4 || $5 <> ''",
    "UPDATE product SET deleted_at = now() WHERE id = $1 AND $2 || $3 || $4 || $5 <> ''",
    "UPDATE product SET deleted_at = NULL WHERE $1 || $2 || $3 || $4 || $5 <> ''",
    "UPDATE product SET collection_id = $5, title = title WHERE id IN ($1, $2) AND $3 || $4 <> ''",
    "UPDATE product SET collection_id = NULL, type_id = NULL WHERE id = $2 AND $1 || $3 || $4 || $5 <> ''",
    "INSERT INTO product_category_product (product_id, product_category_id) SELECT unnest(ARRAY[$1, $2]), $3 WHERE $4 || $5 <> '' ON CONFLICT DO NOTHING",
    "DELETE FROM product_category_product WHERE product_id IN ($1, $2) AND $3 || $4 || $5 <> ''",
    "INSERT INTO product_tags (product_id, product_tag_id) SELECT unnest(ARRAY[$1, $2]), $4 WHERE $3 || $5 <> '' ON CONFLICT DO NOTHING",
    "UPDATE product_tags SET product_tag_id = $4 WHERE product_id = $1 AND NOT EXISTS (SELECT 1 FROM product_tags t WHERE t.product_id = $1 AND t.product_tag_id = $4) AND $2 || $3 || $5 <> ''
        AND product_tag_id = (SELECT min(t.product_tag_id) FROM product_tags t WHERE t.product_id = $1)",
    "DELETE FROM product_tags WHERE product_tag_id = $4 AND $1 || $2 || $3 || $5 <> ''",
    "DELETE FROM product_sales_channel WHERE product_id IN ($1, $2) AND $3 || $4 || $5 <> ''",
    "INSERT INTO product_sales_channel (product_id, sales_channel_id) SELECT p.id, s.id FROM product p, sales_channel s WHERE $1 || $2 || $3 || $4 || $5 <> '' ON CONFLICT DO NOTHING",
    "INSERT INTO product_sales_channel (product_id, sales_channel_id) SELECT p.id, s.id FROM product p, sales_channel s WHERE p.id IN ($1, $2) AND $3 || $4 || $5 <> '' ON CONFLICT DO NOTHING",
];

async fn run(pool: &PgPool, random: &mut StdRng) {
    let statement = STATEMENTS.choose(random).copied().unwrap();
    let product = |random: &mut StdRng| id(Kind::Product, random.random_range(0..PRODUCTS));
    let query = sqlx::query(statement).bind(product(random)).bind(product(random));
    let query =
        query.bind(id(Kind::Category, random.random_range(0..12))).bind(id(Kind::Tag, random.random_range(0..4)));
    query.bind(id(Kind::Collection, random.random_range(0..5))).execute(pool).await.unwrap();
}

#[tokio::test]
async fn whatever_is_typed_lists_are_what_the_tables_say() {
    let shop = Shop::start().await;
    let pool = &shop.state.pool;
    assert_eq!(wrong(pool).await, 0);
    let mut random = StdRng::seed_from_u64(6);
    for _ in 0..150 {
        run(pool, &mut random).await;
        assert_eq!(wrong(pool).await, 0);
    }
    sqlx::query("TRUNCATE product_tags").execute(pool).await.unwrap();
    assert_eq!(wrong(pool).await, 0);
    let folded: i64 = sqlx::query_scalar(
        "SELECT max(n) FROM (SELECT count(*) AS n FROM product_place_count GROUP BY sales_channel_id, place) c",
    )
    .fetch_one(pool)
    .await
    .unwrap();
    assert_eq!(folded, 1, "truncation makes all anew");
    shop.stop().await;
}

#[tokio::test]
async fn writers_at_the_same_time_leave_lists_that_are_right() {
    let shop = Shop::start().await;
    let pool = &shop.state.pool;
    let writers = (0..4).map(|seed| {
        let pool = pool.clone();
        tokio::spawn(async move {
            let mut random = StdRng::seed_from_u64(seed);
            for _ in 0..40 {
                // Statements over all products may meet in another order; whoever loses has changed nothing.
                let statement = STATEMENTS.choose(&mut random).copied().unwrap();
                let product = id(Kind::Product, random.random_range(0..6));
                let query = sqlx::query(statement).bind(&product).bind(&product);
                let query = query.bind(id(Kind::Category, 4)).bind(id(Kind::Tag, 1)).bind(id(Kind::Collection, 2));
                let mut tx = pool.begin_with(outbox::BEGIN).await.unwrap();
                if query.execute(&mut *tx).await.is_ok() {
                    tx.commit().await.unwrap();
                }
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    assert_eq!(wrong(pool).await, 0);
    shop.stop().await;
}

/// A link is added while another transaction, not yet committed, takes the product off sale.
#[tokio::test]
async fn a_link_that_comes_while_its_product_goes_leaves_no_trace() {
    let shop = Shop::start().await;
    let pool = &shop.state.pool;
    let (product, category) = (id(Kind::Product, 1), id(Kind::Category, 11));
    // As the origin writes: the outbox's own triggers, which lock products too, keep out of it.
    let mut goes = pool.begin_with(outbox::BEGIN).await.unwrap();
    sqlx::query("UPDATE product SET status = 'draft' WHERE id = $1").bind(&product).execute(&mut *goes).await.unwrap();
    let mut comes = pool.begin_with(outbox::BEGIN).await.unwrap();
    let pid: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut *comes).await.unwrap();
    let link = "INSERT INTO product_category_product (product_id, product_category_id) VALUES ($1, $2)";
    let linked = tokio::spawn({
        let (product, category) = (product.clone(), category.clone());
        async move {
            sqlx::query(link).bind(product).bind(category).execute(&mut *comes).await?;
            comes.commit().await
        }
    });
    shop.until("the link waits for the product", async || {
        let waits = "SELECT coalesce(bool_or(wait_event_type = 'Lock'), false) FROM pg_stat_activity WHERE pid = $1";
        sqlx::query_scalar::<_, bool>(waits).bind(pid).fetch_one(pool).await.unwrap()
    })
    .await;
    goes.commit().await.unwrap();
    linked.await.unwrap().unwrap();
    assert_eq!(wrong(pool).await, 0);
    let listed = shop.json(&format!("products?category_id[]={category}&fields=id&limit=100")).await;
    assert!(!listed.to_string().contains(&product), "{listed}");
    shop.stop().await;
}

/// The same list, once from where it is kept and once from the tables: `$or` is not kept.
#[tokio::test]
async fn a_kept_list_is_the_list() {
    let shop = Shop::start().await;
    let hidden = "UPDATE product_category SET is_internal = true WHERE id = $1";
    sqlx::query(hidden).bind(id(Kind::Category, 5)).execute(&shop.state.pool).await.unwrap();
    let gone = "UPDATE product_tag SET deleted_at = now() WHERE id = $1";
    sqlx::query(gone).bind(id(Kind::Tag, 2)).execute(&shop.state.pool).await.unwrap();
    let mut filters = Vec::new();
    for number in 0..12 {
        filters.push(("category_id][".to_owned(), id(Kind::Category, number)));
    }
    for number in 0..4 {
        filters.push(("tag_id][".to_owned(), id(Kind::Tag, number)));
        filters.push(("collection_id][".to_owned(), id(Kind::Collection, number)));
    }
    filters.push(("type_id][".to_owned(), id(Kind::Type, 1)));
    filters.push(("tag_id][".to_owned(), "ptag_unknown".to_owned()));
    for (name, value) in filters {
        let plain = name.trim_end_matches("][");
        for page in ["limit=3", "limit=3&offset=4", "limit=0", "limit=5&order=id"] {
            let kept = shop.text(&format!("products?{page}&fields=id,handle&{plain}[]={value}")).await;
            let told = shop.text(&format!("products?{page}&fields=id,handle&$or[0][{name}]={value}")).await;
            assert_eq!(kept, told, "{plain}={value} {page}");
        }
    }
    shop.stop().await;
}
