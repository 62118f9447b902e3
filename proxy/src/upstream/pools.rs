//! The pools of all upstreams, and how they follow the configuration.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;
use tokio::sync::watch;

use super::pool::Pool;
use super::{Upstream, UpstreamReport};

/// The running state of all upstreams.
#[derive(Debug)]
pub struct Pools {
    pools: RwLock<HashMap<Arc<str>, Arc<Pool>>>,
    /// Counts the calls of [`Pools::reconcile`].
    changed: watch::Sender<u64>,
}

impl Default for Pools {
    fn default() -> Self {
        Self { pools: RwLock::default(), changed: watch::Sender::new(0) }
    }
}

// === impl Pools ===

impl Pools {
    /// Follows a configuration: called at the start and after each reload, with *all* upstreams, from any thread.
    ///
    /// An upstream that keeps its addresses and `tls` keeps its state: health, ejections, turns, requests under way, retry budget;
    /// its other settings hold from now on. Where addresses change, those that stay keep their state and the others' is dropped.
    /// Pools of upstreams that are gone are dropped when the last request under way has ended; such requests keep to the
    /// upstream that they began with. Checks start and stop accordingly ([`Pools::check`]).
    pub fn reconcile(&self, upstreams: &[Arc<Upstream>]) {
        let mut pools = self.pools.write();
        let next = upstreams.iter().map(|upstream| {
            let pool = match pools.get(&upstream.name) {
                Some(pool) if pool.serves(upstream) => {
                    pool.adopt(upstream.clone());
                    pool.clone()
                }
                Some(other) => Arc::new(other.after(upstream.clone())),
                None => Arc::new(Pool::new(upstream.clone())),
            };
            (upstream.name.clone(), pool)
        });
        *pools = next.collect();
        drop(pools);
        self.changed.send_modify(|calls| *calls += 1);
    }

    /// The pool of an upstream. A request that began before a reload which changed the addresses gets one of its own.
    pub fn of(&self, upstream: &Arc<Upstream>) -> Arc<Pool> {
        let pool = self.pools.read().get(&upstream.name).filter(|pool| pool.serves(upstream)).cloned();
        pool.unwrap_or_else(|| Arc::new(Pool::new(upstream.clone())))
    }

    /// What is known of all, by name.
    pub fn report(&self) -> Vec<UpstreamReport> {
        let mut reports: Vec<_> = self.pools.read().values().map(|pool| pool.report()).collect();
        reports.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        reports
    }

    pub(super) fn all(&self) -> Vec<Arc<Pool>> {
        self.pools.read().values().cloned().collect()
    }

    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upstream::{Affinity, Ejection, HealthCheck};

    fn upstream(addresses: &[&str]) -> Upstream {
        Upstream {
            ejection: Ejection { after: 1, ..Ejection::default() },
            ..Upstream::of("origin", addresses.iter().map(|text| text.parse().unwrap()).collect())
        }
    }

    async fn eject(pools: &Pools, upstream: &Arc<Upstream>) {
        let attempt = pools.of(upstream).attempts(upstream.clone(), Affinity::of("h", "/")).next().await.unwrap();
        attempt.failed("refused");
    }

    fn ejected(pools: &Pools) -> Vec<String> {
        let report = pools.report().remove(0);
        let ejected = report.addresses.iter().filter(|address| address.ejected_for_ms.is_some());
        ejected.map(|address| address.address.to_string()).collect()
    }

    #[tokio::test]
    async fn state_outlives_a_reload_as_far_as_addresses_stay() {
        let pools = Pools::default();
        let first = Arc::new(upstream(&["127.0.0.1:1", "127.0.0.1:2"]));
        pools.reconcile(std::slice::from_ref(&first));
        eject(&pools, &first).await;
        let down = ejected(&pools);
        assert_eq!(down.len(), 1);

        // Another setting, the same addresses.
        let second = Arc::new(Upstream { read_timeout: std::time::Duration::from_secs(1), ..(*first).clone() });
        pools.reconcile(std::slice::from_ref(&second));
        assert_eq!(ejected(&pools), down);
        assert!(Arc::ptr_eq(&pools.of(&first), &pools.of(&second)));

        // One address more; a request of the old configuration still finds its own addresses.
        let third = Arc::new(upstream(&["127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"]));
        pools.reconcile(std::slice::from_ref(&third));
        assert_eq!((ejected(&pools), pools.report()[0].addresses.len()), (down.clone(), 3));
        assert_eq!(pools.of(&first).report().addresses.len(), 2);

        // Without it, and with it again: what was known is gone.
        let others = ["127.0.0.1:1", "127.0.0.1:2"].into_iter().filter(|address| *address != down[0]);
        pools.reconcile(&[Arc::new(upstream(&others.collect::<Vec<_>>()))]);
        pools.reconcile(&[third]);
        assert_eq!(ejected(&pools), [] as [String; 0]);
        pools.reconcile(&[]);
        assert!(pools.report().is_empty());
    }

    #[tokio::test]
    async fn without_checks_nothing_stays_unhealthy() {
        let check = HealthCheck {
            path: "/".into(),
            every: HealthCheck::EVERY,
            timeout: HealthCheck::TIMEOUT,
            healthy_after: 1,
            unhealthy_after: 1,
        };
        let checked = Upstream { health: Some(check.clone()), ..upstream(&["127.0.0.1:1"]) };
        let pools = Pools::default();
        let (checked, unchecked) = (Arc::new(checked), Arc::new(upstream(&["127.0.0.1:1"])));
        pools.reconcile(std::slice::from_ref(&checked));
        pools.of(&checked).checked("127.0.0.1:1".parse().unwrap(), Err("503"), &check);
        let healthy = || pools.report()[0].addresses[0].healthy;
        assert!(!healthy() && pools.report()[0].panic);
        pools.reconcile(&[checked]);
        assert!(!healthy());
        pools.reconcile(&[unchecked]);
        assert!(healthy());
    }
}
