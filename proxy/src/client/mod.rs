//! Who the client is: from the address of the connection, and from what trusted proxies before this edge say.
//!
//! Whoever is connected can write `X-Forwarded-*` and `Forwarded`. They count only where the connection comes from a trusted
//! proxy, and of a chain only the part that trusted proxies wrote: from the right, to the first address that is not trusted.

mod forwarded;

use std::net::{IpAddr, SocketAddr};

use http::{HeaderName, HeaderValue};
use ipnet::IpNet;

use crate::fields::FieldLines;
use crate::key::Scheme;

/// The client's address, and those of the proxies that it came by.
pub const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// The client's scheme.
pub const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
/// The host that the client asked for.
pub const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
/// RFC 7239.
const FORWARDED: HeaderName = http::header::FORWARDED;

/// Most proxies before this edge that a chain is followed through.
const MAX_HOPS: usize = 32;

/// Fields by which proxies name their client in their own way. Passed on only where a trusted proxy says them.
const ADDRESSES: [HeaderName; 17] = [
    HeaderName::from_static("x-real-ip"),
    HeaderName::from_static("x-client-ip"),
    HeaderName::from_static("x-cluster-client-ip"),
    HeaderName::from_static("true-client-ip"),
    HeaderName::from_static("cf-connecting-ip"),
    HeaderName::from_static("cf-connecting-ipv6"),
    HeaderName::from_static("cf-pseudo-ipv4"),
    HeaderName::from_static("fastly-client-ip"),
    HeaderName::from_static("fly-client-ip"),
    HeaderName::from_static("x-azure-clientip"),
    HeaderName::from_static("x-envoy-external-address"),
    // What applications look into, by habit or by copied code.
    HeaderName::from_static("client-ip"),
    HeaderName::from_static("proxy-client-ip"),
    HeaderName::from_static("wl-proxy-client-ip"),
    HeaderName::from_static("x-originating-ip"),
    HeaderName::from_static("x-remote-addr"),
    HeaderName::from_static("x-remote-ip"),
];

/// Fields by which frameworks take a request for another one than its target says. The rules saw the target, so these are
/// never passed on.
const DISGUISES: [HeaderName; 10] = [
    // As `HTTP_PROXY` it sends an application's own requests through whomever it names (httpoxy, CVE-2016-5385).
    HeaderName::from_static("proxy"),
    HeaderName::from_static("x-original-url"),
    HeaderName::from_static("x-rewrite-url"),
    HeaderName::from_static("x-original-host"),
    HeaderName::from_static("x-host"),
    HeaderName::from_static("x-http-host-override"),
    HeaderName::from_static("x-original-uri"),
    // Of the scheme: a redirect to HTTPS that is stored is one for all.
    HeaderName::from_static("front-end-https"),
    HeaderName::from_static("x-scheme"),
    HeaderName::from_static("x-url-scheme"),
];

/// What the claims begin with: host, port, proto, scheme, ssl, prefix and whatever a framework adds.
const CLAIM_PREFIX: &str = "x-forwarded-";

/// Which networks' proxies are believed, and how they speak.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies {
    /// Their networks; empty to believe nobody.
    pub networks: Vec<IpNet>,
    /// The fields that they write. The others are the client's, whom they do not stop from sending them.
    pub fields: TrustedFields,
}

/// The fields in which trusted proxies say who their client is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TrustedFields {
    /// `X-Forwarded-For`, `-Proto` and `-Host`.
    #[default]
    XForwarded,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// Who a request is from, as far as is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Client {
    /// The client's address; absent where the connection has none, and where a trusted proxy does not tell it or cannot be
    /// understood: its own address would open what is open to proxies alone.
    pub address: Option<IpAddr>,
    /// Whether the connection is a trusted proxy's.
    pub behind_proxy: bool,
    /// The scheme by which the client came.
    pub scheme: Scheme,
    /// The host that a trusted proxy was asked for, where it says so; not checked yet.
    pub host: Option<Box<str>>,
    /// The trusted proxies between, the nearest first, without the connection's own.
    between: Vec<IpAddr>,
    peer: Option<IpAddr>,
}

/// One step of a chain, as the proxy that was contacted tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Hop {
    /// Who contacted it; absent where it does not say, or hides it.
    from: Option<IpAddr>,
    proto: Option<Scheme>,
    host: Option<Box<str>>,
}

// === impl TrustedProxies ===

impl TrustedProxies {
    /// The client behind a connection from `peer` in clear text or by TLS, by the fields of its request.
    pub fn client<'r>(&self, peer: Option<IpAddr>, came_by: Scheme, request: impl Into<FieldLines<'r>>) -> Client {
        let peer = peer.map(|peer| peer.to_canonical());
        let mut client = Client { address: peer, peer, scheme: came_by, ..Client::default() };
        // The common case, which costs nothing.
        if self.networks.is_empty() || !peer.is_some_and(|peer| self.trusts(peer)) {
            return client;
        }
        client.behind_proxy = true;
        let request = request.into();
        match self.fields {
            TrustedFields::XForwarded => {
                let name = X_FORWARDED_FOR;
                let froms = list(request, &name).map(|from| Hop { from: address(from), ..Hop::default() });
                self.follow(froms, &mut client);
                // Of these the chain does not tell who wrote which, so that only the nearest proxy's word is sure.
                client.scheme = list(request, &X_FORWARDED_PROTO).next().and_then(scheme).unwrap_or(came_by);
                client.host = list(request, &X_FORWARDED_HOST).next().map(Into::into);
            }
            TrustedFields::Forwarded => {
                if let Some(hop) = self.follow(forwarded::hops(request).into_iter().rev(), &mut client) {
                    client.scheme = hop.proto.unwrap_or(came_by);
                    client.host = hop.host;
                }
            }
        }
        client
    }

    /// Goes along the chain, the nearest hop first, to the first address that is not trusted; returns the last hop that counts.
    fn follow(&self, hops: impl Iterator<Item = Hop>, client: &mut Client) -> Option<Hop> {
        let mut last = None;
        for hop in hops.take(MAX_HOPS) {
            let from = hop.from;
            last = Some(hop);
            let nearer = std::mem::replace(&mut client.address, from);
            client.between.extend(nearer.filter(|nearer| Some(*nearer) != client.peer));
            if !from.is_some_and(|from| self.trusts(from)) {
                break;
            }
        }
        last
    }

    /// Whether an address is one of theirs.
    pub fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks.iter().any(|network| network.contains(&address))
    }
}

// === impl Client ===

impl Client {
    /// X-Forwarded-For for the upstream: the client (`unknown` where a trusted proxy does not tell it), the trusted proxies that
    /// it came by, and the connection's own address.
    pub fn forwarded_for(&self) -> Option<HeaderValue> {
        let mut chain = match self.address {
            Some(address) => address.to_string(),
            None if self.behind_proxy => "unknown".to_owned(),
            None => return None,
        };
        let peer = self.peer.filter(|_| self.address != self.peer);
        for address in self.between.iter().rev().chain(peer.as_ref()) {
            chain.push_str(", ");
            chain.push_str(&address.to_string());
        }
        HeaderValue::from_str(&chain).ok()
    }

    /// Whether a field of the client's request is not passed on: it claims who the client is or what is asked for, and nobody
    /// who is trusted says so.
    pub fn withholds(&self, name: &HeaderName) -> bool {
        is_claim(name) && !(self.behind_proxy && ADDRESSES.contains(name))
    }
}

/// Whether a field says who the client is, or that the request is another than its target says.
///
/// Gateways to applications (CGI, WSGI, PHP) write `_` for `-`, so that `X_Forwarded_For` is `X-Forwarded-For` behind them.
pub fn is_claim(name: &HeaderName) -> bool {
    if name.as_str().contains('_') {
        let as_read = HeaderName::from_bytes(name.as_str().replace('_', "-").as_bytes());
        return as_read.is_ok_and(|as_read| is_claim(&as_read));
    }
    *name == FORWARDED
        || name.as_str().starts_with(CLAIM_PREFIX)
        || ADDRESSES.contains(name)
        || DISGUISES.contains(name)
}

/// The members of a list, the last first; one that is not text is an empty one. Each is read on its own, so that what a client
/// wrote before it cannot hide a proxy's.
fn list<'r, 'n>(request: FieldLines<'r>, name: &'n HeaderName) -> impl Iterator<Item = &'r str> + use<'r, 'n> {
    let lines = request.get_all(name).rev();
    let members = lines.flat_map(|line| line.rsplit(|&byte| byte == b',')).map(<[u8]>::trim_ascii);
    members.map(|member| std::str::from_utf8(member).unwrap_or_default())
}

/// An address, with or without a port; `None` for `unknown` and the like.
fn address(text: &str) -> Option<IpAddr> {
    let bracketed = || text.strip_prefix('[')?.split_once(']')?.0.parse().ok().map(IpAddr::V6);
    let alone = text.parse::<IpAddr>().ok();
    let address = alone.or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip())).or_else(bracketed);
    address.map(|address| address.to_canonical())
}

fn scheme(text: &str) -> Option<Scheme> {
    [Scheme::Http, Scheme::Https].into_iter().find(|scheme| text.eq_ignore_ascii_case(scheme.as_str()))
}

#[cfg(test)]
mod tests;
