//! Module pricing: price lists, their rules and their prices.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use sqlx::PgConnection;

use super::WriteError;
use super::row::{Row, Table};

/// Price lists.
pub const PRICE_LIST: Table = Table { name: "price_list", prefix: "plist", title: "Price list" };
const LIST_RULE: Table = Table { name: "price_list_rule", prefix: "plrule", title: "Price list rule" };
const PRICE: Table = Table { name: "price", prefix: "price", title: "Price" };
const PRICE_RULE: Table = Table { name: "price_rule", prefix: "prule", title: "Price rule" };

/// A price of a price list.
#[derive(Debug, Clone, Default)]
pub struct ListedPrice {
    /// Of which variant.
    pub variant_id: String,
    /// Its columns.
    pub row: Row,
    /// What must be so for it to apply, by attribute.
    pub rules: Option<BTreeMap<String, String>>,
}

/// Gives a list these rules, by attribute, in place of those that it had.
pub async fn set_rules(
    conn: &mut PgConnection,
    list: &str,
    rules: &BTreeMap<String, Vec<String>>,
) -> Result<(), WriteError> {
    LIST_RULE.delete(conn, "price_list_id", &[list.to_owned()]).await?;
    let row = |(attribute, values): (&String, &Vec<String>)| {
        let row = Row::default().with("price_list_id", list).with("attribute", attribute.as_str());
        row.with("value", values.clone())
    };
    LIST_RULE.insert_all(conn, rules.iter().map(row).collect()).await?;
    sqlx::query!(
        "UPDATE price_list SET rules_count = $2 WHERE id = $1",
        list,
        i32::try_from(rules.len()).unwrap_or(i32::MAX)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Adds prices to a list; returns their ids.
pub async fn add_prices(
    conn: &mut PgConnection,
    list: &str,
    prices: Vec<ListedPrice>,
) -> Result<Vec<String>, WriteError> {
    let sets = sets_of(conn, &prices).await?;
    let mut rows = Vec::new();
    let mut rules = Vec::new();
    for price in prices {
        let set = sets.get(&price.variant_id).cloned().unwrap_or_default();
        let given = price.rules.unwrap_or_default();
        // Rows that are written together set the same columns.
        let whole = Row::default().with("min_quantity", Value::Null).with("max_quantity", Value::Null).and(price.row);
        rows.push(whole.with("price_set_id", set).with("price_list_id", list).with("rules_count", given.len()));
        rules.push(given);
    }
    let ids = PRICE.insert_all(conn, rows).await?;
    let all: Vec<Row> = ids.iter().zip(&rules).flat_map(|(id, rules)| rule_rows(id, rules)).collect();
    PRICE_RULE.insert_all(conn, all).await?;
    Ok(ids)
}

/// Changes prices of a list, by id.
pub async fn update_prices(
    conn: &mut PgConnection,
    list: &str,
    prices: Vec<(String, ListedPrice)>,
) -> Result<(), WriteError> {
    let given: Vec<ListedPrice> = prices.iter().map(|(_, price)| price.clone()).collect();
    sets_of(conn, &given).await?;
    for (id, price) in prices {
        let before = held(conn, list, &id).await?;
        let mut row = price.row;
        if let Some(rules) = price.rules {
            row.set("rules_count", rules.len());
            PRICE_RULE.delete(conn, "price_id", std::slice::from_ref(&id)).await?;
            PRICE_RULE.insert_all(conn, rule_rows(&id, &rules)).await?;
        }
        PRICE.save(conn, &before, row).await?;
    }
    Ok(())
}

/// Deletes prices of a list; returns their ids. Those of others stay.
pub async fn delete_prices(conn: &mut PgConnection, list: &str, prices: &[String]) -> Result<Vec<String>, WriteError> {
    let gone = sqlx::query_scalar!(
        "UPDATE price SET deleted_at = now(), updated_at = now()
         WHERE id = ANY($1) AND price_list_id = $2 AND deleted_at IS NULL RETURNING id",
        prices,
        list
    )
    .fetch_all(&mut *conn)
    .await?;
    PRICE_RULE.delete(conn, "price_id", &gone).await?;
    Ok(gone)
}

/// Deletes what belongs to a list; returns the ids of its prices.
pub async fn delete_parts(conn: &mut PgConnection, list: &str) -> Result<Vec<String>, WriteError> {
    let list = [list.to_owned()];
    LIST_RULE.delete(conn, "price_list_id", &list).await?;
    let gone = PRICE.delete(conn, "price_list_id", &list).await?;
    PRICE_RULE.delete(conn, "price_id", &gone).await?;
    Ok(gone)
}

/// Ids of a list's prices of some products.
pub async fn prices_of_products(
    conn: &mut PgConnection,
    list: &str,
    products: &[String],
) -> Result<Vec<String>, WriteError> {
    Ok(sqlx::query_scalar!(
        "SELECT p.id FROM price p JOIN product_variant_price_set k ON k.price_set_id = p.price_set_id
         JOIN product_variant v ON v.id = k.variant_id
         WHERE p.price_list_id = $1 AND p.deleted_at IS NULL AND v.product_id = ANY($2)",
        list,
        products
    )
    .fetch_all(conn)
    .await?)
}

/// Products that these prices are of.
pub async fn products(conn: &mut PgConnection, prices: &[String]) -> Result<BTreeSet<String>, WriteError> {
    let found = sqlx::query_scalar!(
        "SELECT DISTINCT v.product_id FROM price p JOIN product_variant_price_set k ON k.price_set_id = p.price_set_id
         JOIN product_variant v ON v.id = k.variant_id WHERE p.id = ANY($1)",
        prices
    )
    .fetch_all(conn)
    .await?;
    Ok(found.into_iter().collect())
}

fn rule_rows(price: &str, rules: &BTreeMap<String, String>) -> Vec<Row> {
    let row = |(attribute, value): (&String, &String)| {
        Row::default().with("price_id", price).with("attribute", attribute.as_str()).with("value", value.as_str())
    };
    rules.iter().map(row).collect()
}

async fn held(conn: &mut PgConnection, list: &str, id: &str) -> Result<Map<String, Value>, WriteError> {
    let found = PRICE.lock(conn, id).await?;
    let of_list = found.filter(|price| price.get("price_list_id").and_then(Value::as_str) == Some(list));
    of_list.ok_or_else(|| WriteError::not_found(PRICE.title, id))
}

/// The price sets of the variants, by variant.
async fn sets_of(conn: &mut PgConnection, prices: &[ListedPrice]) -> Result<BTreeMap<String, String>, WriteError> {
    let variants: Vec<String> = prices.iter().map(|price| price.variant_id.clone()).collect();
    let rows = sqlx::query!(
        "SELECT variant_id, price_set_id FROM product_variant_price_set WHERE variant_id = ANY($1)",
        &variants
    )
    .fetch_all(conn)
    .await?;
    let sets: BTreeMap<String, String> = rows.into_iter().map(|row| (row.variant_id, row.price_set_id)).collect();
    let without: Vec<&str> = variants.iter().filter(|id| !sets.contains_key(*id)).map(String::as_str).collect();
    if without.is_empty() {
        return Ok(sets);
    }
    Err(WriteError::Invalid(format!("No price set exist for variants: {}", without.join(", "))))
}
