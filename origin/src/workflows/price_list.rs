//! What is done to price lists. Answers that a price of a list could be in know the list, whether it applies or not; which
//! products have one is told where that changes.

use std::collections::{BTreeMap, BTreeSet};

use vitrine_shared::event::{Change, Places};

use super::{Done, Work};
use crate::modules::WriteError;
use crate::modules::price_list::{self, ListedPrice, PRICE_LIST};
use crate::modules::row::Row;
use crate::outbox::Outbox;

/// Products that one event names at most.
const PRODUCTS_OF_EVENT: usize = 1_000;

/// A price list to be made or changed; what is absent stays.
#[derive(Debug, Default)]
pub struct GivenPriceList {
    /// Its columns.
    pub row: Row,
    /// What must be so for it to apply, by attribute.
    pub rules: Option<BTreeMap<String, Vec<String>>>,
    /// Prices of a new one.
    pub prices: Vec<ListedPrice>,
}

/// Changes of a list's prices.
#[derive(Debug, Default)]
pub struct PriceBatch {
    /// Prices to be made.
    pub create: Vec<ListedPrice>,
    /// Prices to be changed, by id.
    pub update: Vec<(String, ListedPrice)>,
    /// Ids of prices to be deleted.
    pub delete: Vec<String>,
}

/// Makes a price list; returns its id.
pub async fn create(outbox: &Outbox, given: GivenPriceList) -> Result<Done<String>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let conn = work.conn();
    let id = PRICE_LIST.insert(conn, given.row).await?;
    if let Some(rules) = &given.rules {
        price_list::set_rules(conn, &id, rules).await?;
    }
    let prices = price_list::add_prices(conn, &id, given.prices).await?;
    tell(&mut work, "pricing.price-list.created", &id, &prices).await?;
    work.commit(id).await
}

/// Changes a price list.
pub async fn update(outbox: &Outbox, id: &str, given: GivenPriceList) -> Result<Done<()>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let conn = work.conn();
    let before = PRICE_LIST.lock(conn, id).await?.ok_or_else(|| missing(id))?;
    PRICE_LIST.save(conn, &before, given.row).await?;
    if let Some(rules) = &given.rules {
        price_list::set_rules(conn, id, rules).await?;
    }
    tell(&mut work, "pricing.price-list.updated", id, &[]).await?;
    work.commit(()).await
}

/// Deletes a price list softly, with its prices. One that is not there is deleted.
pub async fn delete(outbox: &Outbox, id: &str) -> Result<Done<()>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let conn = work.conn();
    if PRICE_LIST.delete(conn, "id", &[id.to_owned()]).await?.is_empty() {
        return work.commit(()).await;
    }
    let prices = price_list::delete_parts(conn, id).await?;
    tell(&mut work, "pricing.price-list.deleted", id, &prices).await?;
    work.commit(()).await
}

/// Makes, changes and deletes prices of a list (`batchPriceListPricesWorkflow`); returns the ids of those that are new.
pub async fn change_prices(outbox: &Outbox, id: &str, batch: PriceBatch) -> Result<Done<Vec<String>>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let conn = work.conn();
    PRICE_LIST.lock(conn, id).await?.ok_or_else(|| missing(id))?;
    let created = price_list::add_prices(conn, id, batch.create).await?;
    let updated = batch.update.iter().map(|(price, _)| price.clone()).collect();
    price_list::update_prices(conn, id, batch.update).await?;
    let deleted = price_list::delete_prices(conn, id, &batch.delete).await?;
    tell_prices(&mut work, &[created.clone(), updated, deleted].concat()).await?;
    work.commit(created).await
}

/// Takes all prices of some products out of a list.
pub async fn remove_products(outbox: &Outbox, id: &str, products: &[String]) -> Result<Done<()>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let conn = work.conn();
    PRICE_LIST.lock(conn, id).await?.ok_or_else(|| missing(id))?;
    let prices = price_list::prices_of_products(conn, id, products).await?;
    price_list::delete_prices(conn, id, &prices).await?;
    tell_prices(&mut work, &prices).await?;
    work.commit(()).await
}

/// Tells a change of a list with the products that these prices are of: those that are new or gone.
async fn tell(work: &mut Work, name: &'static str, id: &str, prices: &[String]) -> Result<(), WriteError> {
    let products = price_list::products(work.conn(), prices).await?;
    let mut rest = products.into_iter().peekable();
    loop {
        let product_ids: BTreeSet<String> = rest.by_ref().take(PRODUCTS_OF_EVENT).collect();
        work.emit(name, Change::PriceList { id: id.to_owned(), product_ids }).await?;
        if rest.peek().is_none() {
            return Ok(());
        }
    }
}

/// Tells prices of a list that are new, changed or gone; others of the list are as they were.
async fn tell_prices(work: &mut Work, prices: &[String]) -> Result<(), WriteError> {
    let products = price_list::products(work.conn(), prices).await?;
    let mut rest = products.into_iter().peekable();
    while rest.peek().is_some() {
        let ids = rest.by_ref().take(PRODUCTS_OF_EVENT).collect();
        let (variant_ids, before, after) = (BTreeSet::new(), Places::default(), Places::default());
        work.emit("pricing.price.updated", Change::Products { ids, variant_ids, before, after }).await?;
    }
    Ok(())
}

fn missing(id: &str) -> WriteError {
    WriteError::NotFound(format!("Price lists with id: {id} was not found"))
}
