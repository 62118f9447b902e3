//! The process's metrics for Prometheus. Each feature declares its own beside its code and registers them here.

use prometheus::{Encoder as _, Registry, TextEncoder};
use sqlx::PgPool;

use crate::api::middleware::HttpMetrics;
use crate::cache::CacheMetrics;
use crate::probe::ProbeMetrics;
use crate::relay::RelayMetrics;
use crate::replicas::ReplicaMetrics;

/// All metrics of a process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// Requests.
    pub http: HttpMetrics,
    /// The relay and the members.
    pub relay: RelayMetrics,
    /// The production probe.
    pub probe: ProbeMetrics,
    /// The read cache.
    pub cache: CacheMetrics,
    /// The read replicas.
    pub replicas: ReplicaMetrics,
    pool_connections: prometheus::IntGaugeVec,
}

// === impl Metrics ===

impl Metrics {
    /// Registers them; fails only where two have one name.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new_custom(Some("vitrine_origin".to_owned()), None)?;
        let pool_connections = prometheus::IntGaugeVec::new(
            prometheus::Opts::new("pool_connections", "Connections to Postgres, by state (idle, busy)."),
            &["state"],
        )?;
        registry.register(Box::new(pool_connections.clone()))?;
        Ok(Self {
            http: HttpMetrics::register(&registry)?,
            relay: RelayMetrics::register(&registry)?,
            probe: ProbeMetrics::register(&registry)?,
            cache: CacheMetrics::register(&registry)?,
            replicas: ReplicaMetrics::register(&registry)?,
            pool_connections,
            registry,
        })
    }

    /// Where features register theirs.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// All of them in Prometheus's text form.
    pub fn render(&self, pool: &PgPool) -> Result<String, prometheus::Error> {
        let idle = i64::try_from(pool.num_idle()).unwrap_or(i64::MAX);
        self.pool_connections.with_label_values(&["idle"]).set(idle);
        self.pool_connections.with_label_values(&["busy"]).set(i64::from(pool.size()).saturating_sub(idle));
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        String::from_utf8(text).map_err(|error| prometheus::Error::Msg(error.to_string()))
    }
}
