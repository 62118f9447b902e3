//! The sequencer's port: `vitrine_shared::feed` over HTTP, with a bearer token on each request.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, Path, Query, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use http::StatusCode;
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use vitrine_shared::epoch::Epoch;
use vitrine_shared::feed::{MAX_ORDER, Order, Ordered, Report, VERSION};

use super::{OrderRefused, Sequencer};
use crate::ops::{OpsToken, refuse, unauthorized};

/// Longest that a request for a page is held.
const MAX_PAGE_WAIT: Duration = Duration::from_secs(30);
/// Longest that a request for an acknowledgement is held.
const MAX_ACK_WAIT: Duration = Duration::from_secs(30);
/// Most requests that are held; others are answered at once.
const MAX_HELD: usize = 2_000;
/// Longest id and name of a member, in bytes.
const MAX_NAME: usize = 128;
/// How long members that stop with this process get to take leave.
const FAREWELL: Duration = Duration::from_secs(1);

struct Port {
    sequencer: Sequencer,
    token: OpsToken,
    held: Semaphore,
}

/// The parameters of a page.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct After {
    #[serde(default)]
    after: Epoch,
    #[serde(default)]
    wait_ms: u64,
}

/// The parameters of an acknowledgement.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wait {
    #[serde(default)]
    wait_ms: u64,
}

/// Serves on `listener` until `stop` turns true, and a little longer where `own`, the edge of this very process, is still a member.
pub async fn serve(
    sequencer: Sequencer,
    token: OpsToken,
    listener: TcpListener,
    own: String,
    mut stop: watch::Receiver<bool>,
) -> std::io::Result<()> {
    let port = Arc::new(Port { sequencer: sequencer.clone(), token, held: Semaphore::new(MAX_HELD) });
    let router = router(port);
    tokio::select! {
        // No graceful end: requests that are held would hold it up, and members ask again.
        ended = async { axum::serve(listener, router).await } => ended,
        () = sequencer.run() => Ok(()),
        () = async {
            // A closed channel is an end too.
            let _ = stop.wait_for(|stop| *stop).await;
            let _ = tokio::time::timeout(FAREWELL, left(&sequencer, &own)).await;
        } => Ok(()),
    }
}

/// Until a member is gone.
async fn left(sequencer: &Sequencer, own: &str) {
    while sequencer.members().iter().any(|member| member.id == own) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn router(port: Arc<Port>) -> Router {
    Router::new()
        .route("/v1/feed", get(feed))
        .route("/v1/purges", post(order).layer(DefaultBodyLimit::max(MAX_ORDER)))
        .route("/v1/members", get(members))
        .route("/v1/members/{id}", put(report).delete(leave))
        .route("/v1/acks/{epoch}", get(acknowledged))
        .route("/v1/acks/{epoch}/trail", get(trail))
        .layer(from_fn_with_state(port.clone(), admit))
        .with_state(port)
}

async fn admit(State(port): State<Arc<Port>>, request: Request, next: Next) -> Response {
    if port.token.admits(request.headers()) { next.run(request).await } else { unauthorized() }
}

fn invalid(message: &str) -> Response {
    refuse(StatusCode::BAD_REQUEST, "invalid_data", message)
}

fn unavailable(error: &dyn std::fmt::Display) -> Response {
    refuse(StatusCode::SERVICE_UNAVAILABLE, "unavailable", &error.to_string())
}

async fn feed(State(port): State<Arc<Port>>, query: Result<Query<After>, QueryRejection>) -> Response {
    let After { after, wait_ms } = match query {
        Ok(Query(query)) => query,
        Err(error) => return invalid(&error.body_text()),
    };
    let held = port.held.try_acquire();
    let wait = if held.is_ok() { Duration::from_millis(wait_ms).min(MAX_PAGE_WAIT) } else { Duration::ZERO };
    match port.sequencer.page(after, wait).await {
        Some(page) => Json(page).into_response(),
        None => unavailable(&format_args!("{after} was not given here: a new term begins")),
    }
}

async fn order(State(port): State<Arc<Port>>, body: Result<Json<Order>, JsonRejection>) -> Response {
    let order = match body {
        Ok(Json(order)) => order,
        Err(error) => return invalid(&error.body_text()),
    };
    if let Err(error) = order.check() {
        return invalid(&error.to_string());
    }
    match port.sequencer.order(order).await {
        Ok(epoch) => Json(Ordered { v: VERSION, epoch }).into_response(),
        Err(error @ OrderRefused::KeyReused) => {
            refuse(StatusCode::UNPROCESSABLE_ENTITY, "key_reused", &error.to_string())
        }
        Err(error @ OrderRefused::Down(_)) => unavailable(&error),
    }
}

async fn members(State(port): State<Arc<Port>>) -> Response {
    Json(port.sequencer.members()).into_response()
}

async fn report(
    State(port): State<Arc<Port>>,
    Path(id): Path<String>,
    body: Result<Json<Report>, JsonRejection>,
) -> Response {
    let report = match body {
        Ok(Json(report)) => report,
        Err(error) => return invalid(&error.body_text()),
    };
    if report.v != VERSION {
        return invalid(&format!("feed version {} is not understood here", report.v));
    }
    if id.len() > MAX_NAME || report.name.len() > MAX_NAME {
        return invalid(&format!("a member's id and name hold at most {MAX_NAME} bytes"));
    }
    match port.sequencer.report(&id, &report).await {
        Ok(renewal) => Json(renewal).into_response(),
        Err(error) => unavailable(&error),
    }
}

async fn leave(State(port): State<Arc<Port>>, Path(id): Path<String>) -> Response {
    match port.sequencer.leave(&id).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => unavailable(&error),
    }
}

async fn acknowledged(
    State(port): State<Arc<Port>>,
    epoch: Result<Path<Epoch>, PathRejection>,
    query: Result<Query<Wait>, QueryRejection>,
) -> Response {
    let (epoch, wait_ms) = match (epoch, query) {
        (Ok(Path(epoch)), Ok(Query(Wait { wait_ms }))) => (epoch, wait_ms),
        (Err(error), _) => return invalid(&error.body_text()),
        (_, Err(error)) => return invalid(&error.body_text()),
    };
    let held = port.held.try_acquire();
    let wait = if held.is_ok() { Duration::from_millis(wait_ms).min(MAX_ACK_WAIT) } else { Duration::ZERO };
    Json(port.sequencer.acknowledged(epoch, wait).await).into_response()
}

async fn trail(State(port): State<Arc<Port>>, epoch: Result<Path<Epoch>, PathRejection>) -> Response {
    match epoch {
        Ok(Path(epoch)) => Json(port.sequencer.trail(epoch)).into_response(),
        Err(error) => invalid(&error.body_text()),
    }
}
