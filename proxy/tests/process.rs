//! The program: its commands, its operations server, and its end.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use support::{LIMIT, Proxy, Upstream, cache_all, fetch, local, response};
use vitrine_load_tests::stack::wait_until;

const BINARY: &str = env!("CARGO_BIN_EXE_vitrine-proxy");

fn file(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

fn config() -> (String, String) {
    let http = local();
    let text = format!(
        "edge = \"test\"\ndefault_upstream = \"origin\"\n[listen]\nhttp = \"{http}\"\nops = \"{}\"\n\
         [upstreams.origin]\naddresses = [\"127.0.0.1:1\"]\n",
        local()
    );
    (text, http.to_string())
}

#[test]
fn mistakes_stop_the_start_and_name_file_line_and_key() {
    let (text, _) = config();
    let wrong = file(&text.replace("addresses", "adresses"));
    // To run is what is done where nothing else is said.
    for commands in [&["check"][..], &["run"], &[]] {
        let output = Command::new(BINARY).args(commands).arg("--config").arg(wrong.path()).output().unwrap();
        assert!(!output.status.success());
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(said.contains(&format!("{}:", wrong.path().display())) && said.contains("adresses"), "{said}");
        assert!(said.contains("addresses"), "{said}");
    }
    let right = file(&text);
    let right = right.path().to_str().unwrap();
    for args in [["check", "--config", right], ["--config", right, "check"]] {
        let output = Command::new(BINARY).args(args).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}

#[test]
fn an_address_in_use_stops_the_start() {
    let (text, http) = config();
    let _held = std::net::TcpListener::bind(&http).unwrap();
    let file = file(&text);
    let output = Command::new(BINARY).args(["run", "--config"]).arg(file.path()).output().unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains(&format!("cannot listen on {http}")), "{said}");
}

#[tokio::test]
async fn sigterm_ends_an_idle_proxy_soon() {
    let (text, http) = config();
    let file = file(&text);
    let mut child =
        Command::new(BINARY).args(["run", "--config"]).arg(file.path()).stderr(Stdio::null()).spawn().unwrap();
    let listens = async || tokio::net::TcpStream::connect(&http).await.is_ok();
    wait_until("the proxy listens", LIMIT, listens).await.unwrap();
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGTERM).unwrap();
    let ended = async || child.try_wait().unwrap().is_some_and(|status| status.success());
    wait_until("the proxy ends", LIMIT, ended).await.unwrap();
}

/// What is scraped is what the page for operators tells: type, labels and meaning of each metric.
fn assert_told(metrics: &str) {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/running.md")).unwrap();
    let row = |name: &str| {
        let row = page.lines().find(|line| line.starts_with(&format!("| `{name}` |")));
        let row = row.unwrap_or_else(|| panic!("docs/running.md does not tell of {name}"));
        row.trim_matches(['|', ' ']).split(" | ").map(str::to_owned).collect::<Vec<_>>()
    };
    let mut seen = 0;
    let mut told = Vec::new();
    for line in metrics.lines() {
        if let Some((name, help)) = line.strip_prefix("# HELP ").and_then(|line| line.split_once(' ')) {
            told = row(name);
            assert_eq!(told[3], help, "{name}");
            seen += 1;
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|line| line.split_once(' ')) {
            assert_eq!(told[1], kind, "{name}");
        } else if let Some((_, labels)) = line.split_once('{') {
            let labels = labels.split_once('}').unwrap().0.split("\",").map(|label| label.split_once('=').unwrap().0);
            let mut labels: Vec<String> = labels.filter(|name| *name != "le").map(|name| format!("`{name}`")).collect();
            let mut expected: Vec<&str> = told[2].split(", ").filter(|name| *name != "–").collect();
            labels.sort_unstable();
            expected.sort_unstable();
            assert_eq!(labels, expected, "{line}");
        }
    }
    assert!(seen > 30, "{seen} of them");
}

#[tokio::test]
async fn operators_see_metrics_health_and_status() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("")).await;
    let getting = proxy.getting("/");
    upstream.answer(&response("200 OK", "Cache-Control: max-age=60\r\n", "hello")).await;
    getting.await.unwrap().unwrap();
    proxy.settled().await;
    fetch(proxy.get("/")).await.unwrap();

    let at = |path: &str| format!("http://{}{path}", proxy.ops);
    for path in ["/health/live", "/health/ready"] {
        assert_eq!(reqwest::get(at(path)).await.unwrap().status(), 200, "{path}");
    }
    let counted = async || {
        let metrics = reqwest::get(at("/metrics")).await.unwrap().text().await.unwrap();
        [
            "vitrine_requests_total{outcome=\"hit\",reason=\"\",rule=\"all\"} 1",
            "vitrine_requests_total{outcome=\"miss\",reason=\"uri_miss\",rule=\"all\"} 1",
            "vitrine_fills_total{result=\"stored\",upstream=\"origin\"} 1",
            "vitrine_store_entries 1",
            "vitrine_connected 1",
        ]
        .iter()
        .all(|line| metrics.contains(line))
    };
    wait_until("the metrics are counted", LIMIT, counted).await.unwrap();

    let metrics = reqwest::get(at("/metrics")).await.unwrap().text().await.unwrap();
    assert_told(&metrics);

    assert_eq!(reqwest::get(at("/status")).await.unwrap().status(), 401);
    let client = reqwest::Client::new();
    let status = client.get(at("/status")).bearer_auth("ops-secret").send().await.unwrap();
    let status: serde_json::Value = serde_json::from_str(&status.text().await.unwrap()).unwrap();
    assert_eq!(status["store"]["entries"], 1);
    assert_eq!(status["connected"], true);
}
