//! What is done to the store.

use std::collections::BTreeSet;

use vitrine_shared::event::Change;

use super::{Done, Work, price_preference};
use crate::modules::row::Row;
use crate::modules::store::{STORE, STORE_CURRENCY};
use crate::modules::{WriteError, price_preference as preferences};
use crate::outbox::Outbox;

/// An update of a store; what is absent stays.
#[derive(Debug, Default)]
pub struct StorePatch {
    /// Its columns.
    pub row: Row,
    /// Its currencies, in place of those that it had.
    pub currencies: Option<Vec<Currency>>,
}

/// A currency of a store.
#[derive(Debug)]
pub struct Currency {
    /// Its code, in lower case.
    pub code: String,
    /// Whether it is the store's default.
    pub is_default: bool,
    /// Whether its prices include tax.
    pub is_tax_inclusive: Option<bool>,
}

/// Changes a store (`updateStoresWorkflow`).
pub async fn update(outbox: &Outbox, id: &str, patch: StorePatch) -> Result<Done<()>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let before = STORE.locked(work.conn(), id).await?;
    STORE.save(work.conn(), &before, patch.row).await?;
    if let Some(currencies) = patch.currencies.filter(|currencies| !currencies.is_empty()) {
        set_currencies(&mut work, id, &currencies).await?;
        work.emit("pricing.price-preference.updated", price_preference::changed()).await?;
    }
    work.emit("store.store.updated", Change::Set { name: "stores".to_owned() }).await?;
    work.commit(()).await
}

async fn set_currencies(work: &mut Work, store: &str, currencies: &[Currency]) -> Result<(), WriteError> {
    let mut seen = BTreeSet::new();
    let twice: Vec<&str> = currencies.iter().map(|it| it.code.as_str()).filter(|code| !seen.insert(*code)).collect();
    if !twice.is_empty() {
        return Err(WriteError::Invalid(format!("Duplicate currency codes: {}", twice.join(", "))));
    }
    match currencies.iter().filter(|currency| currency.is_default).count() {
        1 => {}
        0 => return Err(WriteError::Invalid("There should be a default currency set for the store".to_owned())),
        _ => return Err(WriteError::Invalid("Only one default currency is allowed".to_owned())),
    }
    STORE_CURRENCY.delete(work.conn(), "store_id", &[store.to_owned()]).await?;
    let row = |currency: &Currency| {
        let row = Row::default().with("store_id", store).with("currency_code", currency.code.as_str());
        row.with("is_default", currency.is_default)
    };
    STORE_CURRENCY.insert_all(work.conn(), currencies.iter().map(row).collect()).await?;
    for currency in currencies {
        preferences::set(work.conn(), "currency_code", &currency.code, currency.is_tax_inclusive).await?;
    }
    Ok(())
}
