//! `vitrine test-stack -- COMMAND`: one Postgres for all tests that the command runs.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ExitCode, ExitStatus};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlx::Connection;
use tokio::process::{Child, Command};

use super::signals::{StopSignal, StopSignals};
use super::{LauncherError, TestStackArguments};
use crate::stack::{Durability, POSTGRES_VARIABLE, Postgres, Scratch, TEMPLATES_VARIABLE};

pub(crate) async fn run(arguments: TestStackArguments) -> Result<ExitCode, LauncherError> {
    let mut stop = StopSignals::listen()?;
    let scratch = Scratch::new()?;
    let mut postgres = tokio::select! {
        _ = stop.next() => return Ok(ExitCode::from(130)),
        started = Postgres::start(scratch.data(), Durability::Process) => started?,
    };
    let (program, rest) = arguments.command.split_first().map_or(("true", &[][..]), |(first, rest)| (first, rest));
    let mut command = Command::new(program);
    command.args(rest);
    command.env(POSTGRES_VARIABLE, postgres.url("postgres"));
    command.env(TEMPLATES_VARIABLE, scratch.path().join("templates"));
    if let Some(folder) = &arguments.migrations {
        let url = postgres.create_database("vitrine").await?;
        migrate(&url, folder).await.map_err(|source| LauncherError::Migrate { folder: folder.clone(), source })?;
        command.env("DATABASE_URL", url);
    }
    let failed = |source| LauncherError::Command { command: program.to_owned(), source };
    let mut child = command.spawn().map_err(failed)?;
    let ended = wait(&mut child, &mut stop).await.map_err(failed);
    postgres.stop().await;
    Ok(exit_code(ended?))
}

/// Applies migrations from their files, not from the origin: its queries may not compile yet, which is why one is here.
async fn migrate(url: &str, folder: &Path) -> Result<(), sqlx::migrate::MigrateError> {
    let migrations = sqlx::migrate::Migrator::new(folder).await?;
    migrations.run(&mut sqlx::PgConnection::connect(url).await?).await
}

/// Waits for the command, and passes on what asks us to stop.
async fn wait(child: &mut Child, stop: &mut StopSignals) -> std::io::Result<ExitStatus> {
    loop {
        tokio::select! {
            ended = child.wait() => return ended,
            // Ctrl-C reaches the command from the terminal, as it is in our group; it decides what to do.
            asked = stop.next() => if asked == StopSignal::Terminate {
                let pid = child.id().and_then(|pid| i32::try_from(pid).ok());
                if let Some(pid) = pid {
                    let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
                }
            }
        }
    }
}

/// As a shell has it: the command's own code, or 128 and the signal that ended it.
fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}
