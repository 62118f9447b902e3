//! Where a server runs: its address, and the network namespace that it is put into.

use std::fs::File;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use nix::sched::{CloneFlags, setns};

use super::{StackError, free_port};

/// An address of a server's own. Without more said that is 127.0.0.1 in our own network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    host: Ipv4Addr,
    port: Option<u16>,
    namespace: Option<PathBuf>,
    peers: Option<String>,
}

impl Site {
    /// On 127.0.0.1, on a port that is free.
    pub fn loopback() -> Self {
        Self { host: Ipv4Addr::LOCALHOST, port: None, namespace: None, peers: None }
    }

    /// On an address and port of its own, reached by clients in `peers`, a network such as `10.0.0.0/24`.
    pub fn at(host: Ipv4Addr, port: u16, peers: impl Into<String>) -> Self {
        Self { host, port: Some(port), namespace: None, peers: Some(peers.into()) }
    }

    /// The same within the network namespace of this file, such as `/run/netns/NAME`.
    #[must_use]
    pub fn within(mut self, namespace: Option<PathBuf>) -> Self {
        self.namespace = namespace;
        self
    }

    /// The address.
    pub fn host(&self) -> Ipv4Addr {
        self.host
    }

    /// The namespace's file.
    pub fn namespace(&self) -> Option<&Path> {
        self.namespace.as_deref()
    }

    /// The network that clients come from, where it is more than this machine's loopback.
    pub(crate) fn peers(&self) -> Option<&str> {
        self.peers.as_deref()
    }

    /// Its port, or a free one.
    pub(crate) fn port(&self) -> Result<u16, StackError> {
        self.port.map_or_else(free_port, Ok)
    }
}

/// Starts `command` in the namespace of this file.
///
/// A namespace is entered by a thread, and a child has that of the thread which made it: so a thread is made for it.
pub(crate) fn spawn_within(namespace: &Path, command: &mut Command) -> std::io::Result<Child> {
    let enter_and_spawn = || {
        setns(File::open(namespace)?, CloneFlags::CLONE_NEWNET)?;
        command.spawn()
    };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().spawn_scoped(scope, enter_and_spawn)?;
        thread.join().unwrap_or_else(|_| Err(std::io::Error::other("the thread that starts it panicked")))
    })
}
