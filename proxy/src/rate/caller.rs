//! Who a request counts for.

use std::fmt;
use std::hash::Hasher as _;
use std::net::IpAddr;

use http::HeaderName;
use siphasher::sip128::{Hasher128 as _, SipHasher13};

use crate::key::cookies;
use crate::rules::RequestFacts;

/// One of the things that tell callers apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// The client's address, of IPv6 the /64 that one customer has. Those whose address is not known are one caller.
    Address,
    /// The host that is asked for.
    Host,
    /// A header field; a request without it does not count.
    Header(HeaderName),
    /// A cookie; a request without it does not count.
    Cookie(Box<str>),
    /// A query parameter, by its name in normal form; a request without it does not count.
    Query(Box<str>),
}

/// A request, and whom it is from.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'r> {
    /// The client's address, as far as trusted proxies tell it.
    pub address: Option<IpAddr>,
    /// What is asked for.
    pub request: &'r RequestFacts<'r>,
}

/// The keys of a limit's hash: nobody can choose values that fall together with another's.
pub(super) type Secret = (u64, u64);

// === impl Caller ===

impl Caller<'_> {
    /// The hash by which the caller is known; `None` where a part is absent, and the request counts for nobody.
    pub(super) fn hash(&self, by: &[Part], secret: Secret) -> Option<u128> {
        let mut hasher = SipHasher13::new_with_keys(secret.0, secret.1);
        for part in by {
            match part {
                Part::Address => address(self.address, &mut hasher),
                Part::Host => values(&mut hasher, std::iter::once(self.request.target.host())).then_some(())?,
                Part::Header(name) => {
                    let lines = self.request.headers.get_all(name);
                    values(&mut hasher, lines.map(<[u8]>::trim_ascii)).then_some(())?;
                }
                Part::Cookie(name) => {
                    let named = cookies(self.request.headers).filter(|cookie| cookie.name == name.as_bytes());
                    values(&mut hasher, named.map(|cookie| cookie.value)).then_some(())?;
                }
                Part::Query(name) => {
                    let named = self.request.target.query().pairs().filter(|pair| pair.name == &**name);
                    values(&mut hasher, named.map(|pair| pair.value.unwrap_or_default())).then_some(())?;
                }
            }
        }
        Some(hasher.finish128().as_u128())
    }
}

/// Whoever holds an IPv6 /64 can take any address of it (RFC 6177 §2).
fn address(address: Option<IpAddr>, hasher: &mut SipHasher13) {
    match address.map(|address| address.to_canonical()) {
        None => hasher.write_u8(0),
        Some(IpAddr::V4(address)) => {
            hasher.write_u8(4);
            hasher.write_u32(address.to_bits());
        }
        Some(IpAddr::V6(address)) => {
            hasher.write_u8(6);
            hasher.write_u128(address.to_bits() >> 64);
        }
    }
}

/// Hashes values, each with its length, and their number; false where there is none.
fn values<V: AsRef<[u8]>>(hasher: &mut SipHasher13, values: impl Iterator<Item = V>) -> bool {
    let mut count = 0;
    for value in values {
        let value = value.as_ref();
        hasher.write_usize(value.len());
        hasher.write(value);
        count += 1;
    }
    hasher.write_usize(count);
    count > 0
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address => f.write_str("address"),
            Self::Host => f.write_str("host"),
            Self::Header(name) => write!(f, "header:{name}"),
            Self::Cookie(name) => write!(f, "cookie:{name}"),
            Self::Query(name) => write!(f, "query:{name}"),
        }
    }
}
