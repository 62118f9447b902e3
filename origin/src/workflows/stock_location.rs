//! What is done to stock locations. Whoever sells from one shows its stock.

use serde_json::Value;

use super::collection::Membership;
use super::{Done, Work, stock};
use crate::modules::WriteError;
use crate::modules::row::{self, Row};
use crate::modules::shipping::FULFILLMENT_SET;
use crate::modules::stock::{LEVEL, items_at, states};
use crate::modules::stock_location::{ADDRESS, CHANNELS, FULFILLMENT_PROVIDERS, FULFILLMENT_SETS, LOCATION};
use crate::outbox::Outbox;

/// A stock location to be made or changed; what is absent stays.
#[derive(Debug, Default)]
pub struct GivenLocation {
    /// Its columns.
    pub row: Row,
    /// Its address's.
    pub address: Option<Row>,
}

/// Makes a stock location with its address; returns its id.
pub async fn create(outbox: &Outbox, given: GivenLocation) -> Result<Done<String>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let mut row = given.row;
    if let Some(address) = given.address {
        row.set("address_id", ADDRESS.insert(work.conn(), address).await?);
    }
    let id = LOCATION.insert(work.conn(), row).await?;
    work.commit(id).await
}

/// Changes a stock location, and its address.
pub async fn update(outbox: &Outbox, id: &str, given: GivenLocation) -> Result<Done<()>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let before = LOCATION.locked(work.conn(), id).await?;
    let mut row = given.row;
    if let Some(address) = given.address {
        let held = before.get("address_id").and_then(Value::as_str);
        let held = match held {
            Some(held) => ADDRESS.lock(work.conn(), held).await?,
            None => None,
        };
        match held {
            Some(held) => ADDRESS.save(work.conn(), &held, address).await?,
            None => row.set("address_id", ADDRESS.insert(work.conn(), address).await?),
        }
    }
    LOCATION.save(work.conn(), &before, row).await?;
    work.commit(()).await
}

/// Deletes a stock location softly, with its levels; nobody sells from it any more. One that is not there is deleted.
pub async fn delete(outbox: &Outbox, id: &str) -> Result<Done<()>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let items = items_at(work.conn(), id).await?;
    let before = states(work.conn(), &items).await?;
    if !LOCATION.delete(work.conn(), "id", &[id.to_owned()]).await?.is_empty() {
        LEVEL.delete(work.conn(), "location_id", &[id.to_owned()]).await?;
        stock::tell(&mut work, "stock-location.deleted", before, &items).await?;
    }
    work.commit(()).await
}

/// Lets sales channels sell from a location, and others no more (`linkSalesChannelsToStockLocationWorkflow`).
pub async fn set_channels(outbox: &Outbox, id: &str, given: Membership) -> Result<Done<()>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    LOCATION.locked(work.conn(), id).await?;
    let items = items_at(work.conn(), id).await?;
    let before = states(work.conn(), &items).await?;
    set_links(&mut work, CHANNELS, id, "sales_channel_id", given).await?;
    stock::tell(&mut work, "stock-location.channels", before, &items).await?;
    work.commit(()).await
}

/// Lets fulfillment providers ship from a location, and others no more.
pub async fn set_providers(outbox: &Outbox, id: &str, given: Membership) -> Result<Done<()>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    LOCATION.locked(work.conn(), id).await?;
    set_links(&mut work, FULFILLMENT_PROVIDERS, id, "fulfillment_provider_id", given).await?;
    work.commit(()).await
}

/// Makes a fulfillment set of a location (`createLocationFulfillmentSetWorkflow`).
pub async fn add_fulfillment_set(outbox: &Outbox, id: &str, given: Row) -> Result<Done<()>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    LOCATION.locked(work.conn(), id).await?;
    let set = FULFILLMENT_SET.insert(work.conn(), given).await?;
    let link = Row::default().with("stock_location_id", id).with("fulfillment_set_id", set);
    row::link(work.conn(), FULFILLMENT_SETS, &[link]).await?;
    work.commit(()).await
}

async fn set_links(
    work: &mut Work,
    table: &'static str,
    location: &str,
    far: &'static str,
    given: Membership,
) -> Result<(), WriteError> {
    let link = |id: &String| Row::default().with("stock_location_id", location).with(far, id.as_str());
    row::link(work.conn(), table, &given.add.iter().map(link).collect::<Vec<_>>()).await?;
    let remove: Vec<String> = given.remove.into_iter().collect();
    row::unlink(work.conn(), table, ("stock_location_id", location), (far, &remove)).await
}
