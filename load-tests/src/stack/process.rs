//! One server process: started, watched, ended, and mishandled in the ways that fault tests need.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;

use super::identity::ServerUser;
use super::pid_file::{PidFile, ProcessId, children_of};
use super::site::spawn_within;
use super::wait::{POLL, wait_blocking};
use super::{DataDir, StackError};

/// What a dropped process may take to end in order before it is killed.
const DROP_GRACE: Duration = Duration::from_secs(5);
/// How much of a log an error shows.
const TAIL_LINES: usize = 15;
const TAIL_BYTES: usize = 16 * 1024;

/// How to start a server: enough to start it again later in the same way.
#[derive(Debug, Clone)]
pub struct Program {
    name: String,
    file: PathBuf,
    args: Vec<OsString>,
    env: Vec<(String, String)>,
    folder: PathBuf,
    user: Option<ServerUser>,
    namespace: Option<PathBuf>,
    stop_signal: Signal,
    log: PathBuf,
    pid_file: PathBuf,
}

impl Program {
    /// `program`, known as `name` in messages, whose log and pid file lie in `data`.
    pub fn new(name: impl Into<String>, program: impl Into<PathBuf>, data: &DataDir) -> Self {
        let name = name.into();
        Self {
            log: data.log(&name),
            pid_file: data.pids().join(format!("{name}.pid")),
            name,
            file: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            folder: PathBuf::from("/"),
            user: None,
            namespace: None,
            stop_signal: Signal::SIGTERM,
        }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Adds environment variables. Secrets go here and not into arguments, which every user of a machine can see.
    #[must_use]
    pub fn env(mut self, env: impl IntoIterator<Item = (String, String)>) -> Self {
        self.env.extend(env);
        self
    }

    /// The folder to run in; without it, the root.
    #[must_use]
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = folder.into();
        self
    }

    /// The signal that asks for an orderly end; without it, SIGTERM.
    #[must_use]
    pub fn stop_signal(mut self, signal: Signal) -> Self {
        self.stop_signal = signal;
        self
    }

    /// The network namespace to run in, named by its file; without it, ours.
    #[must_use]
    pub fn namespace(mut self, namespace: Option<&Path>) -> Self {
        self.namespace = namespace.map(Path::to_owned);
        self
    }

    pub(crate) fn user(mut self, user: Option<ServerUser>) -> Self {
        self.user = user;
        self
    }

    /// The file that both output streams go to.
    pub fn log(&self) -> &Path {
        &self.log
    }

    fn command(&self) -> Result<Command, StackError> {
        let log = open_log(&self.log)?;
        let again = log.try_clone().map_err(StackError::io("open", &self.log))?;
        let mut command = Command::new(&self.file);
        command.args(&self.args).current_dir(&self.folder).process_group(0);
        command.stdin(Stdio::null()).stdout(log).stderr(again);
        // The caller's own Postgres settings must not steer a private server.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PG")) {
            command.env_remove(name);
        }
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        if let Some(user) = &self.user {
            user.apply(&mut command);
        }
        Ok(command)
    }
}

fn open_log(path: &Path) -> Result<File, StackError> {
    OpenOptions::new().create(true).append(true).open(path).map_err(StackError::io("open", path))
}

/// A running (or ended) server. Dropping it ends it.
#[derive(Debug)]
pub struct ServerProcess {
    program: Program,
    running: Option<(Child, ProcessId)>,
}

impl ServerProcess {
    /// Starts `program` in a process group of its own and notes it in its pid file.
    pub fn spawn(program: Program) -> Result<Self, StackError> {
        let mut process = Self { program, running: None };
        process.start()?;
        Ok(process)
    }

    /// Starts it again after it has ended.
    pub fn start(&mut self) -> Result<(), StackError> {
        self.stop_hard();
        let mut command = self.program.command()?;
        let spawned = match &self.program.namespace {
            Some(namespace) => spawn_within(namespace, &mut command),
            None => command.spawn(),
        };
        let mut child = spawned.map_err(|source| StackError::Spawn { program: self.program.file.clone(), source })?;
        let Some(id) = ProcessId::of_child(child.id()) else {
            let _ = child.kill();
            let _ = child.wait();
            return Err(self.failure("cannot be found in /proc, which must be mounted"));
        };
        self.running = Some((child, id));
        PidFile { process: id, stop_signal: self.program.stop_signal }.write(&self.program.pid_file)
    }

    /// Its name in messages.
    pub fn name(&self) -> &str {
        &self.program.name
    }

    /// Its log file.
    pub fn log(&self) -> &Path {
        self.program.log()
    }

    /// Its process id while it runs.
    pub fn pid(&self) -> Option<i32> {
        self.running.as_ref().map(|(_, id)| id.pid)
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        let status = self.running.as_mut()?.0.try_wait().ok().flatten()?;
        self.forget();
        Some(status)
    }

    /// Whether it runs; a paused one does.
    pub fn is_running(&mut self) -> bool {
        self.ended();
        self.running.is_some()
    }

    /// Waits until it ends of itself.
    pub async fn wait(&mut self) -> Result<ExitStatus, StackError> {
        loop {
            if let Some(status) = self.ended() {
                return Ok(status);
            }
            if self.running.is_none() {
                return Err(self.failure("does not run"));
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Asks it to end, and kills it after `grace`.
    pub async fn stop(&mut self, grace: Duration) {
        self.ask_to_stop();
        let limit = tokio::time::Instant::now() + grace;
        while self.is_running() && tokio::time::Instant::now() < limit {
            tokio::time::sleep(POLL).await;
        }
        self.stop_hard();
    }

    /// Asks it to end and returns at once.
    pub fn ask_to_stop(&mut self) {
        self.resume();
        if let Some((_, id)) = &self.running {
            id.signal(self.program.stop_signal);
        }
    }

    /// Kills it and all processes it started, as a power cut would, and waits until it is gone.
    pub fn stop_hard(&mut self) {
        if let Some((mut child, id)) = self.running.take() {
            let children = signal_tree(id, Signal::SIGKILL);
            let _ = child.wait();
            wait_blocking(DROP_GRACE, || children.iter().all(|child| !child.is_alive()));
            self.forget();
        }
    }

    /// Stops it in its tracks, with all processes it started: its connections stay open and nothing answers.
    pub fn pause(&self) {
        if let Some((_, id)) = &self.running {
            signal_tree(*id, Signal::SIGSTOP);
        }
    }

    /// Lets a paused process go on.
    pub fn resume(&self) {
        if let Some((_, id)) = &self.running {
            signal_tree(*id, Signal::SIGCONT);
        }
    }

    /// An error about this server, with the end of its log.
    pub fn failure(&self, what: impl Into<String>) -> StackError {
        StackError::Server {
            name: self.program.name.clone(),
            what: what.into(),
            log: self.program.log.clone(),
            tail: log_tail(&self.program.log),
        }
    }

    fn forget(&mut self) {
        self.running = None;
        let _ = fs::remove_file(&self.program.pid_file);
    }
}

/// Signals the group, and the children too, since those of Postgres lead groups of their own.
fn signal_tree(id: ProcessId, signal: Signal) -> Vec<ProcessId> {
    let children: Vec<_> = children_of(id.pid).into_iter().filter_map(ProcessId::running).collect();
    id.signal_group(signal);
    for child in &children {
        child.signal(signal);
    }
    children
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        self.ask_to_stop();
        wait_blocking(DROP_GRACE, || !self.is_running());
        self.stop_hard();
    }
}

/// The last lines of a log.
pub(crate) fn log_tail(path: &Path) -> String {
    let bytes = fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(TAIL_BYTES)..]).into_owned();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::Scratch;

    fn shell(scratch: &Scratch, script: &str) -> ServerProcess {
        ServerProcess::spawn(Program::new("script", "/bin/sh", scratch.data()).args(["-c", script])).unwrap()
    }

    fn state(pid: i32) -> String {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        stat.rsplit_once(')').unwrap().1.split_whitespace().next().unwrap().to_owned()
    }

    #[tokio::test]
    async fn output_goes_to_the_log_and_the_status_is_told() {
        let scratch = Scratch::new().unwrap();
        let mut process = shell(&scratch, "echo out; echo err >&2; exit 3");
        assert_eq!(process.wait().await.unwrap().code(), Some(3));
        let message = process.failure("ended").to_string();
        assert!(message.contains("out") && message.contains("err"), "{message}");
    }

    #[tokio::test]
    async fn one_that_ignores_the_request_is_killed_after_the_grace() {
        let scratch = Scratch::new().unwrap();
        let mut process = shell(&scratch, "trap '' TERM; echo ready; while :; do sleep 600; done");
        let log = process.log().to_owned();
        let ready = async || log_tail(&log).contains("ready");
        crate::stack::wait_until("the trap is set", Duration::from_secs(10), ready).await.unwrap();
        let sleeper = children_of(process.pid().unwrap());
        process.stop(Duration::from_millis(50)).await;
        assert!(!process.is_running());
        assert!(sleeper.into_iter().all(|pid| ProcessId::running(pid).is_none()));
    }

    #[tokio::test]
    async fn pause_stops_it_and_resume_lets_it_go_on() {
        let scratch = Scratch::new().unwrap();
        let process = shell(&scratch, "exec sleep 600");
        let pid = process.pid().unwrap();
        process.pause();
        crate::stack::wait_until("it is stopped", Duration::from_secs(10), async || state(pid) == "T").await.unwrap();
        process.resume();
        crate::stack::wait_until("it goes on", Duration::from_secs(10), async || state(pid) != "T").await.unwrap();
    }

    #[test]
    fn dropping_it_ends_it_and_removes_the_pid_file() {
        let scratch = Scratch::new().unwrap();
        let process = shell(&scratch, "exec sleep 600");
        let id = process.running.as_ref().unwrap().1;
        let pid_file = process.program.pid_file.clone();
        assert!(pid_file.exists());
        drop(process);
        assert!(!id.is_alive());
        assert!(!pid_file.exists());
    }
}
