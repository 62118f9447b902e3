//! That nothing is lost or made up of what many threads count, and what is told of it.

use std::sync::Barrier;

use prometheus::TextEncoder;

use super::*;
use crate::config::testing::load;
use crate::reason::{MissReason, PassReason};

const WORKERS: usize = 4;
const EACH: u64 = 50_000;

fn rules(names: &[&str]) -> Arc<RuleSet> {
    let text = names.iter().fold(String::new(), |text, name| {
        text + &format!("[[rules]]\nname = \"{name}\"\naction = \"pass\"\npaths = [\"/{name}\"]\n")
    });
    load(&text).unwrap().rules
}

/// The lines of a scrape that begin so.
fn scraped(registry: &Registry, begin: &str) -> Vec<String> {
    let text = TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
    text.lines().filter(|line| line.starts_with(begin)).map(str::to_owned).collect()
}

#[test]
fn what_many_threads_count_adds_up() {
    let registry = Registry::new();
    let metrics = RequestMetrics::register(&registry).unwrap();
    let ids = metrics.rules(&rules(&["a", "b"]));
    let start = Barrier::new(2 * WORKERS);
    std::thread::scope(|scope| {
        for worker in 0..WORKERS {
            let (metrics, ids, start) = (&metrics, &ids, &start);
            scope.spawn(move || {
                start.wait();
                for turn in 0..EACH {
                    let begun = metrics.begin_fast(worker);
                    metrics.ended_fast(worker, ids.at(usize::from(turn % 4 == 0)), Outcome::Hit, 2, begun);
                }
            });
            scope.spawn(move || {
                start.wait();
                for _ in 0..EACH {
                    metrics.ended(ids.at(0), Outcome::Miss(MissReason::Uri), Duration::ZERO, 3);
                    metrics.ended(ids.at(9), Outcome::Pass(PassReason::NoRule), Duration::ZERO, 0);
                    metrics.ended(RuleId::NONE, Outcome::Gone, Duration::ZERO, 0);
                }
            });
        }
    });
    let all = WORKERS as u64 * EACH;
    let expected = [
        format!("vitrine_requests_total{{outcome=\"gone\",reason=\"\",rule=\"\"}} {all}"),
        format!("vitrine_requests_total{{outcome=\"hit\",reason=\"\",rule=\"a\"}} {}", all / 4 * 3),
        format!("vitrine_requests_total{{outcome=\"hit\",reason=\"\",rule=\"b\"}} {}", all / 4),
        format!("vitrine_requests_total{{outcome=\"miss\",reason=\"uri_miss\",rule=\"a\"}} {all}"),
        format!("vitrine_requests_total{{outcome=\"pass\",reason=\"no_rule\",rule=\"default\"}} {all}"),
    ];
    let mut told = scraped(&registry, "vitrine_requests_total");
    told.sort_unstable();
    assert_eq!(told, expected);
    let bytes = format!("vitrine_response_body_bytes_total {}", 5 * all);
    assert_eq!(scraped(&registry, "vitrine_response_body_bytes_total"), [bytes]);
    let timed = format!("vitrine_fast_hit_seconds_count {}", WORKERS as u64 * EACH.div_ceil(64));
    assert_eq!(scraped(&registry, "vitrine_fast_hit_seconds_count"), [timed], "one in 64 of each worker");
    assert_eq!(
        scraped(&registry, "vitrine_request_seconds_count"),
        [format!("vitrine_request_seconds_count {}", 3 * all)]
    );
}

#[test]
fn a_worker_beyond_all_bounds_is_counted_with_the_others() {
    let registry = Registry::new();
    let metrics = RequestMetrics::register(&registry).unwrap();
    let ids = metrics.rules(&rules(&["a"]));
    metrics.ended_fast(usize::MAX, ids.at(0), Outcome::Hit, 7, metrics.begin_fast(usize::MAX));
    assert_eq!(
        scraped(&registry, "vitrine_requests_total"),
        ["vitrine_requests_total{outcome=\"hit\",reason=\"\",rule=\"a\"} 1"]
    );
}

#[test]
fn rules_that_stay_keep_their_counts_and_requests_of_before_count_on() {
    let registry = Registry::new();
    let metrics = RequestMetrics::register(&registry).unwrap();
    let before = metrics.rules(&rules(&["a", "b"]));
    for rule in [0, 0, 1] {
        metrics.ended_fast(0, before.at(rule), Outcome::Hit, 0, None);
    }
    let after = metrics.rules(&rules(&["c", "a"]));
    metrics.ended_fast(0, after.at(1), Outcome::Hit, 0, None);
    // A request that began under the rules of before.
    metrics.ended_fast(0, before.at(1), Outcome::Hit, 0, None);
    drop(before);
    let mut told = scraped(&registry, "vitrine_requests_total");
    told.sort_unstable();
    let expected = [
        "vitrine_requests_total{outcome=\"hit\",reason=\"\",rule=\"a\"} 3",
        "vitrine_requests_total{outcome=\"hit\",reason=\"\",rule=\"b\"} 2",
    ];
    assert_eq!(told, expected);
}
