//! Whether the commit of a cart's change waits for Postgres's disk.

use vitrine_origin::cart::{Cart, changes};
use vitrine_origin::config::Carts;
use vitrine_origin::modules::cart::{Lifetime, lock, save};

use crate::shop::{EUROPE, Shop};

#[tokio::test]
async fn it_waits_where_it_is_told_to() {
    let shop = Shop::start().await;
    let pool = &shop.state.pool;
    let id = shop.create(EUROPE).await;
    let lifetime = Lifetime::of(&Carts::default(), false);
    for (flush, expected) in [(true, "on"), (false, "off")] {
        let mut tx = lock(pool, &id).await.unwrap().unwrap();
        let nothing = changes::between(&Cart::default(), &Cart::default());
        save(&mut *tx, &id, &nothing, lifetime, flush).await.unwrap();
        let setting: String = sqlx::query_scalar("SHOW synchronous_commit").fetch_one(&mut *tx).await.unwrap();
        assert_eq!(setting, expected);
        tx.commit().await.unwrap();
        // The next transaction of the connection waits as ever.
        let mut connections = Vec::new();
        for _ in 0..pool.size() {
            let mut connection = pool.acquire().await.unwrap();
            let setting: String =
                sqlx::query_scalar("SHOW synchronous_commit").fetch_one(&mut *connection).await.unwrap();
            assert_eq!(setting, "on");
            connections.push(connection);
        }
    }
}
