//! Who a request is from: by its session, and else by its bearer token, as Medusa's `authenticate` goes about it
//! (`@medusajs/framework` `http/middlewares/authenticate-middleware.js`).

use http::{HeaderMap, header};

use super::actor::Actor;
use super::token::Claims;
use crate::error::ApiError;
use crate::sessions::{SessionError, SessionId};
use crate::state::AppState;

/// The request's claims as this kind of actor, or as any; `None` where nothing of it holds. Whether somebody is an actor of the
/// kind already is the caller's to ask.
///
/// Fails where the session cannot be looked up: nobody is signed out by a failure of ours.
pub(super) async fn find(
    state: &AppState,
    headers: &HeaderMap,
    actor: Option<Actor>,
) -> Result<Option<Claims>, ApiError> {
    let is_wanted = |claims: &Claims| actor.is_none_or(|actor| claims.actor_type == actor.name());
    let in_session = of_session(state, headers).await?.filter(is_wanted);
    Ok(in_session.or_else(|| Claims::of_request(headers, &state.config.auth).filter(is_wanted)))
}

/// The claims of the request's session alone.
pub(super) async fn of_session(state: &AppState, headers: &HeaderMap) -> Result<Option<Claims>, ApiError> {
    match session_id(state, headers) {
        Some(id) => Ok(state.sessions.find(&id).await?),
        None => Ok(None),
    }
}

/// The request's session id, if it has one that could be one.
pub(super) fn session_id(state: &AppState, headers: &HeaderMap) -> Option<SessionId> {
    cookies(headers, &state.config.auth.session_cookie).find_map(SessionId::from_cookie)
}

/// Whether a request says nothing of who it is from: then its answer is everybody's.
pub(in crate::api) fn are_absent(state: &AppState, headers: &HeaderMap) -> bool {
    !headers.contains_key(header::AUTHORIZATION) && cookies(headers, &state.config.auth.session_cookie).next().is_none()
}

/// The values of cookies of this name.
fn cookies<'h>(headers: &'h HeaderMap, name: &'h str) -> impl Iterator<Item = &'h str> {
    let lines = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(move |(other, _)| *other == name).map(|(_, value)| value)
}

impl From<SessionError> for ApiError {
    fn from(error: SessionError) -> Self {
        tracing::warn!(%error, "sessions unavailable");
        Self::unavailable("Sessions cannot be looked up just now; try again.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_found_by_their_whole_name() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, "a=1; connect.sid=x;xconnect.sid=y".parse().unwrap());
        headers.append(header::COOKIE, "connect.sid=z=".parse().unwrap());
        assert_eq!(cookies(&headers, "connect.sid").collect::<Vec<_>>(), ["x", "z="]);
        assert_eq!(cookies(&headers, "sid").count(), 0);
    }
}
