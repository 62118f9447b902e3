//! The load, step by step.

use std::time::Duration;

use sqlx::{Connection, PgConnection, PgPool};
use vitrine_shared::clock::BootTime;

use super::error::database;
use super::products::{self, Rows};
use super::scope::Scope;
use super::shop::Shop;
use super::{Ids, Outcome, SeedError, SeedOptions, pictures, state};
use crate::outbox;
use crate::providers::file::FileProvider;

/// Products of one transaction: about 50,000 rows, held in some 30 MB.
pub(super) const CHUNK: u64 = 1_000;
/// Chunks are told of this often at most.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// Loads what is missing of the demo shop, and tells about each step in the log.
///
/// Pictures are put into `files`, if given. `ids` must be the same as at earlier loads into this database.
pub async fn run(
    pool: &PgPool,
    files: Option<&dyn FileProvider>,
    ids: &dyn Ids,
    options: &SeedOptions,
) -> Result<Outcome, SeedError> {
    if options.products > products::MAX_PRODUCTS {
        return Err(SeedError::TooMany { asked: options.products, limit: products::MAX_PRODUCTS });
    }
    let mut connection = state::lock(pool).await?;
    let outcome = load(&mut connection, files, &Scope::new(ids, options)).await;
    let unlocked = state::unlock(connection).await;
    // Where both failed, the load's own failure is the one to tell.
    outcome.and_then(|outcome| unlocked.map(|()| outcome))
}

/// All steps, under the lock.
async fn load(
    connection: &mut PgConnection,
    files: Option<&dyn FileProvider>,
    scope: &Scope<'_>,
) -> Result<Outcome, SeedError> {
    let started = BootTime::now();
    let wanted = scope.options.products;
    let loaded = state::loaded(connection).await?;
    if let Some(products) = loaded.filter(|products| *products >= wanted) {
        tracing::info!(products, "seed: the demo shop is loaded already");
        return Ok(Outcome::AlreadyLoaded { products });
    }
    if let Some(files) = files {
        let bytes = pictures::upload(files).await?;
        tracing::info!(pictures = pictures::COUNT, bytes, elapsed = %elapsed(started), "seed: pictures stored");
    }
    if loaded.is_none() {
        let rows = load_shop(connection, scope).await?;
        tracing::info!(rows, elapsed = %elapsed(started), "seed: shop loaded");
    }
    let present = loaded.unwrap_or(0);
    load_products(connection, scope, present, started).await?;
    sqlx::query(products::VACUUM).execute(connection).await.map_err(database("gather statistics"))?;
    tracing::info!(products = wanted, elapsed = %elapsed(started), "seed: done");
    Ok(Outcome::Loaded { added: wanted - present, products: wanted, elapsed: BootTime::now().since(started) })
}

/// The part that does not grow, in one transaction.
async fn load_shop(connection: &mut PgConnection, scope: &Scope<'_>) -> Result<u64, SeedError> {
    let mut transaction = connection.begin_with(outbox::BEGIN).await.map_err(database("begin"))?;
    let rows = Shop::load(scope, &mut transaction).await?;
    state::mark(&mut transaction, 0).await?;
    if scope.options.products == 0 {
        state::purge_everything(&mut transaction).await?;
    }
    transaction.commit().await.map_err(database("commit the shop"))?;
    Ok(rows)
}

/// Products from number `present` on, a transaction a chunk; the last one also purges all caches.
async fn load_products(
    connection: &mut PgConnection,
    scope: &Scope<'_>,
    present: u64,
    started: BootTime,
) -> Result<(), SeedError> {
    let wanted = scope.options.products;
    let shop = Shop::new(scope);
    let mut rows = Rows::new();
    let mut total = 0;
    let mut told = started;
    let mut next = present;
    while next < wanted {
        let end = wanted.min(next + CHUNK);
        for number in next..end {
            rows.add(scope, &shop, number);
        }
        let mut transaction = connection.begin_with(outbox::BEGIN).await.map_err(database("begin"))?;
        total += rows.send(&mut transaction).await?;
        state::mark(&mut transaction, end).await?;
        if end == wanted {
            state::purge_everything(&mut transaction).await?;
        }
        transaction.commit().await.map_err(database("commit products"))?;
        next = end;
        let now = BootTime::now();
        if next == wanted || now.since(told) >= TELL_EVERY {
            told = now;
            tracing::info!(products = next, of = wanted, rows = total, elapsed = %elapsed(started), "seed: products");
        }
    }
    Ok(())
}

fn elapsed(started: BootTime) -> String {
    format!("{:.1?}", BootTime::now().since(started))
}
