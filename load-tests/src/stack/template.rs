//! Template databases: what is dear to make is made once a server, and then copied.

use std::fmt::Display;

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use super::StackError;
use super::postgres::{connect, identifier};
use super::test_server::TestServer;

/// Makes the template `name` with `prepare` unless it is there, and returns its name in the server.
///
/// An advisory lock lets one process prepare while the others wait. It ends with its connection, so a preparer
/// that dies leaves no lock; its half-made database has another name and is made anew.
pub(crate) async fn ensure<F, Fut, E>(server: &TestServer, name: &str, prepare: F) -> Result<String, StackError>
where
    F: FnOnce(String) -> Fut,
    Fut: Future<Output = Result<(), E>>,
    E: Display,
{
    let template = format!("template_{name}");
    let doing = || format!("lock the template {name}");
    let mut admin = connect(server.admin_url()).await.map_err(StackError::database(doing()))?;
    sqlx::query("SELECT pg_advisory_lock(hashtextextended($1, 0))")
        .bind(&template)
        .execute(&mut admin)
        .await
        .map_err(StackError::database(doing()))?;
    if !is_ready(&mut admin, &template).await? {
        make(server, &mut admin, &template, prepare).await?;
    }
    let _ = admin.close().await;
    Ok(template)
}

async fn is_ready(admin: &mut PgConnection, template: &str) -> Result<bool, StackError> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)")
        .bind(template)
        .fetch_one(admin)
        .await
        .map_err(StackError::database(format!("look for the database {template}")))
}

async fn make<F, Fut, E>(
    server: &TestServer,
    admin: &mut PgConnection,
    template: &str,
    prepare: F,
) -> Result<(), StackError>
where
    F: FnOnce(String) -> Fut,
    Fut: Future<Output = Result<(), E>>,
    E: Display,
{
    let unfinished = format!("unfinished_{template}");
    let (from, to) = (identifier(&unfinished)?, identifier(template)?);
    execute(admin, format!("DROP DATABASE IF EXISTS {from} WITH (FORCE)")).await?;
    execute(admin, format!("CREATE DATABASE {from} TEMPLATE template0")).await?;
    prepare(server.url(&unfinished))
        .await
        .map_err(|error| StackError::Template { template: template.to_owned(), reason: error.to_string() })?;
    // A database can be renamed and copied only while nobody is connected to it; the preparer's pool may linger.
    execute(admin, format!("ALTER DATABASE {from} WITH ALLOW_CONNECTIONS false")).await?;
    sqlx::query("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1")
        .bind(&unfinished)
        .execute(&mut *admin)
        .await
        .map_err(StackError::database(format!("end the connections to {unfinished}")))?;
    execute(admin, format!("ALTER DATABASE {from} RENAME TO {to}")).await
}

async fn execute(admin: &mut PgConnection, statement: String) -> Result<(), StackError> {
    let doing = statement.clone();
    admin.execute(AssertSqlSafe(statement)).await.map(drop).map_err(StackError::database(doing))
}
