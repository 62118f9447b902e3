//! What is done to regions.

use vitrine_shared::event::Change;

use super::{Done, Work, price_preference};
use crate::modules::region::{self, REGION};
use crate::modules::row::Row;
use crate::modules::{WriteError, price_preference as preferences};
use crate::outbox::Outbox;

/// A region to be made or changed; what is absent stays.
#[derive(Debug, Default)]
pub struct GivenRegion {
    /// Its columns.
    pub row: Row,
    /// Its countries, in lower case.
    pub countries: Option<Vec<String>>,
    /// Its payment providers.
    pub payment_providers: Option<Vec<String>>,
    /// Whether its prices include tax.
    pub is_tax_inclusive: Option<bool>,
}

/// Makes a region, with a price preference of its own (`createRegionsWorkflow`); returns its id.
pub async fn create(outbox: &Outbox, given: GivenRegion) -> Result<Done<String>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let id = REGION.insert(work.conn(), given.row).await?;
    set_links(&mut work, &id, given.countries, given.payment_providers).await?;
    preferences::set(work.conn(), "region_id", &id, given.is_tax_inclusive).await?;
    work.emit("region.created", Change::Region { id: id.clone() }).await?;
    work.emit("pricing.price-preference.created", price_preference::changed()).await?;
    work.commit(id).await
}

/// Changes a region. Prices in it are shown in its currency.
pub async fn update(outbox: &Outbox, id: &str, given: GivenRegion) -> Result<Done<()>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let before = REGION.locked(work.conn(), id).await?;
    REGION.save(work.conn(), &before, given.row).await?;
    set_links(&mut work, id, given.countries, given.payment_providers).await?;
    work.emit("region.updated", Change::Region { id: id.to_owned() }).await?;
    if given.is_tax_inclusive.is_some() {
        preferences::set(work.conn(), "region_id", id, given.is_tax_inclusive).await?;
        work.emit("pricing.price-preference.updated", price_preference::changed()).await?;
    }
    work.commit(()).await
}

/// Deletes a region softly; its countries are free again. One that is not there is deleted.
pub async fn delete(outbox: &Outbox, id: &str) -> Result<Done<()>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    if !REGION.delete(work.conn(), "id", &[id.to_owned()]).await?.is_empty() {
        region::release_countries(work.conn(), id).await?;
        work.emit("region.deleted", Change::Region { id: id.to_owned() }).await?;
    }
    work.commit(()).await
}

async fn set_links(
    work: &mut Work,
    id: &str,
    countries: Option<Vec<String>>,
    providers: Option<Vec<String>>,
) -> Result<(), WriteError> {
    if let Some(countries) = countries {
        region::set_countries(work.conn(), id, &countries).await?;
    }
    if let Some(providers) = providers {
        region::set_payment_providers(work.conn(), id, &providers).await?;
    }
    Ok(())
}
