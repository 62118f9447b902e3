//! What the outbox tells.

use std::collections::BTreeSet;

use sqlx::PgPool;
use sqlx::types::Json;
use vitrine_shared::event::Event;

/// An event with the tags that it purges.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Told {
    pub(crate) event: Event,
    pub(crate) tags: BTreeSet<String>,
}

/// Events that were written after the last `seen`.
pub(crate) async fn after(pool: &PgPool, seen: i64) -> Vec<Told> {
    let rows: Vec<(Json<Event>, Vec<String>)> =
        sqlx::query_as("SELECT event, tags FROM outbox WHERE id > $1 ORDER BY id")
            .bind(seen)
            .fetch_all(pool)
            .await
            .unwrap();
    rows.into_iter().map(|(event, tags)| Told { event: event.0, tags: tags.into_iter().collect() }).collect()
}

/// The id of the last one; 0 where there is none.
pub(crate) async fn last(pool: &PgPool) -> i64 {
    sqlx::query_scalar("SELECT coalesce(max(id), 0) FROM outbox").fetch_one(pool).await.unwrap()
}
