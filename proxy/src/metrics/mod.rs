//! The process's metrics: each feature declares its own beside itself; here they share one registry.

mod pulled;

use prometheus::{Registry, TextEncoder};
pub(crate) use pulled::Pulled;

use crate::access_log;
use crate::downstream::{CertificateMetrics, DownstreamMetrics};
use crate::feed::metrics::FeedMetrics;
use crate::fill::metrics::FillMetrics;
use crate::purge::metrics::PurgeMetrics;
use crate::rate::metrics::RateMetrics;
use crate::reload::metrics::ReloadMetrics;
use crate::represent::metrics::RepresentMetrics;
use crate::service::metrics::RequestMetrics;
use crate::store::metrics::StoreMetrics;

/// All counters, and the registry that holds them.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Registry,
    /// Of connections.
    pub downstream: DownstreamMetrics,
    /// Of certificates.
    pub certificates: CertificateMetrics,
    /// Of requests.
    pub requests: RequestMetrics,
    /// Of fills.
    pub fills: FillMetrics,
    /// Of derived bodies.
    pub represent: RepresentMetrics,
    /// Of the store.
    pub store: StoreMetrics,
    /// Of the feed.
    pub feed: FeedMetrics,
    /// Of purges.
    pub purges: PurgeMetrics,
    /// Of rate limits.
    pub rates: RateMetrics,
    /// Of the configuration.
    pub reload: ReloadMetrics,
}

impl Metrics {
    /// Registers everything in a registry of its own.
    pub fn new() -> prometheus::Result<Self> {
        let registry = Registry::new();
        access_log::metrics::register(&registry)?;
        Ok(Self {
            downstream: DownstreamMetrics::register(&registry)?,
            certificates: CertificateMetrics::register(&registry)?,
            requests: RequestMetrics::register(&registry)?,
            fills: FillMetrics::register(&registry)?,
            represent: RepresentMetrics::register(&registry)?,
            store: StoreMetrics::register(&registry)?,
            feed: FeedMetrics::register(&registry)?,
            purges: PurgeMetrics::register(&registry)?,
            rates: RateMetrics::register(&registry)?,
            reload: ReloadMetrics::register(&registry)?,
            registry,
        })
    }

    /// For metrics that are declared elsewhere, such as the gauges of the operations server.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// In Prometheus's text format.
    pub fn render(&self) -> prometheus::Result<String> {
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }
}

#[cfg(test)]
mod tests;
