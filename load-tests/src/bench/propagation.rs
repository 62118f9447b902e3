//! How long a write takes to reach the edges, as visitors and merchants see it.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::shop::BenchShop;
use super::{BenchError, Summary};

const LIMIT: Duration = Duration::from_secs(30);

/// Milliseconds, all of them.
#[derive(Debug, Serialize)]
pub(super) struct Propagation {
    /// A write that does not wait: request to reply.
    write: Summary,
    /// From that reply until a visitor at an edge reads the new title; each edge counts.
    reply_to_visible: Summary,
    /// A write with `?wait=acked`: request to reply.
    write_acked: Summary,
    /// Reads that began after an acknowledgement and showed something older. The target is 0.
    pub(super) stale_after_ack: u64,
}

pub(super) async fn measure(shop: &BenchShop, writes: u32) -> Result<Propagation, BenchError> {
    let id = shop.product("product-11").await?;
    let path = format!("/store/products/{id}?fields=id,title");
    let mut write = Vec::new();
    let mut visible = Vec::new();
    for number in 0..writes {
        warm(shop, &path).await?;
        let title = format!("Plain {number}.");
        let start = Instant::now();
        shop.rename(&id, &title, "").await?;
        write.push(millis(start));
        let replied = Instant::now();
        let edges = shop.edges.iter().map(|edge| until_visible(shop, edge.url(), &path, &title, replied));
        visible.extend(futures_util::future::try_join_all(edges).await?);
    }
    let mut acked = Vec::new();
    let mut stale_after_ack = 0;
    for number in 0..writes {
        warm(shop, &path).await?;
        let title = format!("Acknowledged {number}.");
        let start = Instant::now();
        let ack = shop.rename(&id, &title, "?wait=acked").await?;
        acked.push(millis(start));
        if !ack.starts_with("acked") {
            return Err(BenchError::Answer(format!("`{ack}` instead of an acknowledgement")));
        }
        for edge in &shop.edges {
            stale_after_ack += u64::from(!shop.get(&edge.url(), &path).await?.contains(&title));
        }
    }
    Ok(Propagation {
        write: Summary::of(write),
        reply_to_visible: Summary::of(visible),
        write_acked: Summary::of(acked),
        stale_after_ack,
    })
}

impl Propagation {
    pub(super) fn print(&self) {
        println!("\n{:<44} {:>9} {:>9} {:>9} {:>9}", "A write's way", "p50", "p95", "p99", "max");
        self.write.print("write, request to reply", "ms");
        self.reply_to_visible.print("  its reply to visible at an edge", "ms");
        self.write_acked.print("write with ?wait=acked, request to reply", "ms");
        println!("reads older than an acknowledged write: {}", self.stale_after_ack);
    }
}

async fn warm(shop: &BenchShop, path: &str) -> Result<(), BenchError> {
    for edge in &shop.edges {
        shop.get(&edge.url(), path).await?;
        shop.get(&edge.url(), path).await?;
    }
    Ok(())
}

async fn until_visible(
    shop: &BenchShop,
    edge: String,
    path: &str,
    title: &str,
    since: Instant,
) -> Result<f64, BenchError> {
    while since.elapsed() < LIMIT {
        if shop.get(&edge, path).await?.contains(title) {
            return Ok(millis(since));
        }
    }
    Err(BenchError::Invisible(title.to_owned()))
}

fn millis(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1_000.0
}
