//! Module fulfillment: profiles, fulfillment sets, zones, shipping options, and the prices of these.

use serde_json::{Map, Value};
use sqlx::PgConnection;

use super::WriteError;
use super::row::{self, Row, Table};

/// What is shipped alike.
pub const PROFILE: Table = Table { name: "shipping_profile", prefix: "sp", title: "Shipping profile" };
/// The ways out of a stock location.
pub const FULFILLMENT_SET: Table = Table { name: "fulfillment_set", prefix: "fuset", title: "Fulfillment set" };
/// Where a set ships to.
pub const SERVICE_ZONE: Table = Table { name: "service_zone", prefix: "serzo", title: "Service zone" };
/// Parts of the world.
pub const GEO_ZONE: Table = Table { name: "geo_zone", prefix: "fgz", title: "Geo zone" };
/// Shipping options.
pub const OPTION: Table = Table { name: "shipping_option", prefix: "so", title: "Shipping option" };
/// Kinds of them.
pub const OPTION_TYPE: Table = Table { name: "shipping_option_type", prefix: "sotype", title: "Shipping option type" };
/// Conditions on them.
pub const OPTION_RULE: Table = Table { name: "shipping_option_rule", prefix: "sorul", title: "Shipping option rule" };
const PRICE_SET: Table = Table { name: "price_set", prefix: "pset", title: "Price set" };
const PRICE: Table = Table { name: "price", prefix: "price", title: "Price" };
const PRICE_RULE: Table = Table { name: "price_rule", prefix: "prule", title: "Price rule" };

/// A price of a shipping option.
#[derive(Debug, Clone, Default)]
pub struct OptionPrice {
    /// The id of one that is to be changed.
    pub id: Option<String>,
    /// Its columns.
    pub row: Row,
    /// The region that it is for, whose currency it is in.
    pub region_id: Option<String>,
    /// What must be so for it to apply.
    pub rules: Option<Vec<Row>>,
}

/// Gives an option these prices in place of those that it had.
pub async fn set_prices(conn: &mut PgConnection, option: &str, prices: Vec<OptionPrice>) -> Result<(), WriteError> {
    let set = price_set(conn, option).await?;
    let held = sqlx::query_scalar!("SELECT id FROM price WHERE price_set_id = $1 AND deleted_at IS NULL", set)
        .fetch_all(&mut *conn)
        .await?;
    let kept: Vec<&String> = prices.iter().filter_map(|price| price.id.as_ref()).collect();
    let gone: Vec<String> = held.iter().filter(|id| !kept.contains(id)).cloned().collect();
    PRICE.delete(conn, "id", &gone).await?;
    PRICE_RULE.delete(conn, "price_id", &gone).await?;
    for mut price in prices {
        if let Some(region) = &price.region_id {
            price.row.set("currency_code", currency_of(conn, region).await?);
        }
        let is_new = price.id.is_none();
        let of_region = price.region_id.iter().map(|id| condition("region_id", "eq", id));
        let rules: Vec<Row> = of_region.chain(price.rules.iter().flatten().cloned()).collect();
        let changes_rules = is_new || price.rules.is_some() || price.region_id.is_some();
        if changes_rules {
            price.row.set("rules_count", rules.len());
        }
        let id = match price.id {
            Some(id) => {
                let before = PRICE.lock(conn, &id).await?.filter(|_| held.contains(&id));
                let before = before.ok_or_else(|| WriteError::not_found(PRICE.title, &id))?;
                PRICE.save(conn, &before, price.row).await?;
                id
            }
            None => PRICE.insert(conn, price.row.with("price_set_id", set.as_str())).await?,
        };
        if changes_rules {
            PRICE_RULE.delete(conn, "price_id", std::slice::from_ref(&id)).await?;
            let rules = rules.into_iter().map(|rule| rule.with("price_id", id.as_str())).collect();
            PRICE_RULE.insert_all(conn, rules).await?;
        }
    }
    Ok(())
}

/// A condition on a price.
pub fn condition(attribute: &str, operator: &str, value: &str) -> Row {
    Row::default().with("attribute", attribute).with("operator", operator).with("value", value)
}

/// Deletes an option's prices.
pub async fn delete_prices(conn: &mut PgConnection, option: &str) -> Result<(), WriteError> {
    let set = price_set(conn, option).await?;
    let gone = PRICE.delete(conn, "price_set_id", std::slice::from_ref(&set)).await?;
    PRICE_RULE.delete(conn, "price_id", &gone).await?;
    PRICE_SET.delete(conn, "id", &[set]).await?;
    Ok(())
}

/// Whether a provider ships from the location of a zone.
pub async fn is_enabled(conn: &mut PgConnection, zone: &str, provider: &str) -> Result<bool, WriteError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT 1 FROM service_zone z
               JOIN location_fulfillment_set s ON s.fulfillment_set_id = z.fulfillment_set_id
               JOIN location_fulfillment_provider p ON p.stock_location_id = s.stock_location_id
               WHERE z.id = $1 AND p.fulfillment_provider_id = $2) AS "is_enabled!""#,
        zone,
        provider
    )
    .fetch_one(conn)
    .await?)
}

/// Whether options ship things of a profile.
pub async fn has_options(conn: &mut PgConnection, profile: &str) -> Result<bool, WriteError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT 1 FROM shipping_option WHERE shipping_profile_id = $1 AND deleted_at IS NULL) AS "has!""#,
        profile
    )
    .fetch_one(conn)
    .await?)
}

/// Deletes zones softly: those whose `column` has one of these values, with all that is in them.
pub async fn delete_zones(conn: &mut PgConnection, column: &'static str, values: &[String]) -> Result<(), WriteError> {
    let zones = SERVICE_ZONE.delete(conn, column, values).await?;
    GEO_ZONE.delete(conn, "service_zone_id", &zones).await?;
    let options = OPTION.delete(conn, "service_zone_id", &zones).await?;
    OPTION_RULE.delete(conn, "shipping_option_id", &options).await?;
    Ok(())
}

/// Deletes an option's conditions but for these.
pub async fn delete_rules_but(conn: &mut PgConnection, option: &str, kept: &[String]) -> Result<(), WriteError> {
    sqlx::query!(
        "UPDATE shipping_option_rule SET deleted_at = now(), updated_at = now()
         WHERE shipping_option_id = $1 AND id <> ALL($2) AND deleted_at IS NULL",
        option,
        kept
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A zone of a set, whole and locked.
pub async fn zone_of(conn: &mut PgConnection, set: &str, zone: &str) -> Result<Map<String, Value>, WriteError> {
    FULFILLMENT_SET.locked(conn, set).await?;
    let found = SERVICE_ZONE.lock(conn, zone).await?;
    let of_set = found.filter(|zone| zone.get("fulfillment_set_id").and_then(Value::as_str) == Some(set));
    of_set.ok_or_else(|| WriteError::NotFound(format!("Service zone with id: {zone} not found on fulfillment set")))
}

async fn price_set(conn: &mut PgConnection, option: &str) -> Result<String, WriteError> {
    let held =
        sqlx::query_scalar!("SELECT price_set_id FROM shipping_option_price_set WHERE shipping_option_id = $1", option)
            .fetch_optional(&mut *conn)
            .await?;
    if let Some(set) = held {
        return Ok(set);
    }
    let set = PRICE_SET.insert(conn, Row::default()).await?;
    let link = Row::default().with("shipping_option_id", option).with("price_set_id", set.as_str());
    row::link(conn, "shipping_option_price_set", &[link]).await?;
    Ok(set)
}

async fn currency_of(conn: &mut PgConnection, region: &str) -> Result<String, WriteError> {
    let found = sqlx::query_scalar!("SELECT currency_code FROM region WHERE id = $1 AND deleted_at IS NULL", region)
        .fetch_optional(conn)
        .await?;
    found.ok_or_else(|| {
        WriteError::Invalid(format!(
            "Cannot create prices for non-existent regions. Region with ids [{region}] were not found."
        ))
    })
}
