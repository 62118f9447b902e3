//! One upstream of the configuration. Plain data.

use std::sync::Arc;
use std::time::Duration;

use super::{Address, Balance, Ejection, HealthCheck, Retries, TagHeader};

/// Longest wait for a connection, where nothing is said.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Longest wait for the next bytes, either way, where nothing is said.
pub const TRANSFER_TIMEOUT: Duration = Duration::from_secs(30);

/// One upstream of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// Its name, for rules, logs and metrics.
    pub name: Arc<str>,
    /// Where it listens; at least one. Each address of a name counts. A connection that is refused goes on to the next.
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
    /// The fields of its responses that carry tags, besides the protocol's own `Vitrine-Tags`.
    pub tag_headers: Vec<TagHeader>,
    /// How requests are spread over the addresses.
    pub balance: Balance,
    /// How the addresses are checked; absent where they are not.
    pub health: Option<HealthCheck>,
    /// When an address that fails requests is not asked for a while.
    pub ejection: Ejection,
    /// Retries of safe requests that were sent and failed; absent for none.
    pub retries: Option<Retries>,
}

// === impl Upstream ===

impl Upstream {
    /// One with these addresses and the default of everything else.
    pub fn of(name: &str, addresses: Vec<Address>) -> Self {
        Self {
            name: name.into(),
            addresses,
            tls: false,
            host: None,
            strip_prefix: None,
            path_prefix: None,
            connect_timeout: CONNECT_TIMEOUT,
            read_timeout: TRANSFER_TIMEOUT,
            write_timeout: TRANSFER_TIMEOUT,
            reads_through: false,
            speaks_epochs: false,
            tag_headers: TagHeader::defaults(),
            balance: Balance::default(),
            health: None,
            ejection: Ejection::default(),
            retries: None,
        }
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    fn upstream(strip: Option<&str>, prefix: Option<&str>) -> Upstream {
        Upstream {
            strip_prefix: strip.map(Into::into),
            path_prefix: prefix.map(Into::into),
            ..Upstream::of("media", vec!["127.0.0.1:3900".parse().unwrap()])
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
}
