//! The Postgres that tests share.
//!
//! `vitrine test-stack -- COMMAND` starts one for all tests that COMMAND runs and names it in [`POSTGRES_VARIABLE`].
//! A test that is run by hand, without it, starts one of its own, which ends with the last database on it.

use std::path::PathBuf;
use std::sync::{Arc, Weak};

use tokio::sync::Mutex;

use super::{Durability, Postgres, Scratch, StackError};

/// The address of the shared server's database `postgres`, with a user who may make databases.
pub const POSTGRES_VARIABLE: &str = "VITRINE_TEST_POSTGRES_URL";
/// The folder for what belongs to template databases but lies outside of Postgres.
pub const TEMPLATES_VARIABLE: &str = "VITRINE_TEST_TEMPLATES";

static OWN: Mutex<Weak<TestServer>> = Mutex::const_new(Weak::new());

/// A server that test databases are made on.
#[derive(Debug)]
pub(crate) struct TestServer {
    admin_url: String,
    templates: PathBuf,
    /// Ends with us, the server before its folder.
    own: Option<(Postgres, Scratch)>,
}

impl TestServer {
    /// The shared one, or this process's own.
    pub(crate) async fn get() -> Result<Arc<Self>, StackError> {
        if let Ok(admin_url) = std::env::var(POSTGRES_VARIABLE) {
            let templates = std::env::var_os(TEMPLATES_VARIABLE)
                .map_or_else(|| std::env::temp_dir().join("vitrine-test-templates"), PathBuf::from);
            return Ok(Arc::new(Self { admin_url, templates, own: None }));
        }
        let mut own = OWN.lock().await;
        if let Some(server) = own.upgrade() {
            return Ok(server);
        }
        let scratch = Scratch::new()?;
        let postgres = Postgres::start(scratch.data(), Durability::Process).await?;
        let server = Arc::new(Self {
            admin_url: postgres.url("postgres"),
            templates: scratch.path().join("templates"),
            own: Some((postgres, scratch)),
        });
        *own = Arc::downgrade(&server);
        Ok(server)
    }

    pub(crate) fn admin_url(&self) -> &str {
        &self.admin_url
    }

    /// The address of another database on it.
    pub(crate) fn url(&self, database: &str) -> String {
        let (address, parameters) = self.admin_url.split_once('?').unwrap_or((&self.admin_url, ""));
        let server = address.rsplit_once('/').map_or(address, |(server, _)| server);
        let mark = if parameters.is_empty() { "" } else { "?" };
        format!("{server}/{database}{mark}{parameters}")
    }

    /// The folder for what belongs to one template.
    pub(crate) fn template_folder(&self, template: &str) -> PathBuf {
        self.templates.join(template)
    }

    /// Whether it ends with its last user, so that nothing need be tidied up on it.
    pub(crate) fn ends_with_us(&self) -> bool {
        self.own.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_database_of_the_address_changes() {
        for (admin, expected) in [
            ("postgres://u:p@127.0.0.1:5432/postgres", "postgres://u:p@127.0.0.1:5432/shop"),
            ("postgres://u:p@h/postgres?sslmode=disable", "postgres://u:p@h/shop?sslmode=disable"),
        ] {
            let server = TestServer { admin_url: admin.to_owned(), templates: PathBuf::new(), own: None };
            assert_eq!(server.url("shop"), expected);
        }
    }
}
