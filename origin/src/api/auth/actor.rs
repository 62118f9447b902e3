//! Who can sign in, and by which provider: the first parts of a path under `/auth`.

use crate::error::ApiError;
use crate::modules::auth::EMAILPASS;

/// A kind of actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// Who buys.
    Customer,
    /// Who runs the shop.
    User,
}

// === impl Actor ===

impl Actor {
    /// Its name in paths and tokens.
    pub fn name(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::User => "user",
        }
    }

    /// The actor of a path. Medusa takes any name; one that nothing in the shop knows is refused as an actor that may not use
    /// the provider (`validateScopeProviderAssociation`).
    pub(super) fn of_path(actor: &str, provider: &str) -> Result<Self, ApiError> {
        [Self::Customer, Self::User].into_iter().find(|known| known.name() == actor).ok_or_else(|| {
            let (actor, provider) = (shown(actor), shown(provider));
            ApiError::not_allowed(format!("The actor type {actor} is not allowed to use the auth provider {provider}"))
        })
    }
}

/// Refuses a provider that there is not, in Medusa's words (`auth-provider.js`).
pub(super) fn check_provider(provider: &str) -> Result<(), ApiError> {
    if provider == EMAILPASS {
        return Ok(());
    }
    Err(ApiError::unauthorized(format!(
        "\nUnable to retrieve the auth provider with id: {}\nPlease make sure that the provider is registered in the \
         container and it is configured correctly in your project configuration file.",
        shown(provider)
    )))
}

fn shown(text: &str) -> String {
    text.chars().take(64).collect()
}
