//! What Postgres keeps of leading, for the next one to lead: who leads, and which members may hold a lease.
//!
//! Every change of the record names the incarnation in which it is made, and waits for a takeover under way. So a process that was
//! replaced without knowing records nobody whom its successor has not read.
//!
//! A new term is the number of seconds since the year 2020, or one more than the last where that is more: a term that was begun and
//! lost by the next promotion is known to members all the same, and counting on from what is left would end below it, with everybody refused.

use sqlx::{Connection as _, PgConnection, PgPool, Postgres, Transaction};
use vitrine_shared::epoch::Epoch;
use vitrine_shared::feed::MemberKind;
use vitrine_shared::ledger::Earlier;

use super::hints;
use crate::outbox::{columns, epoch};

/// What taking the lead found.
#[derive(Debug)]
pub struct Takeover {
    /// How often the lead was taken until now.
    pub incarnation: i64,
    /// Where numbering stands.
    pub position: Epoch,
    /// Who may hold leases of earlier leaders.
    pub earlier: Earlier,
    /// Whether a new term began, since Postgres's history is another one.
    pub raised: bool,
}

/// Where the leading process is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leader {
    /// Its id among the members.
    pub member_id: String,
    /// Its internal port.
    pub url: String,
}

/// Takes the lead on the session that holds the lock; begins a new term where Postgres was promoted, restored or replaced.
pub async fn take_over(connection: &mut PgConnection, member_id: &str, url: &str) -> Result<Takeover, sqlx::Error> {
    let mut tx = connection.begin().await?;
    sqlx::query!("SET LOCAL synchronous_commit = on").execute(&mut *tx).await?;
    let found = sqlx::query!(
        r#"SELECT p.term, p.seq, p.history,
                  greatest(p.term + 1, (extract(epoch FROM clock_timestamp()) - 1577836800)::int) AS "next_term!",
                  (SELECT system_identifier FROM pg_control_system()) || '/'
                      || left(pg_walfile_name(pg_current_wal_lsn()), 8) || '/'
                      || (SELECT oid FROM pg_database WHERE datname = current_database()) AS "present!"
           FROM feed_position p FOR UPDATE"#
    )
    .fetch_one(&mut *tx)
    .await?;
    let raised = found.history.is_some_and(|history| history != found.present);
    let term = if raised { found.next_term } else { found.term };
    sqlx::query!("UPDATE feed_position SET term = $1, history = $2", term, found.present).execute(&mut *tx).await?;
    let before = sqlx::query!("SELECT incarnation, term FROM feed_leader FOR UPDATE").fetch_one(&mut *tx).await?;
    let incarnation = before.incarnation + 1;
    // Members recorded in another term may lack some, and nobody ever led before the first. Where some may be lacking, the record keeps
    // the old term until that is over ([`settled`]): who takes over before knows no more.
    let is_known = before.incarnation == 0 || before.term == term;
    let complete_since = if is_known { term } else { before.term };
    sqlx::query!(
        "UPDATE feed_leader SET incarnation = $1, term = $2, member_id = $3, url = $4, since = now()",
        incarnation,
        complete_since,
        member_id,
        url
    )
    .execute(&mut *tx)
    .await?;
    let earlier = if is_known { Earlier::Members(members(&mut tx).await?) } else { Earlier::Unknown };
    sqlx::query!("SELECT pg_notify($1, '')", hints::LEADER).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(Takeover { incarnation, position: epoch(term, found.seq), earlier, raised })
}

async fn members(tx: &mut Transaction<'_, Postgres>) -> Result<Vec<(String, String, MemberKind)>, sqlx::Error> {
    let rows = sqlx::query!("SELECT id, name, kind FROM member").fetch_all(&mut **tx).await?;
    let kind = |kind: &str| if kind == "origin" { MemberKind::Origin } else { MemberKind::Edge };
    Ok(rows.into_iter().map(|row| (row.id, row.name, kind(&row.kind))).collect())
}

/// Notes that nobody can hold a lease any more whom the record of this term does not name.
pub async fn settled(connection: &mut PgConnection, incarnation: i64, at: Epoch) -> Result<(), sqlx::Error> {
    let term = columns(at).0;
    sqlx::query!("UPDATE feed_leader SET term = $1 WHERE incarnation = $2 AND term <> $1", term, incarnation)
        .execute(connection)
        .await?;
    Ok(())
}

/// Begins a new term, and tells where it begins: what was numbered in this one was lost.
pub async fn raise_term(connection: &mut PgConnection) -> Result<Epoch, sqlx::Error> {
    let mut tx = connection.begin().await?;
    sqlx::query!("SET LOCAL synchronous_commit = on").execute(&mut *tx).await?;
    let at = sqlx::query!(
        "UPDATE feed_position SET
             term = greatest(term + 1, (extract(epoch FROM clock_timestamp()) - 1577836800)::int)
         RETURNING term, seq"
    )
    .fetch_one(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(epoch(at.term, at.seq))
}

/// Records a member that is about to get its first lease; `false` where another process has taken the lead.
pub(super) async fn record(
    pool: &PgPool,
    incarnation: i64,
    id: &str,
    name: &str,
    kind: MemberKind,
) -> Result<bool, sqlx::Error> {
    let kind = match kind {
        MemberKind::Edge => "edge",
        MemberKind::Origin => "origin",
    };
    let mut tx = pool.begin().await?;
    sqlx::query!("SET LOCAL synchronous_commit = on").execute(&mut *tx).await?;
    let done = sqlx::query!(
        "WITH leader AS (SELECT incarnation FROM feed_leader WHERE incarnation = $4 FOR SHARE)
         INSERT INTO member (id, name, kind) SELECT $1, $2, $3 FROM leader
         ON CONFLICT (id) DO UPDATE SET name = excluded.name",
        id,
        name,
        kind,
        incarnation
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(done.rows_affected() == 1)
}

/// Takes members off the record that hold no lease and will get none without being recorded again.
pub(super) async fn erase(pool: &PgPool, incarnation: i64, ids: &[String]) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "WITH leader AS (SELECT incarnation FROM feed_leader WHERE incarnation = $2 FOR SHARE)
         DELETE FROM member USING leader WHERE id = ANY($1)",
        ids,
        incarnation
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Who leads, by the record; `None` where nobody ever did.
pub(super) async fn leader(pool: &PgPool) -> Result<Option<Leader>, sqlx::Error> {
    let row = sqlx::query!("SELECT member_id, url FROM feed_leader WHERE incarnation > 0").fetch_optional(pool).await?;
    Ok(row.map(|row| Leader { member_id: row.member_id, url: row.url }))
}
