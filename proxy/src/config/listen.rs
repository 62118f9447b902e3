//! `[listen]`: addresses and threads.

use std::net::SocketAddr;
use std::sync::Arc;

use toml::Spanned;

use super::problems::Problems;
use super::raw::{RawListen, Text};
use super::{Listen, certificates, limits, trusted};

/// Most worker threads that a file may ask for.
const MAX_THREADS: usize = 1024;

pub(super) fn compile(raw: RawListen, problems: &mut Problems<'_>) -> Option<Listen> {
    let trusted = trusted::compile(&raw, problems);
    let limits = limits::compile(&raw.limits, problems);
    let (http, ops) = (address(&raw.http, problems), address(&raw.ops, problems));
    let https = raw.https.as_ref().and_then(|https| address(https, problems));
    let share = |one: Option<SocketAddr>, other| one.is_some_and(|one| one.port() != 0) && one == other;
    if share(ops, http) || share(ops, https) {
        problems.error(&raw.ops, "clients and operators cannot share an address", None);
    }
    if let Some(at) = raw.https.as_ref().filter(|_| share(https, http)) {
        problems.error(at, "`https` and `http` cannot share an address", None);
    }
    let certificates = certificates::compile(&raw, problems);
    if let Some(threads) = &raw.threads
        && !(1..=MAX_THREADS).contains(threads.get_ref())
    {
        problems.error(threads, format!("`threads` must be from 1 to {MAX_THREADS}"), None);
    }
    let ops_token = raw.ops_token.map(Spanned::into_inner).filter(|token| !token.is_empty());
    Some(Listen {
        http: http?,
        https,
        certificates: certificates?.into(),
        ops: ops?,
        ops_token,
        threads: raw.threads.map(Spanned::into_inner),
        trusted,
        h2c: raw.h2c,
        limits: Arc::new(limits?),
    })
}

/// An address to listen on, or a problem.
pub(super) fn address(text: &Text, problems: &mut Problems<'_>) -> Option<SocketAddr> {
    problems.parse(text, "an address to listen on", |text| {
        listening(text).ok_or("write an IP address and a port, such as \"127.0.0.1:8080\"")
    })
}

/// An address to listen on; `:8080` is every IPv4 address of the machine, `localhost` the loopback.
fn listening(text: &str) -> Option<SocketAddr> {
    let spelled = match text.rsplit_once(':') {
        Some(("", port)) => format!("0.0.0.0:{port}"),
        Some(("localhost", port)) => format!("127.0.0.1:{port}"),
        _ => text.to_owned(),
    };
    spelled.parse().ok()
}
