//! The import itself.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::BenchError;
use crate::bench::shop::{BenchShop, Product};

/// Updates under way at once.
const AT_ONCE: usize = 32;

/// What an importer asks for of each product that it has updated: it knows the rest.
const ANSWER: &str = "?fields=id";

/// Updates each product once, evenly over `time`; how many were updated.
pub(super) async fn over_the_api(
    shop: &Arc<BenchShop>,
    products: &[Product],
    time: Duration,
) -> Result<usize, BenchError> {
    let count = u32::try_from(products.len()).unwrap_or(u32::MAX).max(1);
    let mut ticks = tokio::time::interval(time / count);
    let mut updates = JoinSet::new();
    let mut done = 0;
    for (number, product) in products.iter().enumerate() {
        ticks.tick().await;
        while updates.len() >= AT_ONCE {
            done += finished(updates.join_next().await)?;
        }
        let (shop, id) = (shop.clone(), product.id.clone());
        updates.spawn(async move { shop.rename(&id, &format!("Imported {number}"), ANSWER).await });
    }
    while !updates.is_empty() {
        done += finished(updates.join_next().await)?;
    }
    Ok(done)
}

fn finished(ended: Option<Result<Result<String, BenchError>, tokio::task::JoinError>>) -> Result<usize, BenchError> {
    match ended {
        Some(Ok(Ok(_))) => Ok(1),
        Some(Ok(Err(error))) => Err(error),
        Some(Err(error)) => Err(BenchError::Answer(error.to_string())),
        None => Ok(0),
    }
}

/// Updates all products by one statement; milliseconds that it took.
pub(super) async fn by_sql(shop: &BenchShop, products: &[Product]) -> Result<f64, BenchError> {
    let ids: Vec<&str> = products.iter().map(|product| product.id.as_str()).collect();
    let start = Instant::now();
    shop.execute("UPDATE product SET subtitle = 'imported' WHERE id = ANY($1)", &ids).await?;
    Ok(millis(start))
}

/// Milliseconds until one more update, and so all before it, is acknowledged.
pub(super) async fn acknowledged(shop: &BenchShop, products: &[Product]) -> Result<f64, BenchError> {
    let start = Instant::now();
    let Some(last) = products.last() else { return Ok(0.0) };
    let ack = shop.rename(&last.id, "Imported last", "?wait=acked").await?;
    if !ack.starts_with("acked") {
        return Err(BenchError::Answer(format!("`{ack}` instead of an acknowledgement")));
    }
    Ok(millis(start))
}

fn millis(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1_000.0
}
