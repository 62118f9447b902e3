//! When certificates end, in the metrics.

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use parking_lot::Mutex;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{GaugeVec, IntGauge, Opts, Registry};

use super::certificate::Certificate;

/// How long each certificate is valid yet, and whether those on the disk are in force.
#[derive(Clone, Debug)]
pub struct CertificateMetrics {
    ok: IntGauge,
    left: Left,
}

/// When the certificates of files end.
type Ends = Vec<(Box<Path>, SystemTime)>;

/// Counted down when it is looked at.
#[derive(Clone, Debug)]
struct Left {
    gauge: GaugeVec,
    ends: Arc<Mutex<Ends>>,
}

// === impl CertificateMetrics ===

impl CertificateMetrics {
    /// Registers them.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let ok = IntGauge::new("vitrine_certificates_ok", "1 while the certificates on the disk are those in force.")?;
        ok.set(1);
        let gauge = Opts::new(
            "vitrine_certificate_expires_seconds",
            "Seconds until a certificate ends; below zero when it has.",
        );
        let gauge = GaugeVec::new(gauge, &["file"])?;
        let left = Left { gauge, ends: Arc::default() };
        registry.register(Box::new(ok.clone()))?;
        registry.register(Box::new(left.clone()))?;
        Ok(Self { ok, left })
    }

    pub(super) fn loaded(&self, certificates: &[Certificate]) {
        *self.left.ends.lock() =
            certificates.iter().map(|certificate| (certificate.file.clone(), certificate.not_after)).collect();
        self.ok.set(1);
    }

    pub(super) fn failed(&self) {
        self.ok.set(0);
    }
}

impl Collector for Left {
    fn desc(&self) -> Vec<&Desc> {
        self.gauge.desc()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let now = SystemTime::now();
        self.gauge.reset();
        for (file, end) in &*self.ends.lock() {
            let left = match end.duration_since(now) {
                Ok(left) => left.as_secs_f64(),
                Err(over) => -over.duration().as_secs_f64(),
            };
            self.gauge.with_label_values(&[&*file.to_string_lossy()]).set(left.floor());
        }
        self.gauge.collect()
    }
}
