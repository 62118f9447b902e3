//! A streaming standby of a running Postgres: a replica to read from, and the one that takes over.

use std::path::Path;
use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection};

use super::data_dir::write_private;
use super::postgres::{Cluster, OWNER, connect, identifier};
use super::postgres_home::place;
use super::wait::Deadline;
use super::{DataDir, Postgres, Program, ServerProcess, Site, StackError};

/// What replaying a backlog, or connecting to the primary, may take on a loaded machine.
const CATCH_UP_LIMIT: Duration = Duration::from_mins(1);

/// What a commit on the primary waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replication {
    /// Nothing of the standby: a promotion may lose the last commits.
    Asynchronous,
    /// The standby has written it to its disk (`synchronous_standby_names`). Without the standby commits hang.
    Synchronous,
}

/// A standby, or what was one before it was promoted. It ends when the value is dropped.
#[derive(Debug)]
pub struct Standby {
    postgres: Postgres,
}

impl Standby {
    /// Copies `primary` into `data` (a folder of its own), starts a server there, and waits until it streams.
    ///
    /// `name` is its name among several, in `a-z0-9_`. A replication slot of this name keeps on the primary the log
    /// that the standby still needs, however long it is away.
    pub async fn of(
        primary: &Postgres,
        data: &DataDir,
        name: &str,
        replication: Replication,
    ) -> Result<Self, StackError> {
        Self::at(primary, data, name, replication, Site::loopback()).await
    }

    /// The same at another site, which the primary lets in.
    pub async fn at(
        primary: &Postgres,
        data: &DataDir,
        name: &str,
        replication: Replication,
        site: Site,
    ) -> Result<Self, StackError> {
        let slot = identifier(name)?;
        let from = primary.cluster();
        let home = place(data, from.user.as_ref())?;
        copy(primary, data, &home, name, &site).await?;
        let password_file = data.root().join("postgres.password");
        write_private(&password_file, &format!("{}\n", from.password))?;
        let standby = Self { postgres: Cluster { home, site, ..from.clone() }.serve(data).await? };
        if replication == Replication::Synchronous {
            ask(&primary.url("postgres"), &format!("ALTER SYSTEM SET synchronous_standby_names = '{slot}'")).await?;
            ask(&primary.url("postgres"), "SELECT pg_reload_conf()").await?;
        }
        let state = match replication {
            Replication::Asynchronous => "state = 'streaming'",
            Replication::Synchronous => "state = 'streaming' AND sync_state = 'sync'",
        };
        let streams =
            format!("SELECT count(*) = 1 FROM pg_stat_replication WHERE application_name = '{name}' AND {state}");
        standby.until(&primary.url("postgres"), &streams).await?;
        Ok(standby)
    }

    /// The address of `database` on it, with the password in it: not for logs.
    pub fn url(&self, database: &str) -> String {
        self.postgres.url(database)
    }

    /// The server, to pause, stop, kill and restart it.
    pub fn postgres(&mut self) -> &mut Postgres {
        &mut self.postgres
    }

    /// Stops showing what the primary commits from now on. What it has received it keeps, and shows after
    /// [`Standby::resume_replay`]; a synchronous primary still commits. Returns once replay stands.
    pub async fn pause_replay(&self) -> Result<(), StackError> {
        ask(&self.url("postgres"), "SELECT pg_wal_replay_pause()").await?;
        self.until(&self.url("postgres"), "SELECT pg_get_wal_replay_pause_state() = 'paused'").await
    }

    /// Goes on after [`Standby::pause_replay`].
    pub async fn resume_replay(&self) -> Result<(), StackError> {
        ask(&self.url("postgres"), "SELECT pg_wal_replay_resume()").await
    }

    /// Waits until it shows all that `primary` has committed up to now.
    pub async fn caught_up(&self, primary: &Postgres) -> Result<(), StackError> {
        let position: String = one(&primary.url("postgres"), "SELECT pg_current_wal_lsn()::text").await?;
        let replayed = format!("SELECT pg_last_wal_replay_lsn() >= '{position}'::pg_lsn");
        self.until(&self.url("postgres"), &replayed).await
    }

    /// Makes it a primary. The old primary is not told: fencing it is the caller's part.
    /// Standbys of the old primary do not follow; make new ones of this server.
    pub async fn promote(&self) -> Result<(), StackError> {
        let url = self.url("postgres");
        ask(&url, "SELECT pg_promote(true, 60)").await?;
        // The copy may name a standby that commits of the old primary waited for.
        ask(&url, "ALTER SYSTEM RESET synchronous_standby_names").await?;
        ask(&url, "SELECT pg_reload_conf()").await?;
        self.until(&url, "SELECT NOT pg_is_in_recovery()").await
    }

    /// Takes the server out of this value, such as after a promotion.
    pub fn into_postgres(self) -> Postgres {
        self.postgres
    }

    async fn until(&self, url: &str, question: &str) -> Result<(), StackError> {
        let deadline = Deadline::after(CATCH_UP_LIMIT);
        while !one::<bool>(url, question).await? {
            if !deadline.again().await {
                return Err(StackError::Timeout { what: question.to_owned(), seconds: CATCH_UP_LIMIT.as_secs() });
            }
        }
        Ok(())
    }
}

/// `pg_basebackup`, with the settings that make the copy a standby.
async fn copy(primary: &Postgres, data: &DataDir, home: &Path, name: &str, site: &Site) -> Result<(), StackError> {
    let from = primary.cluster();
    // In a file: arguments and, to the same user, environments are seen by others.
    let secrets = home.with_extension("pgpass");
    let host = from.site.host();
    write_private(&secrets, &format!("{host}:*:*:{OWNER}:{}\n", from.password))?;
    if let Some(user) = &from.user {
        user.own(&secrets)?;
    }
    let connection = format!(
        "host={host} port={} user={OWNER} application_name={name} passfile='{}'",
        primary.port(),
        secrets.display(),
    );
    let program = Program::new("pg_basebackup", from.programs.join("pg_basebackup"), data)
        .args(["--no-password", "--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync"])
        .args(["--create-slot".to_owned(), format!("--slot={name}"), format!("--dbname={connection}")])
        .args([Path::new("--pgdata"), home])
        .user(from.user.clone())
        .namespace(site.namespace());
    let mut process = ServerProcess::spawn(program)?;
    let status = process.wait().await?;
    if !status.success() {
        return Err(process.failure(format!("failed with {status}")));
    }
    Ok(())
}

async fn ask(url: &str, statement: &str) -> Result<(), StackError> {
    let failed = |source| StackError::Database { doing: statement.to_owned(), source };
    let mut connection = connect(url).await.map_err(failed)?;
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut connection).await.map_err(failed)?;
    let _ = connection.close().await;
    Ok(())
}

async fn one<T>(url: &str, question: &str) -> Result<T, StackError>
where
    T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + Send + Unpin,
{
    let failed = |source| StackError::Database { doing: question.to_owned(), source };
    let mut connection = connect(url).await.map_err(failed)?;
    let value = sqlx::query_scalar::<_, T>(AssertSqlSafe(question.to_owned()))
        .fetch_one(&mut connection)
        .await
        .map_err(failed)?;
    let _ = connection.close().await;
    Ok(value)
}
