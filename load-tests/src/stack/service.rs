//! One of Vitrine's own programs, running.

use std::path::PathBuf;
use std::time::Duration;

use super::wait::Deadline;
use super::{DataDir, Program, ServerProcess, StackError};

/// Connecting pools and loading rules is quick; a loaded machine is not.
const READY_LIMIT: Duration = Duration::from_mins(1);
const STOP_GRACE: Duration = Duration::from_secs(6);

/// How to start one.
#[derive(Debug, Clone)]
pub struct Launch {
    /// Its name in messages, logs and pid files, such as `edge-0`.
    pub name: String,
    /// The program.
    pub binary: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// Its environment, besides ours.
    pub env: Vec<(String, String)>,
    /// The folder it runs in: relative paths in its arguments start here.
    pub folder: PathBuf,
    /// The network namespace that it runs in, named by its file; without it, ours.
    pub namespace: Option<PathBuf>,
}

impl Launch {
    fn program(self, data: &DataDir) -> Program {
        Program::new(self.name, self.binary, data)
            .args(self.args)
            .env(self.env)
            .folder(self.folder)
            .namespace(self.namespace.as_deref())
    }

    /// Runs it to its end, such as a migration.
    pub async fn run_to_end(self, data: &DataDir) -> Result<(), StackError> {
        let mut process = ServerProcess::spawn(self.program(data))?;
        let status = process.wait().await?;
        if status.success() {
            return Ok(());
        }
        Err(process.failure(format!("failed with {status}")))
    }
}

/// A program that serves HTTP and says when it is ready.
#[derive(Debug)]
pub struct Service {
    process: ServerProcess,
    ready_url: String,
    client: reqwest::Client,
}

impl Service {
    /// Starts it and waits until `ready_url` answers 200.
    pub async fn start(launch: Launch, ready_url: String, data: &DataDir) -> Result<Self, StackError> {
        let mut service = Self::spawn(launch, ready_url, data)?;
        service.ready().await?;
        Ok(service)
    }

    /// Starts it without waiting.
    pub fn spawn(launch: Launch, ready_url: String, data: &DataDir) -> Result<Self, StackError> {
        let process = ServerProcess::spawn(launch.program(data))?;
        Ok(Self { process, ready_url, client: reqwest::Client::new() })
    }

    /// Waits until it says that it is ready.
    pub async fn ready(&mut self) -> Result<(), StackError> {
        let deadline = Deadline::after(READY_LIMIT);
        while !self.is_ready().await {
            if let Some(status) = self.process.ended() {
                return Err(self.process.failure(format!("ended while starting, with {status}")));
            }
            if !deadline.again().await {
                return Err(self.process.failure(format!("{}, asked at {}", deadline.missed(), self.ready_url)));
            }
        }
        Ok(())
    }

    /// Whether it says now that it is ready.
    pub async fn is_ready(&self) -> bool {
        answers_ok(&self.client, &self.ready_url).await
    }

    /// The process, to look at it.
    pub fn process(&mut self) -> &mut ServerProcess {
        &mut self.process
    }

    /// Ends it in order.
    pub async fn stop(&mut self) {
        self.process.stop(STOP_GRACE).await;
    }

    /// Kills it.
    pub fn stop_hard(&mut self) {
        self.process.stop_hard();
    }

    /// Starts it again on the same ports and waits until it is ready. A running one is ended in order first.
    pub async fn restart(&mut self) -> Result<(), StackError> {
        self.stop().await;
        self.process.start()?;
        self.ready().await
    }

    /// Stops it in its tracks.
    pub fn pause(&self) {
        self.process.pause();
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.process.resume();
    }
}

async fn answers_ok(client: &reqwest::Client, url: &str) -> bool {
    let answer = client.get(url).timeout(Duration::from_secs(2)).send().await;
    answer.is_ok_and(|response| response.status() == http::StatusCode::OK)
}
