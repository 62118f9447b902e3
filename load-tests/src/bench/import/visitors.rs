//! Visitors that read products' pages all the time, through all edges in turns.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, TryStreamExt as _};
use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde::Serialize;
use tokio::task::JoinSet;

use super::{STALL, Summary};
use crate::bench::BenchError;
use crate::bench::shop::{BenchShop, Product};
use crate::zipf::Zipf;

/// Visitors.
const VISITORS: u32 = 16;
/// Fills at once before the measurement.
const FILLING: usize = 16;
/// How few products are read how often.
const EXPONENT: f64 = 0.8;
/// Of a hundred reads, those of products that the import updates.
const TOUCHED: u32 = 20;

/// What visitors found while something went on.
#[derive(Debug, Serialize)]
pub(super) struct Reads {
    pub(super) phase: &'static str,
    pub(super) count: usize,
    pub(super) failed: usize,
    /// Reads that took longer than [`STALL`].
    pub(super) stalled: usize,
    /// Hits of a hundred reads of untouched products' pages.
    pub(super) untouched_hits: f64,
    pub(super) touched_hits: f64,
    pub(super) untouched_ms: Summary,
    pub(super) touched_ms: Summary,
}

/// One after another.
#[derive(Debug, Default)]
pub(super) struct Phase {
    untouched: Kind,
    touched: Kind,
    failed: usize,
}

#[derive(Debug, Default)]
struct Kind {
    hits: usize,
    ms: Vec<f64>,
}

/// Visitors that read until they are stopped.
pub(super) struct Visitors {
    phase: Arc<Mutex<Phase>>,
    stop: Arc<AtomicBool>,
    tasks: JoinSet<()>,
}

struct Pages {
    untouched: Vec<String>,
    touched: Vec<String>,
    popular: [Zipf; 2],
}

// === impl Visitors ===

impl Visitors {
    /// Reads every untouched page once through each edge, and then sends the visitors.
    pub(super) async fn start(
        shop: &Arc<BenchShop>,
        untouched: &[Product],
        touched: &[Product],
        rate: u32,
    ) -> Result<Self, BenchError> {
        let pages = Arc::new(Pages::new(untouched, touched));
        for edge in &shop.edges {
            let base = edge.url();
            let fills = pages.untouched.iter().map(|path| shop.get(&base, path));
            futures_util::stream::iter(fills).buffer_unordered(FILLING).try_for_each(async |_| Ok(())).await?;
        }
        let (phase, stop) = (Arc::new(Mutex::new(Phase::default())), Arc::new(AtomicBool::new(false)));
        let mut tasks = JoinSet::new();
        for visitor in 0..VISITORS {
            let (shop, pages) = (shop.clone(), pages.clone());
            let (phase, stop) = (phase.clone(), stop.clone());
            let every = Duration::from_secs(1) * VISITORS / rate.max(1);
            tasks.spawn(async move { visit(&shop, &pages, &phase, &stop, every, visitor.into()).await });
        }
        Ok(Self { phase, stop, tasks })
    }

    /// What visitors find while something goes on.
    pub(super) async fn during<T>(&self, phase: &'static str, work: impl Future<Output = T>) -> (Reads, T) {
        *self.phase.lock() = Phase::default();
        let done = work.await;
        let found = std::mem::take(&mut *self.phase.lock());
        (found.told(phase), done)
    }

    pub(super) async fn stop(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        while self.tasks.join_next().await.is_some() {}
    }
}

async fn visit(shop: &BenchShop, pages: &Pages, phase: &Mutex<Phase>, stop: &AtomicBool, every: Duration, seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let mut ticks = tokio::time::interval(every);
    // A read that was late is not made up for: it would count the same stall again.
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut turn = usize::try_from(seed).unwrap_or_default();
    while !stop.load(Ordering::Relaxed) {
        ticks.tick().await;
        turn = turn.wrapping_add(1);
        let Some(edge) = turn.checked_rem(shop.edges.len()).and_then(|index| shop.edges.get(index)) else { return };
        let (touched, path) = pages.pick(&mut random);
        let start = Instant::now();
        let answered = shop.is_hit(&edge.url(), path).await;
        let ms = start.elapsed().as_secs_f64() * 1_000.0;
        phase.lock().note(touched, answered.ok(), ms);
    }
}

impl Pages {
    /// Two pages of each product: by its id, as a link has it, and by its handle, as storefronts ask.
    fn new(untouched: &[Product], touched: &[Product]) -> Self {
        let count = |products: &[Product]| u32::try_from(products.len()).unwrap_or(u32::MAX);
        let popular = [Zipf::new(count(untouched), EXPONENT), Zipf::new(count(touched), EXPONENT)];
        let pages = |products: &[Product]| {
            let paths = products.iter().enumerate();
            paths.map(|(place, product)| if place % 2 == 0 { by_id(product) } else { by_handle(product) }).collect()
        };
        Self { untouched: pages(untouched), touched: pages(touched), popular }
    }

    fn pick(&self, random: &mut StdRng) -> (bool, &str) {
        let touched = random.random_range(0..100) < TOUCHED;
        let pages = if touched { &self.touched } else { &self.untouched };
        let place = self.popular[usize::from(touched)].pick(random) as usize;
        (touched, pages.get(place).map_or("/", String::as_str))
    }
}

fn by_id(product: &Product) -> String {
    format!("/store/products/{}?fields=*variants,*categories,+metadata", product.id)
}

fn by_handle(product: &Product) -> String {
    format!("/store/products?handle={}&fields=*variants,*images", product.handle)
}

// === impl Phase ===

impl Phase {
    fn note(&mut self, touched: bool, hit: Option<bool>, ms: f64) {
        let kind = if touched { &mut self.touched } else { &mut self.untouched };
        kind.ms.push(ms);
        kind.hits += usize::from(hit == Some(true));
        self.failed += usize::from(hit.is_none());
    }

    fn told(self, phase: &'static str) -> Reads {
        let Self { untouched, touched, failed } = self;
        let stall = STALL.as_secs_f64() * 1_000.0;
        Reads {
            phase,
            count: untouched.ms.len() + touched.ms.len(),
            failed,
            stalled: untouched.ms.iter().chain(&touched.ms).filter(|ms| **ms > stall).count(),
            untouched_hits: untouched.share(),
            touched_hits: touched.share(),
            untouched_ms: Summary::of(untouched.ms),
            touched_ms: Summary::of(touched.ms),
        }
    }
}

impl Kind {
    /// Hits of a hundred reads.
    fn share(&self) -> f64 {
        number(self.hits) / number(self.ms.len().max(1)) * 100.0
    }
}

pub(super) fn number(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}
