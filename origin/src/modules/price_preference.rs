//! Module pricing: whether prices of a region or currency include tax.

use sqlx::PgConnection;
use vitrine_shared::id;

use super::WriteError;
use super::row::Table;

/// Its table.
pub const PRICE_PREFERENCE: Table = Table { name: "price_preference", prefix: "prpref", title: "Price preference" };

/// Sets what is preferred for a value of an attribute, such as `region_id`; without a word on it, a new one excludes tax and
/// one that is there stays.
pub async fn set(
    conn: &mut PgConnection,
    attribute: &str,
    value: &str,
    is_tax_inclusive: Option<bool>,
) -> Result<(), WriteError> {
    sqlx::query!(
        "INSERT INTO price_preference (id, attribute, value, is_tax_inclusive) VALUES ($1, $2, $3, coalesce($4, false))
         ON CONFLICT (attribute, value) WHERE deleted_at IS NULL DO UPDATE
         SET is_tax_inclusive = coalesce($4, price_preference.is_tax_inclusive), updated_at = clock_timestamp()",
        id::new(PRICE_PREFERENCE.prefix),
        attribute,
        value,
        is_tax_inclusive
    )
    .execute(conn)
    .await?;
    Ok(())
}
