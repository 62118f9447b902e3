//! For which methods and hosts a rule is.

use std::str::FromStr;

use http::Method;

/// Methods, compared exactly (RFC 9110 §9.1: they are case-sensitive).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MethodSet(Vec<Method>);

/// A host, or with `*.` before it all hosts below one; without a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostPattern {
    /// This host.
    Exact(Box<str>),
    /// Hosts that end in this, which begins with a dot.
    Below(Box<str>),
}

/// The text is no host pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a host without a port, such as `shop.example` or `*.shop.example`")]
pub struct HostPatternError;

// === impl MethodSet ===

impl MethodSet {
    /// A set of these.
    pub fn new(methods: Vec<Method>) -> Self {
        Self(methods)
    }

    /// Whether this method is in it.
    pub fn contains(&self, method: &Method) -> bool {
        self.0.contains(method)
    }

    /// Whether all of `other` are in it.
    pub fn covers(&self, other: &Self) -> bool {
        other.0.iter().all(|method| self.contains(method))
    }
}

// === impl HostPattern ===

impl HostPattern {
    /// Whether it matches a host in lower case and without port.
    pub fn matches(&self, host: &str) -> bool {
        match self {
            Self::Exact(exact) => **exact == *host,
            Self::Below(suffix) => host.len() > suffix.len() && host.ends_with(&**suffix),
        }
    }

    /// Whether it matches every host that `other` matches.
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (_, Self::Exact(host)) => self.matches(host),
            (Self::Exact(_), Self::Below(_)) => false,
            (Self::Below(wide), Self::Below(narrow)) => narrow.ends_with(&**wide),
        }
    }
}

impl FromStr for HostPattern {
    type Err = HostPatternError;

    fn from_str(text: &str) -> Result<Self, HostPatternError> {
        let (name, below) = text.strip_prefix('*').map_or((text, false), |suffix| (suffix, true));
        let bare = if below { name.strip_prefix('.').ok_or(HostPatternError)? } else { name };
        let ipv6 = || {
            bare.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).is_some_and(|inner| inner.contains(':'))
        };
        let is_name = bare.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'));
        if bare.is_empty() || !(is_name || (!below && ipv6())) {
            return Err(HostPatternError);
        }
        let name = name.to_ascii_lowercase().into_boxed_str();
        Ok(if below { Self::Below(name) } else { Self::Exact(name) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_match_exactly_or_below_a_domain() {
        let exact: HostPattern = "Shop.Example".parse().unwrap();
        let below: HostPattern = "*.shop.example".parse().unwrap();
        assert!(exact.matches("shop.example") && !exact.matches("a.shop.example"));
        assert!(below.matches("a.b.shop.example") && !below.matches("shop.example") && !below.matches("xshop.example"));
        assert!(
            below.covers(&"*.eu.shop.example".parse().unwrap()) && below.covers(&"a.shop.example".parse().unwrap())
        );
        assert!(!below.covers(&exact) && !exact.covers(&below));
        assert!("[::1]".parse::<HostPattern>().unwrap().matches("[::1]"));
        for text in ["", "*", "*.", "a:80", "*a.b", "a b", "*.[::1]"] {
            assert_eq!(text.parse::<HostPattern>(), Err(HostPatternError), "{text}");
        }
    }
}
