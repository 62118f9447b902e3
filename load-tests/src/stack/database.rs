//! A database for one test.

use std::fmt::Display;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sqlx::{AssertSqlSafe, Executor};

use super::postgres::{connect, create_database, identifier};
use super::test_server::TestServer;
use super::{StackError, random_hex, template};

/// What dropping a database may take; a test that has paused its server would wait for ever.
const DROP_LIMIT: Duration = Duration::from_secs(5);

/// A database of its own for one test, dropped with this value.
#[derive(Debug)]
pub struct TestDatabase {
    server: Arc<TestServer>,
    name: String,
}

impl TestDatabase {
    /// An empty one.
    pub async fn create() -> Result<Self, StackError> {
        Self::copy(TestServer::get().await?, None).await
    }

    /// A copy of the database that `prepare` fills: once for a server, however many tests ask for `template`.
    ///
    /// `prepare` gets the address of an empty database. `template` is in `a-z0-9_`, at most 40 long.
    pub async fn from_template<F, Fut, E>(template: &str, prepare: F) -> Result<Self, StackError>
    where
        F: FnOnce(String) -> Fut,
        Fut: Future<Output = Result<(), E>>,
        E: Display,
    {
        Self::from_template_with_folder(template, |url, _| prepare(url)).await.map(|(database, _)| database)
    }

    /// The same for a template that also has files. `prepare` gets their folder too, and the caller gets it to copy from.
    pub(crate) async fn from_template_with_folder<F, Fut, E>(
        template: &str,
        prepare: F,
    ) -> Result<(Self, PathBuf), StackError>
    where
        F: FnOnce(String, PathBuf) -> Fut,
        Fut: Future<Output = Result<(), E>>,
        E: Display,
    {
        let server = TestServer::get().await?;
        let folder = server.template_folder(template);
        let files = folder.clone();
        let name = template::ensure(&server, template, |url| prepare(url, files)).await?;
        Ok((Self::copy(server, Some(&name)).await?, folder))
    }

    /// Its address, with the password in it.
    pub fn url(&self) -> String {
        self.server.url(&self.name)
    }

    /// Its name on the server.
    pub fn name(&self) -> &str {
        &self.name
    }

    async fn copy(server: Arc<TestServer>, template: Option<&str>) -> Result<Self, StackError> {
        let name = format!("test_{}", random_hex(8));
        create_database(server.admin_url(), &name, template).await?;
        Ok(Self { server, name })
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if self.server.ends_with_us() {
            return;
        }
        let (admin, name) = (self.server.admin_url().to_owned(), self.name.clone());
        // In a thread, since a runtime cannot be entered from within another. Best effort: the server ends soon anyway.
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
            runtime.block_on(async {
                let drop = async {
                    let mut connection = connect(&admin).await.ok()?;
                    let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", identifier(&name).ok()?);
                    connection.execute(AssertSqlSafe(statement)).await.ok()
                };
                tokio::time::timeout(DROP_LIMIT, drop).await.ok().flatten()
            })
        });
        let _ = thread.join();
    }
}
