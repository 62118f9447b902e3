//! Module auth: who can sign in, and as whom.

use sqlx::PgPool;

/// What Medusa calls signing in with an e-mail address and a password.
pub const EMAILPASS: &str = "emailpass";

/// A person as a provider knows it.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The auth identity's id.
    pub id: String,
    /// The id of the user that it signs in; absent where it signs in no user.
    pub user_id: Option<String>,
    /// The password's Argon2 hash in PHC form.
    pub password_hash: Option<String>,
}

/// The identity under an e-mail address. Addresses are compared as they were given, as Medusa does.
pub async fn emailpass_identity(pool: &PgPool, email: &str) -> Result<Option<Identity>, sqlx::Error> {
    sqlx::query_as!(
        Identity,
        r#"SELECT a.id, u.id AS "user_id?", p.provider_metadata ->> 'password' AS password_hash
           FROM provider_identity p
           JOIN auth_identity a ON a.id = p.auth_identity_id AND a.deleted_at IS NULL
           LEFT JOIN "user" u ON u.id = a.app_metadata ->> 'user_id' AND u.deleted_at IS NULL
           WHERE p.provider = $1 AND p.entity_id = $2 AND p.deleted_at IS NULL"#,
        EMAILPASS,
        email
    )
    .fetch_optional(pool)
    .await
}
