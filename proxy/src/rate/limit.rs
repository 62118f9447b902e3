//! One limit as the configuration says it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;

use super::caller::{Caller, Part, Secret};
use super::sketch::Pace;

/// One limit, which the rules name that it is for: they share its counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Its name, for rules, metrics and messages.
    pub name: Arc<str>,
    /// What tells callers apart; empty for all together.
    pub by: Box<[Part]>,
    /// How many requests a caller has in [`Limit::per`], on average.
    pub requests: u32,
    /// The period.
    pub per: Duration,
    /// How many of a caller may come at once.
    pub burst: u32,
    /// Which requests count.
    pub count: Counted,
    /// Networks whose clients have no limit.
    pub except: Box<[IpNet]>,
    /// Whether what is over it is only counted, and answered all the same.
    pub dry_run: bool,
}

/// Which requests count under a limit, and are refused over it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Counted {
    /// All.
    #[default]
    All,
    /// Those that cannot be answered from what is stored: what is missed, and what is passed.
    Upstream,
}

// === impl Limit ===

impl Limit {
    /// Nanoseconds that a token costs, and that a full bucket is worth.
    ///
    /// Rounding down the former admits at most one request in [`Limit::per`] too many where there are over 30,000 a second.
    pub fn pace(&self) -> Pace {
        let per = u64::try_from(self.per.as_nanos()).unwrap_or(u64::MAX);
        let token = (per / u64::from(self.requests.max(1))).max(1);
        Pace { token, bucket: token.saturating_mul(u64::from(self.burst.max(1))) }
    }

    /// Whether it counts a request: the parts that it is by are there, and the client is not excepted.
    pub fn counts(&self, caller: &Caller<'_>) -> bool {
        !self.excepts(caller.address) && caller.hash(&self.by, Secret::default()).is_some()
    }

    /// Whether what was counted under `other` holds for this one.
    pub(super) fn counts_as(&self, other: &Self) -> bool {
        self.by == other.by
            && self.requests == other.requests
            && self.per == other.per
            && self.burst == other.burst
            && self.count == other.count
    }

    /// Whether clients at this address have no limit.
    pub(super) fn excepts(&self, address: Option<IpAddr>) -> bool {
        address.is_some_and(|address| self.except.iter().any(|network| network.contains(&address)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paces_follow_from_requests_period_and_burst() {
        let limit = |requests, per, burst| Limit {
            name: "l".into(),
            by: Box::default(),
            requests,
            per: Duration::from_millis(per),
            burst,
            count: Counted::All,
            except: Box::default(),
            dry_run: false,
        };
        for (requests, per, burst, token, bucket) in [
            (100, 10_000, 100, 100_000_000, 10_000_000_000),
            (1, 1, 1, 1_000_000, 1_000_000),
            (3, 1_000, 2, 333_333_333, 666_666_666),
            (u32::MAX, 1, u32::MAX, 1, u64::from(u32::MAX)),
        ] {
            assert_eq!(limit(requests, per, burst).pace(), Pace { token, bucket }, "{requests} in {per} ms");
        }
    }
}
