//! What is asked next: a plan by its share, and one of its targets by chance.

use std::fmt::Write as _;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::super::cast::{Plan, Target};
use super::Reading;

/// Shares of all requests.
pub(in crate::prove) struct Share;

impl Share {
    /// By HTTP/1.1; the rest is HTTP/2.
    pub(in crate::prove) const H1: f64 = 0.9;
    pub(in crate::prove) const H2: f64 = 0.1;
}

/// Of a hundred requests by HTTP/1.1.
const PLANS: [(Plan, u32); 6] = [
    (Plan::Plain, 46),
    (Plan::Vary, 13),
    (Plan::List, 7),
    (Plan::Coming, 14),
    (Plan::Media, 8),
    (Plan::Conditional, 12),
];

/// Host of all requests; no address, so that all edges are asked the same.
const HOST: &str = "prove.test";

/// All requests, ready to be sent.
pub(super) struct Requests {
    /// Each without the empty line at its end.
    texts: Vec<Vec<u8>>,
    plans: Vec<Plan>,
    by_plan: Vec<(u32, Vec<usize>)>,
    random: StdRng,
}

impl Requests {
    pub(super) fn new(reading: &Reading, targets: &[Target]) -> Self {
        let of = |plan| targets.iter().enumerate().filter(move |(_, target)| target.plan == plan);
        let by_plan = PLANS.iter().map(|(plan, share)| (*share, of(*plan).map(|(index, _)| index).collect()));
        Self {
            texts: targets.iter().map(|target| text(target, &reading.key)).collect(),
            plans: targets.iter().map(|target| target.plan).collect(),
            by_plan: by_plan.filter(|(_, targets): &(u32, Vec<usize>)| !targets.is_empty()).collect(),
            random: StdRng::seed_from_u64(reading.seed),
        }
    }

    /// The next target.
    pub(super) fn choose(&mut self) -> usize {
        let all: u32 = self.by_plan.iter().map(|(share, _)| share).sum();
        let mut left = self.random.random_range(0..all.max(1));
        for (share, targets) in &self.by_plan {
            if left < *share {
                return targets[self.random.random_range(0..targets.len())];
            }
            left -= share;
        }
        0
    }

    pub(super) fn is_conditional(&self, target: usize) -> bool {
        self.plans[target] == Plan::Conditional
    }

    pub(super) fn write(&self, target: usize, condition: Option<&[u8]>, into: &mut Vec<u8>) {
        into.extend_from_slice(&self.texts[target]);
        if let Some(tag) = condition {
            into.extend_from_slice(b"If-None-Match: ");
            into.extend_from_slice(tag);
            into.extend_from_slice(b"\r\n");
        }
        into.extend_from_slice(b"\r\n");
    }
}

fn text(target: &Target, key: &str) -> Vec<u8> {
    let mut text = format!("GET {} HTTP/1.1\r\nHost: {HOST}\r\n", target.path);
    for (name, value) in fields(target, key) {
        let _ = write!(text, "{name}: {value}\r\n");
    }
    text.into_bytes()
}

/// The request's fields.
pub(super) fn fields<'a>(target: &'a Target, key: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
    let key = target.path.starts_with("/store").then_some(("x-publishable-api-key", key));
    key.into_iter().chain(target.headers.iter().copied())
}

/// The address of a target, for HTTP/2.
pub(super) fn uri(target: &Target) -> String {
    format!("http://{HOST}{}", target.path)
}
