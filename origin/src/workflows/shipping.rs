//! What is done to shipping: profiles, fulfillment sets and their zones, shipping options. Only carts ask for them, so no answer
//! at an edge changes.

use serde_json::Value;

use super::{Done, Work};
use crate::modules::WriteError;
use crate::modules::row::Row;
use crate::modules::shipping::{
    self, FULFILLMENT_SET, GEO_ZONE, OPTION, OPTION_RULE, OPTION_TYPE, OptionPrice, PROFILE, SERVICE_ZONE,
};
use crate::outbox::Outbox;

/// A shipping option to be made or changed; what is absent stays.
#[derive(Debug, Default)]
pub struct GivenOption {
    /// Its columns.
    pub row: Row,
    /// A new kind that it is of.
    pub kind: Option<Row>,
    /// Its prices, in place of those that it had.
    pub prices: Option<Vec<OptionPrice>>,
    /// Conditions on it, in place of those that it had; those with an id stay, changed.
    pub rules: Option<Vec<(Option<String>, Row)>>,
}

/// Changes of an option's conditions.
#[derive(Debug, Default)]
pub struct RuleBatch {
    /// Conditions to be made.
    pub create: Vec<Row>,
    /// Conditions to be changed, by id.
    pub update: Vec<(String, Row)>,
    /// Ids of conditions to be deleted.
    pub delete: Vec<String>,
}

/// A zone to be made or changed.
#[derive(Debug, Default)]
pub struct GivenZone {
    /// Its columns.
    pub row: Row,
    /// Its parts of the world, in place of those that it had.
    pub places: Option<Vec<Row>>,
}

/// Makes a profile; returns its id.
pub async fn create_profile(outbox: &Outbox, row: Row) -> Result<Done<String>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let id = PROFILE.insert(work.conn(), row).await?;
    work.commit(id).await
}

/// Changes a profile.
pub async fn update_profile(outbox: &Outbox, id: &str, patch: Row) -> Result<Done<()>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let before = PROFILE.locked(work.conn(), id).await?;
    PROFILE.save(work.conn(), &before, patch).await?;
    work.commit(()).await
}

/// Deletes a profile that no option ships. One that is not there is deleted.
pub async fn delete_profile(outbox: &Outbox, id: &str) -> Result<Done<()>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    if shipping::has_options(work.conn(), id).await? {
        return Err(WriteError::Invalid(format!(
            "Cannot delete Shipping Profiles {id} with associated Shipping Options. Delete Shipping Options first and try again."
        )));
    }
    PROFILE.delete(work.conn(), "id", &[id.to_owned()]).await?;
    work.commit(()).await
}

/// Deletes a fulfillment set with its zones and their options. One that is not there is deleted.
pub async fn delete_set(outbox: &Outbox, id: &str) -> Result<Done<()>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let gone = FULFILLMENT_SET.delete(work.conn(), "id", &[id.to_owned()]).await?;
    shipping::delete_zones(work.conn(), "fulfillment_set_id", &gone).await?;
    work.commit(()).await
}

/// Makes a zone of a set.
pub async fn create_zone(outbox: &Outbox, set: &str, given: GivenZone) -> Result<Done<()>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    if FULFILLMENT_SET.lock(work.conn(), set).await?.is_none() {
        return Err(WriteError::NotFound(format!("The following fulfillment sets does not exists: {set}")));
    }
    let zone = SERVICE_ZONE.insert(work.conn(), given.row.with("fulfillment_set_id", set)).await?;
    set_places(&mut work, &zone, given.places.unwrap_or_default()).await?;
    work.commit(()).await
}

/// Changes a zone of a set.
pub async fn update_zone(outbox: &Outbox, set: &str, zone: &str, given: GivenZone) -> Result<Done<()>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let before = shipping::zone_of(work.conn(), set, zone).await?;
    SERVICE_ZONE.save(work.conn(), &before, given.row).await?;
    if let Some(places) = given.places {
        GEO_ZONE.delete(work.conn(), "service_zone_id", &[zone.to_owned()]).await?;
        set_places(&mut work, zone, places).await?;
    }
    work.commit(()).await
}

/// Deletes a zone of a set, with its options.
pub async fn delete_zone(outbox: &Outbox, set: &str, zone: &str) -> Result<Done<()>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    shipping::zone_of(work.conn(), set, zone).await?;
    shipping::delete_zones(work.conn(), "id", &[zone.to_owned()]).await?;
    work.commit(()).await
}

async fn set_places(work: &mut Work, zone: &str, places: Vec<Row>) -> Result<(), WriteError> {
    // Rows that are written together set the same columns.
    let whole = |place: Row| {
        let empty = ["province_code", "city", "postal_expression", "metadata"];
        let row = empty.into_iter().fold(Row::default(), |row, column| row.with(column, Value::Null));
        row.and(place).with("service_zone_id", zone)
    };
    GEO_ZONE.insert_all(work.conn(), places.into_iter().map(whole).collect()).await?;
    Ok(())
}

/// Makes a shipping option with its prices and conditions; returns its id.
pub async fn create_option(outbox: &Outbox, given: GivenOption) -> Result<Done<String>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let mut row = given.row;
    check_provider(&mut work, &row, row.text("service_zone_id").unwrap_or_default()).await?;
    if let Some(kind) = given.kind {
        let kind = OPTION_TYPE.insert(work.conn(), kind).await?;
        row.set("shipping_option_type_id", kind);
    }
    let id = OPTION.insert(work.conn(), row).await?;
    shipping::set_prices(work.conn(), &id, given.prices.unwrap_or_default()).await?;
    let rules = given.rules.unwrap_or_default();
    let rules = rules.into_iter().map(|(_, rule)| rule.with("shipping_option_id", id.as_str())).collect();
    OPTION_RULE.insert_all(work.conn(), rules).await?;
    work.commit(id).await
}

/// Changes a shipping option.
pub async fn update_option(outbox: &Outbox, id: &str, given: GivenOption) -> Result<Done<()>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let before = OPTION.locked(work.conn(), id).await?;
    let mut row = given.row;
    let zone = before.get("service_zone_id").and_then(Value::as_str).unwrap_or_default().to_owned();
    check_provider(&mut work, &row, &zone).await?;
    if let Some(kind) = given.kind {
        let kind = OPTION_TYPE.insert(work.conn(), kind).await?;
        row.set("shipping_option_type_id", kind);
    }
    OPTION.save(work.conn(), &before, row).await?;
    if let Some(prices) = given.prices {
        shipping::set_prices(work.conn(), id, prices).await?;
    }
    if let Some(rules) = given.rules {
        replace_rules(&mut work, id, rules).await?;
    }
    work.commit(()).await
}

/// Deletes a shipping option softly, with its prices and conditions. One that is not there is deleted.
pub async fn delete_option(outbox: &Outbox, id: &str) -> Result<Done<()>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let gone = OPTION.delete(work.conn(), "id", &[id.to_owned()]).await?;
    if !gone.is_empty() {
        OPTION_RULE.delete(work.conn(), "shipping_option_id", &gone).await?;
        shipping::delete_prices(work.conn(), id).await?;
    }
    work.commit(()).await
}

/// Makes, changes and deletes conditions of an option; returns the ids of those that are new.
pub async fn change_rules(outbox: &Outbox, id: &str, batch: RuleBatch) -> Result<Done<Vec<String>>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    OPTION.locked(work.conn(), id).await?;
    let rules = batch.create.into_iter().map(|rule| rule.with("shipping_option_id", id)).collect();
    let created = OPTION_RULE.insert_all(work.conn(), rules).await?;
    for (rule, patch) in batch.update {
        change_rule(&mut work, id, &rule, patch).await?;
    }
    for rule in &batch.delete {
        rule_of(&mut work, id, rule).await?;
    }
    OPTION_RULE.delete(work.conn(), "id", &batch.delete).await?;
    work.commit(created).await
}

async fn replace_rules(work: &mut Work, option: &str, rules: Vec<(Option<String>, Row)>) -> Result<(), WriteError> {
    let kept: Vec<String> = rules.iter().filter_map(|(id, _)| id.clone()).collect();
    shipping::delete_rules_but(work.conn(), option, &kept).await?;
    for (id, rule) in rules {
        match id {
            Some(id) => change_rule(work, option, &id, rule).await?,
            None => {
                OPTION_RULE.insert(work.conn(), rule.with("shipping_option_id", option)).await?;
            }
        }
    }
    Ok(())
}

async fn change_rule(work: &mut Work, option: &str, rule: &str, patch: Row) -> Result<(), WriteError> {
    let before = rule_of(work, option, rule).await?;
    OPTION_RULE.save(work.conn(), &before, patch).await
}

async fn rule_of(work: &mut Work, option: &str, rule: &str) -> Result<serde_json::Map<String, Value>, WriteError> {
    let found = OPTION_RULE.lock(work.conn(), rule).await?;
    let of_option = found.filter(|rule| rule.get("shipping_option_id").and_then(Value::as_str) == Some(option));
    of_option.ok_or_else(|| {
        WriteError::NotFound(format!("The following rules does not exists: {rule} on shipping option {option}"))
    })
}

async fn check_provider(work: &mut Work, row: &Row, zone: &str) -> Result<(), WriteError> {
    let Some(provider) = row.text("provider_id") else {
        return Ok(());
    };
    if shipping::is_enabled(work.conn(), zone, provider).await? {
        return Ok(());
    }
    Err(WriteError::NotAllowed(format!("Providers ({provider}) are not enabled for the service location")))
}
