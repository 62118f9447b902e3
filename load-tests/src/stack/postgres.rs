//! A private Postgres on Debian's own server programs.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::Signal;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection};

use super::data_dir::write_private;
use super::identity::ServerUser;
use super::postgres_home::{find_programs, place};
use super::wait::Deadline;
use super::{DataDir, Program, ServerProcess, Site, StackError, random_hex};

/// The owner of the cluster, and of every database in it.
pub(super) const OWNER: &str = "vitrine";
/// A cluster that crashed replays its log before it answers; a loaded machine is slow.
const READY_LIMIT: Duration = Duration::from_mins(1);
/// What a fast shutdown may take.
const STOP_GRACE: Duration = Duration::from_secs(5);
/// Another program may take the port between our finding it free and the server's listening on it.
const PORT_TRIES: u32 = 5;

/// What a cluster does for the safety of its files. Commits are in order and synchronous in both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Survives a power cut, as a shop's database must.
    Full,
    /// The same with a quarter of the machine's memory for its buffers, as a database server is set up: for benches.
    Server,
    /// Survives the death of its processes, but not of the machine: for tests.
    Process,
}

/// Buffers where nothing better is known.
const BUFFERS: &str = "shared_buffers=256MB";

impl Durability {
    fn settings(self) -> Vec<String> {
        match self {
            Self::Full => vec![BUFFERS.to_owned()],
            Self::Server => vec![a_quarter_of_memory().unwrap_or_else(|| BUFFERS.to_owned())],
            Self::Process => [BUFFERS, "fsync=off", "full_page_writes=off"].map(str::to_owned).into(),
        }
    }
}

fn a_quarter_of_memory() -> Option<String> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let kilobytes: u64 =
        text.lines().next()?.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(format!("shared_buffers={}MB", (kilobytes >> 12).max(128)))
}

/// The files of a server, and what it takes to run on them.
#[derive(Debug, Clone)]
pub(super) struct Cluster {
    pub(super) home: PathBuf,
    pub(super) programs: PathBuf,
    pub(super) user: Option<ServerUser>,
    pub(super) durability: Durability,
    pub(super) password: String,
    pub(super) site: Site,
}

impl Cluster {
    /// Starts a server on it, on a free port unless the site has one, and waits until it answers. Logs and pid file lie in `data`.
    pub(super) async fn serve(self, data: &DataDir) -> Result<Postgres, StackError> {
        let mut failure = None;
        for _ in 0..PORT_TRIES {
            let port = self.site.port()?;
            let program = Program::new("postgres", self.programs.join("postgres"), data)
                .args(arguments(&self.home, port, self.durability, &self.site))
                .user(self.user.clone())
                .namespace(self.site.namespace())
                .stop_signal(Signal::SIGINT);
            let process = ServerProcess::spawn(program)?;
            let mut postgres = Postgres { process, port, cluster: self.clone() };
            match postgres.ready().await {
                Ok(()) => return Ok(postgres),
                Err(StackError::Server { tail, .. }) if tail.contains("Address already in use") => {}
                Err(error) => failure = Some(error),
            }
            if failure.is_some() {
                break;
            }
        }
        Err(failure.unwrap_or(StackError::NoFreePort { tries: PORT_TRIES }))
    }
}

/// A running Postgres of our own.
#[derive(Debug)]
pub struct Postgres {
    process: ServerProcess,
    port: u16,
    cluster: Cluster,
}

impl Postgres {
    /// Starts the cluster in `data`, making it first if needed, and waits until it answers.
    pub async fn start(data: &DataDir, durability: Durability) -> Result<Self, StackError> {
        Self::start_at(data, durability, Site::loopback()).await
    }

    /// The same at another site.
    pub async fn start_at(data: &DataDir, durability: Durability, site: Site) -> Result<Self, StackError> {
        let user = ServerUser::when_root()?;
        let home = place(data, user.as_ref())?;
        let programs = find_programs(&home)?;
        let password = prepare(data, &home, &programs, user.as_ref(), durability, &site).await?;
        Cluster { home, programs, user, durability, password, site }.serve(data).await
    }

    /// The address of `database`, with the password in it: not for logs.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{OWNER}:{}@{}:{}/{database}", self.cluster.password, self.cluster.site.host(), self.port)
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Makes an empty database unless there is one of this name. Names are the caller's own, in `a-z0-9_`.
    pub async fn create_database(&self, name: &str) -> Result<String, StackError> {
        create_database(&self.url("postgres"), name, None).await?;
        Ok(self.url(name))
    }

    /// What it runs on.
    pub(super) fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// The process, to look at it or to pause it.
    pub fn process(&mut self) -> &mut ServerProcess {
        &mut self.process
    }

    /// Ends it in order (a fast shutdown).
    pub async fn stop(&mut self) {
        self.process.stop(STOP_GRACE).await;
    }

    /// Asks it to end in order and returns at once.
    pub fn ask_to_stop(&mut self) {
        self.process.ask_to_stop();
    }

    /// Kills every process of it, as a crash would.
    pub fn stop_hard(&mut self) {
        self.process.stop_hard();
    }

    /// Starts it again on the same port and data, after a stop of either kind or from running.
    pub async fn restart(&mut self) -> Result<(), StackError> {
        self.stop().await;
        self.process.start()?;
        self.ready().await
    }

    /// Stops all its processes in their tracks: nothing answers, connections stay open.
    pub fn pause(&self) {
        self.process.pause();
    }

    /// Lets a paused server go on.
    pub fn resume(&self) {
        self.process.resume();
    }

    /// Waits until it takes a connection and answers.
    async fn ready(&mut self) -> Result<(), StackError> {
        let url = self.url("postgres");
        let deadline = Deadline::after(READY_LIMIT);
        while connect(&url).await.is_err() {
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

fn arguments(home: &Path, port: u16, durability: Durability, site: &Site) -> Vec<String> {
    let mut arguments = vec!["-D".to_owned(), home.display().to_string(), "-p".to_owned(), port.to_string()];
    // One with peers may be reached by more than one address.
    let addresses = if site.peers().is_some() { "*".to_owned() } else { site.host().to_string() };
    arguments.extend(["-c".to_owned(), format!("listen_addresses={addresses}")]);
    let common = [
        // No socket file: its path may not exceed 107 bytes, and a data folder's can.
        "unix_socket_directories=",
        "password_encryption=scram-sha-256",
        "max_connections=200",
        "max_wal_size=2GB",
        "synchronous_commit=on",
        "log_checkpoints=off",
        "log_line_prefix=%m [%p] %d ",
        "timezone=UTC",
        "log_timezone=UTC",
    ];
    for setting in common.iter().map(|setting| (*setting).to_owned()).chain(durability.settings()) {
        arguments.extend(["-c".to_owned(), setting]);
    }
    arguments
}

/// Makes the cluster if there is none, and returns its owner's password.
async fn prepare(
    data: &DataDir,
    home: &Path,
    programs: &Path,
    user: Option<&ServerUser>,
    durability: Durability,
    site: &Site,
) -> Result<String, StackError> {
    let password_file = data.root().join("postgres.password");
    if home.join("PG_VERSION").exists() {
        let password = fs::read_to_string(&password_file).map_err(StackError::io("read", &password_file))?;
        return Ok(password.trim().to_owned());
    }
    let password = random_hex(24);
    write_private(&password_file, &format!("{password}\n"))?;
    // An initdb that was killed leaves a folder that the next one would refuse.
    for entry in fs::read_dir(home).map_err(StackError::io("list", home))?.flatten() {
        let removed =
            if entry.path().is_dir() { fs::remove_dir_all(entry.path()) } else { fs::remove_file(entry.path()) };
        removed.map_err(StackError::io("remove", &entry.path()))?;
    }
    init(data, home, programs, user, durability, &password).await?;
    if let Some(peers) = site.peers() {
        let_in(home, peers)?;
    }
    Ok(password)
}

async fn init(
    data: &DataDir,
    home: &Path,
    programs: &Path,
    user: Option<&ServerUser>,
    durability: Durability,
    password: &str,
) -> Result<(), StackError> {
    // The other user must read the password once: it lies beside the cluster, theirs alone, until initdb has ended.
    let once = home.with_extension("once");
    write_private(&once, password)?;
    if let Some(user) = user {
        user.own(&once)?;
    }
    let program = Program::new("initdb", programs.join("initdb"), data)
        .args(["-U", OWNER, "--encoding=UTF8", "--locale=C.UTF-8"])
        .args(["--auth-local=scram-sha-256", "--auth-host=scram-sha-256"])
        .args((durability == Durability::Process).then_some("--no-sync"))
        .args([Path::new("--pwfile"), &once, Path::new("-D"), home])
        .user(user.cloned());
    let mut process = ServerProcess::spawn(program)?;
    let status = process.wait().await?;
    fs::remove_file(&once).map_err(StackError::io("remove", &once))?;
    if status.success() { Ok(()) } else { Err(process.failure(format!("failed with {status}"))) }
}

/// Lets the owner in from the network `peers` too, as initdb lets it in from the loopback address.
fn let_in(home: &Path, peers: &str) -> Result<(), StackError> {
    let path = home.join("pg_hba.conf");
    let known = fs::read_to_string(&path).map_err(StackError::io("read", &path))?;
    let more = ["all", "replication"].map(|what| format!("host {what} all {peers} scram-sha-256\n")).concat();
    // Written in place: the file stays its user's.
    fs::write(&path, known + &more).map_err(StackError::io("write", &path))
}

/// One connection, without statement logging.
pub(crate) async fn connect(url: &str) -> Result<PgConnection, sqlx::Error> {
    let options: sqlx::postgres::PgConnectOptions = url.parse()?;
    let options = options.disable_statement_logging();
    match tokio::time::timeout(Duration::from_secs(10), options.connect()).await {
        Ok(connection) => connection,
        Err(_) => Err(sqlx::Error::PoolTimedOut),
    }
}

/// Makes the database `name`, as a copy of `template` if given, unless it is there. `admin` is the address of another one.
pub(crate) async fn create_database(admin: &str, name: &str, template: Option<&str>) -> Result<(), StackError> {
    let doing = || format!("create the database {name}");
    let mut connection = connect(admin).await.map_err(StackError::database(doing()))?;
    let exists: Option<i32> = sqlx::query_scalar("SELECT 1 FROM pg_database WHERE datname = $1")
        .bind(name)
        .fetch_optional(&mut connection)
        .await
        .map_err(StackError::database(doing()))?;
    if exists.is_none() {
        let template = template.unwrap_or("template0");
        let statement = format!("CREATE DATABASE {} TEMPLATE {}", identifier(name)?, identifier(template)?);
        connection.execute(AssertSqlSafe(statement)).await.map_err(StackError::database(doing()))?;
    }
    let _ = connection.close().await;
    Ok(())
}

/// A name in quotes. Only what needs no escaping is taken.
pub(crate) fn identifier(name: &str) -> Result<String, StackError> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !name.is_empty() && name.len() <= 63 && name.chars().all(plain) {
        return Ok(format!("\"{name}\""));
    }
    Err(StackError::Invalid {
        what: format!("the database name {name:?}"),
        reason: "use 1 to 63 of a-z, 0-9 and _".to_owned(),
    })
}

/// Where the cluster of `data` lies.
pub(crate) fn home_link(data: &DataDir) -> PathBuf {
    data.root().join("postgres")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_database_names_are_taken() {
        assert_eq!(identifier("shop_1").unwrap(), "\"shop_1\"");
        for bad in ["", "Shop", "a\"b", "a b", "a;b", &"x".repeat(64)] {
            assert!(identifier(bad).is_err(), "{bad}");
        }
    }
}
