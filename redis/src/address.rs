//! The forms of a Redis address.

use std::fmt;
use std::str::FromStr;

use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _, RedisConnectionInfo};
use serde::Deserialize;
use url::Url;

/// Sentinel's port, where none is written.
const SENTINEL_PORT: u16 = 26_379;
/// Most servers that an address names.
const MAX_HOSTS: usize = 64;

/// Where Redis is, as a configuration says. Its passwords are never shown.
///
/// - `redis://[user:password@]host[:6379][/db]`: one server; `rediss://` by TLS.
/// - `redis+sentinel://[user:password@]host[:26379][,host...]/name[/db][?sentinel_username=U&sentinel_password=P]`: the master that
///   Sentinel knows by this name. User and password are those of the server; `rediss+sentinel://` speaks TLS with both.
/// - `redis+cluster://[user:password@]host[:6379][,host...]`: a cluster, of which some nodes are named; `rediss+cluster://` by TLS.
///
/// The forms are those of redis-py's surroundings (redis-sentinel-url, docket). Percent signs and `@ : / ? #` in passwords are written
/// in percent-encoding.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct Address {
    text: String,
    pub(crate) place: Place,
}

/// What an address says.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// One server.
    Single(Box<ConnectionInfo>),
    /// Whichever server the Sentinels name.
    Sentinel {
        /// The Sentinels, with what they ask for.
        sentinels: Vec<ConnectionInfo>,
        /// The master's name among them.
        service: String,
        /// What the master asks for.
        node: RedisConnectionInfo,
        /// Whether the master is spoken to by TLS.
        tls: bool,
    },
    /// A cluster, by some of its nodes.
    Cluster(Vec<ConnectionInfo>),
}

/// An address is none. What it says is not shown: it may hold passwords.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// No scheme that is known.
    #[error(
        "is no Redis address: it begins with redis://, rediss://, redis+sentinel://, rediss+sentinel://, redis+cluster:// or rediss+cluster://"
    )]
    Scheme,
    /// A server's address, or the user, password or database with it.
    #[error(
        "the {0} server of the Redis address cannot be read ({1}); write user:password@host:port, special characters as %XX"
    )]
    Server(Nth, String),
    /// Too many servers.
    #[error("a Redis address names at most {MAX_HOSTS} servers")]
    TooMany,
    /// An address by Sentinel without the master's name.
    #[error("a Redis address by Sentinel ends in the name of the master, such as redis+sentinel://host:26379/mymaster")]
    NoService,
    /// More after the name or database than there may be.
    #[error("a Redis address by Sentinel ends in /name or /name/db")]
    Path,
    /// A database of a cluster.
    #[error("a Redis cluster has no databases: leave /db out")]
    ClusterDatabase,
    /// A parameter that is unknown.
    #[error(
        "a Redis address by Sentinel or of a cluster has no parameter `{0}`; there are sentinel_username and sentinel_password"
    )]
    Parameter(String),
}

/// A place in a list, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nth(usize);

/// The parts of `[user:password@]host,host/path?query`.
struct Parts<'a> {
    credentials: &'a str,
    hosts: Vec<&'a str>,
    path: Vec<&'a str>,
    query: &'a str,
}

// === impl Address ===

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let (scheme, rest) = text.trim().split_once("://").ok_or(AddressError::Scheme)?;
        let place = match scheme {
            "redis" | "rediss" | "valkey" | "valkeys" | "unix" | "redis+unix" | "valkey+unix" => {
                Place::Single(Box::new(info(text.trim(), 1)?))
            }
            "redis+sentinel" => sentinel(&Parts::of(rest)?, false)?,
            "rediss+sentinel" => sentinel(&Parts::of(rest)?, true)?,
            "redis+cluster" => cluster(&Parts::of(rest)?, false)?,
            "rediss+cluster" => cluster(&Parts::of(rest)?, true)?,
            _ => return Err(AddressError::Scheme),
        };
        Ok(Self { text: text.to_owned(), place })
    }
}

impl TryFrom<String> for Address {
    type Error = AddressError;

    fn try_from(text: String) -> Result<Self, AddressError> {
        text.parse()
    }
}

impl PartialEq for Address {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Address {}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let servers =
            |infos: &[ConnectionInfo]| infos.iter().map(|info| info.addr().to_string()).collect::<Vec<_>>().join(",");
        match &self.place {
            Place::Single(info) => write!(f, "Address({})", info.addr()),
            Place::Sentinel { sentinels, service, .. } => {
                write!(f, "Address({service} by Sentinel {})", servers(sentinels))
            }
            Place::Cluster(nodes) => write!(f, "Address(cluster of {})", servers(nodes)),
        }
    }
}

fn sentinel(parts: &Parts<'_>, tls: bool) -> Result<Place, AddressError> {
    let (service, database) = match parts.path.as_slice() {
        [] => return Err(AddressError::NoService),
        [service] => (*service, ""),
        [service, database] => (*service, *database),
        _ => return Err(AddressError::Path),
    };
    if service.is_empty() {
        return Err(AddressError::NoService);
    }
    // The first host stands in for the master, whose address nobody knows yet.
    let first = parts.hosts.first().copied().unwrap_or_default();
    let node = info(&format!("redis://{}{first}/{database}", parts.credentials), 1)?.redis_settings().clone();
    let (mut username, mut password) = (None, None);
    for (key, value) in url::form_urlencoded::parse(parts.query.as_bytes()) {
        match key.as_ref() {
            "sentinel_username" => username = Some(value),
            "sentinel_password" => password = Some(value),
            _ => return Err(AddressError::Parameter(key.into_owned())),
        }
    }
    let mut settings = RedisConnectionInfo::default();
    if let Some(username) = username.filter(|username| !username.is_empty()) {
        settings = settings.set_username(username);
    }
    if let Some(password) = password.filter(|password| !password.is_empty()) {
        settings = settings.set_password(password);
    }
    let sentinels = parts.servers("", tls, SENTINEL_PORT)?;
    let sentinels = sentinels.into_iter().map(|info| info.set_redis_settings(settings.clone())).collect();
    Ok(Place::Sentinel { sentinels, service: service.to_owned(), node, tls })
}

fn cluster(parts: &Parts<'_>, tls: bool) -> Result<Place, AddressError> {
    if let Some((key, _)) = url::form_urlencoded::parse(parts.query.as_bytes()).next() {
        return Err(AddressError::Parameter(key.into_owned()));
    }
    if !matches!(parts.path.as_slice(), [] | ["" | "0"]) {
        return Err(AddressError::ClusterDatabase);
    }
    Ok(Place::Cluster(parts.servers(parts.credentials, tls, 6_379)?))
}

/// What one URL of a server says; its place in the list is for messages.
fn info(url: &str, nth: usize) -> Result<ConnectionInfo, AddressError> {
    // The library's messages hold nothing of the text.
    url.into_connection_info()
        .map_err(|error| AddressError::Server(Nth(nth), error.detail().unwrap_or("no address").to_owned()))
}

// === impl Parts ===

impl<'a> Parts<'a> {
    fn of(rest: &'a str) -> Result<Self, AddressError> {
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let host_at = authority.rfind('@').map_or(0, |at| at + 1);
        let (credentials, hosts) = authority.split_at(host_at);
        let hosts: Vec<_> = hosts.split(',').map(str::trim).collect();
        if hosts.len() > MAX_HOSTS {
            return Err(AddressError::TooMany);
        }
        let path = path.trim_end_matches('/');
        let path = if path.is_empty() { Vec::new() } else { path.split('/').collect() };
        Ok(Self { credentials, hosts, path, query })
    }

    fn servers(&self, credentials: &str, tls: bool, port: u16) -> Result<Vec<ConnectionInfo>, AddressError> {
        let scheme = if tls { "rediss" } else { "redis" };
        let each = self.hosts.iter().enumerate().map(|(index, host)| {
            let nth = index + 1;
            let text = format!("{scheme}://{credentials}{host}");
            let has_port = Url::parse(&text).is_ok_and(|url| url.port().is_some());
            let info = info(&text, nth)?;
            if has_port {
                return Ok(info);
            }
            let addr = match info.addr().clone() {
                ConnectionAddr::Tcp(host, _) => ConnectionAddr::Tcp(host, port),
                ConnectionAddr::TcpTls { host, insecure, tls_params, .. } => {
                    ConnectionAddr::TcpTls { host, port, insecure, tls_params }
                }
                other => other,
            };
            Ok(info.set_addr(addr))
        });
        each.collect()
    }
}

impl fmt::Display for Nth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            1 => f.write_str("first"),
            2 => f.write_str("second"),
            3 => f.write_str("third"),
            nth => write!(f, "{nth}th"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Place {
        text.parse::<Address>().unwrap_or_else(|error| panic!("{text}: {error}")).place
    }

    fn shown(infos: &[ConnectionInfo]) -> Vec<String> {
        infos.iter().map(|info| info.addr().to_string()).collect()
    }

    #[test]
    fn one_server() {
        let Place::Single(info) = parse("redis://:p%40ss@h/3") else { panic!() };
        assert_eq!((info.addr().to_string(), info.redis_settings().db()), ("h:6379".into(), 3));
        assert_eq!(info.redis_settings().password(), Some("p@ss"));
        let Place::Single(info) = parse("rediss://h:1") else { panic!() };
        assert!(matches!(info.addr(), ConnectionAddr::TcpTls { insecure: false, .. }));
    }

    #[test]
    fn a_master_by_sentinel() {
        let text =
            "redis+sentinel://app:se%2Fcret@s1,s2:5000,[::1]/mymaster/2?sentinel_password=o%26ther&sentinel_username=u";
        let Place::Sentinel { sentinels, service, node, tls } = parse(text) else { panic!() };
        assert_eq!(shown(&sentinels), ["s1:26379", "s2:5000", "::1:26379"]);
        assert_eq!((service.as_str(), node.db(), tls), ("mymaster", 2, false));
        assert_eq!((node.username(), node.password()), (Some("app"), Some("se/cret")));
        for sentinel in &sentinels {
            let asked = sentinel.redis_settings();
            assert_eq!((asked.username(), asked.password(), asked.db()), (Some("u"), Some("o&ther"), 0));
        }
        let Place::Sentinel { sentinels, node, tls, .. } = parse("rediss+sentinel://:p@s/m") else { panic!() };
        assert!(tls && matches!(sentinels[0].addr(), ConnectionAddr::TcpTls { port: 26_379, .. }));
        // The server's password is not told to Sentinel.
        assert_eq!((sentinels[0].redis_settings().password(), node.password()), (None, Some("p")));
    }

    #[test]
    fn a_cluster() {
        let Place::Cluster(nodes) = parse("redis+cluster://:p@a,b:7000/0") else { panic!() };
        assert_eq!(shown(&nodes), ["a:6379", "b:7000"]);
        assert!(nodes.iter().all(|node| node.redis_settings().password() == Some("p")));
        let Place::Cluster(nodes) = parse("rediss+cluster://a") else { panic!() };
        assert!(matches!(nodes[0].addr(), ConnectionAddr::TcpTls { .. }));
    }

    #[test]
    fn what_is_no_address_is_refused_without_showing_it() {
        let table = [
            ("", AddressError::Scheme),
            ("localhost:6379", AddressError::Scheme),
            ("http://:hidden@h", AddressError::Scheme),
            ("redis+sentinel://:hidden@h", AddressError::NoService),
            ("redis+sentinel://:hidden@h//2", AddressError::NoService),
            ("redis+sentinel://:hidden@h/m/2/3", AddressError::Path),
            ("redis+sentinel://:hidden@h/m?db=2", AddressError::Parameter("db".into())),
            ("redis+cluster://:hidden@h/1", AddressError::ClusterDatabase),
            ("redis+cluster://:hidden@h?read=any", AddressError::Parameter("read".into())),
        ];
        for (text, expected) in table {
            assert_eq!(text.parse::<Address>().unwrap_err(), expected, "{text}");
        }
        for text in [
            "redis://:hidden@h:port",
            "redis://:hidden@h/db",
            "redis+sentinel://:hidden@h,:1/m",
            "redis+sentinel://:hidden@h/m/db",
            "redis+cluster://:hidden@h,,i",
            "redis+cluster://:hid/den@h",
            "redis+cluster://:hidden@0.0.0.0",
        ] {
            let error = text.parse::<Address>().unwrap_err();
            assert!(!error.to_string().contains("hid"), "{text}: {error}");
        }
    }

    #[test]
    fn a_mistake_in_a_file_names_the_place_and_not_the_password() {
        #[derive(Debug, Deserialize)]
        struct File {
            #[allow(dead_code)]
            url: Address,
        }
        let error = toml::from_str::<File>("\nurl = \"redis+sentinel://:hidden@h\"").unwrap_err();
        assert!(error.message().contains("name of the master") && !error.message().contains("hidden"), "{error}");
        assert_eq!(error.span().unwrap().start, 7);
        let file: File = toml::from_str("url = \"redis://u:hidden@h\"").unwrap();
        assert!(!format!("{file:?}").contains("hidden"));
        for text in ["redis+sentinel://:hidden@h/m?sentinel_password=hidden", "redis+cluster://:hidden@h"] {
            assert!(!format!("{:?}", text.parse::<Address>().unwrap()).contains("hidden"));
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(redis|rediss|redis\\+sentinel|redis\\+cluster)?(://)?[a-z0-9@:,/?%&=\\[\\].]{0,40}") {
            let _ = text.parse::<Address>();
        }
    }
}
