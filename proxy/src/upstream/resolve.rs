//! The names of an upstream, resolved and remembered for a short time. Each address of a name counts as one of the upstream's.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use parking_lot::RwLock;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::Address;

/// For how long a resolved name is used before it is asked for again.
const RESOLVED_FOR: Duration = Duration::from_secs(5);
/// The same where nothing was found.
const NOT_FOUND_FOR: Duration = Duration::from_secs(1);
/// Longest wait for the resolver.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(3);
/// Most addresses that are taken of one name.
const MAX_OF_ONE_NAME: usize = 64;

/// Resolves the names of one upstream.
#[derive(Debug)]
pub(super) struct Resolver {
    names: Vec<Address>,
    found: RwLock<Found>,
    /// Held by whoever asks the resolver, so that only one does.
    asking: Mutex<()>,
}

#[derive(Clone, Debug, Default)]
struct Found {
    /// `None` before the first answer.
    at: Option<Instant>,
    /// What each name was resolved to last.
    each: Vec<Vec<SocketAddr>>,
    all: Arc<[SocketAddr]>,
}

// === impl Resolver ===

impl Resolver {
    pub(super) fn new(names: Vec<Address>) -> Self {
        let literals: Vec<Vec<SocketAddr>> = names.iter().map(|name| literal(name).into_iter().collect()).collect();
        let found = Found { at: None, all: distinct(&literals), each: literals };
        Self { names, found: RwLock::new(found), asking: Mutex::new(()) }
    }

    /// The names.
    pub(super) fn names(&self) -> &[Address] {
        &self.names
    }

    /// What is known now, without asking.
    pub(super) fn known(&self) -> Arc<[SocketAddr]> {
        self.found.read().all.clone()
    }

    /// All addresses; none where no name was ever resolved. Says whether they were asked for just now.
    pub(super) async fn all(&self) -> (Arc<[SocketAddr]>, bool) {
        if let Some(fresh) = self.fresh() {
            return (fresh, false);
        }
        let _asking = match self.asking.try_lock() {
            Ok(asking) => asking,
            // Another one asks already; what was said before serves as long.
            Err(_) if self.found.read().at.is_some() => return (self.known(), false),
            Err(_) => self.asking.lock().await,
        };
        if let Some(fresh) = self.fresh() {
            return (fresh, false);
        }
        let before = self.found.read().each.clone();
        let each = join_all(self.names.iter().zip(before).map(|(name, before)| resolve(name, before))).await;
        let all = distinct(&each);
        *self.found.write() = Found { at: Some(Instant::now()), each, all: all.clone() };
        (all, true)
    }

    fn fresh(&self) -> Option<Arc<[SocketAddr]>> {
        let found = self.found.read();
        // Where no name is to be resolved, it is so from the start and for ever.
        let literal = || self.names.iter().all(|name| literal(name).is_some());
        let lasts = if found.all.is_empty() { NOT_FOUND_FOR } else { RESOLVED_FOR };
        let fresh = found.at.is_some_and(|at| at.elapsed() < lasts) || literal();
        fresh.then(|| found.all.clone())
    }
}

fn literal(name: &Address) -> Option<SocketAddr> {
    name.host.parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, name.port))
}

/// A resolver that fails does not take away what it said before.
async fn resolve(name: &Address, before: Vec<SocketAddr>) -> Vec<SocketAddr> {
    if let Some(address) = literal(name) {
        return vec![address];
    }
    let lookup = tokio::net::lookup_host((&*name.host, name.port));
    match tokio::time::timeout(RESOLVE_TIMEOUT, lookup).await {
        Ok(Ok(found)) => {
            let mut found: Vec<_> = found.take(MAX_OF_ONE_NAME).collect();
            // Resolvers shuffle; an order that stays keeps turns and reports in order.
            found.sort_unstable();
            found
        }
        Ok(Err(error)) => {
            tracing::debug!(%error, %name, "a name cannot be resolved");
            before
        }
        Err(_) => before,
    }
}

/// In the order of the configuration, each once.
fn distinct(each: &[Vec<SocketAddr>]) -> Arc<[SocketAddr]> {
    let mut all: Vec<SocketAddr> = Vec::new();
    for address in each.iter().flatten() {
        if !all.contains(address) {
            all.push(*address);
        }
    }
    all.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolver(names: &[&str]) -> Resolver {
        Resolver::new(names.iter().map(|name| name.parse().unwrap()).collect())
    }

    #[tokio::test]
    async fn literal_addresses_are_there_at_once_each_once() {
        let (all, asked) = resolver(&["127.0.0.2:1", "[::1]:2", "127.0.0.1:1", "127.0.0.2:1"]).all().await;
        let expected = ["127.0.0.2:1", "[::1]:2", "127.0.0.1:1"].map(|text| text.parse::<SocketAddr>().unwrap());
        assert_eq!((&*all, asked), (&expected[..], false));
    }

    #[tokio::test]
    async fn names_are_resolved_and_one_that_fails_takes_nothing_away() {
        let names = resolver(&["localhost:7", "none.invalid:7", "127.0.0.9:7"]);
        assert_eq!(names.known().len(), 1);
        let (all, asked) = names.all().await;
        assert!(asked && all.contains(&"127.0.0.9:7".parse().unwrap()) && all.len() >= 2, "{all:?}");
        assert_eq!(names.all().await, (all, false));
    }
}
