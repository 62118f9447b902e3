//! One transaction with the events that it leaves.

use std::collections::BTreeMap;

use sqlx::{PgConnection, Postgres, Transaction};
use vitrine_shared::event::{Change, Event, ProductFacets};

use super::facets;
use crate::modules::WriteError;
use crate::outbox::{self, Outbox, Receipt};

/// A workflow under way. Dropped without [`Work::commit`], it changes nothing and tells nothing.
#[derive(Debug)]
pub struct Work {
    tx: Transaction<'static, Postgres>,
    outbox: Outbox,
    receipt: Receipt,
}

/// A workflow that was committed.
#[derive(Debug)]
pub struct Done<T> {
    /// What it made or changed; mostly an id.
    pub value: T,
    /// Its events, to wait for.
    pub receipt: Receipt,
}

// === impl Work ===

impl Work {
    /// Begins a transaction that tells of all that it changes itself.
    pub async fn begin(outbox: &Outbox) -> Result<Self, WriteError> {
        let tx = outbox.pool().begin_with(outbox::BEGIN).await?;
        Ok(Self { tx, outbox: outbox.clone(), receipt: Receipt::default() })
    }

    /// The transaction's connection, for modules.
    pub fn conn(&mut self) -> &mut PgConnection {
        &mut self.tx
    }

    /// Adds an event under Medusa's name of it.
    pub async fn emit(&mut self, name: &'static str, change: Change) -> Result<(), WriteError> {
        let event = Event { name: name.to_owned(), change };
        self.receipt.add(outbox::write(&mut self.tx, &event).await?);
        Ok(())
    }

    /// Adds `product.updated` for products that were put elsewhere: locked, with facets of `before`, and read again here.
    pub async fn emit_moved(
        &mut self,
        products: Vec<String>,
        mut before: BTreeMap<String, ProductFacets>,
    ) -> Result<(), WriteError> {
        let mut after = facets::of_products(self.conn(), &products).await?;
        for id in products {
            let change = Change::Product { before: before.remove(&id), after: after.remove(&id), id };
            self.emit("product.updated", change).await?;
        }
        Ok(())
    }

    /// Makes it all true at once.
    pub async fn commit<T>(mut self, value: T) -> Result<Done<T>, WriteError> {
        self.tx.commit().await?;
        self.receipt.note_commit();
        if !self.receipt.is_empty() {
            self.outbox.committed();
        }
        Ok(Done { value, receipt: self.receipt })
    }
}
