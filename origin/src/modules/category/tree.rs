//! The shape of the tree: paths, ranks, and who shows whom.

use std::collections::BTreeSet;

use sqlx::PgConnection;

use crate::modules::WriteError;

/// Names the lock under which the tree changes shape, among Postgres's advisory locks.
const TREE_LOCK: i64 = 0x5649_5452_0001;

/// Waits for other transactions that change the tree's shape: ranks and paths concern many rows at once.
pub async fn lock(conn: &mut PgConnection) -> Result<(), WriteError> {
    sqlx::query!("SELECT pg_advisory_xact_lock($1)", TREE_LOCK).execute(conn).await?;
    Ok(())
}

/// Waits for transactions that change the tree's shape, and keeps others from beginning to until this one ends. To be
/// taken before any row of a category is locked, so that nobody waits in a circle.
pub async fn share(conn: &mut PgConnection) -> Result<(), WriteError> {
    sqlx::query!("SELECT pg_advisory_xact_lock_shared($1)", TREE_LOCK).execute(conn).await?;
    Ok(())
}

/// The same as [`share`], and then keeps the categories and collections that products are in from being renamed until the transaction
/// ends (`migrations/0025`).
pub async fn share_with_places(conn: &mut PgConnection, products: &[String]) -> Result<(), WriteError> {
    sqlx::query!("SELECT hold_places($1, $2)", products, TREE_LOCK).execute(conn).await?;
    Ok(())
}

/// The path of a category that is not deleted.
pub async fn path(conn: &mut PgConnection, id: &str) -> Result<Option<String>, WriteError> {
    let path = sqlx::query_scalar!("SELECT mpath FROM product_category WHERE id = $1 AND deleted_at IS NULL", id)
        .fetch_optional(conn)
        .await?;
    Ok(path)
}

/// How many categories a parent has; the root's children are those without a parent.
pub async fn children(conn: &mut PgConnection, parent: Option<&str>) -> Result<i32, WriteError> {
    let count = sqlx::query_scalar!(
        r#"SELECT count(*)::int AS "count!" FROM product_category
           WHERE parent_category_id IS NOT DISTINCT FROM $1 AND deleted_at IS NULL"#,
        parent
    )
    .fetch_one(conn)
    .await?;
    Ok(count)
}

/// Makes room at `rank` among a parent's children for the category `id`; returns those that moved.
pub async fn open_gap(
    conn: &mut PgConnection,
    parent: Option<&str>,
    rank: i32,
    id: &str,
) -> Result<Vec<String>, WriteError> {
    let moved = sqlx::query_scalar!(
        "UPDATE product_category SET rank = rank + 1, updated_at = clock_timestamp()
         WHERE parent_category_id IS NOT DISTINCT FROM $1 AND rank >= $2 AND id <> $3 AND deleted_at IS NULL
         RETURNING id",
        parent,
        rank,
        id
    )
    .fetch_all(conn)
    .await?;
    Ok(moved)
}

/// Closes the gap that the category `id` leaves at `rank` among a parent's children; returns those that moved.
pub async fn close_gap(
    conn: &mut PgConnection,
    parent: Option<&str>,
    rank: i32,
    id: &str,
) -> Result<Vec<String>, WriteError> {
    let moved = sqlx::query_scalar!(
        "UPDATE product_category SET rank = rank - 1, updated_at = clock_timestamp()
         WHERE parent_category_id IS NOT DISTINCT FROM $1 AND rank > $2 AND id <> $3 AND deleted_at IS NULL
         RETURNING id",
        parent,
        rank,
        id
    )
    .fetch_all(conn)
    .await?;
    Ok(moved)
}

/// Moves all that is below the path `from` to below the path `to`.
pub async fn move_below(conn: &mut PgConnection, from: &str, to: &str) -> Result<(), WriteError> {
    sqlx::query!(
        "UPDATE product_category SET mpath = $2 || substr(mpath, length($1) + 1), updated_at = clock_timestamp()
         WHERE starts_with(mpath, $1 || '.')",
        from,
        to
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// These categories with all above and below them: those whose pages may show one of them.
pub async fn relatives(conn: &mut PgConnection, ids: &[String]) -> Result<BTreeSet<String>, WriteError> {
    let rows = sqlx::query_scalar!(
        r#"SELECT DISTINCT id AS "id!" FROM (
               SELECT unnest(string_to_array(c.mpath, '.')) AS id FROM product_category c WHERE c.id = ANY($1)
               UNION ALL
               SELECT d.id FROM product_category c JOIN product_category d ON starts_with(d.mpath, c.mpath || '.')
               WHERE c.id = ANY($1) AND d.deleted_at IS NULL
           ) AS related"#,
        ids
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().collect())
}
