//! The program itself as a child, with its configuration in a file that the test rewrites.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use vitrine_load_tests::stack::wait_until;

use super::{LIMIT, local};

/// The operators' token.
pub const TOKEN: &str = "ops-secret";

/// A running `vitrine-proxy`; killed when it is dropped.
pub struct Program {
    pub http: SocketAddr,
    pub ops: SocketAddr,
    child: Child,
    file: PathBuf,
    client: reqwest::Client,
}

/// Addresses for a program that is to be started, and the beginning of its configuration.
pub struct Addresses {
    pub http: SocketAddr,
    pub ops: SocketAddr,
}

impl Addresses {
    pub fn new() -> Self {
        Self { http: local(), ops: local() }
    }

    /// `[listen]`, for the top of the file.
    pub fn listen(&self) -> String {
        format!("[listen]\nhttp = \"{}\"\nops = \"{}\"\nops_token = \"{TOKEN}\"\nthreads = 2\n", self.http, self.ops)
    }
}

impl Program {
    /// Starts it with a file that is there already, and waits until it is ready.
    pub async fn start(addresses: &Addresses, file: &Path) -> Self {
        Self::logging(addresses, file, Stdio::null()).await
    }

    /// As [`Program::start`], with its log.
    pub async fn logging(addresses: &Addresses, file: &Path, log: Stdio) -> Self {
        let child =
            Command::new(env!("CARGO_BIN_EXE_vitrine-proxy")).arg("--config").arg(file).stderr(log).spawn().unwrap();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let program = Self { http: addresses.http, ops: addresses.ops, child, file: file.to_owned(), client };
        let ready = format!("http://{}/health/ready", addresses.ops);
        let is_ready = async || program.client.get(&ready).send().await.is_ok_and(|answer| answer.status() == 200);
        wait_until("the program is ready", LIMIT, is_ready).await.unwrap();
        program
    }

    /// Replaces the file by renaming another over it.
    pub fn replace(&self, text: &str) {
        let new = self.file.with_extension("new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(new, &self.file).unwrap();
    }

    pub fn file(&self) -> &Path {
        &self.file
    }

    pub fn hang_up(&self) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), Signal::SIGHUP).unwrap();
    }

    /// Tells it to end, and waits until it has.
    pub async fn terminate(&mut self) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), Signal::SIGTERM).unwrap();
        let ended = async || self.child.try_wait().unwrap().is_some();
        wait_until("the program ends", LIMIT, ended).await.unwrap();
    }

    /// `POST /reload`, with its status and body.
    pub async fn reload(&self) -> (u16, Value) {
        let request = self.client.post(format!("http://{}/reload", self.ops)).bearer_auth(TOKEN);
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), serde_json::from_str(&answer.text().await.unwrap()).unwrap())
    }

    /// `/status`.
    pub async fn status(&self) -> Value {
        let request = self.client.get(format!("http://{}/status", self.ops)).bearer_auth(TOKEN);
        let text = request.send().await.unwrap().text().await.unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// The `config` part of `/status`.
    pub async fn config(&self) -> Value {
        self.status().await["config"].take()
    }

    /// The number of its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Kills it, as power to the process alone would.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// The value of a metric without labels, or with these.
    pub async fn metric(&self, name: &str) -> i64 {
        let text = self.client.get(format!("http://{}/metrics", self.ops)).send().await.unwrap().text().await.unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned));
        line.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
    }

    /// Waits until this generation is in force.
    pub async fn generation(&self, expected: i64) {
        let reached = async || self.metric("vitrine_config_generation").await == expected;
        wait_until(&format!("generation {expected}"), LIMIT, reached).await.unwrap();
    }

    /// Waits until the last reload was refused for an error that says this.
    pub async fn refused(&self, saying: &str) {
        let refused = async || {
            let config = self.config().await;
            config["last_reload"]["result"] == "bad" && config["last_refused"]["errors"].to_string().contains(saying)
        };
        wait_until(&format!("a refusal for {saying}"), LIMIT, refused).await.unwrap();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
