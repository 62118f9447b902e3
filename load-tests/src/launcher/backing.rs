//! The servers below the shop: our own, or those that the environment names.

use super::LauncherError;
use super::logs::say;
use crate::stack::{DataDir, Durability, Postgres, Redis, S3, S3Keys, S3Settings, Secrets, StackError};

/// Postgres, Redis and S3, and how to reach them. Those that are not ours are only used.
pub(crate) struct Backing {
    pub(crate) s3: Option<S3>,
    pub(crate) redis: Option<Redis>,
    pub(crate) postgres: Option<Postgres>,
    pub(crate) database_url: String,
    pub(crate) redis_url: String,
    pub(crate) files: S3Settings,
    /// Host and port that edges fetch files from.
    pub(crate) media_address: String,
}

/// What the environment names in place of our own servers.
#[derive(Default)]
pub(crate) struct Given {
    database_url: Option<String>,
    redis_url: Option<String>,
    files: Option<(S3Settings, String)>,
}

impl Given {
    /// Reads the variables through `read`.
    pub(crate) fn read(read: impl Fn(&str) -> Option<String>) -> Result<Self, LauncherError> {
        let read = |name: &str| read(name).filter(|value| !value.is_empty());
        let files = match read("S3_ENDPOINT") {
            None => None,
            Some(endpoint) => {
                let need =
                    |missing| read(missing).ok_or(LauncherError::MissingVariable { given: "S3_ENDPOINT", missing });
                let address = read("MEDIA_ADDRESS").map_or_else(|| authority(&endpoint), Ok)?;
                let settings = S3Settings {
                    bucket: read("S3_BUCKET").unwrap_or_else(|| "vitrine-media".to_owned()),
                    region: read("S3_REGION").unwrap_or_else(|| "us-east-1".to_owned()),
                    access_key: need("S3_ACCESS_KEY_ID")?,
                    secret_key: need("S3_SECRET_ACCESS_KEY")?,
                    endpoint,
                };
                Some((settings, address))
            }
        };
        Ok(Self { database_url: read("DATABASE_URL"), redis_url: read("REDIS_URL"), files })
    }

    /// Whether the database is our own, and so its content too.
    pub(crate) fn own_database(&self) -> bool {
        self.database_url.is_none()
    }
}

impl Backing {
    /// Starts what is not given.
    pub(crate) async fn start(given: Given, data: &DataDir, secrets: &Secrets) -> Result<Self, LauncherError> {
        let (postgres, database_url) = if let Some(url) = given.database_url {
            (None, url)
        } else {
            say("postgres", "starting");
            let postgres = Postgres::start(data, Durability::Full).await?;
            let url = postgres.create_database("vitrine").await?;
            (Some(postgres), url)
        };
        let (redis, redis_url) = if let Some(url) = given.redis_url {
            (None, url)
        } else {
            let redis = Redis::start(data).await?;
            let url = redis.url();
            (Some(redis), url)
        };
        let (s3, files, media_address) = if let Some((settings, address)) = given.files {
            (None, settings, address)
        } else {
            let s3 = S3::start(data, S3Keys::from(secrets))?;
            let (settings, address) = (s3.settings(), s3.address().to_string());
            (Some(s3), settings, address)
        };
        Ok(Self { s3, redis, postgres, database_url, redis_url, files, media_address })
    }
}

/// Host and port of a URL.
fn authority(url: &str) -> Result<String, LauncherError> {
    let uri: Option<http::Uri> = url.parse().ok();
    let host = uri.as_ref().and_then(http::Uri::host);
    let (Some(uri), Some(host)) = (&uri, host) else {
        return Err(LauncherError::Stack(StackError::Invalid {
            what: "S3_ENDPOINT".to_owned(),
            reason: format!("{url:?} is no URL such as http://127.0.0.1:9100"),
        }));
    };
    let default = if uri.scheme_str() == Some("https") { 443 } else { 80 };
    Ok(format!("{host}:{}", uri.port_u16().unwrap_or(default)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &[(&str, &str)]) -> Result<Given, LauncherError> {
        Given::read(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn nothing_is_given_by_empty_variables() {
        let given = with(&[("DATABASE_URL", ""), ("S3_ENDPOINT", "")]).unwrap();
        assert!(given.own_database() && given.files.is_none());
    }

    #[test]
    fn an_s3_needs_its_account() {
        let message = with(&[("S3_ENDPOINT", "http://s3:9100")]).err().unwrap().to_string();
        assert!(message.contains("S3_ACCESS_KEY_ID"), "{message}");
    }

    #[test]
    fn edges_fetch_files_from_the_endpoint_or_from_where_they_are_told() {
        let account = [("S3_ACCESS_KEY_ID", "a"), ("S3_SECRET_ACCESS_KEY", "b")];
        let address = |more: &[(&str, &str)]| with(&[&account, more].concat()).unwrap().files.unwrap().1;
        assert_eq!(address(&[("S3_ENDPOINT", "http://s3:9100/x")]), "s3:9100");
        assert_eq!(address(&[("S3_ENDPOINT", "https://s3.test")]), "s3.test:443");
        assert_eq!(address(&[("S3_ENDPOINT", "http://s3"), ("MEDIA_ADDRESS", "web:3902")]), "web:3902");
        assert!(with(&[&account[..], &[("S3_ENDPOINT", "s3/")]].concat()).is_err());
    }
}
