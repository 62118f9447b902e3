//! Where an upstream listens.

use std::fmt;
use std::str::FromStr;

/// A host and a port, not yet resolved.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    /// A name, an IPv4 address, or an IPv6 address without its brackets.
    pub host: Box<str>,
    /// The TCP port.
    pub port: u16,
}

/// The text is no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It is not `host:port`.
    #[error("expected `host:port`")]
    Form,
    /// It asks for TLS, which is said elsewhere.
    #[error("write `tls = true` in the upstream, and `host:port` here")]
    Tls,
}

// === impl Address ===

impl FromStr for Address {
    type Err = AddressError;

    /// `host:port`, or what people have at hand: `http://host:port/`, where 80 is the port that may be left away.
    fn from_str(text: &str) -> Result<Self, AddressError> {
        if text.starts_with("https://") {
            return Err(AddressError::Tls);
        }
        let url = text.strip_prefix("http://").map(|rest| rest.strip_suffix('/').unwrap_or(rest));
        let text = url.unwrap_or(text);
        let (host, port) = match text.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')) {
            Some((host, port)) => (host, port.parse().ok().filter(|&port| port != 0).ok_or(AddressError::Form)?),
            None if url.is_some() => (text, 80),
            None => return Err(AddressError::Form),
        };
        let host = match host.strip_prefix('[') {
            Some(inner) => {
                let inner = inner.strip_suffix(']').ok_or(AddressError::Form)?;
                inner.parse::<std::net::Ipv6Addr>().map_err(|_| AddressError::Form)?;
                inner
            }
            None => host,
        };
        let name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        let known = !host.is_empty() && (host.bytes().all(name) || text.starts_with('['));
        if known { Ok(Self { host: host.into(), port }) } else { Err(AddressError::Form) }
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
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_are_host_and_port() {
        for text in ["127.0.0.1:80", "origin:9000", "[::1]:9000", "a_b.example-1.com:1"] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
        for (url, address) in [
            ("http://origin:9000", "origin:9000"),
            ("http://origin:9000/", "origin:9000"),
            ("http://origin", "origin:80"),
            ("http://[::1]/", "[::1]:80"),
        ] {
            assert_eq!(url.parse::<Address>().unwrap().to_string(), address);
        }
        for text in ["", ":80", "origin", "origin:0", "origin:65536", "[::1:80", "::1:80", "[x]:1", "[::1]"] {
            assert_eq!(text.parse::<Address>(), Err(AddressError::Form), "{text}");
        }
        for text in ["http://", "http://origin/path", "http://origin:9000//", "http://a@b:1", "ftp://origin:1"] {
            assert_eq!(text.parse::<Address>(), Err(AddressError::Form), "{text}");
        }
        assert_eq!("https://origin".parse::<Address>(), Err(AddressError::Tls));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,20}") {
            let _ = text.parse::<Address>();
        }
    }
}
