//! Module api key: publishable keys of storefronts, and secret keys of programs that use the Admin API.

use sqlx::PgPool;

use super::auth::token_hash;

/// The id of the secret key with this token, if it is not revoked. Of secret keys only hashes are kept; a token is 256 random
/// bits, so that one look-up by its hash is enough.
pub async fn secret(pool: &PgPool, token: &str) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT id FROM api_key WHERE token = $1 AND type = 'secret' AND deleted_at IS NULL
             AND (revoked_at IS NULL OR revoked_at > clock_timestamp())",
        token_hash(token)
    )
    .fetch_optional(pool)
    .await
}
