//! Which origins may read responses: the Origin field of the Fetch standard, §3.2, against a rule's list.

use std::str::FromStr;

/// Who may ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origins {
    /// Everybody, as `*` says it: the answer is the same for all.
    Any,
    /// These.
    Listed(Vec<OriginPattern>),
}

/// An origin, or many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OriginPattern {
    /// The opaque origin, `null`: of sandboxed frames and local files, whoever wrote them.
    Null,
    /// This one, as browsers write it.
    Exact(Box<str>),
    /// Many of one scheme.
    Many {
        /// The scheme, in lower case.
        scheme: Box<str>,
        /// The host, in lower case; where it begins with a dot, all hosts below that.
        host: Box<str>,
        /// The port.
        port: OriginPort,
    },
}

/// The port of many origins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OriginPort {
    /// The scheme's own, which browsers do not write, or this one.
    Is(Option<u16>),
    /// Any, the scheme's own included.
    Any,
}

/// The text is no origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "write scheme and host without a path, such as \"https://shop.example\", \"https://*.shop.example\" or \"http://localhost:*\""
)]
pub struct OriginError;

// === impl Origins ===

impl Origins {
    /// Whether this origin may ask.
    pub fn allow(&self, origin: &[u8]) -> bool {
        match self {
            Self::Any => true,
            Self::Listed(patterns) => {
                std::str::from_utf8(origin).is_ok_and(|origin| patterns.iter().any(|pattern| pattern.matches(origin)))
            }
        }
    }
}

// === impl OriginPattern ===

impl OriginPattern {
    /// Whether it matches an Origin field. Browsers write origins in one way (lower case, no default port), so others match none.
    pub fn matches(&self, origin: &str) -> bool {
        let (scheme, host, port) = match self {
            Self::Null => return origin == "null",
            Self::Exact(exact) => return **exact == *origin,
            Self::Many { scheme, host, port } => (scheme, host, *port),
        };
        let Some((given_scheme, authority)) = origin.split_once("://") else {
            return false;
        };
        let Some((given_host, given_port)) = split_port(authority) else {
            return false;
        };
        let host_fits = if host.starts_with('.') {
            given_host.len() > host.len() && given_host.ends_with(&**host) && is_name(given_host)
        } else {
            **host == *given_host
        };
        let port_fits = match port {
            OriginPort::Any => true,
            OriginPort::Is(port) => port == given_port,
        };
        given_scheme == &**scheme && host_fits && port_fits
    }
}

impl FromStr for OriginPattern {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        let text = text.to_ascii_lowercase();
        if text == "null" {
            return Ok(Self::Null);
        }
        let (scheme, authority) = text.split_once("://").ok_or(OriginError)?;
        // The slash that an address copied from a browser ends in.
        let authority = authority.strip_suffix('/').unwrap_or(authority);
        let (host, any_port) = authority.strip_suffix(":*").map_or((authority, false), |host| (host, true));
        let (host, port) = if any_port { (host, None) } else { split_port(host).ok_or(OriginError)? };
        let (bare, below) = host.strip_prefix("*.").map_or((host, false), |bare| (bare, true));
        let scheme_fits = scheme.starts_with(|first: char| first.is_ascii_lowercase())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
        if !scheme_fits || !(is_name(bare) || (!below && is_ipv6(bare))) {
            return Err(OriginError);
        }
        // Browsers leave the scheme's own port away.
        let port = port.filter(|port| !matches!((scheme, port), ("http", 80) | ("https", 443)));
        Ok(match (below, any_port) {
            (false, false) => {
                let port = port.map_or(String::new(), |port| format!(":{port}"));
                Self::Exact(format!("{scheme}://{host}{port}").into())
            }
            _ => Self::Many {
                scheme: scheme.into(),
                host: if below { format!(".{bare}").into() } else { host.into() },
                port: if any_port { OriginPort::Any } else { OriginPort::Is(port) },
            },
        })
    }
}

/// Host and port; `None` where what stands after the colon is no port.
fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => {
            let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| port.parse().ok()).flatten().map(|port| (host, Some(port)))
        }
        _ => Some((authority, None)),
    }
}

fn is_name(host: &str) -> bool {
    !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
}

fn is_ipv6(host: &str) -> bool {
    let inner = host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']'));
    inner.is_some_and(|inner| inner.parse::<std::net::Ipv6Addr>().is_ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn origins_match_whole() {
        for (pattern, origin, expected) in [
            ("https://shop.example", "https://shop.example", true),
            ("HTTPS://Shop.Example/", "https://shop.example", true),
            ("https://shop.example:443", "https://shop.example", true),
            ("https://shop.example", "http://shop.example", false),
            ("https://shop.example", "https://shop.example:8443", false),
            ("https://shop.example", "https://shop.example.evil.example", false),
            ("https://shop.example", "null", false),
            ("https://*.shop.example", "https://a.shop.example", true),
            ("https://*.shop.example", "https://a.b.shop.example", true),
            ("https://*.shop.example", "https://shop.example", false),
            ("https://*.shop.example", "https://.shop.example", false),
            ("https://*.shop.example", "https://evilshop.example", false),
            ("https://*.shop.example", "http://a.shop.example", false),
            ("https://*.shop.example", "https://a.shop.example:8443", false),
            ("https://*.shop.example", "https://evil.example/.shop.example", false),
            ("https://*.shop.example", "https://evil.example?.shop.example", false),
            ("https://*.shop.example", "https://evil.example@a.shop.example", false),
            ("https://*.shop.example:8443", "https://a.shop.example:8443", true),
            ("https://*.shop.example:*", "https://a.shop.example:1", true),
            ("http://localhost:*", "http://localhost:8000", true),
            ("http://localhost:*", "http://localhost", true),
            ("http://localhost:*", "http://localhost:x", false),
            ("http://localhost:*", "http://localhost.evil.example:80", false),
            ("http://[::1]:*", "http://[::1]:8000", true),
            ("http://[::1]:8000", "http://[::1]:8000", true),
            ("capacitor://localhost", "capacitor://localhost", true),
            ("null", "null", true),
            ("null", "https://null", false),
        ] {
            let parsed: OriginPattern = pattern.parse().unwrap();
            assert_eq!(parsed.matches(origin), expected, "{pattern} {origin}");
        }
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for text in [
            "",
            "shop.example",
            "https://",
            "https://*",
            "https://*shop.example",
            "https://shop.*",
            "https://shop.example/path",
            "https://a@b",
            "https://shop.example:x",
            "https://shop.example:99999",
            "https://*.[::1]",
            "://shop.example",
            "1a://shop.example",
            "https://a b",
        ] {
            assert_eq!(text.parse::<OriginPattern>(), Err(OriginError), "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics_and_an_exact_pattern_matches_what_it_says(text in "[a-z*:/.\\[\\]0-9]{0,24}", origin in "\\PC{0,24}") {
            if let Ok(pattern) = text.parse::<OriginPattern>() {
                pattern.matches(&origin);
                if let OriginPattern::Exact(exact) = &pattern {
                    prop_assert_eq!(exact.parse::<OriginPattern>(), Ok(pattern.clone()));
                }
            }
        }
    }
}
