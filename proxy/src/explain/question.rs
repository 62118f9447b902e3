//! What is asked to be explained: a request, as a client would make it.

use std::net::{IpAddr, Ipv4Addr};

use http::{HeaderName, HeaderValue, Method, header};
use pingora::http::RequestHeader;

use crate::client::Client;
use crate::config::Config;
use crate::key::Scheme;
use crate::purge::target::split_scheme;

/// Who connects, where nothing is said: an address of documentation (RFC 5737).
const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

/// A request to be explained.
#[derive(Clone, Debug)]
pub struct Question {
    head: RequestHeader,
    scheme: Scheme,
    peer: IpAddr,
}

/// It is no request that a client could make.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadQuestion {
    /// Not a URL of this edge's kind.
    #[error("`{0}` is not a URL: write all of it, such as \"https://shop.example/products/1?size=m\"")]
    Url(String),
    /// A method that cannot be sent.
    #[error("`{0}` is not a method: write such as \"POST\"")]
    Method(String),
    /// A header that cannot be sent.
    #[error("`{0}` is not a header: write such as \"Accept-Language: de\"")]
    Header(String),
    /// Not an address.
    #[error("`{0}` is not an IP address: write such as \"203.0.113.7\"")]
    Client(String),
}

impl Question {
    /// A request for a URL; a Host among the headers counts in place of the URL's own, as it does for `curl`.
    pub fn new(
        url: &str,
        method: Option<&str>,
        headers: &[(String, String)],
        client: Option<&str>,
    ) -> Result<Self, BadQuestion> {
        let bad = || BadQuestion::Url(url.to_owned());
        let (scheme, rest) = split_scheme(url).ok_or_else(bad)?;
        // No client sends a fragment.
        let rest = rest.split('#').next().unwrap_or_default();
        let at = rest.find(['/', '?']).unwrap_or(rest.len());
        let (host, path) = rest.split_at(at);
        let slash = if path.starts_with('/') { "" } else { "/" };
        let method = method.unwrap_or("GET");
        let parsed = Method::from_bytes(method.as_bytes()).map_err(|_| BadQuestion::Method(method.to_owned()))?;
        let path = [slash, path].concat();
        let mut head = RequestHeader::build(parsed, path.as_bytes(), Some(headers.len() + 1)).map_err(|_| bad())?;
        for (name, value) in headers {
            let wrong = || BadQuestion::Header(format!("{name}: {value}"));
            let name = HeaderName::from_bytes(name.trim().as_bytes()).map_err(|_| wrong())?;
            let value = HeaderValue::from_str(value.trim()).map_err(|_| wrong())?;
            head.append_header(name, value).map_err(|_| wrong())?;
        }
        if !head.headers.contains_key(header::HOST) {
            head.insert_header(header::HOST, host).map_err(|_| bad())?;
        }
        let peer = match client {
            None => CLIENT,
            Some(text) => text.parse().map_err(|_| BadQuestion::Client(text.to_owned()))?,
        };
        Ok(Self { head, scheme, peer })
    }

    /// Its head.
    pub fn head(&self) -> &RequestHeader {
        &self.head
    }

    /// From whom it would be: the address is the connection's, behind which a trusted proxy may name another. An `https` URL stands
    /// for a connection by TLS, or for a proxy before this edge that speaks it.
    pub(super) fn client(&self, config: &Config) -> Client {
        let mut client = config.listen.trusted.client(Some(self.peer), self.scheme, &self.head.headers);
        if self.scheme == Scheme::Https {
            client.scheme = Scheme::Https;
        }
        client
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_a_request_that_a_client_could_make() {
        let of = |url: &str| Question::new(url, None, &[], None);
        for (url, path, host) in [
            ("http://h/a?b=1#c", "/a?b=1", "h"),
            ("HTTPS://Shop.Example:8443", "/", "Shop.Example:8443"),
            ("http://h?a=1", "/?a=1", "h"),
        ] {
            let question = of(url).unwrap();
            assert_eq!(question.head().raw_path(), path.as_bytes(), "{url}");
            assert_eq!(question.head().headers[header::HOST], host, "{url}");
        }
        for url in ["", "/a", "h/a", "ftp://h/"] {
            assert_eq!(of(url).unwrap_err(), BadQuestion::Url(url.to_owned()));
        }
        let host = [("Host".to_owned(), " other".to_owned())];
        assert_eq!(Question::new("http://h/", None, &host, None).unwrap().head().headers[header::HOST], "other");
        assert!(matches!(Question::new("http://h/", Some("a b"), &[], None), Err(BadQuestion::Method(_))));
        let bad = [("a b".to_owned(), String::new())];
        assert!(matches!(Question::new("http://h/", None, &bad, None), Err(BadQuestion::Header(_))));
        assert!(matches!(Question::new("http://h/", None, &[], Some("h")), Err(BadQuestion::Client(_))));
    }
}
