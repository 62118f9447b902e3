//! Module fulfillment, as far as products go: which shipping profile a product has.

use sqlx::PgConnection;

use super::WriteError;

/// Gives a product this shipping profile, or none.
pub async fn set_of_product(
    conn: &mut PgConnection,
    product_id: &str,
    profile: Option<&str>,
) -> Result<(), WriteError> {
    let Some(profile) = profile else {
        sqlx::query!("DELETE FROM product_shipping_profile WHERE product_id = $1", product_id).execute(conn).await?;
        return Ok(());
    };
    sqlx::query!(
        "INSERT INTO product_shipping_profile (product_id, shipping_profile_id) VALUES ($1, $2)
         ON CONFLICT (product_id) DO UPDATE SET shipping_profile_id = excluded.shipping_profile_id",
        product_id,
        profile
    )
    .execute(conn)
    .await?;
    Ok(())
}
