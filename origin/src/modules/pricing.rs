//! Module pricing, as far as variants go: price sets and their default prices, those of no price list.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use sqlx::PgConnection;
use vitrine_shared::id;

use super::WriteError;

/// A price as it is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenPrice {
    /// The id of one that the price set has, to be changed.
    pub id: Option<String>,
    /// Its currency, in lower case.
    pub currency_code: Option<String>,
    /// How much, in major units.
    pub amount: Option<Decimal>,
    /// From how many on.
    pub min_quantity: Option<Decimal>,
    /// Up to how many.
    pub max_quantity: Option<Decimal>,
    /// What must be so for it to apply, by attribute, such as `region_id`. Absent: of a changed price, as before.
    pub rules: Option<BTreeMap<String, String>>,
}

/// What two prices of one set must not share: the later replaces the earlier (`hashPrice`).
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Context {
    currency_code: Option<String>,
    min_quantity: Option<Decimal>,
    max_quantity: Option<Decimal>,
    rules: Option<BTreeMap<String, String>>,
}

/// Makes a variant's price set with its prices.
pub async fn insert_set(conn: &mut PgConnection, variant_id: &str, prices: Vec<GivenPrice>) -> Result<(), WriteError> {
    let set_id = id::new("pset");
    sqlx::query!("INSERT INTO price_set (id) VALUES ($1)", set_id).execute(&mut *conn).await?;
    sqlx::query!(
        "INSERT INTO product_variant_price_set (variant_id, price_set_id) VALUES ($1, $2)",
        variant_id,
        set_id
    )
    .execute(&mut *conn)
    .await?;
    for price in distinct(prices) {
        insert_price(conn, &set_id, &price).await?;
    }
    Ok(())
}

/// Gives a variant these default prices in place of those that it had, as Medusa's `updatePriceSets` does: prices with a
/// known id are changed, others are new, and those that are not mentioned are deleted. Prices of price lists stay.
pub async fn replace(conn: &mut PgConnection, variant_id: &str, prices: Vec<GivenPrice>) -> Result<(), WriteError> {
    let set =
        sqlx::query_scalar!("SELECT price_set_id FROM product_variant_price_set WHERE variant_id = $1", variant_id)
            .fetch_optional(&mut *conn)
            .await?;
    let Some(set) = set else {
        return insert_set(conn, variant_id, prices).await;
    };
    let known = sqlx::query_scalar!(
        "SELECT id FROM price WHERE price_set_id = $1 AND price_list_id IS NULL AND deleted_at IS NULL",
        set
    )
    .fetch_all(&mut *conn)
    .await?;
    let prices = distinct(prices);
    let is_known = |price: &GivenPrice| price.id.as_ref().is_some_and(|id| known.contains(id));
    if let Some(unknown) = prices.iter().find(|price| price.id.is_some() && !is_known(price)) {
        let id = unknown.id.as_deref().unwrap_or_default();
        return Err(WriteError::Invalid(format!("Price with id: {id} was not found among the variant's prices")));
    }
    let gone: Vec<String> =
        known.iter().filter(|id| !prices.iter().any(|price| price.id.as_ref() == Some(id))).cloned().collect();
    delete_prices(conn, &gone).await?;
    for price in &prices {
        match &price.id {
            Some(id) => update_price(conn, id, price).await?,
            None => insert_price(conn, &set, price).await?,
        }
    }
    Ok(())
}

/// Deletes the price sets of variants, with all their prices.
pub async fn delete_of_variants(conn: &mut PgConnection, variants: &[String]) -> Result<(), WriteError> {
    sqlx::query!(
        "WITH unlinked AS (
             DELETE FROM product_variant_price_set WHERE variant_id = ANY($1) RETURNING price_set_id
         ), gone AS (
             UPDATE price_set SET deleted_at = now(), updated_at = now()
             WHERE id IN (SELECT price_set_id FROM unlinked) RETURNING id
         )
         UPDATE price SET deleted_at = now(), updated_at = now()
         WHERE price_set_id IN (SELECT id FROM gone) AND deleted_at IS NULL",
        variants
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn insert_price(conn: &mut PgConnection, set_id: &str, price: &GivenPrice) -> Result<(), WriteError> {
    let price_id = id::new("price");
    let none = BTreeMap::new();
    let rules = price.rules.as_ref().unwrap_or(&none);
    let (Some(currency_code), Some(amount)) = (&price.currency_code, price.amount) else {
        let column = if price.amount.is_none() { "amount" } else { "currency_code" };
        return Err(WriteError::Invalid(format!("Cannot set field '{column}' of Price to null")));
    };
    sqlx::query!(
        "INSERT INTO price (id, price_set_id, currency_code, amount, min_quantity, max_quantity, rules_count)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        price_id,
        set_id,
        currency_code,
        amount,
        price.min_quantity,
        price.max_quantity,
        count(rules)
    )
    .execute(&mut *conn)
    .await?;
    insert_rules(conn, &price_id, rules).await
}

async fn update_price(conn: &mut PgConnection, price_id: &str, price: &GivenPrice) -> Result<(), WriteError> {
    sqlx::query!(
        "UPDATE price SET currency_code = coalesce($2, currency_code), amount = coalesce($3, amount), min_quantity = $4,
             max_quantity = $5, rules_count = coalesce($6, rules_count), updated_at = clock_timestamp()
         WHERE id = $1",
        price_id,
        price.currency_code,
        price.amount,
        price.min_quantity,
        price.max_quantity,
        price.rules.as_ref().map(count)
    )
    .execute(&mut *conn)
    .await?;
    if let Some(rules) = &price.rules {
        delete_rules(conn, &[price_id.to_owned()]).await?;
        insert_rules(conn, price_id, rules).await?;
    }
    Ok(())
}

async fn insert_rules(
    conn: &mut PgConnection,
    price_id: &str,
    rules: &BTreeMap<String, String>,
) -> Result<(), WriteError> {
    let ids: Vec<String> = rules.iter().map(|_| id::new("prule")).collect();
    let (attributes, values): (Vec<String>, Vec<String>) =
        rules.iter().map(|(attribute, value)| (attribute.clone(), value.clone())).unzip();
    sqlx::query!(
        "INSERT INTO price_rule (id, price_id, attribute, value)
         SELECT r.id, $1, r.attribute, r.value
         FROM unnest($2::text[], $3::text[], $4::text[]) AS r (id, attribute, value)",
        price_id,
        &ids,
        &attributes,
        &values
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn delete_prices(conn: &mut PgConnection, ids: &[String]) -> Result<(), WriteError> {
    delete_rules(conn, ids).await?;
    sqlx::query!("UPDATE price SET deleted_at = now(), updated_at = now() WHERE id = ANY($1)", ids)
        .execute(conn)
        .await?;
    Ok(())
}

async fn delete_rules(conn: &mut PgConnection, price_ids: &[String]) -> Result<(), WriteError> {
    sqlx::query!(
        "UPDATE price_rule SET deleted_at = now(), updated_at = now() WHERE price_id = ANY($1) AND deleted_at IS NULL",
        price_ids
    )
    .execute(conn)
    .await?;
    Ok(())
}

fn count(rules: &BTreeMap<String, String>) -> i32 {
    i32::try_from(rules.len()).unwrap_or(i32::MAX)
}

/// One price for each context: the last one given, at the place of the first.
fn distinct(prices: Vec<GivenPrice>) -> Vec<GivenPrice> {
    let mut places: BTreeMap<Context, usize> = BTreeMap::new();
    let mut kept: Vec<GivenPrice> = Vec::with_capacity(prices.len());
    for price in prices {
        let context = Context {
            currency_code: price.currency_code.clone(),
            min_quantity: price.min_quantity,
            max_quantity: price.max_quantity,
            rules: price.rules.clone().filter(|rules| !rules.is_empty()),
        };
        if let Some(earlier) = places.get(&context).and_then(|&place| kept.get_mut(place)) {
            *earlier = price;
        } else {
            places.insert(context, kept.len());
            kept.push(price);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(currency: &str, amount: i64) -> GivenPrice {
        GivenPrice {
            id: None,
            currency_code: Some(currency.into()),
            amount: Some(amount.into()),
            min_quantity: None,
            max_quantity: None,
            rules: None,
        }
    }

    #[test]
    fn the_last_price_of_a_context_counts() {
        let ruled = GivenPrice { rules: Some([("region_id".into(), "reg_1".into())].into()), ..price("eur", 3) };
        let empty = GivenPrice { rules: Some(BTreeMap::new()), ..price("eur", 4) };
        let kept = distinct(vec![price("eur", 1), price("usd", 2), ruled.clone(), empty.clone()]);
        assert_eq!(kept, [empty, price("usd", 2), ruled]);
    }
}
