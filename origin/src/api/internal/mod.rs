//! The internal port: the feed, and the members that follow it. See [`vitrine_shared::feed`] for the messages.

mod acks;
mod feed;
mod members;
mod purges;
mod token;
mod trail;
mod writes;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post, put};
use http::HeaderMap;
use vitrine_shared::feed::MAX_ORDER;

use crate::error::ApiError;
use crate::feed::{Came, FORWARDED, ForwardError, MemberError, ReportError};
use crate::state::AppState;

/// Routes under `/v1`; each request carries the internal bearer token.
pub fn router(state: &AppState) -> Router<AppState> {
    Router::new()
        .route("/feed", get(feed::feed))
        .route("/members", get(members::list))
        .route("/members/{id}", put(members::report).delete(members::remove))
        .route("/writes", post(writes::written))
        .route("/purges", post(purges::order).layer(DefaultBodyLimit::max(MAX_ORDER)))
        .route("/acks/{epoch}", get(acks::acknowledged))
        .route("/acks/{epoch}/trail", get(acks::trail))
        .route("/trail", get(trail::trail))
        .layer(from_fn_with_state(state.clone(), token::require))
}

/// Whether another process of the shop hands the request on.
fn came(headers: &HeaderMap) -> Came {
    if headers.contains_key(FORWARDED) { Came::Forwarded } else { Came::Directly }
}

impl From<MemberError> for ApiError {
    fn from(error: MemberError) -> Self {
        match error {
            MemberError::Here(ReportError::Record(error)) => error.into(),
            MemberError::Here(ReportError::Refused(refusal)) => Self::unavailable(refusal.to_string()),
            MemberError::There(ForwardError::Status(_) | ForwardError::Http(_) | ForwardError::NoLeader) => {
                Self::unavailable(error.to_string())
            }
        }
    }
}
