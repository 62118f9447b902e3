//! A contender, running.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::EdgeError;
use super::blocks;
use super::browser::HOST;
use super::catalog::Object;
use super::client::Client;
use super::contender::Contender;
use super::cores::start_on;
use super::launch::{self, Addresses, Setup};
use super::usage;
use crate::stack::ServerProcess;

const START_LIMIT: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(5);

/// A running server.
pub(super) struct Server {
    pub(super) contender: Contender,
    pub(super) addresses: Addresses,
    /// A folder of its own.
    pub(super) place: PathBuf,
    /// Where its stored objects lie in memory, if they lie in files.
    pub(super) cache: PathBuf,
    pub(super) ops_token: String,
    process: ServerProcess,
}

impl Server {
    /// Starts it on a core and waits until it answers with `first`, an object of the origin.
    pub(super) fn start(
        contender: Contender,
        setup: &Setup,
        core: usize,
        first: Object,
        stop: &AtomicBool,
    ) -> Result<Self, EdgeError> {
        for folder in [&setup.place, &setup.cache] {
            std::fs::create_dir_all(folder).map_err(EdgeError::file(folder))?;
        }
        let program = launch::program(contender, setup)?;
        let process = start_on(core, || ServerProcess::spawn(program))??;
        let (place, cache, ops_token) = (setup.place.clone(), setup.cache.clone(), setup.ops_token.clone());
        let mut server = Self { contender, addresses: setup.addresses, place, cache, ops_token, process };
        server.wait_for(first, stop)?;
        Ok(server)
    }

    /// Its first process while it runs.
    pub(super) fn pid(&self) -> Result<i32, EdgeError> {
        let gone = || EdgeError::Answer(format!("{} has ended", self.contender.name()));
        self.process.pid().ok_or_else(gone)
    }

    /// What it has in memory, files in memory included, in MiB.
    pub(super) fn mebibytes(&self) -> Result<f64, EdgeError> {
        let kibibytes = usage::memory(self.pid()?, Some(&self.cache))? >> 10;
        Ok(f64::from(u32::try_from(kibibytes).unwrap_or(u32::MAX)) / 1024.0)
    }

    /// What it has in memory of objects, in MiB; comparable with itself only.
    pub(super) fn filled_mebibytes(&self) -> Result<f64, EdgeError> {
        if self.contender == Contender::Haproxy {
            // A block holds 1 KiB and is told of in 48 bytes.
            let blocks = blocks::used(&self.place.join("admin.sock"))?;
            return Ok(f64::from(u32::try_from(blocks).unwrap_or(u32::MAX)) * 1_072.0 / f64::from(1 << 20));
        }
        self.mebibytes()
    }

    /// Ends it in order and starts it again; what it stored in files stays. Does not wait until it serves.
    pub(super) fn restart(&mut self, core: usize) -> Result<(), EdgeError> {
        self.process.ask_to_stop();
        let begin = Instant::now();
        while self.process.is_running() && begin.elapsed() < START_LIMIT {
            std::thread::sleep(POLL);
        }
        Ok(start_on(core, || self.process.start())??)
    }

    /// Ends it and removes what it stored in files.
    pub(super) fn forget_files(self) {
        drop(self.process);
        let _ = std::fs::remove_dir_all(self.cache);
    }

    /// Waits until it answers with the object.
    pub(super) fn wait_for(&mut self, object: Object, stop: &AtomicBool) -> Result<(), EdgeError> {
        let begin = Instant::now();
        loop {
            let answer = Client::connect(self.addresses.http).and_then(|mut client| client.get(HOST, &object.target()));
            let told = match answer {
                Ok(body) if body == object.body() => return Ok(()),
                Ok(_) => "it answers with other bytes".to_owned(),
                Err(error) => error.to_string(),
            };
            if let Some(status) = self.process.ended() {
                return Err(self.process.failure(format!("ended while starting, with {status}")).into());
            }
            if stop.load(Ordering::Relaxed) {
                return Err(EdgeError::Stopped);
            }
            if begin.elapsed() > START_LIMIT {
                return Err(self.process.failure(format!("does not serve: {told}")).into());
            }
            std::thread::sleep(POLL);
        }
    }
}
