//! What Vitrine's programs are told through their environment. The launcher and the tests share these lists.

use std::net::SocketAddr;

use super::Secrets;

/// An S3 and the account to use.
#[derive(Clone)]
pub struct S3Settings {
    /// Its URL.
    pub endpoint: String,
    /// The bucket of the shop's files.
    pub bucket: String,
    /// Its region, which signatures cover.
    pub region: String,
    /// The account.
    pub access_key: String,
    /// The account's secret.
    pub secret_key: String,
}

/// The environment of `vitrine-origin`.
#[derive(Clone)]
pub struct OriginSettings {
    /// Where shops and administrators reach it.
    pub listen: SocketAddr,
    /// Where edges reach it: feed, leases.
    pub internal_listen: SocketAddr,
    /// The database, with its password.
    pub database_url: String,
    /// Redis, with its password.
    pub redis_url: String,
    /// Where files are stored.
    pub s3: S3Settings,
    /// What the URLs of files begin with, as visitors see them.
    pub media_base_url: String,
    /// The stack's secrets.
    pub secrets: Secrets,
}

impl OriginSettings {
    /// As variables.
    pub fn env(&self) -> Vec<(String, String)> {
        named([
            ("DATABASE_URL", self.database_url.clone()),
            ("REDIS_URL", self.redis_url.clone()),
            ("S3_ENDPOINT", self.s3.endpoint.clone()),
            ("S3_BUCKET", self.s3.bucket.clone()),
            ("S3_REGION", self.s3.region.clone()),
            ("S3_ACCESS_KEY_ID", self.s3.access_key.clone()),
            ("S3_SECRET_ACCESS_KEY", self.s3.secret_key.clone()),
            ("JWT_SECRET", self.secrets.jwt_secret.clone()),
            ("INTERNAL_TOKEN", self.secrets.internal_token.clone()),
            ("ORIGIN_LISTEN", self.listen.to_string()),
            ("ORIGIN_INTERNAL_LISTEN", self.internal_listen.to_string()),
            ("MEDIA_BASE_URL", self.media_base_url.clone()),
            ("ADMIN_EMAIL", self.secrets.admin_email.clone()),
            ("ADMIN_PASSWORD", self.secrets.admin_password.clone()),
            ("PUBLISHABLE_KEY", self.secrets.publishable_key.clone()),
        ])
    }
}

/// The environment of `vitrine-proxy`.
#[derive(Clone)]
pub struct EdgeSettings {
    /// Where visitors reach it.
    pub listen: SocketAddr,
    /// Where its operators reach it.
    pub ops_listen: SocketAddr,
    /// Opens the operations endpoints.
    pub ops_token: String,
    /// Host and port of the origin.
    pub origin_address: String,
    /// Host and port of the S3.
    pub media_address: String,
    /// The bucket of the shop's files.
    pub media_bucket: String,
    /// What stands before a file's key in the path there: `/BUCKET`, or `/` where the Host names the bucket.
    pub media_prefix: String,
    /// Redis, with its password.
    pub redis_url: String,
    /// Where the origin serves the purge feed.
    pub feed_url: String,
    /// Opens the feed.
    pub internal_token: String,
    /// Names this edge among the others.
    pub edge_id: String,
}

impl EdgeSettings {
    /// As variables.
    pub fn env(&self) -> Vec<(String, String)> {
        named([
            ("PROXY_LISTEN", self.listen.to_string()),
            ("OPS_LISTEN", self.ops_listen.to_string()),
            ("OPS_TOKEN", self.ops_token.clone()),
            ("ORIGIN_ADDRESS", self.origin_address.clone()),
            ("MEDIA_ADDRESS", self.media_address.clone()),
            ("MEDIA_BUCKET", self.media_bucket.clone()),
            ("MEDIA_PREFIX", self.media_prefix.clone()),
            ("REDIS_URL", self.redis_url.clone()),
            ("FEED_URL", self.feed_url.clone()),
            ("INTERNAL_TOKEN", self.internal_token.clone()),
            ("EDGE_ID", self.edge_id.clone()),
        ])
    }
}

fn named<const N: usize>(variables: [(&str, String); N]) -> Vec<(String, String)> {
    variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
