//! Runs the process: listeners, background tasks, and a stop that lets running requests finish.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::api;
use crate::feed;
use crate::probe;
use crate::relay;
use crate::state::{AppState, StartError};
use crate::sweep;

/// Serves until `stop` resolves, then finishes what runs, for at most `http.shutdown_grace_ms`.
pub async fn run(state: AppState, stop: impl Future<Output = ()> + Send) -> Result<(), StartError> {
    let public = listen(state.config.http.listen).await?;
    let internal = listen(state.config.http.internal_listen).await?;
    run_on(state, public, internal, stop).await
}

/// As [`run`], on listeners that are open already.
pub async fn run_on(
    state: AppState,
    public: TcpListener,
    internal: TcpListener,
    stop: impl Future<Output = ()> + Send,
) -> Result<(), StartError> {
    let public_router = api::public(&state)?;
    let internal_router = api::internal_listener(&state);
    tracing::info!(listen = ?public.local_addr()?, internal = ?internal.local_addr()?, member = %state.member_id, "origin starts");
    let mut tasks = JoinSet::new();
    tasks.spawn(relay::run(state.clone()));
    tasks.spawn(feed::run(state.clone()));
    tasks.spawn(probe::run(state.clone()));
    tasks.spawn(sweep::run(state.clone()));
    tasks.spawn(serve_one(public, public_router, state.shutdown.clone()));
    tasks.spawn(serve_one(internal, internal_router, state.shutdown.clone()));
    stop.await;
    tracing::info!("origin stops");
    state.shutdown.cancel();
    let grace = Duration::from_millis(state.config.http.shutdown_grace_ms);
    let finished = tokio::time::timeout(grace, async { while tasks.join_next().await.is_some() {} }).await;
    if finished.is_err() {
        tracing::warn!("some requests did not finish within the grace period");
    }
    Ok(())
}

async fn serve_one(listener: TcpListener, router: Router, shutdown: CancellationToken) {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let served = axum::serve(listener, service).with_graceful_shutdown(shutdown.cancelled_owned()).await;
    if let Err(error) = served {
        tracing::error!(%error, "a listener ended");
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|source| StartError::Listen { address, source })
}

/// Resolves on SIGTERM or SIGINT.
pub async fn stop_signal() {
    let interrupt = tokio::signal::ctrl_c();
    let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) else {
        let _ = interrupt.await;
        return;
    };
    tokio::select! {
        _ = interrupt => {}
        _ = terminate.recv() => {}
    }
}
