//! The end of carts that nobody wants any more.

use sqlx::PgExecutor;

/// What a sweep removes at a time: few enough that no lock is held for long.
const BATCH: i64 = 500;

/// What one batch of a sweep did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sweep {
    /// Carts that are gone.
    pub removed: u64,
    /// Whether there may be more.
    pub may_go_on: bool,
}

/// Removes some carts that have expired and did not become orders, the oldest first, with all that belongs to them. Carts that are being changed
/// are left for the next sweep.
pub async fn sweep(executor: impl PgExecutor<'_>) -> Result<Sweep, sqlx::Error> {
    let removed: i64 = sqlx::query_scalar(
        "WITH old AS (SELECT id FROM cart WHERE completed_at IS NULL AND expires_at < now() \
         ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED), \
         gone AS (DELETE FROM cart USING old WHERE cart.id = old.id \
         RETURNING cart.shipping_address_id, cart.billing_address_id), \
         addresses AS (DELETE FROM cart_address WHERE id IN (SELECT shipping_address_id FROM gone \
         UNION ALL SELECT billing_address_id FROM gone)) \
         SELECT count(*) FROM gone",
    )
    .bind(BATCH)
    .fetch_one(executor)
    .await?;
    Ok(Sweep { removed: removed.unsigned_abs(), may_go_on: removed == BATCH })
}
