//! The administrator, and how they sign in.

use argon2::Argon2;
use argon2::password_hash::PasswordHasher;
use serde_json::json;

use super::super::scope::Scope;
use super::super::table::Table;
use super::super::{Admin, Kind, SeedError};
use crate::config::Secret;

/// All tables of this part.
pub(super) async fn tables(scope: &Scope<'_>, admin: Admin) -> Result<[Table; 3], SeedError> {
    let email = admin.email;
    let hash = hash(admin.password).await?;
    let key = format_args!("admin");
    let user = scope.make(Kind::User, 0, key);
    let mut users = Table::entities("\"user\"", "email");
    let _ = users.entity(&user).text(&email);
    let identity = scope.make(Kind::AuthIdentity, 0, key);
    let mut identities = Table::entities("auth_identity", "app_metadata jsonb");
    let _ = identities.entity(&identity).shown(json!({ "user_id": user.id }));
    let mut providers =
        Table::entities("provider_identity", "auth_identity_id, provider, entity_id, provider_metadata jsonb");
    let row = providers.entity(&scope.make(Kind::ProviderIdentity, 0, key)).text(&identity.id);
    let _ = row.text("emailpass").text(&email).shown(json!({ "password": hash }));
    Ok([users, identities, providers])
}

/// The hash of a password in PHC form. It takes a while, so it is made off the runtime's threads.
async fn hash(password: Secret) -> Result<String, SeedError> {
    let hashing = tokio::task::spawn_blocking(move || {
        let hash = Argon2::default().hash_password(password.expose().as_bytes()).map_err(|error| error.to_string())?;
        Ok::<String, String>(hash.to_string())
    });
    hashing.await.map_err(|error| SeedError::Password(error.to_string()))?.map_err(SeedError::Password)
}
