//! What is known of the addresses of one upstream. Pure but for the random number: times are given.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rand::Rng as _;
use tokio::time::Instant;

use super::balance::{Affinity, Balance, Candidate};
use super::ejection::{Ejection, Record, may_eject};
use super::health::{Health, HealthCheck};
use super::retry_budget::RetryBudget;

/// The addresses and what they share.
#[derive(Clone, Debug)]
pub(super) struct State {
    /// In the order of the configuration.
    pub(super) entries: Vec<Entry>,
    pub(super) budget: RetryBudget,
    turn: usize,
    /// Whether it was said that no address is available.
    panicking: bool,
    /// Retries that were made, and those for which the budget did not suffice.
    pub(super) retries: Counted,
}

/// One address.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) address: SocketAddr,
    pub(super) health: Health,
    pub(super) record: Record,
    /// Shared with the requests that are under way.
    pub(super) in_flight: Arc<AtomicUsize>,
    /// How often it was ejected.
    pub(super) ejections: u64,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counted {
    pub(super) made: u64,
    pub(super) refused: u64,
}

/// Which addresses may be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Among {
    /// Those that are healthy and not ejected.
    Available,
    /// The others too, where none of these is left.
    All,
}

// === impl State ===

impl State {
    /// `turn` is where the round begins; edges that start together should not all begin with the same address.
    pub(super) fn new(addresses: &[SocketAddr], turn: usize, now: Instant) -> Self {
        let mut state = Self {
            entries: Vec::new(),
            budget: RetryBudget::new(now),
            turn,
            panicking: false,
            retries: Counted::default(),
        };
        state.keep(addresses);
        state
    }

    /// Keeps what is known of these addresses, drops the others, adds those that are new.
    pub(super) fn keep(&mut self, addresses: &[SocketAddr]) {
        self.entries = addresses
            .iter()
            .map(|&address| self.entry(address).cloned().unwrap_or_else(|| Entry::new(address)))
            .collect();
    }

    pub(super) fn entry(&mut self, address: SocketAddr) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.address == address)
    }

    /// The address to ask next, and its count of requests under way, which this one is added to.
    pub(super) fn choose(
        &mut self,
        balance: Balance,
        affinity: Affinity,
        tried: &[SocketAddr],
        among: Among,
        now: Instant,
    ) -> Option<(SocketAddr, Arc<AtomicUsize>)> {
        let untried = || self.entries.iter().filter(|entry| !tried.contains(&entry.address));
        let mut left: Vec<&Entry> = untried().filter(|entry| entry.is_available(now)).collect();
        if left.is_empty() && among == Among::All {
            left = untried().collect();
        }
        let candidates: Vec<Candidate> = left.iter().map(|entry| entry.candidate()).collect();
        let below = |bound: usize| rand::rng().random_range(0..bound.max(1));
        let entry = left.get(balance.choose(&candidates, self.turn, affinity, below)?)?;
        entry.in_flight.fetch_add(1, Ordering::Relaxed);
        let chosen = (entry.address, entry.in_flight.clone());
        // A request's further tries take no turn, or a failing address would be passed over unevenly.
        self.turn = self.turn.wrapping_add(usize::from(tried.is_empty()));
        Some(chosen)
    }

    /// Whether there is an untried address that is available, or any at all.
    pub(super) fn has_other(&self, tried: &[SocketAddr], among: Among, now: Instant) -> bool {
        let counts = |entry: &&Entry| among == Among::All || entry.is_available(now);
        self.entries.iter().filter(counts).any(|entry| !tried.contains(&entry.address))
    }

    /// A request to the address succeeded; true where that ended an ejection.
    pub(super) fn succeeded(&mut self, address: SocketAddr, now: Instant) -> bool {
        self.entry(address).is_some_and(|entry| entry.record.succeeded(now))
    }

    /// A request to the address failed; says for how long it is ejected, where this ejects it.
    pub(super) fn failed(&mut self, address: SocketAddr, ejection: &Ejection, now: Instant) -> Option<Duration> {
        let ejected = self.entries.iter().filter(|entry| entry.record.ejected_for(now).is_some()).count();
        let may = may_eject(ejected, self.entries.len());
        let entry = self.entry(address)?;
        let lasts = entry.record.failed(ejection, now, may)?;
        entry.ejections += 1;
        Some(lasts)
    }

    /// A check of the address was good or bad; true where that changed its health.
    pub(super) fn checked(&mut self, address: SocketAddr, good: bool, check: &HealthCheck) -> bool {
        self.entry(address).is_some_and(|entry| entry.health.checked(good, check))
    }

    /// Nobody checks any more: all are believed healthy.
    pub(super) fn believe_healthy(&mut self) {
        for entry in &mut self.entries {
            entry.health = Health::default();
        }
    }

    /// Whether there are addresses, and all of them are unhealthy or ejected.
    pub(super) fn panics(&self, now: Instant) -> bool {
        !self.entries.is_empty() && !self.entries.iter().any(|entry| entry.is_available(now))
    }

    /// What [`State::panics`] says, where it is another than at the last call.
    pub(super) fn panic_changed(&mut self, now: Instant) -> Option<bool> {
        let panics = self.panics(now);
        (std::mem::replace(&mut self.panicking, panics) != panics).then_some(panics)
    }
}

// === impl Entry ===

impl Entry {
    fn new(address: SocketAddr) -> Self {
        Self { address, health: Health::default(), record: Record::default(), in_flight: Arc::default(), ejections: 0 }
    }

    fn is_available(&self, now: Instant) -> bool {
        self.health.is_healthy() && self.record.ejected_for(now).is_none()
    }

    fn candidate(&self) -> Candidate {
        Candidate { address: self.address, in_flight: self.in_flight.load(Ordering::Relaxed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EJECTION: Ejection = Ejection { after: 1, duration: Duration::from_secs(10) };
    const AFFINITY: fn() -> Affinity = || Affinity::of("h", "/");

    fn check() -> HealthCheck {
        HealthCheck {
            path: "/".into(),
            every: HealthCheck::EVERY,
            timeout: HealthCheck::TIMEOUT,
            healthy_after: 1,
            unhealthy_after: 1,
        }
    }

    fn addresses(count: u16) -> Vec<SocketAddr> {
        (1..=count).map(|port| SocketAddr::from(([127, 0, 0, 1], port))).collect()
    }

    /// The ports of all that one request would try, in its order.
    fn tries(state: &mut State, among: Among, now: Instant) -> Vec<u16> {
        let mut tried = Vec::new();
        while let Some((address, in_flight)) = state.choose(Balance::RoundRobin, AFFINITY(), &tried, among, now) {
            in_flight.fetch_sub(1, Ordering::Relaxed);
            tried.push(address);
        }
        tried.iter().map(SocketAddr::port).collect()
    }

    #[test]
    fn what_is_unhealthy_or_ejected_is_asked_last_and_counts_again_in_panic() {
        let now = Instant::now();
        let all = addresses(4);
        let mut state = State::new(&all, 0, now);
        assert_eq!(tries(&mut state, Among::Available, now).len(), 4);
        assert_eq!(state.failed(all[0], &EJECTION, now), Some(EJECTION.duration));
        assert!(state.checked(all[1], false, &check()));
        for _ in 0..4 {
            let mut available = tries(&mut state, Among::Available, now);
            let all = tries(&mut state, Among::All, now);
            assert!(all[..2].iter().all(|port| [3, 4].contains(port)) && all.len() == 4, "{all:?}");
            available.sort_unstable();
            assert_eq!(available, [3, 4]);
        }
        assert_eq!(state.panic_changed(now), None);
        assert!(state.checked(all[2], false, &check()));
        assert_eq!(state.failed(all[3], &EJECTION, now), Some(EJECTION.duration));
        assert_eq!((state.panics(now), state.panic_changed(now), state.panic_changed(now)), (true, Some(true), None));
        assert_eq!(tries(&mut state, Among::Available, now), [] as [u16; 0]);
        assert_eq!(tries(&mut state, Among::All, now).len(), 4);
        // A success ends an ejection, and the clock does.
        assert!(state.succeeded(all[3], now));
        assert_eq!(state.panic_changed(now), Some(false));
        assert_eq!(tries(&mut state, Among::Available, now + EJECTION.duration).len(), 2);
    }

    #[test]
    fn one_that_is_alone_is_never_ejected() {
        let now = Instant::now();
        let all = addresses(1);
        let mut state = State::new(&all, 0, now);
        assert!((0..20).all(|_| state.failed(all[0], &EJECTION, now).is_none()));
        assert_eq!(tries(&mut state, Among::Available, now), [1]);
    }

    #[test]
    fn further_tries_take_no_turn() {
        let now = Instant::now();
        let mut state = State::new(&addresses(3), 0, now);
        let firsts: Vec<u16> = (0..6).map(|_| tries(&mut state, Among::All, now)[0]).collect();
        assert_eq!(firsts, [1, 2, 3, 1, 2, 3]);
    }

    #[test]
    fn an_address_that_stays_keeps_what_is_known_of_it() {
        let now = Instant::now();
        let mut state = State::new(&addresses(3), 0, now);
        let [one, two, _] = addresses(3)[..] else { unreachable!() };
        state.checked(one, false, &check());
        state.checked(two, false, &check());
        state.keep(&addresses(1));
        state.keep(&addresses(2));
        assert!(!state.entry(one).unwrap().health.is_healthy());
        assert!(state.entry(two).unwrap().health.is_healthy(), "what was gone begins anew");
        state.believe_healthy();
        assert!(state.entry(one).unwrap().health.is_healthy());
    }
}
