//! The sequencer's settings.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use toml::Spanned;

use super::listen;
use super::problems::Problems;
use super::raw::RawSequencer;
use super::secret::Secret;

/// Numbers purges for all edges whose origin is not Vitrine's (`docs/protocol.md`).
#[derive(Clone, Debug, PartialEq)]
pub struct Sequencer {
    /// For edges, and never for strangers.
    pub listen: SocketAddr,
    /// The token for it.
    pub token: Secret,
    /// The folder of its journal, which is its own.
    pub journal: PathBuf,
    /// How long a lease lasts.
    pub lease: Duration,
}

/// How long a lease lasts, where nothing is said: the protocol's default.
const LEASE: Duration = Duration::from_secs(3);
/// Shortest and longest lease: renewals must come in time, and purges must not wait for a dead edge for long.
const LEASES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(1));

// === impl Sequencer ===

impl Sequencer {
    /// Where it is reached from this machine.
    pub(super) fn own_url(&self) -> String {
        let ip = match self.listen.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        format!("http://{}", SocketAddr::new(ip, self.listen.port()))
    }
}

pub(super) fn compile(raw: RawSequencer, problems: &mut Problems<'_>) -> Option<Sequencer> {
    let listen = listen::address(&raw.listen, problems);
    if listen.is_some_and(|listen| listen.port() == 0) {
        let help = "such as \"0.0.0.0:9101\"";
        problems.error(&raw.listen, "`listen` must name a port, under which edges find it", Some(help.to_owned()));
    }
    if raw.token.get_ref().is_empty() {
        let help = "whoever reaches the port purges everything: set one, such as \"${SEQUENCER_TOKEN}\"";
        problems.error(&raw.token, "the token is empty", Some(help.to_owned()));
    }
    let journal = PathBuf::from(raw.journal.get_ref());
    if journal.parent().is_none() {
        let help = "it is made where it is not there, and nothing else may lie in it";
        problems.error(&raw.journal, "`journal` must name a folder of its own", Some(help.to_owned()));
    }
    let lease = problems.duration_or(raw.lease.as_ref(), LEASE);
    if lease.is_some_and(|lease| !(LEASES.0..=LEASES.1).contains(&lease)) {
        problems.error_at_key(raw.lease.as_ref(), "`lease` must be from 1s to 1m", None);
    }
    Some(Sequencer { listen: listen?, token: Spanned::into_inner(raw.token), journal, lease: lease? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::testing::{load, told};

    const TABLE: &str = "[sequencer]\nlisten = \":9101\"\ntoken = \"t\"\njournal = \"j\"\n";

    #[test]
    fn the_edge_of_a_sequencer_follows_it_unless_it_is_told_otherwise() {
        assert!(load("").unwrap().sequencer.is_none());
        let config = load(TABLE).unwrap();
        let (sequencer, feed) = (config.sequencer.unwrap(), config.feed.unwrap());
        assert_eq!((sequencer.lease, sequencer.journal), (LEASE, PathBuf::from("j")));
        assert_eq!((feed.url.as_str(), feed.token.expose(), feed.redis), ("http://127.0.0.1:9101", "t", None));
        let own = format!("{TABLE}lease = \"20s\"\n[feed]\nurl = \"http://h:1\"\ntoken = \"u\"");
        assert_eq!(load(&own).unwrap().feed.unwrap().url, "http://h:1");
        assert_eq!(load(&TABLE.replace(":9101", "[::]:1")).unwrap().feed.unwrap().url, "http://[::1]:1");
    }

    #[test]
    fn what_cannot_be_is_told_at_its_line() {
        for (from, to, line, says) in [
            (":9101", "h", 7, "an address to listen on"),
            (":9101", "127.0.0.1:0", 7, "must name a port"),
            ("\"t\"", "\"\"", 8, "the token is empty"),
            ("\"j\"", "\"/\"", 9, "a folder of its own"),
            ("\"j\"", "\"j\"\nlease = \"2m\"", 10, "from 1s to 1m"),
        ] {
            let told = told(load(&TABLE.replace(from, to)).unwrap_err());
            assert!(told[0].starts_with(&format!("{line}: ")) && told[0].contains(says), "{to}: {told:?}");
        }
    }
}
