//! Numbered purges, read back in order.

use sqlx::PgPool;
use vitrine_shared::epoch::Epoch;
use vitrine_shared::feed::{Batch, BatchError, MAX_BATCH, Mode, Page, Purge, VERSION};
use vitrine_shared::tag::Tag;

use super::{columns, epoch};

/// Where numbering stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedPosition {
    /// The newest numbered epoch.
    pub newest: Epoch,
    /// The outbox holds all purges whose number is above this one.
    pub history_after: u64,
}

/// A numbered row of the outbox.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its epoch.
    pub epoch: Epoch,
    /// What it purges.
    pub purge: Purge,
    /// Seconds from its insertion to this reading, by Postgres's clock.
    pub age_seconds: f64,
}

/// Where numbering stands now.
pub async fn position(pool: &PgPool) -> Result<FeedPosition, sqlx::Error> {
    let row = sqlx::query!("SELECT term, seq, history_after FROM feed_position").fetch_one(pool).await?;
    Ok(FeedPosition { newest: epoch(row.term, row.seq), history_after: u64::try_from(row.history_after).unwrap_or(0) })
}

/// About how many tags are read at once: a statement of SQL over a whole table leaves rows of some thousand tags each.
const MAX_TAGS: i64 = 20_000;

/// Where numbering stands, and at most [`MAX_BATCH`] purges numbered above `after`, from one snapshot: fewer where they have
/// many tags, but at least one.
pub async fn purges_after(pool: &PgPool, after: u64) -> Result<(FeedPosition, Vec<Row>), sqlx::Error> {
    let after = columns(Epoch::new(0, after)).1;
    let limit = i64::try_from(MAX_BATCH).unwrap_or(i64::MAX);
    let found = sqlx::query!(
        r#"SELECT p.term AS newest_term, p.seq AS newest_seq, p.history_after,
                  o.term AS "term?", o.seq AS "seq?", o.name AS "name?", o.tags AS "tags?", o.mode AS "mode?",
                  o.everything AS "everything?",
                  extract(epoch FROM clock_timestamp() - o.created_at)::float8 AS age
           FROM feed_position p
           LEFT JOIN LATERAL (
               SELECT * FROM (
                   SELECT *, sum(cardinality(tags)) OVER (ORDER BY seq) - cardinality(tags) AS tags_before FROM (
                       SELECT term, seq, name, tags, mode, everything, created_at FROM outbox
                       WHERE seq > $1 ORDER BY seq LIMIT $2
                   ) AS next
               ) AS counted WHERE tags_before < $3
           ) o ON true
           ORDER BY o.seq"#,
        after,
        limit,
        MAX_TAGS
    )
    .fetch_all(pool)
    .await?;
    let mut newest = FeedPosition { newest: Epoch::ZERO, history_after: 0 };
    let mut rows = Vec::with_capacity(found.len());
    for row in found {
        newest = FeedPosition {
            newest: epoch(row.newest_term, row.newest_seq),
            history_after: u64::try_from(row.history_after).unwrap_or(0),
        };
        if let (Some(term), Some(seq)) = (row.term, row.seq) {
            let epoch = epoch(term, seq);
            let purge = purge(
                epoch,
                row.name,
                row.tags.unwrap_or_default(),
                row.mode.as_deref(),
                row.everything.unwrap_or_default(),
            );
            rows.push(Row { epoch, purge, age_seconds: row.age.unwrap_or_default().max(0.0) });
        }
    }
    Ok((newest, rows))
}

/// What the feed endpoint answers to a member that stands at `after`.
pub async fn page(pool: &PgPool, after: Epoch) -> Result<Page, sqlx::Error> {
    let (standing, rows) = purges_after(pool, after.seq).await?;
    let FeedPosition { newest, history_after } = standing;
    let mut page = Page { v: VERSION, position: newest, take_position: None, batches: Vec::new() };
    if after >= newest {
        return Ok(page);
    }
    if after.term != newest.term || after.seq < history_after {
        page.take_position = Some(newest);
        return Ok(page);
    }
    if let Some(batch) = first_batch(&rows).map_err(|error| sqlx::Error::Decode(error.into()))? {
        page.batches.push(batch);
    }
    Ok(page)
}

/// The rows from the first on that share its term, as one batch; none of no rows.
pub(crate) fn first_batch(rows: &[Row]) -> Result<Option<Batch>, BatchError> {
    let Some(first) = rows.first() else {
        return Ok(None);
    };
    let term = first.epoch.term;
    let purges: Vec<Purge> =
        rows.iter().take_while(|row| row.epoch.term == term).map(|row| row.purge.clone()).collect();
    let prev = Epoch::new(term, first.epoch.seq.saturating_sub(1));
    Batch::new(term, prev, purges).map(Some)
}

/// A tag that cannot be read (written by hand, say) must not be a purge that is lost: then everything is purged.
pub(crate) fn purge(
    epoch: Epoch,
    name: Option<String>,
    tags: Vec<String>,
    mode: Option<&str>,
    everything: bool,
) -> Purge {
    let count = tags.len();
    let tags: Vec<Tag> = tags.into_iter().filter_map(|tag| Tag::parse(&tag).ok()).collect();
    let unreadable = tags.len() < count;
    if unreadable {
        tracing::error!(%epoch, "an outbox row holds a tag that cannot be read: everything is purged");
    }
    Purge {
        seq: epoch.seq,
        mode: if mode == Some("soft") { Mode::Soft } else { Mode::Hard },
        tags,
        everything: everything || unreadable,
        event: name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(term: u32, seq: u64) -> Row {
        let epoch = Epoch::new(term, seq);
        Row { epoch, purge: purge(epoch, None, vec!["products".into()], None, false), age_seconds: 0.0 }
    }

    #[test]
    fn a_batch_ends_where_a_new_term_begins() {
        let batch = first_batch(&[row(1, 7), row(1, 8), row(2, 9)]).unwrap().unwrap();
        assert_eq!(batch.last(), Epoch::new(1, 8));
        assert_eq!(batch.prev, Epoch::new(1, 6));
        assert_eq!(first_batch(&[]).unwrap(), None);
    }

    #[test]
    fn a_row_with_an_unreadable_tag_purges_everything() {
        let wrong = purge(Epoch::new(1, 1), None, vec!["products".into(), "two words".into()], None, false);
        assert!(wrong.everything);
        assert_eq!(wrong.tags.len(), 1);
    }
}
