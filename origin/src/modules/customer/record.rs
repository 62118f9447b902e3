//! Customers: guests, known by the address that they bought under, and accounts.

use sqlx::PgConnection;
use vitrine_shared::id;

use crate::modules::WriteError;
use crate::modules::metadata::{self, Metadata};

/// A customer's row, without its times.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Customer {
    /// Its id, `cus_…`.
    pub id: String,
    /// The e-mail address, as it was given.
    pub email: Option<String>,
    /// The company.
    pub company_name: Option<String>,
    /// The given name.
    pub first_name: Option<String>,
    /// The family name.
    pub last_name: Option<String>,
    /// The telephone number.
    pub phone: Option<String>,
    /// Whether somebody signs in as this customer; else a guest.
    pub has_account: bool,
    /// The merchant's own.
    pub metadata: Metadata,
    /// Who made it, where a merchant did.
    pub created_by: Option<String>,
}

/// Adds a customer. A second one under an address with an account, or as a guest, is refused.
pub async fn insert(conn: &mut PgConnection, customer: &Customer) -> Result<(), WriteError> {
    sqlx::query!(
        "INSERT INTO customer (id, email, company_name, first_name, last_name, phone, has_account, metadata, created_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        customer.id,
        customer.email,
        customer.company_name,
        customer.first_name,
        customer.last_name,
        customer.phone,
        customer.has_account,
        metadata::to_json(&customer.metadata),
        customer.created_by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Reads a customer and locks it against all who would change it or its addresses.
pub async fn lock(conn: &mut PgConnection, id: &str) -> Result<Option<Customer>, WriteError> {
    let row = sqlx::query!(
        "SELECT id, email, company_name, first_name, last_name, phone, has_account, metadata, created_by
         FROM customer WHERE id = $1 AND deleted_at IS NULL FOR UPDATE",
        id
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Customer {
        id: row.id,
        email: row.email,
        company_name: row.company_name,
        first_name: row.first_name,
        last_name: row.last_name,
        phone: row.phone,
        has_account: row.has_account,
        metadata: metadata::from_json(row.metadata),
        created_by: row.created_by,
    }))
}

/// Writes a locked customer back.
pub async fn save(conn: &mut PgConnection, customer: &Customer) -> Result<(), WriteError> {
    sqlx::query!(
        "UPDATE customer SET email = $2, company_name = $3, first_name = $4, last_name = $5, phone = $6, metadata = $7,
             updated_at = clock_timestamp() WHERE id = $1",
        customer.id,
        customer.email,
        customer.company_name,
        customer.first_name,
        customer.last_name,
        customer.phone,
        metadata::to_json(&customer.metadata)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes a customer softly, with addresses and memberships; its e-mail address is free again.
pub async fn delete(conn: &mut PgConnection, id: &str) -> Result<(), WriteError> {
    sqlx::query!(
        "WITH gone AS (UPDATE customer_address SET deleted_at = now(), updated_at = now()
             WHERE customer_id = $1 AND deleted_at IS NULL),
         left_groups AS (DELETE FROM customer_group_customer WHERE customer_id = $1)
         UPDATE customer SET deleted_at = now(), updated_at = now() WHERE id = $1",
        id
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether there is an account under an e-mail address.
pub async fn account_exists(conn: &mut PgConnection, email: &str) -> Result<bool, WriteError> {
    let found = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM customer WHERE email = $1 AND has_account AND deleted_at IS NULL) AS "found!""#,
        email
    )
    .fetch_one(conn)
    .await?;
    Ok(found)
}

/// The customer that buys under an e-mail address without signing in: the guest who did so before, or a new one
/// (`find-or-create-customer`). Two at once get the same.
pub async fn find_or_create_guest(conn: &mut PgConnection, email: &str) -> Result<String, WriteError> {
    let id = id::new("cus");
    // The update that changes nothing makes Postgres give the row that is there.
    let id = sqlx::query_scalar!(
        "INSERT INTO customer (id, email) VALUES ($1, $2)
         ON CONFLICT (email, has_account) WHERE deleted_at IS NULL DO UPDATE SET email = excluded.email RETURNING id",
        id,
        email
    )
    .fetch_one(conn)
    .await?;
    Ok(id)
}
