//! What a client may take up: `[listen.limits]`.

use std::time::Duration;

/// Limits on what strangers can make this edge hold, and for how long.
///
/// Rates are of a client alone: only time counts in which this edge waits for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most connections at once.
    pub connections: usize,
    /// Most connections at once of an IPv4 address, or of an IPv6 network of 64 bits; not of trusted proxies.
    pub connections_per_address: usize,
    /// Longest time for a TLS handshake.
    pub handshake_timeout: Duration,
    /// Longest time without a request: before the first, and between two.
    pub idle_timeout: Duration,
    /// Longest time from the first byte of a head to its last.
    pub head_timeout: Duration,
    /// Most bytes of a head, request line and line ends included.
    pub head: usize,
    /// Most lines of fields.
    pub fields: usize,
    /// Most bytes of a request target.
    pub target: usize,
    /// Most requests of a connection.
    pub requests: usize,
    /// How fast a request's content must come.
    pub body: Pace,
    /// Longest time from a request's head to the end of its content.
    pub body_timeout: Duration,
    /// How fast a response must be taken.
    pub response: Pace,
    /// Limits of HTTP/2 alone.
    pub h2: H2Limits,
}

/// The least rate of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Least bytes a second, at least 1.
    pub rate: u64,
    /// How far it may fall behind.
    pub grace: Duration,
}

/// Limits on one HTTP/2 connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct H2Limits {
    /// Most concurrent streams.
    pub streams: u32,
    /// Most streams within [`H2Limits::WINDOW`] that the client resets, or makes this edge reset.
    pub resets: u32,
    /// Most frames within [`H2Limits::WINDOW`] that carry neither head nor content.
    pub frames: u32,
    /// Most bytes that wait in it, for this edge or for the client.
    pub memory: u32,
}

// === impl Limits ===

impl Limits {
    /// Most bytes that [`Limits::head`] may be.
    pub const MOST_HEAD: usize = 1 << 20;
    /// Most that [`Limits::fields`] may be; Pingora reads as many.
    pub const MOST_FIELDS: usize = 256;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 16_384,
            connections_per_address: 1024,
            handshake_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_mins(1),
            head_timeout: Duration::from_secs(10),
            head: 64 << 10,
            fields: 128,
            target: crate::key::MAX_TARGET,
            requests: 100_000,
            body: Pace { rate: 1024, grace: Duration::from_secs(20) },
            body_timeout: Duration::from_hours(1),
            response: Pace { rate: 1024, grace: Duration::from_secs(30) },
            h2: H2Limits { streams: 100, resets: 500, frames: 2_000, memory: 4 << 20 },
        }
    }
}

impl H2Limits {
    /// In which resets and frames are counted.
    pub const WINDOW: Duration = Duration::from_secs(10);
    /// Least bytes for [`H2Limits::memory`].
    pub const LEAST_MEMORY: u64 = 128 << 10;
}
