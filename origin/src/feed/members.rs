//! Members in Postgres: their reports, their leases, and where each stands.

use std::time::Duration;

use sqlx::{PgPool, Postgres, Transaction};
use vitrine_shared::epoch::Epoch;
use vitrine_shared::feed::{MemberKind, Renewal, Report, VERSION};

use super::hints;
use crate::outbox::{columns, epoch};
use crate::relay::RelayMetrics;

/// A member as Postgres knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its id.
    pub id: String,
    /// `edge` or `origin`.
    pub kind: String,
    /// The epoch up to which it has applied every purge.
    pub applied: Epoch,
    /// Whether it may still hold a lease.
    pub standing: Standing,
}

/// Whether a member may still serve from its cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Its lease, plus drift, has not run out.
    Connected,
    /// It has: the member serves nothing without asking, so no write waits for it.
    Gone,
}

/// What the quick path of a report found.
struct Renewed {
    position: Epoch,
    advanced: bool,
    behind_for: Option<f64>,
}

/// Notes a member's report and renews its lease, or refuses to (rule 9).
///
/// A lease is refused to a member that is behind: for longer than one lease where it holds one, at all where it is new or
/// its lease has run out. `seen_at` is when the last lease was given, so a refused member soon counts as gone.
pub async fn report(pool: &PgPool, id: &str, report: &Report, lease: Duration) -> Result<Renewal, sqlx::Error> {
    let Some(renewed) = renew(pool, id, report.applied, lease).await? else {
        return admit(pool, id, report, lease).await;
    };
    if renewed.advanced {
        notify(pool).await?;
    }
    let lag_allowed = renewed.behind_for.is_none_or(|seconds| seconds <= lease.as_secs_f64());
    let granted = lag_allowed && report.applied <= renewed.position;
    Ok(renewal(renewed.position, granted.then_some(lease)))
}

/// Forgets a member that stopped cleanly.
pub async fn remove(pool: &PgPool, id: &str) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM member WHERE id = $1", id).execute(pool).await?;
    notify(pool).await
}

/// All members. With `locked`, reports under way are waited for and none comes in between.
///
/// `None` soon after a new term began: a promoted or restored Postgres may lack members that hold a lease.
pub async fn standings(
    tx: &mut Transaction<'_, Postgres>,
    gone_after: Duration,
    locked: bool,
) -> Result<Option<Vec<Member>>, sqlx::Error> {
    if locked {
        sqlx::query!("SELECT id FROM member ORDER BY id FOR SHARE").fetch_all(&mut **tx).await?;
    }
    // After a restart of Postgres the last renewals may be missing: they were not committed durably.
    let rows = sqlx::query!(
        r#"SELECT m.id AS "id?", m.kind AS "kind?", m.applied_term AS "applied_term?", m.applied_seq AS "applied_seq?",
                  greatest(m.seen_at, pg_postmaster_start_time()) > clock_timestamp() - make_interval(secs => $1)
                      AS "connected!",
                  p.term_since > clock_timestamp() - make_interval(secs => $1) AS "new_term!"
           FROM feed_position p LEFT JOIN member m ON true"#,
        gone_after.as_secs_f64()
    )
    .fetch_all(&mut **tx)
    .await?;
    if rows.iter().any(|row| row.new_term) {
        return Ok(None);
    }
    let members = rows.into_iter().filter_map(|row| {
        Some(Member {
            id: row.id?,
            kind: row.kind?,
            applied: epoch(row.applied_term?, row.applied_seq?),
            standing: if row.connected { Standing::Connected } else { Standing::Gone },
        })
    });
    Ok(Some(members.collect()))
}

/// The quick path, for a member whose lease has not run out: one statement, not committed durably.
///
/// It finds nothing where the member is new or its lease has run out. The clock is read after the row was locked, which
/// orders it against [`standings`] with `locked`: one that was found gone there is not renewed here.
async fn renew(pool: &PgPool, id: &str, applied: Epoch, lease: Duration) -> Result<Option<Renewed>, sqlx::Error> {
    let (term, seq) = columns(applied);
    let row = sqlx::query!(
        r#"WITH before AS (
               SELECT m.id, m.seen_at, (m.applied_term, m.applied_seq) < ($2::int, $3::bigint) AS advanced,
                      set_config('synchronous_commit', 'off', true) AS unsynced
               FROM member m WHERE m.id = $1 FOR UPDATE
           ), lag AS (
               SELECT extract(epoch FROM clock_timestamp() - min(o.created_at))::float8 AS behind_for
               FROM outbox o WHERE o.seq = $3::bigint + 1
           )
           UPDATE member m SET
               applied_term = CASE WHEN before.advanced THEN $2 ELSE m.applied_term END,
               applied_seq = CASE WHEN before.advanced THEN $3 ELSE m.applied_seq END,
               seen_at = CASE WHEN coalesce(lag.behind_for, 0) <= $4 AND (p.term, p.seq) >= ($2::int, $3::bigint)
                              THEN clock_timestamp() ELSE m.seen_at END
           FROM before, lag, feed_position p
           WHERE m.id = before.id AND before.seen_at > clock_timestamp() - make_interval(secs => $4)
           RETURNING p.term, p.seq, before.advanced AS "advanced!", lag.behind_for"#,
        id,
        term,
        seq,
        lease.as_secs_f64()
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(|row| Renewed {
        position: epoch(row.term, row.seq),
        advanced: row.advanced,
        behind_for: row.behind_for,
    }))
}

/// The careful path, for a member that is new or whose lease has run out: it gets one only where it stands at the newest epoch.
///
/// The position's row lock holds up numbering until this commits. So a write that is numbered later finds this member
/// when it looks for whom to wait for, and one that was numbered earlier is seen here.
async fn admit(pool: &PgPool, id: &str, report: &Report, lease: Duration) -> Result<Renewal, sqlx::Error> {
    let (term, seq) = columns(report.applied);
    let kind = match report.kind {
        MemberKind::Edge => "edge",
        MemberKind::Origin => "origin",
    };
    let mut tx = pool.begin().await?;
    let at = sqlx::query!("SELECT term, seq FROM feed_position FOR SHARE").fetch_one(&mut *tx).await?;
    let position = epoch(at.term, at.seq);
    let granted = report.applied == position;
    sqlx::query!(
        r#"INSERT INTO member (id, kind, name, applied_term, applied_seq, seen_at)
           VALUES ($1, $2, $3, $4, $5, CASE WHEN $6 THEN clock_timestamp() ELSE '-infinity' END)
           ON CONFLICT (id) DO UPDATE SET applied_term = $4, applied_seq = $5,
               seen_at = CASE WHEN $6 THEN clock_timestamp() ELSE member.seen_at END"#,
        id,
        kind,
        report.name,
        term,
        seq,
        granted
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    notify(pool).await?;
    Ok(renewal(position, granted.then_some(lease)))
}

fn renewal(position: Epoch, lease: Option<Duration>) -> Renewal {
    let lease_ms = lease.map(|lease| u64::try_from(lease.as_millis()).unwrap_or(u64::MAX));
    Renewal { v: VERSION, position, lease_ms }
}

async fn notify(pool: &PgPool) -> Result<(), sqlx::Error> {
    sqlx::query!("SELECT pg_notify($1, '')", hints::MEMBER).execute(pool).await?;
    Ok(())
}

/// For metrics: unnumbered rows, members with a lease by kind, and how far the slowest of them is behind.
pub async fn note_metrics(pool: &PgPool, gone_after: Duration, metrics: &RelayMetrics) -> Result<(), sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT (SELECT count(*) FROM outbox WHERE seq IS NULL) AS "unnumbered!",
                  count(*) FILTER (WHERE m.kind = 'edge') AS "edges!",
                  count(*) FILTER (WHERE m.kind = 'origin') AS "origins!",
                  coalesce(max(p.seq - m.applied_seq), 0) AS "lag!"
           FROM feed_position p
           LEFT JOIN member m ON m.seen_at > clock_timestamp() - make_interval(secs => $1)"#,
        gone_after.as_secs_f64()
    )
    .fetch_one(pool)
    .await?;
    metrics.unnumbered.set(row.unnumbered);
    metrics.members.with_label_values(&["edge"]).set(row.edges);
    metrics.members.with_label_values(&["origin"]).set(row.origins);
    metrics.member_lag.set(row.lag);
    Ok(())
}
