//! Module api key: publishable keys of storefronts, and secret keys of programs that use the Admin API.
//!
//! A token is 256 random bits. Of secret keys only its SHA-256 is kept: it is looked up by that, and needs no salt.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use sqlx::{PgConnection, PgPool};

use super::WriteError;
use super::auth::{hex, token_hash};

/// Whom a key is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A storefront: the token is public.
    #[default]
    Publishable,
    /// A program that runs the shop.
    Secret,
}

/// A key that was made, as it is shown this once.
#[derive(Debug, Clone, Serialize)]
pub struct Made {
    /// Its id, `apk_…`.
    pub id: String,
    /// The token.
    pub token: String,
    /// Enough of it to be known again.
    pub redacted: String,
    /// What it is called.
    pub title: String,
    /// Whom it is for.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Never told.
    pub last_used_at: Option<String>,
    /// Who made it.
    pub created_by: String,
    /// Nobody.
    pub revoked_by: Option<String>,
    /// Never.
    pub revoked_at: Option<String>,
    /// When it was made.
    #[serde(serialize_with = "time")]
    pub created_at: DateTime<Utc>,
    /// When it was changed.
    #[serde(serialize_with = "time")]
    pub updated_at: DateTime<Utc>,
    /// Never.
    pub deleted_at: Option<String>,
}

/// A key that is locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Locked {
    /// Whom it is for.
    pub kind: Kind,
    /// Whether it has ended.
    pub is_revoked: bool,
}

// === impl Kind ===

impl Kind {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Publishable, Self::Secret];

    /// Medusa's name of it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Publishable => "publishable",
            Self::Secret => "secret",
        }
    }

    /// The one of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// The id of the secret key with this token, if it is not revoked.
pub async fn secret(pool: &PgPool, token: &str) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT id FROM api_key WHERE token = $1 AND type = 'secret' AND deleted_at IS NULL
             AND (revoked_at IS NULL OR revoked_at > clock_timestamp())",
        token_hash(token)
    )
    .fetch_optional(pool)
    .await
}

/// A new token.
pub fn new_token(kind: Kind) -> String {
    let prefix = if kind == Kind::Secret { "sk" } else { "pk" };
    format!("{prefix}_{}", hex(&rand::random::<[u8; 32]>()))
}

/// Adds a key with a token of [`new_token`].
pub async fn insert(
    conn: &mut PgConnection,
    id: &str,
    title: &str,
    kind: Kind,
    token: &str,
    created_by: &str,
) -> Result<Made, WriteError> {
    let redacted = format!("{}***{}", &token[..6], &token[token.len() - 3..]);
    let kept = if kind == Kind::Secret { token_hash(token) } else { token.to_owned() };
    let times = sqlx::query!(
        "INSERT INTO api_key (id, token, redacted, title, type, created_by) VALUES ($1, $2, $3, $4, $5, $6)
         RETURNING created_at, updated_at",
        id,
        kept,
        redacted,
        title,
        kind.name(),
        created_by
    )
    .fetch_one(conn)
    .await?;
    Ok(Made {
        id: id.to_owned(),
        token: token.to_owned(),
        redacted,
        title: title.to_owned(),
        kind,
        last_used_at: None,
        created_by: created_by.to_owned(),
        revoked_by: None,
        revoked_at: None,
        created_at: times.created_at,
        updated_at: times.updated_at,
        deleted_at: None,
    })
}

/// Looks a key up and locks it.
pub async fn lock(conn: &mut PgConnection, id: &str) -> Result<Option<Locked>, WriteError> {
    let row = sqlx::query!(
        r#"SELECT type, coalesce(revoked_at <= clock_timestamp(), false) AS "is_revoked!" FROM api_key
           WHERE id = $1 AND deleted_at IS NULL FOR UPDATE"#,
        id
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Locked { kind: Kind::from_name(&row.r#type).unwrap_or_default(), is_revoked: row.is_revoked }))
}

/// Calls a locked key something else.
pub async fn rename(conn: &mut PgConnection, id: &str, title: &str) -> Result<(), WriteError> {
    sqlx::query!("UPDATE api_key SET title = $2, updated_at = clock_timestamp() WHERE id = $1", id, title)
        .execute(conn)
        .await?;
    Ok(())
}

/// Ends a locked key in so many seconds.
pub async fn revoke(conn: &mut PgConnection, id: &str, after: u32, revoked_by: &str) -> Result<(), WriteError> {
    sqlx::query!(
        "UPDATE api_key SET revoked_at = clock_timestamp() + make_interval(secs => $2), revoked_by = $3,
             updated_at = clock_timestamp() WHERE id = $1",
        id,
        f64::from(after),
        revoked_by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes a locked key for good.
pub async fn delete(conn: &mut PgConnection, id: &str) -> Result<(), WriteError> {
    sqlx::query!("DELETE FROM publishable_api_key_sales_channel WHERE publishable_key_id = $1", id)
        .execute(&mut *conn)
        .await?;
    sqlx::query!("DELETE FROM api_key WHERE id = $1", id).execute(conn).await?;
    Ok(())
}

/// Has a locked key sell in these channels too. Returns those that do not exist; then none may be kept.
pub async fn add_channels(conn: &mut PgConnection, id: &str, channels: &[String]) -> Result<Vec<String>, WriteError> {
    let known = sqlx::query_scalar!(
        "SELECT id FROM sales_channel WHERE id = ANY($1) AND deleted_at IS NULL ORDER BY id FOR SHARE",
        channels
    )
    .fetch_all(&mut *conn)
    .await?;
    sqlx::query!(
        "INSERT INTO publishable_api_key_sales_channel (publishable_key_id, sales_channel_id)
         SELECT $1, unnest($2::text[]) ON CONFLICT DO NOTHING",
        id,
        &known
    )
    .execute(conn)
    .await?;
    Ok(channels.iter().filter(|channel| !known.contains(channel)).cloned().collect())
}

/// Has a locked key sell in these channels no more.
pub async fn remove_channels(conn: &mut PgConnection, id: &str, channels: &[String]) -> Result<(), WriteError> {
    sqlx::query!(
        "DELETE FROM publishable_api_key_sales_channel WHERE publishable_key_id = $1 AND sales_channel_id = ANY($2)",
        id,
        channels
    )
    .execute(conn)
    .await?;
    Ok(())
}

fn time<S: serde::Serializer>(time: &DateTime<Utc>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&time.to_rfc3339_opts(SecondsFormat::Millis, true))
}
