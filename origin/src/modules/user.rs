//! Module user: those who run the shop.

use sqlx::{PgConnection, PgPool};

use super::WriteError;
use super::metadata::{self, Metadata};

/// A user's row, without its times.
#[derive(Debug, Clone, PartialEq)]
pub struct User {
    /// Its id, `user_…`.
    pub id: String,
    /// The given name.
    pub first_name: Option<String>,
    /// The family name.
    pub last_name: Option<String>,
    /// A picture.
    pub avatar_url: Option<String>,
    /// The shop's own.
    pub metadata: Metadata,
}

/// Reads a user and locks it.
pub async fn lock(conn: &mut PgConnection, id: &str) -> Result<Option<User>, WriteError> {
    let row = sqlx::query!(
        r#"SELECT id, first_name, last_name, avatar_url, metadata FROM "user"
           WHERE id = $1 AND deleted_at IS NULL FOR UPDATE"#,
        id
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| User {
        id: row.id,
        first_name: row.first_name,
        last_name: row.last_name,
        avatar_url: row.avatar_url,
        metadata: metadata::from_json(row.metadata),
    }))
}

/// Writes a locked user back.
pub async fn save(conn: &mut PgConnection, user: &User) -> Result<(), WriteError> {
    sqlx::query!(
        r#"UPDATE "user" SET first_name = $2, last_name = $3, avatar_url = $4, metadata = $5,
               updated_at = clock_timestamp() WHERE id = $1"#,
        user.id,
        user.first_name,
        user.last_name,
        user.avatar_url,
        metadata::to_json(&user.metadata)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes a locked user softly.
pub async fn delete(conn: &mut PgConnection, id: &str) -> Result<(), WriteError> {
    sqlx::query!(r#"UPDATE "user" SET deleted_at = now(), updated_at = now() WHERE id = $1"#, id).execute(conn).await?;
    Ok(())
}

/// The e-mail address of a user.
pub async fn email_of(pool: &PgPool, id: &str) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT email FROM "user" WHERE id = $1 AND deleted_at IS NULL"#, id)
        .fetch_optional(pool)
        .await
}
