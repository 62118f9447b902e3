//! Module region: regions, their countries and payment providers.

use std::collections::BTreeSet;

use sqlx::PgConnection;

use super::WriteError;
use super::row::Table;

/// Its table.
pub const REGION: Table = Table { name: "region", prefix: "reg", title: "Region" };

/// Payment providers that there are. They are code.
const PAYMENT_PROVIDERS: [&str; 1] = ["pp_system_default"];

/// Gives a region these countries, in lower case, in place of those that it had.
pub async fn set_countries(conn: &mut PgConnection, region: &str, countries: &[String]) -> Result<(), WriteError> {
    release_countries(conn, region).await?;
    let mut seen = BTreeSet::new();
    let twice: Vec<&str> = countries.iter().filter(|code| !seen.insert(*code)).map(String::as_str).collect();
    if !twice.is_empty() {
        return Err(taken(&twice));
    }
    let rows = sqlx::query!(
        "SELECT iso_2, region_id FROM region_country WHERE iso_2 = ANY($1) AND deleted_at IS NULL ORDER BY iso_2 FOR UPDATE",
        countries
    )
    .fetch_all(&mut *conn)
    .await?;
    let missing: Vec<&str> =
        countries.iter().map(String::as_str).filter(|code| !rows.iter().any(|row| row.iso_2 == *code)).collect();
    if !missing.is_empty() {
        return Err(WriteError::Invalid(format!("Countries with codes: \"{}\" do not exist", missing.join(", "))));
    }
    let of_others: Vec<&str> =
        rows.iter().filter(|row| row.region_id.is_some()).map(|row| row.iso_2.as_str()).collect();
    if !of_others.is_empty() {
        return Err(taken(&of_others));
    }
    sqlx::query!(
        "UPDATE region_country SET region_id = $1, updated_at = clock_timestamp() WHERE iso_2 = ANY($2)",
        region,
        countries
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes a region's countries away.
pub async fn release_countries(conn: &mut PgConnection, region: &str) -> Result<(), WriteError> {
    sqlx::query!(
        "UPDATE region_country SET region_id = NULL, updated_at = clock_timestamp() WHERE region_id = $1",
        region
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Gives a region these payment providers in place of those that it had.
pub async fn set_payment_providers(
    conn: &mut PgConnection,
    region: &str,
    providers: &[String],
) -> Result<(), WriteError> {
    let missing: Vec<&str> =
        providers.iter().map(String::as_str).filter(|id| !PAYMENT_PROVIDERS.contains(id)).collect();
    if !missing.is_empty() {
        return Err(WriteError::NotFound(format!(
            "Payment providers with ids {} not found or not enabled",
            missing.join(", ")
        )));
    }
    sqlx::query!("DELETE FROM region_payment_provider WHERE region_id = $1", region).execute(&mut *conn).await?;
    sqlx::query!(
        "INSERT INTO region_payment_provider (region_id, payment_provider_id) SELECT $1, unnest($2::text[])
         ON CONFLICT DO NOTHING",
        region,
        providers
    )
    .execute(conn)
    .await?;
    Ok(())
}

fn taken(countries: &[&str]) -> WriteError {
    WriteError::Invalid(format!("Countries with codes: \"{}\" are already assigned to a region", countries.join(", ")))
}
