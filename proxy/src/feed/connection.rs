//! Whether this edge may serve from its cache without asking: the lease as the request path sees it.

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;
use vitrine_shared::clock::BootTime;
use vitrine_shared::lease::Lease;

/// Shared by the feed, which grants, and the requests, which check.
#[derive(Debug)]
pub struct Connection {
    held: RwLock<Held>,
    /// Until when it holds, in nanoseconds since boot: the same as `held` says, for hits, which only read it.
    until: AtomicU64,
}

#[derive(Debug)]
enum Held {
    /// No feed is configured: tags are purged by local means only and nothing can be cut off.
    NoFeed,
    /// No lease yet, or it was given up; since when.
    None(BootTime),
    /// The newest lease.
    Lease(Lease),
}

/// The state at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The lease holds, or there is no feed to be cut off from.
    Connected,
    /// No lease: nothing may be served without asking (rule 11).
    CutOff {
        /// When the last lease ended, or when the process started.
        since: BootTime,
    },
}

impl Connection {
    /// For configurations without a feed: always connected.
    pub fn without_feed() -> Self {
        Self { held: RwLock::new(Held::NoFeed), until: AtomicU64::new(u64::MAX) }
    }

    /// For configurations with a feed: cut off until the first lease.
    pub fn with_feed(now: BootTime) -> Self {
        Self { held: RwLock::new(Held::None(now)), until: AtomicU64::new(0) }
    }

    /// Whether the state at `now`, a reading as [`Connection::state`] takes it, is [`State::Connected`].
    pub fn is_connected(&self, now: BootTime) -> bool {
        now.nanos() < self.until.load(Ordering::Acquire)
    }

    /// The state at `now`, a clock reading taken after the request's head was read (rule 9).
    pub fn state(&self, now: BootTime) -> State {
        match &*self.held.read() {
            Held::NoFeed => State::Connected,
            Held::None(since) => State::CutOff { since: *since },
            Held::Lease(lease) if lease.holds(now) => State::Connected,
            Held::Lease(lease) => State::CutOff { since: lease.ends() },
        }
    }

    /// Takes a lease; one that ends before the present one is passed over.
    pub fn grant(&self, lease: Lease) {
        let mut held = self.held.write();
        match &*held {
            Held::NoFeed => {}
            Held::Lease(present) if present.ends() >= lease.ends() => {}
            Held::Lease(_) | Held::None(_) => {
                *held = Held::Lease(lease);
                self.until.store(lease.ends().nanos(), Ordering::Release);
            }
        }
    }

    /// Gives the lease up, before this edge takes leave of the origin.
    pub fn give_up(&self, now: BootTime) {
        let mut held = self.held.write();
        if !matches!(*held, Held::NoFeed) {
            *held = Held::None(now);
            self.until.store(0, Ordering::Release);
        }
    }

    /// When the present lease ends; `None` without feed or lease.
    pub fn lease_ends(&self) -> Option<BootTime> {
        match &*self.held.read() {
            Held::Lease(lease) => Some(lease.ends()),
            Held::NoFeed | Held::None(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(millis: u64) -> BootTime {
        BootTime::at(Duration::from_millis(millis))
    }

    #[test]
    fn it_is_cut_off_before_the_first_lease_and_after_the_last() {
        let connection = Connection::with_feed(at(5));
        assert_eq!(connection.state(at(9)), State::CutOff { since: at(5) });
        connection.grant(Lease::granted(at(10), Duration::from_millis(100)));
        assert_eq!(connection.state(at(109)), State::Connected);
        assert_eq!(connection.state(at(110)), State::CutOff { since: at(110) });
        assert!(connection.is_connected(at(109)) && !connection.is_connected(at(110)));
        connection.grant(Lease::granted(at(5), Duration::from_millis(50)));
        assert_eq!(connection.lease_ends(), Some(at(110)));
        connection.give_up(at(50));
        assert_eq!(connection.state(at(60)), State::CutOff { since: at(50) });
        assert!(!connection.is_connected(at(60)));
    }

    #[test]
    fn without_feed_nothing_is_cut_off() {
        let connection = Connection::without_feed();
        connection.give_up(at(1));
        assert_eq!(connection.state(at(1_000_000)), State::Connected);
        assert!(connection.is_connected(at(1_000_000)));
    }
}
