//! The way of one request over the addresses of its upstream.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::StatusCode;
use smallvec::SmallVec;
use tokio::time::Instant;

use super::Upstream;
use super::balance::Affinity;
use super::h1::Endpoint;
use super::pool::Pool;
use super::state::Among;

/// What was tried for one request, and what may be tried yet.
#[derive(Debug)]
pub struct Attempts {
    pool: Arc<Pool>,
    upstream: Arc<Upstream>,
    affinity: Affinity,
    tried: SmallVec<[SocketAddr; 4]>,
    retries: u32,
    among: Among,
}

/// One attempt at one address. It counts as under way there until it is dropped, so keep it as long as the response comes.
#[derive(Debug)]
pub struct Attempt {
    pool: Arc<Pool>,
    upstream: Arc<Upstream>,
    address: SocketAddr,
    in_flight: Arc<AtomicUsize>,
}

/// Whether a response says that this address, rather than the request, is at fault: 502, 503 and 504 (RFC 9110 §15.6.3-5).
pub fn is_failure(status: StatusCode) -> bool {
    matches!(status, StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT)
}

// === impl Attempts ===

impl Attempts {
    pub(super) fn new(pool: Arc<Pool>, upstream: Arc<Upstream>, affinity: Affinity) -> Self {
        Self { pool, upstream, affinity, tried: SmallVec::new(), retries: 0, among: Among::All }
    }

    /// Who is asked.
    pub fn upstream(&self) -> &Arc<Upstream> {
        &self.upstream
    }

    /// An address that was not tried yet; `None` where there is none, and at first where no name can be resolved.
    ///
    /// Unhealthy and ejected ones come last, and only while nothing was sent.
    pub async fn next(&mut self) -> Option<Attempt> {
        self.pool.addresses().await;
        let now = Instant::now();
        let chosen = self.pool.state().choose(self.upstream.balance, self.affinity, &self.tried, self.among, now);
        self.pool.tell_of_panic(now);
        let (address, in_flight) = chosen?;
        self.tried.push(address);
        Some(Attempt { pool: self.pool.clone(), upstream: self.upstream.clone(), address, in_flight })
    }

    /// Whether [`Attempts::next`] would find one, unless names change.
    pub fn has_next(&self) -> bool {
        self.pool.state().has_other(&self.tried, self.among, Instant::now())
    }

    /// Whether a *safe* request that was sent and failed may be sent to another address, and takes that out of the budget.
    ///
    /// False where the configuration allows no retries, where no other address is available, where the request had its share,
    /// or where the budget is used up. From here on only available addresses are tried.
    pub fn may_retry(&mut self) -> bool {
        let Some(retries) = self.upstream.retries.filter(|retries| self.retries < retries.most) else {
            return false;
        };
        let now = Instant::now();
        let mut state = self.pool.state();
        if !state.has_other(&self.tried, Among::Available, now) {
            return false;
        }
        let within = state.budget.take(retries, now);
        let counted = &mut state.retries;
        *(if within { &mut counted.made } else { &mut counted.refused }) += 1;
        drop(state);
        self.retries += u32::from(within);
        self.among = Among::Available;
        within
    }
}

// === impl Attempt ===

impl Attempt {
    /// Where it is made.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// As it was when the request began.
    pub fn upstream(&self) -> &Upstream {
        &self.upstream
    }

    /// Where its connection leads; `host` is what is sent.
    pub(crate) fn endpoint<'e>(&'e self, host: &'e str) -> Endpoint<'e> {
        Endpoint { address: self.address, upstream: &self.upstream, host, pool: &self.pool }
    }

    /// The head of a final response came.
    pub fn answered(&self, status: StatusCode) {
        if is_failure(status) {
            self.failed(status.as_str());
        } else {
            self.pool.succeeded(self.address);
        }
    }

    /// No response came: no connection, a timeout, or a hang-up. `why` is for the log.
    pub fn failed(&self, why: &str) {
        self.pool.failed(&self.upstream, self.address, why);
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}
