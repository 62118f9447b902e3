//! A private Redis. It keeps nothing on disk: what Vitrine has in Redis is safe to lose.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::data_dir::write_private;
use super::wait::Deadline;
use super::{DataDir, Program, ServerProcess, Site, StackError, random_hex};

const READY_LIMIT: Duration = Duration::from_secs(20);
const STOP_GRACE: Duration = Duration::from_secs(2);
const PORT_TRIES: u32 = 5;
/// Longest that a command of ours may take.
const ASK_LIMIT: Duration = Duration::from_secs(1);

/// Which of several servers one is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Role {
    /// Its name: of its folder, log and pid file.
    pub(crate) name: String,
    /// What clients and the other servers log in with.
    pub(crate) password: String,
    /// More lines of its configuration.
    pub(crate) settings: String,
    /// Whether it is a Sentinel.
    pub(crate) sentinel: bool,
}

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
        Self::start_as(data, site, &Role { name: "redis".to_owned(), password: random_hex(24), ..Role::default() })
            .await
    }

    /// The same as one of several servers, with settings of its own.
    pub(crate) async fn start_as(data: &DataDir, site: &Site, role: &Role) -> Result<Self, StackError> {
        let program = find()?;
        let folder = data.folder(&role.name)?;
        let password = &role.password;
        let mut failure = None;
        for _ in 0..PORT_TRIES {
            let port = site.port()?;
            // In a file and not in arguments, which every user of the machine can see. Sentinel writes into it.
            let settings = folder.join("redis.conf");
            let common = if role.sentinel { String::new() } else { configuration() };
            let base = format!("bind {}\nport {port}\nrequirepass {password}\ndaemonize no\n", site.host());
            write_private(&settings, &(base + &common + &role.settings))?;
            let mut args = vec![settings.into_os_string()];
            args.extend(role.sentinel.then(|| "--sentinel".into()));
            let started = Program::new(&role.name, &program, data).args(args).folder(&folder);
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

    /// Its host and port.
    pub(crate) fn address(&self) -> SocketAddrV4 {
        SocketAddrV4::new(self.host, self.port)
    }

    /// What it answers to a command without blanks in its words, as it comes over the wire, or nothing within a second.
    pub async fn ask(&self, command: &str) -> Option<String> {
        let ask = async {
            let mut stream = TcpStream::connect(self.address()).await.ok()?;
            let said = format!("AUTH {}\r\n{command}\r\nPING\r\n", self.password);
            stream.write_all(said.as_bytes()).await.ok()?;
            let mut answer = Vec::new();
            // The answer to PING, which comes last, ends it.
            while !answer.ends_with(b"+PONG\r\n") {
                (stream.read_buf(&mut answer).await.ok()? > 0).then_some(())?;
            }
            let text = String::from_utf8_lossy(&answer).into_owned();
            Some(text.strip_prefix("+OK\r\n")?.strip_suffix("+PONG\r\n")?.to_owned())
        };
        tokio::time::timeout(ASK_LIMIT, ask).await.ok().flatten()
    }

    /// Whether it says that it is a replica, whose link to its master is up.
    pub(crate) async fn is_replica(&self) -> bool {
        let answer = self.ask("INFO replication").await;
        answer.is_some_and(|text| text.contains("role:slave") && text.contains("master_link_status:up"))
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

fn configuration() -> String {
    "appendonly no\nsave \"\"\nmaxmemory-policy noeviction\nio-threads 1\ntcp-backlog 511\n".to_owned()
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
