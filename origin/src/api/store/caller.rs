//! Who calls the Store API: a storefront with a publishable key.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::request::Parts;
use vitrine_shared::clock::unix_millis;
use vitrine_shared::tag::Tag;

use crate::api::reply::Moment;
use crate::error::ApiError;
use crate::query::compile::Sight;
use crate::query::key::{self, PublishableKey};
use crate::replicas;
use crate::state::AppState;

/// The header that carries the key.
pub const KEY_HEADER: &str = "x-publishable-api-key";
/// Longest token that is looked up.
const MAX_TOKEN: usize = 256;

/// A request with a valid publishable key, and the moment at which its reading began.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The key.
    pub key: Arc<PublishableKey>,
    /// The moment.
    pub moment: Moment,
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let moment = Moment::begin(state, &parts.headers)?;
        let token =
            parts.headers.get(KEY_HEADER).and_then(|value| value.to_str().ok()).filter(|token| !token.is_empty());
        let token = token.ok_or_else(|| {
            ApiError::not_allowed(format!(
                "Publishable API key required in the request header: {KEY_HEADER}. You can manage your keys in settings \
                 in the dashboard."
            ))
        })?;
        let key = find(state, moment, token).await?;
        let now = i64::try_from(unix_millis()).unwrap_or(i64::MAX);
        let key = key.filter(|key| key.ends_at.is_none_or(|end| end > now));
        let key = key
            .ok_or_else(|| ApiError::not_allowed("A valid publishable key is required to proceed with the request"))?;
        Ok(Self { key, moment })
    }
}

// === impl Caller ===

impl Caller {
    /// What it may see, given the channels that it names itself.
    pub fn sight(&self, asked: &[String]) -> Result<Sight, ApiError> {
        let channels = &self.key.channels;
        if asked.iter().any(|asked| !channels.contains(asked)) {
            return Err(ApiError::invalid_data("Requested sales channel is not part of the publishable key"));
        }
        let channels = if asked.is_empty() { channels.clone() } else { asked.to_vec() };
        Ok(Sight::Store { channels })
    }

    /// The tags of whatever it is told.
    pub fn tags(&self) -> impl Iterator<Item = Tag> + '_ {
        let channels = self.key.channels.iter().map(|channel| Tag::sales_channel(channel));
        std::iter::once(Tag::api_key(&self.key.id)).chain(channels)
    }
}

async fn find(state: &AppState, moment: Moment, token: &str) -> Result<Option<Arc<PublishableKey>>, ApiError> {
    if token.len() > MAX_TOKEN {
        return Ok(None);
    }
    if moment.allows_caches()
        && let Some(key) = state.caches.keys.get(token, &state.live)
    {
        return Ok(Some(key));
    }
    let Some(key) =
        replicas::read(state, moment.least_of_replicas(), |pool| async move { key::find(&pool, token).await })
            .await?
            .map(Arc::new)
    else {
        return Ok(None);
    };
    let found = Caller { key: key.clone(), moment };
    state.caches.keys.put(token, key.clone(), moment.stamp(), found.tags());
    Ok(Some(key))
}
