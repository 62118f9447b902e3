//! Who signs in, and where messages for them go.

use std::path::PathBuf;

use serde::Deserialize;

use super::Secret;

/// Signing in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    /// Signs bearer tokens (HS256).
    pub jwt_secret: Secret,
    /// How long a bearer token holds.
    #[serde(default = "defaults::token_lifetime_s")]
    pub token_lifetime_s: u64,
    /// Password hashes computed at once; each takes about 20 MB and tens of milliseconds of one core.
    #[serde(default = "defaults::max_concurrent_hashes")]
    pub max_concurrent_hashes: usize,
    /// Whether customers must verify their e-mail address before they are signed in.
    #[serde(default)]
    pub verify_customers: bool,
    /// The name of the session cookie; edges must bypass it (`bypass` in the proxy's rules).
    #[serde(default = "defaults::session_cookie")]
    pub session_cookie: String,
    /// Whether browsers send the session cookie over HTTPS alone.
    #[serde(default = "defaults::session_cookie_secure")]
    pub session_cookie_secure: bool,
    /// How long a session holds.
    #[serde(default = "defaults::session_lifetime_s")]
    pub session_lifetime_s: u64,
    /// Sessions of one identity at once; its oldest end when there are more.
    #[serde(default = "defaults::max_sessions")]
    pub max_sessions: usize,
    /// In how long a window attempts to sign in, to register or to have a mail sent are counted.
    #[serde(default = "defaults::attempts_window_s")]
    pub attempts_window_s: u64,
    /// Attempts for one identity in a window, by kind; signing in with the right password does not count.
    #[serde(default = "defaults::attempts_per_identity")]
    pub attempts_per_identity: u64,
    /// Attempts of one client in a window, by kind. A storefront's server is one client for all of its customers.
    #[serde(default = "defaults::attempts_per_client")]
    pub attempts_per_client: u64,
}

/// Messages for people: password resets, codes for verifications. Without a place to go they are not sent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Notifications {
    /// A file at whose end they are written, as lines of JSON; empty: none.
    pub file: PathBuf,
    /// A URL that they are posted to; empty: none.
    pub webhook_url: String,
    /// The bearer token that is sent there; empty: none.
    pub webhook_token: Secret,
}

impl Auth {
    pub(super) fn check(&self) -> Result<(), (String, String)> {
        let counts = [self.max_concurrent_hashes, self.max_sessions];
        let times =
            [self.session_lifetime_s, self.attempts_window_s, self.attempts_per_identity, self.attempts_per_client];
        if counts.contains(&0) || times.contains(&0) {
            return Err(("limits and times of `[auth]` cannot be 0".into(), "leave them out".into()));
        }
        let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        if self.session_cookie.is_empty() || !self.session_cookie.bytes().all(is_token) {
            return Err(("`auth.session_cookie` cannot be a cookie's name".into(), "such as connect.sid".into()));
        }
        Ok(())
    }
}

impl Notifications {
    pub(super) fn check(&self) -> Result<(), (String, String)> {
        let url: Option<url::Url> = self.webhook_url.parse().ok();
        let is_url = url.is_some_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if !self.webhook_url.is_empty() && !is_url {
            return Err((
                "`notifications.webhook_url` is not a URL".into(),
                "such as https://mailer.example/hook".into(),
            ));
        }
        if !self.webhook_url.is_empty() && !self.file.as_os_str().is_empty() {
            let text = "`notifications.file` and `notifications.webhook_url` are both set";
            return Err((text.into(), "choose one".into()));
        }
        Ok(())
    }
}

mod defaults {
    pub(super) fn token_lifetime_s() -> u64 {
        24 * 60 * 60
    }
    pub(super) fn max_concurrent_hashes() -> usize {
        2
    }
    pub(super) fn session_cookie() -> String {
        "connect.sid".to_owned()
    }
    pub(super) fn session_cookie_secure() -> bool {
        true
    }
    pub(super) fn session_lifetime_s() -> u64 {
        10 * 60 * 60
    }
    pub(super) fn max_sessions() -> usize {
        20
    }
    pub(super) fn attempts_window_s() -> u64 {
        60
    }
    pub(super) fn attempts_per_identity() -> u64 {
        10
    }
    pub(super) fn attempts_per_client() -> u64 {
        600
    }
}
