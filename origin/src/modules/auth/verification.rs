//! Verifications: somebody shows that an e-mail address (or what else names them) is theirs, by a code that was sent there
//! (`@medusajs/auth` `providers/verification/token.js`).

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;
use vitrine_shared::id;

use super::token_hash;
use crate::modules::WriteError;
use crate::modules::metadata::{self, Metadata};

/// How long a code is good.
pub const LIFETIME: Duration = Duration::from_mins(15);
/// Most verifications of an identity: each is for another address.
pub const MAX_OF_IDENTITY: i64 = 20;

/// A verification, as it is shown.
#[derive(Debug, Clone, Serialize)]
pub struct Verification {
    /// Its id, `authver_…`.
    pub id: String,
    /// Whose it is.
    pub auth_identity_id: String,
    /// What is to be verified, such as an e-mail address.
    pub entity_id: String,
    /// What kind of thing that is, such as `email`.
    pub entity_type: String,
    /// Who makes codes and knows them again; `token`.
    pub code_provider: String,
    /// When it was verified.
    #[serde(serialize_with = "time_if_any")]
    pub verified_at: Option<DateTime<Utc>>,
    /// When a code was sent last.
    #[serde(serialize_with = "time")]
    pub requested_at: DateTime<Utc>,
    /// What the storefront keeps.
    pub metadata: Option<Value>,
    /// When it was made.
    #[serde(serialize_with = "time")]
    pub created_at: DateTime<Utc>,
    /// When it was changed.
    #[serde(serialize_with = "time")]
    pub updated_at: DateTime<Utc>,
    /// Never there.
    #[serde(serialize_with = "time_if_any")]
    pub deleted_at: Option<DateTime<Utc>>,
}

/// What is to be verified.
#[derive(Debug, Clone)]
pub struct Asked {
    /// What, such as an e-mail address.
    pub entity_id: String,
    /// What kind of thing that is.
    pub entity_type: String,
    /// What the storefront keeps.
    pub metadata: Metadata,
}

/// The one provider of codes.
pub const TOKEN: &str = "token";

/// Keeps the hash of a new code, in place of an earlier one; what is verified stays so and gets no code. `None` where the
/// identity is gone or has too many already.
pub async fn request(
    conn: &mut PgConnection,
    identity_id: &str,
    asked: &Asked,
    code: &str,
) -> Result<Option<Verification>, WriteError> {
    let id = id::new("authver");
    Ok(sqlx::query_as!(
        Verification,
        r#"INSERT INTO auth_verification AS v (id, auth_identity_id, entity_id, entity_type, code_provider, requested_at,
               provider_metadata, metadata)
           SELECT $1, a.id, $3, $4, $5, clock_timestamp(), jsonb_build_object('token_hash', $6::text), $7
           FROM auth_identity a WHERE a.id = $2 AND a.deleted_at IS NULL
               AND (SELECT count(*) FROM auth_verification o WHERE o.auth_identity_id = $2) < $8
           ON CONFLICT (auth_identity_id, entity_id, entity_type) WHERE deleted_at IS NULL DO UPDATE SET
               requested_at = CASE WHEN v.verified_at IS NULL THEN excluded.requested_at ELSE v.requested_at END,
               provider_metadata =
                   CASE WHEN v.verified_at IS NULL THEN excluded.provider_metadata ELSE v.provider_metadata END,
               updated_at = CASE WHEN v.verified_at IS NULL THEN clock_timestamp() ELSE v.updated_at END
           RETURNING id, auth_identity_id, entity_id, entity_type, code_provider, verified_at, requested_at, metadata,
               created_at, updated_at, deleted_at"#,
        id,
        identity_id,
        asked.entity_id,
        asked.entity_type,
        TOKEN,
        token_hash(code),
        metadata::to_json(&asked.metadata),
        MAX_OF_IDENTITY
    )
    .fetch_optional(conn)
    .await?)
}

/// What an identity was asked to verify of its own e-mail address.
pub async fn of_identity(pool: &sqlx::PgPool, identity_id: &str) -> Result<Option<Verification>, sqlx::Error> {
    sqlx::query_as!(
        Verification,
        "SELECT v.id, v.auth_identity_id, v.entity_id, v.entity_type, v.code_provider, v.verified_at, v.requested_at,
             v.metadata, v.created_at, v.updated_at, v.deleted_at
         FROM auth_verification v
         JOIN provider_identity p ON p.auth_identity_id = v.auth_identity_id AND p.entity_id = v.entity_id
             AND p.deleted_at IS NULL
         WHERE v.auth_identity_id = $1 AND v.entity_type = 'email' AND v.deleted_at IS NULL",
        identity_id
    )
    .fetch_optional(pool)
    .await
}

/// Takes a code: what it stands for is verified from now on. Fails in Medusa's words where the code is not good.
pub async fn confirm(conn: &mut PgConnection, code: &str) -> Result<Verification, WriteError> {
    let row = sqlx::query!(
        r#"SELECT id, requested_at, verified_at FROM auth_verification
           WHERE provider_metadata ->> 'token_hash' = $1 AND deleted_at IS NULL FOR UPDATE"#,
        token_hash(code)
    )
    .fetch_optional(&mut *conn)
    .await?;
    let row = row.filter(|row| row.verified_at.is_none());
    let row = row.ok_or_else(|| WriteError::NotAllowed("Verification code is invalid or already used".into()))?;
    if row.requested_at + LIFETIME <= Utc::now() {
        return Err(WriteError::NotAllowed("Verification code has expired".into()));
    }
    Ok(sqlx::query_as!(
        Verification,
        "UPDATE auth_verification SET verified_at = clock_timestamp(), updated_at = clock_timestamp() WHERE id = $1
         RETURNING id, auth_identity_id, entity_id, entity_type, code_provider, verified_at, requested_at, metadata,
             created_at, updated_at, deleted_at",
        row.id
    )
    .fetch_one(conn)
    .await?)
}

fn time<S: serde::Serializer>(time: &DateTime<Utc>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&time.to_rfc3339_opts(SecondsFormat::Millis, true))
}

#[expect(clippy::ref_option, reason = "serde hands fields over so")]
fn time_if_any<S: serde::Serializer>(time: &Option<DateTime<Utc>>, to: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(given) => self::time(given, to),
        None => to.serialize_none(),
    }
}
