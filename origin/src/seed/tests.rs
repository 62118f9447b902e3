//! Loads into real databases.

use std::collections::BTreeMap;
use std::fmt;

use argon2::password_hash::PasswordVerifier as _;
use async_trait::async_trait;
use chrono::TimeDelta;
use sqlx::{AssertSqlSafe, PgPool};
use vitrine_load_tests::stack::TestDatabase;
use vitrine_shared::event::Event;

use super::*;
use crate::config::Secret;
use crate::providers::file::{File, FileError, FileProvider};

/// An empty shop of its own: keep the first while the second is used.
async fn empty() -> (TestDatabase, PgPool) {
    let database = TestDatabase::create().await.unwrap();
    let pool = PgPool::connect(&database.url()).await.unwrap();
    crate::database::MIGRATOR.run(&pool).await.unwrap();
    (database, pool)
}

fn options(products: u64) -> SeedOptions {
    SeedOptions {
        products,
        media_base_url: "http://localhost/media".into(),
        publishable_key: "pk_0123456789abcdef".into(),
        admin: Some(Admin { email: "admin@test.com".into(), password: Secret::new("correct horse") }),
        created_at: CREATED_AT,
    }
}

async fn load(pool: &PgPool, products: u64) -> Outcome {
    run(pool, None, &FixedIds, &options(products)).await.unwrap()
}

async fn count(pool: &PgPool, from: &'static str) -> i64 {
    sqlx::query_scalar(AssertSqlSafe(format!("SELECT count(*) FROM {from}"))).fetch_one(pool).await.unwrap()
}

/// A digest of each table's rows, but for those that cannot be alike: migrations, salted hashes, the outbox's clock,
/// and lengths of lists, which are sums of as many rows as they happen to be.
async fn dump(pool: &PgPool) -> BTreeMap<String, String> {
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'
         AND tablename NOT IN ('_sqlx_migrations', 'provider_identity', 'outbox', 'member', 'feed_position', 'feed_leader', 'product_place_count')",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    let mut digests = BTreeMap::new();
    for table in tables {
        let query = format!(
            "SELECT count(*) || ' ' || coalesce(md5(string_agg(t::text, ';' ORDER BY t::text)), '') FROM \"{table}\" t"
        );
        digests.insert(table, sqlx::query_scalar(AssertSqlSafe(query)).fetch_one(pool).await.unwrap());
    }
    digests
}

#[tokio::test]
async fn the_shop_has_what_the_data_set_says() {
    let (_database, pool) = empty().await;
    assert!(matches!(load(&pool, 110).await, Outcome::Loaded { added: 110, products: 110, .. }));
    let expected = [
        ("product", 110),
        ("product_variant", 440),
        ("product_option", 110),
        ("product_option_value", 440),
        ("product_variant_option", 440),
        ("product_image", 330),
        ("product_tags", 110),
        ("product_category_product", 110),
        ("product_sales_channel", 110),
        ("product_shipping_profile", 110),
        ("product_category", 12),
        ("product_category WHERE parent_category_id IS NULL AND mpath = id", 3),
        ("product_collection", 5),
        ("product_tag", 4),
        ("product_type", 2),
        ("price_set", 442),
        ("price WHERE price_list_id IS NULL", 886),
        ("price WHERE price_list_id IS NOT NULL AND amount = 5 AND currency_code = 'eur'", 40),
        ("price_rule", 2),
        ("price_preference", 4),
        ("inventory_item", 440),
        ("inventory_level WHERE stocked_quantity = 1000000", 440),
        ("product_variant_inventory_item WHERE required_quantity = 1", 440),
        ("currency", 126),
        ("region_country", 250),
        ("region_country WHERE region_id IS NOT NULL", 5),
        ("tax_region", 5),
        ("tax_rate WHERE is_default", 4),
        ("geo_zone", 5),
        ("shipping_option", 2),
        ("shipping_option_rule", 4),
        ("return_reason", 2),
        ("promotion", 1),
        ("store_currency", 2),
        ("outbox WHERE everything", 1),
        ("outbox", 1),
    ];
    for (from, rows) in expected {
        assert_eq!(count(&pool, from).await, rows, "{from}");
    }
    let (title, url): (String, String) = sqlx::query_as(
        "SELECT p.title, i.url FROM product p JOIN product_image i ON i.product_id = p.id
         WHERE p.handle = 'product-19' AND i.rank = 2",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!((title.as_str(), url.as_str()), ("Product 19", "http://localhost/media/p1.png"));
}

#[tokio::test]
async fn prices_follow_product_and_size() {
    let (_database, pool) = empty().await;
    load(&pool, 100).await;
    let prices: Vec<(String, String)> = sqlx::query_as(
        "SELECT p.currency_code, p.amount::text FROM product_variant v
         JOIN product_variant_price_set l ON l.variant_id = v.id JOIN price p ON p.price_set_id = l.price_set_id
         WHERE v.sku = 'P95-S' ORDER BY p.id",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    let prices: Vec<(&str, &str)> = prices.iter().map(|(code, amount)| (code.as_str(), amount.as_str())).collect();
    assert_eq!(prices, [("eur", "15.5"), ("usd", "17.99"), ("eur", "5")]);
}

#[tokio::test]
async fn two_loads_are_alike_and_so_is_one_that_grew() {
    let ((_first, first), (_second, second)) = (empty().await, empty().await);
    load(&first, 25).await;
    load(&second, 10).await;
    assert!(matches!(load(&second, 25).await, Outcome::Loaded { added: 15, products: 25, .. }));
    assert_eq!(dump(&first).await, dump(&second).await);
    assert_eq!(count(&second, "outbox WHERE everything").await, 2);
}

#[tokio::test]
async fn a_loaded_shop_is_left_alone() {
    let (_database, pool) = empty().await;
    load(&pool, 5).await;
    let before = dump(&pool).await;
    for asked in [5, 3, 0] {
        assert_eq!(load(&pool, asked).await, Outcome::AlreadyLoaded { products: 5 });
    }
    assert_eq!(dump(&pool).await, before);
    assert_eq!(count(&pool, "outbox").await, 1);
}

/// Breaks off a load: this one entity gets the id of the one before it, which the database refuses.
struct Breaking(Kind, u64);

impl Ids for Breaking {
    fn id(&self, kind: Kind, number: u64, key: fmt::Arguments<'_>) -> String {
        let broken = kind == self.0 && number == self.1;
        FixedIds.id(kind, number - u64::from(broken), key)
    }
}

#[tokio::test]
async fn an_interrupted_load_goes_on_where_it_stopped() {
    let products = load::CHUNK + 20;
    let ((_whole, whole), (_broken, broken)) = (empty().await, empty().await);
    load(&whole, products).await;
    let last = products * 4 - 1;
    // In the part that does not grow, at the end of the first chunk, and at the end of the second.
    for (ids, marks, committed) in [
        (Breaking(Kind::ReturnReason, 1), 0, 0),
        (Breaking(Kind::InventoryLevel, 7), 1, 0),
        (Breaking(Kind::InventoryLevel, last), 1, load::CHUNK),
    ] {
        let error = run(&broken, None, &ids, &options(products)).await.unwrap_err();
        assert!(matches!(error, SeedError::Database { .. }), "{error}");
        assert_eq!(count(&broken, "seed_state").await, marks);
        assert_eq!(count(&broken, "product").await, i64::try_from(committed).unwrap());
        assert_eq!(count(&broken, "outbox").await, 0);
    }
    assert!(matches!(load(&broken, products).await, Outcome::Loaded { added: 20, .. }));
    assert_eq!(dump(&whole).await, dump(&broken).await);
    assert_eq!(count(&broken, "outbox WHERE everything").await, 1);
}

#[tokio::test]
async fn a_load_whose_process_died_leaves_no_lock() {
    let (_database, pool) = empty().await;
    let held = state::lock(&pool).await.unwrap();
    drop(held);
    let free = vitrine_load_tests::stack::wait_until("the lock is free", Duration::from_secs(10), async || {
        run(&pool, None, &FixedIds, &options(1)).await.is_ok()
    });
    free.await.unwrap();
}

#[tokio::test]
async fn one_load_at_a_time_and_only_into_its_own_shop() {
    let (_database, pool) = empty().await;
    let held = state::lock(&pool).await.unwrap();
    assert!(matches!(run(&pool, None, &FixedIds, &options(1)).await, Err(SeedError::Busy)));
    state::unlock(held).await.unwrap();
    sqlx::query("INSERT INTO store (id, name) VALUES ('store_1', 'Ours')").execute(&pool).await.unwrap();
    assert!(matches!(run(&pool, None, &FixedIds, &options(1)).await, Err(SeedError::NotEmpty)));
    let many = run(&pool, None, &FixedIds, &options(u64::MAX)).await;
    assert!(matches!(many, Err(SeedError::TooMany { .. })));
}

#[tokio::test]
async fn the_administrator_can_be_verified_and_the_event_read() {
    let (_database, pool) = empty().await;
    load(&pool, 0).await;
    let (hash, user, signed_in): (String, String, String) = sqlx::query_as(
        "SELECT p.provider_metadata ->> 'password', u.id, a.app_metadata ->> 'user_id'
         FROM provider_identity p JOIN auth_identity a ON a.id = p.auth_identity_id, \"user\" u
         WHERE p.provider = 'emailpass' AND p.entity_id = 'admin@test.com' AND u.email = 'admin@test.com'",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!(user, signed_in);
    let hash = argon2::password_hash::phc::PasswordHash::new(&hash).unwrap();
    assert!(argon2::Argon2::default().verify_password(b"correct horse", &hash).is_ok());
    let event: sqlx::types::Json<Event> =
        sqlx::query_scalar("SELECT event FROM outbox WHERE everything").fetch_one(&pool).await.unwrap();
    assert_eq!(event.name, "shop.seeded");
}

/// Ids of another shop, as far as they are known.
struct Known;

impl Ids for Known {
    fn id(&self, kind: Kind, number: u64, key: fmt::Arguments<'_>) -> String {
        match (kind, key.to_string().as_str()) {
            (Kind::Product, "product-1") => "prod_01M7YPGCZ5Q8SD7NVBG6908D7E".into(),
            (Kind::Variant, "P1-S") => "variant_01M7YPGDYYG9800S0XY5GB89Y2".into(),
            _ => FixedIds.id(kind, number, key),
        }
    }

    fn created_at(&self, kind: Kind, _number: u64, key: fmt::Arguments<'_>) -> Option<DateTime<Utc>> {
        (kind == Kind::Product && key.to_string() == "product-1").then(|| CREATED_AT + TimeDelta::days(9))
    }
}

#[tokio::test]
async fn ids_and_times_of_another_shop_can_be_given() {
    let (_database, pool) = empty().await;
    run(&pool, None, &Known, &options(3)).await.unwrap();
    let (variant, time): (String, DateTime<Utc>) = sqlx::query_as(
        "SELECT v.id, p.created_at FROM product p JOIN product_variant v ON v.product_id = p.id
         WHERE p.id = 'prod_01M7YPGCZ5Q8SD7NVBG6908D7E' AND v.title = 'S'",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!(variant, "variant_01M7YPGDYYG9800S0XY5GB89Y2");
    assert_eq!(time, CREATED_AT + TimeDelta::days(9));
    let younger: DateTime<Utc> =
        sqlx::query_scalar("SELECT created_at FROM product WHERE handle = 'product-2'").fetch_one(&pool).await.unwrap();
    assert_eq!(younger, CREATED_AT + TimeDelta::milliseconds(2));
}

/// Remembers what was stored.
#[derive(Default)]
struct Shelf(parking_lot::Mutex<Vec<File>>);

#[async_trait]
impl FileProvider for Shelf {
    async fn put(&self, file: File) -> Result<(), FileError> {
        self.0.lock().push(file);
        Ok(())
    }

    async fn delete(&self, _key: &str) -> Result<(), FileError> {
        Ok(())
    }

    async fn exists(&self, _key: &str) -> Result<bool, FileError> {
        Ok(false)
    }

    fn url(&self, key: &str) -> String {
        key.to_owned()
    }
}

#[tokio::test]
async fn pictures_are_stored_under_the_names_that_products_show() {
    let (_database, pool) = empty().await;
    let shelf = Shelf::default();
    run(&pool, Some(&shelf), &FixedIds, &options(10)).await.unwrap();
    let stored: Vec<String> =
        shelf.0.lock().iter().map(|file| format!("http://localhost/media/{}", file.key)).collect();
    let shown: Vec<String> =
        sqlx::query_scalar("SELECT DISTINCT url FROM product_image ORDER BY url").fetch_all(&pool).await.unwrap();
    assert_eq!(stored, shown);
    assert!(shelf.0.lock().iter().all(|file| file.cache_control == "public, max-age=31536000, immutable"));
    assert!(shelf.0.lock().iter().all(|file| file.content_type == "image/png"));
}
