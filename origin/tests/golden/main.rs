//! Medusa's own answers, replayed: the demo shop with the ids of the samples, the real router, every request as it was sent.
//!
//! Status, headers, keys, types and values are compared. Times are compared in form only, since the shop is made when the
//! test runs. What differs on purpose is listed in `differences`, each with its reason, and a listed difference that no
//! longer occurs fails the test too.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so by panicking")]

mod compare;
mod differences;
mod ids;
mod samples;
mod shop;

use compare::{Comparison, compare};
use differences::{DIFFERENCES, UNORDERED};
use samples::Sample;
use shop::Shop;

#[tokio::test]
async fn every_sample_is_answered_as_medusa_answers_it() {
    let samples = samples::load();
    let shop = Shop::start(&samples).await;
    let mut comparison = Comparison::default();
    for sample in samples.iter().filter(|sample| sample.is_replayed()) {
        check(&shop, sample, &mut comparison).await;
    }
    assert!(comparison.unlisted.is_empty(), "differences that are not listed: {:#?}", comparison.unlisted);
    for (index, difference) in DIFFERENCES.iter().enumerate() {
        assert!(comparison.used.contains(&index), "no longer differs: {} {}", difference.sample, difference.path);
    }
    for (index, unordered) in UNORDERED.iter().enumerate() {
        assert!(comparison.reordered.contains(&index), "is in Medusa's order after all: {}", unordered.path);
    }
}

async fn check(shop: &Shop, sample: &Sample, comparison: &mut Comparison) {
    let response = shop.replay(sample).await;
    let status = response.status().as_u16();
    if status != sample.status {
        comparison.tell(&sample.name, "status", &format!("{status} and not {}", sample.status));
    }
    for (name, expected) in &sample.headers {
        let found = response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        let alike = found.eq_ignore_ascii_case(expected);
        if !alike {
            comparison.tell(&sample.name, name, &format!("{found:?} and not {expected:?}"));
        }
    }
    let text = response.text().await.unwrap();
    let body = serde_json::from_str(&text).unwrap_or(serde_json::Value::String(text));
    compare(&sample.number(), "", &sample.body, &body, comparison);
}
