//! The production probe, and the alerts on what it and all else count.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use reqwest::Client;
use serde::Deserialize;
use vitrine_load_tests::stack::{
    Edge, EdgeOptions, Origin, OriginOptions, TestStack, free_port, wait_until, workspace_root,
};

const SOON: Duration = Duration::from_secs(40);

/// An edge that nobody tells of purges: somebody forgot its `[feed]`.
const FORGOTTEN: &str = r#"
edge = "forgotten"
default_upstream = "origin"
[listen]
http = "${PROXY_LISTEN}"
ops = "${OPS_LISTEN}"
[upstreams.origin]
addresses = ["${ORIGIN_ADDRESS}"]
[[rules]]
name = "all"
action = "cache"
paths = ["/**"]
edge_ttl = "1h"
browser_ttl = "0s"
"#;

/// An origin that probes two edges: one as it should be, and one that never hears of a purge.
struct Probed {
    _stack: TestStack,
    origin: Origin,
    edges: Vec<Edge>,
    /// Their addresses, as the probe names them.
    names: [String; 2],
    client: Client,
}

impl Probed {
    async fn start() -> Self {
        let stack = TestStack::with_shop(1_000).await.unwrap();
        let ports = [free_port().unwrap(), free_port().unwrap()];
        let names = ports.map(|port| format!("http://127.0.0.1:{port}"));
        let shipped = std::fs::read_to_string(workspace_root().unwrap().join("config/origin.toml")).unwrap();
        let often = shipped.replace("interval_ms = 10000", "interval_ms = 200");
        assert_ne!(often, shipped);
        let options = OriginOptions {
            config: Some(written(&stack, "origin.toml", &often)),
            env: vec![("PROBE_EDGES".to_owned(), names.join(","))],
        };
        let origin = Origin::start(&stack, options).await.unwrap();
        let mut edges = Vec::new();
        for (index, config) in [None, Some(written(&stack, "forgotten.toml", FORGOTTEN))].into_iter().enumerate() {
            let env = vec![("PROXY_LISTEN".to_owned(), format!("127.0.0.1:{}", ports[index]))];
            let options = EdgeOptions { index: u32::try_from(index).unwrap(), config, env };
            edges.push(Edge::start(&stack, &origin, options).await.unwrap());
        }
        Self { _stack: stack, origin, edges, names, client: Client::new() }
    }

    async fn metrics(&self, of: &str) -> Metrics {
        let text = self.client.get(format!("{of}/metrics")).send().await.unwrap().text().await.unwrap();
        Metrics::parse(&text)
    }
}

fn written(stack: &TestStack, name: &str, text: &str) -> String {
    let path = stack.data().root().join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// What a process exposes: of each metric its samples, labels and value.
#[derive(Debug, Default)]
struct Metrics(BTreeMap<String, Vec<Sample>>);

/// Labels and value.
type Sample = (BTreeMap<String, String>, f64);

impl Metrics {
    fn parse(text: &str) -> Self {
        let mut metrics = Self::default();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let (name, labels) = series.split_once('{').unwrap_or((series, ""));
            let pairs = labels.trim_end_matches('}').split(',').filter_map(|pair| pair.split_once('='));
            let labels = pairs.map(|(name, value)| (name.to_owned(), value.trim_matches('"').to_owned())).collect();
            metrics.0.entry(name.to_owned()).or_default().push((labels, value.parse().unwrap()));
        }
        metrics
    }

    /// The sum of the samples with these labels.
    fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let samples = self.0.get(name).unwrap_or_else(|| panic!("{name} is not exposed"));
        let has = |found: &BTreeMap<String, String>| {
            labels.iter().all(|(name, value)| found.get(*name).is_some_and(|found| found == value))
        };
        samples.iter().filter(|(found, _)| has(found)).map(|(_, value)| value).sum()
    }
}

#[tokio::test]
async fn the_probe_finds_the_edge_that_serves_what_was_replaced_and_no_other() {
    let probed = Probed::start().await;
    let [healthy, forgotten] = probed.names.each_ref().map(String::as_str);
    let url = probed.origin.internal_url();
    let stale = "vitrine_origin_stale_after_ack_total";
    let seen = async || {
        let metrics = probed.metrics(&url).await;
        let hits = |edge| metrics.sum("vitrine_origin_probe_reads_total", &[("edge", edge), ("cache", "hit")]);
        metrics.sum("vitrine_origin_probe_rounds_total", &[("result", "acknowledged")]) >= 3.0
            && hits(healthy) >= 3.0
            && metrics.sum(stale, &[("edge", forgotten)]) >= 2.0
    };
    let outcome = wait_until("the probe has found it", SOON, seen).await;
    let metrics = probed.metrics(&url).await;
    assert!(outcome.is_ok(), "{metrics:#?}");
    assert!(metrics.sum(stale, &[("edge", healthy)]) < 1.0, "{metrics:#?}");
    assert!(metrics.sum("vitrine_origin_probe_errors_total", &[("kind", "lost_history")]) < 1.0);
    assert!(metrics.sum("vitrine_origin_probe_acknowledged_seconds_count", &[]) >= 3.0);
    assert!((1.5..2.5).contains(&metrics.sum("vitrine_origin_probe_edges", &[])));
    every_alert_is_on_what_is_exposed(&probed).await;
}

/// `config/alerts.yml`, of which nothing else may be in it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Alerts {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    name: String,
    rules: Vec<Alert>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Alert {
    #[serde(rename = "alert")]
    name: String,
    expr: String,
    #[serde(default, rename = "for")]
    after: Option<String>,
    labels: Labels,
    annotations: Annotations,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Labels {
    severity: Severity,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Severity {
    Page,
    Ticket,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Annotations {
    summary: String,
    description: String,
}

/// Labels that Prometheus adds to whatever it scrapes.
const SCRAPED: [&str; 2] = ["instance", "job"];

async fn every_alert_is_on_what_is_exposed(probed: &Probed) {
    let mut exposed = BTreeMap::new();
    for url in [probed.origin.internal_url(), probed.edges[0].ops_url()] {
        for (name, samples) in probed.metrics(&url).await.0 {
            let labels: BTreeSet<String> = samples.iter().flat_map(|(labels, _)| labels.keys().cloned()).collect();
            exposed.insert(name, labels);
        }
    }
    let file = workspace_root().unwrap().join("config/alerts.yml");
    let alerts: Alerts = serde_yaml::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    let mut names = BTreeSet::new();
    for group in &alerts.groups {
        assert!(!group.name.is_empty() && !group.rules.is_empty());
        for alert in &group.rules {
            assert!(names.insert(&alert.name), "{} is there twice", alert.name);
            alert.check(&exposed);
        }
    }
    assert!(names.len() > 10);
    syntax(&file);
}

impl Alert {
    fn check(&self, exposed: &BTreeMap<String, BTreeSet<String>>) {
        let (Severity::Page | Severity::Ticket) = self.labels.severity;
        assert!(!self.annotations.summary.is_empty() && self.annotations.description.ends_with('.'), "{}", self.name);
        let is_time =
            |text: &str| text.strip_suffix(['s', 'm', 'h']).is_some_and(|number| number.parse::<u32>().is_ok());
        assert!(self.after.as_deref().is_none_or(is_time), "{}: for {:?}", self.name, self.after);
        let depth = |open: char, close: char| self.expr.matches(open).count() == self.expr.matches(close).count();
        assert!(depth('(', ')') && depth('[', ']') && depth('{', '}'), "{}", self.expr);

        let mut labels: BTreeSet<String> = SCRAPED.map(str::to_owned).into();
        let mut found = 0;
        for (at, _) in self.expr.match_indices("vitrine_") {
            let rest = &self.expr[at..];
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
            let (name, rest) = rest.split_at(end);
            let known = exposed.get(name).unwrap_or_else(|| panic!("{}: no process exposes {name}", self.name));
            let selector = rest.strip_prefix('{').and_then(|rest| rest.split_once('}')).map_or("", |(inner, _)| inner);
            for matcher in selector.split(',').filter(|matcher| !matcher.is_empty()) {
                let label = matcher.split(['=', '!']).next().unwrap().trim();
                assert!(known.contains(label), "{}: {name} has no label {label}", self.name);
            }
            labels.extend(known.iter().cloned());
            found += 1;
        }
        assert!(found > 0, "{} is on nothing of ours", self.name);
        let mut kept = labels.clone();
        for (_, by) in self.expr.match_indices("by (").map(|(at, by)| (at, &self.expr[at + by.len()..])) {
            let of: BTreeSet<String> =
                by.split(')').next().unwrap().split(',').map(|label| label.trim().to_owned()).collect();
            assert!(of.is_subset(&labels), "{}: {of:?} are not all labels of what it is on", self.name);
            kept = of;
        }
        for text in [&self.annotations.summary, &self.annotations.description] {
            for label in text.split("$labels.").skip(1) {
                let label: String = label.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                assert!(kept.contains(&label), "{}: the alert has no label {label}", self.name);
            }
        }
    }
}

/// By Prometheus's own tool, where it is there.
fn syntax(file: &Path) {
    if let Ok(output) = std::process::Command::new("promtool").args(["check", "rules"]).arg(file).output() {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
