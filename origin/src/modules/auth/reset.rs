//! Password resets: one token at a time for each identity, good once, for a quarter of an hour.

use std::time::Duration;

use sqlx::PgConnection;
use vitrine_shared::id;

use super::{EMAILPASS, token_hash};
use crate::modules::WriteError;

/// How long a token is good (Medusa's `RESET_PASSWORD_TOKEN_TTL_SECONDS`).
pub const LIFETIME: Duration = Duration::from_mins(15);

/// Keeps the hash of a token's `jti` for the identity under an e-mail address, in place of an earlier one. Returns the
/// identity's id; `None` where there is none.
pub async fn create(conn: &mut PgConnection, email: &str, jti: &str) -> Result<Option<String>, WriteError> {
    let id = id::new("authprt");
    Ok(sqlx::query_scalar!(
        "INSERT INTO auth_password_reset_token
             (id, auth_identity_id, provider_identity_id, entity_id, token_hash, expires_at)
         SELECT $1, p.auth_identity_id, p.id, p.entity_id, $4, clock_timestamp() + make_interval(secs => $5)
         FROM provider_identity p JOIN auth_identity a ON a.id = p.auth_identity_id AND a.deleted_at IS NULL
         WHERE p.provider = $2 AND p.entity_id = $3 AND p.deleted_at IS NULL
         ON CONFLICT (provider_identity_id) DO UPDATE SET token_hash = excluded.token_hash,
             expires_at = excluded.expires_at, updated_at = clock_timestamp()
         RETURNING auth_identity_id",
        id,
        EMAILPASS,
        email,
        token_hash(jti),
        LIFETIME.as_secs_f64()
    )
    .fetch_optional(conn)
    .await?)
}

/// Takes a token, which is good no more then, and gives its identity another password. Returns the identity's id; `None`
/// where the token is not good.
pub async fn redeem(
    conn: &mut PgConnection,
    email: &str,
    jti: &str,
    password_hash: &str,
) -> Result<Option<String>, WriteError> {
    Ok(sqlx::query_scalar!(
        "WITH token AS (DELETE FROM auth_password_reset_token WHERE token_hash = $1 AND entity_id = $2
             AND expires_at > clock_timestamp() AND deleted_at IS NULL RETURNING provider_identity_id)
         UPDATE provider_identity p SET updated_at = clock_timestamp(),
             provider_metadata = coalesce(p.provider_metadata, '{}') || jsonb_build_object('password', $4::text)
         FROM token WHERE p.id = token.provider_identity_id AND p.provider = $3 AND p.entity_id = $2
             AND p.deleted_at IS NULL
         RETURNING p.auth_identity_id",
        token_hash(jti),
        email,
        EMAILPASS,
        password_hash
    )
    .fetch_optional(conn)
    .await?)
}

/// Whether a token is good still.
pub async fn is_good(pool: &sqlx::PgPool, email: &str, jti: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM auth_password_reset_token WHERE token_hash = $1 AND entity_id = $2
               AND expires_at > clock_timestamp() AND deleted_at IS NULL) AS "good!""#,
        token_hash(jti),
        email
    )
    .fetch_one(pool)
    .await
}
