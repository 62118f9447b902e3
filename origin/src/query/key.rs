//! Publishable keys with their sales channels: what a storefront may see.

use sqlx::PgPool;

use crate::outbox::epoch;
use crate::replicas::Shown;

/// A publishable key that is not revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishableKey {
    /// Its id.
    pub id: String,
    /// Its sales channels, in the order of their ids.
    pub channels: Vec<String>,
    /// When it will be revoked, where that is known, in Unix milliseconds.
    pub ends_at: Option<i64>,
}

type Row = (i32, i64, Option<String>, Option<i64>, Vec<String>);

/// Looks a key up by its token.
pub async fn find(pool: &PgPool, token: &str) -> Result<Shown<Option<PublishableKey>>, sqlx::Error> {
    let row: Row = sqlx::query_as(
        "SELECT shown.term, shown.seq, k.id, (extract(epoch FROM k.revoked_at) * 1000)::bigint, \
         ARRAY(SELECT c.id FROM publishable_api_key_sales_channel l JOIN sales_channel c ON c.id = l.sales_channel_id \
         WHERE l.publishable_key_id = k.id AND c.deleted_at IS NULL ORDER BY c.id) \
         FROM feed_position shown LEFT JOIN api_key k ON k.token = $1 AND k.type = 'publishable' AND k.deleted_at IS NULL",
    )
    .bind(token)
    .fetch_one(pool)
    .await?;
    let (term, seq, id, ends_at, channels) = row;
    Ok((epoch(term, seq), id.map(|id| PublishableKey { id, channels, ends_at })))
}
