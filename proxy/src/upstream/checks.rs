//! Active health checks: every address of an upstream that has them is asked again and again.

use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::future::join_all;
use http::header;
use pingora::connectors::{ConnectorOptions, TransportConnector};
use pingora::http::RequestHeader;
use pingora::protocols::http::v1::client::HttpSession;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::peer::peer;
use super::pool::Pool;
use super::{HealthCheck, Pools, Upstream};

/// What checks call themselves.
const USER_AGENT: &str = "vitrine-health-check";
/// Most interim responses before the final one.
const MAX_INTERIM: usize = 16;

/// The checks of one pool that run.
struct Running {
    pool: Arc<Pool>,
    upstream: Arc<Upstream>,
    task: AbortHandle,
}

impl Pools {
    /// Runs the checks until `stop` turns true. It follows [`Pools::reconcile`]: checks whose upstream stays as it is go on, the
    /// others end or begin.
    pub async fn check(&self, mut stop: watch::Receiver<bool>) {
        let mut changes = self.changes();
        let mut tasks = JoinSet::new();
        let mut running: Vec<Running> = Vec::new();
        loop {
            changes.mark_unchanged();
            self.adjust(&mut running, &mut tasks);
            tokio::select! {
                changed = changes.changed() => if changed.is_err() { return },
                // A closed channel is an end too. Dropping the set ends all checks.
                _ = stop.wait_for(|stop| *stop) => return,
            }
            // Ended ones would stay in the set otherwise.
            while tasks.try_join_next().is_some() {}
        }
    }

    fn adjust(&self, running: &mut Vec<Running>, tasks: &mut JoinSet<()>) {
        let wanted: Vec<_> = self.all().into_iter().map(|pool| (pool.current(), pool)).collect();
        running.retain(|check| {
            let stays =
                wanted.iter().any(|(upstream, pool)| Arc::ptr_eq(pool, &check.pool) && *upstream == check.upstream);
            if !stays {
                check.task.abort();
            }
            stays
        });
        for (upstream, pool) in wanted {
            if upstream.health.is_some() && !running.iter().any(|check| Arc::ptr_eq(&check.pool, &pool)) {
                let task = tasks.spawn(check_all(pool.clone(), upstream.clone()));
                running.push(Running { pool, upstream, task });
            }
        }
    }
}

/// Checks all addresses of one upstream, for ever.
async fn check_all(pool: Arc<Pool>, upstream: Arc<Upstream>) {
    let Some(check) = &upstream.health else {
        return;
    };
    // Each check is a connection of its own, so that it sees what a new connection sees.
    let connector = TransportConnector::new(Some(ConnectorOptions::new(1)));
    let mut rounds = interval(check.every);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        rounds.tick().await;
        let addresses = pool.addresses().await;
        join_all(addresses.iter().map(|&address| check_one(&pool, &connector, &upstream, address, check))).await;
    }
}

async fn check_one(
    pool: &Pool,
    connector: &TransportConnector,
    upstream: &Upstream,
    address: SocketAddr,
    check: &HealthCheck,
) {
    let result = match timeout(check.timeout, ask(connector, upstream, address, check)).await {
        Ok(Ok(200..=399)) => Ok(()),
        Ok(Ok(status)) => Err(format!("status {status}")),
        Ok(Err(error)) => Err(error.etype().as_str().to_owned()),
        Err(_) => Err("no answer in time".to_owned()),
    };
    pool.checked(address, result.as_ref().copied().map_err(String::as_str), check);
}

async fn ask(
    connector: &TransportConnector,
    upstream: &Upstream,
    address: SocketAddr,
    check: &HealthCheck,
) -> pingora::Result<u16> {
    // Without a host of its own it is called by its address, as it stands in the configuration.
    let host = match (&upstream.host, upstream.addresses.first()) {
        (Some(host), _) => host.to_string(),
        (None, Some(named)) => named.to_string(),
        (None, None) => address.to_string(),
    };
    let peer = peer(address, upstream, &host);
    let mut session = HttpSession::new_with_options(connector.new_stream(&peer).await?, &peer);
    let mut request = RequestHeader::build("GET", check.path.as_bytes(), Some(3))?;
    request.insert_header(header::HOST, host)?;
    request.insert_header(header::USER_AGENT, USER_AGENT)?;
    request.insert_header(header::CONNECTION, "close")?;
    session.write_request_header(Box::new(request)).await?;
    for _ in 0..MAX_INTERIM {
        session.read_response().await?;
        if let Some(head) = session.resp_header().filter(|head| !head.status.is_informational()) {
            return Ok(head.status.as_u16());
        }
    }
    pingora::Error::e_explain(pingora::ErrorType::InvalidHTTPHeader, "too many interim responses")
}
