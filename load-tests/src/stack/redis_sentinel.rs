//! A master, its replicas, and the Sentinels that promote one of them.

use std::time::Duration;

use super::redis::Role;
use super::{DataDir, Redis, Site, StackError, random_hex, wait_until};

/// The master's name among the Sentinels.
const SERVICE: &str = "shop";
/// Sentinels, of which more than half must agree.
const SENTINELS: usize = 3;
/// A server that is silent for so long counts as down, in milliseconds.
const DOWN_AFTER_MS: u32 = 500;
/// Between two attempts of a failover, in milliseconds.
const FAILOVER_MS: u32 = 3_000;
/// How long Sentinels may take to find each other and the replicas.
const READY_LIMIT: Duration = Duration::from_secs(30);

/// A running master with replicas and Sentinels; the Sentinels have a password of their own.
#[derive(Debug)]
pub struct RedisSentinel {
    /// The servers, the first master first; any of them may be master later.
    pub servers: Vec<Redis>,
    sentinels: Vec<Redis>,
    password: String,
    sentinel_password: String,
}

// === impl RedisSentinel ===

impl RedisSentinel {
    /// Starts a master with so many replicas, and three Sentinels; they know each other when this returns.
    pub async fn start(data: &DataDir, replicas: usize) -> Result<Self, StackError> {
        Self::start_at(data, &vec![Site::loopback(); replicas + 1], &vec![Site::loopback(); SENTINELS]).await
    }

    /// The same with a server at each of these sites.
    pub async fn start_at(data: &DataDir, servers: &[Site], sentinels: &[Site]) -> Result<Self, StackError> {
        let (password, sentinel_password) = (random_hex(24), random_hex(24));
        let mut group = Self { servers: Vec::new(), sentinels: Vec::new(), password, sentinel_password };
        for (index, site) in servers.iter().enumerate() {
            let follows = group.servers.first().map(|master| {
                let address = master.address();
                format!("replicaof {} {}\n", address.ip(), address.port())
            });
            let role = Role {
                name: format!("redis-{index}"),
                password: group.password.clone(),
                settings: format!(
                    "masterauth {}\nrepl-diskless-sync-delay 0\n{}",
                    group.password,
                    follows.unwrap_or_default()
                ),
                sentinel: false,
            };
            group.servers.push(Redis::start_as(data, site, &role).await?);
        }
        for (index, site) in sentinels.iter().enumerate() {
            let role = Role {
                name: format!("sentinel-{index}"),
                password: group.sentinel_password.clone(),
                settings: group.watching(sentinels.len() / 2 + 1),
                sentinel: true,
            };
            group.sentinels.push(Redis::start_as(data, site, &role).await?);
        }
        wait_until("the Sentinels know all servers", READY_LIMIT, async || group.knows_all().await).await?;
        Ok(group)
    }

    fn watching(&self, quorum: usize) -> String {
        let Some(master) = self.servers.first().map(Redis::address) else { return String::new() };
        format!(
            "sentinel monitor {SERVICE} {} {} {quorum}\nsentinel auth-pass {SERVICE} {}\nsentinel sentinel-pass {}\n\
             sentinel down-after-milliseconds {SERVICE} {DOWN_AFTER_MS}\nsentinel failover-timeout {SERVICE} {FAILOVER_MS}\n",
            master.ip(),
            master.port(),
            self.password,
            self.sentinel_password,
        )
    }

    /// The address by which clients find the master, with the passwords in it: not for logs.
    pub fn url(&self) -> String {
        let sentinels: Vec<_> = self.sentinels.iter().map(|sentinel| sentinel.address().to_string()).collect();
        format!(
            "redis+sentinel://:{}@{}/{SERVICE}?sentinel_password={}",
            self.password,
            sentinels.join(","),
            self.sentinel_password
        )
    }

    /// Which of the servers is master, as all Sentinels that answer agree.
    pub async fn master(&self) -> Option<usize> {
        let mut named = Vec::new();
        for sentinel in &self.sentinels {
            if let Some(answer) = sentinel.ask(&format!("SENTINEL GET-MASTER-ADDR-BY-NAME {SERVICE}")).await {
                // *2, $length, host, $length, port
                let port = answer.split("\r\n").nth(4).and_then(|port| port.parse::<u16>().ok())?;
                named.push(port);
            }
        }
        let first = *named.first()?;
        let agreed = named.iter().all(|port| *port == first);
        agreed.then(|| self.servers.iter().position(|server| server.port() == first)).flatten()
    }

    /// Whether this server says that it is a replica, whose link to its master is up.
    pub async fn is_replica(&self, server: usize) -> bool {
        self.servers[server].is_replica().await
    }

    async fn knows_all(&self) -> bool {
        let (replicas, others) = (self.servers.len() - 1, self.sentinels.len() - 1);
        for sentinel in &self.sentinels {
            let Some(answer) = sentinel.ask(&format!("SENTINEL MASTER {SERVICE}")).await else { return false };
            let words: Vec<_> = answer.split("\r\n").filter(|line| !line.starts_with(['$', '*'])).collect();
            let value = |name: &str| words.iter().position(|word| *word == name).and_then(|at| words.get(at + 1));
            let counts = |name: &str, expected: usize| value(name).is_some_and(|count| *count == expected.to_string());
            if !counts("num-slaves", replicas)
                || !counts("num-other-sentinels", others)
                || value("flags") != Some(&"master")
            {
                return false;
            }
        }
        for server in 1..self.servers.len() {
            if !self.is_replica(server).await {
                return false;
            }
        }
        true
    }
}
