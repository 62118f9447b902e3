//! What is done to tax regions and rates. All prices with tax are shown by them.

use serde_json::{Map, Value};
use vitrine_shared::event::Change;

use super::{Done, Work};
use crate::modules::WriteError;
use crate::modules::row::Row;
use crate::modules::tax::{TAX_RATE, TAX_RATE_RULE, TAX_REGION};
use crate::outbox::Outbox;

/// A tax region to be made.
#[derive(Debug, Default)]
pub struct NewTaxRegion {
    /// Its columns.
    pub row: Row,
    /// The rate that applies where no other does.
    pub default_rate: Option<Row>,
}

/// A rate to be made or changed.
#[derive(Debug, Default)]
pub struct GivenTaxRate {
    /// Its columns.
    pub row: Row,
    /// What it is for, in place of what it was for.
    pub rules: Option<Vec<Row>>,
}

/// Makes a tax region with its default rate; returns its id.
pub async fn create_region(outbox: &Outbox, user: &str, mut given: NewTaxRegion) -> Result<Done<String>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    given.row.set("created_by", user);
    check_parent(&mut work, &given.row).await?;
    let id = TAX_REGION.insert(work.conn(), given.row).await?;
    if let Some(rate) = given.default_rate {
        let rate = rate.with("is_default", true).with("tax_region_id", id.as_str()).with("created_by", user);
        TAX_RATE.insert(work.conn(), rate).await?;
    }
    work.emit("tax.tax-region.created", changed()).await?;
    work.commit(id).await
}

/// Changes a tax region.
pub async fn update_region(outbox: &Outbox, id: &str, patch: Row) -> Result<Done<()>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let before = TAX_REGION.locked(work.conn(), id).await?;
    TAX_REGION.save(work.conn(), &before, patch).await?;
    work.emit("tax.tax-region.updated", changed()).await?;
    work.commit(()).await
}

/// Deletes a tax region softly, with its provinces and all their rates. One that is not there is deleted.
pub async fn delete_region(outbox: &Outbox, id: &str) -> Result<Done<()>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let conn = work.conn();
    let mut regions = TAX_REGION.delete(conn, "id", &[id.to_owned()]).await?;
    if regions.is_empty() {
        return work.commit(()).await;
    }
    regions.extend(TAX_REGION.delete(conn, "parent_id", &regions).await?);
    let rates = TAX_RATE.delete(conn, "tax_region_id", &regions).await?;
    TAX_RATE_RULE.delete(conn, "tax_rate_id", &rates).await?;
    work.emit("tax.tax-region.deleted", changed()).await?;
    work.commit(()).await
}

/// Makes a rate; returns its id.
pub async fn create_rate(outbox: &Outbox, user: &str, given: GivenTaxRate) -> Result<Done<String>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let id = TAX_RATE.insert(work.conn(), given.row.with("created_by", user)).await?;
    add_rules(&mut work, &id, user, given.rules.unwrap_or_default()).await?;
    work.emit("tax.tax-rate.created", changed()).await?;
    work.commit(id).await
}

/// Changes a rate; rules that are given replace those that it had.
pub async fn update_rate(outbox: &Outbox, id: &str, given: GivenTaxRate) -> Result<Done<()>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let before = locked_rate(&mut work, id).await?;
    TAX_RATE.save(work.conn(), &before, given.row).await?;
    if let Some(rules) = given.rules {
        TAX_RATE_RULE.delete(work.conn(), "tax_rate_id", &[id.to_owned()]).await?;
        let user = before.get("created_by").and_then(Value::as_str).unwrap_or_default();
        add_rules(&mut work, id, user, rules).await?;
    }
    work.emit("tax.tax-rate.updated", changed()).await?;
    work.commit(()).await
}

/// Deletes a rate softly. One that is not there is deleted.
pub async fn delete_rate(outbox: &Outbox, id: &str) -> Result<Done<()>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let gone = TAX_RATE.delete(work.conn(), "id", &[id.to_owned()]).await?;
    if !gone.is_empty() {
        TAX_RATE_RULE.delete(work.conn(), "tax_rate_id", &gone).await?;
        work.emit("tax.tax-rate.deleted", changed()).await?;
    }
    work.commit(()).await
}

/// Adds a rule to a rate.
pub async fn add_rule(outbox: &Outbox, user: &str, rate: &str, rule: Row) -> Result<Done<()>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    locked_rate(&mut work, rate).await?;
    add_rules(&mut work, rate, user, vec![rule]).await?;
    work.emit("tax.tax-rate-rule.created", changed()).await?;
    work.commit(()).await
}

/// Takes a rule from a rate. One that is not there is taken.
pub async fn remove_rule(outbox: &Outbox, rule: &str) -> Result<Done<()>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    if !TAX_RATE_RULE.delete(work.conn(), "id", &[rule.to_owned()]).await?.is_empty() {
        work.emit("tax.tax-rate-rule.deleted", changed()).await?;
    }
    work.commit(()).await
}

async fn locked_rate(work: &mut Work, id: &str) -> Result<Map<String, Value>, WriteError> {
    let found = TAX_RATE.lock(work.conn(), id).await?;
    found.ok_or_else(|| WriteError::NotFound(format!("Tax rate with id \"{id}\" not found")))
}

async fn add_rules(work: &mut Work, rate: &str, user: &str, rules: Vec<Row>) -> Result<(), WriteError> {
    let rules = rules.into_iter().map(|rule| rule.with("tax_rate_id", rate).with("created_by", user)).collect();
    TAX_RATE_RULE.insert_all(work.conn(), rules).await?;
    Ok(())
}

/// A province is of a country (`verifyProvinceToCountryMatch`).
async fn check_parent(work: &mut Work, region: &Row) -> Result<(), WriteError> {
    let Some(parent) = region.text("parent_id") else {
        return Ok(());
    };
    let country = region.text("country_code").unwrap_or_default();
    let province = region.text("province_code").unwrap_or("null");
    let tried = format!("You are trying to create a province region with (country: {country}, province: {province})");
    let Some(found) = TAX_REGION.lock(work.conn(), parent).await? else {
        return Err(WriteError::Invalid(format!(
            "Province region must belong to a parent region. {tried} but parent does not exist"
        )));
    };
    let of_parent = found.get("country_code").and_then(Value::as_str).unwrap_or_default();
    if of_parent != country {
        return Err(WriteError::Invalid(format!(
            "Province region must belong to a parent region with the same country code. {tried} \
             but parent expects (country: {of_parent})"
        )));
    }
    Ok(())
}

fn changed() -> Change {
    Change::Set { name: "tax-rates".to_owned() }
}
