//! The way from the command line to a running proxy's operations port.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::ACCEPT;
use vitrine_proxy::config::Config;
use vitrine_shared::config::ConfigError;

/// Longest time for an answer.
const LIMIT: Duration = Duration::from_secs(30);

/// Where the operations port is, and what opens it.
pub(super) struct Ops {
    url: String,
    token: String,
}

/// What came of asking.
pub(super) enum Answer {
    /// An answer, to be printed.
    Text(String),
    /// A proxy that does not answer, and why.
    Nobody(String),
    /// A proxy that refuses, and what it says.
    Refused(String),
}

impl Ops {
    /// That of `url`, where it is given, else that of the configuration, which is given back where it can be read. The token is the
    /// configuration's, or that of `OPS_TOKEN`.
    pub(super) fn reach(file: &Path, url: Option<&str>) -> Result<(Self, Option<Config>), ExitCode> {
        let config = match (Config::load(file, super::variable), url) {
            (Ok(config), _) => Some(config),
            // Where the port is told, no file is needed.
            (Err(_), Some(_)) => None,
            (Err(errors), None) => return Err(said(&errors)),
        };
        let listen = config.as_ref().map(|config| &config.listen);
        let configured = || listen.map(|listen| format!("http://{}", reachable(listen.ops))).unwrap_or_default();
        let url = url.map_or_else(configured, |url| url.trim_end_matches('/').to_owned());
        let token = listen.and_then(|listen| listen.ops_token.as_ref()).map(|token| token.expose().to_owned());
        let token = token.filter(|token| !token.is_empty()).or_else(|| super::variable("OPS_TOKEN"));
        Ok((Self { url, token: token.unwrap_or_default() }, config))
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn get(&self, path: &str, query: &[(&str, &str)], json: bool) -> Answer {
        self.ask(|client| client.get(format!("{}{path}", self.url)).query(query), json)
    }

    pub(super) fn post(&self, path: &str, body: &serde_json::Value, json: bool) -> Answer {
        self.ask(|client| client.post(format!("{}{path}", self.url)).body(body.to_string()), json)
    }

    fn ask(&self, request: impl FnOnce(&reqwest::Client) -> reqwest::RequestBuilder, json: bool) -> Answer {
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return Answer::Refused(error.to_string()),
        };
        // The operations port is never behind a proxy of the environment's.
        let client = match reqwest::Client::builder().no_proxy().timeout(LIMIT).build() {
            Ok(client) => client,
            Err(error) => return Answer::Refused(error.to_string()),
        };
        let accept = if json { "application/json" } else { "text/plain" };
        let request = request(&client).bearer_auth(&self.token).header(ACCEPT, accept);
        runtime.block_on(async {
            let response = match request.send().await {
                Ok(response) => response,
                Err(error) if error.is_connect() => return Answer::Nobody(root(&error)),
                Err(error) => return Answer::Refused(root(&error)),
            };
            let status = response.status();
            match response.text().await {
                Ok(text) if status.is_success() => Answer::Text(text),
                Ok(text) if status == StatusCode::UNAUTHORIZED => Answer::Refused(format!(
                    "{status}: {text} (export OPS_TOKEN, or name the proxy's own file with --config)"
                )),
                Ok(text) => Answer::Refused(format!("{status}: {text}")),
                Err(error) => Answer::Refused(root(&error)),
            }
        })
    }
}

/// Says what is wrong with a file.
pub(super) fn said(errors: &[ConfigError]) -> ExitCode {
    for error in errors {
        eprintln!("{error}");
    }
    ExitCode::FAILURE
}

/// An address that can be connected to: where all are listened on, the own one.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        });
    }
    address
}

/// What lies at the bottom of an error: the message above it names no more than the URL.
fn root(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
