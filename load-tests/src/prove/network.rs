//! A network of the run's own: a namespace with an address for each server, joined by a bridge, that can be cut and slowed.
//!
//! Without the right to make namespaces every server has a loopback address of its own, and nothing can be cut.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::error::{ProveError, system};
use crate::stack::Site;

/// Held for as long as a run has its namespaces.
const LOCK: &str = "/run/lock/vitrine-prove.lock";
const PREFIX: &str = "vprove-";
const BRIDGE: &str = "vprove";
const MASK: &str = "24";
/// What a slowed server sends, in all.
const SLOW: [&str; 6] = ["rate", "2mbit", "burst", "16kb", "latency", "400ms"];
/// Databases that can follow each other.
const DATABASES: u8 = 4;
const DATABASE_PORT: u16 = 5432;
/// Without namespaces databases need ports of their own, above those of servers that may be installed.
const LOOPBACK_PORT: u16 = 25_432;

/// A server's place in the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Node {
    Edge(u8),
    Origin(u8),
    Redis,
    /// The database that is the first, or has followed so many.
    Postgres(u8),
}

/// Packets from one to the other that get lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cut {
    pub(super) from: Node,
    pub(super) to: Node,
}

/// The network; removed when it is dropped.
#[derive(Debug)]
pub(super) struct Network {
    divided: bool,
    nodes: Vec<Node>,
    _lock: Option<File>,
}

impl Node {
    fn number(self) -> u8 {
        match self {
            Self::Edge(index) => 11 + index,
            Self::Origin(index) => 21 + index,
            Self::Redis => 31,
            Self::Postgres(index) => 41 + index,
        }
    }
}

impl std::fmt::Display for Node {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Edge(index) => write!(formatter, "edge-{index}"),
            Self::Origin(index) => write!(formatter, "origin-{index}"),
            Self::Redis => write!(formatter, "redis"),
            Self::Postgres(index) => write!(formatter, "postgres-{index}"),
        }
    }
}

/// That no other run goes on; with nothing in it where namespaces cannot be made anyway.
pub(super) struct Held(Option<File>);

impl Network {
    /// Sees to it that no other run has namespaces or uses the same folder.
    pub(super) fn hold() -> Result<Held, ProveError> {
        Ok(Held(nix::unistd::geteuid().is_root().then(lock).transpose()?))
    }

    /// Makes it. What a killed run left is removed first.
    pub(super) fn make(held: Held, edges: u8, origins: u8) -> Self {
        let mut nodes: Vec<Node> = (0..edges).map(Node::Edge).chain((0..origins).map(Node::Origin)).collect();
        nodes.push(Node::Redis);
        nodes.extend((0..DATABASES).map(Node::Postgres));
        let Held(Some(lock)) = held else {
            println!("prove: only root may make network namespaces: no partitions, so this run cannot pass");
            return Self { divided: false, nodes, _lock: None };
        };
        remove();
        let network = Self { divided: true, nodes, _lock: Some(lock) };
        match network.build() {
            Ok(()) => network,
            Err(error) => {
                println!("prove: no network namespaces ({error}): no partitions, so this run cannot pass");
                remove();
                Self { divided: false, nodes: network.nodes.clone(), _lock: None }
            }
        }
    }

    /// Whether servers can be cut off from each other.
    pub(super) fn is_divided(&self) -> bool {
        self.divided
    }

    /// The address of a server.
    pub(super) fn host(&self, node: Node) -> Ipv4Addr {
        self.address(node.number())
    }

    /// The address of whoever writes and reads, and of the media.
    pub(super) fn client(&self) -> Ipv4Addr {
        self.address(1)
    }

    /// Where the database is found, whichever server it is.
    pub(super) fn database(&self) -> (Ipv4Addr, u16) {
        if self.divided { (self.address(40), DATABASE_PORT) } else { (self.host(Node::Postgres(0)), LOOPBACK_PORT) }
    }

    /// The namespace of a server.
    pub(super) fn namespace(&self, node: Node) -> Option<PathBuf> {
        self.divided.then(|| PathBuf::from(format!("/run/netns/{PREFIX}{node}")))
    }

    /// Where a server listens. Databases have a port of their own.
    pub(super) fn site(&self, node: Node, port: u16) -> Site {
        let port = match node {
            Node::Postgres(index) if !self.divided => LOOPBACK_PORT + u16::from(index),
            Node::Postgres(_) => DATABASE_PORT,
            _ => port,
        };
        let peers = if self.divided { "10.213.77.0/24" } else { "127.0.0.0/8" };
        Site::at(self.host(node), port, peers).within(self.namespace(node))
    }

    fn address(&self, last: u8) -> Ipv4Addr {
        if self.divided { Ipv4Addr::new(10, 213, 77, last) } else { Ipv4Addr::new(127, 213, 77, last) }
    }

    fn build(&self) -> Result<(), ProveError> {
        ip(&["link", "add", BRIDGE, "type", "bridge"])?;
        ip(&["addr", "add", &format!("{}/{MASK}", self.client()), "dev", BRIDGE])?;
        ip(&["link", "set", BRIDGE, "up"])?;
        for node in &self.nodes {
            let (name, link) = (format!("{PREFIX}{node}"), format!("vprove{}", node.number()));
            ip(&["netns", "add", &name])?;
            ip(&["link", "add", &link, "type", "veth", "peer", "name", "eth0", "netns", &name])?;
            ip(&["link", "set", &link, "master", BRIDGE, "up"])?;
            ip(&["-n", &name, "addr", "add", &format!("{}/{MASK}", self.host(*node)), "dev", "eth0"])?;
            ip(&["-n", &name, "link", "set", "eth0", "up"])?;
            ip(&["-n", &name, "link", "set", "lo", "up"])?;
            let chain =
                "add table ip prove; add chain ip prove in { type filter hook input priority 0; policy accept; }";
            nft(&name, chain)?;
        }
        Ok(())
    }

    /// Gives the database's address to this server, and takes it from all others.
    pub(super) fn move_database(&self, to: Node) -> Result<(), ProveError> {
        if !self.divided {
            return Ok(());
        }
        let address = format!("{}/{MASK}", self.database().0);
        for node in self.nodes.iter().filter(|node| matches!(node, Node::Postgres(_)) && **node != to) {
            // It is there on one of them at most.
            let _ = ip(&["-n", &format!("{PREFIX}{node}"), "addr", "del", &address, "dev", "eth0"]);
        }
        let name = format!("{PREFIX}{to}");
        ip(&["-n", &name, "addr", "add", &address, "dev", "eth0"])?;
        // Who asked the old one before must not go on with its hardware address.
        ip(&["neigh", "flush", "dev", BRIDGE])?;
        for node in &self.nodes {
            ip(&["-n", &format!("{PREFIX}{node}"), "neigh", "flush", "dev", "eth0"])?;
        }
        Ok(())
    }

    /// Loses these packets from now on, without a word to either side.
    pub(super) fn cut(&self, cuts: &[Cut]) -> Result<(), ProveError> {
        for cut in cuts {
            let mut from = vec![self.host(cut.from).to_string()];
            if let Node::Postgres(_) = cut.from {
                from.push(self.database().0.to_string());
            }
            let rule = format!("add rule ip prove in ip saddr {{ {} }} drop", from.join(", "));
            nft(&format!("{PREFIX}{}", cut.to), &rule)?;
        }
        Ok(())
    }

    /// Slows what this server sends.
    pub(super) fn slow(&self, node: Node) -> Result<(), ProveError> {
        if !self.divided {
            return Ok(());
        }
        let name = format!("{PREFIX}{node}");
        let mut arguments = vec!["-n", &name, "qdisc", "replace", "dev", "eth0", "root", "tbf"];
        arguments.extend(SLOW);
        call("tc", &arguments)
    }

    /// Ends cuts and slowness everywhere.
    pub(super) fn heal(&self) -> Result<(), ProveError> {
        if !self.divided {
            return Ok(());
        }
        for node in &self.nodes {
            let name = format!("{PREFIX}{node}");
            nft(&name, "flush chain ip prove in")?;
            // It is there on those that were slowed.
            let _ = call("tc", &["-n", &name, "qdisc", "del", "dev", "eth0", "root"]);
        }
        Ok(())
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        if self.divided {
            remove();
        }
    }
}

fn lock() -> Result<File, ProveError> {
    let open = || OpenOptions::new().create(true).truncate(false).write(true).open(LOCK);
    let file = open().map_err(system(format!("open {LOCK}")))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(ProveError::Running { lock: LOCK.to_owned() }),
        Err(TryLockError::Error(source)) => Err(system(format!("lock {LOCK}"))(source)),
    }
}

/// Removes namespaces and bridge, those of a killed run too. The links end with their namespaces.
fn remove() {
    let listed = Command::new("ip").args(["netns", "list"]).output().map(|output| output.stdout).unwrap_or_default();
    let listed = String::from_utf8_lossy(&listed).into_owned();
    let names = listed.lines().filter_map(|line| line.split_whitespace().next());
    for name in names.filter(|name| name.starts_with(PREFIX)) {
        let _ = ip(&["netns", "del", name]);
    }
    let _ = ip(&["link", "del", BRIDGE]);
}

fn ip(arguments: &[&str]) -> Result<(), ProveError> {
    call("ip", arguments)
}

/// Gives a command to nftables in a namespace.
fn nft(namespace: &str, command: &str) -> Result<(), ProveError> {
    let what = || format!("run nft in {namespace} (package nftables)");
    let mut child = Command::new("ip")
        .args(["netns", "exec", namespace, "nft", "-f", "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(system(what()))?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(command.as_bytes()).map_err(system(what()))?;
    }
    told(&what(), &child.wait_with_output().map_err(system(what()))?)
}

fn call(program: &str, arguments: &[&str]) -> Result<(), ProveError> {
    let what = || format!("run {program} {}", arguments.join(" "));
    told(&what(), &Command::new(program).args(arguments).output().map_err(system(what()))?)
}

fn told(what: &str, output: &std::process::Output) -> Result<(), ProveError> {
    if output.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(system(what)(std::io::Error::other(words)))
}
