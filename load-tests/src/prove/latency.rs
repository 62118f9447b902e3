//! How long an acknowledgement takes: of a healthy shop under a steady rate of writes, and with an edge that has died.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde::Serialize;
use serde_json::json;
use tokio::task::JoinSet;

use super::chaos::look;
use super::error::ProveError;
use super::history::Reply;
use super::setup;
use super::shop::Shop;
use super::writer::{Admin, Answered};

/// Writes a second.
const RATE: u32 = 200;
/// Products that are written in turns.
const PRODUCTS: u32 = 50;
const WARM_UP: Duration = Duration::from_secs(3);
/// What the ninety-ninth of a hundred may take, from commit to acknowledgement.
const P99: Duration = Duration::from_millis(10);
/// A lease, its drift, and what a write takes besides.
const DEAD_EDGE: Duration = Duration::from_secs(3 + 2 + 1);
/// Once the dead edge counts as gone.
const AFTERWARDS: Duration = Duration::from_secs(1);

/// What was measured.
#[derive(Debug, Default, Serialize)]
pub(super) struct Latency {
    /// Writes that were acknowledged.
    pub(super) writes: usize,
    /// From sending to the reply, in milliseconds: p50, p95, p99, longest.
    pub(super) wall_ms: [f64; 4],
    /// From commit to acknowledgement, as the replies have it, in milliseconds: p50, p95, p99, longest.
    pub(super) committed_ms: [f64; 4],
    /// Writes that had to wait for somebody's lease to run out.
    pub(super) lapsed: usize,
    /// Of a hundred, those within 10 ms by the origins' histogram.
    pub(super) within: f64,
    /// The longest wait for an acknowledgement after an edge was killed, in milliseconds, and the last.
    pub(super) dead_edge_ms: [f64; 2],
    /// `Vitrine-Ack` of the write that waited longest.
    pub(super) waited_for: String,
    /// What is not as it must be.
    pub(super) missed: Vec<String>,
}

/// Measures.
pub(super) async fn measure(shop: &mut Shop, admin: &Admin, time: Duration) -> Result<Latency, ProveError> {
    let products = Arc::new(setup::products_to_write(shop, PRODUCTS).await?);
    let mut latency = Latency::default();
    rate(admin, &products, WARM_UP).await;
    let before = Histogram::read(shop).await;
    let took = rate(admin, &products, time).await;
    let after = Histogram::read(shop).await;
    latency.writes = took.len();
    latency.lapsed = took.iter().filter(|steady| steady.lapsed).count();
    let mut wall: Vec<Duration> = took.iter().map(|steady| steady.wall).collect();
    let mut waited: Vec<Duration> = took.iter().map(|steady| steady.waited).collect();
    latency.wall_ms = quantiles(&mut wall);
    latency.committed_ms = quantiles(&mut waited);
    latency.within = after.since(&before).within(P99.as_secs_f64()) * 100.0;
    let wanted = time.as_secs() * u64::from(RATE) * 9 / 10;
    if (latency.writes as u64) < wanted {
        latency.missed.push(format!("{} writes were acknowledged, not {wanted}", latency.writes));
    }
    let [.., p99, _] = latency.committed_ms;
    if p99 > millis(P99) || latency.within < 99.0 {
        let what =
            format!("p99 of commit to acknowledgement: {p99} ms, {:.2} % within 10 ms, not 99 %", latency.within);
        latency.missed.push(what);
    }
    dead_edge(shop, admin, &products, &mut latency).await?;
    Ok(latency)
}

/// A write that was acknowledged.
struct Steady {
    /// From sending to the reply.
    wall: Duration,
    /// From commit to acknowledgement.
    waited: Duration,
    /// Whether a lease had to run out for it.
    lapsed: bool,
}

/// Writes at the rate, whatever the replies take.
async fn rate(admin: &Admin, products: &Arc<Vec<String>>, time: Duration) -> Vec<Steady> {
    let mut writes = JoinSet::new();
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / RATE);
    let start = Instant::now();
    let mut number = 0_usize;
    while start.elapsed() < time {
        ticks.tick().await;
        number += 1;
        let (admin, products) = (admin.clone(), products.clone());
        writes.spawn(async move { write(&admin, &products, number, number % 2).await });
    }
    let mut took = Vec::new();
    while let Some(done) = writes.join_next().await {
        if let Ok((time, answered)) = done
            && answered.reply() == Reply::Acked
            && let Answered::Done(ack, _) = answered
        {
            took.push(Steady { wall: time, waited: waited(&ack), lapsed: ack.contains("lapsed=") });
        }
    }
    took
}

async fn write(admin: &Admin, products: &[String], number: usize, way: usize) -> (Duration, Answered) {
    let path = format!("/admin/products/{}", products[number % products.len()]);
    let start = Instant::now();
    let body = json!({ "title": format!("rate {number}") });
    let answered = admin.send(way, Method::POST, &path, Some(&body), true).await;
    (start.elapsed(), answered)
}

/// `waited_ms` of a reply.
fn waited(ack: &str) -> Duration {
    let millis: Option<f64> = ack.split(';').find_map(|part| part.trim().strip_prefix("waited_ms=")?.parse().ok());
    millis.map_or(Duration::MAX, |millis| Duration::from_secs_f64(millis.max(0.0) / 1_000.0))
}

/// One edge dies: acknowledgements wait for the end of its lease, and no longer.
async fn dead_edge(
    shop: &mut Shop,
    admin: &Admin,
    products: &[String],
    latency: &mut Latency,
) -> Result<(), ProveError> {
    let last = shop.edges.len() - 1;
    shop.edges[last].service.stop_hard();
    let start = Instant::now();
    let mut longest = Duration::ZERO;
    let mut newest = Duration::ZERO;
    let mut number = 1_000_000;
    while start.elapsed() < DEAD_EDGE + AFTERWARDS {
        number += 1;
        let (took, answered) = write(admin, products, number, number % 2).await;
        let Answered::Done(ack, _) = &answered else {
            latency.missed.push(format!("with a dead edge a write was not answered: {answered:?}"));
            break;
        };
        if took > longest {
            (longest, latency.waited_for) = (took, ack.clone());
        }
        newest = took;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    latency.dead_edge_ms = [millis(longest), millis(newest)];
    if longest > DEAD_EDGE || newest > AFTERWARDS {
        let what = format!("with a dead edge the longest acknowledgement took {longest:?}, the last {newest:?}");
        latency.missed.push(what);
    }
    if !latency.waited_for.contains(&shop.edges[last].node.to_string()) {
        let what = format!("the reply does not say that edge-{last} was waited for: {:?}", latency.waited_for);
        latency.missed.push(what);
    }
    Ok(shop.edges[last].service.restart().await?)
}

/// The origins' histogram of acknowledgements, summed.
#[derive(Debug, Default, Clone)]
struct Histogram {
    /// Upper bound in seconds, and how many were within it.
    buckets: Vec<(f64, f64)>,
}

impl Histogram {
    async fn read(shop: &Shop) -> Self {
        let mut sum = Self::default();
        for origin in &shop.origins {
            let text = look::get(&format!("http://{}/metrics", origin.inner), "").await.unwrap_or_default();
            sum.add(&text);
        }
        sum
    }

    fn add(&mut self, text: &str) {
        for line in text.lines().filter(|line| line.contains("acknowledged_seconds_bucket{")) {
            let bound = line.split("le=\"").nth(1).and_then(|rest| rest.split('"').next());
            let bound = bound.map(|bound| if bound == "+Inf" { f64::INFINITY } else { bound.parse().unwrap_or(0.0) });
            let count = line.rsplit(' ').next().and_then(|count| count.parse().ok());
            let (Some(bound), Some(count)) = (bound, count) else { continue };
            match self.buckets.iter_mut().find(|(known, _)| known.total_cmp(&bound).is_eq()) {
                Some((_, sum)) => *sum += count,
                None => self.buckets.push((bound, count)),
            }
        }
    }

    fn since(&self, before: &Self) -> Self {
        let earlier = |bound: f64| {
            before.buckets.iter().find(|(known, _)| known.total_cmp(&bound).is_eq()).map_or(0.0, |(_, count)| *count)
        };
        Self { buckets: self.buckets.iter().map(|(bound, count)| (*bound, count - earlier(*bound))).collect() }
    }

    fn all(&self) -> f64 {
        self.buckets.iter().map(|(_, count)| *count).fold(0.0, f64::max)
    }

    /// The share that was within a bound.
    fn within(&self, bound: f64) -> f64 {
        let counts = self.buckets.iter().filter(|(known, _)| *known <= bound + 1e-9).map(|(_, count)| *count);
        counts.fold(0.0, f64::max) / self.all().max(1.0)
    }
}

fn quantiles(times: &mut [Duration]) -> [f64; 4] {
    times.sort_unstable();
    [0.5, 0.95, 0.99, 1.0].map(|share| millis(quantile(times, share)))
}

fn quantile(sorted: &[Duration], share: f64) -> Duration {
    let last = sorted.len().saturating_sub(1);
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place")]
    let place = (last as f64 * share).round() as usize;
    sorted.get(place).copied().unwrap_or_default()
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_is_summed_and_told_by_its_buckets() {
        let text = "x_acknowledged_seconds_bucket{le=\"0.005\"} 50\nx_acknowledged_seconds_bucket{le=\"0.01\"} 98\n\
            x_acknowledged_seconds_bucket{le=\"+Inf\"} 100\nother_bucket{le=\"1\"} 7";
        let mut histogram = Histogram::default();
        histogram.add(text);
        let before = histogram.clone();
        histogram.add(text);
        histogram.add(text);
        let since = histogram.since(&before);
        assert!((since.all() - 200.0).abs() < 1e-9 && (since.within(0.01) - 0.98).abs() < 1e-9);
        assert_eq!(waited("acked;epoch=\"1.4\";members=5;waited_ms=7.5"), Duration::from_micros(7_500));
    }
}
