//! After a fault: every edge must be connected again, new writes acknowledged and seen, and hits served, within a bound.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;

use super::super::cast::Probe;
use super::super::history::{History, Reply};
use super::super::judge::is_hit;
use super::super::shop::Shop;
use super::super::violations::Violations;
use super::super::writer::Admin;
use super::look;

/// From the end of a fault. The end of a lease and its drift, twice, and the time that TCP may take to try again after packets
/// were lost.
pub(in crate::prove) const BOUND: Duration = Duration::from_secs(20);
/// A run whose shop does not come back at all is given up.
const HOPELESS: Duration = Duration::from_secs(90);
const PAUSE: Duration = Duration::from_millis(100);
const LIMIT: Duration = Duration::from_secs(8);

/// Checks the shop after faults.
pub(in crate::prove) struct Recovery<'a> {
    pub(in crate::prove) probe: &'a Probe,
    pub(in crate::prove) admin: &'a Admin,
    pub(in crate::prove) history: &'a History,
    pub(in crate::prove) violations: &'a Violations,
    pub(in crate::prove) client: reqwest::Client,
    pub(in crate::prove) round: u64,
}

impl Recovery<'_> {
    /// Waits until the shop is well. Tells how long that took; `None` where it does not become well.
    pub(in crate::prove) async fn check(&mut self, shop: &Shop, after: &str) -> Option<Duration> {
        let start = Instant::now();
        let mut told = false;
        loop {
            let Some(ill) = self.ill(shop).await else { return Some(start.elapsed()) };
            if start.elapsed() > BOUND && !told {
                told = true;
                let what = format!("{} s after the end of {after}: {ill}", BOUND.as_secs());
                self.violations.found(self.history.now(), &what);
            }
            if start.elapsed() > HOPELESS {
                return None;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// What is not well.
    async fn ill(&mut self, shop: &Shop) -> Option<String> {
        for edge in 0..shop.edges.len() {
            let status = look::status(shop, edge).await;
            if !status.as_ref().is_some_and(|status| status["connected"] == true) {
                let told = status.map_or("it does not answer".to_owned(), |status| {
                    format!("applied {} floor {} feed {}", status["applied"], status["floor"], status["feed"])
                });
                return Some(format!("edge-{edge} stays cut off: {told}"));
            }
        }
        for way in 0..shop.origins.len() {
            self.round += 1;
            let title = format!("probe-{}.", self.round);
            // All that is committed before the probe is sent is acknowledged with it.
            let committed = self.history.committed();
            let path = format!("/admin/products/{}", self.probe.product);
            let body = json!({ "title": title });
            let sent = self.admin.send(way, Method::POST, &path, Some(&body), true);
            let answered = tokio::time::timeout(LIMIT, sent).await.ok();
            if answered.as_ref().map(super::super::writer::Answered::reply) != Some(Reply::Acked) {
                return Some(format!("a write through origin-{way} is not acknowledged: {answered:?}"));
            }
            self.history.acknowledge_committed(&committed);
            for edge in 0..shop.edges.len() {
                if let Some(ill) = self.read(shop, edge, &title).await {
                    return Some(ill);
                }
            }
        }
        None
    }

    /// Reads the probe at an edge: never anything older, and a hit soon.
    async fn read(&self, shop: &Shop, edge: usize, title: &str) -> Option<String> {
        let url = format!("http://{}{}", shop.edges[edge].listen, self.probe.path);
        let mut last = String::new();
        for _ in 0..4 {
            let request = self.client.get(&url).header("x-publishable-api-key", &shop.secrets.publishable_key);
            let Ok(response) = request.timeout(LIMIT).send().await else {
                return Some(format!("edge-{edge} does not answer"));
            };
            let (status, headers) = (response.status(), response.headers().clone());
            let cache_status = headers.get("cache-status").map(http::HeaderValue::as_bytes).unwrap_or_default();
            last = format!("{status} {}", String::from_utf8_lossy(cache_status));
            if status != http::StatusCode::OK || last.contains("serve_for") {
                return Some(format!("edge-{edge} answers {last}"));
            }
            let hit = is_hit(cache_status);
            let body = response.text().await.unwrap_or_default();
            if !body.contains(title) {
                let what = format!("edge-{edge} misses {title} after its acknowledgement: {last} {headers:?} {body}");
                self.violations.found(self.history.now(), &what);
                return Some(what);
            }
            if hit {
                return None;
            }
        }
        Some(format!("edge-{edge} serves no hits: {last}"))
    }
}
