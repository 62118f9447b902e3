//! The request and the response of a case, made of what the file says.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use pingora::http::RequestHeader;
use toml::Spanned;

use super::raw::{Lines, RawAnswer, RawRequest};
use crate::client::Client;
use crate::config::Config;
use crate::config::raw::Text;
use crate::key::{Scheme, Target, TargetError};
use crate::service::target::target;

/// The host of a URL that is a path alone.
const HOST: &str = "localhost";
/// Who connects, where nothing is said: an address of documentation (RFC 5737).
const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

/// A request, as the edge gets it.
#[derive(Clone, Debug)]
pub(super) struct Request {
    /// Its head.
    pub(super) head: RequestHeader,
    /// From whom it is.
    pub(super) client: Client,
    /// What it asks for, where it can be read.
    pub(super) target: Result<Target<'static>, TargetError>,
}

/// A response, as the upstream sends it.
#[derive(Clone, Debug)]
pub(super) struct Response {
    /// Its status.
    pub(super) status: StatusCode,
    /// Its fields.
    pub(super) fields: HeaderMap,
}

/// What of a case cannot be read: the place, what is wrong, and the way out.
pub(super) struct Unreadable(pub(super) Text, pub(super) String, pub(super) &'static str);

// === impl Request ===

impl Request {
    /// As `config` takes it.
    pub(super) fn of(raw: &RawRequest, config: &Config) -> Result<Self, Unreadable> {
        let wrong = |text: &Text, what: &str, help| {
            Unreadable(text.clone(), format!("`{}` is not {what}", text.get_ref()), help)
        };
        let (scheme, host, path) = split(raw.url.get_ref())
            .ok_or_else(|| wrong(&raw.url, "a URL", "write \"https://shop.example/path\" or \"/path\""))?;
        let method = match &raw.method {
            None => Method::GET,
            Some(text) => Method::from_bytes(text.get_ref().as_bytes())
                .map_err(|_| wrong(text, "a method", "write such as \"POST\""))?,
        };
        // What HTTP/1.1 cannot carry in its first line never comes to the rules.
        let mut head = RequestHeader::build(method, path.as_bytes(), None)
            .map_err(|_| wrong(&raw.url, "a URL that a request can carry", "percent-encode it"))?;
        for (name, value) in &fields(&raw.headers)? {
            let _ = head.append_header(name.clone(), value.clone());
        }
        if !head.headers.contains_key(header::HOST) {
            let _ = head.insert_header(header::HOST, host);
        }
        let peer = match &raw.client {
            None => CLIENT,
            Some(text) => {
                text.get_ref().parse().map_err(|_| wrong(text, "an IP address", "write such as \"10.0.0.7\""))?
            }
        };
        let mut client = config.listen.trusted.client(Some(peer), scheme, &head.headers);
        if scheme == Scheme::Https {
            client.scheme = scheme;
        }
        let target = target(&head, &client, &config.listen.limits);
        Ok(Self { head, client, target })
    }
}

// === impl Response ===

impl Response {
    /// As the file says it.
    pub(super) fn of(raw: &RawAnswer) -> Result<Self, Unreadable> {
        let status = match &raw.status {
            None => StatusCode::OK,
            Some(given) => {
                let number = *given.get_ref();
                let status = StatusCode::from_u16(number).ok().filter(|status| !status.is_informational());
                let place = Spanned::new(given.span(), number.to_string());
                status
                    .ok_or_else(|| Unreadable(place, format!("`{number}` is not a final status"), "from 200 to 599"))?
            }
        };
        Ok(Self { status, fields: fields(&raw.headers)? })
    }
}

/// Scheme, authority and the rest of a URL, the rest untouched: how odd paths are read is what cases are about.
fn split(url: &str) -> Option<(Scheme, &str, &str)> {
    if url.starts_with('/') {
        return Some((Scheme::Http, HOST, url));
    }
    let (scheme, rest) = match url.split_once("://")? {
        ("http", rest) => (Scheme::Http, rest),
        ("https", rest) => (Scheme::Https, rest),
        _ => return None,
    };
    let slash = rest.find('/').unwrap_or(rest.len());
    let (host, path) = rest.split_at(slash);
    (!host.is_empty()).then_some((scheme, host, if path.is_empty() { "/" } else { path }))
}

fn fields(raw: &BTreeMap<Text, Lines>) -> Result<HeaderMap, Unreadable> {
    let mut fields = HeaderMap::new();
    for (text, lines) in raw {
        let name = HeaderName::from_bytes(text.get_ref().as_bytes()).map_err(|_| {
            Unreadable(text.clone(), format!("`{}` is not a header's name", text.get_ref()), "letters, digits and -")
        })?;
        for line in lines.iter() {
            let value = HeaderValue::from_str(line).map_err(|_| {
                Unreadable(text.clone(), format!("`{line}` is not a header's value"), "printable characters")
            })?;
            fields.append(name.clone(), value);
        }
    }
    Ok(fields)
}
