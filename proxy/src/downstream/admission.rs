//! How many connections there are, in total and of each address.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use super::Limits;
use super::metrics::Limit;

/// The connections that are open.
#[derive(Debug, Default)]
pub(super) struct Admission {
    total: AtomicUsize,
    by_network: Mutex<HashMap<Network, usize>>,
}

/// A place among the connections, which is free again when it is dropped.
#[derive(Debug)]
pub(super) struct Admitted {
    admission: Arc<Admission>,
    /// Absent where addresses are not counted.
    network: Option<Network>,
}

/// Whom a stranger can be many of: an IPv4 address, or the upper half of an IPv6 address (RFC 4291 §2.5.1), of which one
/// subscriber has all lower halves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Network {
    V4([u8; 4]),
    V6([u8; 8]),
}

// === impl Admission ===

impl Admission {
    /// A place for a connection from `peer`, or the limit that is exceeded; the limit by address does not count for trusted ones.
    pub(super) fn admit(self: &Arc<Self>, peer: IpAddr, trusted: bool, limits: &Limits) -> Result<Admitted, Limit> {
        let network = (!trusted).then(|| Network::of(peer));
        if self.total.fetch_add(1, Ordering::Relaxed) >= limits.connections {
            self.total.fetch_sub(1, Ordering::Relaxed);
            return Err(Limit::Connections);
        }
        // From here on dropping it gives back what was taken.
        let mut admitted = Admitted { admission: self.clone(), network: None };
        if let Some(network) = network {
            let mut by_network = self.by_network.lock();
            let count = by_network.entry(network).or_default();
            if *count >= limits.connections_per_address {
                return Err(Limit::ConnectionsPerAddress);
            }
            *count += 1;
            admitted.network = Some(network);
        }
        Ok(admitted)
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.admission.total.fetch_sub(1, Ordering::Relaxed);
        if let Some(network) = self.network
            && let Entry::Occupied(mut count) = self.admission.by_network.lock().entry(network)
        {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

// === impl Network ===

impl Network {
    fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address.octets()),
            IpAddr::V6(address) => {
                // The first half of sixteen bytes.
                Self::V6(address.octets().first_chunk().copied().unwrap_or_default())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn places_are_counted_and_come_back() {
        let admission = Arc::new(Admission::default());
        let limits = Limits { connections: 3, connections_per_address: 2, ..Limits::default() };
        let admit = |from: &str, trusted| admission.admit(address(from), trusted, &limits);
        let first = admit("192.0.2.1", false).unwrap();
        let _mapped = admit("::ffff:192.0.2.1", false).unwrap();
        assert_eq!(admit("192.0.2.1", false).unwrap_err(), Limit::ConnectionsPerAddress);
        assert_eq!(admission.total.load(Ordering::Relaxed), 2, "who is refused takes no place");
        let trusted = admit("192.0.2.1", true).unwrap();
        assert_eq!(admit("192.0.2.2", false).unwrap_err(), Limit::Connections);
        drop(trusted);
        drop(first);
        let _again = admit("192.0.2.1", false).unwrap();
        assert_eq!(admission.total.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn an_ipv6_network_is_one_address_and_nothing_stays_of_who_left() {
        let admission = Arc::new(Admission::default());
        let limits = Limits { connections_per_address: 1, ..Limits::default() };
        let held = admission.admit(address("2001:db8::1"), false, &limits).unwrap();
        assert!(admission.admit(address("2001:db8::ffff:2"), false, &limits).is_err());
        let other = admission.admit(address("2001:db8:0:1::1"), false, &limits).unwrap();
        drop((held, other));
        assert!(admission.by_network.lock().is_empty() && admission.total.load(Ordering::Relaxed) == 0);
    }
}
