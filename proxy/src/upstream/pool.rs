//! The running state of one upstream: its names resolved, and what is known of each address.

use std::net::SocketAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use parking_lot::{Mutex, MutexGuard};
use tokio::time::Instant;

use super::attempts::Attempts;
use super::balance::Affinity;
use super::health::HealthCheck;
use super::resolve::Resolver;
use super::state::State;
use super::{AddressReport, Upstream, UpstreamReport};

/// One upstream at work. Fills and passed requests share it.
#[derive(Debug)]
pub struct Pool {
    /// As the configuration has it now; requests under way keep to what they began with.
    current: ArcSwap<Upstream>,
    resolver: Resolver,
    state: Mutex<State>,
}

// === impl Pool ===

impl Pool {
    /// Nothing is known yet.
    pub(super) fn new(upstream: Arc<Upstream>) -> Self {
        let resolver = Resolver::new(upstream.addresses.clone());
        let state = State::new(&resolver.known(), usize::from(rand::random::<u16>()), Instant::now());
        Self { current: ArcSwap::new(upstream), resolver, state: Mutex::new(state) }
    }

    /// The upstream has other addresses now: those that stay keep their state. Requests under way end in the old pool.
    pub(super) fn after(&self, upstream: Arc<Upstream>) -> Self {
        let resolver = Resolver::new(upstream.addresses.clone());
        let mut state = self.state.lock().clone();
        // Names are not resolved yet; what they resolve to may well be what it was.
        if upstream.addresses.iter().all(|address| address.host.parse::<std::net::IpAddr>().is_ok()) {
            state.keep(&resolver.known());
        }
        let pool = Self { current: ArcSwap::new(self.current()), resolver, state: Mutex::new(state) };
        pool.adopt(upstream);
        pool
    }

    /// Other settings for the same addresses.
    pub(super) fn adopt(&self, upstream: Arc<Upstream>) {
        if upstream.health.is_none() {
            self.state.lock().believe_healthy();
        }
        self.current.store(upstream);
    }

    /// Whether this is the pool for an upstream of that name: it is reached at the same addresses in the same way.
    pub(super) fn serves(&self, upstream: &Upstream) -> bool {
        self.resolver.names() == upstream.addresses && self.current.load().tls == upstream.tls
    }

    /// As the configuration has it now.
    pub(super) fn current(&self) -> Arc<Upstream> {
        self.current.load_full()
    }

    /// The way of one request over the addresses, by the settings of `upstream`. Counts it as one of the requests of which
    /// retries may be a part.
    pub fn attempts(self: Arc<Self>, upstream: Arc<Upstream>, affinity: Affinity) -> Attempts {
        self.state.lock().budget.asked(Instant::now());
        Attempts::new(self, upstream, affinity)
    }

    /// All addresses; names are resolved where that was not done a short time ago.
    pub(super) async fn addresses(&self) -> Arc<[SocketAddr]> {
        let (all, asked) = self.resolver.all().await;
        if asked {
            self.state.lock().keep(&all);
        }
        all
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// A request to the address succeeded.
    pub(super) fn succeeded(&self, address: SocketAddr) {
        let now = Instant::now();
        if self.state.lock().succeeded(address, now) {
            tracing::info!(upstream = &*self.current().name, %address, "an ejected address answers again");
            self.tell_of_panic(now);
        }
    }

    /// A request to the address failed.
    pub(super) fn failed(&self, upstream: &Upstream, address: SocketAddr, why: &str) {
        let now = Instant::now();
        let ejected = self.state.lock().failed(address, &upstream.ejection, now);
        if let Some(lasts) = ejected {
            tracing::warn!(upstream = &*upstream.name, %address, ?lasts, why, "an address fails requests and is ejected");
            self.tell_of_panic(now);
        }
    }

    /// A check of the address was good, or bad for a reason.
    pub(super) fn checked(&self, address: SocketAddr, result: Result<(), &str>, check: &HealthCheck) {
        if self.state.lock().checked(address, result.is_ok(), check) {
            let upstream = self.current();
            match result {
                Ok(()) => tracing::info!(upstream = &*upstream.name, %address, "an address is healthy"),
                Err(why) => tracing::warn!(upstream = &*upstream.name, %address, why, "an address is unhealthy"),
            }
            self.tell_of_panic(Instant::now());
        }
    }

    /// Logs where the last address has become unavailable, or the first one available again.
    pub(super) fn tell_of_panic(&self, now: Instant) {
        let Some(panics) = self.state.lock().panic_changed(now) else {
            return;
        };
        let upstream = self.current();
        if panics {
            tracing::warn!(upstream = &*upstream.name, "every address is unhealthy or ejected: all are asked");
        } else {
            tracing::info!(upstream = &*upstream.name, "there are available addresses again");
        }
    }

    /// What is known of it at this moment.
    pub fn report(&self) -> UpstreamReport {
        let now = Instant::now();
        let state = self.state.lock();
        UpstreamReport {
            name: self.current.load().name.to_string(),
            panic: state.panics(now),
            retries: state.retries.made,
            retries_refused: state.retries.refused,
            addresses: state.entries.iter().map(|entry| AddressReport::of(entry, now)).collect(),
        }
    }
}
