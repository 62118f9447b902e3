//! A private Redis. It keeps nothing on disk: what Vitrine has in Redis is safe to lose.

use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::data_dir::write_private;
use super::wait::Deadline;
use super::{DataDir, Program, ServerProcess, Site, StackError, random_hex};

const READY_LIMIT: Duration = Duration::from_secs(20);
const STOP_GRACE: Duration = Duration::from_secs(2);
const PORT_TRIES: u32 = 5;

/// A running Redis of our own.
#[derive(Debug)]
pub struct Redis {
    process: ServerProcess,
    host: Ipv4Addr,
    port: u16,
    password: String,
}

impl Redis {
    /// Starts it in `data` on a free port, with a new password, and waits until it answers.
    pub async fn start(data: &DataDir) -> Result<Self, StackError> {
        Self::start_at(data, &Site::loopback()).await
    }

    /// The same at another site.
    pub async fn start_at(data: &DataDir, site: &Site) -> Result<Self, StackError> {
        let program = find()?;
        let folder = data.folder("redis")?;
        let password = random_hex(24);
        let mut failure = None;
        for _ in 0..PORT_TRIES {
            let port = site.port()?;
            // In a file and not in arguments, which every user of the machine can see.
            let settings = folder.join("redis.conf");
            write_private(&settings, &configuration(site.host(), port, &password))?;
            let started = Program::new("redis", &program, data).args([&settings]).folder(&folder);
            let process = ServerProcess::spawn(started.namespace(site.namespace()))?;
            let mut redis = Self { process, host: site.host(), port, password: password.clone() };
            match redis.ready().await {
                Ok(()) => return Ok(redis),
                Err(StackError::Server { tail, .. }) if tail.contains("Address already in use") => {}
                Err(error) => failure = Some(error),
            }
            if failure.is_some() {
                break;
            }
        }
        Err(failure.unwrap_or(StackError::NoFreePort { tries: PORT_TRIES }))
    }

    /// Its address with the password in it: not for logs.
    pub fn url(&self) -> String {
        format!("redis://:{}@{}:{}/0", self.password, self.host, self.port)
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The process, to look at it.
    pub fn process(&mut self) -> &mut ServerProcess {
        &mut self.process
    }

    /// Ends it in order.
    pub async fn stop(&mut self) {
        self.process.stop(STOP_GRACE).await;
    }

    /// Kills it, and with it all it held.
    pub fn stop_hard(&mut self) {
        self.process.stop_hard();
    }

    /// Starts it again on the same port, empty.
    pub async fn restart(&mut self) -> Result<(), StackError> {
        self.stop().await;
        self.process.start()?;
        self.ready().await
    }

    /// Stops it in its tracks: connections stay open, nothing answers.
    pub fn pause(&self) {
        self.process.pause();
    }

    /// Lets a paused server go on, with all it held.
    pub fn resume(&self) {
        self.process.resume();
    }

    async fn ready(&mut self) -> Result<(), StackError> {
        let deadline = Deadline::after(READY_LIMIT);
        while !answers(self.host, self.port, &self.password).await {
            if let Some(status) = self.process.ended() {
                return Err(self.process.failure(format!("ended while starting, with {status}")));
            }
            if !deadline.again().await {
                return Err(self.process.failure(deadline.missed()));
            }
        }
        Ok(())
    }
}

fn configuration(host: Ipv4Addr, port: u16, password: &str) -> String {
    format!(
        "bind {host}\nport {port}\nrequirepass {password}\ndaemonize no\nappendonly no\nsave \"\"\n\
         maxmemory-policy noeviction\nio-threads 1\ntcp-backlog 511\n"
    )
}

fn find() -> Result<std::path::PathBuf, StackError> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join("redis-server")).find(|file| file.is_file());
    found.ok_or_else(|| StackError::ProgramMissing {
        program: "redis-server",
        looked: "PATH".to_owned(),
        package: "redis-server",
    })
}

/// Logs in and pings, in Redis's inline form. The answer proves that this is our server: it knows the password.
async fn answers(host: Ipv4Addr, port: u16, password: &str) -> bool {
    let ask = async {
        let mut stream = TcpStream::connect((host, port)).await?;
        stream.write_all(format!("AUTH {password}\r\nPING\r\n").as_bytes()).await?;
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await?;
        std::io::Result::Ok(answer == *b"+OK\r\n+PONG\r\n")
    };
    matches!(tokio::time::timeout(Duration::from_secs(1), ask).await, Ok(Ok(true)))
}
