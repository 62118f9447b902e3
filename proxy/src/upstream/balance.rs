//! Which of an upstream's addresses is asked.

use std::hash::Hasher as _;
use std::net::{IpAddr, SocketAddr};

use siphasher::sip::SipHasher13;

/// How requests are spread over the addresses of an upstream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Balance {
    /// One after the other.
    #[default]
    RoundRobin,
    /// Of two that are picked by chance, the one with fewer requests under way ("power of two choices").
    LeastRequests,
    /// By host and path: the same address for the same URL, as long as it is there (rendezvous hashing). For sharded origins.
    Hash,
}

/// What of a request [`Balance::Hash`] looks at. The same on every edge and after every restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Affinity(u64);

/// An address that may be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Where it is.
    pub address: SocketAddr,
    /// Requests that are under way there.
    pub in_flight: usize,
}

// === impl Balance ===

impl Balance {
    /// Each with its word in the configuration.
    pub const WORDS: [(&'static str, Self); 3] =
        [("round_robin", Self::RoundRobin), ("least_requests", Self::LeastRequests), ("hash", Self::Hash)];

    /// The place of the one that is asked; `None` only where there is none.
    ///
    /// `turn` grows by one with each request; `below` gives an even random number below its argument.
    pub fn choose(
        self,
        candidates: &[Candidate],
        turn: usize,
        affinity: Affinity,
        mut below: impl FnMut(usize) -> usize,
    ) -> Option<usize> {
        let count = candidates.len();
        if count < 2 {
            return count.checked_sub(1);
        }
        Some(match self {
            Self::RoundRobin => turn % count,
            Self::LeastRequests => {
                let one = below(count) % count;
                // Another one, each with the same chance.
                let other = (one + 1 + below(count - 1) % (count - 1)) % count;
                if candidates[other].in_flight < candidates[one].in_flight { other } else { one }
            }
            Self::Hash => (0..count).max_by_key(|&place| affinity.score(candidates[place].address)).unwrap_or_default(),
        })
    }
}

// === impl Affinity ===

impl Affinity {
    /// Of a URL: its host, and its path up to the query.
    pub fn of(host: &str, path_and_query: &str) -> Self {
        let path = path_and_query.split('?').next().unwrap_or_default();
        let mut hasher = SipHasher13::new();
        hasher.write(host.as_bytes());
        // No host has this byte, so that the two cannot run into one another.
        hasher.write_u8(b'/');
        hasher.write(path.as_bytes());
        Self(hasher.finish())
    }

    fn score(self, address: SocketAddr) -> u64 {
        let mut hasher = SipHasher13::new();
        hasher.write(&self.0.to_le_bytes());
        match address.ip() {
            IpAddr::V4(ip) => hasher.write(&ip.octets()),
            IpAddr::V6(ip) => hasher.write(&ip.octets()),
        }
        hasher.write(&address.port().to_le_bytes());
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn candidates(in_flight: &[usize]) -> Vec<Candidate> {
        let address = |place| SocketAddr::from(([10, 0, 0, 1], 9000 + u16::try_from(place).unwrap()));
        in_flight
            .iter()
            .enumerate()
            .map(|(place, &in_flight)| Candidate { address: address(place), in_flight })
            .collect()
    }

    #[test]
    fn round_robin_goes_around() {
        let three = candidates(&[9, 0, 0]);
        let places: Vec<_> = (0..6).map(|turn| Balance::RoundRobin.choose(&three, turn, Affinity(0), |_| 0)).collect();
        assert_eq!(places, [0, 1, 2, 0, 1, 2].map(Some));
        for balance in Balance::WORDS {
            assert_eq!(balance.1.choose(&[], 3, Affinity(0), |_| 0), None);
            assert_eq!(balance.1.choose(&three[..1], 3, Affinity(0), |_| 0), Some(0));
        }
    }

    #[test]
    fn the_hash_spreads_urls_evenly_and_is_the_same_everywhere() {
        let four = candidates(&[0; 4]);
        let mut shares = [0; 4];
        for product in 0..4000 {
            let affinity = Affinity::of("shop.example", &format!("/products/{product}"));
            shares[Balance::Hash.choose(&four, 0, affinity, |_| 0).unwrap()] += 1;
        }
        assert!(shares.iter().all(|share| (850..1150).contains(share)), "{shares:?}");
        assert_eq!(Affinity::of("h", "/a?b=1"), Affinity::of("h", "/a?c"));
        assert_ne!(Affinity::of("h", "/a"), Affinity::of("i", "/a"));
        // Edges of different versions must agree, so this number never changes.
        assert_eq!(Affinity::of("shop.example", "/a").score(four[0].address), 3_355_264_068_762_978_981);
    }

    proptest! {
        /// Of two different ones, that with more requests under way is never taken; so the busiest never is.
        #[test]
        fn two_choices_never_take_the_busiest(
            mut in_flight in proptest::collection::vec(0usize..100, 2..10), busiest in any::<usize>(), random in any::<[usize; 2]>(),
        ) {
            let busiest = busiest % in_flight.len();
            in_flight[busiest] = 100;
            let mut random = random.into_iter();
            let chosen = Balance::LeastRequests
                .choose(&candidates(&in_flight), 0, Affinity(0), |bound| random.next().unwrap() % bound)
                .unwrap();
            prop_assert_ne!(chosen, busiest);
        }

        /// A lost address moves its own URLs only.
        #[test]
        fn a_lost_address_moves_only_its_own_share(count in 2usize..12, lost in any::<usize>(), path in "/[a-z]{1,8}") {
            let all = candidates(&vec![0; count]);
            let affinity = Affinity::of("h", &path);
            let before = all[Balance::Hash.choose(&all, 0, affinity, |_| 0).unwrap()];
            let lost = all[lost % count];
            let left: Vec<_> = all.iter().copied().filter(|one| *one != lost).collect();
            let after = left[Balance::Hash.choose(&left, 0, affinity, |_| 0).unwrap()];
            prop_assert!(before == lost || after == before);
        }
    }
}
