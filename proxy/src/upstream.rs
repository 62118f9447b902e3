//! Who is asked where the cache cannot answer. Plain data: connecting is the engine's part.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

/// One upstream of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// Its name, for rules, logs and metrics.
    pub name: Arc<str>,
    /// Where it listens; at least one. A connection that is refused goes on to the next.
    pub addresses: Vec<Address>,
    /// Whether it is spoken to over TLS; the server name is then the Host that is sent.
    pub tls: bool,
    /// The Host field that it is sent; absent to send the client's.
    pub host: Option<Arc<str>>,
    /// Taken off the front of the path before it is asked, such as `/static`; without a slash at its end.
    pub strip_prefix: Option<Arc<str>>,
    /// Put before the path, after [`Upstream::strip_prefix`], such as `/bucket`; without a slash at its end.
    pub path_prefix: Option<Arc<str>>,
    /// Longest wait for a connection.
    pub connect_timeout: Duration,
    /// Longest wait for the next bytes of a response.
    pub read_timeout: Duration,
    /// Longest wait until the next bytes of a request are taken.
    pub write_timeout: Duration,
    /// Whether each of its answers shows every write that was acknowledged before it was asked (invalidation protocol,
    /// rule 6). What comes from an upstream that neither does so nor [speaks epochs](Self::speaks_epochs) is outside the promise.
    pub reads_through: bool,
    /// Whether it understands `Cache-Min-Epoch` and answers `Cache-Epoch`, as Vitrine's origin does.
    pub speaks_epochs: bool,
}

/// A host and a port, not yet resolved.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    /// A name, an IPv4 address, or an IPv6 address without its brackets.
    pub host: Box<str>,
    /// The TCP port.
    pub port: u16,
}

/// The text is not `host:port`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected `host:port`")]
pub struct AddressError;

// === impl Upstream ===

impl Upstream {
    /// The path and query that this upstream is asked for, from the canonical one.
    pub fn request_target(&self, path_and_query: &str) -> String {
        let mut rest = path_and_query;
        if let Some(strip) = self.strip_prefix.as_deref()
            && let Some(after) = path_and_query.strip_prefix(strip)
            && (after.is_empty() || after.starts_with(['/', '?']))
        {
            rest = after;
        }
        let prefix = self.path_prefix.as_deref().unwrap_or_default();
        let mut target = String::with_capacity(prefix.len() + rest.len() + 1);
        target.push_str(prefix);
        if !rest.starts_with('/') {
            target.push('/');
        }
        target.push_str(rest);
        target
    }
}

// === impl Address ===

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let (host, port) = text.rsplit_once(':').ok_or(AddressError)?;
        let port = port.parse().ok().filter(|&port| port != 0).ok_or(AddressError)?;
        let host = match host.strip_prefix('[') {
            Some(inner) => {
                let inner = inner.strip_suffix(']').ok_or(AddressError)?;
                inner.parse::<std::net::Ipv6Addr>().map_err(|_| AddressError)?;
                inner
            }
            None => host,
        };
        let name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        let known = !host.is_empty() && (host.bytes().all(name) || text.starts_with('['));
        if known { Ok(Self { host: host.into(), port }) } else { Err(AddressError) }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upstream(strip: Option<&str>, prefix: Option<&str>) -> Upstream {
        Upstream {
            name: "media".into(),
            addresses: vec!["127.0.0.1:3900".parse().unwrap()],
            tls: false,
            host: None,
            strip_prefix: strip.map(Into::into),
            path_prefix: prefix.map(Into::into),
            connect_timeout: Duration::from_secs(1),
            read_timeout: Duration::from_secs(1),
            write_timeout: Duration::from_secs(1),
            reads_through: false,
            speaks_epochs: false,
        }
    }

    #[test]
    fn prefixes_are_taken_off_and_put_on_at_segment_bounds() {
        let media = upstream(Some("/static"), Some("/bucket"));
        for (asked, sent) in [
            ("/static/a/b.jpg", "/bucket/a/b.jpg"),
            ("/static/a?w=1", "/bucket/a?w=1"),
            ("/static", "/bucket/"),
            ("/static?w=1", "/bucket/?w=1"),
            ("/statics/a", "/bucket/statics/a"),
        ] {
            assert_eq!(media.request_target(asked), sent, "{asked}");
        }
        assert_eq!(upstream(None, None).request_target("/a?b"), "/a?b");
    }

    #[test]
    fn addresses_are_host_and_port() {
        for text in ["127.0.0.1:80", "origin:9000", "[::1]:9000", "a_b.example-1.com:1"] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
        for text in ["", ":80", "origin", "origin:0", "origin:65536", "http://origin:80", "[::1:80", "::1:80", "[x]:1"]
        {
            assert_eq!(text.parse::<Address>(), Err(AddressError), "{text}");
        }
    }
}
