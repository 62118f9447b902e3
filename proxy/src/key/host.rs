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
    if is_canonical(text, scheme) { Some(Cow::Borrowed(text)) } else { canonicalised(text, scheme) }
}

/// Whether a host is in one spelling already, for certain: what nearly all clients send.
fn is_canonical(text: &str, scheme: Scheme) -> bool {
    const PLAIN: [bool; 256] = plain();
    let bytes = text.as_bytes();
    let end = bytes.iter().position(|&byte| !PLAIN[usize::from(byte)]).unwrap_or(bytes.len());
    let is_name = end > 0 && text.len() <= MAX_HOST && bytes[end - 1] != b'.';
    match &bytes[end..] {
        [] => is_name,
        // Written without zeros before it.
        [b':', digits @ ..] if (1..=5).contains(&digits.len()) && digits[0] != b'0' => {
            let number = |sum: u32, digit: &u8| digit.is_ascii_digit().then(|| sum * 10 + u32::from(digit - b'0'));
            let port = digits.iter().try_fold(0, number);
            is_name && port.is_some_and(|port| port <= 0xffff && port != u32::from(scheme.default_port()))
        }
        _ => false,
    }
}

const fn plain() -> [bool; 256] {
    let mut plain = [false; 256];
    let mut byte = 0;
    while byte < 128u8 {
        plain[byte as usize] = byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.' | b'_');
        byte += 1;
    }
    plain
}

fn canonicalised(text: &str, scheme: Scheme) -> Option<Cow<'_, str>> {
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
    let mut host = name.to_ascii_lowercase();
    if let Some(port) = port {
        host.push(':');
        host.push_str(&port.to_string());
    }
    Some(Cow::Owned(host))
}

/// The host without its port.
pub(crate) fn without_port(host: &str) -> &str {
    match memchr::memrchr(b':', host.as_bytes()) {
        Some(colon) if !host.as_bytes()[colon..].contains(&b']') => &host[..colon],
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
    use proptest::prelude::*;

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

    proptest! {
        /// What is taken as it is, is what the long way makes of it.
        #[test]
        fn what_is_taken_as_it_is_is_canonical(text in "[a-zA-Z0-9._-]{0,6}(:[0-9]{0,6})?") {
            for scheme in [Scheme::Http, Scheme::Https] {
                let long = canonicalised(&text, scheme);
                prop_assert_eq!(canonical(&text, scheme), long.clone());
                if is_canonical(&text, scheme) {
                    prop_assert_eq!(long.as_deref(), Some(&*text));
                }
            }
        }
    }
}
