//! `config/origin.toml`: what the origin can be told, with its defaults.

mod auth;
mod carts;

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use vitrine_redis::Address;
use vitrine_shared::ack::Waits;
use vitrine_shared::config::{ConfigError, Source};
use vitrine_shared::ledger::Terms;

pub use auth::{Auth, Notifications};
pub use carts::Carts;

/// The whole file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Listeners and their limits.
    pub http: Http,
    /// Postgres, the truth.
    pub database: Database,
    /// Redis, which may be absent.
    #[serde(default)]
    pub redis: Redis,
    /// The media bucket.
    pub files: Files,
    /// Signing in.
    pub auth: Auth,
    /// The purge feed, leases and acknowledgements.
    pub feed: Feed,
    /// The read cache.
    #[serde(default)]
    pub cache: Cache,
    /// Carts.
    #[serde(default)]
    pub carts: Carts,
    /// The production probe.
    #[serde(default)]
    pub probe: Probe,
    /// Messages for people.
    #[serde(default)]
    pub notifications: Notifications,
    /// Whom `seed` lets in.
    #[serde(default)]
    pub seed: Seed,
}

/// Listeners and their limits.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// Where the shop's API listens.
    pub listen: SocketAddr,
    /// Where feed, members and metrics listen; never to be reached from outside.
    pub internal_listen: SocketAddr,
    /// Origins that may call `/store` and `/auth` from a browser: a comma list, or `*`.
    #[serde(default)]
    pub store_cors: String,
    /// Origins that may call `/admin` and `/auth` from a browser: a comma list, or `*`.
    #[serde(default)]
    pub admin_cors: String,
    /// How long a request may take, without the time it waits for an acknowledgement.
    #[serde(default = "defaults::request_timeout_ms")]
    pub request_timeout_ms: u64,
    /// Most bytes of a JSON body.
    #[serde(default = "defaults::max_body_bytes")]
    pub max_body_bytes: usize,
    /// Most bytes of an upload, all its files together.
    #[serde(default = "defaults::max_upload_bytes")]
    pub max_upload_bytes: usize,
    /// How long a stopping process lets running requests finish.
    #[serde(default = "defaults::shutdown_grace_ms")]
    pub shutdown_grace_ms: u64,
}

/// Postgres, the truth.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// `postgres://user:password@host:port/name`.
    pub url: Secret,
    /// Streaming replicas of it, for reads of the Store API; empty ones are passed over.
    #[serde(default)]
    pub replicas: Vec<Secret>,
    /// How long a replica may take to answer before the primary is asked.
    #[serde(default = "defaults::replica_timeout_ms")]
    pub replica_timeout_ms: u64,
    /// Most connections of the pool, and of each replica's; the relay and its listener hold three more.
    #[serde(default = "defaults::max_connections")]
    pub max_connections: u32,
    /// How long a request waits for a connection before it is answered with 503.
    #[serde(default = "defaults::acquire_timeout_ms")]
    pub acquire_timeout_ms: u64,
    /// Postgres ends a statement that takes longer.
    #[serde(default = "defaults::statement_timeout_ms")]
    pub statement_timeout_ms: u64,
    /// A statement that takes longer is logged.
    #[serde(default = "defaults::slow_statement_ms")]
    pub slow_statement_ms: u64,
}

/// Redis: the feed's stream and the read cache. All of it may be lost.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redis {
    /// Where it is; empty: work without Redis.
    #[serde(default, deserialize_with = "address_if_any")]
    pub url: Option<Address>,
}

/// The media bucket.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Files {
    /// The S3 endpoint's URL.
    pub endpoint: String,
    /// The bucket.
    pub bucket: String,
    /// The region that requests are signed for.
    pub region: String,
    /// The access key's id.
    pub access_key_id: Secret,
    /// The access key's secret.
    pub secret_access_key: Secret,
    /// What stands before a file's key in its public URL, without the last slash.
    pub base_url: String,
}

/// The purge feed, leases and acknowledgements.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feed {
    /// The bearer token of the internal port.
    pub internal_token: Secret,
    /// This process's name among the members, for people.
    #[serde(default = "defaults::member_name")]
    pub member_name: String,
    /// This process's internal port as the shop's other origin processes reach it; empty: `http.internal_listen`.
    #[serde(default)]
    pub advertise: String,
    /// How long a member may serve from its cache without renewing.
    #[serde(default = "defaults::lease_ms")]
    pub lease_ms: u64,
    /// How far the clocks of two machines may differ over one lease. A member unheard for lease and drift counts as gone.
    #[serde(default = "defaults::drift_ms")]
    pub drift_ms: u64,
    /// How often the relay looks for rows when no hint comes.
    #[serde(default = "defaults::poll_ms")]
    pub poll_ms: u64,
    /// Requests of the feed endpoint that may be held open at once.
    #[serde(default = "defaults::max_waiters")]
    pub max_waiters: usize,
    /// Longest that the feed endpoint holds a request open.
    #[serde(default = "defaults::max_feed_wait_ms")]
    pub max_feed_wait_ms: u64,
    /// How long a write waits for its acknowledgement where the caller names no time.
    #[serde(default = "defaults::ack_wait_ms")]
    pub ack_wait_ms: u64,
    /// Longest that a write may wait.
    #[serde(default = "defaults::max_ack_wait_ms")]
    pub max_ack_wait_ms: u64,
    /// Numbered rows younger than this stay in the outbox.
    #[serde(default = "defaults::history_hours")]
    pub history_hours: u32,
    /// This many of the last numbered rows stay, however old.
    #[serde(default = "defaults::history_rows")]
    pub history_rows: u32,
    /// About how many entries the Redis stream keeps.
    #[serde(default = "defaults::stream_entries")]
    pub stream_entries: usize,
    /// Tags that this process's own table holds.
    #[serde(default = "defaults::tag_capacity")]
    pub tag_capacity: usize,
}

/// The read cache.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cache {
    /// Whether product documents are kept, in this process and in Redis.
    pub enabled: bool,
    /// Memory of this process for them, and for which products pages of lists have, in MiB.
    pub local_mib: u64,
    /// How long a cached document may live; purges end it earlier.
    pub ttl_s: u64,
    /// How long the cache may take to answer before Postgres is asked.
    pub timeout_ms: u64,
}

impl Default for Cache {
    fn default() -> Self {
        Self { enabled: true, local_mib: 64, ttl_s: 3_600, timeout_ms: 50 }
    }
}

/// The production probe: a write of its own, read through every edge once it is acknowledged.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Probe {
    /// The edges' addresses for clients, `http://host:port` each, a comma list; empty: nothing is probed.
    pub edges: String,
    /// The Host that edges are asked under; empty: their address.
    pub host: String,
    /// How often.
    pub interval_ms: u64,
    /// How long an edge may take to answer.
    pub timeout_ms: u64,
}

impl Default for Probe {
    fn default() -> Self {
        Self { edges: String::new(), host: String::new(), interval_ms: 10_000, timeout_ms: 2_000 }
    }
}

impl Probe {
    /// The addresses, each by itself, without a slash at the end.
    pub fn edges(&self) -> impl Iterator<Item = &str> {
        self.edges.split([',', ' ']).map(|edge| edge.trim_end_matches('/')).filter(|edge| !edge.is_empty())
    }

    fn check(&self) -> Result<(), (String, String)> {
        let is_address = |edge: &str| {
            let url: Option<url::Url> = edge.parse().ok();
            url.is_some_and(|url| {
                url.scheme() == "http" && url.has_host() && url.path() == "/" && url.query().is_none()
            })
        };
        if let Some(wrong) = self.edges().find(|edge| !is_address(edge)) {
            let help = "name edges' plain listeners, with commas between: http://10.0.0.7:8080,http://10.0.0.8:8080";
            return Err((format!("`probe.edges`: `{wrong}` is not an address of an edge"), help.into()));
        }
        if self.edges().count() > MAX_PROBED {
            return Err((format!("`probe.edges` names more than {MAX_PROBED}"), "name some of them".into()));
        }
        if self.interval_ms < LEAST_INTERVAL_MS || self.timeout_ms == 0 {
            let message =
                format!("`probe.interval_ms` must be {LEAST_INTERVAL_MS} at least, and `probe.timeout_ms` not 0");
            return Err((message, "leave them out".into()));
        }
        if http::HeaderValue::from_str(&self.host).is_err() {
            return Err(("`probe.host` cannot be a Host".into(), "such as shop.example".into()));
        }
        Ok(())
    }
}

/// Most edges that are probed.
const MAX_PROBED: usize = 64;
/// Shortest pause between rounds of the probe: each is a write of the shop's.
const LEAST_INTERVAL_MS: u64 = 100;

/// Whom `seed` lets in; read by the subcommand `seed` alone.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Seed {
    /// The merchant's e-mail address.
    pub admin_email: String,
    /// The merchant's password.
    pub admin_password: Secret,
    /// The storefront's publishable key.
    pub publishable_key: String,
}

mod defaults {
    pub(super) fn request_timeout_ms() -> u64 {
        15_000
    }
    pub(super) fn max_body_bytes() -> usize {
        1 << 20
    }
    pub(super) fn max_upload_bytes() -> usize {
        32 << 20
    }
    pub(super) fn shutdown_grace_ms() -> u64 {
        4_000
    }
    pub(super) fn max_connections() -> u32 {
        16
    }
    pub(super) fn replica_timeout_ms() -> u64 {
        1_000
    }
    pub(super) fn acquire_timeout_ms() -> u64 {
        1_000
    }
    pub(super) fn statement_timeout_ms() -> u64 {
        10_000
    }
    pub(super) fn slow_statement_ms() -> u64 {
        250
    }
    pub(super) fn member_name() -> String {
        "origin".to_owned()
    }
    pub(super) fn lease_ms() -> u64 {
        3_000
    }
    pub(super) fn drift_ms() -> u64 {
        2_000
    }
    pub(super) fn poll_ms() -> u64 {
        250
    }
    pub(super) fn max_waiters() -> usize {
        256
    }
    pub(super) fn max_feed_wait_ms() -> u64 {
        30_000
    }
    pub(super) fn ack_wait_ms() -> u64 {
        10_000
    }
    pub(super) fn max_ack_wait_ms() -> u64 {
        30_000
    }
    pub(super) fn history_hours() -> u32 {
        24
    }
    pub(super) fn history_rows() -> u32 {
        100_000
    }
    pub(super) fn stream_entries() -> usize {
        10_000
    }
    pub(super) fn tag_capacity() -> usize {
        1_000_000
    }
}

/// Text that must not be seen: `Debug` hides it.
#[derive(Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

fn address_if_any<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Address>, D::Error> {
    let text = String::deserialize(value)?;
    if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(D::Error::custom) }
}

// === impl Config ===

impl Config {
    /// Reads the file, with variables from the process's environment.
    pub fn load(file: &Path) -> Result<Self, ConfigError> {
        let config: Self = Source::read(file, |name| std::env::var(name).ok())?.parse()?;
        config
            .check()
            .map_err(|(message, help)| ConfigError { help: Some(help), ..ConfigError::whole(file, message) })?;
        Ok(config)
    }

    fn check(&self) -> Result<(), (String, String)> {
        let secrets = [
            (&self.database.url, "database.url", "DATABASE_URL"),
            (&self.auth.jwt_secret, "auth.jwt_secret", "JWT_SECRET"),
            (&self.feed.internal_token, "feed.internal_token", "INTERNAL_TOKEN"),
        ];
        for (secret, key, variable) in secrets {
            if secret.expose().trim().is_empty() {
                return Err((format!("`{key}` is empty"), format!("set {variable} in the environment")));
            }
        }
        self.probe.check()?;
        self.auth.check()?;
        self.notifications.check()?;
        if self.feed.lease_ms == 0 || self.feed.poll_ms == 0 {
            return Err(("`feed.lease_ms` and `feed.poll_ms` cannot be 0".into(), "leave them out".into()));
        }
        if self.database.max_connections == 0 {
            return Err(("`database.max_connections` cannot be 0".into(), "leave it out".into()));
        }
        Ok(())
    }
}

impl Feed {
    /// How long a member may serve without renewing.
    pub fn lease(&self) -> Duration {
        Duration::from_millis(self.lease_ms)
    }

    /// How long who asks for an acknowledgement may wait.
    pub fn waits(&self) -> Waits {
        let millis = Duration::from_millis;
        Waits { usual: millis(self.ack_wait_ms), longest: millis(self.max_ack_wait_ms) }
    }

    /// How long leases last and when they count as run out.
    pub fn terms(&self) -> Terms {
        Terms::of(self.lease(), Duration::from_millis(self.drift_ms))
    }
}

impl Secret {
    /// A secret from text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text. Never log it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "(none)" } else { "(secret)" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIPPED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../config/origin.toml");

    fn parse(missing: &str) -> Result<Config, ConfigError> {
        Source::read(Path::new(SHIPPED), |name| {
            let value = if name == "REDIS_URL" { "redis://x" } else { "x" };
            (name != missing && !name.ends_with("_LISTEN")).then(|| value.to_owned())
        })?
        .parse()
    }

    #[test]
    fn the_shipped_file_is_understood_and_hides_its_secrets() {
        let text = Source::read(Path::new(SHIPPED), |name| match name {
            "ORIGIN_LISTEN" | "ORIGIN_INTERNAL_LISTEN" => None,
            "REDIS_URL" => Some("redis://:value-of-REDIS_URL@h".to_owned()),
            name => Some(format!("value-of-{name}")),
        })
        .unwrap();
        let config: Config = text.parse().unwrap();
        let shown = format!("{config:?}");
        for secret in
            ["DATABASE_URL", "JWT_SECRET", "INTERNAL_TOKEN", "S3_SECRET_ACCESS_KEY", "ADMIN_PASSWORD", "REDIS_URL"]
        {
            assert!(!shown.contains(&format!("value-of-{secret}")), "{secret} is shown");
        }
    }

    #[test]
    fn a_wrong_address_of_redis_is_told_with_its_line_and_not_shown() {
        let with = |name: &str| match name {
            "REDIS_URL" => Some("redis+sentinel://:secret@h".to_owned()),
            name => (!name.ends_with("_LISTEN")).then(|| "x".to_owned()),
        };
        let error = Source::read(Path::new(SHIPPED), with).unwrap().parse::<Config>().unwrap_err();
        assert_eq!(error.key.as_deref(), Some("redis.url"));
        assert!(error.line.is_some() && error.message.contains("name of the master"), "{error}");
        assert!(!format!("{error} {error:?}").contains("secret"));
    }

    #[test]
    fn only_addresses_of_edges_can_be_probed() {
        let probe = |edges: &str| Probe { edges: edges.to_owned(), ..Probe::default() };
        let named = probe("http://10.0.0.7:8080/, http://edge-2");
        assert!(named.check().is_ok() && probe("").check().is_ok());
        assert_eq!(named.edges().collect::<Vec<_>>(), ["http://10.0.0.7:8080", "http://edge-2"]);
        for wrong in ["edge-1", "https://edge-1", "http://edge-1/path", "http://", "http://e?x"] {
            assert!(probe(wrong).check().is_err(), "{wrong}");
        }
        assert!(probe(&"http://e ".repeat(MAX_PROBED + 1)).check().is_err());
        assert!(Probe { interval_ms: 99, ..probe("") }.check().is_err());
        assert!(Probe { host: "two\nlines".into(), ..probe("") }.check().is_err());
    }

    #[test]
    fn a_missing_secret_stops_the_start_and_is_named() {
        for name in ["DATABASE_URL", "JWT_SECRET", "INTERNAL_TOKEN", "S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY"] {
            let error = parse(name).unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
        }
        assert!(parse("REDIS_URL").unwrap().redis.url.is_none());
    }
}
