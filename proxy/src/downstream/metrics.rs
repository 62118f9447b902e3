//! What connections count.

use prometheus::{IntCounter, IntCounterVec, IntGaugeVec, Opts, Registry};

use super::h1::Malformed;
use crate::key::Scheme;

/// A limit of `[listen.limits]`; its label is its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Limit {
    Connections,
    ConnectionsPerAddress,
    HandshakeTimeout,
    IdleTimeout,
    HeadTimeout,
    BodyRate,
    BodyTimeout,
    ResponseRate,
    Requests,
    H2Resets,
    H2Frames,
}

/// Counters and gauges of connections.
#[derive(Clone, Debug)]
pub struct DownstreamMetrics {
    open: IntGaugeVec,
    opened: IntCounterVec,
    exceeded: IntCounterVec,
    malformed: IntCounterVec,
    accept_errors: IntCounter,
    handshakes_failed: IntCounter,
}

// === impl Limit ===

impl Limit {
    const ALL: [Self; 11] = [
        Self::Connections,
        Self::ConnectionsPerAddress,
        Self::HandshakeTimeout,
        Self::IdleTimeout,
        Self::HeadTimeout,
        Self::BodyRate,
        Self::BodyTimeout,
        Self::ResponseRate,
        Self::Requests,
        Self::H2Resets,
        Self::H2Frames,
    ];

    fn label(self) -> &'static str {
        match self {
            Self::Connections => "connections",
            Self::ConnectionsPerAddress => "connections_per_address",
            Self::HandshakeTimeout => "handshake_timeout",
            Self::IdleTimeout => "idle_timeout",
            Self::HeadTimeout => "head_timeout",
            Self::BodyRate => "body_rate",
            Self::BodyTimeout => "body_timeout",
            Self::ResponseRate => "response_rate",
            Self::Requests => "requests",
            Self::H2Resets => "h2_resets",
            Self::H2Frames => "h2_frames",
        }
    }
}

// === impl DownstreamMetrics ===

impl DownstreamMetrics {
    /// Registers them.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let counters = |name: &str, help: &str, label: &str| {
            let counters = IntCounterVec::new(Opts::new(name, help), &[label])?;
            registry.register(Box::new(counters.clone()))?;
            Ok::<_, prometheus::Error>(counters)
        };
        let open =
            IntGaugeVec::new(Opts::new("vitrine_connections", "Clients' connections that are open."), &["scheme"])?;
        registry.register(Box::new(open.clone()))?;
        let counter = |name: &str, help: &str| {
            let counter = IntCounter::new(name, help)?;
            registry.register(Box::new(counter.clone()))?;
            Ok::<_, prometheus::Error>(counter)
        };
        let metrics = Self {
            open,
            opened: counters("vitrine_connections_total", "Clients' connections that were opened.", "scheme")?,
            exceeded: counters("vitrine_limits_exceeded_total", "Limits on clients that were exceeded.", "limit")?,
            malformed: counters(
                "vitrine_malformed_requests_total",
                "Requests that are none, by what is wrong.",
                "reason",
            )?,
            accept_errors: counter("vitrine_accept_errors_total", "Connections that could not be accepted.")?,
            handshakes_failed: counter("vitrine_tls_handshakes_failed_total", "TLS handshakes that failed.")?,
        };
        // All that can be, so that what is zero is seen to be.
        for limit in Limit::ALL {
            drop(metrics.exceeded.with_label_values(&[limit.label()]));
        }
        for malformed in Malformed::ALL {
            drop(metrics.malformed.with_label_values(&[malformed.label()]));
        }
        for scheme in [Scheme::Http, Scheme::Https] {
            metrics.open.with_label_values(&[scheme.as_str()]).set(0);
            metrics.opened.with_label_values(&[scheme.as_str()]).reset();
        }
        Ok(metrics)
    }

    pub(super) fn opened(&self, scheme: Scheme) {
        self.open.with_label_values(&[scheme.as_str()]).inc();
        self.opened.with_label_values(&[scheme.as_str()]).inc();
    }

    pub(super) fn closed(&self, scheme: Scheme) {
        self.open.with_label_values(&[scheme.as_str()]).dec();
    }

    pub(super) fn exceeded(&self, limit: Limit) {
        self.exceeded.with_label_values(&[limit.label()]).inc();
    }

    pub(super) fn malformed(&self, malformed: Malformed) {
        self.malformed.with_label_values(&[malformed.label()]).inc();
    }

    pub(super) fn handshake_failed(&self) {
        self.handshakes_failed.inc();
    }

    pub(super) fn accept_failed(&self) {
        self.accept_errors.inc();
    }
}
