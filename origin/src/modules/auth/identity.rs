//! Identities: a person as a provider knows them, and the actors that they sign in.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};
use vitrine_shared::id;

use crate::modules::WriteError;

/// What Medusa calls signing in with an e-mail address and a password.
pub const EMAILPASS: &str = "emailpass";

/// A person as a provider knows it.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The auth identity's id, `authid_…`.
    pub id: String,
    /// The provider identity's id.
    pub provider_identity_id: String,
    /// Whom it signs in.
    pub actors: Actors,
    /// What the provider tells of the person.
    pub user_metadata: Map<String, Value>,
    /// The password's Argon2 hash in PHC form.
    pub password_hash: Option<String>,
}

/// Which actors an identity signs in: Medusa's `app_metadata`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actors {
    /// The user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<String>,
}

/// An actor of an identity is there already.
#[derive(Debug, thiserror::Error)]
pub enum AttachError {
    /// There is no such identity any more.
    #[error("AuthIdentity with id: {0} was not found")]
    NoIdentity(String),
    /// It signs in another one of this kind.
    #[error("Key {0} already exists in app metadata")]
    Taken(&'static str),
}

struct Row {
    id: String,
    provider_identity_id: String,
    app_metadata: Json<Actors>,
    user_metadata: Option<Value>,
    password_hash: Option<String>,
}

// === impl Actors ===

impl Actors {
    /// Whether it signs in nobody yet.
    pub fn is_empty(&self) -> bool {
        self.user_id.is_none() && self.customer_id.is_none()
    }
}

impl From<Row> for Identity {
    fn from(row: Row) -> Self {
        let user_metadata = match row.user_metadata {
            Some(Value::Object(map)) => map,
            _ => Map::new(),
        };
        Self {
            id: row.id,
            provider_identity_id: row.provider_identity_id,
            actors: row.app_metadata.0,
            user_metadata,
            password_hash: row.password_hash,
        }
    }
}

/// The identity under an e-mail address. Addresses are compared as they were given, as Medusa does.
pub async fn by_email(pool: &PgPool, email: &str) -> Result<Option<Identity>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT a.id, p.id AS provider_identity_id, a.app_metadata AS "app_metadata: Json<Actors>", p.user_metadata,
               p.provider_metadata ->> 'password' AS password_hash
           FROM provider_identity p
           JOIN auth_identity a ON a.id = p.auth_identity_id AND a.deleted_at IS NULL
           WHERE p.provider = $1 AND p.entity_id = $2 AND p.deleted_at IS NULL"#,
        EMAILPASS,
        email
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(Identity::from))
}

/// An identity by its id.
pub async fn by_id(pool: &PgPool, id: &str) -> Result<Option<Identity>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT a.id, p.id AS provider_identity_id, a.app_metadata AS "app_metadata: Json<Actors>", p.user_metadata,
               p.provider_metadata ->> 'password' AS password_hash
           FROM auth_identity a
           JOIN provider_identity p ON p.auth_identity_id = a.id AND p.provider = $1 AND p.deleted_at IS NULL
           WHERE a.id = $2 AND a.deleted_at IS NULL"#,
        EMAILPASS,
        id
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(Identity::from))
}

/// Adds an identity under an e-mail address; `None` where there is one, even since this very moment.
pub async fn register(pool: &PgPool, email: &str, password_hash: &str) -> Result<Option<Identity>, sqlx::Error> {
    let (id, provider_identity_id) = (id::new("authid"), id::new("proide"));
    let made = sqlx::query!(
        "WITH identity AS (INSERT INTO auth_identity (id) SELECT $1 WHERE NOT EXISTS (
             SELECT FROM provider_identity WHERE provider = $3 AND entity_id = $4 AND deleted_at IS NULL) RETURNING id)
         INSERT INTO provider_identity (id, auth_identity_id, provider, entity_id, provider_metadata)
         SELECT $2, identity.id, $3, $4, jsonb_build_object('password', $5::text) FROM identity",
        id,
        provider_identity_id,
        EMAILPASS,
        email,
        password_hash
    )
    .execute(pool)
    .await;
    match made {
        Ok(made) if made.rows_affected() == 0 => Ok(None),
        Ok(_) => Ok(Some(Identity {
            id,
            provider_identity_id,
            actors: Actors::default(),
            user_metadata: Map::new(),
            password_hash: Some(password_hash.to_owned()),
        })),
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Has an identity sign in a customer from now on (`setAuthAppMetadataStep`); it is locked until the transaction ends.
pub async fn attach_customer(
    conn: &mut PgConnection,
    identity_id: &str,
    customer_id: &str,
) -> Result<Result<(), AttachError>, WriteError> {
    let row = sqlx::query!(
        r#"SELECT app_metadata AS "actors: Json<Actors>" FROM auth_identity
           WHERE id = $1 AND deleted_at IS NULL FOR UPDATE"#,
        identity_id
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else {
        return Ok(Err(AttachError::NoIdentity(identity_id.to_owned())));
    };
    if row.actors.customer_id.is_some() {
        return Ok(Err(AttachError::Taken("customer_id")));
    }
    sqlx::query!(
        "UPDATE auth_identity SET app_metadata = app_metadata || jsonb_build_object('customer_id', $2::text),
             updated_at = clock_timestamp() WHERE id = $1",
        identity_id,
        customer_id
    )
    .execute(conn)
    .await?;
    Ok(Ok(()))
}

/// A kind of actor, by its name among those of an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActorKey {
    /// `customer_id`.
    Customer,
    /// `user_id`.
    User,
}

/// Ends what signs in an actor: the identity itself, or, where it signs in another actor too, its tie to this one
/// (`removeCustomerAccountWorkflow`, `removeUserAccountWorkflow`). Returns the ids of these identities.
pub async fn detach(conn: &mut PgConnection, key: ActorKey, actor_id: &str) -> Result<Vec<String>, WriteError> {
    let name = match key {
        ActorKey::Customer => "customer_id",
        ActorKey::User => "user_id",
    };
    let identities = sqlx::query!(
        r#"SELECT id, app_metadata AS "actors: Json<Actors>" FROM auth_identity
           WHERE (app_metadata ->> 'customer_id' = CASE WHEN $2 THEN $1 END
                   OR app_metadata ->> 'user_id' = CASE WHEN NOT $2 THEN $1 END)
               AND deleted_at IS NULL ORDER BY id FOR UPDATE"#,
        actor_id,
        key == ActorKey::Customer
    )
    .fetch_all(&mut *conn)
    .await?;
    let is_shared = |actors: &Actors| match key {
        ActorKey::Customer => actors.user_id.is_some(),
        ActorKey::User => actors.customer_id.is_some(),
    };
    let shared = identities.iter().filter(|row| is_shared(&row.actors));
    let shared: Vec<String> = shared.map(|row| row.id.clone()).collect();
    let ids: Vec<String> = identities.into_iter().map(|row| row.id).collect();
    let own: Vec<String> = ids.iter().filter(|id| !shared.contains(id)).cloned().collect();
    sqlx::query!(
        "UPDATE auth_identity SET app_metadata = app_metadata - $2, updated_at = clock_timestamp() WHERE id = ANY($1)",
        &shared,
        name
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("DELETE FROM provider_identity WHERE auth_identity_id = ANY($1)", &own).execute(&mut *conn).await?;
    sqlx::query!("DELETE FROM auth_identity WHERE id = ANY($1)", &own).execute(conn).await?;
    Ok(ids)
}

/// The providers by which a user signs in.
pub async fn providers_of_user(pool: &PgPool, user_id: &str) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT p.provider FROM auth_identity a
         JOIN provider_identity p ON p.auth_identity_id = a.id AND p.deleted_at IS NULL
         WHERE a.app_metadata ->> 'user_id' = $1 AND a.deleted_at IS NULL ORDER BY p.id",
        user_id
    )
    .fetch_all(pool)
    .await
}
