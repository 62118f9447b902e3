//! What is done to stock. Variants show it: their quantities, and whether they are in, low or out.

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use serde_json::{Map, Value};
use vitrine_shared::event::Change;

use super::{Done, Work};
use crate::modules::WriteError;
use crate::modules::row::Row;
use crate::modules::stock::{self, ITEM, LEVEL, States};
use crate::modules::stock_location::LOCATION;
use crate::outbox::Outbox;

/// Variants that one event names at most.
const VARIANTS_OF_EVENT: usize = 1_000;

/// Changes of levels.
#[derive(Debug, Default)]
pub struct LevelBatch {
    /// Levels to be made, each of an item at a location.
    pub create: Vec<Row>,
    /// Levels to be changed, named so.
    pub update: Vec<Row>,
    /// Ids of levels to be deleted.
    pub delete: Vec<String>,
    /// Whether those that hold stock are deleted too.
    pub force: bool,
}

/// Levels that were made and changed, by id.
#[derive(Debug, Default)]
pub struct ChangedLevels {
    /// Made.
    pub created: Vec<String>,
    /// Changed.
    pub updated: Vec<String>,
}

/// Makes an item with its levels; returns its id.
pub async fn create_item(outbox: &Outbox, row: Row, levels: Vec<Row>) -> Result<Done<String>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let id = ITEM.insert(work.conn(), row).await?;
    let levels = levels.into_iter().map(|level| level.with("inventory_item_id", id.as_str())).collect();
    add_levels(&mut work, levels).await?;
    work.commit(id).await
}

/// Changes an item. Storefronts see nothing of it but its stock.
pub async fn update_item(outbox: &Outbox, id: &str, patch: Row) -> Result<Done<()>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let before = ITEM.locked(work.conn(), id).await?;
    ITEM.save(work.conn(), &before, patch).await?;
    work.commit(()).await
}

/// Deletes an item softly, with its levels; variants do not take from it any more. One that is not there is deleted.
pub async fn delete_item(outbox: &Outbox, id: &str) -> Result<Done<()>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let items = [id.to_owned()];
    let before = stock::states(work.conn(), &items).await?;
    if !ITEM.delete(work.conn(), "id", &items).await?.is_empty() {
        LEVEL.delete(work.conn(), "inventory_item_id", &items).await?;
        stock::unlink_item(work.conn(), id).await?;
        tell(&mut work, "inventory-item.deleted", before, &items).await?;
    }
    work.commit(()).await
}

/// Makes, changes and deletes levels (`batchInventoryItemLevelsWorkflow`).
pub async fn change_levels(outbox: &Outbox, batch: LevelBatch) -> Result<Done<ChangedLevels>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let mut items: BTreeSet<String> =
        batch.create.iter().chain(&batch.update).map(|level| text(level, "inventory_item_id")).collect();
    items.extend(stock::items_of_levels(work.conn(), &batch.delete).await?);
    let items: Vec<String> = items.into_iter().collect();
    let mut updates: Vec<Row> = batch.update;
    // In one order, so that no two writers wait for each other.
    updates.sort_by_key(|level| (text(level, "inventory_item_id"), text(level, "location_id")));
    let mut locked = Vec::new();
    for level in &updates {
        let (item, location) = (text(level, "inventory_item_id"), text(level, "location_id"));
        let found = stock::lock_level(work.conn(), &item, &location).await?;
        locked.push(
            found.ok_or_else(|| WriteError::NotFound(format!("Item {item} is not stocked at location {location}")))?,
        );
    }
    let before = stock::states(work.conn(), &items).await?;
    let mut changed = ChangedLevels { created: add_levels(&mut work, batch.create).await?, ..Default::default() };
    for (level, mut patch) in locked.into_iter().zip(updates) {
        patch.take("inventory_item_id");
        patch.take("location_id");
        LEVEL.save(work.conn(), &level, patch).await?;
        changed.updated.extend(level.get("id").and_then(Value::as_str).map(str::to_owned));
    }
    delete_levels(&mut work, &batch.delete, batch.force).await?;
    tell(&mut work, "inventory-level.updated", before, &items).await?;
    work.commit(changed).await
}

/// Deletes the level of an item at a location; returns its id.
pub async fn delete_level(outbox: &Outbox, item: &str, location: &str) -> Result<Done<String>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let items = [item.to_owned()];
    let before = stock::states(work.conn(), &items).await?;
    let level = stock::lock_level(work.conn(), item, location).await?.ok_or_else(|| {
        WriteError::NotFound(format!("Inventory Level for Item {item} at Location {location} not found"))
    })?;
    if quantity(&level, "reserved_quantity") > Decimal::ZERO {
        return Err(WriteError::NotAllowed(format!(
            "Cannot remove Inventory Level {item} at Location {location} because there are reservations at location"
        )));
    }
    let id = level.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
    delete_levels(&mut work, std::slice::from_ref(&id), false).await?;
    tell(&mut work, "inventory-level.deleted", before, &items).await?;
    work.commit(id).await
}

/// Tells what became of the stock of the variants that take from these items, or did.
pub(super) async fn tell(
    work: &mut Work,
    name: &'static str,
    before: States,
    items: &[String],
) -> Result<(), WriteError> {
    let after = stock::states(work.conn(), items).await?;
    let variants: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let changes: Vec<Change> = variants
        .into_iter()
        .map(|variant| Change::Stock {
            variant_id: variant.clone(),
            availability_changed: before.get(variant) != after.get(variant),
        })
        .collect();
    for part in changes.chunks(VARIANTS_OF_EVENT) {
        let change = match part {
            [one] => one.clone(),
            several => Change::Several { changes: several.to_vec() },
        };
        work.emit(name, change).await?;
    }
    Ok(())
}

async fn add_levels(work: &mut Work, levels: Vec<Row>) -> Result<Vec<String>, WriteError> {
    let locations: Vec<String> = levels.iter().map(|level| text(level, "location_id")).collect();
    LOCATION
        .hold_or(work.conn(), &locations, |missing| {
            WriteError::NotFound(format!("Stock locations with ids: {} was not found", missing.join(", ")))
        })
        .await?;
    let levels = levels
        .into_iter()
        .map(|level| Row::default().with("stocked_quantity", 0).with("incoming_quantity", 0).and(level));
    LEVEL.insert_all(work.conn(), levels.collect()).await
}

/// `validateInventoryLevelsDelete`.
async fn delete_levels(work: &mut Work, levels: &[String], force: bool) -> Result<(), WriteError> {
    for id in levels {
        let Some(level) = LEVEL.lock(work.conn(), id).await? else {
            continue;
        };
        let location = level.get("location_id").and_then(Value::as_str).unwrap_or_default();
        let holds = |column: &str| quantity(&level, column) > Decimal::ZERO;
        if holds("reserved_quantity") || holds("incoming_quantity") {
            return Err(WriteError::NotAllowed(format!(
                "Cannot remove Inventory Levels for {location} because there are reserved or incoming items at the locations"
            )));
        }
        if !force && holds("stocked_quantity") {
            return Err(WriteError::NotAllowed(format!(
                "Cannot remove Inventory Levels for {location} because there are stocked items at the locations. \
                 Use force flag to delete anyway."
            )));
        }
    }
    LEVEL.delete(work.conn(), "id", levels).await?;
    Ok(())
}

fn text(row: &Row, column: &str) -> String {
    row.text(column).unwrap_or_default().to_owned()
}

fn quantity(level: &Map<String, Value>, column: &str) -> Decimal {
    level.get(column).and_then(|value| value.to_string().parse().ok()).unwrap_or_default()
}
