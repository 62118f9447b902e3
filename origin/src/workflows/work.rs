//! One transaction with the events that it leaves.

use std::collections::BTreeMap;

use sqlx::{PgConnection, PgPool, Postgres, Transaction};
use vitrine_shared::event::{Change, Event, ProductFacets};

use super::facets;
use crate::modules::WriteError;
use crate::outbox::{self, Receipt};

/// A workflow under way. Dropped without [`Work::commit`], it changes nothing and tells nothing.
#[derive(Debug)]
pub struct Work {
    tx: Transaction<'static, Postgres>,
    pool: PgPool,
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
    pub async fn begin(pool: &PgPool) -> Result<Self, WriteError> {
        Ok(Self { tx: pool.begin_with(outbox::BEGIN).await?, pool: pool.clone(), receipt: Receipt::default() })
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
    pub async fn commit<T>(self, value: T) -> Result<Done<T>, WriteError> {
        self.tx.commit().await?;
        if !self.receipt.is_empty() {
            let pool = self.pool;
            tokio::spawn(async move {
                if let Err(error) = outbox::hint(&pool).await {
                    tracing::debug!(%error, "the relay was not woken; it looks by itself");
                }
            });
        }
        Ok(Done { value, receipt: self.receipt })
    }
}
