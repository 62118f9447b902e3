//! The pool of Postgres connections, and the schema.

use std::str::FromStr as _;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _};

use crate::config::Database;

/// The schema, embedded; applied by the subcommand `migrate`.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("../migrations");

/// A connection that was idle for longer is tried before it is used: Postgres may have restarted meanwhile.
const TRY_AFTER_IDLE: Duration = Duration::from_secs(1);

/// How to connect; fails only where the URL cannot be read.
pub fn connect_options(config: &Database) -> Result<PgConnectOptions, sqlx::Error> {
    let options = PgConnectOptions::from_str(config.url.expose())?
        .application_name("vitrine-origin")
        .options([("statement_timeout", config.statement_timeout_ms.to_string())])
        // Statements are short and many; compiling one costs more than it runs.
        .options([("jit", "off")])
        // Planning one costs as much as it runs, and its values would make no better plan.
        .options([("plan_cache_mode", "force_generic_plan")])
        .log_statements(log::LevelFilter::Off)
        .log_slow_statements(log::LevelFilter::Warn, Duration::from_millis(config.slow_statement_ms));
    Ok(options)
}

/// A pool that connects when it is first needed, and again when Postgres is back after a failure.
pub fn pool(config: &Database) -> Result<PgPool, sqlx::Error> {
    Ok(pool_with(config, connect_options(config)?))
}

fn pool_with(config: &Database, options: PgConnectOptions) -> PgPool {
    PgPoolOptions::new()
        .max_connections(config.max_connections)
        .acquire_timeout(Duration::from_millis(config.acquire_timeout_ms))
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for > TRY_AFTER_IDLE {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_lazy_with(options)
}

/// Whether Postgres answers.
pub async fn is_reachable(pool: &PgPool) -> bool {
    sqlx::query!("SELECT 1 AS one").fetch_one(pool).await.is_ok()
}
