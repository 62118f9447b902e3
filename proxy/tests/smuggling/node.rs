//! Node.js as the origin.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::origin::Seen;
use crate::support::LIMIT;

pub struct Node {
    pub addr: SocketAddr,
    log: String,
    client: reqwest::Client,
    /// Ends when this is dropped.
    _child: Child,
}

impl Node {
    /// With its parser as it is, or with the lenient one that takes much of what the other refuses.
    pub async fn start(is_lenient: bool) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/smuggling/node.mjs");
        let mut child = Command::new("node")
            .arg(script)
            .arg(if is_lenient { "lenient" } else { "strict" })
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("Node.js is installed: `make test` does that");
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        timeout(LIMIT, output.read_line(&mut line)).await.expect("Node.js listens").unwrap();
        let (port, log) = line.trim().split_once(' ').expect("two ports");
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let addr = SocketAddr::from(([127, 0, 0, 1], port.parse().unwrap()));
        Self { addr, log: format!("http://127.0.0.1:{log}/"), client, _child: child }
    }

    pub async fn take(&self) -> Vec<Seen> {
        let text = self.client.get(&self.log).send().await.unwrap().text().await.unwrap();
        let entries: Vec<Value> = serde_json::from_str(&text).unwrap();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let seen = entries.iter().map(|entry| match &entry["fault"] {
            Value::Null => Seen::Request { line: text(&entry["line"]), body: text(&entry["body"]) },
            fault => Seen::Fault(text(fault)),
        });
        seen.collect()
    }
}
