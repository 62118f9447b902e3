//! What is done to price preferences. All prices are shown by them.

use vitrine_shared::event::Change;

use super::{Done, Work};
use crate::modules::WriteError;
use crate::modules::price_preference::PRICE_PREFERENCE;
use crate::modules::row::Row;
use crate::outbox::Outbox;

/// Makes a price preference; returns its id.
pub async fn create(outbox: &Outbox, given: Row) -> Result<Done<String>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let id = PRICE_PREFERENCE.insert(work.conn(), given).await?;
    work.emit("pricing.price-preference.created", changed()).await?;
    work.commit(id).await
}

/// Changes a price preference.
pub async fn update(outbox: &Outbox, id: &str, patch: Row) -> Result<Done<()>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let before = PRICE_PREFERENCE.locked(work.conn(), id).await?;
    PRICE_PREFERENCE.save(work.conn(), &before, patch).await?;
    work.emit("pricing.price-preference.updated", changed()).await?;
    work.commit(()).await
}

/// Deletes a price preference. One that is not there is deleted.
pub async fn delete(outbox: &Outbox, id: &str) -> Result<Done<()>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    if !PRICE_PREFERENCE.delete(work.conn(), "id", &[id.to_owned()]).await?.is_empty() {
        work.emit("pricing.price-preference.deleted", changed()).await?;
    }
    work.commit(()).await
}

/// What tells that preferences changed.
pub(super) fn changed() -> Change {
    Change::Set { name: "price-preferences".to_owned() }
}
