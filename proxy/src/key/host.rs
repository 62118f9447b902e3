//! The host that a request is for, in one spelling (RFC 9110 §4.2.3, §7.2; RFC 3986 §6.2.2.1).

use std::borrow::Cow;

/// Longest host that is taken, in bytes: a domain name's limit and a port.
const MAX_HOST: usize = 253 + 6;

/// The scheme by which the client came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Clear text.
    #[default]
    Http,
    /// TLS.
    Https,
}

impl Scheme {
    /// Its name in a URI.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    const fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// The host in lower case, without the port where it is the scheme's own; `None` where it is no host.
pub(super) fn canonical(text: &str, scheme: Scheme) -> Option<Cow<'_, str>> {
    if text.is_empty() || text.len() > MAX_HOST {
        return None;
    }
    let (name, port) = split_port(text)?;
    let valid = match name.strip_prefix('[') {
        Some(inner) => inner.strip_suffix(']')?.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
        }
    };
    if !valid {
        return None;
    }
    // A name is the same with the dot of the root behind it (RFC 1034 §3.1); servers and rules seldom know.
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.is_empty() || name.ends_with('.') {
        return None;
    }
    let port = port.filter(|port| *port != scheme.default_port());
    let as_it_is = match port {
        None => name.len(),
        // Written without zeros before it, and a name without the root's dot.
        Some(port) => name.len() + 1 + decimal_digits(port),
    };
    if as_it_is == text.len() && !name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Some(Cow::Borrowed(text));
    }
    let mut host = name.to_ascii_lowercase();
    if let Some(port) = port {
        host.push(':');
        host.push_str(&port.to_string());
    }
    Some(Cow::Owned(host))
}

fn decimal_digits(port: u16) -> usize {
    port.checked_ilog10().map_or(1, |digits| digits as usize + 1)
}

/// The host without its port.
pub(crate) fn without_port(host: &str) -> &str {
    match host.rfind(':') {
        Some(colon) if !host[colon..].contains(']') => &host[..colon],
        _ => host,
    }
}

/// An empty port counts as none (RFC 3986 §6.2.3).
fn split_port(text: &str) -> Option<(&str, Option<u16>)> {
    let name = without_port(text);
    match text[name.len()..].strip_prefix(':') {
        None | Some("") => Some((name, None)),
        Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            port.parse().ok().map(|port| (name, Some(port)))
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_have_one_spelling() {
        for (given, scheme, expected) in [
            ("Shop.Example", Scheme::Http, "shop.example"),
            ("shop.example:80", Scheme::Http, "shop.example"),
            ("shop.example:", Scheme::Http, "shop.example"),
            ("shop.example:080", Scheme::Http, "shop.example"),
            ("shop.example.", Scheme::Http, "shop.example"),
            ("shop.example.:8080", Scheme::Http, "shop.example:8080"),
            ("shop.example:80", Scheme::Https, "shop.example:80"),
            ("shop.example:443", Scheme::Https, "shop.example"),
            ("127.0.0.1:8080", Scheme::Http, "127.0.0.1:8080"),
            ("[::1]:8080", Scheme::Http, "[::1]:8080"),
            ("[2001:DB8::1]", Scheme::Http, "[2001:db8::1]"),
        ] {
            assert_eq!(canonical(given, scheme).as_deref(), Some(expected), "{given}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for given in [
            "", "a b", "a/b", "a@b", "a,b", "a:b", "a:99999", "::1", "[::1", "[x]", ".", "a..", "a:80:80", "\u{e9}",
            ":80",
        ] {
            assert_eq!(canonical(given, Scheme::Http), None, "{given}");
        }
        assert_eq!(canonical(&"a".repeat(300), Scheme::Http), None);
    }
}
