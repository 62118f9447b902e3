//! Customer groups, which prices and promotions may depend on.

use sqlx::{PgConnection, PgExecutor};
use vitrine_shared::id;

use crate::modules::WriteError;
use crate::modules::metadata::{self, Metadata};

/// A customer group's row, without its times.
#[derive(Debug, Clone, PartialEq)]
pub struct CustomerGroup {
    /// Its id, `cusgroup_…`.
    pub id: String,
    /// What it is called; unique among groups that are not deleted.
    pub name: String,
    /// The merchant's own.
    pub metadata: Metadata,
    /// Who made it.
    pub created_by: Option<String>,
}

/// Adds a group.
pub async fn insert(conn: &mut PgConnection, group: &CustomerGroup) -> Result<(), WriteError> {
    sqlx::query!(
        "INSERT INTO customer_group (id, name, metadata, created_by) VALUES ($1, $2, $3, $4)",
        group.id,
        group.name,
        metadata::to_json(&group.metadata),
        group.created_by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Reads a group and locks it.
pub async fn lock(conn: &mut PgConnection, id: &str) -> Result<Option<CustomerGroup>, WriteError> {
    let row = sqlx::query!(
        "SELECT id, name, metadata, created_by FROM customer_group WHERE id = $1 AND deleted_at IS NULL FOR UPDATE",
        id
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| CustomerGroup {
        id: row.id,
        name: row.name,
        metadata: metadata::from_json(row.metadata),
        created_by: row.created_by,
    }))
}

/// Writes a locked group back.
pub async fn save(conn: &mut PgConnection, group: &CustomerGroup) -> Result<(), WriteError> {
    sqlx::query!(
        "UPDATE customer_group SET name = $2, metadata = $3, updated_at = clock_timestamp() WHERE id = $1",
        group.id,
        group.name,
        metadata::to_json(&group.metadata)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes a locked group softly; nobody is in it any more.
pub async fn delete(conn: &mut PgConnection, id: &str) -> Result<(), WriteError> {
    sqlx::query!(
        "WITH left_ AS (DELETE FROM customer_group_customer WHERE customer_group_id = $1)
         UPDATE customer_group SET deleted_at = now(), updated_at = now() WHERE id = $1",
        id
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Who goes into which group; pairs of customer and group.
pub type Pairs = Vec<(String, String)>;

/// Puts customers into groups; who is in already stays so. One of either that does not exist is refused.
pub async fn join(conn: &mut PgConnection, pairs: &Pairs) -> Result<(), WriteError> {
    let (customers, groups): (Vec<String>, Vec<String>) = pairs.iter().cloned().unzip();
    let known = sqlx::query!(
        r#"SELECT ARRAY(SELECT id FROM customer WHERE id = ANY($1) AND deleted_at IS NULL ORDER BY id FOR SHARE)
               AS "customers!",
           ARRAY(SELECT id FROM customer_group WHERE id = ANY($2) AND deleted_at IS NULL ORDER BY id FOR SHARE)
               AS "groups!""#,
        &customers,
        &groups
    )
    .fetch_one(&mut *conn)
    .await?;
    if let Some(unknown) = customers.iter().find(|id| !known.customers.contains(id)) {
        return Err(WriteError::no_such("customer_id", unknown));
    }
    if let Some(unknown) = groups.iter().find(|id| !known.groups.contains(id)) {
        return Err(WriteError::no_such("customer_group_id", unknown));
    }
    let ids: Vec<String> = pairs.iter().map(|_| id::new("cusgc")).collect();
    sqlx::query!(
        "INSERT INTO customer_group_customer (id, customer_id, customer_group_id)
         SELECT * FROM unnest($1::text[], $2::text[], $3::text[])
         ON CONFLICT (customer_id, customer_group_id) WHERE deleted_at IS NULL DO NOTHING",
        &ids,
        &customers,
        &groups
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes customers out of groups.
pub async fn leave(conn: &mut PgConnection, pairs: &Pairs) -> Result<(), WriteError> {
    let (customers, groups): (Vec<String>, Vec<String>) = pairs.iter().cloned().unzip();
    sqlx::query!(
        "DELETE FROM customer_group_customer m USING unnest($1::text[], $2::text[]) AS gone (customer, of)
         WHERE m.customer_id = gone.customer AND m.customer_group_id = gone.of",
        &customers,
        &groups
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The groups that a customer is in, by id: what prices and promotions look at. None where there is no such customer.
pub async fn of_customer(executor: impl PgExecutor<'_>, customer_id: &str) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT g.id FROM customer_group_customer m
         JOIN customer_group g ON g.id = m.customer_group_id AND g.deleted_at IS NULL
         JOIN customer c ON c.id = m.customer_id AND c.deleted_at IS NULL
         WHERE m.customer_id = $1 AND m.deleted_at IS NULL ORDER BY g.id",
        customer_id
    )
    .fetch_all(executor)
    .await
}
