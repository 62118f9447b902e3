//! A change of a cart under its row lock.

use sqlx::{PgConnection, Postgres, Transaction};

use super::Shop;
use crate::cart::{Cart, CartError, Facts, Refresh, changes, refresh};
use crate::error::ApiError;
use crate::modules::cart::{Lifetime, lock, save};
use crate::query::cart::{Ask, load};

/// A change under way. Dropped without [`Change::finish`], it changes nothing.
pub(super) struct Change<'s> {
    shop: Shop<'s>,
    tx: Transaction<'static, Postgres>,
    before: Cart,
    /// The cart, to be changed.
    pub(super) cart: Cart,
    /// What was read.
    pub(super) facts: Facts,
}

// === impl Change ===

impl<'s> Change<'s> {
    /// Locks the cart and reads it. `ask` need not name it.
    pub(super) async fn begin(shop: Shop<'s>, id: &str, ask: Ask<'_>) -> Result<Self, ApiError> {
        let change = Self::of_any(shop, id, ask).await?;
        change.check_completed()?;
        Ok(change)
    }

    /// The same for a change that looks first whether the cart was completed by itself.
    pub(super) async fn of_any(shop: Shop<'s>, id: &str, ask: Ask<'_>) -> Result<Self, ApiError> {
        let unknown = || CartError::NotFound(format!("Cart id not found: {id}"));
        let mut tx = lock(shop.pool, id).await?.ok_or_else(unknown)?;
        let facts = load(&mut *tx, &Ask { cart_id: Some(id), ..ask }).await?;
        if facts.cart.is_none() {
            return Err(unknown().into());
        }
        let cart = facts.cart();
        Ok(Self { shop, tx, before: cart.clone(), cart, facts })
    }

    /// Refuses to change a cart that became an order.
    pub(super) fn check_completed(&self) -> Result<(), CartError> {
        if self.before.head.is_completed {
            return Err(CartError::Invalid(format!("Cart {} is already completed.", self.before.head.id)));
        }
        Ok(())
    }

    /// The transaction's connection, for other modules.
    pub(super) fn conn(&mut self) -> &mut PgConnection {
        &mut self.tx
    }

    /// Works out anew what depends on the change, and makes it all true at once.
    pub(super) async fn finish(mut self, how: &Refresh) -> Result<(), ApiError> {
        refresh(&mut self.cart, &self.facts, how)?;
        let changes = changes::between(&self.before, &self.cart);
        let lifetime = Lifetime::of(self.shop.config, self.cart.head.customer_id.is_some());
        save(&mut *self.tx, &self.before.head.id, &changes, lifetime, self.shop.config.flush).await?;
        self.tx.commit().await?;
        Ok(())
    }
}
