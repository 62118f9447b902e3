//! How far the demo shop is loaded, and who may go on with it.

use sqlx::{Connection, PgConnection, PgPool, Postgres, Transaction};
use vitrine_shared::event::{Change, Event};

use super::SeedError;
use super::error::database;
use crate::outbox;

/// The key of the advisory lock that one load at a time holds: `seed` in ASCII.
const LOCK: i64 = 0x7365_6564;
/// Medusa's way of naming, but no event of Medusa's.
const EVENT: &str = "shop.seeded";

/// A connection of the load's own that holds the lock for as long as it lives.
pub(super) async fn lock(pool: &PgPool) -> Result<PgConnection, SeedError> {
    let mut connection = pool.acquire().await.map_err(database("connect"))?.detach();
    // A load may take longer than a request may.
    sqlx::query("SET statement_timeout = 0").execute(&mut connection).await.map_err(database("lift the time limit"))?;
    let locked: bool = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)")
        .bind(LOCK)
        .fetch_one(&mut connection)
        .await
        .map_err(database("take the lock"))?;
    if locked { Ok(connection) } else { Err(SeedError::Busy) }
}

/// Gives the lock back before the end of the load is told: the next one may begin at once.
pub(super) async fn unlock(mut connection: PgConnection) -> Result<(), SeedError> {
    let unlocking = sqlx::query("SELECT pg_advisory_unlock($1)").bind(LOCK);
    unlocking.execute(&mut connection).await.map_err(database("give the lock back"))?;
    connection.close().await.map_err(database("disconnect"))
}

/// How many products are in, or nothing where even the rest of the shop is not.
pub(super) async fn loaded(connection: &mut PgConnection) -> Result<Option<u64>, SeedError> {
    let products: Option<i64> = sqlx::query_scalar("SELECT products FROM seed_state")
        .fetch_optional(&mut *connection)
        .await
        .map_err(database("read seed_state"))?;
    if let Some(products) = products {
        return Ok(Some(u64::try_from(products).unwrap_or(0)));
    }
    let foreign: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM store) OR EXISTS (SELECT FROM product)")
        .fetch_one(connection)
        .await
        .map_err(database("look for another shop"))?;
    if foreign { Err(SeedError::NotEmpty) } else { Ok(None) }
}

/// Sets the mark in the running transaction.
pub(super) async fn mark(connection: &mut PgConnection, products: u64) -> Result<(), SeedError> {
    sqlx::query(
        "INSERT INTO seed_state (products) VALUES ($1) ON CONFLICT (singleton) DO UPDATE SET products = excluded.products",
    )
    .bind(i64::try_from(products).unwrap_or(i64::MAX))
    .execute(connection)
    .await
    .map_err(database("write seed_state"))?;
    Ok(())
}

/// Purges everything from all caches, in the transaction that ends the load: they may serve what was before.
pub(super) async fn purge_everything(transaction: &mut Transaction<'_, Postgres>) -> Result<(), SeedError> {
    let event = Event { name: EVENT.to_owned(), change: Change::Set { name: "shop".to_owned() } };
    outbox::write(transaction, &event).await.map_err(database("write the event"))?;
    sqlx::query("UPDATE outbox SET everything = true WHERE name = $1 AND seq IS NULL")
        .bind(EVENT)
        .execute(&mut **transaction)
        .await
        .map_err(database("widen the event"))?;
    Ok(())
}
