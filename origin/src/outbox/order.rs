//! Purges that operators order at an edge: an outbox row each, without a write behind it.

use serde_json::json;
use sqlx::PgPool;
use vitrine_shared::feed::{Mode, Order};

use super::Ticket;

/// An order could not be added.
#[derive(Debug, thiserror::Error)]
pub enum OrderingError {
    /// Its key came with another order before.
    #[error("this key came with another purge before: use a new key for another purge")]
    KeyReused,
    /// Postgres failed; whether the order was added is not known.
    #[error("the outbox: {0}")]
    Outbox(#[from] sqlx::Error),
}

/// Adds an order, or finds it where its key was added before: then nothing is purged again.
pub async fn order(pool: &PgPool, order: &Order) -> Result<Ticket, OrderingError> {
    let digest = format!("{:032x}", order.digest());
    let name = order.event();
    let event = json!({ "name": name, "who": order.who, "digest": digest });
    let tags: Vec<&str> = order.tags.iter().map(vitrine_shared::tag::Tag::as_str).collect();
    let mode = if order.mode == Mode::Soft { "soft" } else { "hard" };
    // Who sends the same key at the same time waits here for the other's commit.
    let added = sqlx::query_scalar!(
        "INSERT INTO outbox (name, event, tags, mode, everything, order_key) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (order_key) WHERE order_key IS NOT NULL DO NOTHING RETURNING id",
        name,
        event,
        &tags as &[&str],
        mode,
        order.everything,
        order.key
    )
    .fetch_optional(pool)
    .await?;
    if let Some(id) = added {
        return Ok(Ticket::of(id));
    }
    let before = sqlx::query!(r#"SELECT id, event->>'digest' AS digest FROM outbox WHERE order_key = $1"#, order.key)
        .fetch_optional(pool)
        .await?;
    match before {
        Some(before) if before.digest.as_ref() == Some(&digest) => Ok(Ticket::of(before.id)),
        Some(_) => Err(OrderingError::KeyReused),
        // It was pruned between the two statements, so it is as old as history gets.
        None => Err(sqlx::Error::RowNotFound.into()),
    }
}
